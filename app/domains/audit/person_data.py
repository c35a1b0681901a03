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
from app.core.secrets import seal, unseal
from app.domains.audit.models import AuditEvent

GONE = "erased"
_BATCH = 1000
_FORGET = "audit.forget"
_SEAL = f"outbox:{_FORGET}"
_MEMBERS = ("member", "membership")


@exported("activity", about="What you did here, and what was done to your account.", tables=["audit_events"])
def activity(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read the person's part of the trail; where others acted, nothing is said of those."""
    query = sa.select(AuditEvent).where(
        sa.or_(AuditEvent.actor_user_id == user_id, _about(user_id)), AuditEvent.id > after
    )
    rows = db.session.scalars(query.order_by(AuditEvent.id).limit(limit)).all()
    return [(row.id, _told(row, by_them=row.actor_user_id in (user_id, None))) for row in rows]


def _about(user_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(AuditEvent.subject_type == "user", AuditEvent.subject_id == user_id)


def _told(row: AuditEvent, *, by_them: bool) -> dict[str, Any]:
    return {
        "id": plain(row.uid),
        "at": plain(row.at),
        "what": plain(row.kind),
        "by": "you"
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

    The first rows go at once; what a long life leaves goes in steps of their own right afterwards.
    """
    theirs = sa.or_(
        AuditEvent.actor_user_id == leaver.user_id,
        sa.and_(_about(leaver.user_id), AuditEvent.actor_user_id.is_(None)),
    )
    db.session.execute(
        sa.update(AuditEvent)
        .where(theirs)
        .values(ip=None, user_agent="", actor_uid=None)
        .execution_options(synchronize_session=False)
    )
    _forget(leaver, after=0)


@outbox.effect(_FORGET)
def _go_on_forgetting(claimed: outbox.Claimed) -> None:
    kept = json.loads(unseal(claimed.payload["sealed"], _SEAL))
    told: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()}
    leaver = Leaver(**told)
    _forget(leaver, after=int(claimed.payload["after"]))


def _forget(leaver: Leaver, *, after: int) -> None:
    rows = db.session.execute(_touching(leaver, after).limit(_BATCH)).all()
    traces = trace_pattern(leaver.traces)
    for row in rows:
        own = row.subject_type == "user" and row.subject_id == leaver.user_id
        changes = without(row.changes, None if own else traces)
        if changes != row.changes:
            change = sa.update(AuditEvent).where(AuditEvent.id == row.id, AuditEvent.at == row.at)
            db.session.execute(change.values(changes=changes).execution_options(synchronize_session=False))
    if len(rows) == _BATCH:
        sealed = seal(json.dumps(asdict(leaver)), _SEAL)
        outbox.promise(_FORGET, {"after": rows[-1].id, "sealed": sealed})


def _touching(leaver: Leaver, after: int) -> sa.Select[Any]:
    """Select rows that may name the person: by or about them, and those of their organizations that do."""
    text = sa.cast(AuditEvent.changes, sa.Text)
    named = [text.icontains(json.dumps(mail)[1:-1], autoescape=True) for mail in leaver.addresses]
    return (
        sa.select(
            AuditEvent.id, AuditEvent.at, AuditEvent.subject_type, AuditEvent.subject_id, AuditEvent.changes
        )
        .where(
            AuditEvent.id > after,
            sa.or_(
                AuditEvent.actor_user_id == leaver.user_id,
                _about(leaver.user_id),
                sa.and_(
                    AuditEvent.subject_type.in_(_MEMBERS), AuditEvent.subject_id.in_(leaver.membership_ids)
                ),
                sa.and_(AuditEvent.tenant_id.in_(leaver.tenant_ids), sa.or_(*named)),
            ),
        )
        .order_by(AuditEvent.id)
    )


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
