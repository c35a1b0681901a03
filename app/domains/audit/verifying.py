"""Verifying: every link of a chain anew, and that no row of the trail is without one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.audit import chain as chains
from app.domains.audit import digests
from app.domains.audit.chain_models import OF_THE_INSTANCE, AuditChain, AuditErasure, AuditHorizon, AuditLink
from app.domains.audit.models import AuditEvent

BATCH = 2000
MOST_FAULTS = 50
_BACK = timedelta(hours=1)
"""How much earlier than the row before it a row may be dated: clocks differ, transactions take their time."""
_EVENTS = AuditEvent.__table__


@dataclass(frozen=True)
class Fault:
    """One place where the trail is not what was sealed."""

    position: int | None
    event_id: int | None
    says: str

    def __str__(self) -> str:
        at = "" if self.position is None else f"position {self.position}"
        row = "" if self.event_id is None else f"row {self.event_id}"
        return f"{', '.join(filter(None, (at, row))) or 'chain'}: {self.says}"


@dataclass
class Verdict:
    """What was found of one chain."""

    tenant_key: int
    position: int
    head: bytes
    checked: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Say whether nothing was found."""
        return not self.faults

    def add(self, position: int | None, event_id: int | None, says: str) -> None:
        """Note a fault; of very many the first tell enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(position, event_id, says))


@dataclass(frozen=True)
class Head:
    """The newest link of a chain: written down elsewhere, it tells later whether the end was cut off."""

    tenant_key: int
    position: int
    code: str


@dataclass(frozen=True)
class Standing:
    """How a chain was found the last time."""

    sealed: int
    verified_at: datetime | None
    faults: int | None
    note: str | None


@operation(Access.SYSTEM)
def heads(actor: Actor, *, tenant_key: int | None = None) -> Sequence[Head]:
    """Return the newest link of each chain, or of one."""
    query = sa.select(AuditChain).order_by(AuditChain.tenant_key)
    if tenant_key is not None:
        query = query.where(AuditChain.tenant_key == tenant_key)
    return [Head(one.tenant_key, one.position, bytes(one.head).hex()) for one in db.session.scalars(query)]


@operation(Access.PLATFORM_ADMIN)
def standing(actor: Actor) -> Standing:
    """Return how the whole trail was found the last time, chain by chain: the worst and the oldest."""
    query = sa.select(
        sa.func.coalesce(sa.func.sum(AuditChain.position), 0),
        sa.func.min(AuditChain.verified_at),
        sa.func.sum(AuditChain.verified_faults),
        sa.func.max(AuditChain.verified_note),
    )
    sealed, at, faults, note = db.session.execute(query).one()
    return Standing(int(sealed), at, None if faults is None else int(faults), note)


@operation(Access.SYSTEM)
def keys_of_chains(actor: Actor) -> Sequence[int]:
    """Return the keys of all chains."""
    return db.session.scalars(sa.select(AuditChain.tenant_key).order_by(AuditChain.tenant_key)).all()


@operation(Access.SYSTEM)
def verify(actor: Actor, *, tenant_key: int, noted: tuple[int, str] | None = None) -> Verdict:
    """Look at one chain from its beginning to its end; nothing is changed.

    :param noted: position and code of a head that was written down elsewhere
    """
    verdict = _look(tenant_key, noted)
    if verdict.faults:  # rows are sealed, erased and let go of meanwhile: what is wrong is so twice
        again = _look(tenant_key, noted)
        again.faults = [fault for fault in again.faults if fault in verdict.faults]
        return again
    return verdict


def _look(tenant_key: int, noted: tuple[int, str] | None) -> Verdict:
    chain = _chain_of(tenant_key)
    if chain is None:
        verdict = Verdict(tenant_key, 0, digests.START)
        if noted is not None:
            verdict.add(None, None, "The chain is gone.")
        return verdict
    walk = begin(tenant_key)
    while not walk.is_over:
        walk = step(walk)
    verdict = Verdict(tenant_key, walk.until, bytes(chain.head), walk.checked, list(walk.faults))
    if noted is not None:
        _check_noted(chain, noted, verdict)
    return verdict


def _chain_of(tenant_key: int) -> AuditChain | None:
    query = sa.select(AuditChain).where(AuditChain.tenant_key == tenant_key)
    return db.session.scalar(query.execution_options(populate_existing=True))


@operation(Access.SYSTEM)
def write_down(actor: Actor, *, verdict: Verdict) -> None:
    """Keep what was found, for those who look at the platform's pages."""
    note = "; ".join(str(fault) for fault in verdict.faults[:3])[:500] or None
    change = sa.update(AuditChain).where(AuditChain.tenant_key == verdict.tenant_key)
    values = {
        "verified_at": clock.now(),
        "verified_position": verdict.position,
        "verified_faults": len(verdict.faults),
        "verified_note": note,
    }
    db.session.execute(change.values(values).execution_options(synchronize_session=False))


def _check_noted(chain: AuditChain, noted: tuple[int, str], verdict: Verdict) -> None:
    position, code = noted
    if position < chain.anchor_position:
        return  # its time was over
    if position == chain.anchor_position:
        there: bytes | None = bytes(chain.anchor_head)
    else:
        query = sa.select(AuditLink.hash).where(
            AuditLink.chain_id == chain.id, AuditLink.position == position
        )
        there = db.session.scalar(query)
    if there is None or bytes(there).hex() != code.lower():
        verdict.add(position, None, f"Position {position} is not what was written down of it.")


@dataclass
class Walk:
    """How far somebody is who verifies a chain: first its links, then whether each row has one."""

    tenant_key: int
    until: int
    """The end of the chain when it began; what is added meanwhile is for the next time."""
    expected: int
    before: str
    last_at: datetime | None = None
    row_id: int = 0
    in_rows: bool = False
    is_over: bool = False
    checked: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, position: int | None, event_id: int | None, says: str) -> None:
        """Note a fault; of very many the first tell enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(position, event_id, says))

    def kept(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "last_at": self.last_at.isoformat() if self.last_at else None}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Walk":
        """Return it as it was kept."""
        last_at = datetime.fromisoformat(kept["last_at"]) if kept["last_at"] else None
        return cls(**{**kept, "last_at": last_at, "faults": [Fault(**one) for one in kept["faults"]]})


def begin(tenant_key: int) -> Walk:
    """Return the walk through a chain that is there."""
    chain = _chain_of(tenant_key)
    if chain is None:
        return Walk(tenant_key, 0, 0, "", is_over=True)
    walk = Walk(tenant_key, chain.position, chain.anchor_position + 1, bytes(chain.anchor_head).hex())
    _check_beginning(chain, walk)
    return walk


def step(walk: Walk) -> Walk:
    """Go on for one batch."""
    chain = _chain_of(walk.tenant_key)
    if chain is None:
        walk.add(None, None, "The chain is gone.")
        walk.is_over = True
    elif walk.in_rows:
        _check_rows(chain, walk)
    else:
        _check_links(chain, walk)
    return walk


def _check_links(chain: AuditChain, walk: Walk) -> None:
    batch = _links(chain, walk)
    rows, since = _rows_of(batch), _amendments(chain, batch)
    for link in batch:
        if link.position != walk.expected:
            walk.add(walk.expected, None, f"Links are missing before position {link.position}.")
        _check_link(chain, link, walk, rows.get(link.event_id), since)
        if not link.erased:
            if walk.last_at is not None and link.event_at < walk.last_at - _BACK:
                walk.add(
                    link.position, link.event_id, "The row is dated before rows that were there already."
                )
            walk.last_at = link.event_at
        walk.before, walk.expected = bytes(link.hash).hex(), link.position + 1
        walk.checked += 1
    if len(batch) < BATCH:
        _check_end(chain, walk)
        walk.in_rows = True


def _check_end(chain: AuditChain, walk: Walk) -> None:
    if walk.expected - 1 != walk.until or (
        chain.position == walk.until and bytes(chain.head).hex() != walk.before
    ):
        walk.add(walk.until, None, "The end of the chain is not where it was.")
    newest = sa.select(AuditChain.position).where(AuditChain.id == chain.id).scalar_subquery()
    beyond = sa.select(AuditLink.position).where(AuditLink.chain_id == chain.id, AuditLink.position > newest)
    if db.session.scalar(beyond.limit(1)) is not None:
        walk.add(None, None, "There are links beyond the end of the chain.")


def _check_beginning(chain: AuditChain, walk: Walk) -> None:
    head = bytes(chain.anchor_head)
    if not chain.anchor_position:
        if head != digests.START:
            walk.add(0, None, "The beginning of the chain was moved.")
        return
    try:
        code = chains.anchor_mac(chain.anchor_key_id, chain.tenant_key, chain.anchor_position, head)
    except digests.KeyGone as error:
        walk.add(chain.anchor_position, None, f"The key {error} is not there to check the beginning.")
        return
    if not digests.same(code, chain.anchor_mac):
        walk.add(chain.anchor_position, None, "The beginning of the chain was moved.")


def _links(chain: AuditChain, walk: Walk) -> Sequence[sa.Row[Any]]:
    table = AuditLink.__table__
    # From the place that was reached, not from the one expected: what lies before the beginning is found too.
    start = walk.expected if walk.checked else -1
    within = (table.c.position >= start, table.c.position <= walk.until)
    query = sa.select(table).where(table.c.chain_id == chain.id, *within)
    return db.session.execute(query.order_by(table.c.position).limit(BATCH)).all()


def _rows_of(batch: Sequence[sa.Row[Any]]) -> Mapping[int, sa.Row[Any]]:
    ids = [link.event_id for link in batch if not link.erased]
    found = db.session.execute(sa.select(*digests.columns()).where(_EVENTS.c.id.in_(ids)))
    return {row.id: row for row in found}


def _amendments(chain: AuditChain, batch: Sequence[sa.Row[Any]]) -> Mapping[int, tuple[bytes | None, bytes]]:
    """Return, of rows that were erased, what they say since: as the chain has it, or what waits for it."""
    ids = {link.event_id for link in batch}
    linked = sa.select(AuditLink.event_id, AuditLink.salt, AuditLink.personal).where(
        AuditLink.event_id.in_(ids), AuditLink.chain_id == chain.id, AuditLink.erased
    )
    since = {
        row.event_id: (row.salt, row.personal)
        for row in db.session.execute(linked.order_by(AuditLink.position))
    }
    waiting = sa.select(AuditErasure).where(
        AuditErasure.event_id.in_(ids), AuditErasure.tenant_key == chain.tenant_key
    )
    for one in db.session.scalars(waiting.order_by(AuditErasure.id)):
        if chains.is_ours(one):
            since[one.event_id] = (one.salt, one.personal)
    return since


def _check_link(
    chain: AuditChain,
    link: sa.Row[Any],
    walk: Walk,
    row: sa.Row[Any] | None,
    since: Mapping[int, tuple[bytes | None, bytes]],
) -> None:
    if row is None and not link.erased:
        walk.add(link.position, link.event_id, "The row is gone.")
        return
    fixed = () if row is None or link.erased else digests.fixed_of(row)
    parts = (link.position, link.erased, link.event_id, link.event_at, bytes(link.personal), fixed)
    try:
        code = chains.hash_of(link.key_id, bytes.fromhex(walk.before), chain.tenant_key, *parts)
    except digests.KeyGone:
        walk.add(link.position, link.event_id, f"The key {link.key_id} is not there to check it.")
        return
    if not digests.same(code, link.hash):
        walk.add(link.position, link.event_id, "The row or its link was changed.")
    elif row is not None and not link.erased:
        salt, personal = since.get(link.event_id, (link.salt, link.personal))
        said = digests.personal_of(row)
        if salt is None or not digests.same(digests.salted(bytes(salt), said), personal):
            walk.add(link.position, link.event_id, "Address, device or changes of the row were changed.")


def _check_rows(chain: AuditChain, walk: Walk) -> None:
    """Find rows that came in without us: their numbers are below the horizon and no link names them."""
    sealed_id = db.session.scalar(sa.select(AuditHorizon.sealed_id)) or 0
    tenant_id = None if chain.tenant_key == OF_THE_INSTANCE else chain.tenant_key
    below = (_EVENTS.c.id > walk.row_id, _EVENTS.c.id <= sealed_id)
    query = sa.select(_EVENTS.c.id).where(_EVENTS.c.tenant_id == tenant_id, *below)  # None: IS NULL
    ids = db.session.scalars(query.order_by(_EVENTS.c.id).limit(BATCH)).all()
    linked = sa.select(AuditLink.event_id).where(
        AuditLink.event_id.in_(ids), AuditLink.chain_id == chain.id, ~AuditLink.erased
    )
    for event_id in sorted(set(ids) - set(db.session.scalars(linked))):
        walk.add(None, event_id, "The row was put in without a link.")
    if len(ids) < BATCH:
        walk.is_over = True
    else:
        walk.row_id = ids[-1]
