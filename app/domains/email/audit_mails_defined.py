"""The mails about exports and archives of the audit trail; their texts are in templates/mail."""

from app.domains.email.definition import MailDefinition

AUDIT_MAILS = (
    MailDefinition(
        name="audit_export_ready",
        event="organization.audit_export_ready",
        variables=("row_count", "expires_at", "link"),
        subject="Your export of the audit trail is ready",
    ),
    MailDefinition(
        name="audit_archive_failure",
        event="organization.audit_archive_failed",
        variables=("day", "environment", "reason", "link"),
        subject="The audit trail of {{ day }} was not written to your storage",
    ),
)
