"""The rules by which facts complete a task; each looks at what is stored and connects nowhere."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.billing.models import Subscription, SubscriptionStatus
from app.domains.email import compliance
from app.domains.email.rules_models import SenderDomain
from app.domains.email.settings_models import TenantMailServer, TenantSender
from app.domains.permissions.models import PermissionProfile
from app.domains.permissions.roles import HEADS, Role
from app.domains.settings import queries as settings
from app.domains.settings.models import SettingValue
from app.domains.settings.queries import default_of
from app.domains.tenants.models import Membership, MembershipStatus

Check = Callable[[int], bool]

_STANDARD_PROFILE = 1
_HERE = (MembershipStatus.ACTIVE, MembershipStatus.INVITED)
_PROVEN = ("SPF", "DKIM")


def _company_profile(tenant_id: int) -> bool:
    found = settings.values(("general.website", "general.support_email"), tenant_id=tenant_id)
    return all(found.values())


def _verify_owner_email(tenant_id: int) -> bool:
    return _there(_people(tenant_id, Role.OWNER).where(User.email_verified_at.is_not(None)))


def _branding(tenant_id: int) -> bool:
    found = settings.values(("branding.logo_url", "branding.primary_color"), tenant_id=tenant_id)
    return bool(found["branding.logo_url"]) or (
        found["branding.primary_color"] != default_of("branding.primary_color")
    )


def _localization(tenant_id: int) -> bool:
    keys = ("localization.timezone", "localization.locale")
    own = (SettingValue.tenant_id == tenant_id, SettingValue.key.in_(keys))
    return _there(sa.select(SettingValue.id).where(*own))


def _invite_team(tenant_id: int) -> bool:
    here = (Membership.tenant_id == tenant_id, Membership.status.in_(_HERE))
    return _there(sa.select(Membership.id).where(*here).order_by(Membership.id).offset(1))


def _permission_profiles(tenant_id: int) -> bool:
    own = (PermissionProfile.tenant_id == tenant_id, PermissionProfile.is_active.is_(True))
    given = (Membership.tenant_id == tenant_id, Membership.status.in_(_HERE))
    other = sa.select(Membership.id).where(*given, Membership.profile_id != _STANDARD_PROFILE)
    return _there(sa.select(PermissionProfile.id).where(*own)) or _there(other)


def _secure_admins(tenant_id: int) -> bool:
    if settings.boolean("auth.mfa_enforced", tenant_id=tenant_id):
        return True
    without = _people(tenant_id, *HEADS).where(User.two_factor_enabled_at.is_(None))
    return not _there(without)


def _email_smtp(tenant_id: int) -> bool:
    server = db.session.get(TenantMailServer, tenant_id)
    return server is not None and server.test_ok is True  # a save forgets the test


def _email_sender(tenant_id: int) -> bool:
    sender = db.session.get(TenantSender, tenant_id)
    return sender is not None and bool(sender.from_name and sender.reply_to)


def _email_domain(tenant_id: int) -> bool:
    row = db.session.get(SenderDomain, tenant_id)
    found = {one["type"]: one["status"] for one in (row.records if row else ())}
    return all(found.get(kind) == "ok" for kind in _PROVEN)


def _choose_plan(tenant_id: int) -> bool:
    bought = (Subscription.tenant_id == tenant_id, Subscription.status == SubscriptionStatus.ACTIVE)
    return _there(sa.select(Subscription.id).where(*bought))


CHECKS: dict[str, Check] = {
    "company_profile": _company_profile,
    "verify_owner_email": _verify_owner_email,
    "branding": _branding,
    "localization": _localization,
    "invite_team": _invite_team,
    "permission_profiles": _permission_profiles,
    "secure_admins": _secure_admins,
    "email_smtp": _email_smtp,
    "email_sender": _email_sender,
    "email_compliance": compliance.is_complete,
    "email_domain": _email_domain,
    "choose_plan": _choose_plan,
}
"""By task. Projects and records, which are not there yet, are found by nobody so far."""

FACTS: Mapping[str, tuple[str, ...]] = {
    "setting.updated": ("company_profile", "branding", "localization", "secure_admins"),
    "user.email_verified": ("verify_owner_email",),
    "user.email_changed": ("verify_owner_email",),
    "invitation.created": ("invite_team", "permission_profiles"),
    "member.joined": ("invite_team",),
    "member.updated": ("permission_profiles", "secure_admins"),
    "member.removed": ("secure_admins",),
    "permission_profile.created": ("permission_profiles",),
    "permission_profile.activated": ("permission_profiles",),
    "two_factor.enabled": ("secure_admins",),
    "email_settings.smtp_tested": ("email_smtp",),
    "email_settings.sender_updated": ("email_sender",),
    "email_settings.compliance_updated": ("email_compliance",),
    "email_settings.deliverability_updated": ("email_domain",),
    "subscription.activated": ("choose_plan",),
    "subscription.changed": ("choose_plan",),
}
"""Which tasks may be done once a row of a kind stands in the trail."""


def _people(tenant_id: int, *roles: Role) -> sa.Select[tuple[int]]:
    return (
        sa.select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.tenant_id == tenant_id,
            Membership.role.in_(roles),
            Membership.status == MembershipStatus.ACTIVE,
        )
    )


def _there(query: sa.Select[tuple[int]]) -> bool:
    return db.session.scalar(query.limit(1)) is not None
