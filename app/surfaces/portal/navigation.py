"""Where the sidebar and the command palette lead."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One place, and other words by which the palette finds it."""

    label: str
    href: str
    icon: str
    words: str = ""
    external: bool = False


@dataclass(frozen=True)
class Group:
    """Places that belong together."""

    title: str
    links: Sequence[Link]


_GROUPS = (
    Group(
        "",
        (
            Link("Dashboard", "/dashboard", "house", "home start overview"),
            Link("Organizations", "/organizations", "building-2", "tenants companies switch new create"),
        ),
    ),
    Group(
        "Account",
        (
            Link("Profile", "/account", "user", "me name e-mail email account"),
            Link("Password", "/account/password", "key-round", "change security"),
            Link("Sessions", "/account/sessions", "monitor", "devices signed in sign out everywhere tokens"),
        ),
    ),
)


def navigation(mailbox: str | None) -> Sequence[Group]:
    """Return the groups of links; a development instance also shows its sandbox mailbox."""
    build = [Link("API documentation", "/developers", "book-open", "openapi swagger docs reference")]
    if mailbox:
        build.append(Link("Sandbox mailbox", mailbox, "inbox", "mail messages development", external=True))
    return (*_GROUPS, Group("Developers", build))
