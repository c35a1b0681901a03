"""What carries a session: signed access tokens, opaque tokens, refresh tokens in a chain."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.core import clock, ids, jwt
from app.core.db import db, read
from app.core.environments import Environment
from app.core.errors import Unauthenticated
from app.core.secrets import keyed_hash, same, token_hash
from app.domains.sessions.models import RefreshToken, UserSession
from app.domains.settings import queries as settings


class RefreshTokenInvalid(Unauthenticated):
    code, message = "auth:refresh_token_invalid", "This refresh token is not valid."


@dataclass(frozen=True)
class Reach:
    """The organization, role and environment that a scoped token speaks for."""

    tenant_uid: UUID
    role: str
    environment: Environment


def access_token(
    session_uid: UUID, user_uid: UUID, lifetime: timedelta, *, reach: Reach | None = None
) -> str:
    """Return a signed token ``{sub, sid, exp}``, with ``tid, role, env`` where it is scoped.

    The claims name rows; what those rows allow is read at each call.
    """
    claims = {"sub": ids.prefixed("usr", user_uid), "sid": str(session_uid)}
    if reach is not None:
        claims |= {
            "tid": ids.prefixed("ten", reach.tenant_uid),
            "role": reach.role,
            "env": str(reach.environment),
        }
    return jwt.issue(claims, lifetime)


def csrf_token(session_uid: UUID) -> str:
    """Return the token that a page of ours shows with each changing call that rests on the cookie."""
    return keyed_hash("csrf", str(session_uid))


def csrf_matches(session_uid: UUID | None, token: str) -> bool:
    """Say whether a token belongs to the session."""
    return session_uid is not None and same(csrf_token(session_uid), token)


@dataclass(frozen=True)
class IssuedRefresh:
    """A refresh token to be shown once, and how long it is good."""

    token: str
    expires_in: timedelta


@dataclass(frozen=True)
class Term:
    """From when to when a refresh token is good."""

    begins: datetime
    ends: datetime


def carry_on(session: UserSession) -> Term:
    """Let the session live on for as long as a new refresh token is good, and return how long that is.

    Good for ``auth.refresh_days`` from now, and never past ``auth.session_lifetime`` from the sign-in.

    :raises RefreshTokenInvalid: if the sign-in is as old as that already
    """
    wanted = settings.integers(["auth.refresh_days", "auth.session_lifetime"], tenant_id=session.tenant_id)
    now = clock.now()
    end = session.created_at + timedelta(days=wanted["auth.session_lifetime"])
    term = Term(now, min(now + timedelta(days=wanted["auth.refresh_days"]), end))
    if term.ends <= now:
        raise RefreshTokenInvalid
    session.expires_at = max(session.expires_at, term.ends)
    return term


def issue_refresh(session: UserSession, term: Term, *, parent: RefreshToken | None = None) -> IssuedRefresh:
    """Give the session a new refresh token for a term of ``carry_on``; needs the session's id."""
    token = ids.new_token("rft")
    db.session.add(
        RefreshToken(
            session_id=session.id,
            token_hash=token_hash(token),
            parent_id=parent.id if parent else None,
            issued_at=term.begins,
            expires_at=term.ends,
        )
    )
    return IssuedRefresh(token, term.ends - term.begins)


def family_of(token: str) -> int:
    """Return the id of the session a refresh token belongs to, whatever its state.

    :raises RefreshTokenInvalid: if it was never given out
    """
    query = sa.select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash(token))
    rows = read(query)
    if not rows:
        raise RefreshTokenInvalid
    return int(rows[0].session_id)


def is_reuse(token: RefreshToken, now: datetime) -> bool:
    """Say whether showing this token now is a reuse.

    The immediately previous token is taken again for ``auth.refresh_reuse_seconds``: an answer may be lost.
    """
    if token.retired_at is not None:
        return True
    if token.rotated_at is None:
        return False
    return now - token.rotated_at > timedelta(seconds=settings.integer("auth.refresh_reuse_seconds"))


def retire_before(token: RefreshToken, now: datetime) -> None:
    """Put the token's parent and siblings out of use: one of their line has been carried on."""
    if token.parent_id is None:
        return
    db.session.execute(
        sa.update(RefreshToken)
        .where(
            RefreshToken.session_id == token.session_id,
            sa.or_(RefreshToken.id == token.parent_id, RefreshToken.parent_id == token.parent_id),
            RefreshToken.id != token.id,
            RefreshToken.retired_at.is_(None),
        )
        .values(retired_at=now)
    )
