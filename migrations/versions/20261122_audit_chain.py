"""Chain the audit trail and keep its exports."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WALKS = {
    "ix_audit_events_at": ["at", "id"],
    "ix_audit_events_tenant_at": ["tenant_id", "at", "id"],
    "ix_audit_events_tenant_kind": ["tenant_id", "kind", "at", "id"],
    "ix_audit_events_tenant_actor": ["tenant_id", "actor_user_id", "at", "id"],
    "ix_audit_events_tenant_subject": ["tenant_id", "subject_type", "subject_id", "at", "id"],
    "ix_audit_events_tenant_ip": ["tenant_id", "ip", "at", "id"],
}


def upgrade() -> None:
    """Make the chain's tables, those of exports and archives, and an index for each way to search."""
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        for name, columns in WALKS.items():
            batch_op.create_index(name, columns, unique=False)
    _chains()
    _exports()
    _archives()


def _chains() -> None:
    numbered = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_chains",
        sa.Column("tenant_key", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("anchor_position", sa.BigInteger(), nullable=False),
        sa.Column("anchor_head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("anchor_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("anchor_key_id", sa.String(length=64), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_position", sa.BigInteger(), nullable=True),
        sa.Column("verified_faults", sa.Integer(), nullable=True),
        sa.Column("verified_note", sa.String(length=500), nullable=True),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chains")),
        sa.UniqueConstraint("tenant_key", name=op.f("uq_audit_chains_tenant_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_links",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("personal", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["chain_id"],
            ["audit_chains.id"],
            name=op.f("fk_audit_links_chain_id_audit_chains"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("chain_id", "position", name=op.f("pk_audit_links")),
    )
    op.create_index("ix_audit_links_event", "audit_links", ["event_id"])
    op.create_table(
        "audit_erasures",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_key", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("personal", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_erasures")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_erasures_event", "audit_erasures", ["event_id"])
    op.create_table(
        "audit_horizons",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("sealed_id", "safe_id", "older_id", "older_xid", "noted_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_horizons")),
    )


def _exports() -> None:
    numbered = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_exports",
        sa.Column("user_id", numbered, nullable=False),
        sa.Column("tenant_id", numbered, nullable=True),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("step_uid", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=60), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_audit_exports_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_audit_exports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_exports")),
        sa.UniqueConstraint("uid", name=op.f("uq_audit_exports_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_exports_user", "audit_exports", ["user_id", "tenant_id", "id"])
    op.create_index("ix_audit_exports_state", "audit_exports", ["state", "expires_at"])
    op.create_table(
        "audit_export_parts",
        sa.Column("export_id", numbered, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_id", numbered, nullable=True),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["audit_exports.id"],
            name=op.f("fk_audit_export_parts_export_id_audit_exports"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_files.id"],
            name=op.f("fk_audit_export_parts_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_export_parts")),
        sa.UniqueConstraint("export_id", "number", name="uq_audit_export_parts_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_export_parts_file", "audit_export_parts", ["file_id"])


def _archives() -> None:
    numbered = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_archives",
        sa.Column("tenant_id", numbered, nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=60), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_audit_archives_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_archives")),
        sa.UniqueConstraint("tenant_id", "environment", "day", name="uq_audit_archives_day"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_archive_parts",
        sa.Column("archive_id", numbered, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_id", numbered, nullable=False),
        sa.Column("id", numbered, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["audit_archives.id"],
            name=op.f("fk_audit_archive_parts_archive_id_audit_archives"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_files.id"],
            name=op.f("fk_audit_archive_parts_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_archive_parts")),
        sa.UniqueConstraint("archive_id", "number", name="uq_audit_archive_parts_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_archive_parts_file", "audit_archive_parts", ["file_id"])


def downgrade() -> None:
    """Take all of it away; the trail itself stays."""
    for table in (
        *("audit_archive_parts", "audit_archives", "audit_export_parts", "audit_exports"),
        *("audit_horizons", "audit_erasures", "audit_links", "audit_chains"),
    ):
        op.drop_table(table)
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        for name in WALKS:
            batch_op.drop_index(name)
