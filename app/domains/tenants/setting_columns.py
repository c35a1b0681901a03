"""The settings that are columns of an organization: its name and where its invoices go."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.core.db import db, read
from app.core.errors import ValidationFailed
from app.domains.accounts import emails
from app.domains.settings import columns
from app.domains.settings.registry import Value
from app.domains.tenants.models import Tenant
from app.domains.tenants.operations import check_name


class TenantColumns:
    """What the settings bound to ``tenant.…`` are kept in."""

    def read(self, tenant_id: int) -> Mapping[str, Value]:
        """Return name and billing address of an organization."""
        rows = read(sa.select(Tenant.name, Tenant.billing_email).where(Tenant.id == tenant_id))
        return {f"tenant.{name}": value for row in rows for name, value in row._mapping.items()}

    def write(self, tenant_id: int, column: str, value: Value) -> Value:
        """Set one and return what it was.

        :raises ValueError: with a sentence for the person who set it
        """
        tenant = db.session.scalars(
            sa.select(Tenant)
            .where(Tenant.id == tenant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        name = column.removeprefix("tenant.")
        before: Value = getattr(tenant, name)
        setattr(tenant, name, _checked(name, value))
        return before


def _checked(name: str, value: Value) -> str | None:
    text = None if value is None else str(value)
    try:
        if name == "name":
            check_name(text or "", field="value")
        elif text is not None:
            return emails.checked(text, field="value")
    except ValidationFailed as error:
        raise ValueError(error.fields["value"][0]) from error
    return text


columns.binds(TenantColumns())
