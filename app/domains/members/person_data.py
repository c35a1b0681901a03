"""What invitations hold of a person; the rows go with the person's."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, rows_of
from app.domains.members.models import Invitation
from app.domains.tenants.models import Tenant


@exported("invitations", about="Invitations that your address was sent.", tables=["invitations"])
def invitations(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read invitations to a person, not those that they sent: these are other people's addresses."""
    query = (
        sa.select(
            Invitation.uid.label("id"),
            Tenant.name.label("organization"),
            Invitation.email,
            Invitation.role,
            Invitation.status,
            Invitation.sent_at,
            Invitation.expires_at,
            Invitation.accepted_at,
        )
        .join(Tenant, Tenant.id == Invitation.tenant_id)
        .where(Invitation.user_id == user_id)
    )
    return rows_of(query, Invitation.id, after, limit)
