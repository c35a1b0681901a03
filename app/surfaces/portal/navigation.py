"""Where the sidebar and the command palette lead."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
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
    count: int = 0
    """How many things wait there."""


@dataclass(frozen=True)
class Group:
    """Places that belong together; those with a title fold away."""

    title: Any
    links: Sequence[Link]
    further_title: Any = ""
    further: Sequence[Link] = ()
    """What few people need, below a heading of its own."""
    is_open: bool = False
    current: str = ""
    """The address, among these, of the place that somebody is at."""

    @property
    def every(self) -> Sequence[Link]:
        """Return all places of the group."""
        return (*self.links, *self.further)


_START = Group(
    "",
    (
        Link(_l("Dashboard"), "/dashboard", "house", _l("home start overview")),
        Link(_l("Organizations"), "/organizations", "building-2", _l("tenants companies switch new create")),
    ),
)


_ACCOUNT = (
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
)
"""What is somebody's own."""


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
        Permission.SETUP_VIEW,
        Link(_l("Setup"), "/organization/setup", "list-checks", _l("tasks checklist first steps onboarding")),
    ),
    (
        Permission.MEMBERS_VIEW,
        Link(_l("People"), "/organization/members", "users", _l("members team colleagues roles search")),
    ),
    (
        Permission.MEMBERS_MANAGE,
        Link(
            _l("Invitations"), "/organization/invitations", "mail-plus", _l("invite people members csv link")
        ),
    ),
    (
        Permission.PROFILES_VIEW,
        Link(
            _l("Permissions"),
            "/organization/permissions",
            "user-cog",
            _l("roles profiles rights matrix who may do what requests"),
        ),
    ),
    (
        Permission.SETTINGS_VIEW,
        Link(
            _l("Settings"),
            "/organization/settings",
            "settings",
            _l("company branding language history compare environments"),
        ),
    ),
    (
        Permission.SETTINGS_MANAGE,
        Link(
            _l("Security"),
            "/organization/security",
            "shield-check",
            _l("second factor demand enforce mfa totp members"),
        ),
    ),
    (
        Permission.EMAIL_SETTINGS_VIEW,
        Link(
            _l("E-mail"),
            "/organization/email",
            "at-sign",
            _l("e-mail smtp server sender tracking footer domain dkim spf deliverability"),
        ),
    ),
    (
        Permission.BILLING_VIEW,
        Link(
            _l("Plan"),
            "/organization/plan",
            "credit-card",
            _l("billing subscription price limits seats upgrade pay trial"),
        ),
    ),
    (
        Permission.AUDIT_VIEW,
        Link(
            _l("Audit trail"),
            "/organization/audit",
            "scroll-text",
            _l("log events who did what history export compliance"),
        ),
    ),
)
"""What somebody may look at in the organization they work in, by the permission it asks for."""


_DEVELOPERS = (
    (
        Permission.API_TOKENS_MANAGE,
        Link(_l("API tokens"), "/organization/tokens", "key-round", _l("api inventory members")),
    ),
    (
        Permission.SERVICE_USERS_MANAGE,
        Link(
            _l("Service users"),
            "/organization/service-users",
            "bot",
            _l("programs machines client api password rotate integration"),
        ),
    ),
    (
        Permission.CLIENTS_VIEW,
        Link(
            _l("Client accounts"),
            "/organization/clients",
            "smartphone",
            _l("customers end users sign-ins realm"),
        ),
    ),
    (
        Permission.STORAGE_MANAGE,
        Link(_l("Storage"), "/organization/storage", "hard-drive", _l("files bucket s3 azure blob")),
    ),
)
"""The same, for those who connect programs."""


_PLATFORM = (
    Link(_l("Overview"), "/platform", "gauge", _l("platform console figures charts workers outbox admin")),
    Link(_l("Organizations"), "/platform/organizations", "building-2", _l("platform tenants suspend")),
    Link(_l("Invoices"), "/platform/invoices", "file-text", _l("platform billing paid overdue payments")),
    Link(_l("People"), "/platform/people", "users", _l("platform users accounts disable support")),
    Link(_l("Settings"), "/platform/settings", "settings", _l("platform locks values defaults")),
    Link(_l("Audit trail"), "/platform/audit", "scroll-text", _l("platform log events who did what")),
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
    mailbox: str | None,
    permissions: Set[Permission] = frozenset(),
    *,
    runs_platform: bool = False,
    at: str = "",
    open_tasks: int = 0,
) -> Sequence[Group]:
    """Return the groups of links for someone with these permissions; in development the mailbox too.

    Open is the group of the page at whose path somebody is; on a page of none it is the organization's.

    :param open_tasks: how many tasks of the setup are left; it is no place to go to once none is
    """
    help_ = [Link(_l("API documentation"), "/developers", "book-open", _l("openapi swagger docs reference"))]
    if mailbox:
        words = _l("mail messages development")
        help_.append(Link(_l("Sandbox mailbox"), mailbox, "inbox", words, external=True))
    organization = Group(
        _l("Organization"),
        [
            replace(link, count=open_tasks) if permission is Permission.SETUP_VIEW else link
            for permission, link in _ORGANIZATION
            if permission in permissions and (permission is not Permission.SETUP_VIEW or open_tasks)
        ],
        _l("For developers"),
        [link for permission, link in _DEVELOPERS if permission in permissions],
    )
    offered = (
        _START,
        *([organization] if organization.every else []),
        *([Group(_l("Platform"), _PLATFORM)] if runs_platform else []),
        Group(_l("Account"), _ACCOUNT),
        Group("", help_),
    )
    current = _place(at, [link.href for group in offered for link in group.every])
    elsewhere = current not in {link.href for group in offered if group.title for link in group.every}
    return [_opened(group, current, elsewhere and group is organization) for group in offered]


_BELONGS = {"/organization/invoices": "/organization/plan", "/account/passkeys": "/account/security"}
"""Pages that are led to from another place than their address says."""


def _place(path: str, addresses: Sequence[str]) -> str:
    """Return the address that a path belongs to: itself, or the longest that it continues."""
    for beginning, place in _BELONGS.items():
        if path.startswith(f"{beginning}/"):
            path = place
    return max((one for one in addresses if f"{path}/".startswith(f"{one}/")), key=len, default="")


def _opened(group: Group, current: str, otherwise: bool) -> Group:
    is_here = bool(current) and current in {link.href for link in group.every}
    return replace(group, is_open=is_here or otherwise, current=current if is_here else "")
