"""The mails about access that members ask their admins for."""

from datetime import datetime

from app.domains.email.promising import promise


def access_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    member_name: str,
    wanted: str,
    reason: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell an owner or admin that a member asks for access."""
    promise(
        "access_request",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        member_name=member_name,
        wanted=wanted,
        reason=reason,
        expires_at=expires_at,
        link=link,
    )


def access_grant(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    wanted: str,
    given: str,
    decided_by: str,
    answer: str,
    link: str,
) -> None:
    """Tell a member that they have what they asked for."""
    promise(
        "access_grant",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        wanted=wanted,
        given=given,
        decided_by=decided_by,
        answer=answer,
        link=link,
    )


def access_refusal(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    wanted: str,
    decided_by: str,
    answer: str,
    link: str,
) -> None:
    """Tell a member that they do not get what they asked for."""
    promise(
        "access_refusal",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        wanted=wanted,
        decided_by=decided_by,
        answer=answer,
        link=link,
    )
