"""From what a caller shows to who they are: one indexed query at every call, so that an end acts at once."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, ids, jwt, links
from app.core.access import (
    Actor,
    NotSignedIn,
    Origin,
    Particulars,
    PermissionDenied,
    SessionTooWeak,
    anonymous,
)
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import Forbidden
from app.core.languages import Sentence
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.domains.billing.queries import plan_of
from app.domains.billing.usage import RequestQuotaUsedUp, count_call
from app.domains.permissions.roles import HEADS, Role, rights
from app.domains.sessions import api_token_values, lookup
from app.domains.sessions.devices import country_of
from app.domains.sessions.models import SUPPORT, UserSession
from app.domains.settings.factor_demand import factor_demand
from app.domains.settings.queries import default_of
from app.domains.tenants.models import MembershipStatus, TenantStatus

_TOUCH_AFTER = timedelta(minutes=1)

SWITCH_OF_METHOD: Mapping[str, str] = {
    "code": "auth.code_login_enabled",
    "oauth": "auth.social_login_enabled",
}
"""The settings by which an organization takes no sign-ins of a kind."""

Carrier = Literal["bearer", "cookie"]


class TenantSuspended(Forbidden):
    code, message = "tenant:suspended", "This organization is suspended."


class TenantArchived(Forbidden):
    code, message = "tenant:archived", "This organization is closed."


class AddressNotAllowed(Forbidden):
    code, message = "auth:address_not_allowed", "Your network address is not allowed here."


class TwoFactorSetupRequired(Forbidden):
    code = "two_factor:setup_required"
    message = "This organization asks for a second factor. Set one up first."


@dataclass(frozen=True)
class Credential:
    """What a caller showed, and how."""

    token: str
    carrier: Carrier


@dataclass(frozen=True)
class KeptFrom:
    """The organization that a member is kept out of, and what they are there."""

    name: str
    role: Role

    @property
    def is_head(self) -> bool:
        """Say whether plan, export and closing stay open to them while it is suspended."""
        return self.role in HEADS


@dataclass(frozen=True)
class Caller:
    """Who called, and the two things the surface needs to know beside."""

    actor: Actor
    calls_per_minute: int | None = None
    """What the setting limits.requests_per_minute says, None where it was not looked up."""
    rests_on_cookie: bool = False
    kept_out: Forbidden | None = None
    """Why the portal shows no organization to a member of the one selected."""
    kept_from: KeptFrom | None = None


def identify(
    credential: Credential | None,
    origin: Origin,
    *,
    in_portal: bool = False,
    while_suspended: bool = False,
    way_out: bool = False,
) -> Caller:
    """Return who stands behind a credential; a dead or forged one is nobody's.

    A tenant-scoped credential of someone whose membership ended is dead; one whose organization is
    suspended, closed or asks for more is told so.

    :param in_portal: the cookie works in the organization selected in this browser, else in the first joined,
        as long as that one's rules allow it
    :param while_suspended: a page of the portal that stays open to owner and admins of a suspended one
    :param way_out: for a call that only ends sign-ins: nothing of the organization's holds that up
    :raises TenantSuspended, TenantArchived, AddressNotAllowed, TwoFactorSetupRequired, SessionTooWeak:
        as the organization's state and rules have it
    :raises RequestQuotaUsedUp: an API token, when the plan's calls of this month are used up
    """
    nobody = Caller(anonymous(origin))
    if credential is None or not 20 <= len(credential.token) <= 4096:
        return nobody
    if credential.carrier == "bearer" and credential.token.count(".") == 2:
        claims = jwt.read(credential.token)
        row = None if claims is None else _row_of_claims(claims)
    else:
        claims = None
        row = _row_of_opaque(credential, in_portal=in_portal)
    now = clock.now()
    if row is None or not _is_live(row, credential, now):
        return nobody
    bound = (claims is not None and "tid" in claims) or row.bound_tenant_id is not None
    if bound and row.membership_status is not MembershipStatus.ACTIVE:
        return nobody
    environment = Environment((claims or {}).get("env") or row.environment or Environment.PROD)
    if not way_out:
        _hold(row, environment, origin, bound=bound)
    if row.kind == "api_token":
        _check_machine(row, environment)
    _touch(row, origin, now)
    member = row.membership_status is MembershipStatus.ACTIVE
    kept_out = _kept_out_by(row, origin, while_suspended=while_suspended) if in_portal and member else None
    return Caller(
        _actor(row, origin, environment, claims, works_in=member and kept_out is None),
        row.calls_per_minute or int(default_of("limits.requests_per_minute")),
        rests_on_cookie=credential.carrier == "cookie",
        kept_out=kept_out,
        kept_from=None if kept_out is None else KeptFrom(row.tenant_name, row.role),
    )


def identify_represented(token: str, origin: Origin) -> Actor | None:
    """Return in whose name a support session of the portal acts, whoever shows it; None if it is over.

    Whether the caller may is for who keeps the consents to say.
    """
    row = lookup.find("token_hash", "selected", token_hash(token)) if 20 <= len(token) <= 100 else None
    if row is None or row.kind != SUPPORT or not _goes_on(row, clock.now()):
        return None
    _touch(row, replace(origin, ip=None), clock.now())  # whoever it is, where from is not the person's to see
    member = row.membership_status is MembershipStatus.ACTIVE
    return _actor(row, origin, Environment.PROD, None, works_in=member and _kept_out_by(row, origin) is None)


def _row_of_claims(claims: Mapping[str, Any]) -> sa.Row[Any] | None:
    try:
        session_uid = UUID(str(claims["sid"]))
        subject = ids.parse_ref(claims["sub"], "usr")
        tenant = ids.parse_ref(claims["tid"], "ten") if "tid" in claims else None
        environment = Environment(claims.get("env", Environment.PROD))
    except ValueError:
        return None
    if subject is None or ("tid" in claims and (tenant is None or tenant.uid is None)):
        return None
    tenant_uid = tenant.uid if tenant else None
    row = lookup.find("uid", "named" if tenant_uid else "bound", session_uid, tenant_uid, environment)
    return row if row is not None and row.user_uid == subject.uid else None


def _row_of_opaque(credential: Credential, *, in_portal: bool) -> sa.Row[Any] | None:
    works_in: lookup.WorksIn = "selected" if in_portal else "bound"
    if credential.token.startswith(api_token_values.PREFIX):
        if not api_token_values.is_well_formed(credential.token):
            return None  # mistyped, cut short or invented: no need to look it up
        works_in = "token"
    return lookup.find("token_hash", works_in, token_hash(credential.token))


def _is_live(row: sa.Row[Any], credential: Credential, now: datetime) -> bool:
    if credential.carrier == "cookie" and row.kind != "browser":
        return False
    if (row.kind == "api_token") != credential.token.startswith(api_token_values.PREFIX):
        return False  # nothing else carries it, so that all that is asked of a machine was asked
    return row.kind != SUPPORT and _goes_on(row, now)


def _goes_on(row: sa.Row[Any], now: datetime) -> bool:
    return row.revoked_at is None and row.expires_at > now and row.disabled_at is None


def _hold(row: sa.Row[Any], environment: Environment, origin: Origin, *, bound: bool) -> None:
    """Hold a call against the rules of the organization it is bound to, and the right to its environment."""
    if bound:
        _check_organization(row, origin)
    _check_environment(row, environment)


def _check_environment(row: sa.Row[Any], environment: Environment) -> None:
    """Hold a token for another environment than prod against the right to work there, as it is now.

    An API token too: it is made for one environment, and is its person there.

    :raises PermissionDenied: if the person has lost it since
    """
    if environment is Environment.PROD:
        return
    if Permission.ENVIRONMENTS_SWITCH not in rights(row.role, row.profile_id, row.own_permissions):
        raise PermissionDenied(layer="role", remedy="An owner or admin can give it through role or profile.")


def _check_machine(row: sa.Row[Any], environment: Environment) -> None:
    """Hold a call by an API token against the organization's switch and its plan, and count it.

    :raises NotSignedIn: if the organization takes no API tokens now
    :raises RequestQuotaUsedUp: if the calls of this month are used up
    """
    if row.api_tokens_enabled is False:
        raise NotSignedIn(layer="organization", remedy="An owner or admin can allow API tokens again.")
    if environment is not Environment.PROD:
        return
    most = plan_of(row.plan_code, row.plan_status, row.plan_ends_at).limits["requests_per_month"]
    if most is not None and row.calls_this_month >= most:
        raise RequestQuotaUsedUp(layer="plan", remedy="An owner or admin can choose a larger plan.")
    count_call(row.bound_tenant_id)


def _check_organization(row: sa.Row[Any], origin: Origin, *, while_suspended: bool = False) -> None:
    check_rules(
        status=status_for(row.tenant_status, row.role, while_suspended=while_suspended),
        reason=row.tenant_status_reason,
        allowed=row.ip_allowlist or (),
        enforced=factor_demand(row._mapping).holds(),
        two_factor=row.two_factor_enabled_at is not None,
        factors=row.factors if row.kind != "api_token" else 2,
        origin=origin,
    )


def status_for(status: TenantStatus, role: Role, *, while_suspended: bool) -> TenantStatus:
    """Return an organization's status as it counts for somebody: owner and admins keep a few pages."""
    if while_suspended and status is TenantStatus.SUSPENDED and role in HEADS:
        return TenantStatus.ACTIVE
    return status


def suspended(reason: str | None) -> TenantSuspended:
    """Return the refusal of a suspended organization, with the reason where one was given."""
    lift = "The platform's admins can lift the suspension."
    told = Sentence("The reason: %(reason)s. The platform's admins can lift the suspension.", reason=reason)
    return TenantSuspended(layer="status", remedy=told if reason else lift)


def check_rules(
    *,
    status: TenantStatus,
    reason: str | None = None,
    allowed: Sequence[str],
    enforced: bool,
    two_factor: bool,
    factors: int,
    origin: Origin,
) -> None:
    """Hold a call or a sign-in against what an organization asks of those who work in it."""
    if status is TenantStatus.SUSPENDED:
        raise suspended(reason)
    if status is TenantStatus.ARCHIVED:
        raise TenantArchived(layer="status", remedy="The platform's admins can open it again.")
    if allowed and not _is_allowed(origin.ip, allowed):
        raise AddressNotAllowed(layer="organization", remedy="An owner or admin keeps the list of addresses.")
    if enforced and not two_factor:
        remedy = "Set up an authenticator under Account, Security."
        raise TwoFactorSetupRequired(layer="organization", remedy=remedy)
    if enforced and factors < 2:
        raise SessionTooWeak(layer="organization", remedy="Sign in again with your second factor.")


def _is_allowed(ip: str | None, allowed: Sequence[str]) -> bool:
    try:
        address = ip_address(ip or "")
    except ValueError:
        return False
    return any(address in ip_network(network, strict=False) for network in allowed)


def _actor(
    row: sa.Row[Any],
    origin: Origin,
    environment: Environment,
    claims: Mapping[str, Any] | None,
    *,
    works_in: bool,
) -> Actor:
    return Actor(
        kind="api_token" if row.kind == "api_token" else "session",
        origin=origin,
        user_id=row.user_id,
        user_uid=row.user_uid,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        email_verified=row.email_verified_at is not None,
        is_platform_admin=row.is_platform_admin,
        session_id=row.session_id,
        session_uid=row.session_uid,
        session_dialect=row.session_dialect,
        factors=row.factors,
        signed_in_at=row.signed_in_at,
        proven_at=row.proven_at,
        token_expires_at=_expiry(claims),
        tenant_id=row.tenant_id if works_in else None,
        tenant_uid=row.tenant_uid if works_in else None,
        tenant_slug=row.tenant_slug or "" if works_in else "",
        tenant_name=row.tenant_name or "" if works_in else "",
        membership_id=row.membership_id if works_in else None,
        role=str(row.role) if works_in else "",
        profile_id=row.profile_id if works_in else None,
        permissions=rights(row.role, row.profile_id, row.own_permissions) if works_in else frozenset(),
        environment=environment,
        scopes=frozenset(row.scopes or ()),
        particulars=Particulars(
            locale=row.locale or row.tenant_locale or default_of("localization.locale"),
            locale_is_own=bool(row.locale),
            timezone=row.timezone
            or row._mapping["localization.timezone"]
            or default_of("localization.timezone"),
            avatar_url=links.absolute(row.avatar),
            two_factor_enabled=row.two_factor_enabled_at is not None,
            session_name=row.session_name,
            session_expires_at=row.expires_at,
        ),
    )


def _kept_out_by(row: sa.Row[Any], origin: Origin, *, while_suspended: bool = False) -> Forbidden | None:
    """Return what of the organization's keeps this sign-in out; the portal shows the account without it.

    The rules are those of ``auth.selection.hold_rules``.
    """
    try:
        _check_organization(row, origin, while_suspended=while_suspended)
    except Forbidden as error:
        return error
    if {"code": row.code_login_enabled, "oauth": row.social_login_enabled}.get(row.method) is False:
        return PermissionDenied(layer="organization", remedy="Sign in with your password.")
    if row.email_verified_at is None and row.email_verification_required is True:
        return PermissionDenied(layer="organization", remedy="Open the link in the confirmation mail.")
    if clock.now() - row.signed_in_at > timedelta(days=row.session_lifetime or 90):
        return PermissionDenied(layer="organization", remedy="Sign in again.")
    return None


def _expiry(claims: Mapping[str, Any] | None) -> datetime | None:
    return None if claims is None else datetime.fromtimestamp(claims["exp"], tz=UTC)


def _touch(row: sa.Row[Any], origin: Origin, now: datetime) -> None:
    """Note when and where the session was last used: once a minute at most, apart from the request's work."""
    first = row.kind == "api_token" and row.used_at is None
    if timedelta(0) <= now - row.last_used_at < _TOUCH_AFTER and not first:
        return
    bind: Any = db.engines[None]
    seen: dict[str, Any] = {"last_used_at": now, "ip": origin.ip, "updated_at": now}
    if row.kind == "api_token":
        seen |= {"used_at": now, "user_agent": origin.user_agent[:400], "country": country_of(origin.ip)}
    statement = sa.update(UserSession).where(UserSession.id == row.session_id).values(**seen)
    if isinstance(bind, sa.Connection):  # a test that rolls everything back gave us its one connection
        bind.execute(statement)
        return
    with contextlib.suppress(SQLAlchemyError), bind.begin() as connection:
        connection.execute(statement)
