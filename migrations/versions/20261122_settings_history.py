"""Keep the history of settings."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, and begin each history with the value that stands."""
    op.create_table(
        "setting_changes",
        sa.Column("tenant_id", _ID, nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("from_above", sa.Boolean(), nullable=False),
        sa.Column("dialect", sa.String(length=32), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=True),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_setting_changes_tenant_id_tenants", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["users.id"], name="fk_setting_changes_by_id_users", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_setting_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_setting_changes_place", "setting_changes", ["tenant_id", "key", "environment", "id"])
    op.execute(
        "INSERT INTO setting_changes"
        " (tenant_id, key, environment, at, by_id, from_above, dialect, before, after)"
        " SELECT tenant_id, key, environment, updated_at, updated_by_id, false, 'system', NULL, value"
        " FROM setting_values WHERE key <> 'smtp.password' AND CAST(value AS TEXT) <> 'null' ORDER BY id"
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_setting_changes_place", table_name="setting_changes")
    op.drop_table("setting_changes")
