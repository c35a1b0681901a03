"""Keep exports, and accounts that wait to be erased."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    under_way = sa.text("state IN ('queued', 'making')")
    op.create_table(
        "data_exports",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("step_uid", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_data_exports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
        sa.UniqueConstraint("folder", name=op.f("uq_data_exports_folder")),
        sa.UniqueConstraint("uid", name=op.f("uq_data_exports_uid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("data_exports", schema=None) as batch_op:
        batch_op.create_index("ix_data_exports_user_id", ["user_id", "id"], unique=False)
        batch_op.create_index("ix_data_exports_state", ["state", "expires_at"], unique=False)
        batch_op.create_index(
            "uq_data_exports_under_way",
            ["user_id"],
            unique=True,
            sqlite_where=under_way,
            postgresql_where=under_way,
        )
    op.create_table(
        "deletion_requests",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("promised_at", MOMENT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_deletion_requests_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_requests")),
        sa.UniqueConstraint("user_id", name=op.f("uq_deletion_requests_user_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deletion_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deletion_requests_due_at"), ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("deletion_requests")
    op.drop_table("data_exports")
