"""What an organization's status does to what is under way: mail, invitations, offers."""

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.email import holding
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.organizations.models import OfferState, OwnershipOffer
from app.domains.tenants.models import Tenant, TenantStatus
from app.domains.tenants.standing import on_change


@on_change
def hold_mail(tenant: Tenant, before: TenantStatus) -> None:
    """Hold a suspended organization's mail; let it go when it is opened again."""
    if tenant.status is TenantStatus.SUSPENDED:
        holding.hold(tenant.id)
    elif tenant.status is TenantStatus.ACTIVE:
        holding.release(tenant.id)


@on_change
def end_what_is_open(tenant: Tenant, before: TenantStatus) -> None:
    """Take back invitations and offers of an organization that is closed."""
    if tenant.status is not TenantStatus.ARCHIVED:
        return
    invitations = sa.update(Invitation).where(
        Invitation.tenant_id == tenant.id, Invitation.status == InvitationStatus.PENDING
    )
    offers = sa.update(OwnershipOffer).where(
        OwnershipOffer.tenant_id == tenant.id, OwnershipOffer.state == OfferState.OPEN
    )
    db.session.execute(invitations.values(status=InvitationStatus.REVOKED))
    db.session.execute(offers.values(state=OfferState.CANCELLED, answered_at=clock.now()))
