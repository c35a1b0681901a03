"""What people said about mail, for whoever writes some to them."""

import sqlalchemy as sa

from app.core.db import read
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.accounts.preferences import NoticePreferences
from app.domains.email.recipients import Recipient, finds_recipients


@finds_recipients
def with_address(address: str) -> Recipient | None:
    """Return the person who has an address, with their master switch and their consent."""
    query = sa.select(User.id, User.preferences).where(User.email_key == key_of(address))
    for user_id, kept in read(query):
        said, usual = (kept or {}).get("notifications", {}), NoticePreferences()
        return Recipient(
            user_id=user_id,
            email_enabled=bool(said.get("email_enabled", usual.email_enabled)),
            email_consent=bool(said.get("email_consent", usual.email_consent)),
        )
    return None
