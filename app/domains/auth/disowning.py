"""A mailbox that says: this was not me."""

from app.core.access import Access, Actor, operation
from app.core.buckets import MAIL_TOKEN_CHECKS
from app.domains.accounts.queries import held
from app.domains.auth import links
from app.domains.auth.erasure import erase
from app.domains.auth.models import LinkPurpose
from app.domains.auth.verification import VerificationTokenInvalid
from app.domains.settings import budgets
from app.domains.tenants import operations as tenants


@operation(Access.PUBLIC)
def disown(actor: Actor, *, token: str) -> None:
    """Remove an account that somebody registered with another's address, as long as that is not proven.

    Its sign-ins end with it, and the organizations that it founded are closed.

    :raises VerificationTokenInvalid: unknown, used, replaced, too old, or the address is proven by now
    :raises RateLimited: after too many bad ones from one address
    """
    budgets.require_room(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
    found = links.look_up(token, LinkPurpose.VERIFY_EMAIL)
    if found is None or not found.open:
        budgets.spend(MAIL_TOKEN_CHECKS, ip=actor.origin.ip)
        raise VerificationTokenInvalid
    link = links.use(found)
    user = held(found.user_id)
    if link is None or user.email_verified or user.email_key != link.email_key:
        raise VerificationTokenInvalid
    for tenant in tenants.owned_by(user.id):
        tenants.abandon(actor, tenant)
    erase(actor, user, reason="its mailbox says that it was somebody else")
