"""Keep organizations' mail servers, deliveries and addresses that bounce."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
PENDING = sa.text("done_at IS NULL AND dead_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("lane", sa.String(length=60), nullable=False, server_default=""))
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index(
            "ix_outbox_due", ["lane", "due_at", "id"], sqlite_where=PENDING, postgresql_where=PENDING
        )
    op.create_table(
        "outbox_lanes",
        sa.Column("lane", sa.String(length=60), nullable=False),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("turn_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_outbox_lanes")),
    )
    op.create_table(
        "mail_servers",
        sa.Column("tenant_id", BIG, nullable=False, autoincrement=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=8), nullable=False),
        sa.Column("username", sa.String(length=320), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("saved", sa.Integer(), nullable=False),
        sa.Column("tested_at", MOMENT, nullable=True),
        sa.Column("test_ok", sa.Boolean(), nullable=True),
        sa.Column("test_step", sa.String(length=16), nullable=True),
        sa.Column("test_error", sa.String(length=300), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("warned_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mail_servers_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_mail_servers")),
    )
    op.create_table(
        "mail_senders",
        sa.Column("tenant_id", BIG, nullable=False, autoincrement=False),
        sa.Column("from_name", sa.String(length=100), nullable=True),
        sa.Column("from_email", sa.String(length=320), nullable=True),
        sa.Column("reply_to", sa.String(length=320), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mail_senders_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_mail_senders")),
    )
    op.create_table(
        "mail_deliveries",
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", BIG, nullable=True),
        sa.Column("mail", sa.String(length=60), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("own_server", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_mail_deliveries_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_deliveries")),
        sa.UniqueConstraint("uid", name=op.f("uq_mail_deliveries_uid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("mail_deliveries") as batch_op:
        batch_op.create_index("ix_mail_deliveries_tenant", ["tenant_id", "created_at", "id"])
        batch_op.create_index("ix_mail_deliveries_ended", ["tenant_id", "ended_at"])
        batch_op.create_index("ix_mail_deliveries_address", ["address_key"])
        batch_op.create_index("ix_mail_deliveries_created", ["created_at"])
    op.create_table(
        "bounced_addresses",
        sa.Column("tenant_id", BIG, nullable=True),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_bounced_addresses_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounced_addresses")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("bounced_addresses") as batch_op:
        batch_op.create_index("ix_bounced_addresses_key", ["address_key", "tenant_id"])


def downgrade() -> None:
    for table in ("bounced_addresses", "mail_deliveries", "mail_senders", "mail_servers", "outbox_lanes"):
        op.drop_table(table)
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index(
            "ix_outbox_due", ["due_at", "id"], sqlite_where=PENDING, postgresql_where=PENDING
        )
        batch_op.drop_column("lane")
