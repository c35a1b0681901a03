"""Everything the audit trail can say: one kind for each thing that happens, as subject.verbed."""

from enum import StrEnum


class AuditKind(StrEnum):
    """What happened; a row of the trail has exactly one."""

    USER_BANNER_IMAGE_CHANGED = "user.banner_image_changed"
    USER_BANNER_IMAGE_REMOVED = "user.banner_image_removed"
    USER_HANDLE_CHANGED = "user.handle_changed"
    USER_JOINED = "user.joined"
    USER_PROFILE_IMAGE_CHANGED = "user.profile_image_changed"
    USER_PROFILE_IMAGE_REMOVED = "user.profile_image_removed"
    USER_PROFILE_UPDATED = "user.profile_updated"

    USER_DETAILS_UPDATED = "user.details_updated"
    USER_EMAIL_CHANGE_REQUESTED = "user.email_change_requested"
    USER_EMAIL_CHANGED = "user.email_changed"
    USER_EMAIL_VERIFIED = "user.email_verified"
    USER_PASSWORD_CHANGED = "user.password_changed"
    USER_PASSWORD_RESET = "user.password_reset"
    USER_PASSWORD_RESET_REQUESTED = "user.password_reset_requested"

    USER_OAUTH_LINKED = "user.oauth_linked"
    USER_OAUTH_UNLINKED = "user.oauth_unlinked"
    USER_POLICY_ACCEPTED = "user.policy_accepted"
    USER_PREFERENCES_UPDATED = "user.preferences_updated"
    USER_REGISTERED = "user.registered"
    USER_UNSUBSCRIBED = "user.unsubscribed"

    USER_SECURITY_CODE_REQUESTED = "user.security_code_requested"
    USER_SIGN_IN_CODE_REQUESTED = "user.sign_in_code_requested"
    USER_SIGN_IN_FAILED = "user.sign_in_failed"
    USER_SIGNED_IN = "user.signed_in"
    USER_SIGNED_OUT = "user.signed_out"
    USER_SIGNED_OUT_EVERYWHERE = "user.signed_out_everywhere"
    USER_TWO_FACTOR_FAILED = "user.two_factor_failed"

    SESSION_ENVIRONMENT_SWITCHED = "session.environment_switched"
    SESSION_REUSE_DETECTED = "session.reuse_detected"
    SESSION_REVOKED = "session.revoked"
    SESSION_SECOND_FACTOR_ADDED = "session.second_factor_added"
    SESSION_STEP_UP_FAILED = "session.step_up_failed"
    SESSION_STEPPED_UP = "session.stepped_up"
    SESSION_TENANT_SELECTED = "session.tenant_selected"

    TWO_FACTOR_BACKUP_CODE_USED = "two_factor.backup_code_used"
    TWO_FACTOR_CODES_PROPOSED = "two_factor.codes_proposed"
    TWO_FACTOR_CODES_REPLACED = "two_factor.codes_replaced"
    TWO_FACTOR_DISABLED = "two_factor.disabled"
    TWO_FACTOR_ENABLED = "two_factor.enabled"
    TWO_FACTOR_SETUP_STARTED = "two_factor.setup_started"

    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_RENAMED = "passkey.renamed"
    POLICY_PUBLISHED = "policy.published"

    TWO_FACTOR_RECOVERY_REQUESTED = "two_factor.recovery_requested"
    TWO_FACTOR_RECOVERY_CONFIRMED = "two_factor.recovery_confirmed"
    TWO_FACTOR_RECOVERY_CANCELLED = "two_factor.recovery_cancelled"
    TWO_FACTOR_RECOVERED = "two_factor.recovered"

    USER_EMAIL_CHANGE_CANCELLED = "user.email_change_cancelled"
    USER_EMAIL_CHANGE_UNDONE = "user.email_change_undone"

    USER_DELETION_REQUESTED = "user.deletion_requested"
    USER_DELETION_CANCELLED = "user.deletion_cancelled"
    USER_DELETED = "user.deleted"
    USER_EXPORT_REQUESTED = "user.export_requested"
    USER_EXPORT_DOWNLOADED = "user.export_downloaded"

    API_TOKEN_CREATED = "api_token.created"
    API_TOKEN_REVOKED = "api_token.revoked"
    SMART_FILTER_DELETED = "smart_filter.deleted"
    SMART_FILTER_SAVED = "smart_filter.saved"
    SUPPORT_ACCESS_REQUESTED = "support_access.requested"
    SUPPORT_ACCESS_GRANTED = "support_access.granted"
    SUPPORT_ACCESS_DECLINED = "support_access.declined"
    SUPPORT_ACCESS_WITHDRAWN = "support_access.withdrawn"
    SUPPORT_ACCESS_STARTED = "support_access.started"
    SUPPORT_ACCESS_ENDED = "support_access.ended"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_ADMIN_APPOINTED = "user.admin_appointed"
    USER_ADMIN_DISMISSED = "user.admin_dismissed"
    DAEMONS_RESTARTED = "daemons.restarted"
    WORKERS_RESTARTED = "workers.restarted"

    TENANT_CREATED = "tenant.created"
    TENANT_STATUS_CHANGED = "tenant.status_changed"
    MEMBER_ACTIVATED = "member.activated"
    MEMBER_DEACTIVATED = "member.deactivated"
    MEMBER_ERASED = "member.erased"
    MEMBER_JOINED = "member.joined"
    MEMBER_REMOVED = "member.removed"
    MEMBER_UPDATED = "member.updated"

    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_CREATED = "invitation.created"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_REVOKED = "invitation.revoked"

    OWNERSHIP_OFFERED = "ownership.offered"
    OWNERSHIP_CANCELLED = "ownership.cancelled"
    OWNERSHIP_DECLINED = "ownership.declined"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
    JOIN_REQUEST_CREATED = "join_request.created"
    JOIN_REQUEST_APPROVED = "join_request.approved"
    JOIN_REQUEST_DECLINED = "join_request.declined"
    JOIN_REQUEST_WITHDRAWN = "join_request.withdrawn"
    DOMAIN_ADDED = "domain.added"
    DOMAIN_REMOVED = "domain.removed"
    DOMAIN_VERIFIED = "domain.verified"
    DOMAIN_LOST = "domain.lost"
    TENANT_SLUG_CHANGED = "tenant.slug_changed"
    TENANT_CLOSING_REQUESTED = "tenant.closing_requested"
    TENANT_CLOSING_CANCELLED = "tenant.closing_cancelled"
    TENANT_ERASED = "tenant.erased"
    TENANT_EXPORT_REQUESTED = "tenant.export_requested"
    TENANT_EXPORT_DOWNLOADED = "tenant.export_downloaded"
    ACCESS_REQUEST_CREATED = "access_request.created"
    ACCESS_REQUEST_GRANTED = "access_request.granted"
    ACCESS_REQUEST_DECLINED = "access_request.declined"
    PERMISSION_PROFILE_ACTIVATED = "permission_profile.activated"
    PERMISSION_PROFILE_CREATED = "permission_profile.created"
    PERMISSION_PROFILE_DEACTIVATED = "permission_profile.deactivated"
    PERMISSION_PROFILE_UPDATED = "permission_profile.updated"

    PROJECT_CREATED = "project.created"
    PROJECT_MEMBER_JOINED = "project.member_joined"
    PROJECT_MEMBER_REMOVED = "project.member_removed"
    PROJECT_MEMBER_UPDATED = "project.member_updated"
    PROJECT_THEME_STATUS_CHANGED = "project.theme_status_changed"
    PROJECT_UPDATED = "project.updated"

    PROJECT_TRANSFER_CANCELLED = "project.transfer_cancelled"
    PROJECT_TRANSFER_DECLINED = "project.transfer_declined"
    PROJECT_TRANSFER_REQUESTED = "project.transfer_requested"
    PROJECT_TRANSFERRED = "project.transferred"

    SUBSCRIPTION_ACTIVATED = "subscription.activated"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_CHECKOUT_OPENED = "subscription.checkout_opened"
    SUBSCRIPTION_PORTAL_OPENED = "subscription.portal_opened"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_TRIAL_STARTED = "subscription.trial_started"

    SETTING_LOCKED = "setting.locked"
    SETTING_UNLOCKED = "setting.unlocked"
    SETTING_UPDATED = "setting.updated"
    STORAGE_CHECK_FAILED = "storage.check_failed"
    STORAGE_UPDATED = "storage.updated"
    NOTIFICATION_TEMPLATE_CUSTOMIZED = "notification_template.customized"
    NOTIFICATION_TEMPLATE_RESET = "notification_template.reset"

    EMAIL_SETTINGS_COMPLIANCE_UPDATED = "email_settings.compliance_updated"
    EMAIL_SETTINGS_DELIVERABILITY_UPDATED = "email_settings.deliverability_updated"
    EMAIL_SETTINGS_FOOTER_UPDATED = "email_settings.footer_updated"
    EMAIL_SETTINGS_SENDER_UPDATED = "email_settings.sender_updated"
    EMAIL_SETTINGS_SMTP_TESTED = "email_settings.smtp_tested"
    EMAIL_SETTINGS_SMTP_UPDATED = "email_settings.smtp_updated"
    EMAIL_SETTINGS_TRACKING_UPDATED = "email_settings.tracking_updated"

    ENTITY_AUTO_LINKED = "entity.auto_linked"
    ENTITY_LINKED = "entity.linked"
    ENTITY_MERGED = "entity.merged"
    ENTITY_REGISTERED = "entity.registered"
    ENTITY_UNLINKED = "entity.unlinked"
    SETUP_AUTO_CHECKED = "setup.auto_checked"
    SETUP_COMPLETED = "setup.completed"
    SETUP_TASK_UPDATED = "setup.task_updated"

    SUPPORT_TICKET_CREATED = "support_ticket.created"
    SUPPORT_TICKET_REPLIED = "support_ticket.replied"
    SUPPORT_TICKET_UPDATED = "support_ticket.updated"

    CLIENT_CREATED = "client.created"
    CLIENT_DELETED = "client.deleted"
    CLIENT_DISABLED = "client.disabled"
    CLIENT_ENABLED = "client.enabled"
    CLIENT_PASSWORD_CHANGED = "client.password_changed"
    CLIENT_SESSION_REVOKED = "client.session_revoked"
    CLIENT_SESSIONS_REVOKED = "client.sessions_revoked"
    CLIENT_SIGN_IN_FAILED = "client.sign_in_failed"
    CLIENT_SIGNED_IN = "client.signed_in"
    CLIENT_UPDATED = "client.updated"

    INVOICE_ISSUED = "invoice.issued"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_WRITTEN_OFF = "invoice.written_off"

    AUDIT_EXPORT_REQUESTED = "audit.export_requested"
    AUDIT_EXPORT_DOWNLOADED = "audit.export_downloaded"

    SERVICE_USER_CREATED = "service_user.created"
    SERVICE_USER_DELETED = "service_user.deleted"
    SERVICE_USER_DISABLED = "service_user.disabled"
    SERVICE_USER_ENABLED = "service_user.enabled"
    SERVICE_USER_PASSWORD_ROTATED = "service_user.password_rotated"
    SERVICE_USER_SIGN_IN_FAILED = "service_user.sign_in_failed"
    SERVICE_USER_SIGNED_IN = "service_user.signed_in"
    SERVICE_USER_SIGNED_OUT = "service_user.signed_out"

    OUTBOX_GIVEN_UP = "outbox.given_up"


PUBLIC: frozenset[AuditKind] = frozenset(
    {
        AuditKind.USER_BANNER_IMAGE_CHANGED,
        AuditKind.USER_BANNER_IMAGE_REMOVED,
        AuditKind.USER_HANDLE_CHANGED,
        AuditKind.USER_JOINED,
        AuditKind.USER_PROFILE_IMAGE_CHANGED,
        AuditKind.USER_PROFILE_IMAGE_REMOVED,
        AuditKind.USER_PROFILE_UPDATED,
    }
)
"""What v0's action logs and stream show to anybody, with the names of the changed fields only."""
