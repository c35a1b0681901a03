"""One function for each mail: what it needs, promised to the outbox in the request's own transaction."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from app.core import outbox
from app.core.secrets import seal
from app.domains.email import wording
from app.domains.email.definition import MailDefinition

SEAL_CONTEXT = "outbox:mail"

MAILS: Mapping[str, MailDefinition] = {
    mail.name: mail
    for mail in (
        MailDefinition(
            name="signup_code",
            event="account.signup_code",
            variables=("code", "expires_in"),
            subject="{{ code }} is your code for {{ app_name }}",
        ),
        MailDefinition(
            name="known_address_notice",
            event="account.already_registered",
            variables=("sign_in_url", "reset_url"),
            subject="You have an account with {{ app_name }} already",
        ),
        MailDefinition(
            name="email_verification",
            event="account.verify_email",
            variables=("verify_url", "token", "expires_in"),
            subject="Confirm your e-mail address for {{ app_name }}",
        ),
        MailDefinition(
            name="organization_claim",
            event="account.tenant_claim",
            variables=("verify_url", "token", "expires_in"),
            subject="Did you found {{ tenant_name }}?",
        ),
        MailDefinition(
            name="welcome",
            event="account.welcome",
            variables=("link",),
            subject="Welcome to {{ app_name }}",
        ),
        MailDefinition(
            name="organization_welcome",
            event="organization.welcome",
            variables=("trial_ends_at", "link"),
            subject="{{ tenant_name }} is ready",
        ),
        MailDefinition(
            name="organization_status",
            event="organization.status_changed",
            variables=("status", "reason"),
            subject="{{ tenant_name }} is now {{ status }}",
        ),
        MailDefinition(
            name="sign_in_code",
            event="account.sign_in_code",
            variables=("code", "expires_in"),
            subject="{{ code }} signs you in",
        ),
        MailDefinition(
            name="security_code",
            event="account.security_code",
            variables=("code", "expires_in"),
            subject="{{ code }} confirms that it is you",
        ),
        MailDefinition(
            name="password_reset",
            event="account.password_reset",
            variables=("reset_url", "token", "expires_in"),
            subject="Choose a new password for {{ tenant_name }}",
        ),
        MailDefinition(
            name="password_change",
            event="account.password_changed",
            variables=("changed_at", "ip_address", "link"),
            subject="Your password was changed",
        ),
        MailDefinition(
            name="new_sign_in",
            event="account.new_sign_in",
            variables=("device", "ip_address", "signed_in_at", "link"),
            subject="New sign-in to {{ tenant_name }}",
        ),
        MailDefinition(
            name="session_reuse",
            event="account.session_reuse",
            variables=("device", "detected_at", "link"),
            subject="We ended one of your sign-ins",
        ),
        MailDefinition(
            name="global_sign_out",
            event="account.signed_out_everywhere",
            variables=("sessions", "tokens", "at"),
            subject="You are signed out everywhere",
        ),
    )
}


def signup_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail the code that proves an address at sign-up."""
    _promise("signup_code", to, first_name, tenant_name, code=code, expires_in=expires_in)


def known_address_notice(
    to: str, *, first_name: str, tenant_name: str | None = None, sign_in_url: str, reset_url: str
) -> None:
    """Tell someone whose address was used for another sign-up."""
    _promise(
        "known_address_notice", to, first_name, tenant_name, sign_in_url=sign_in_url, reset_url=reset_url
    )


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
    _promise(
        "email_verification",
        to,
        first_name,
        tenant_name,
        verify_url=verify_url,
        token=token,
        expires_in=expires_in,
    )


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
    _promise(
        "organization_claim",
        to,
        first_name,
        tenant_name,
        verify_url=verify_url,
        token=token,
        expires_in=expires_in,
    )


def welcome(to: str, *, first_name: str, tenant_name: str | None = None, link: str) -> None:
    """Mail a new person that the account is ready."""
    _promise("welcome", to, first_name, tenant_name, link=link)


def organization_welcome(
    to: str, *, first_name: str, tenant_name: str | None = None, trial_ends_at: datetime, link: str
) -> None:
    """Tell an owner that the organization is ready."""
    _promise("organization_welcome", to, first_name, tenant_name, trial_ends_at=trial_ends_at, link=link)


def organization_status(to: str, *, first_name: str, tenant_name: str, status: str, reason: str) -> None:
    """Tell owner and billing address that an organization was suspended, closed or opened again."""
    _promise("organization_status", to, first_name, tenant_name, status=status, reason=reason)


def sign_in_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail a code that signs in once."""
    _promise("sign_in_code", to, first_name, tenant_name, code=code, expires_in=expires_in)


def security_code(
    to: str, *, first_name: str, tenant_name: str | None = None, code: str, expires_in: timedelta
) -> None:
    """Mail a code that a sensitive step asks for."""
    _promise("security_code", to, first_name, tenant_name, code=code, expires_in=expires_in)


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
    _promise(
        "password_reset", to, first_name, tenant_name, reset_url=reset_url, token=token, expires_in=expires_in
    )


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
    _promise(
        "password_change",
        to,
        first_name,
        tenant_name,
        changed_at=changed_at,
        ip_address=ip_address,
        link=link,
    )


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
    _promise(
        "new_sign_in",
        to,
        first_name,
        tenant_name,
        device=device,
        ip_address=ip_address,
        signed_in_at=signed_in_at,
        link=link,
    )


def session_reuse(
    to: str, *, first_name: str, tenant_name: str | None = None, device: str, detected_at: datetime, link: str
) -> None:
    """Tell someone that a sign-in was ended because a spent token was shown again."""
    _promise("session_reuse", to, first_name, tenant_name, device=device, detected_at=detected_at, link=link)


def global_sign_out(
    to: str, *, first_name: str, tenant_name: str | None = None, sessions: int, tokens: int, at: datetime
) -> None:
    """Tell someone that all their sign-ins and API tokens were ended."""
    _promise("global_sign_out", to, first_name, tenant_name, sessions=sessions, tokens=tokens, at=at)


def _promise(
    name: str, to: str, first_name: str, tenant_name: str | None, **own: str | int | datetime | timedelta
) -> None:
    definition = MAILS[name]
    variables = {key: wording.written(value) for key, value in own.items()}
    secret = {key: variables.pop(key) for key in sorted(definition.secret)}
    outbox.promise(
        "mail",
        {
            "mail": name,
            "event": definition.event,
            "to": to,
            "first_name": first_name,
            "tenant_name": tenant_name,
            **variables,
            "sealed": seal(json.dumps(secret), SEAL_CONTEXT),
        },
    )
