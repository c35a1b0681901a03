"""Keep offers of ownership, requests to join, domains and closings."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_IS_OPEN = sa.text("state = 'open'")
_PROVEN = sa.text("verified_at IS NOT NULL")
_UNDER_WAY = sa.text("state IN ('queued', 'making')")
Pointers = Sequence[tuple[str, str, str]]


def _table(name: str, *columns: Any, pointers: Pointers, uid: bool = True) -> None:
    """Make a table that points at an organization and at people."""
    of_tenant = ("tenant_id", "tenants", "CASCADE")
    own = [sa.Column("uid", sa.Uuid(), nullable=False)] if uid else []
    unique = [sa.UniqueConstraint("uid", name=op.f(f"uq_{name}_uid"))] if uid else []
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *own,
        sa.Column("tenant_id", BIG, nullable=False),
        *columns,
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{target}.id"],
                name=op.f(f"fk_{name}_{column}_{target}"),
                ondelete=ondelete,
            )
            for column, target, ondelete in (of_tenant, *pointers)
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *unique,
        sqlite_autoincrement=True,
    )


def _only_one(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    with op.batch_alter_table("tenants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", MOMENT, nullable=True))
    _offers_and_requests()
    _domains_and_ends()


def _offers_and_requests() -> None:
    _table(
        "ownership_offers",
        sa.Column("from_user_id", BIG, nullable=False),
        sa.Column("to_user_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("offered_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        pointers=(("from_user_id", "users", "CASCADE"), ("to_user_id", "users", "CASCADE")),
    )
    op.create_index("ix_ownership_offers_tenant", "ownership_offers", ["tenant_id", "id"])
    op.create_index(op.f("ix_ownership_offers_from_user_id"), "ownership_offers", ["from_user_id"])
    op.create_index(op.f("ix_ownership_offers_to_user_id"), "ownership_offers", ["to_user_id"])
    _only_one("uq_ownership_offers_open", "ownership_offers", ["tenant_id"], _IS_OPEN)
    _table(
        "join_requests",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by_user_id", BIG, nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=True),
        pointers=(("user_id", "users", "CASCADE"), ("decided_by_user_id", "users", "SET NULL")),
    )
    op.create_index("ix_join_requests_tenant", "join_requests", ["tenant_id", "state", "id"])
    op.create_index(op.f("ix_join_requests_user_id"), "join_requests", ["user_id"])
    _only_one("uq_join_requests_open", "join_requests", ["tenant_id", "user_id"], _IS_OPEN)


def _domains_and_ends() -> None:
    _table(
        "tenant_domains",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("token", sa.String(length=60), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("missing_since", MOMENT, nullable=True),
        sa.UniqueConstraint("tenant_id", "domain", name=op.f("uq_tenant_domains_tenant_id_domain")),
        pointers=(),
    )
    _only_one("uq_tenant_domains_proven", "tenant_domains", ["domain"], _PROVEN)
    _table(
        "tenant_closings",
        sa.Column("requested_by_user_id", BIG, nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("begun_at", MOMENT, nullable=True),
        sa.Column("promised_at", MOMENT, nullable=True),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_tenant_closings_tenant_id")),
        pointers=(("requested_by_user_id", "users", "SET NULL"),),
        uid=False,
    )
    op.create_index(op.f("ix_tenant_closings_due_at"), "tenant_closings", ["due_at"])
    op.create_index(
        op.f("ix_tenant_closings_requested_by_user_id"), "tenant_closings", ["requested_by_user_id"]
    )
    _table(
        "tenant_exports",
        sa.Column("requested_by_user_id", BIG, nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("step_uid", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.UniqueConstraint("folder", name=op.f("uq_tenant_exports_folder")),
        pointers=(("requested_by_user_id", "users", "SET NULL"),),
    )
    op.create_index("ix_tenant_exports_tenant", "tenant_exports", ["tenant_id", "id"])
    op.create_index("ix_tenant_exports_state", "tenant_exports", ["state", "expires_at"])
    op.create_index(
        op.f("ix_tenant_exports_requested_by_user_id"), "tenant_exports", ["requested_by_user_id"]
    )
    _only_one("uq_tenant_exports_under_way", "tenant_exports", ["tenant_id"], _UNDER_WAY)


def downgrade() -> None:
    for name in ("tenant_exports", "tenant_closings", "tenant_domains", "join_requests", "ownership_offers"):
        op.drop_table(name)
    with op.batch_alter_table("tenants", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
