"""What the life of organizations holds of a person; the rows go with the person's."""

from typing import Any

import sqlalchemy as sa

from app.core.personal import exported_rows, not_exported
from app.domains.organizations.models import JoinRequest, OwnershipOffer
from app.domains.tenants.models import Tenant

not_exported("tenant_closings", "that somebody closes an organization is in their activity")
not_exported("tenant_exports", "an organization's data; that somebody asked for it is in their activity")


@exported_rows("join-requests", about="Organizations that you asked to join.", by=JoinRequest.id)
def join_requests(user_id: int) -> sa.Select[Any]:
    """Select what a person asked; who answered is the organization's."""
    return (
        sa.select(
            JoinRequest.uid.label("id"),
            Tenant.name.label("organization"),
            JoinRequest.reason,
            JoinRequest.state,
            JoinRequest.asked_at,
            JoinRequest.decided_at,
            JoinRequest.answer,
        )
        .join(Tenant, Tenant.id == JoinRequest.tenant_id)
        .where(JoinRequest.user_id == user_id)
    )


@exported_rows("ownership-offers", about="Organizations offered by you or to you.", by=OwnershipOffer.id)
def ownership_offers(user_id: int) -> sa.Select[Any]:
    """Select the offers that a person made or was made; the other side is not named."""
    return (
        sa.select(
            OwnershipOffer.uid.label("id"),
            Tenant.name.label("organization"),
            sa.case((OwnershipOffer.from_user_id == user_id, "by you"), else_="to you").label("offered"),
            OwnershipOffer.state,
            OwnershipOffer.offered_at,
            OwnershipOffer.expires_at,
            OwnershipOffer.answered_at,
        )
        .join(Tenant, Tenant.id == OwnershipOffer.tenant_id)
        .where(sa.or_(OwnershipOffer.from_user_id == user_id, OwnershipOffer.to_user_id == user_id))
    )
