"""Opening, carrying on and ending sign-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, ids, limits
from app.core.access import Access, Actor, operation
from app.core.buckets import REFRESHES
from app.core.db import db, rows_changed
from app.core.environments import Environment
from app.core.errors import Forbidden, Unauthenticated
from app.core.ids import Ref
from app.core.links import public_url
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import mails
from app.domains.sessions import devices, queries, tokens
from app.domains.sessions.models import RefreshToken, UserSession
from app.domains.sessions.tokens import IssuedRefresh, RefreshTokenInvalid
from app.domains.settings import queries as settings
from app.domains.tenants.models import Membership, MembershipStatus, Tenant


class RefreshTokenReused(Unauthenticated):
    code = "auth:refresh_token_reused"
    message = "This refresh token was used before; the sign-in has been ended."
    commits = True


class StepUpRequired(Forbidden):
    code, message = "auth:step_up_required", "Prove again that it is you."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a sign-in is to be carried."""

    kind: str = "app"
    """browser (cookie) or app (bearer)."""
    opaque: bool = False
    """Whether a random token carries it (cookie, v0's body), else signed tokens alone."""
    refreshable: bool = False
    remember: bool = False
    lifetime: timedelta | None = None
    """How long it lasts where neither a refresh token nor the person's wish decides."""
    tenant_id: int | None = None
    environment: Environment | None = None
    device_name: str | None = None


@dataclass(frozen=True)
class Opened:
    """A new sign-in with what carries it; the tokens are shown here and never again."""

    session: UserSession
    user: User
    token: str | None
    refresh: IssuedRefresh | None

    @property
    def refresh_token(self) -> str | None:
        """Return the refresh token of a sign-in that has one."""
        return self.refresh.token if self.refresh else None

    @property
    def life(self) -> timedelta:
        """Return how long the sign-in lasts from now on."""
        return self.session.expires_at - clock.now()

    def access_token(self) -> str:
        """Return a signed token that lasts as long as the sign-in: where nothing refreshes it."""
        return tokens.access_token(self.session.uid, self.user.uid, self.life)

    def csrf_token(self) -> str:
        """Return what a changing call that rests on this sign-in's cookie has to show."""
        return tokens.csrf_token(self.session.uid)


@dataclass(frozen=True)
class Ended:
    """How many sign-ins of which kind were ended."""

    browser: int = 0
    app: int = 0
    api_token: int = 0

    @property
    def total(self) -> int:
        """Return how many in all."""
        return self.browser + self.app + self.api_token

    @property
    def sign_ins(self) -> int:
        """Return how many were no API tokens."""
        return self.browser + self.app


def open_session(actor: Actor, *, user: User, method: str, factors: int, plan: Plan) -> Opened:
    """Open a session of a person who has just proven who they are; tell them if the device is new.

    Every way in ends here: it writes ``user.signed_in`` and, but for the very first sign-in, the notice.
    """
    now = clock.now()
    known, ever = _known_device(user.id, devices.device_key(actor.origin.user_agent))
    token = ids.new_token({"v0": "v0s"}.get(actor.origin.dialect, "pss")) if plan.opaque else None
    session = UserSession(
        user_id=user.id,
        kind=plan.kind,
        dialect=actor.origin.dialect,
        token_hash=token_hash(token) if token else None,
        method=method,
        factors=factors,
        proven_at=now,
        two_factor_at=now if factors > 1 else None,
        created_at=now,
        tenant_id=plan.tenant_id,
        environment=str(plan.environment) if plan.environment else None,
        name=plan.device_name or devices.describe(actor.origin.user_agent),
        device_key=devices.device_key(actor.origin.user_agent),
        user_agent=actor.origin.user_agent[:400],
        ip=actor.origin.ip,
        country=devices.country_of(actor.origin.ip),
        persistent=plan.remember,
        last_used_at=now,
        expires_at=now + _lifetime(plan),
    )
    term = tokens.carry_on(session) if plan.refreshable else None
    db.session.add(session)
    db.session.flush()  # generate session.id for the refresh token and the audit row
    refresh = tokens.issue_refresh(session, term) if term else None
    record(
        actor,
        AuditKind.USER_SIGNED_IN,
        subject=("user", user.id),
        user_id=user.id,
        tenant_id=plan.tenant_id,
        session_id=session.id,
        changes={"method": method, "factors": factors, "device": session.name},
    )
    _tell_who_is_concerned(session, user, is_new=ever and not known)
    return Opened(session, user, token, refresh)


def _tell_who_is_concerned(session: UserSession, user: User, *, is_new: bool) -> None:
    _note_in_memberships(session)
    if is_new:
        _tell_of_new_device(session, user)


def _note_in_memberships(session: UserSession) -> None:
    """Tell the organizations that the sign-in opens when their member was last here, never others."""
    seen = sa.update(Membership).where(
        Membership.user_id == session.user_id, Membership.status == MembershipStatus.ACTIVE
    )
    if session.tenant_id is not None:
        seen = seen.where(Membership.tenant_id == session.tenant_id)
    # It changes nothing about the membership itself, so its updated_at stays.
    rows_changed(seen.values(last_login_at=session.created_at, updated_at=Membership.updated_at))


def _known_device(user_id: int, key: str) -> tuple[bool, bool]:
    """Say whether the device was seen before, and whether any was."""
    row = db.session.execute(_DEVICE_SEEN, {"user_id": user_id, "device_key": key}).one()
    return bool(row[0]), bool(row[1])


_OF_USER = sa.select(UserSession.id).where(UserSession.user_id == sa.bindparam("user_id"))
_OF_DEVICE = _OF_USER.where(UserSession.device_key == sa.bindparam("device_key"))
_DEVICE_SEEN = sa.select(sa.exists(_OF_DEVICE), sa.exists(_OF_USER))


def _tell_of_new_device(session: UserSession, user: User) -> None:
    if not settings.boolean("auth.new_sign_in_alerts", tenant_id=session.tenant_id):
        return
    tenant = db.session.get(Tenant, session.tenant_id) if session.tenant_id else None
    mails.new_sign_in(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name if tenant else None,
        device=session.name,
        ip_address=session.ip or "an unknown address",
        signed_in_at=session.created_at,
        link=public_url("/account/sessions"),
    )


def _lifetime(plan: Plan) -> timedelta:
    if plan.refreshable:
        return timedelta(0)  # its first refresh token lengthens it
    if plan.lifetime is not None:
        return plan.lifetime
    if plan.remember:
        return timedelta(days=settings.integer("auth.remember_days"))
    return timedelta(hours=settings.integer("auth.session_hours"))


@dataclass(frozen=True)
class Rotated:
    """What a refresh token was swapped for."""

    session: UserSession
    user: User
    refresh: IssuedRefresh

    @property
    def refresh_token(self) -> str:
        """Return the successor."""
        return self.refresh.token


@operation(Access.PUBLIC)
def rotate(actor: Actor, *, refresh_token: str) -> Rotated:
    """Swap a refresh token for a new one; the old one is spent.

    The immediately previous token is taken again for a few seconds and gives another successor, good
    until one of the two is rotated. Any later use ends the whole family (RFC 9700, 4.14.2).

    :raises RefreshTokenInvalid: forged, run out, or of a sign-in that has ended
    :raises RefreshTokenReused: the family was ended
    """
    family = tokens.family_of(refresh_token)
    limits.spend(REFRESHES, session=family)
    session = db.session.scalar(sa.select(UserSession).where(UserSession.id == family).with_for_update())
    shown = db.session.scalar(
        sa.select(RefreshToken).where(RefreshToken.token_hash == token_hash(refresh_token))
    )
    user = db.session.get(User, session.user_id) if session and session.user_id else None
    now = clock.now()
    if session is None or shown is None or user is None or user.disabled_at is not None:
        raise RefreshTokenInvalid
    if session.revoked_at is not None or min(session.expires_at, shown.expires_at) <= now:
        raise RefreshTokenInvalid
    if tokens.is_reuse(shown, now):
        _end_reused(actor, session, user)
        raise RefreshTokenReused
    shown.rotated_at = shown.rotated_at or now
    tokens.retire_before(shown, now)
    successor = tokens.issue_refresh(session, tokens.carry_on(session), parent=shown)
    session.last_used_at, session.ip = now, actor.origin.ip
    return Rotated(session, user, successor)


def _end_reused(actor: Actor, session: UserSession, user: User) -> None:
    session.revoked_at, session.revoked_reason = clock.now(), "refresh_reuse"
    record(
        actor,
        AuditKind.SESSION_REUSE_DETECTED,
        subject=("session", session.id),
        user_id=user.id,
        tenant_id=session.tenant_id,
        session_id=session.id,
    )
    mails.session_reuse(
        user.email,
        first_name=user.greeting,
        device=session.name,
        detected_at=session.revoked_at,
        link=public_url("/forgot-password"),
    )


@operation(Access.INTERACTIVE)
def sign_out(actor: Actor, *, also: str | None = None) -> None:
    """End the session that makes the call.

    :param also: a refresh token; when it names another sign-in of the actor, that one ends too
    """
    end(actor, [actor.session_id or 0], reason="signed_out")
    record(actor, AuditKind.USER_SIGNED_OUT, subject=("session", actor.session_id))
    if also:
        try:
            family = tokens.family_of(also)
        except RefreshTokenInvalid:
            return
        if family != actor.session_id and end(actor, [family], reason="signed_out").total:
            record(actor, AuditKind.USER_SIGNED_OUT, subject=("session", family))


@operation(Access.INTERACTIVE)
def revoke(actor: Actor, *, session: Ref) -> UserSession:
    """End one of the actor's sign-ins, of any kind.

    :raises SessionNotFound: if it is another's, ended already, or not there
    """
    found = queries.one(actor, session)
    found.revoked_at, found.revoked_reason = clock.now(), "revoked"
    kind = AuditKind.SESSION_REVOKED
    told: dict[str, object] = {"kind": found.kind, "device": found.name}
    if found.kind == "api_token":
        kind, told = AuditKind.API_TOKEN_REVOKED, {"name": found.name, "owner": found.user_id}
    record(actor, kind, subject=("session", found.id), tenant_id=found.tenant_id, changes=told)
    return found


@operation(Access.INTERACTIVE)
def sign_out_everywhere(actor: Actor, *, tokens_too: bool = False) -> Ended:
    """End every sign-in of the actor, this one included; with ``tokens_too`` their API tokens as well."""
    ended = end_all(actor, user_id=actor.user_id or 0, tokens_too=tokens_too, reason="signed_out_everywhere")
    record(
        actor,
        AuditKind.USER_SIGNED_OUT_EVERYWHERE,
        subject=("user", actor.user_id),
        changes={"sessions": ended.sign_ins, "tokens": ended.api_token},
    )
    if tokens_too:
        mails.global_sign_out(
            actor.email,
            first_name=actor.first_name or "there",
            sessions=ended.sign_ins,
            tokens=ended.api_token,
            at=clock.now(),
        )
    return ended


@operation(Access.INTERACTIVE)
def sign_out_others(actor: Actor) -> Ended:
    """End the actor's other sign-ins; this one and the API tokens stay."""
    ended = end_all(
        actor,
        user_id=actor.user_id or 0,
        keep=actor.session_id,
        tokens_too=False,
        reason="signed_out_everywhere",
    )
    record(
        actor,
        AuditKind.USER_SIGNED_OUT_EVERYWHERE,
        subject=("user", actor.user_id),
        changes={"sessions": ended.sign_ins, "kept": actor.session_id},
    )
    return ended


def end_all(actor: Actor, *, user_id: int, tokens_too: bool, reason: str, keep: int | None = None) -> Ended:
    """End all live sign-ins of a person but the one to keep."""
    query = sa.select(UserSession.id).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if not tokens_too:
        query = query.where(UserSession.kind != "api_token")
    if keep is not None:
        query = query.where(UserSession.id != keep)
    return end(actor, db.session.scalars(query).all(), reason=reason, user_id=user_id)


def end(actor: Actor, session_ids: Sequence[int], *, reason: str, user_id: int | None = None) -> Ended:
    """End live sign-ins of one person, the actor where nobody else is named; counts those not run out."""
    now = clock.now()
    ended = db.session.execute(
        sa.update(UserSession)
        .where(
            UserSession.id.in_(session_ids),
            UserSession.user_id == (actor.user_id if user_id is None else user_id),
            UserSession.revoked_at.is_(None),
        )
        .values(revoked_at=now, revoked_reason=reason, updated_at=now)
        .returning(UserSession.kind, UserSession.expires_at)
        .execution_options(synchronize_session=False)
    ).all()
    live = [row.kind for row in ended if row.expires_at > now]
    return Ended(live.count("browser"), live.count("app"), live.count("api_token"))


def step_up_window() -> timedelta:
    """Return how long a proof of identity opens sensitive calls."""
    return timedelta(minutes=settings.integer("auth.step_up_minutes"))


def require_fresh(actor: Actor) -> None:
    """Ask for a proof of identity younger than ``auth.step_up_minutes``.

    :raises StepUpRequired: if the sign-in or the last step-up is older
    """
    # Either way: a proof by a clock that was ahead must not last until it gets there again.
    if actor.proven_at is None or abs(clock.now() - actor.proven_at) > step_up_window():
        raise StepUpRequired(layer="session", remedy="Sign in again or confirm your password.")


def prove_second_factor(actor: Actor) -> UserSession:
    """Note for the rest of its life that the actor's session has shown a second factor."""
    session = db.session.get_one(UserSession, actor.session_id)
    if session.factors < 2:
        session.factors, session.two_factor_at = 2, clock.now()
    return session


@operation(Access.BROWSING)
def select_tenant(actor: Actor, *, tenant_id: int | None) -> None:
    """Let the portal work in another organization in this browser; the caller has checked the membership."""
    db.session.execute(
        sa.update(UserSession).where(UserSession.id == actor.session_id).values(selected_tenant_id=tenant_id)
    )
