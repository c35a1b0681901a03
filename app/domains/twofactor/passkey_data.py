"""What passkeys tell of a person: names and dates; never what opens anything."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows, not_exported
from app.domains.twofactor.passkey_models import Passkey

not_exported("passkey_ceremonies", "minutes between a question and a passkey's answer; only hashes are kept")


@exported_rows("passkeys", about="Passkeys you made: their names and dates.", by=Passkey.id)
def passkeys(user_id: int) -> sa.Select[Any]:
    """Select passkeys without their keys."""
    query = sa.select(
        Passkey.uid.label("id"),
        Passkey.name,
        Passkey.transports,
        Passkey.backed_up,
        Passkey.created_at,
        Passkey.last_used_at,
    )
    return query.where(Passkey.user_id == user_id)
