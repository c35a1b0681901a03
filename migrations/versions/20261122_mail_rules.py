"""Keep what organizations want of their mail: tracking, compliance, footer, sender domain."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mail_rules",
        sa.Column("tenant_id", BIG, autoincrement=False, nullable=False),
        sa.Column("tracking", sa.JSON(), nullable=False),
        sa.Column("tracking_at", TIME, nullable=True),
        sa.Column("tracking_domain_seen_at", TIME, nullable=True),
        sa.Column("compliance", sa.JSON(), nullable=False),
        sa.Column("compliance_at", TIME, nullable=True),
        sa.Column("footer", sa.JSON(), nullable=False),
        sa.Column("footer_at", TIME, nullable=True),
        _of_tenant("mail_rules"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_mail_rules")),
    )
    op.create_table(
        "sender_domains",
        sa.Column("tenant_id", BIG, autoincrement=False, nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.Column("dkim_selector", sa.String(length=63), nullable=False),
        sa.Column("dmarc_policy", sa.String(length=10), nullable=False),
        sa.Column("report_email", sa.String(length=320), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("private_key", sa.Text(), nullable=True),
        sa.Column("signs_selector", sa.String(length=63), nullable=True),
        sa.Column("signs_key", sa.Text(), nullable=True),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("checked_at", TIME, nullable=True),
        sa.Column("updated_at", TIME, nullable=True),
        _of_tenant("sender_domains"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_sender_domains")),
    )
    _choices()
    _engagements()


def _choices() -> None:
    op.create_table(
        "event_choices",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        _of_tenant("event_choices"),
        _of_user("event_choices"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_choices")),
        sa.UniqueConstraint(
            "tenant_id",
            "user_id",
            "event",
            "channel",
            name=op.f("uq_event_choices_tenant_id_user_id_event_channel"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_choices_user", "event_choices", ["user_id", "id"])


def _engagements() -> None:
    op.create_table(
        "mail_engagements",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("delivery_uid", sa.String(length=36), nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("last_opened_at", TIME, nullable=False),
        sa.Column("clicked_at", TIME, nullable=True),
        sa.Column("last_clicked_at", TIME, nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=400), nullable=False),
        sa.Column("id", BIG, nullable=False),
        _of_tenant("mail_engagements"),
        _of_user("mail_engagements"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_engagements")),
        sa.UniqueConstraint(
            "tenant_id", "delivery_uid", name=op.f("uq_mail_engagements_tenant_id_delivery_uid")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mail_engagements_age", "mail_engagements", ["tenant_id", "first_at"])
    op.create_index("ix_mail_engagements_user", "mail_engagements", ["user_id", "id"])


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_tenant_id_tenants")
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=name, ondelete="CASCADE")


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id_users")
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("mail_engagements")
    op.drop_table("event_choices")
    op.drop_table("sender_domains")
    op.drop_table("mail_rules")
