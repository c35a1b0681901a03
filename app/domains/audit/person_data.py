"""What the trail holds of a person: their part of the export, and what is left of them when they leave."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.db import db
from app.core.personal import Leaver, Row, exported, on_erasure, plain
from app.core.secrets import Sealed, seal, unseal
from app.domains.audit.chain import note_erasure
from app.domains.audit.models import AuditEvent

GONE = "erased"
_BATCH = 1000
_FORGET = "audit.forget"
_SEAL = f"outbox:{_FORGET}"
_MEMBERS = ("member", "membership")
_READ = (
    *("id", "at", "tenant_id", "subject_type", "subject_id", "actor_user_id"),
    *("ip", "user_agent", "actor_uid", "changes"),
)


@exported("activity", about="What you did here, and what was done to your account.", tables=["audit_events"])
def activity(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read the person's part of the trail; where others acted, nothing is said of those."""
    query = sa.select(AuditEvent).where(
        sa.or_(AuditEvent.actor_user_id == user_id, _about(user_id)), AuditEvent.id > after
    )
    rows = db.session.scalars(query.order_by(AuditEvent.id).limit(limit)).all()
    return [
        (
            row.id,
            _told(row, by_them=row.actor_user_id in (user_id, None) and row.impersonator_user_id is None),
        )
        for row in rows
    ]


def _about(user_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(AuditEvent.subject_type == "user", AuditEvent.subject_id == user_id)


def _told(row: AuditEvent, *, by_them: bool) -> dict[str, Any]:
    return {
        "id": plain(row.uid),
        "at": plain(row.at),
        "what": plain(row.kind),
        "by": "support, in your name"
        if row.impersonator_user_id
        else "you"
        if by_them and row.actor_user_id
        else ("someone else" if row.actor_user_id else "unknown"),
        "through": row.dialect,
        "succeeded": row.ok,
        "ip": row.ip if by_them else None,
        "user_agent": row.user_agent if by_them else None,
        "changes": row.changes,
    }


@on_erasure
def pseudonymize(leaver: Leaver) -> None:
    """Leave numbers in the trail: where from, with what and what of the person was changed is gone.

    The first rows go at once; what a long life leaves goes in steps of their own right afterwards, each small
    enough for a database that ends long statements.
    """
    _forget(leaver, walk=0, after=0)


@outbox.effect(_FORGET)
def _go_on_forgetting(claimed: outbox.Claimed) -> None:
    kept = json.loads(unseal(Sealed(claimed.payload["sealed"]), _SEAL))
    told: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()}
    _forget(Leaver(**told), walk=int(claimed.payload["walk"]), after=int(claimed.payload["after"]))


def _forget(leaver: Leaver, *, walk: int, after: int) -> None:
    walks, left = _walks(leaver), _BATCH
    named = trace_pattern(leaver.addresses)
    traces = trace_pattern(leaver.traces)
    while walk < len(walks):
        columns = (getattr(AuditEvent, name) for name in _READ)
        query = sa.select(*columns).where(walks[walk], AuditEvent.id > after)
        rows = db.session.execute(query.order_by(AuditEvent.id).limit(left)).all()
        for row in rows:
            _clean(row, leaver, named, traces)
        if len(rows) == left:
            sealed = seal(json.dumps(asdict(leaver)), _SEAL).inside()
            outbox.promise(_FORGET, {"walk": walk, "after": rows[-1].id, "sealed": sealed})
            return
        walk, after, left = walk + 1, 0, left - len(rows)


def _walks(leaver: Leaver) -> list[sa.ColumnElement[bool]]:
    """Return where the person may be named, each along an index of its own: no step reads more than it takes.

    By them, about them, about their memberships, and whatever happened in their organizations.
    """
    members = sa.and_(AuditEvent.subject_type.in_(_MEMBERS), AuditEvent.subject_id.in_(leaver.membership_ids))
    own = [AuditEvent.actor_user_id == leaver.user_id, _about(leaver.user_id), members]
    return [*own, *(AuditEvent.tenant_id == tenant_id for tenant_id in leaver.tenant_ids)]


def _clean(row: sa.Row[Any], leaver: Leaver, named: re.Pattern[str], traces: re.Pattern[str]) -> None:
    about = row.subject_type == "user" and row.subject_id == leaver.user_id
    theirs = row.actor_user_id == leaver.user_id or (about and row.actor_user_id is None)
    touching = theirs or about or (row.subject_type in _MEMBERS and row.subject_id in leaver.membership_ids)
    after: dict[str, Any] = {"ip": None, "user_agent": "", "actor_uid": None} if theirs else {}
    if touching or without(row.changes, named) != row.changes:
        after["changes"] = without(row.changes, None if about else traces)
    if any(getattr(row, name) != value for name, value in after.items()):
        note_erasure(row, after)
        change = sa.update(AuditEvent).where(AuditEvent.id == row.id, AuditEvent.at == row.at)
        db.session.execute(change.values(after).execution_options(synchronize_session=False))


def trace_pattern(traces: Sequence[str]) -> re.Pattern[str]:
    """Return what finds any of the texts as words of their own, whatever their case."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, traces))})(?!\w)", re.IGNORECASE)


def without(value: Any, traces: re.Pattern[str] | None) -> Any:
    """Return a value with each text that names the person (or, without traces, each text) gone."""
    if isinstance(value, str):
        return GONE if traces is None or traces.search(value) else value
    if isinstance(value, dict):
        return {key: without(inner, traces) for key, inner in value.items()}
    if isinstance(value, list):
        return [without(inner, traces) for inner in value]
    return value
