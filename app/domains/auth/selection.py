"""From a person's sign-in to one organization: its rules are judged here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.access import Access, Actor, NotSignedIn, PermissionDenied, operation
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import AppError, Unauthenticated
from app.core.ids import Ref
from app.core.permissions import Permission
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth.sign_in import MethodNotAllowed
from app.domains.permissions.queries import rights_in
from app.domains.permissions.roles import Role
from app.domains.sessions import operations as sessions
from app.domains.sessions import tokens
from app.domains.sessions.identify import SWITCH_OF_METHOD, check_rules, status_for
from app.domains.sessions.models import UserSession
from app.domains.sessions.operations import Opened
from app.domains.sessions.tokens import Reach
from app.domains.settings import queries as settings
from app.domains.settings.factor_demand import DEMAND_KEYS, factor_demand
from app.domains.tenants import queries as tenants
from app.domains.tenants.former_slugs import goes_by
from app.domains.tenants.models import Membership, MembershipStatus, Tenant

SCOPED_LIFE = timedelta(minutes=30)

_RULES = (
    "auth.ip_allowlist",
    *DEMAND_KEYS,
    "auth.email_verification_required",
    *SWITCH_OF_METHOD.values(),
    "auth.session_lifetime",
)


class SessionTooOld(Unauthenticated):
    code, message = "auth:session_too_old", "This organization asks for a fresher sign-in."


@dataclass(frozen=True)
class Scoped:
    """A token that works inside one organization and environment."""

    access_token: str
    membership: Membership | None
    environment: Environment


def hold_rules(
    actor: Actor,
    tenant: Tenant,
    user: User,
    *,
    method: str,
    factors: int,
    environment: Environment,
    signed_in_at: datetime | None = None,
    head_of: Role | None = None,
) -> None:
    """Hold a sign-in against what an organization asks of those who work in it: one query.

    :param head_of: the person's role, where a suspended organization stays open to its owner and admins
    :raises TenantSuspended, TenantArchived, AddressNotAllowed, TwoFactorSetupRequired, SessionTooWeak,
        MethodNotAllowed, EmailUnverified, SessionTooOld: as its state and settings have it
    """
    wanted = settings.values(_RULES, tenant_id=tenant.id, environment=environment)
    check_rules(
        status=tenant.status if head_of is None else status_for(tenant.status, head_of, while_suspended=True),
        reason=tenant.status_reason,
        allowed=list(settings.as_entries(wanted["auth.ip_allowlist"])),
        enforced=factor_demand(wanted).holds(),
        two_factor=user.two_factor_enabled,
        factors=factors,
        origin=actor.origin,
    )
    switched_off = SWITCH_OF_METHOD.get(method)
    if switched_off and wanted[switched_off] is not True:
        raise MethodNotAllowed(layer="organization", remedy="Sign in with your password.")
    if wanted["auth.email_verification_required"] is True and not user.email_verified:
        raise EmailUnverified(layer="organization", remedy="Open the link in the confirmation mail.")
    oldest = timedelta(days=int(str(wanted["auth.session_lifetime"])))
    if signed_in_at is not None and clock.now() - signed_in_at > oldest:
        raise SessionTooOld(layer="organization", remedy="Sign in again.")


@operation(Access.SIGNED_IN)
def select_tenant(actor: Actor, *, tenant: Ref, environment: Environment = Environment.PROD) -> Scoped:
    """Give a token that works inside one of the actor's organizations, with a life of its own.

    :raises TenantNotFound: not a member, deactivated, merely invited, or no such organization
    :raises PermissionDenied: another environment than prod needs ``environments.switch``
    """
    membership, session = _admitted(actor, tenant, environment)
    if session.token_hash is None:
        # Only signed tokens carry it, each with an end of its own: it lasts as long as the latest of them.
        session.expires_at = max(session.expires_at, clock.now() + SCOPED_LIFE)
    if session.kind == "app":
        session.selected_tenant_id = membership.tenant_id  # so that a removal can tell of it beforehand
    token = _token(actor, membership, environment, SCOPED_LIFE)
    record(
        actor,
        AuditKind.SESSION_TENANT_SELECTED,
        subject=("session", actor.session_id),
        tenant_id=membership.tenant_id,
        changes={"environment": str(environment)},
    )
    return Scoped(token, membership, environment)


@operation(Permission.ENVIRONMENTS_SWITCH)
def switch_environment(actor: Actor, *, environment: Environment) -> Scoped:
    """Give a token for another environment of the same organization, with the end of the one shown.

    :raises PermissionDenied: also to an API token, which works in its own environment alone
    """
    if actor.kind == "api_token":
        raise PermissionDenied(layer="token", remedy="Make a token for that environment.")
    if actor.tenant_uid is None or actor.token_expires_at is None:
        raise NotSignedIn
    left = actor.token_expires_at - clock.now()
    if environment is not actor.environment:
        record(
            actor,
            AuditKind.SESSION_ENVIRONMENT_SWITCHED,
            subject=("session", actor.session_id),
            changes={"from": str(actor.environment), "to": str(environment)},
        )
    reach = Reach(actor.tenant_uid, actor.role, environment)
    return Scoped(_issue(actor, left, reach), None, environment)


@operation(Access.BROWSING)
def work_in(actor: Actor, *, tenant: Ref) -> Membership:
    """Let the portal work in one of the actor's organizations in this browser.

    A suspended one can be chosen by its owner and admins: a few pages about it stay open to them.

    :raises TenantNotFound: not a member, deactivated, merely invited, or no such organization
    """
    membership, _ = _admitted(actor, tenant, Environment.PROD, in_portal=True)
    sessions.select_tenant(actor, tenant_id=membership.tenant_id)
    record(
        actor,
        AuditKind.SESSION_TENANT_SELECTED,
        subject=("session", actor.session_id),
        tenant_id=membership.tenant_id,
    )
    return membership


@operation(Access.PUBLIC)
def begin_in(actor: Actor, *, opened: Opened, slug: str) -> Membership | None:
    """Let a sign-in just opened begin in the organization on whose page it was made.

    None where the person is no active member, or its rules keep this sign-in out: they can choose it, and are
    told why then.
    """
    membership = db.session.scalar(
        sa.select(Membership)
        .join(Membership.tenant)
        .options(contains_eager(Membership.tenant))
        .where(
            Membership.user_id == opened.user.id,
            Membership.status == MembershipStatus.ACTIVE,
            goes_by(slug.lower()),
        )
    )
    if membership is None or not _lets_in(actor, opened, membership):
        return None
    opened.session.selected_tenant_id = membership.tenant_id
    record(
        actor,
        AuditKind.SESSION_TENANT_SELECTED,
        subject=("session", opened.session.id),
        user_id=opened.user.id,
        session_id=opened.session.id,
        tenant_id=membership.tenant_id,
    )
    return membership


def _lets_in(actor: Actor, opened: Opened, membership: Membership) -> bool:
    try:
        hold_rules(
            actor,
            membership.tenant,
            opened.user,
            method=opened.session.method,
            factors=opened.session.factors,
            environment=Environment.PROD,
            head_of=membership.role,
        )
    except AppError:
        return False
    return True


def _admitted(
    actor: Actor, tenant: Ref, environment: Environment, *, in_portal: bool = False
) -> tuple[Membership, UserSession]:
    membership = tenants.membership_in(actor, tenant)
    session = db.session.get_one(UserSession, actor.session_id)
    user = db.session.get_one(User, actor.user_id)
    hold_rules(
        actor,
        membership.tenant,
        user,
        method=session.method,
        factors=session.factors,
        environment=environment,
        signed_in_at=session.created_at,
        head_of=membership.role if in_portal else None,
    )
    allowed = rights_in(membership.tenant_id, membership.role, membership.profile_id)
    if environment is not Environment.PROD and Permission.ENVIRONMENTS_SWITCH not in allowed:
        raise PermissionDenied(layer="role", remedy="An owner or admin can give it through role or profile.")
    return membership, session


def _token(actor: Actor, membership: Membership, environment: Environment, life: timedelta) -> str:
    reach = Reach(membership.tenant.uid, str(membership.role), environment)
    return _issue(actor, life, reach)


def _issue(actor: Actor, life: timedelta, reach: Reach) -> str:
    if actor.session_uid is None or actor.user_uid is None:
        raise NotSignedIn
    return tokens.access_token(actor.session_uid, actor.user_uid, life, reach=reach)
