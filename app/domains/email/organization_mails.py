"""One function for each mail about the life of an organization."""

from datetime import datetime

from app.domains.email.promising import promise


def ownership_offer(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Offer an organization to one of its members."""
    promise(
        "ownership_offer",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        actor_name=actor_name,
        expires_at=expires_at,
        link=link,
    )


def ownership_transfer(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    person_name: str,
    at: datetime,
    link: str,
) -> None:
    """Tell the old and the new owner that an organization changed hands."""
    promise(
        "ownership_transfer",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        actor_name=actor_name,
        person_name=person_name,
        at=at,
        link=link,
    )


def ownership_refusal(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, person_name: str, link: str
) -> None:
    """Tell the owner that their offer was declined."""
    promise(
        "ownership_refusal",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        person_name=person_name,
        link=link,
    )


def ownership_withdrawal(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str
) -> None:
    """Tell a member that what was offered to them is not any more."""
    promise("ownership_withdrawal", to, first_name, tenant_name, tenant_id=tenant_id, actor_name=actor_name)


def domain_loss(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, domain: str, link: str
) -> None:
    """Tell owner and admins that a domain's record is gone."""
    promise("domain_loss", to, first_name, tenant_name, tenant_id=tenant_id, domain=domain, link=link)


def closing_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    actor_name: str,
    due_at: datetime,
    link: str,
) -> None:
    """Tell whoever answers for an organization that it is going to be closed."""
    promise(
        "closing_request",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        actor_name=actor_name,
        due_at=due_at,
        link=link,
    )


def closing_reminder(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, due_at: datetime, link: str
) -> None:
    """Tell the same people a day ahead."""
    promise("closing_reminder", to, first_name, tenant_name, tenant_id=tenant_id, due_at=due_at, link=link)


def closing_stop(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str, at: datetime, link: str
) -> None:
    """Tell the same people that an organization is kept after all."""
    promise(
        "closing_stop",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        actor_name=actor_name,
        at=at,
        link=link,
    )


def closing_done(to: str, *, first_name: str, tenant_name: str, at: datetime) -> None:
    """Tell a member that an organization is gone."""
    promise("closing_done", to, first_name, tenant_name, at=at)


def organization_export_ready(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, expires_at: datetime, link: str
) -> None:
    """Tell whoever asked where the export of an organization can be fetched."""
    promise(
        "organization_export_ready",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        expires_at=expires_at,
        link=link,
    )


def join_request(
    to: str,
    *,
    first_name: str,
    tenant_name: str,
    tenant_id: int,
    person_name: str,
    email: str,
    reason: str,
    link: str,
) -> None:
    """Tell somebody who manages members that a person asks to join."""
    promise(
        "join_request",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        person_name=person_name,
        email=email,
        reason=reason,
        link=link,
    )


def join_approval(
    to: str, *, first_name: str, tenant_name: str, tenant_id: int, actor_name: str, link: str
) -> None:
    """Tell a person that they are a member."""
    promise(
        "join_approval", to, first_name, tenant_name, tenant_id=tenant_id, actor_name=actor_name, link=link
    )


def join_refusal(to: str, *, first_name: str, tenant_name: str, tenant_id: int, answer: str) -> None:
    """Tell a person that they are not taken in."""
    promise("join_refusal", to, first_name, tenant_name, tenant_id=tenant_id, answer=answer)
