"""Addresses that mail comes back from.

What an organization's own server says of an address counts for that organization alone. A mail that a server
takes, or a proof of reading the mailbox, clears them.
"""

import sqlalchemy as sa

from app.core import addresses
from app.core.db import db, read
from app.core.signs import HERE, MY_ADDRESS, sign
from app.domains.email.settings_models import BouncedAddress

sign(
    "mail_comes_back",
    sa.exists().where(
        BouncedAddress.address_key == MY_ADDRESS,
        sa.or_(BouncedAddress.tenant_id.is_(None), BouncedAddress.tenant_id == HERE),
    ),
)


def mark(address: str, reason: str, *, tenant_id: int | None) -> None:
    """Note that nobody has an address."""
    forget(address, tenant_id=tenant_id)
    db.session.add(BouncedAddress(address_key=addresses.key_of(address), tenant_id=tenant_id, reason=reason))


def forget(address: str, *, tenant_id: int | None = None, everywhere: bool = False) -> None:
    """Take an address for good again: a mail arrived, or somebody proved that they read it.

    :param everywhere: whatever any organization's server said, too
    """
    known = sa.delete(BouncedAddress).where(BouncedAddress.address_key == addresses.key_of(address))
    if not everywhere:
        known = known.where(BouncedAddress.tenant_id.is_not_distinct_from(tenant_id))
    db.session.execute(known.execution_options(synchronize_session=False))


def reason_for(address: str, tenant_id: int | None) -> str | None:
    """Return why an organization's mail to an address would come back; None if it would not."""
    found = read(
        sa.select(BouncedAddress.reason)
        .where(
            BouncedAddress.address_key == addresses.key_of(address),
            sa.or_(BouncedAddress.tenant_id.is_(None), BouncedAddress.tenant_id == tenant_id),
        )
        .limit(1)
    )
    return str(found[0].reason) if found else None
