"""Keep where organizations' files lie."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    current = sa.text("replaced_at IS NULL")
    op.create_table(
        "storage_places",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("bucket", sa.String(length=255), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=True),
        sa.Column("endpoint_url", sa.String(length=500), nullable=True),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=True),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_storage_places_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_places")),
        sa.UniqueConstraint("uid", name=op.f("uq_storage_places_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_storage_places_current",
        "storage_places",
        ["tenant_id", "environment"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    op.create_table(
        "stored_files",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("place_id", BIG, nullable=True),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_stored_files_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["storage_places.id"], name=op.f("fk_stored_files_place_id_storage_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_files_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_stored_files_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stored_files_tenant", "stored_files", ["tenant_id", "place_id"])
    op.create_index("ix_stored_files_place", "stored_files", ["place_id"])


def downgrade() -> None:
    op.drop_table("stored_files")
    op.drop_table("storage_places")
