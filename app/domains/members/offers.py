"""What the link of an invitation shows before it is taken up."""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import INVITATION_TOKENS
from app.core.db import read
from app.core.errors import Conflict
from app.core.secrets import token_hash
from app.domains.accounts import emails
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import IS_ONE
from app.domains.auth.newcomers import awaits
from app.domains.members.invitations import InvitationNotFound, InvitationUsed
from app.domains.members.models import Invitation, InvitationStatus
from app.domains.permissions.roles import Role
from app.domains.settings import budgets
from app.domains.tenants.models import Membership, Tenant

_MAX_LENGTH = 200


class InvitationExpired(Conflict):
    code, message = "invitation:expired", "This invitation has run out. Ask for a new one."


@dataclass(frozen=True)
class Offer:
    """An open invitation as its link shows it, read before anything begins."""

    id: int
    tenant_id: int
    user_id: int
    email: str
    email_key: str
    tenant_name: str
    tenant_slug: str
    role: Role
    inviter_name: str
    expires_at: datetime
    account_exists: bool
    password_hash: str | None = field(repr=False)
    first_name: str
    last_name: str
    token_hash: bytes = field(repr=False)

    @property
    def masked_email(self) -> str:
        """Return the invited address as its owner recognises it."""
        return emails.masked(self.email)

    def is_for(self, actor: Actor) -> bool:
        """Say whether the actor is whom it was sent to: the person, or whoever has the address now."""
        return actor.user_id == self.user_id or emails.key_of(actor.email) == self.email_key


@operation(Access.PUBLIC)
def offer(actor: Actor, *, token: str) -> Offer:
    """Return what an invitation's token is for; it uses nothing up.

    :raises InvitationNotFound: unknown, taken back, replaced by a newer one
    :raises InvitationUsed, InvitationExpired: as it stands
    :raises RateLimited: after thirty looks in ten minutes from one address
    """
    budgets.spend(INVITATION_TOKENS, ip=actor.origin.ip)
    return offer_again(actor, token=token)


@operation(Access.PUBLIC)
def offer_again(actor: Actor, *, token: str) -> Offer:
    """Return what a token is for to whoever was counted just now; see ``offer``.

    :raises InvitationNotFound, InvitationUsed, InvitationExpired: as it stands
    """
    if len(token) > _MAX_LENGTH:
        raise unknown()
    rows = read(_OFFER, {"shown": token_hash(token)})
    if not rows:
        raise unknown()
    row = rows[0]
    check_status(row.status, row.expires_at)
    return Offer(
        row.id,
        row.tenant_id,
        row.user_id,
        row.email,
        row.email_key,
        row.tenant_name,
        row.tenant_slug,
        row.role,
        row.display_name or f"{row.inviter_first} {row.inviter_last}".strip() or row.tenant_name,
        row.expires_at,
        bool(row.account_exists),
        row.password_hash,
        row.first_name or "",
        row.last_name or "",
        token_hash(token),
    )


@operation(Access.PUBLIC)
def stands_as(actor: Actor, *, token: str) -> InvitationStatus | None:
    """Return how an invitation stands for whoever has its link; None for what is none, or was sent anew."""
    columns = sa.select(Invitation.status, Invitation.expires_at)
    for row in read(columns.where(Invitation.token_hash == token_hash(token[: _MAX_LENGTH + 1]))):
        ran_out = row.status is InvitationStatus.PENDING and row.expires_at <= clock.now()
        return InvitationStatus.EXPIRED if ran_out else InvitationStatus(row.status)
    return None


_INVITER = aliased(User)
_OFFER = (
    sa.select(
        Invitation.id,
        Invitation.tenant_id,
        Invitation.user_id,
        Invitation.email,
        Invitation.email_key,
        Invitation.role,
        Invitation.status,
        Invitation.expires_at,
        Tenant.name.label("tenant_name"),
        Tenant.slug.label("tenant_slug"),
        _INVITER.display_name,
        sa.func.coalesce(_INVITER.first_name, "").label("inviter_first"),
        sa.func.coalesce(_INVITER.last_name, "").label("inviter_last"),
        sa.not_(IS_ONE).label("account_exists"),
        User.password_hash,
        Membership.first_name,
        Membership.last_name,
    )
    .join(Tenant, Tenant.id == Invitation.tenant_id)
    .join(User, User.id == Invitation.user_id)
    .outerjoin(Membership, Membership.id == Invitation.membership_id)
    .outerjoin(_INVITER, _INVITER.id == Invitation.invited_by_id)
    .where(Invitation.token_hash == sa.bindparam("shown"))
)


@awaits
def is_awaited(key: str) -> bool:
    """Say whether an open invitation waits for an address, so that it may register where others may not."""
    waiting = (
        sa.select(Invitation.id)
        .join(User, User.id == Invitation.user_id)
        .where(
            User.email_key == key,
            Invitation.status == InvitationStatus.PENDING,
            Invitation.expires_at > clock.now(),
        )
        .limit(1)
    )
    return bool(read(waiting))


def unknown() -> InvitationNotFound:
    """Return what a token that leads nowhere is answered with."""
    return InvitationNotFound(layer="organization", remedy="Ask whoever invited you to send it again.")


def check_status(status: InvitationStatus, expires_at: datetime) -> None:
    """Refuse an invitation that is not open.

    :raises InvitationNotFound, InvitationUsed, InvitationExpired: as it stands
    """
    if status is InvitationStatus.REVOKED:
        raise unknown()
    if status is InvitationStatus.ACCEPTED:
        raise InvitationUsed(remedy="Sign in: you may be a member already.")
    if status is InvitationStatus.EXPIRED or expires_at <= clock.now():
        raise InvitationExpired(remedy="Ask whoever invited you to send it again.")
