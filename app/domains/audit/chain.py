"""Sealing: rows get their place in their chain a moment after they were written, so that no writer waits.

A row's number is drawn before the row can be seen, so a small number may appear after a large one. Only rows
below a horizon are sealed: numbers up to which all who wrote have ended. Why it is so: docs/adr/0009.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.db import db, is_sqlite, rows_changed
from app.core.jobs import job
from app.domains.audit import digests
from app.domains.audit.chain_models import OF_THE_INSTANCE, AuditChain, AuditErasure, AuditHorizon, AuditLink
from app.domains.audit.models import AuditEvent

BATCH = 2000
_GO_ON = "audit.seal"


@job("audit.seal", every=timedelta(minutes=1))
def seal_what_is_new() -> int:
    """Give rows that all can see their place in their chain; returns how many."""
    sealed = _seal(advance=True)
    if sealed >= BATCH:
        outbox.promise(_GO_ON, {})
    return sealed


@outbox.effect(_GO_ON)
def _go_on_sealing(_claimed: outbox.Claimed) -> None:
    if _seal(advance=False) >= BATCH:
        outbox.promise(_GO_ON, {})


def _seal(*, advance: bool) -> int:
    horizon = _held_horizon()
    if advance:
        _advance(horizon)
    table = AuditEvent.__table__
    fresh = sa.select(*digests.columns()).where(table.c.id > horizon.sealed_id, table.c.id <= horizon.safe_id)
    rows = db.session.execute(fresh.order_by(table.c.id).limit(BATCH)).all()
    chains = _held_chains({row.tenant_id or OF_THE_INSTANCE for row in rows})
    links = [_link_of(chains[row.tenant_id or OF_THE_INSTANCE], row) for row in rows]
    if links:
        db.session.execute(sa.insert(AuditLink), links)
    horizon.sealed_id = rows[-1].id if len(rows) == BATCH else max(horizon.sealed_id, horizon.safe_id)
    db.session.flush()  # what erasures refer to is there
    return len(rows) + _seal_erasures(horizon.sealed_id)


def _held_horizon() -> AuditHorizon:
    found = db.session.get(AuditHorizon, 1, with_for_update=True)
    if found is None:
        found = AuditHorizon(id=1, sealed_id=0, safe_id=0, noted_id=0, writers=[])
        db.session.add(found)
        db.session.flush()  # of two at once the second fails here, and tries again a minute later
    return found


def _advance(horizon: AuditHorizon) -> None:
    """Move the horizon on: to what was noted a look ago, once all who were writing then have ended.

    Whoever draws a number at or below the newest that can be seen holds the table already, or has ended: so
    who writes is asked after the newest was read.
    """
    newest = db.session.scalar(sa.select(sa.func.max(AuditEvent.id))) or 0
    writing = writers()
    if not writing:
        horizon.safe_id = newest
    elif writing.isdisjoint(horizon.writers):
        horizon.safe_id = max(horizon.safe_id, horizon.noted_id)
        horizon.noted_id, horizon.writers = newest, sorted(writing)


def writers() -> set[str]:
    """Return the transactions that are writing into the trail, other than this one.

    They hold a lock on it from before they draw a number until their rows can be seen, those that were
    prepared and outlive their connection included. Nobody else is waited for: neither another database of
    the server, nor who only reads. SQLite has one writer at a time: what is there can be seen.
    """
    if is_sqlite():
        return set()
    held = sa.text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
        " AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
        " AND relation = 'audit_events'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return set(db.session.scalars(held))


def _held_chains(keys: set[int]) -> dict[int, AuditChain]:
    query = sa.select(AuditChain).where(AuditChain.tenant_key.in_(keys)).with_for_update()
    found = {chain.tenant_key: chain for chain in db.session.scalars(query)}
    for key in sorted(keys - set(found)):
        found[key] = AuditChain(
            tenant_key=key, position=0, head=digests.START, anchor_position=0, anchor_head=digests.START
        )
        db.session.add(found[key])
    db.session.flush()  # generate their ids
    return found


def _link_of(chain: AuditChain, row: Any) -> dict[str, Any]:
    salt = digests.new_salt()
    link = {
        "event_id": row.id,
        "event_at": row.at,
        "erased": False,
        "salt": salt,
        "personal": digests.salted(salt, digests.personal_of(row)),
    }
    return _appended(chain, link, digests.fixed_of(row))


def _appended(chain: AuditChain, link: dict[str, Any], fixed: Sequence[Any]) -> dict[str, Any]:
    key_id = digests.newest_key()
    position = chain.position + 1
    code = hash_of(
        key_id,
        chain.head,
        chain.tenant_key,
        position,
        link["erased"],
        link["event_id"],
        link["event_at"],
        link["personal"],
        fixed,
    )
    chain.position, chain.head = position, code
    return {**link, "chain_id": chain.id, "position": position, "hash": code, "key_id": key_id}


def hash_of(key_id: str, before: bytes, *parts: Any) -> bytes:
    """Return a link's code: over the one before it, its place, what it stands for and what that says."""
    return digests.mac(key_id, "link", bytes(before), *parts)


# ---- Erasure


def note_erasure(row: Any, after: dict[str, Any]) -> None:
    """Keep, in the erasure's transaction, what a row says since; the chain says so within minutes.

    :param row: the row before: id, at, tenant_id and its personal part
    """
    salt, key_id = digests.new_salt(), digests.newest_key()
    now = {name: after.get(name, getattr(row, name)) for name in digests.PERSONAL}
    personal = digests.salted(salt, digests.personal_of(_Said(now)))
    key = row.tenant_id or OF_THE_INSTANCE
    db.session.add(
        AuditErasure(
            event_id=row.id,
            event_at=row.at,
            tenant_key=key,
            salt=salt,
            personal=personal,
            mac=erasure_mac(key_id, row.id, key, personal),
            key_id=key_id,
        )
    )


class _Said:
    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def erasure_mac(key_id: str, event_id: int, tenant_key: int, personal: bytes) -> bytes:
    """Return the code of an erasure that waits for its link: nobody else can let a row say something else."""
    return digests.mac(key_id, "erasure", event_id, tenant_key, bytes(personal))


def is_ours(erasure: AuditErasure) -> bool:
    """Say whether we noted an erasure."""
    try:
        code = erasure_mac(erasure.key_id, erasure.event_id, erasure.tenant_key, erasure.personal)
    except digests.KeyGone:
        return False
    return digests.same(code, erasure.mac)


def _seal_erasures(sealed_id: int) -> int:
    """Append a link for each row that was erased, and let go of the salt of what it said before."""
    waiting = sa.select(AuditErasure).where(AuditErasure.event_id <= sealed_id).order_by(AuditErasure.id)
    found = [one for one in db.session.scalars(waiting.limit(BATCH)).all() if is_ours(one)]
    if not found:
        return 0
    ids = {one.event_id for one in found}
    linked = set(db.session.scalars(sa.select(AuditLink.event_id).where(AuditLink.event_id.in_(ids))))
    forget = sa.update(AuditLink).where(AuditLink.event_id.in_(ids))
    rows_changed(forget.values(salt=None))
    kept = [one for one in found if one.event_id in linked]  # others' time was over: nothing is left to link
    chains = _held_chains({one.tenant_key for one in kept})
    links = [_erased_link(chains[one.tenant_key], one) for one in kept]
    newest = {link["event_id"]: link["position"] for link in links}
    for link in links:
        if newest[link["event_id"]] != link["position"]:
            link["salt"] = None
    if links:
        db.session.execute(sa.insert(AuditLink), links)
    gone = sa.delete(AuditErasure).where(AuditErasure.id.in_([one.id for one in found]))
    rows_changed(gone)
    return len(found)


def _erased_link(chain: AuditChain, one: AuditErasure) -> dict[str, Any]:
    link = {
        "event_id": one.event_id,
        "event_at": one.event_at,
        "erased": True,
        "salt": one.salt,
        "personal": one.personal,
    }
    return _appended(chain, link, ())


# ---- Letting go of the oldest


def anchor_mac(key_id: str, tenant_key: int, position: int, head: bytes) -> bytes:
    """Return the code of where a chain begins since its oldest rows went."""
    return digests.mac(key_id, "anchor", tenant_key, position, bytes(head))


def let_go(chain: AuditChain, *, before: Any, most: int) -> Sequence[int]:
    """Cut links off the beginning of a chain whose rows are older; returns those rows' ids.

    What is left begins at the last link that went, which is kept under our key.
    """
    query = sa.select(
        AuditLink.position, AuditLink.event_id, AuditLink.event_at, AuditLink.erased, AuditLink.hash
    )
    query = query.where(AuditLink.chain_id == chain.id).order_by(AuditLink.position).limit(most)
    going, ids = None, []
    for link in db.session.execute(query):
        if not link.erased and link.event_at >= before:
            break
        going = link
        if not link.erased:
            ids.append(link.event_id)
    if going is None:
        return []
    chain.anchor_position, chain.anchor_head = going.position, going.hash
    chain.anchor_key_id = digests.newest_key()
    chain.anchor_mac = anchor_mac(chain.anchor_key_id, chain.tenant_key, going.position, going.hash)
    cut = sa.delete(AuditLink).where(AuditLink.chain_id == chain.id, AuditLink.position <= going.position)
    rows_changed(cut)
    return ids
