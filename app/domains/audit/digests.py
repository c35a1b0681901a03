"""What a link of the chain says of a row, under a key that the database does not know."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.secrets import SealBroken, Sealed, seal, unseal
from app.core.settings import current_settings
from app.domains.audit.chain_models import AuditKey
from app.domains.audit.models import AuditEvent

START = b"\0" * 32
_PURPOSE = b"portico audit chain"
_KEPT = "audit_keys"

FIXED = (
    *("id", "uid", "at", "kind", "tenant_id", "actor_kind", "actor_user_id", "impersonator_user_id"),
    *("session_id", "subject_type", "subject_id", "dialect", "request_id", "ok"),
)
"""What never changes in a row."""
PERSONAL = ("ip", "user_agent", "actor_uid", "changes")
"""What leaves a row when the person does."""


class KeyGone(Exception):
    """The key that something was sealed with is not among ``SEALING_KEYS`` any more, and was not kept."""


def columns() -> list[Any]:
    """Return the columns of a row as they are read: a word that was changed to none of ours included."""
    table = AuditEvent.__table__
    return [
        sa.type_coerce(table.c[name], sa.String).label(name) if name == "kind" else table.c[name]
        for name in (*FIXED, *PERSONAL)
    ]


def newest_key() -> str:
    """Return the id of the key for new links."""
    return current_settings().sealing_keys.newest[0]


def _key(key_id: str) -> bytes:
    key = current_settings().sealing_keys.keys.get(key_id)
    return _kept_key(key_id) if key is None else _derived(key)


def _derived(key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE, "sha256")


def _kept_key(key_id: str) -> bytes:
    known = db.session.info.setdefault(_KEPT, {})  # a chain asks for each of its links
    if key_id not in known:
        found = db.session.scalar(sa.select(AuditKey.derived).where(AuditKey.key_id == key_id))
        try:
            known[key_id] = bytes.fromhex(unseal(found or Sealed(""), _context(key_id)))
        except SealBroken as error:
            raise KeyGone(key_id) from error
    return bytes(known[key_id])


def _context(key_id: str) -> str:
    return f"audit_keys:{key_id}"


@operation(Access.SYSTEM)
def keep_keys(actor: Actor) -> int:
    """Keep what links are checked with, so that the keys it comes from can go; returns how many are new.

    It is derived from each key for this alone, and sealed under the newest: it opens nothing else.
    """
    known = set(db.session.scalars(sa.select(AuditKey.key_id)))
    lacking = {
        key_id: key for key_id, key in current_settings().sealing_keys.keys.items() if key_id not in known
    }
    for key_id, key in lacking.items():
        derived = seal(_derived(key).hex(), _context(key_id))
        db.session.add(AuditKey(key_id=key_id, derived=derived))
    db.session.flush()  # before they are sealed anew themselves
    return len(lacking)


def mac(key_id: str, *parts: Any) -> bytes:
    """Return the code of some parts.

    :raises KeyGone: if the key is not there any more
    """
    return hmac.digest(_key(key_id), _canonical(parts), "sha256")


def fixed_of(row: Any) -> list[Any]:
    """Return what never changes of a row, as JSON has it."""
    return [_plain(getattr(row, name)) for name in FIXED]


def personal_of(row: Any) -> list[Any]:
    """Return the part of a row that leaves with its person."""
    return [_plain(getattr(row, name)) for name in PERSONAL]


def salted(salt: bytes, personal: Sequence[Any]) -> bytes:
    """Return the digest of a personal part, which says nothing once its salt is gone."""
    return hmac.digest(salt, _canonical(personal), "sha256")


def new_salt() -> bytes:
    """Return a salt that nobody can guess."""
    return secrets.token_bytes(16)


def same(a: bytes, b: bytes) -> bool:
    """Compare two codes."""
    return hmac.compare_digest(bytes(a), bytes(b))


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)
    return hashlib.sha256(text.encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    return str(value)
