"""An organization as whoever bills it sees it; organizations build on billing, not the other way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.email.compliance import compliance_in
from app.domains.email.rules import rules_of
from app.domains.outlines.tables import MEMBERSHIPS, TENANTS
from app.domains.permissions.roles import Role
from app.domains.settings import queries as settings

_ON_INVOICES = ("general.legal_name", "billing.tax_id", "billing.purchase_order")
_ADDRESS = ("line1", "line2", "postal_code", "city", "region", "country")
_MOST_TOLD = 20


@dataclass(frozen=True)
class Customer:
    """Who is billed."""

    tenant_id: int
    name: str
    is_active: bool
    billing_email: str | None


@dataclass(frozen=True)
class Reader:
    """Somebody who is written to."""

    email: str
    first_name: str


def hold(tenant_id: int) -> Customer:
    """Hold an organization till the transaction ends: whatever changes what it owes goes one by one."""
    # As seats are held (members.seats): rows that point at it may still be written meanwhile.
    query = sa.select(TENANTS).where(TENANTS.c.id == tenant_id).with_for_update(key_share=True)
    row = db.session.execute(query).one()
    return Customer(row.id, row.name, row.status == "active", row.billing_email)


def on_invoices(customer: Customer) -> dict[str, Any]:
    """Return what an invoice says of its customer, as it is set now."""
    wanted = settings.values(_ON_INVOICES, tenant_id=customer.tenant_id)
    postal = compliance_in(rules_of(customer.tenant_id)).can_spam
    address = postal["address"] or {}
    return {
        "name": wanted["general.legal_name"] or postal["company_name"] or customer.name,
        "address": [line for line in (address.get(name) for name in _ADDRESS) if line],
        "tax_id": wanted["billing.tax_id"],
        "purchase_order": wanted["billing.purchase_order"],
        "email": customer.billing_email,
    }


def readers(customer: Customer, *roles: Role) -> Iterator[Reader]:
    """Yield the billing address and the people of these roles, each address once."""
    told: set[str] = set()
    found = [*_people(customer.tenant_id, roles)] if roles or not customer.billing_email else []
    if customer.billing_email:
        found.append(Reader(customer.billing_email, "there"))
    for reader in found:
        if emails.key_of(reader.email) not in told:
            told.add(emails.key_of(reader.email))
            yield reader


def payers(customer: Customer) -> Iterator[Reader]:
    """Yield who gets the invoices: the billing address, the owner where there is none."""
    return readers(customer) if customer.billing_email else readers(customer, Role.OWNER)


def _people(tenant_id: int, roles: tuple[Role, ...]) -> Iterator[Reader]:
    query = (
        sa.select(User)
        .join(MEMBERSHIPS, MEMBERSHIPS.c.user_id == User.id)
        .where(
            MEMBERSHIPS.c.tenant_id == tenant_id,
            MEMBERSHIPS.c.role.in_([str(role) for role in roles]),
            MEMBERSHIPS.c.status == "active",
            User.disabled_at.is_(None),
        )
        .order_by(MEMBERSHIPS.c.id)
        .limit(_MOST_TOLD)
    )
    for user in db.session.scalars(query):
        yield Reader(user.email, user.greeting)
