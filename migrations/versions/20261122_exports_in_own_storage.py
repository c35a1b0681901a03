"""Keep an organization's export where its files go."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("tenant_exports") as batch:
        batch.add_column(sa.Column("parts_key", sa.Text(), nullable=True))
        batch.add_column(sa.Column("why", sa.String(length=60), nullable=False, server_default=""))
    # In a copy of its own: SQLite would leave out the default that the rows there need.
    with op.batch_alter_table("tenant_exports") as batch:
        batch.alter_column("why", server_default=None)
    op.create_table(
        "tenant_export_parts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("export_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["tenant_exports.id"],
            name=op.f("fk_tenant_export_parts_export_id_tenant_exports"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_files.id"],
            name=op.f("fk_tenant_export_parts_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_export_parts")),
        sa.UniqueConstraint("export_id", "number", name="uq_tenant_export_parts_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tenant_export_parts_file", "tenant_export_parts", ["file_id"])


def downgrade() -> None:
    op.drop_table("tenant_export_parts")
    with op.batch_alter_table("tenant_exports") as batch:
        batch.drop_column("why")
        batch.drop_column("parts_key")
