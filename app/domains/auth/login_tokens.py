"""Between the password and the session: a token that is good for one sign-in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, ids
from app.core.db import db, read
from app.core.errors import Unauthenticated
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.auth.models import LoginToken

LIFE = timedelta(minutes=10)


class LoginTokenInvalid(Unauthenticated):
    code, message = "auth:login_token_invalid", "Begin the sign-in anew."


@dataclass(frozen=True)
class IssuedLoginToken:
    """What the second step of a sign-in takes."""

    token: str
    expires_in: timedelta
    needs_factor: bool


def issue(
    user: User, *, method: str, remember: bool = False, carrier: str | None = None, prefix: str = "lgt"
) -> IssuedLoginToken:
    """Make a login token for someone who passed the first step."""
    token, now = ids.new_token(prefix), clock.now()
    db.session.add(
        LoginToken(
            token_hash=token_hash(token),
            user_id=user.id,
            method=method,
            remember=remember,
            carrier=carrier,
            needs_factor=user.two_factor_enabled,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return IssuedLoginToken(token, LIFE, user.two_factor_enabled)


def id_of(token: str) -> int:
    """Return the id of an open login token.

    :raises LoginTokenInvalid: unknown, late or spent
    """
    return int(_found(token).id)


def owner_of(token: str) -> int:
    """Return the id of the person whom an open login token was given to.

    :raises LoginTokenInvalid: unknown, late or spent
    """
    return int(_found(token).user_id)


def _found(token: str) -> sa.Row[Any]:
    query = sa.select(LoginToken.id, LoginToken.user_id)
    rows = read(query.where(*_open(), LoginToken.token_hash == token_hash(token)))
    if not rows:
        raise LoginTokenInvalid
    return rows[0]


def spend(token_id: int) -> LoginToken:
    """Use a login token up; of two at once one gets it.

    :raises LoginTokenInvalid: if it was used or ended meanwhile
    """
    found = db.session.scalars(
        sa.update(LoginToken)
        .where(*_open(), LoginToken.id == token_id)
        .values(ended_at=clock.now())
        .returning(LoginToken)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise LoginTokenInvalid
    return found


def end(token_id: int) -> None:
    """End one login token: its tries are used up."""
    _end(LoginToken.id == token_id)


def end_all_of(user_id: int) -> None:
    """End every open login token of a person."""
    _end(LoginToken.user_id == user_id)


def _end(which: sa.ColumnElement[bool]) -> None:
    db.session.execute(
        sa.update(LoginToken)
        .where(which, LoginToken.ended_at.is_(None))
        .values(ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _open() -> tuple[sa.ColumnElement[bool], ...]:
    return (LoginToken.ended_at.is_(None), LoginToken.expires_at > clock.now())
