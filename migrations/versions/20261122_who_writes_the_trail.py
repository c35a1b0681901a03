"""Wait with sealing for those who write into the trail, not for the whole server."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("audit_horizons") as batch:
        batch.drop_column("older_id")
        batch.drop_column("older_xid")
        batch.add_column(sa.Column("writers", sa.JSON(), nullable=False, server_default="[]"))
    # Nobody knows who wrote when it was noted: the next look notes anew.
    op.execute("UPDATE audit_horizons SET noted_id = 0")
    with op.batch_alter_table("audit_horizons") as batch:
        batch.alter_column("writers", server_default=None, existing_type=sa.JSON(), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("audit_horizons") as batch:
        batch.drop_column("writers")
        for name in ("older_id", "older_xid"):
            batch.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE audit_horizons SET noted_id = 0")
    with op.batch_alter_table("audit_horizons") as batch:
        for name in ("older_id", "older_xid"):
            batch.alter_column(
                name, server_default=None, existing_type=sa.BigInteger(), existing_nullable=False
            )
