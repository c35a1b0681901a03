"""Keep recoveries of a lost second factor, and what members were told of a demand for one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "factor_demand_notices",
        sa.Column("tenant_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_factor_demand_notices_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_factor_demand_notices_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_demand_notices")),
        sa.UniqueConstraint("tenant_id", "user_id", name=op.f("uq_factor_demand_notices_tenant_id_user_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("factor_demand_notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_factor_demand_notices_user_id"), ["user_id"], unique=False)
    op.create_table(
        "factor_recoveries",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_factor_recoveries_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_recoveries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("factor_recoveries", schema=None) as batch_op:
        batch_op.create_index("ix_factor_recoveries_due", ["ended_at", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_factor_recoveries_user_id"), ["user_id"], unique=False)
        batch_op.create_index(
            "uq_factor_recoveries_open",
            ["user_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def downgrade() -> None:
    op.drop_table("factor_recoveries")
    op.drop_table("factor_demand_notices")
