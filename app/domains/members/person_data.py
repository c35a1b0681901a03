"""What invitations hold of a person; the rows go with the person's."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.personal import Row, exported, rows_of
from app.domains.members.models import Invitation
from app.domains.permissions.models import AccessRequest
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
            Invitation.message,
            Invitation.sent_at,
            Invitation.expires_at,
            Invitation.accepted_at,
        )
        .join(Tenant, Tenant.id == Invitation.tenant_id)
        .where(Invitation.user_id == user_id)
    )
    return rows_of(query, Invitation.id, after, limit)


@exported("access-requests", about="Access you asked your admins for.", tables=["access_requests"])
def access_requests(user_id: int, after: int, limit: int) -> Sequence[Row]:
    """Read what a person asked for; who answered is the organization's."""
    query = (
        sa.select(
            AccessRequest.uid.label("id"),
            Tenant.name.label("organization"),
            AccessRequest.wanted,
            AccessRequest.reason,
            AccessRequest.state,
            AccessRequest.asked_at,
            AccessRequest.expires_at,
            AccessRequest.decided_at,
            AccessRequest.answer,
        )
        .join(Tenant, Tenant.id == AccessRequest.tenant_id)
        .where(AccessRequest.user_id == user_id)
    )
    return rows_of(query, AccessRequest.id, after, limit)
