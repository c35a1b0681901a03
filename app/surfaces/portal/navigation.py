"""Where the sidebar and the command palette lead."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.permissions import Permission


@dataclass(frozen=True)
class Link:
    """One place, and other words by which the palette finds it."""

    label: Any
    href: str
    icon: str
    words: Any = ""
    external: bool = False


@dataclass(frozen=True)
class Group:
    """Places that belong together."""

    title: Any
    links: Sequence[Link]


_GROUPS = (
    Group(
        "",
        (
            Link(_l("Dashboard"), "/dashboard", "house", _l("home start overview")),
            Link(
                _l("Organizations"), "/organizations", "building-2", _l("tenants companies switch new create")
            ),
        ),
    ),
    Group(
        _l("Account"),
        (
            Link(_l("Profile"), "/account", "user", _l("me name e-mail email account")),
            Link(
                _l("Preferences"),
                "/account/preferences",
                "sun-moon",
                _l("language time zone theme look notices"),
            ),
            Link(_l("E-mail address"), "/account/email", "mail", _l("change new address")),
            Link(
                _l("Security"),
                "/account/security",
                "shield-check",
                _l("second factor authenticator recovery codes passkeys 2fa totp"),
            ),
            Link(_l("Password"), "/account/password", "key-round", _l("change")),
            Link(
                _l("Sessions"),
                "/account/sessions",
                "monitor",
                _l("devices signed in sign out everywhere tokens"),
            ),
            Link(
                _l("Security log"),
                "/account/security-log",
                "history",
                _l("what happened activity sign-ins failures audit"),
            ),
            Link(
                _l("API tokens"),
                "/account/tokens",
                "code-xml",
                _l("personal access keys programs scripts curl"),
            ),
            Link(
                _l("Support access"),
                "/account/support-access",
                "life-buoy",
                _l("help admin consent allow act in my name"),
            ),
            Link(_l("Privacy"), "/account/privacy", "lock", _l("export data copy delete leave account")),
        ),
    ),
)


_ORGANIZATION = (
    (
        Permission.MEMBERS_VIEW,
        Link(
            _l("Overview"),
            "/organization",
            "building-2",
            _l("organization ownership owner hand over domains join requests export close delete"),
        ),
    ),
    (
        Permission.MEMBERS_VIEW,
        Link(_l("People"), "/organization/members", "users", _l("members team colleagues roles search")),
    ),
    (
        Permission.BILLING_VIEW,
        Link(
            _l("Plan and invoices"),
            "/organization/plan",
            "credit-card",
            _l("billing subscription price limits seats upgrade pay trial"),
        ),
    ),
    (
        Permission.SETUP_VIEW,
        Link(_l("Setup"), "/organization/setup", "list-checks", _l("tasks checklist first steps onboarding")),
    ),
    (
        Permission.EMAIL_SETTINGS_VIEW,
        Link(
            _l("Organization's mail"),
            "/organization/email",
            "mail",
            _l("e-mail smtp server sender tracking footer domain dkim spf deliverability"),
        ),
    ),
    (
        Permission.SETTINGS_VIEW,
        Link(
            _l("Organization's settings"),
            "/organization/settings",
            "sliders-horizontal",
            _l("company branding language history compare environments"),
        ),
    ),
    (
        Permission.MEMBERS_MANAGE,
        Link(_l("Invitations"), "/organization/invitations", "mail", _l("invite people members csv link")),
    ),
    (
        Permission.PROFILES_VIEW,
        Link(
            _l("Permissions"),
            "/organization/permissions",
            "shield-check",
            _l("roles profiles rights matrix who may do what requests"),
        ),
    ),
    (
        Permission.API_TOKENS_MANAGE,
        Link(
            _l("Organization's tokens"), "/organization/tokens", "shield-check", _l("api inventory members")
        ),
    ),
    (
        Permission.SETTINGS_MANAGE,
        Link(
            _l("Organization's security"),
            "/organization/security",
            "lock",
            _l("second factor demand enforce mfa totp members"),
        ),
    ),
    (
        Permission.CLIENTS_VIEW,
        Link(
            _l("Client accounts"), "/organization/clients", "users", _l("customers end users sign-ins realm")
        ),
    ),
    (
        Permission.SERVICE_USERS_MANAGE,
        Link(
            _l("Service users"),
            "/organization/service-users",
            "server",
            _l("programs machines client api password rotate integration"),
        ),
    ),
    (
        Permission.AUDIT_VIEW,
        Link(
            _l("Audit trail"),
            "/organization/audit",
            "history",
            _l("log events who did what history export compliance"),
        ),
    ),
    (
        Permission.STORAGE_MANAGE,
        Link(_l("Storage"), "/organization/storage", "hard-drive", _l("files bucket s3 azure blob")),
    ),
)
"""What somebody may look at in the organization they work in, by the permission it asks for."""


_PLATFORM = (
    Link(_l("Overview"), "/platform", "gauge", _l("platform console figures charts workers outbox admin")),
    Link(_l("All organizations"), "/platform/organizations", "building-2", _l("platform tenants suspend")),
    Link(_l("Invoices"), "/platform/invoices", "file-text", _l("platform billing paid overdue payments")),
    Link(_l("People"), "/platform/people", "users", _l("platform users accounts disable support")),
    Link(
        _l("Platform settings"),
        "/platform/settings",
        "sliders-horizontal",
        _l("platform locks values defaults"),
    ),
    Link(_l("Audit trail"), "/platform/audit", "history", _l("platform log events who did what")),
    Link(_l("Find anything"), "/platform/search", "search", _l("platform id e-mail slug token request")),
)
"""What the platform's admins look after."""


START_PAGES: Mapping[str, tuple[Any, str]] = {
    "dashboard": (_l("Dashboard"), "/dashboard"),
    "organizations": (_l("Organizations"), "/organizations"),
    "profile": (_l("Profile"), "/account"),
    "sessions": (_l("Sessions"), "/account/sessions"),
}
"""Where the portal can begin, by the names that preferences keep."""


def start_page(name: str) -> str:
    """Return where somebody begins; a name that another front end chose is not known here."""
    return START_PAGES.get(name, START_PAGES["dashboard"])[1]


def navigation(
    mailbox: str | None, permissions: Set[Permission] = frozenset(), *, runs_platform: bool = False
) -> Sequence[Group]:
    """Return the groups of links for someone with these permissions; in development the mailbox too."""
    build = [Link(_l("API documentation"), "/developers", "book-open", _l("openapi swagger docs reference"))]
    if mailbox:
        build.append(
            Link(_l("Sandbox mailbox"), mailbox, "inbox", _l("mail messages development"), external=True)
        )
    allowed = [link for permission, link in _ORGANIZATION if permission in permissions]
    organization = [Group(_l("Organization"), allowed)] if allowed else []
    platform = [Group(_l("Platform"), _PLATFORM)] if runs_platform else []
    return (*_GROUPS, *organization, *platform, Group(_l("Developers"), build))
