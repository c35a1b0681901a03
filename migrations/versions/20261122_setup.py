"""Keep how far an organization's setup is."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "setup_tasks",
        sa.Column("tenant_id", BIG, autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("by_check", sa.Boolean(), nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("completed_by_id", BIG, nullable=True),
        sa.Column("was", sa.String(length=40), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_setup_tasks_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["completed_by_id"],
            ["users.id"],
            name=op.f("fk_setup_tasks_completed_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "code", name=op.f("pk_setup_tasks")),
    )
    op.create_table(
        "setup_closings",
        sa.Column("tenant_id", BIG, autoincrement=False, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("closed_by_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_setup_closings_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_id"],
            ["users.id"],
            name=op.f("fk_setup_closings_closed_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_setup_closings")),
    )


def downgrade() -> None:
    op.drop_table("setup_closings")
    op.drop_table("setup_tasks")
