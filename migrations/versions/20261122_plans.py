"""Keep invoices and agreed prices."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("subscriptions") as batch:
        for name in ("anchored_at", "invoiced_until", "trial_notice_at"):
            batch.add_column(sa.Column(name, MOMENT, nullable=True))
        batch.add_column(sa.Column("price", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("currency", sa.String(length=3), nullable=True))
    op.create_index("ix_subscriptions_invoiced_until", "subscriptions", ["invoiced_until"])
    op.create_index("ix_subscriptions_status", "subscriptions", ["status", "period_end"])
    op.create_table(
        "invoice_numbers",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_invoice_numbers")),
    )
    _invoices()
    _credits()


def _invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("tenant_id", BIG, nullable=True),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("subscription_uid", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.String(length=20), nullable=False),
        sa.Column("period_start", MOMENT, nullable=False),
        sa.Column("period_end", MOMENT, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("overdue_at", MOMENT, nullable=True),
        sa.Column("enforced_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_invoices_tenant_id_tenants"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("number", name=op.f("uq_invoices_number")),
        sa.UniqueConstraint("year", "sequence", name=op.f("uq_invoices_year_sequence")),
        sa.UniqueConstraint(
            "subscription_uid", "period_start", name=op.f("uq_invoices_subscription_uid_period_start")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_invoices_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invoices_tenant", "invoices", ["tenant_id", "id"])
    op.create_index("ix_invoices_status", "invoices", ["status", "due_at"])


def _credits() -> None:
    op.create_table(
        "credits",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", BIG, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_credits_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_credits_invoice_id_invoices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_credits_tenant", "credits", ["tenant_id", "currency"])


def downgrade() -> None:
    op.drop_table("credits")
    op.drop_table("invoices")
    op.drop_table("invoice_numbers")
    op.drop_index("ix_subscriptions_status", table_name="subscriptions")
    op.drop_index("ix_subscriptions_invoiced_until", table_name="subscriptions")
    with op.batch_alter_table("subscriptions") as batch:
        for name in ("currency", "price", "trial_notice_at", "invoiced_until", "anchored_at"):
            batch.drop_column(name)
