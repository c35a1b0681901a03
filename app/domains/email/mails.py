"""One function for each mail: what it needs, promised to the outbox in the request's own transaction."""

from datetime import datetime, timedelta

from app.domains.email.access_mails import access_end, access_return, role_change
from app.domains.email.access_request_mails import access_grant, access_refusal, access_request
from app.domains.email.audit_mails import audit_archive_failure, audit_export_ready
from app.domains.email.billing_mails import invoice, payment_failure, subscription_start, trial_end_notice
from app.domains.email.client_mails import service_sign_in_failures
from app.domains.email.domain_mails import sender_domain_status
from app.domains.email.factor_mails import (
    factor_recovery_cancellation,
    factor_recovery_due,
    factor_recovery_request,
    two_factor_demand,
)
from app.domains.email.member_mails import member_invitation, seat_shortage
from app.domains.email.organization_mails import (
    closing_done,
    closing_reminder,
    closing_request,
    closing_stop,
    domain_loss,
    join_approval,
    join_refusal,
    join_request,
    organization_export_ready,
    ownership_offer,
    ownership_refusal,
    ownership_transfer,
    ownership_withdrawal,
)
from app.domains.email.passkey_mails import passkey_addition, passkey_copy, passkey_removal
from app.domains.email.privacy_mails import (
    data_export_ready,
    deletion_done,
    deletion_reminder,
    deletion_request,
)
from app.domains.email.promising import SEAL_CONTEXT, mail, promise
from app.domains.email.server_mails import smtp_failure, smtp_test
from app.domains.email.setting_mails import setting_lock
from app.domains.email.support_mails import account_standing, support_grant, support_request, support_start
from app.domains.email.token_mails import (
    leaked_token,
    member_token_leak,
    new_api_token,
    token_expiry,
    token_revocation,
)

__all__ = [
    "SEAL_CONTEXT",
    "access_end",
    "access_grant",
    "access_refusal",
    "access_request",
    "access_return",
    "account_standing",
    "audit_archive_failure",
    "audit_export_ready",
    "closing_done",
    "closing_reminder",
    "closing_request",
    "closing_stop",
    "data_export_ready",
    "deletion_done",
    "deletion_reminder",
    "deletion_request",
    "domain_loss",
    "factor_recovery_cancellation",
    "factor_recovery_due",
    "factor_recovery_request",
    "invoice",
    "join_approval",
    "join_refusal",
    "join_request",
    "leaked_token",
    "member_invitation",
    "member_token_leak",
    "new_api_token",
    "organization_export_ready",
    "ownership_offer",
    "ownership_refusal",
    "ownership_transfer",
    "ownership_withdrawal",
    "passkey_addition",
    "passkey_copy",
    "passkey_removal",
    "payment_failure",
    "role_change",
    "seat_shortage",
    "sender_domain_status",
    "service_sign_in_failures",
    "setting_lock",
    "smtp_failure",
    "smtp_test",
    "subscription_start",
    "support_grant",
    "support_request",
    "support_start",
    "token_expiry",
    "token_revocation",
    "trial_end_notice",
    "two_factor_demand",
]


@mail
def signup_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail the code that proves an address at sign-up."""


@mail
def known_address_notice(
    to: str, *, first_name: str, tenant_name: str | None = None, sign_in_url: str, reset_url: str
) -> None:
    """Tell someone whose address was used for another sign-up."""


@mail
def email_verification(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    verify_url: str,
    token: str,
    expires_in: timedelta,
) -> None:
    """Mail a link that proves an address."""


@mail
def organization_claim(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    verify_url: str,
    token: str,
    expires_in: timedelta,
) -> None:
    """Mail a link that confirms having founded an organization."""


@mail
def welcome(to: str, *, first_name: str, tenant_name: str | None = None, link: str) -> None:
    """Mail a new person that the account is ready."""


@mail
def organization_welcome(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    tenant_id: int | None = None,
    trial_ends_at: datetime,
    link: str,
) -> None:
    """Tell an owner that the organization is ready."""


@mail
def organization_status(to: str, *, first_name: str, tenant_name: str, status: str, reason: str) -> None:
    """Tell owner and billing address that an organization was suspended, closed or opened again."""


@mail
def sign_in_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail a code that signs in once."""


@mail
def security_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail a code that a sensitive step asks for."""


@mail
def password_reset(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    reset_url: str,
    token: str,
    expires_in: timedelta,
) -> None:
    """Mail a link for a new password."""


@mail
def password_change(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    changed_at: datetime,
    ip_address: str,
    link: str,
) -> None:
    """Tell someone that their password was changed."""


@mail
def new_sign_in(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    device: str,
    ip_address: str,
    signed_in_at: datetime,
    link: str,
) -> None:
    """Tell someone that a device unknown so far signed in."""


@mail
def session_reuse(
    to: str, *, first_name: str, tenant_name: str | None = None, device: str, detected_at: datetime, link: str
) -> None:
    """Tell someone that a sign-in was ended because a spent token was shown again."""


@mail
def global_sign_out(
    to: str, *, first_name: str, tenant_name: str | None = None, sessions: int, tokens: int, at: datetime
) -> None:
    """Tell someone that all their sign-ins and API tokens were ended."""


@mail
def two_factor_activation(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone that their second factor was switched on."""


@mail
def two_factor_removal(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone that their second factor was switched off."""


@mail
def new_backup_codes(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone that new recovery codes are in force."""


@mail
def backup_code_use(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, remaining: int, link: str
) -> None:
    """Tell someone that one of their recovery codes was used."""


@mail
def email_change_token(
    to: str,
    *,
    first_name: str,
    tenant_name: str | None = None,
    confirm_url: str,
    token: str,
    expires_in: timedelta,
) -> None:
    """Mail a link that makes an address the person's own, to that address."""


@mail
def email_change_notice(
    to: str, *, first_name: str, tenant_name: str | None = None, at: datetime, link: str
) -> None:
    """Tell someone, at their present address, that another is to take its place."""


@mail
def address_in_use_notice(
    to: str, *, first_name: str, tenant_name: str | None = None, sign_in_url: str
) -> None:
    """Tell someone that another account wanted their address."""


def email_change(
    to: str, *, first_name: str, tenant_name: str | None = None, new_email: str, at: datetime, link: str
) -> None:
    """Tell someone, at the old and at the new address, that it was changed."""
    promise(
        "email_change",
        to,
        first_name,
        tenant_name,
        known_as=new_email,
        new_email=new_email,
        at=at,
        link=link,
    )


def email_change_undone(
    to: str, *, first_name: str, tenant_name: str | None = None, email: str, at: datetime, reset_url: str
) -> None:
    """Tell someone that their address was put back and everybody signed out."""
    promise(
        "email_change_undone",
        to,
        first_name,
        tenant_name,
        known_as=email,
        email=email,
        at=at,
        reset_url=reset_url,
    )
