"""What every page has to look for about its reader, in one statement for all of it.

Each domain says where a sign of something is found; who sees one asks the domain for the rest. Most people at
most times have none, so that a page costs one statement in place of one for each thing that might be.
"""

import functools
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core import addresses, clock
from app.core.access import Actor
from app.core.db import UTCDateTime, read

ME: sa.BindParameter[int] = sa.bindparam("me", type_=sa.BigInteger())
HERE: sa.BindParameter[int] = sa.bindparam("here", type_=sa.BigInteger())
"""The organization that the reader works in; equal to nothing where they work in none."""
MY_ADDRESS: sa.BindParameter[str] = sa.bindparam("my_address", type_=sa.String())
NOW = sa.bindparam("now", type_=UTCDateTime())

_SIGNS: dict[str, sa.ColumnElement[Any]] = {}


def sign(name: str, found: sa.ColumnElement[Any]) -> None:
    """Register what says whether there is something, in terms of the values above; called at import.

    An ``exists`` or a scalar subquery that an index answers: it is asked at every page.
    """
    if name in _SIGNS:
        raise ValueError(f"there are two signs called {name}")
    _SIGNS[name] = found


def signs(actor: Actor) -> Mapping[str, Any]:
    """Return what there is about somebody now, by the names of the signs: one statement."""
    values = {
        "me": actor.user_id,
        "here": actor.tenant_id,
        "my_address": addresses.key_of(actor.email),
        "now": clock.now(),
    }
    return dict(read(_statement(), values)[0]._mapping)


@functools.cache
def _statement() -> sa.Select[Any]:
    return sa.select(*(found.label(name) for name, found in sorted(_SIGNS.items())))
