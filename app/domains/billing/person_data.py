"""What invoices keep of a person: the address they went to, until person or organization leaves."""

import sqlalchemy as sa

from app.core.db import db
from app.core.personal import Leaver, on_erasure
from app.domains.billing.models import Invoice


@on_erasure
def _forget(leaver: Leaver) -> None:
    """Take a person's address off the invoices of their organizations; all else is kept as tax law asks."""
    addresses = {address.lower() for address in leaver.addresses}
    theirs = sa.select(Invoice).where(Invoice.tenant_id.in_(leaver.tenant_ids))
    for invoice in db.session.scalars(theirs.execution_options(yield_per=200)):
        if str(invoice.customer.get("email") or "").lower() in addresses:
            invoice.customer = {**invoice.customer, "email": None}


def forget_addressees(*, tenant_id: int) -> None:
    """Take whom invoices were sent to off those of an organization that is gone; all else stays."""
    theirs = sa.select(Invoice).where(Invoice.tenant_id == tenant_id)
    for invoice in db.session.scalars(theirs.execution_options(yield_per=200)):
        invoice.customer = {**invoice.customer, "email": None}
