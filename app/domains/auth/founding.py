"""Founding an organization with its first admin, signed in or not, known or not."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core.access import Access, Actor, operation
from app.core.buckets import REGISTRATIONS, SIGN_IN_FAILURES
from app.core.db import db, read
from app.core.limits import give_back, only_if_judged
from app.core.links import public_url
from app.domains.accounts import emails, passwords
from app.domains.accounts.addresses import of_address
from app.domains.accounts.models import User
from app.domains.accounts.placeholders import IS_ONE
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import links
from app.domains.auth.models import LinkPurpose
from app.domains.auth.newcomers import Newcomer, RegistrationClosed, check_names, try_create
from app.domains.auth.verification import mail_link
from app.domains.billing.models import Subscription
from app.domains.email import mails
from app.domains.settings import budgets
from app.domains.settings import queries as settings
from app.domains.tenants import operations as tenants
from app.domains.tenants.models import MembershipStatus, Tenant


@dataclass(frozen=True)
class Founded:
    """A new organization; nothing in it tells whether the admin's address was known."""

    tenant: Tenant
    subscription: Subscription | None
    newcomer: Newcomer


@operation(Access.PUBLIC)
def register_tenant(actor: Actor, *, company_name: str, slug: str, admin: Newcomer) -> Founded:
    """Found an organization whose owner is named with address and password.

    A new address gets its account and owns the organization at once. A known one owns it at once only with
    that account's own password and a proven address; else the person is asked by mail. No existing password
    is ever set or changed.

    :raises RegistrationClosed, SelfServiceOff: as the platform's settings have it
    :raises SlugTaken: if the slug is another's
    :raises ValidationFailed: at company_name, slug, email, password, first_name, last_name
    """
    address = emails.checked(admin.email)
    key = emails.key_of(address)
    _check(admin, address, company_name, slug)
    budgets.spend(REGISTRATIONS, ip=actor.origin.ip, email=key)
    _require_open(actor)
    tenants.check_slug_is_free(slug)
    spent = budgets.spend(SIGN_IN_FAILURES, email=key, ip=actor.origin.ip)
    rows = read(sa.select(User.id, User.password_hash).where(User.email_key == key, sa.not_(IS_ONE)))
    known_hash = rows[0].password_hash if rows else None
    with only_if_judged(spent):
        matches = passwords.verify(known_hash, admin.password) if rows else False
        new_hash = None if rows else passwords.hash_password(admin.password)
    user = try_create(actor, admin, address, new_hash) if not rows else None
    is_new = user is not None
    if user is None:
        user = db.session.scalars(of_address(key)).one()
    at_once = is_new or (matches and user.email_verified and user.disabled_at is None)
    founder = user.id if at_once else None
    tenant = tenants.found(actor, name=company_name, slug=slug, billing_email=address, founder_id=founder)
    status = MembershipStatus.ACTIVE if at_once else MembershipStatus.INVITED
    tenants.add_owner(tenant, user, status=status)
    if rows and not matches:
        record(actor, AuditKind.USER_SIGN_IN_FAILED, subject=("user", user.id))
    else:
        give_back(spent)
    if is_new:
        mail_link(user)
    if at_once:
        tenants.welcome(actor, tenant, user)
    else:
        _ask(tenant, user, knew_the_password=matches)
    db.session.flush()  # the answer names the trial
    subscription = db.session.scalar(sa.select(Subscription).where(Subscription.tenant_id == tenant.id))
    return Founded(tenant, subscription, admin)


def _check(admin: Newcomer, address: str, company_name: str, slug: str) -> None:
    """Refuse what shows to be wrong by itself, before anything is counted: corrections use nothing up."""
    tenants.check_name(company_name, field="company_name")
    tenants.check_slug(slug, reserved_is_taken=False)
    check_names(admin)
    passwords.check_new(admin.password, about=[address, admin.first_name, admin.last_name, company_name])


def _require_open(actor: Actor) -> None:
    if not settings.boolean("auth.registration_open"):
        raise RegistrationClosed(layer="platform", remedy="Ask the platform's admins to open it for you.")
    tenants.check_may_open(actor)


def _ask(tenant: Tenant, user: User, *, knew_the_password: bool) -> None:
    """Ask the person by mail whether it was them."""
    purpose = LinkPurpose.TENANT_CLAIM if knew_the_password else LinkPurpose.TENANT_CLAIM_ANEW
    issued = links.issue(purpose, user, tenant_id=tenant.id)
    mails.organization_claim(
        user.email,
        first_name=user.greeting,
        tenant_name=tenant.name,
        verify_url=public_url("/verify-email", token=issued.token),
        token=issued.token,
        expires_in=issued.expires_in,
    )
