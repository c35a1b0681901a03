"""Keep invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    pending = sa.text("status = 'pending'")
    op.create_table(
        "invitations",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("membership_id", BIG, nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("only_mailed", sa.Boolean(), nullable=False),
        sa.Column("times_sent", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("invited_by_id", BIG, nullable=True),
        sa.Column("granted_by_id", BIG, nullable=True),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_invitations_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_invitations_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["memberships.id"],
            name=op.f("fk_invitations_membership_id_memberships"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_invited_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["granted_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_granted_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_invitations_uid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index("ix_invitations_tenant_status", ["tenant_id", "status", "id"], unique=False)
        batch_op.create_index(
            "ix_invitations_expires_at",
            ["expires_at"],
            unique=False,
            sqlite_where=pending,
            postgresql_where=pending,
        )
        batch_op.create_index(
            "uq_invitations_pending",
            ["tenant_id", "user_id"],
            unique=True,
            sqlite_where=pending,
            postgresql_where=pending,
        )
        for column in ("user_id", "membership_id", "invited_by_id", "granted_by_id"):
            batch_op.create_index(batch_op.f(f"ix_invitations_{column}"), [column], unique=False)


def downgrade() -> None:
    op.drop_table("invitations")
