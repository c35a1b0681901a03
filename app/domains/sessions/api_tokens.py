"""Making and ending API tokens: a person in one organization and environment, cut down to some scopes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, InteractiveSessionRequired, PermissionDenied, operation
from app.core.db import db, is_named
from app.core.environments import Environment
from app.core.errors import Conflict, Forbidden, NotFound, OverPlan, ValidationFailed
from app.core.ids import Ref
from app.core.languages import Sentence
from app.core.links import public_url
from app.core.permissions import Permission
from app.core.secrets import token_hash
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import queries as billing
from app.domains.email import mails
from app.domains.permissions.queries import rights_in
from app.domains.sessions import api_token_values
from app.domains.sessions.api_token_queries import count_live, live, unrevoked
from app.domains.sessions.identify import SWITCH_OF_METHOD, check_rules
from app.domains.sessions.models import UserSession
from app.domains.sessions.proofs import require_strong
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.tenants import queries as tenants
from app.domains.tenants.models import Membership, Tenant
from app.domains.tenants.personal import membership_by_default

SCOPES = ("read", "write", "billing", "admin")
LONGEST_DAYS, DAYS = 365, 90
NAME_LENGTH = 100
REMIND_AHEAD = timedelta(days=7)
"""How long before its end the owner of a token is told."""

_RULES = (
    "auth.ip_allowlist",
    *DEMAND_KEYS,
    "data.api_tokens_enabled",
    "auth.session_lifetime",
    *SWITCH_OF_METHOD.values(),
)


class ScopeNotAllowed(Forbidden):
    code, message = "auth:scope_not_allowed", "You cannot ask for this scope."


class ApiTokenLimit(OverPlan):
    code, message = "plan:api_token_limit", "The plan allows no more API tokens."


class ApiTokenNameTaken(Conflict):
    code, message = "api_token:name_taken", "You have a token of this name."


class ApiTokenNotFound(NotFound):
    code, message = "api_token:not_found", "There is no such token."


@dataclass(frozen=True)
class MadeToken:
    """A new token with its value, which is shown here and never again."""

    session: UserSession
    tenant: Tenant
    value: str


@operation(Access.INTERACTIVE)
def create(
    actor: Actor,
    *,
    name: str,
    scopes: Sequence[str],
    tenant: Ref | None = None,
    environment: Environment = Environment.PROD,
    expires_in_days: int = DAYS,
) -> MadeToken:
    """Make a token of the actor's for one organization and environment.

    :param tenant: left out: the actor's oldest active one; one who has none gets one of their own
    :raises ValidationFailed: at name, scopes, expires_in_days
    :raises StepUpRequired, EmailUnverified, ScopeNotAllowed: by who asks
    :raises TenantNotFound: if the actor does not work there
    :raises PermissionDenied: without ``api_tokens.own`` there, or where the organization allows no tokens
    :raises ApiTokenLimit: if the plan's tokens of that environment are there already
    :raises ApiTokenNameTaken: if a live token of the actor's has the name
    """
    name = name.strip()
    _check(name, scopes, expires_in_days)
    _require_who_may_ask(actor, scopes)
    # The person first, then the organization: of two at once the later one counts what the earlier one made.
    db.session.execute(sa.select(User.id).where(User.id == actor.user_id).with_for_update())
    found = tenants.membership_in(actor, tenant) if tenant else membership_by_default(actor)
    _require_rights(actor, found, environment)
    db.session.execute(sa.select(Tenant.id).where(Tenant.id == found.tenant_id).with_for_update())
    _require_room(found.tenant_id, environment)
    if db.session.scalar(live().where(UserSession.user_id == actor.user_id, UserSession.name == name)):
        raise ApiTokenNameTaken
    value = api_token_values.new_value()
    session = _opened(actor, name, scopes, expires_in_days, value)
    session.tenant_id, session.environment = found.tenant_id, str(environment)
    db.session.add(session)
    db.session.flush()  # generate session.id for the audit row
    _tell_of_new(actor, session, found.tenant)
    return MadeToken(session, found.tenant, value)


@operation(Access.INTERACTIVE)
def revoke(actor: Actor, *, token: Ref) -> UserSession:
    """End one of the actor's API tokens at once.

    :raises ApiTokenNotFound: if it is another's, revoked already, or not there
    """
    return _end(actor, _named(token).where(UserSession.user_id == actor.user_id))


@operation(Permission.API_TOKENS_MANAGE)
def revoke_in_organization(actor: Actor, *, token: Ref) -> UserSession:
    """End anyone's API token for the actor's organization, and tell its owner.

    :raises ApiTokenNotFound: if it is another organization's, revoked already, or not there
    """
    if actor.kind != "session":
        raise InteractiveSessionRequired(layer="token")
    ended = _end(actor, _named(token).where(UserSession.tenant_id == actor.tenant_id))
    owner = db.session.get_one(User, ended.user_id)
    if owner.id != actor.user_id:
        mails.token_revocation(
            owner.email,
            first_name=owner.greeting,
            tenant_name=actor.tenant_name,
            tenant_id=actor.tenant_id,
            token_name=ended.name,
            revoked_by=actor.name or actor.email,
            at=clock.now(),
            link=public_url("/account/tokens"),
        )
    return ended


def _check(name: str, scopes: Sequence[str], days: int) -> None:
    faults: dict[str, list[str]] = {}
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        faults["name"] = [Sentence("Give a name of 1 to %(most)s characters on one line.", most=NAME_LENGTH)]
    if not scopes:
        faults["scopes"] = ["Choose at least one scope."]
    elif len(set(scopes)) != len(scopes) or not set(scopes) <= set(SCOPES):
        faults["scopes"] = [Sentence("Choose each of %(scopes)s once at most.", scopes=", ".join(SCOPES))]
    if not 1 <= days <= LONGEST_DAYS:
        faults["expires_in_days"] = [Sentence("Choose 1 to %(most)s days.", most=LONGEST_DAYS)]
    if faults:
        raise ValidationFailed(faults)


def _require_who_may_ask(actor: Actor, scopes: Sequence[str]) -> None:
    require_strong(actor)
    if not actor.email_verified:
        raise EmailUnverified(layer="token", remedy="Open the link in the confirmation mail.")
    if "admin" in scopes and not actor.is_platform_admin:
        raise ScopeNotAllowed(layer="platform", remedy="Only the platform's admins have the scope admin.")


def _require_rights(actor: Actor, membership: Membership, environment: Environment) -> None:
    """Hold the token to be made against the organization's state and rules, and the person's rights there."""
    tenant = membership.tenant
    wanted = settings.values(_RULES, tenant_id=tenant.id, environment=environment)
    check_rules(
        status=tenant.status,
        allowed=settings.as_entries(wanted["auth.ip_allowlist"]),
        enforced=factor_demand(wanted).holds(),
        two_factor=actor.particulars.two_factor_enabled,
        factors=actor.factors,
        origin=actor.origin,
    )
    _require_sign_in(actor, wanted)
    allowed = rights_in(membership.tenant_id, membership.role, membership.profile_id)
    needed = {Permission.API_TOKENS_OWN}
    if environment is not Environment.PROD:
        needed.add(Permission.ENVIRONMENTS_SWITCH)
    if not needed <= allowed:
        raise PermissionDenied(layer="role", remedy="An owner or admin can give it through role or profile.")
    if wanted["data.api_tokens_enabled"] is not True:
        raise PermissionDenied(layer="organization", remedy="An owner or admin can allow API tokens.")


def _require_sign_in(actor: Actor, wanted: Mapping[str, object]) -> None:
    """Make no token for an organization that this sign-in could not be selected for: it would outlive it."""
    session = db.session.get_one(UserSession, actor.session_id)
    switch = SWITCH_OF_METHOD.get(session.method)
    if switch is not None and wanted[switch] is not True:
        raise PermissionDenied(layer="organization", remedy="Sign in with your password.")
    if clock.now() - session.created_at > timedelta(days=int(str(wanted["auth.session_lifetime"]))):
        raise PermissionDenied(layer="organization", remedy="Sign in again.")


def _require_room(tenant_id: int, environment: Environment) -> None:
    most = billing.limit_of(tenant_id, "api_tokens")
    if most is not None and count_live(tenant_id, environment) >= most:
        remedy = "Revoke one that is not needed, or let an owner or admin choose a larger plan."
        raise ApiTokenLimit(layer="plan", remedy=remedy)


def _opened(actor: Actor, name: str, scopes: Sequence[str], days: int, value: str) -> UserSession:
    now, life = clock.now(), timedelta(days=days)
    return UserSession(
        user_id=actor.user_id,
        kind="api_token",
        dialect=actor.origin.dialect,
        token_hash=token_hash(value),
        prefix=api_token_values.shown_prefix(value),
        method="api_token",
        proven_at=now,
        name=name,
        scopes=[scope for scope in SCOPES if scope in scopes],
        created_at=now,
        last_used_at=now,
        # Who asks for so short a life is told of its end right now.
        reminded_at=now if life <= REMIND_AHEAD else None,
        expires_at=now + life,
    )


def _tell_of_new(actor: Actor, session: UserSession, tenant: Tenant) -> None:
    scopes = session.scopes or []
    record(
        actor,
        AuditKind.API_TOKEN_CREATED,
        subject=("session", session.id),
        tenant_id=tenant.id,
        changes={
            "name": session.name,
            "scopes": scopes,
            "environment": session.environment,
            "expires_at": session.expires_at.isoformat(),
        },
    )
    mails.new_api_token(
        actor.email,
        first_name=actor.first_name or "there",
        tenant_name=tenant.name,
        token_name=session.name,
        scopes=", ".join(scopes),
        expires_at=session.expires_at,
        link=public_url("/account/tokens"),
    )


def _named(token: Ref) -> sa.Select[tuple[UserSession]]:
    return unrevoked().where(is_named(UserSession, token))


def _end(actor: Actor, query: sa.Select[tuple[UserSession]]) -> UserSession:
    found = db.session.scalar(query.with_for_update())
    if found is None:
        raise ApiTokenNotFound
    found.revoked_at, found.revoked_reason = clock.now(), "revoked"
    record(
        actor,
        AuditKind.API_TOKEN_REVOKED,
        subject=("session", found.id),
        tenant_id=found.tenant_id,
        changes={"name": found.name, "owner": found.user_id},
    )
    return found
