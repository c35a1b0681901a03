"""Keep figures, restarts and impersonation."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "figures",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", name=op.f("pk_figures")),
    )
    op.create_table(
        "process_generations",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_process_generations")),
    )
    op.create_table(
        "live_processes",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "kind", name=op.f("pk_live_processes")),
    )
    _support_accesses()
    op.add_column("audit_events", sa.Column("impersonator_user_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_audit_events_request", "audit_events", ["request_id"], unique=False)


def _support_accesses() -> None:
    op.create_table(
        "support_accesses",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("admin_id", _ID, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", _ID, nullable=True),
        sa.Column("admin_session_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_support_accesses_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["admin_id"], ["users.id"], name=op.f("fk_support_accesses_admin_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_support_accesses_session_id_sessions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_accesses")),
        sa.UniqueConstraint("session_id", name=op.f("uq_support_accesses_session_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_support_accesses_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_support_accesses_user", "support_accesses", ["user_id", "ended_at"])
    op.create_index("ix_support_accesses_admin", "support_accesses", ["admin_id", "ended_at"])
    op.create_index(
        "uq_support_accesses_open",
        "support_accesses",
        ["user_id", "admin_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_events_request", "audit_events")
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.drop_column("impersonator_user_id")
    op.drop_table("support_accesses")
    op.drop_table("live_processes")
    op.drop_table("process_generations")
    op.drop_table("figures")
