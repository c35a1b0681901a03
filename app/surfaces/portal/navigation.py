"""Where the sidebar and the command palette lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


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
            Link(_l("Privacy"), "/account/privacy", "lock", _l("export data copy delete leave account")),
        ),
    ),
)


def navigation(mailbox: str | None) -> Sequence[Group]:
    """Return the groups of links; a development instance also shows its sandbox mailbox."""
    build = [Link(_l("API documentation"), "/developers", "book-open", _l("openapi swagger docs reference"))]
    if mailbox:
        build.append(
            Link(_l("Sandbox mailbox"), mailbox, "inbox", _l("mail messages development"), external=True)
        )
    return (*_GROUPS, Group(_l("Developers"), build))
