"""What passkeys tell of a person: names and dates; never what opens anything."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, not_exported, rows_of
from app.domains.twofactor.passkey_models import Passkey

not_exported("passkey_ceremonies", "minutes between a question and a passkey's answer; only hashes are kept")


@exported("passkeys", about="Passkeys you made: their names and dates.", tables=["passkeys"])
def passkeys(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read passkeys without their keys."""
    query = sa.select(
        Passkey.uid.label("id"),
        Passkey.name,
        Passkey.transports,
        Passkey.backed_up,
        Passkey.created_at,
        Passkey.last_used_at,
    )
    return rows_of(query.where(Passkey.user_id == user_id), Passkey.id, after, limit)
