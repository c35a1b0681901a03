"""The mails about API tokens.

What warns somebody of their own account is the instance's to say, never an organization's server's.
"""

from datetime import datetime

from app.domains.email.promising import promise


def new_api_token(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    token_name: str,
    scopes: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell someone that an API token of theirs was made."""
    promise(
        "new_api_token",
        to,
        first_name,
        tenant_name,
        token_name=token_name,
        scopes=scopes,
        expires_at=expires_at,
        link=link,
    )


def token_expiry(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    token_name: str,
    expires_at: datetime,
    link: str,
) -> None:
    """Tell someone that an API token of theirs runs out soon."""
    promise(
        "token_expiry",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        token_name=token_name,
        expires_at=expires_at,
        link=link,
    )


def leaked_token(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    token_name: str,
    found_at: str,
    at: datetime,
    link: str,
) -> None:
    """Tell someone that an API token of theirs was found in public and ended."""
    promise(
        "leaked_token",
        to,
        first_name,
        tenant_name,
        token_name=token_name,
        found_at=found_at,
        at=at,
        link=link,
    )


def token_revocation(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    token_name: str,
    revoked_by: str,
    at: datetime,
    link: str,
) -> None:
    """Tell someone that an admin of their organization ended an API token of theirs."""
    promise(
        "token_revocation",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        token_name=token_name,
        revoked_by=revoked_by,
        at=at,
        link=link,
    )


def member_token_leak(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    token_name: str,
    member_name: str,
    found_at: str,
    at: datetime,
    link: str,
) -> None:
    """Tell an organization's owner that a member's API token for it was found in public and ended."""
    promise(
        "member_token_leak",
        to,
        first_name,
        tenant_name,
        tenant_id=tenant_id,
        token_name=token_name,
        member_name=member_name,
        found_at=found_at,
        at=at,
        link=link,
    )
