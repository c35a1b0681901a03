"""Settings of signing in: a tenant's own rules and the platform's."""

from functools import partial

from app.domains.settings.registry.definition import Definition, Scope, Type

_mfa_settings = partial(
    Definition, scope=Scope.TENANT, category="security", tree=("Security", "Authentication", "MFA Settings")
)
_sign_in_methods = partial(
    Definition,
    scope=Scope.TENANT,
    category="security",
    tree=("Security", "Authentication", "Sign-in methods"),
)
_passwords = partial(
    Definition, scope=Scope.TENANT, category="security", tree=("Security", "Authentication", "Passwords")
)
_sessions = partial(
    Definition, scope=Scope.TENANT, category="security", tree=("Security", "Authentication", "Sessions")
)
_allowed_addresses = partial(
    Definition, scope=Scope.TENANT, category="security", tree=("Security", "Network", "Allowed addresses")
)
_registration = partial(Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Registration"))
_codes_and_links = partial(
    Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Codes and links")
)
_failed_sign_ins = partial(
    Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Failed sign-ins")
)
_sessions_and_tokens = partial(
    Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Sessions and tokens")
)
_recovery = partial(Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Recovery"))
_google_and_github = partial(
    Definition, scope=Scope.GLOBAL, tree=("Security", "Platform sign-in", "Google and GitHub")
)

DEFINITIONS = (
    _mfa_settings(
        "auth.mfa_enforced",
        Type.BOOLEAN,
        label="Enforce MFA for all users",
        default=False,
        lock=True,
        governs=(
            "access to the tenant in every dialect: without an authenticator two_factor:setup_required, with "
            "a one-factor session two_factor:session_too_weak; its members cannot turn theirs off "
            "(two_factor:enforced)"
        ),
    ),
    _mfa_settings(
        "auth.mfa_enforced_from",
        Type.STRING,
        label="Enforce MFA from this day on (YYYY-MM-DD, empty = at once)",
        lock=True,
        governs=(
            "when auth.mfa_enforced begins to refuse (00:00 in localization.timezone); until then people "
            "without a second factor are asked to set one up"
        ),
    ),
    _sign_in_methods(
        "auth.social_login_enabled",
        Type.BOOLEAN,
        label="Allow sign-in with Google and GitHub",
        default=True,
        lock=True,
        public=True,
        governs=(
            "the tenant refuses sessions opened that way (auth:method_not_allowed); the platform's value "
            "switches v0's OAuth off (oauth:provider_disabled)"
        ),
    ),
    _sign_in_methods(
        "auth.code_login_enabled",
        Type.BOOLEAN,
        label="Allow sign-in with a mailed code",
        default=True,
        lock=True,
        governs=(
            "the tenant refuses sessions opened by platform_api.auth.otp_verify; the platform's value turns "
            "platform_api.auth.otp_request off for all"
        ),
    ),
    _sign_in_methods(
        "auth.email_verification_required",
        Type.BOOLEAN,
        label="Sign in only with a confirmed e-mail address",
        default=False,
        lock=True,
        governs="access to the tenant; the platform's value every sign-in by password, auth:email_unverified",
    ),
    _passwords(
        "auth.password_min_length",
        Type.INTEGER,
        label="Shortest password",
        default=10,
        min=8,
        max=64,
        lock=True,
        governs=(
            "every new password in every dialect; of several tenants the strictest, for a new person the "
            "platform's"
        ),
    ),
    _sessions(
        "auth.session_lifetime",
        Type.INTEGER,
        label="Longest sign-in in days",
        default=90,
        min=1,
        max=90,
        lock=True,
        governs=(
            "how far rotation can carry a sign-in; a tenant's shorter value is judged by the session's age "
            "when a token for the tenant is made"
        ),
    ),
    _sessions(
        "auth.new_sign_in_alerts",
        Type.BOOLEAN,
        label="Tell people of sign-ins from new devices",
        default=True,
        lock=True,
        governs="the event account.new_sign_in",
    ),
    _allowed_addresses(
        "auth.ip_allowlist",
        Type.LIST,
        label="Addresses and networks (CIDR) that may work in this organization",
        default=(),
        env=True,
        lock=True,
        governs="every call for the tenant in every dialect, empty = all; auth:address_not_allowed",
    ),
    _registration(
        "auth.registration_open",
        Type.BOOLEAN,
        label="Anyone may register",
        default=True,
        governs="registration in every dialect, auth:registration_closed; off, only invited addresses may",
    ),
    _registration(
        "auth.password_block_common",
        Type.BOOLEAN,
        label="Refuse the commonest passwords",
        default=True,
        governs="every new password, against a list of 1,000",
    ),
    _codes_and_links(
        "auth.otp_expiry_minutes",
        Type.INTEGER,
        label="Minutes a mailed code is good for",
        default=10,
        min=3,
        max=60,
        governs="sign-up, sign-in and security codes",
    ),
    _codes_and_links(
        "auth.otp_max_attempts",
        Type.INTEGER,
        label="Tries for one mailed code",
        default=5,
        min=3,
        max=10,
        governs="the same",
    ),
    _codes_and_links(
        "auth.reset_expiry_minutes",
        Type.INTEGER,
        label="Minutes a reset link is good for",
        default=60,
        min=10,
        max=1440,
        governs="reset links and e-mail change tokens in every dialect",
    ),
    _codes_and_links(
        "auth.verification_expiry_hours",
        Type.INTEGER,
        label="Hours a confirmation link is good for",
        default=24,
        min=1,
        max=168,
        governs="confirmation links in every dialect",
    ),
    _failed_sign_ins(
        "auth.lockout_attempts",
        Type.INTEGER,
        label="Failed tries for one account before a pause",
        default=10,
        min=3,
        max=100,
        governs="bucket sign_in_failures by email",
    ),
    _failed_sign_ins(
        "auth.lockout_ip_attempts",
        Type.INTEGER,
        label="Failed tries from one address before a pause",
        default=100,
        min=10,
        max=100000,
        governs="bucket sign_in_failures by ip",
    ),
    _failed_sign_ins(
        "auth.lockout_minutes",
        Type.INTEGER,
        label="Minutes of the pause",
        default=15,
        min=1,
        max=1440,
        governs="the period of that bucket",
    ),
    _sessions_and_tokens(
        "auth.session_hours",
        Type.INTEGER,
        label="Hours of a sign-in without remembering",
        default=12,
        min=1,
        max=168,
        governs="sessions that no refresh carries on: services_v1, v0, the portal",
    ),
    _sessions_and_tokens(
        "auth.remember_days",
        Type.INTEGER,
        label="Days of a remembered sign-in",
        default=30,
        min=1,
        max=90,
        governs="the same with remember, remember_me or the portal's tick",
    ),
    _sessions_and_tokens(
        "auth.refresh_days",
        Type.INTEGER,
        label="Days a refresh token is good for",
        default=30,
        min=1,
        max=90,
        governs="from each rotation, and never past auth.session_lifetime from the sign-in",
    ),
    _sessions_and_tokens(
        "auth.refresh_reuse_seconds",
        Type.INTEGER,
        label="Seconds a just rotated refresh token is taken again",
        default=10,
        min=0,
        max=60,
        governs=(
            "api_v1.auth.refresh and platform_api.auth.refresh, for the immediately previous token; after it "
            "auth:refresh_token_reused and the family is revoked"
        ),
    ),
    _sessions_and_tokens(
        "auth.step_up_minutes",
        Type.INTEGER,
        label="Minutes a proof of identity counts",
        default=15,
        min=1,
        max=120,
        governs="sensitive calls in every dialect, auth:step_up_required",
    ),
    _recovery(
        "auth.factor_recovery_hours",
        Type.INTEGER,
        label="Hours between asking for a lost second factor's removal and doing it",
        default=72,
        min=24,
        max=336,
        governs="assisted recovery of people who lost every factor",
    ),
    _recovery(
        "account.deletion_days",
        Type.INTEGER,
        label="Days between asking to leave and being erased",
        default=14,
        min=1,
        max=90,
        governs="job accounts.erase",
    ),
    _google_and_github(
        "oauth.redirect_uris",
        Type.LIST,
        label="Addresses a sign-in may come back to",
        default=(),
        governs=(
            "v0.oauth.google_authorize and v0.oauth.github_authorize, oauth:redirect_uri_not_allowed; the "
            "first is the default"
        ),
    ),
)
