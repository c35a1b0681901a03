"""Every mail there is, by name; the texts are in templates/mail."""

from collections.abc import Mapping

from app.domains.email.definition import MailDefinition

MAILS: Mapping[str, MailDefinition] = {
    mail.name: mail
    for mail in (
        MailDefinition(
            name="signup_code",
            event="account.signup_code",
            variables=("code", "expires_in"),
            subject="{{ code }} is your code for {{ app_name }}",
        ),
        MailDefinition(
            name="known_address_notice",
            event="account.already_registered",
            variables=("sign_in_url", "reset_url"),
            subject="You have an account with {{ app_name }} already",
        ),
        MailDefinition(
            name="email_verification",
            event="account.verify_email",
            variables=("verify_url", "token", "expires_in"),
            subject="Confirm your e-mail address for {{ app_name }}",
        ),
        MailDefinition(
            name="organization_claim",
            event="account.tenant_claim",
            variables=("verify_url", "token", "expires_in"),
            subject="Did you found {{ tenant_name }}?",
        ),
        MailDefinition(
            name="welcome",
            event="account.welcome",
            variables=("link",),
            subject="Welcome to {{ app_name }}",
        ),
        MailDefinition(
            name="organization_welcome",
            event="organization.welcome",
            variables=("trial_ends_at", "link"),
            subject="{{ tenant_name }} is ready",
        ),
        MailDefinition(
            name="organization_status",
            event="organization.status_changed",
            variables=("status", "reason"),
            subject="{{ tenant_name }} is now {{ status }}",
        ),
        MailDefinition(
            name="sign_in_code",
            event="account.sign_in_code",
            variables=("code", "expires_in"),
            subject="{{ code }} signs you in",
        ),
        MailDefinition(
            name="security_code",
            event="account.security_code",
            variables=("code", "expires_in"),
            subject="{{ code }} confirms that it is you",
        ),
        MailDefinition(
            name="password_reset",
            event="account.password_reset",
            variables=("reset_url", "token", "expires_in"),
            subject="Choose a new password for {{ tenant_name }}",
        ),
        MailDefinition(
            name="password_change",
            event="account.password_changed",
            variables=("changed_at", "ip_address", "link"),
            subject="Your password was changed",
        ),
        MailDefinition(
            name="new_sign_in",
            event="account.new_sign_in",
            variables=("device", "ip_address", "signed_in_at", "link"),
            subject="New sign-in to {{ tenant_name }}",
        ),
        MailDefinition(
            name="session_reuse",
            event="account.session_reuse",
            variables=("device", "detected_at", "link"),
            subject="We ended one of your sign-ins",
        ),
        MailDefinition(
            name="global_sign_out",
            event="account.signed_out_everywhere",
            variables=("sessions", "tokens", "at"),
            subject="You are signed out everywhere",
        ),
        MailDefinition(
            name="two_factor_activation",
            event="account.two_factor_enabled",
            variables=("at", "link"),
            subject="Two-factor authentication is on",
        ),
        MailDefinition(
            name="two_factor_removal",
            event="account.two_factor_disabled",
            variables=("at", "link"),
            subject="Two-factor authentication is off",
        ),
        MailDefinition(
            name="new_backup_codes",
            event="account.backup_codes_replaced",
            variables=("at", "link"),
            subject="You have new backup codes",
        ),
        MailDefinition(
            name="backup_code_use",
            event="account.backup_code_used",
            variables=("at", "remaining", "link"),
            subject="A backup code was used",
        ),
        MailDefinition(
            name="email_change_token",
            event="account.email_change_token",
            variables=("confirm_url", "token", "expires_in"),
            subject="Confirm your new address for {{ app_name }}",
        ),
        MailDefinition(
            name="email_change_notice",
            event="account.email_change_requested",
            variables=("at", "link"),
            subject="A change of your e-mail address was asked for",
        ),
        MailDefinition(
            name="address_in_use_notice",
            event="account.email_in_use",
            variables=("sign_in_url",),
            subject="Your address was named for another account",
        ),
        MailDefinition(
            name="email_change",
            event="account.email_changed",
            variables=("new_email", "at", "link"),
            subject="Your e-mail address was changed",
        ),
        MailDefinition(
            name="email_change_undone",
            event="account.email_change_undone",
            variables=("email", "at", "reset_url"),
            subject="The change of your e-mail address was undone",
        ),
        MailDefinition(
            name="new_api_token",
            event="account.api_token_created",
            variables=("token_name", "scopes", "expires_at", "link"),
            subject="A new API token: {{ token_name }}",
        ),
        MailDefinition(
            name="token_expiry",
            event="account.token_expiring",
            variables=("token_name", "expires_at", "link"),
            subject="The API token {{ token_name }} runs out soon",
        ),
        MailDefinition(
            name="leaked_token",
            event="account.token_leaked",
            variables=("token_name", "found_at", "at", "link"),
            subject="Your API token {{ token_name }} was found in public",
        ),
        MailDefinition(
            name="token_revocation",
            event="account.token_revoked",
            variables=("token_name", "revoked_by", "at", "link"),
            subject="Your API token {{ token_name }} was ended",
        ),
        MailDefinition(
            name="member_token_leak",
            event="organization.token_leaked",
            variables=("token_name", "member_name", "found_at", "at", "link"),
            subject="An API token of {{ tenant_name }} was found in public",
        ),
        MailDefinition(
            name="passkey_addition",
            event="account.passkey_added",
            variables=("passkey_name", "at", "link"),
            subject="A passkey was added",
        ),
        MailDefinition(
            name="passkey_removal",
            event="account.passkey_removed",
            variables=("passkey_name", "at", "link"),
            subject="A passkey was removed",
        ),
        MailDefinition(
            name="passkey_copy",
            event="account.passkey_copied",
            variables=("passkey_name", "at", "link"),
            subject="A copy of your passkey was refused",
        ),
        MailDefinition(
            name="data_export_ready",
            event="account.export_ready",
            variables=("expires_at", "link"),
            subject="Your data is ready",
        ),
        MailDefinition(
            name="deletion_request",
            event="account.deletion_requested",
            variables=("due_at", "cancel_url", "token"),
            subject="Your account will be deleted",
        ),
        MailDefinition(
            name="deletion_reminder",
            event="account.deletion_near",
            variables=("due_at", "cancel_url", "token"),
            subject="Your account is erased tomorrow",
        ),
        MailDefinition(
            name="deletion_done",
            event="account.deleted",
            variables=("at",),
            subject="Your account is erased",
            forgotten=True,
        ),
        MailDefinition(
            name="factor_recovery_request",
            event="account.recovery_requested",
            variables=("confirm_url", "cancel_url", "token", "waits"),
            subject="Someone asks to remove your second factor",
        ),
        MailDefinition(
            name="factor_recovery_due",
            event="account.recovery_due",
            variables=("finish_url", "cancel_url", "token"),
            subject="Your second factor can be removed now",
        ),
        MailDefinition(
            name="factor_recovery_cancellation",
            event="account.recovery_cancelled",
            variables=("at", "link"),
            subject="The removal of your second factor was stopped",
        ),
        MailDefinition(
            name="setting_lock",
            event="organization.setting_locked",
            variables=("setting_label", "value"),
            subject="{{ setting_label }} is set by the platform now",
        ),
        MailDefinition(
            name="two_factor_demand",
            event="organization.two_factor_demanded",
            variables=("from", "link"),
            subject="{{ tenant_name }} asks for a second factor",
        ),
        MailDefinition(
            name="member_invitation",
            event="members.invited",
            variables=("inviter_name", "role", "accept_url", "token", "expires_at"),
            subject="{{ inviter_name }} invites you to {{ tenant_name }}",
        ),
        MailDefinition(
            name="seat_shortage",
            event="billing.seats_low",
            variables=("used", "total", "link"),
            subject="{{ used }} of {{ total }} seats are taken",
        ),
        MailDefinition(
            name="service_sign_in_failures",
            event="clients.sign_in_failures",
            variables=("service_user", "environment", "failures", "ip_address"),
            subject="{{ service_user }} failed {{ failures }} times to sign in",
        ),
        MailDefinition(
            name="access_request",
            event="organization.access_requested",
            variables=("member_name", "wanted", "reason", "expires_at", "link"),
            subject="{{ member_name }} asks for access in {{ tenant_name }}",
        ),
        MailDefinition(
            name="access_grant",
            event="organization.access_granted",
            variables=("wanted", "given", "decided_by", "answer", "link"),
            subject="You have the access you asked for in {{ tenant_name }}",
        ),
        MailDefinition(
            name="access_refusal",
            event="organization.access_declined",
            variables=("wanted", "decided_by", "answer", "link"),
            subject="Your request in {{ tenant_name }} was declined",
        ),
    )
}
