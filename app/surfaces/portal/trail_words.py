"""What the audit trail says happened, for those who read an organization's or the whole one."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.surfaces.portal.happenings import SENTENCES, sentence, sentence_of

ACTIONS: Mapping[str, Any] = {
    "user.": _l("Accounts and signing in"),
    "session.": _l("Sessions"),
    "two_factor.": _l("Second factors"),
    "passkey.": _l("Passkeys"),
    "api_token.": _l("API tokens"),
    "member.": _l("Members"),
    "invitation.": _l("Invitations"),
    "access_request.": _l("Requests for access"),
    "join_request.": _l("Requests to join"),
    "permission_profile.": _l("Permission profiles"),
    "setting.": _l("Settings"),
    "email_settings.": _l("Mail"),
    "storage.": _l("Storage"),
    "tenant.": _l("The organization"),
    "ownership.": _l("Ownership"),
    "domain.": _l("Domains"),
    "setup.": _l("Setup"),
    "subscription.": _l("Plan and billing"),
    "invoice.": _l("Invoices"),
    "client.": _l("Client accounts"),
    "service_user.": _l("Service users"),
    "support_access.": _l("Support access"),
    "audit.": _l("The audit trail itself"),
}

WORDS: Mapping[AuditKind, Any] = {
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
    AuditKind.TENANT_SLUG_CHANGED: _l("The organization's short name was changed"),
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
    AuditKind.CLIENT_UPDATED: _l("A client account was changed"),
    AuditKind.CLIENT_PASSWORD_CHANGED: _l("A client's password was changed"),
    AuditKind.CLIENT_DISABLED: _l("A client account was switched off"),
    AuditKind.CLIENT_ENABLED: _l("A client account was switched on"),
    AuditKind.CLIENT_DELETED: _l("A client account was deleted"),
    AuditKind.CLIENT_SESSION_REVOKED: _l("A client's session was ended"),
    AuditKind.CLIENT_SESSIONS_REVOKED: _l("All sessions of a client were ended"),
    AuditKind.SERVICE_USER_PASSWORD_ROTATED: _l("A service user was given a new password"),
    AuditKind.SERVICE_USER_DISABLED: _l("A service user was switched off"),
    AuditKind.SERVICE_USER_ENABLED: _l("A service user was switched on"),
    AuditKind.SERVICE_USER_DELETED: _l("A service user was deleted"),
    AuditKind.SERVICE_USER_SIGNED_OUT: _l("A service user signed out"),
    AuditKind.OWNERSHIP_OFFERED: _l("The ownership was offered"),
    AuditKind.OWNERSHIP_CANCELLED: _l("An offer of the ownership was taken back"),
    AuditKind.OWNERSHIP_DECLINED: _l("An offer of the ownership was declined"),
    AuditKind.OWNERSHIP_TRANSFERRED: _l("The ownership was handed over"),
    AuditKind.JOIN_REQUEST_CREATED: _l("Somebody asked to join"),
    AuditKind.JOIN_REQUEST_APPROVED: _l("A request to join was approved"),
    AuditKind.JOIN_REQUEST_DECLINED: _l("A request to join was declined"),
    AuditKind.JOIN_REQUEST_WITHDRAWN: _l("A request to join was taken back"),
    AuditKind.DOMAIN_ADDED: _l("A domain was added"),
    AuditKind.DOMAIN_VERIFIED: _l("A domain was proven"),
    AuditKind.DOMAIN_LOST: _l("A domain is not proven any more"),
    AuditKind.DOMAIN_REMOVED: _l("A domain was removed"),
    AuditKind.TENANT_CLOSING_REQUESTED: _l("The closing of the organization was asked for"),
    AuditKind.TENANT_CLOSING_CANCELLED: _l("The organization is not closed after all"),
    AuditKind.TENANT_ERASED: _l("The organization was erased"),
    AuditKind.TENANT_EXPORT_REQUESTED: _l("A copy of the organization's data was asked for"),
    AuditKind.TENANT_EXPORT_DOWNLOADED: _l("A copy of the organization's data was fetched"),
    AuditKind.PERMISSION_PROFILE_ACTIVATED: _l("A permission profile was activated"),
    AuditKind.PERMISSION_PROFILE_DEACTIVATED: _l("A permission profile was laid to rest"),
    AuditKind.SUBSCRIPTION_CHANGED: _l("The plan was changed"),
    AuditKind.INVOICE_ISSUED: _l("An invoice was sent"),
    AuditKind.INVOICE_PAID: _l("An invoice was paid"),
    AuditKind.INVOICE_VOIDED: _l("An invoice was made void"),
    AuditKind.INVOICE_WRITTEN_OFF: _l("An invoice was written off"),
    AuditKind.EMAIL_SETTINGS_SMTP_UPDATED: _l("The mail server was changed"),
    AuditKind.EMAIL_SETTINGS_SMTP_TESTED: _l("The mail server was tested"),
    AuditKind.EMAIL_SETTINGS_SENDER_UPDATED: _l("The sender of mails was changed"),
    AuditKind.EMAIL_SETTINGS_TRACKING_UPDATED: _l("What is counted of mails was changed"),
    AuditKind.EMAIL_SETTINGS_COMPLIANCE_UPDATED: _l("What the law asks of mails was changed"),
    AuditKind.EMAIL_SETTINGS_FOOTER_UPDATED: _l("The footer of mails was changed"),
    AuditKind.EMAIL_SETTINGS_DELIVERABILITY_UPDATED: _l("The sender domain was changed"),
    AuditKind.SETUP_TASK_UPDATED: _l("A task of the setup was changed"),
    AuditKind.SETUP_AUTO_CHECKED: _l("The setup was looked at again"),
    AuditKind.SETUP_COMPLETED: _l("The setup was closed"),
    AuditKind.POLICY_PUBLISHED: _l("A legal text was put in force"),
    AuditKind.DAEMONS_RESTARTED: _l("The daemons were restarted"),
    AuditKind.OUTBOX_GIVEN_UP: _l("A piece of work in the background was given up"),
}


def told(event: AuditEvent) -> str:
    """Say what happened."""
    return told_of(event.kind)


def told_of(kind: AuditKind) -> str:
    """Say what happened, by its kind alone."""
    found = WORDS.get(kind)
    return str(found) if found else sentence_of(kind)


def told_to_oneself(event: AuditEvent) -> str:
    """Say what happened to somebody who did it, or to whom it was done."""
    return sentence(event) if event.kind in SENTENCES else told(event)
