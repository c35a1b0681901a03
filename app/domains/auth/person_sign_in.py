"""Sign-ins of a person as a whole: access tokens of half an hour, which select an organization later."""

from dataclasses import dataclass
from datetime import timedelta

from app.core.access import Access, Actor, operation
from app.domains.auth import sign_in
from app.domains.sessions.operations import Plan, rotate
from app.domains.sessions.tokens import RefreshTokenInvalid, access_token

ACCESS_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class PersonTokens:
    """What carries a sign-in: shown once, here."""

    access_token: str
    refresh_token: str | None = None
    expires_in: timedelta = ACCESS_LIFE


@operation(Access.PUBLIC)
def sign_in_by_password(
    actor: Actor, *, email: str, password: str, two_factor_code: str | None = None
) -> PersonTokens:
    """Sign a person in with everything in one call, and open a refresh-token family.

    :raises InvalidCredentials, TwoFactorRequired, AccountDisabled, EmailUnverified, RateLimited:
        as in ``sign_in.sign_in_at_once``
    """
    opened = sign_in.sign_in_at_once(
        actor, email=email, password=password, plan=Plan(refreshable=True), two_factor_code=two_factor_code
    )
    access = access_token(opened.session.uid, opened.user.uid, ACCESS_LIFE)
    return PersonTokens(access, opened.refresh_token)


@operation(Access.PUBLIC)
def sign_in_by_code(
    actor: Actor, *, email: str, code: str, two_factor_code: str | None = None
) -> PersonTokens:
    """Turn a mailed code into a sign-in that cannot be refreshed: it ends with its tokens.

    :raises OtpInvalid, TwoFactorRequired, MethodNotAllowed, AccountDisabled, RateLimited:
        as in ``sign_in.sign_in_by_code``
    """
    opened = sign_in.sign_in_by_code(
        actor, email=email, code=code, plan=Plan(lifetime=ACCESS_LIFE), two_factor_code=two_factor_code
    )
    return PersonTokens(access_token(opened.session.uid, opened.user.uid, ACCESS_LIFE))


@operation(Access.PUBLIC)
def refresh(actor: Actor, *, refresh_token: str) -> PersonTokens:
    """Swap the refresh token of such a sign-in for a new pair; one bound to an organization is not widened.

    :raises RefreshTokenInvalid, RefreshTokenReused: as in ``rotate``; a bound sign-in's token is not spent
    """
    rotated = rotate(actor, refresh_token=refresh_token)
    if rotated.session.tenant_id is not None:
        raise RefreshTokenInvalid
    access = access_token(rotated.session.uid, rotated.user.uid, ACCESS_LIFE)
    return PersonTokens(access, rotated.refresh_token)
