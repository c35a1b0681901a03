"""Keep what a change of address needs to be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pending_email_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_users_pending_email"), ["pending_email"], unique=False)
    with op.batch_alter_table("mailed_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address", sa.String(length=320), nullable=True))
        batch_op.add_column(
            sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_mailed_links_session_id"), ["session_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_mailed_links_session_id_sessions"),
            "sessions",
            ["session_id"],
            ["id"],
            ondelete="SET NULL",
        )
    op.create_table(
        "held_addresses",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_held_addresses_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_addresses")),
        sa.UniqueConstraint("email_key", name=op.f("uq_held_addresses_email_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("held_addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_held_addresses_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("held_addresses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_held_addresses_user_id"))

    op.drop_table("held_addresses")
    with op.batch_alter_table("mailed_links", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_mailed_links_session_id_sessions"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_mailed_links_session_id"))
        batch_op.drop_column("session_id")
        batch_op.drop_column("address")

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_pending_email"))
        batch_op.drop_column("pending_email_until")
