"""The mails about API tokens.

What warns somebody of their own account is the instance's to say, never an organization's server's.
"""

from datetime import datetime

from app.domains.email.promising import mail


@mail
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


@mail
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


@mail
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


@mail
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


@mail
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
