"""Rate limits by name: a bucket is one counter for all dialects, so changing the dialect is no way round it.

A rule counts by one key or a joined pair: email (the address given, known or not), ip, caller (session,
token or ip), endpoint, user, tenant, project, invitation, session, token (one login token), account (a
client's, as named), service (instance and calling address), request (in one call).
"""

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE = 60
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Rule:
    """So many in so many seconds for what the keys name; without seconds: at one time, or in one call."""

    keys: tuple[str, ...]
    limit: int
    seconds: int | None = None


@dataclass(frozen=True)
class Bucket:
    """A named limit with all rules that must hold at once."""

    name: str
    rules: tuple[Rule, ...]
    counts_failures: bool = False
    """Whether only failures count, else every call does."""
    stated: bool = False
    """Whether a source document gives this limit, so that ``limits.per_ip_factor`` leaves it alone."""
    durable: bool = False
    """Whether it protects an account or a mailbox and is counted in the database, else in Redis alone."""


def _rule(keys: str, limit: int, seconds: int | None = None) -> Rule:
    return Rule(tuple(keys.split("+")), limit, seconds)


def _throttle(name: str, *rules: Rule, stated: bool = False) -> Bucket:
    return Bucket(name, rules, stated=stated)


def _guard(name: str, *rules: Rule, counts_failures: bool = False, stated: bool = False) -> Bucket:
    return Bucket(name, rules, counts_failures=counts_failures, stated=stated, durable=True)


# Every call without a bucket of its own.
DEFAULT = _throttle("default", _rule("caller+endpoint", 300, MINUTE), stated=True)

# Password, mailed code, provider, second factor and an invitation's password share one budget; a success
# clears the address's. The settings auth.lockout_attempts, auth.lockout_ip_attempts and auth.lockout_minutes
# stand above these figures.
SIGN_IN_FAILURES = _guard(
    "sign_in_failures", _rule("email", 10, 15 * MINUTE), _rule("ip", 100, 15 * MINUTE), counts_failures=True
)
LOGIN_TOKEN_TRIES = _guard("login_token_tries", _rule("token", 5, 10 * MINUTE), counts_failures=True)
# A wrong current password or code inside a session.
PROOF_FAILURES = _guard("proof_failures", _rule("user", 5, 15 * MINUTE), counts_failures=True)

# Of all kinds and ways together: a known password must not buy endless tries (docs/additions.yaml).
TWO_FACTOR_FAILURES = _guard("two_factor_failures", _rule("user", 50, 24 * HOUR), counts_failures=True)

# Signing up, and every mail that an address can be made to receive.
REGISTRATIONS = _guard("registrations", _rule("ip", 30, HOUR), _rule("email", 5, HOUR))
SIGNUP_CODE_CHECKS = _guard(
    "signup_code_checks", _rule("email", 5, 30 * MINUTE), _rule("ip", 10, 30 * MINUTE), stated=True
)
SIGNUP_CODE_MAILS = _guard("signup_code_mails", _rule("email", 5, 30 * MINUTE), stated=True)
VERIFICATION_MAILS = _guard("verification_mails", _rule("email", 5, 30 * MINUTE), stated=True)
PASSWORD_RESET_MAILS = _guard("password_reset_mails", _rule("email", 5, HOUR), stated=True)
PASSWORD_RESET_CALLS = _guard("password_reset_calls", _rule("ip", 60, HOUR))
MAIL_TOKEN_CHECKS = _guard("mail_token_checks", _rule("ip", 20, 30 * MINUTE), counts_failures=True)
SIGN_IN_CODES = _guard("sign_in_codes", _rule("email", 5, 30 * MINUTE), _rule("ip", 30, 30 * MINUTE))
SIGN_IN_CODE_CHECKS = _guard(
    "sign_in_code_checks", _rule("email", 10, 30 * MINUTE), _rule("ip", 60, 30 * MINUTE)
)
SECURITY_CODES = _guard("security_codes", _rule("user", 5, 30 * MINUTE))
TWO_FACTOR_CHANGES = _guard("two_factor_changes", _rule("user", 10, HOUR))
EMAIL_CHANGE_MAILS = _guard("email_change_mails", _rule("email", 5, HOUR), _rule("ip", 5, HOUR), stated=True)
EMAIL_CHANGE_CHECKS = _guard("email_change_checks", _rule("user", 10, HOUR), counts_failures=True)
OAUTH_CODES = _guard("oauth_codes", _rule("ip", 30, 15 * MINUTE))

# Asked for in the portal alone (docs/additions.yaml).
SUPPORT_REQUESTS = _guard("support_requests", _rule("user", 30, HOUR))
FACTOR_RECOVERIES = _guard("factor_recoveries", _rule("user", 3, 24 * HOUR))
FACTOR_RECOVERY_STOPS = _guard("factor_recovery_stops", _rule("ip", 20, 30 * MINUTE), counts_failures=True)
ACCESS_REQUESTS = _guard("access_requests", _rule("user", 10, 24 * HOUR))
JOIN_REQUESTS = _guard("join_requests", _rule("user", 10, 24 * HOUR))
OWNERSHIP_OFFERS = _guard("ownership_offers", _rule("tenant", 10, 24 * HOUR))
TENANT_EXPORTS = _guard("tenant_exports", _rule("tenant", 3, 24 * HOUR))
DATA_EXPORTS = _guard("data_exports", _rule("user", 3, 24 * HOUR))
AUDIT_EXPORTS = _guard("audit_exports", _rule("user", 20, 24 * HOUR))

# Other organizations' people.
INVITATION_TOKENS = _guard("invitation_tokens", _rule("ip", 30, 10 * MINUTE))
INVITATIONS = _guard("invitations", _rule("tenant", 100, HOUR), _rule("project", 30, HOUR))
# To one address by one organization, and by one that pays nothing (docs/additions.yaml).
INVITATION_MAILS = _guard("invitation_mails", _rule("email", 10, 24 * HOUR))
FREE_INVITATIONS = _guard("free_invitations", _rule("tenant", 50, 24 * HOUR))
INVITATION_RESENDS = _guard("invitation_resends", _rule("invitation", 5, HOUR))
TENANT_CREATIONS = _guard("tenant_creations", _rule("user", 20, HOUR))
CLIENT_SIGN_IN_FAILURES = _guard(
    "client_sign_in_failures", _rule("account", 10, 15 * MINUTE), counts_failures=True
)

# Ordinary limits.
REFRESHES = _throttle("refreshes", _rule("session", 60, 10 * MINUTE))
OAUTH_STARTS = _throttle("oauth_starts", _rule("ip", 60, MINUTE))
SLUG_CHECKS = _throttle("slug_checks", _rule("ip", 60, MINUTE))
HANDLE_CHECKS = _throttle("handle_checks", _rule("ip", 120, MINUTE))
PASSKEY_STARTS = _throttle("passkey_starts", _rule("ip", 60, MINUTE))
LEAK_REPORTS = _throttle("leak_reports", _rule("ip", 60, MINUTE))
API_TOKEN_CREATIONS = _throttle("api_token_creations", _rule("user", 20, HOUR))
RESTARTS = _throttle("restarts", _rule("user", 6, MINUTE))
CHECKOUTS = _throttle("checkouts", _rule("user", 10, 5 * MINUTE), _rule("tenant", 20, HOUR))
TAX_CHECKS = _throttle("tax_checks", _rule("user", 30, 5 * MINUTE))
PROJECT_CREATIONS = _throttle("project_creations", _rule("user", 30, HOUR))
TRANSFERS = _throttle("transfers", _rule("user", 10, HOUR))
FEEDBACK = _throttle("feedback", _rule("user", 20, 5 * MINUTE), stated=True)
TICKETS = _throttle("tickets", _rule("user", 10, 5 * MINUTE), stated=True)
TICKET_REPLIES = _throttle("ticket_replies", _rule("user", 20, 5 * MINUTE))
SMTP_TESTS = _throttle("smtp_tests", _rule("tenant", 10, HOUR))
DNS_LOOKUPS = _throttle("dns_lookups", _rule("tenant", 6, MINUTE))
STORAGE_CHANGES = _throttle("storage_changes", _rule("tenant", 20, 10 * MINUTE))
EVENT_BATCH_SIZE = _throttle("event_batch_size", _rule("request", 500), stated=True)
IMAGE_UPLOADS = _throttle("image_uploads", _rule("user", 20, HOUR))
PEOPLE_SEARCHES = _throttle("people_searches", _rule("ip", 60, MINUTE))
OPEN_STREAMS = _throttle("open_streams", _rule("ip", 5), _rule("session", 5))
SERVICE_LOGINS = _throttle("service_logins", _rule("service", 300, MINUTE), stated=True)

BUCKETS: Mapping[str, Bucket] = {
    bucket.name: bucket
    for bucket in (
        DEFAULT,
        SIGN_IN_FAILURES,
        LOGIN_TOKEN_TRIES,
        PROOF_FAILURES,
        TWO_FACTOR_FAILURES,
        REGISTRATIONS,
        SIGNUP_CODE_CHECKS,
        SIGNUP_CODE_MAILS,
        VERIFICATION_MAILS,
        PASSWORD_RESET_MAILS,
        PASSWORD_RESET_CALLS,
        MAIL_TOKEN_CHECKS,
        SIGN_IN_CODES,
        SIGN_IN_CODE_CHECKS,
        SECURITY_CODES,
        TWO_FACTOR_CHANGES,
        EMAIL_CHANGE_MAILS,
        EMAIL_CHANGE_CHECKS,
        OAUTH_CODES,
        SUPPORT_REQUESTS,
        FACTOR_RECOVERIES,
        FACTOR_RECOVERY_STOPS,
        ACCESS_REQUESTS,
        JOIN_REQUESTS,
        OWNERSHIP_OFFERS,
        TENANT_EXPORTS,
        DATA_EXPORTS,
        AUDIT_EXPORTS,
        PASSKEY_STARTS,
        LEAK_REPORTS,
        INVITATION_TOKENS,
        INVITATIONS,
        INVITATION_MAILS,
        FREE_INVITATIONS,
        INVITATION_RESENDS,
        TENANT_CREATIONS,
        CLIENT_SIGN_IN_FAILURES,
        REFRESHES,
        OAUTH_STARTS,
        SLUG_CHECKS,
        HANDLE_CHECKS,
        API_TOKEN_CREATIONS,
        RESTARTS,
        CHECKOUTS,
        TAX_CHECKS,
        PROJECT_CREATIONS,
        TRANSFERS,
        FEEDBACK,
        TICKETS,
        TICKET_REPLIES,
        SMTP_TESTS,
        DNS_LOOKUPS,
        STORAGE_CHANGES,
        EVENT_BATCH_SIZE,
        IMAGE_UPLOADS,
        PEOPLE_SEARCHES,
        OPEN_STREAMS,
        SERVICE_LOGINS,
    )
}
