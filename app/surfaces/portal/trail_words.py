"""What the audit trail says happened, for those who read an organization's or the whole one."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.surfaces.portal.happenings import sentence

ACTIONS: Mapping[str, Any] = {
    "user.": _l("Accounts and signing in"),
    "session.": _l("Sessions"),
    "two_factor.": _l("Second factors"),
    "passkey.": _l("Passkeys"),
    "api_token.": _l("API tokens"),
    "member.": _l("Members"),
    "invitation.": _l("Invitations"),
    "access_request.": _l("Requests for access"),
    "permission_profile.": _l("Permission profiles"),
    "setting.": _l("Settings"),
    "email_settings.": _l("Mail"),
    "storage.": _l("Storage"),
    "tenant.": _l("The organization"),
    "subscription.": _l("Plan and billing"),
    "client.": _l("Client accounts"),
    "service_user.": _l("Service users"),
    "support_access.": _l("Support access"),
    "audit.": _l("The audit trail itself"),
}

_WORDS: Mapping[AuditKind, Any] = {
    AuditKind.SUPPORT_ACCESS_REQUESTED: _l("Support asked to act in somebody's name"),
    AuditKind.SUPPORT_ACCESS_GRANTED: _l("Support was let in"),
    AuditKind.SUPPORT_ACCESS_DECLINED: _l("Support was not let in"),
    AuditKind.SUPPORT_ACCESS_WITHDRAWN: _l("Support's access was taken back"),
    AuditKind.SUPPORT_ACCESS_STARTED: _l("Support began to act in somebody's name"),
    AuditKind.SUPPORT_ACCESS_ENDED: _l("Support ceased to act in somebody's name"),
    AuditKind.MEMBER_UPDATED: _l("A member was changed"),
    AuditKind.MEMBER_REMOVED: _l("A member was removed"),
    AuditKind.MEMBER_DEACTIVATED: _l("A member was deactivated"),
    AuditKind.MEMBER_ACTIVATED: _l("A member was activated"),
    AuditKind.MEMBER_ERASED: _l("A member was erased"),
    AuditKind.MEMBER_JOINED: _l("Somebody joined"),
    AuditKind.INVITATION_CREATED: _l("An invitation was sent"),
    AuditKind.INVITATION_RESENT: _l("An invitation was sent again"),
    AuditKind.INVITATION_REVOKED: _l("An invitation was taken back"),
    AuditKind.INVITATION_ACCEPTED: _l("An invitation was accepted"),
    AuditKind.SETTING_UPDATED: _l("A setting was changed"),
    AuditKind.SETTING_LOCKED: _l("A setting was locked"),
    AuditKind.SETTING_UNLOCKED: _l("A setting was unlocked"),
    AuditKind.STORAGE_UPDATED: _l("The storage was changed"),
    AuditKind.STORAGE_CHECK_FAILED: _l("The storage could not be reached"),
    AuditKind.TENANT_CREATED: _l("The organization was founded"),
    AuditKind.TENANT_STATUS_CHANGED: _l("The organization's status was changed"),
    AuditKind.PERMISSION_PROFILE_CREATED: _l("A permission profile was made"),
    AuditKind.PERMISSION_PROFILE_UPDATED: _l("A permission profile was changed"),
    AuditKind.ACCESS_REQUEST_CREATED: _l("Access was asked for"),
    AuditKind.ACCESS_REQUEST_GRANTED: _l("Access was given"),
    AuditKind.ACCESS_REQUEST_DECLINED: _l("Access was declined"),
    AuditKind.SERVICE_USER_CREATED: _l("A service user was made"),
    AuditKind.SERVICE_USER_SIGNED_IN: _l("A service user signed in"),
    AuditKind.SERVICE_USER_SIGN_IN_FAILED: _l("A service user could not sign in"),
    AuditKind.CLIENT_CREATED: _l("A client account was made"),
    AuditKind.CLIENT_SIGNED_IN: _l("A client signed in"),
    AuditKind.CLIENT_SIGN_IN_FAILED: _l("A client could not sign in"),
    AuditKind.WORKERS_RESTARTED: _l("The workers were restarted"),
    AuditKind.AUDIT_EXPORT_REQUESTED: _l("An export of the audit trail was asked for"),
    AuditKind.AUDIT_EXPORT_DOWNLOADED: _l("An export of the audit trail was fetched"),
}


def told(event: AuditEvent) -> str:
    """Say what happened."""
    found = _WORDS.get(event.kind)
    return str(found) if found else sentence(event)
