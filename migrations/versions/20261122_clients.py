"""Keep service users and client accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "service_users",
        sa.Column("tenant_id", _ID, nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("password_changed_at", _TIME, nullable=False),
        sa.Column("former_password_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("former_password_until", _TIME, nullable=True),
        sa.Column("disabled_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.Column("last_ip", sa.String(length=45), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_service_users_tenant_id_tenants", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_service_users"),
        sa.UniqueConstraint("tenant_id", "environment", "name_key", name="uq_service_users_name"),
        sa.UniqueConstraint("uid", name="uq_service_users_uid"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "client_accounts",
        sa.Column("tenant_id", _ID, nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("disabled_at", _TIME, nullable=True),
        sa.Column("last_login_at", _TIME, nullable=True),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_client_accounts_tenant_id_tenants", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_client_accounts"),
        sa.UniqueConstraint("tenant_id", "environment", "external_id", name="uq_client_accounts_external_id"),
        sa.UniqueConstraint("tenant_id", "environment", "email_key", name="uq_client_accounts_email_key"),
        sa.UniqueConstraint("uid", name="uq_client_accounts_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_client_accounts_list", "client_accounts", ["tenant_id", "environment", "id"])
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("service_user_id", _ID, nullable=True))
        batch_op.add_column(sa.Column("client_id", _ID, nullable=True))
        batch_op.create_foreign_key(
            "fk_sessions_service_user_id_service_users",
            "service_users",
            ["service_user_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_foreign_key(
            "fk_sessions_client_id_client_accounts",
            "client_accounts",
            ["client_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_index("ix_sessions_service_user", ["service_user_id", "expires_at"])
        batch_op.create_index("ix_sessions_client", ["client_id", "expires_at"])


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE kind IN ('service', 'client')")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_client")
        batch_op.drop_index("ix_sessions_service_user")
        batch_op.drop_constraint("fk_sessions_client_id_client_accounts", type_="foreignkey")
        batch_op.drop_constraint("fk_sessions_service_user_id_service_users", type_="foreignkey")
        batch_op.drop_column("client_id")
        batch_op.drop_column("service_user_id")
    op.drop_index("ix_client_accounts_list", "client_accounts")
    op.drop_table("client_accounts")
    op.drop_table("service_users")
