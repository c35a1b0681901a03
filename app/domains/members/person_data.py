"""What invitations hold of a person; the rows go with the person's."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows
from app.domains.members.models import Invitation
from app.domains.permissions.models import AccessRequest
from app.domains.tenants.models import Tenant


@exported_rows("invitations", about="Invitations that your address was sent.", by=Invitation.id)
def invitations(user_id: int) -> sa.Select[Any]:
    """Select invitations to a person, not those that they sent: these are other people's addresses."""
    return (
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


@exported_rows("access-requests", about="Access you asked your admins for.", by=AccessRequest.id)
def access_requests(user_id: int) -> sa.Select[Any]:
    """Select what a person asked for; who answered is the organization's."""
    return (
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
