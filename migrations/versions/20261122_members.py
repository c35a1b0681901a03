"""Keep how an organization names its members, and find them fast."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

COLUMNS = ("first_name", "last_name", "last_login_at", "listing", "address")
INDEXES = {
    "ix_memberships_listing": ["tenant_id", "listing", "id"],
    "ix_memberships_status": ["tenant_id", "status", "listing", "id"],
    "ix_memberships_role": ["tenant_id", "role", "listing", "id"],
    "ix_memberships_profile": ["tenant_id", "profile_id", "listing", "id"],
    "ix_memberships_address": ["tenant_id", "address", "id"],
    "ix_memberships_joined": ["tenant_id", "joined_at", "id"],
    "ix_memberships_created": ["tenant_id", "created_at", "id"],
    "ix_memberships_last_login": ["tenant_id", "last_login_at", "id"],
}

# A statement counts for all its rows, in one order of kinds, so that two of them cannot wait for each other.
# What goes is never inserted: the organization may be on its way out together with its counts.
COUNT = """
CREATE FUNCTION count_memberships_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind record;
BEGIN
    FOR kind IN
        SELECT tenant_id, status, role, profile_id, sum(one) AS number FROM ({changed}) AS changed
        GROUP BY tenant_id, status, role, profile_id HAVING sum(one) <> 0 ORDER BY 1, 2, 3, 4
    LOOP
        IF kind.number > 0 THEN
            INSERT INTO membership_counts AS kept (tenant_id, status, role, profile_id, number)
            VALUES (kind.tenant_id, kind.status, kind.role, kind.profile_id, kind.number)
            ON CONFLICT (tenant_id, status, role, profile_id)
            DO UPDATE SET number = kept.number + excluded.number;
        ELSE
            UPDATE membership_counts SET number = number + kind.number
            WHERE tenant_id = kind.tenant_id AND status = kind.status
            AND role = kind.role AND profile_id = kind.profile_id;
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""
COME = "SELECT tenant_id, status, role, profile_id, 1 AS one FROM new_rows"
GO = "SELECT tenant_id, status, role, profile_id, -1 AS one FROM old_rows"
CHANGED = {"insert": COME, "delete": GO, "update": f"{COME} UNION ALL {GO}"}
COUNT_ALL = """
INSERT INTO membership_counts (tenant_id, status, role, profile_id, number)
SELECT tenant_id, status, role, profile_id, count(*) FROM memberships
GROUP BY tenant_id, status, role, profile_id
"""
SEES = {
    "insert": "NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}


def upgrade() -> None:
    with op.batch_alter_table("memberships") as batch_op:
        batch_op.add_column(sa.Column("first_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("last_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("last_login_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("listing", sa.String(length=600), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address", sa.String(length=320), server_default="", nullable=False))
    list_those_who_are_there()
    for name, columns in INDEXES.items():
        op.create_index(name, "memberships", columns)
    op.create_table(
        "membership_counts",
        sa.Column("tenant_id", BIG, nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_membership_counts_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "status", "role", "profile_id", name=op.f("pk_membership_counts")
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        count_from_now_on()
        index_parts_of_words()


def list_those_who_are_there() -> None:
    """Fill what lists are searched by; written out here, as it was when this was the newest revision."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT m.id, m.status, u.first_name, u.last_name, u.email"
            " FROM memberships m JOIN users u ON u.id = m.user_id"
        )
    ).all()
    for batch in (rows[start : start + 1000] for start in range(0, len(rows), 1000)):
        told = sa.text("UPDATE memberships SET listing = :listing, address = :address WHERE id = :id")
        connection.execute(told, [listed(row) for row in batch])


def listed(row: sa.Row[tuple[int, str, str, str, str]]) -> dict[str, object]:
    name = "" if row.status == "invited" else f"{row.first_name} {row.last_name}"
    address = folded(row.email)
    return {"id": row.id, "listing": f"{folded(name)}\n{address}"[:600], "address": address}


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def count_from_now_on() -> None:
    for event, changed in CHANGED.items():
        op.execute(COUNT.format(event=event, changed=changed))
        op.execute(
            f"CREATE TRIGGER count_memberships_{event} AFTER {event} ON memberships REFERENCING {SEES[event]}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION count_memberships_{event}()"
        )
    op.execute(COUNT_ALL)


def index_parts_of_words() -> None:
    """Index any three letters in a row, where the server has what it takes and lets us; else it looks on."""
    connection = op.get_bind()
    needed = ("pg_trgm", "btree_gin")
    there = connection.execute(
        sa.text("SELECT count(*) FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')")
    ).scalar()
    if there != len(needed):
        return
    try:
        with connection.begin_nested():
            for name in needed:
                connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
    except sa.exc.DBAPIError:
        return
    op.execute(
        "CREATE INDEX ix_memberships_search ON memberships"
        " USING gin (tenant_id, listing gin_trgm_ops) WITH (fastupdate = off)"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS ix_memberships_search")
        for event in CHANGED:
            op.execute(f"DROP TRIGGER count_memberships_{event} ON memberships")
            op.execute(f"DROP FUNCTION count_memberships_{event}()")
    op.drop_table("membership_counts")
    for name in INDEXES:
        op.drop_index(name, table_name="memberships")
    with op.batch_alter_table("memberships") as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
