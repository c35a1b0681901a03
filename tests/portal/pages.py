"""Every page of the portal and how to come to it; a page that lacks here fails a test."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Linked:
    """A page whose address has an id: the first link to it on another page leads there."""

    on: str


Address = str | Linked

STRANGERS: dict[str, Address] = {
    "/sign-up": "/sign-up",
    "/sign-in": "/sign-in?organization=acme-corp",
    "/forgot-password": "/forgot-password",
    "/reset-password": "/reset-password?token=x",
    "/verify-email": "/verify-email?token=x",
    "/keep-account": "/keep-account?token=x",
    "/email/confirm": "/email/confirm?token=x",
    "/email/stop": "/email/stop?token=x",
    "/email/undo": "/email/undo?token=x",
    "/passkeys/undo": "/passkeys/undo?token=x",
    "/recover-second-factor": "/recover-second-factor",
    "/recover-second-factor/confirm": "/recover-second-factor/confirm?token=x",
    "/recover-second-factor/cancel": "/recover-second-factor/cancel?token=x",
    "/recover-second-factor/stop": "/recover-second-factor/stop",
    "/recover-second-factor/finish": "/recover-second-factor/finish?token=x",
    "/accept-invitation": "/accept-invitation?token=x",
    "/unsubscribe/<string:token>": "/unsubscribe/x",
    "/invoices/<string:token>": "/invoices/x",
    "/policies/<string:type>": "/policies/terms",
    "/developers": "/developers",
    "/developers/<string:dialect>": "/developers/v0",
}
"""What somebody sees who is not signed in."""

OWN: dict[str, Address] = {
    "/dashboard": "/dashboard",
    "/organizations": "/organizations",
    "/organizations/join": "/organizations/join",
    "/organizations/<uuid:tenant_uid>/leave": Linked("/organizations"),
    "/account": "/account",
    "/account/preferences": "/account/preferences",
    "/account/password": "/account/password",
    "/account/sessions": "/account/sessions",
    "/account/tokens": "/account/tokens",
    "/account/tokens/new": "/account/tokens/new",
    "/account/privacy": "/account/privacy",
    "/account/email": "/account/email",
    "/account/security": "/account/security",
    "/account/security-log": "/account/security-log",
    "/account/support-access": "/account/support-access",
}

PEOPLE: dict[str, Address] = {
    "/organization": "/organization",
    "/organization/short-name": "/organization/short-name",
    "/organization/setup": "/organization/setup",
    "/organization/members": "/organization/members",
    "/organization/members/<uuid:uid>": Linked("/organization/members?q=tomas"),
    "/organization/members/<uuid:uid>/remove": Linked("/organization/members/<uuid:uid>"),
    "/organization/members/<uuid:uid>/erase": Linked("/organization/members/<uuid:uid>"),
    "/organization/invitations": "/organization/invitations",
    "/organization/invitations/new": "/organization/invitations/new",
    "/organization/invitations/bulk": "/organization/invitations/bulk",
    "/organization/join-requests": "/organization/join-requests",
    "/organization/domains": "/organization/domains",
    "/organization/ownership": "/organization/ownership",
    "/organization/closing": "/organization/closing",
    "/organization/permissions": "/organization/permissions",
    "/organization/permissions/new": "/organization/permissions/new",
    "/organization/permissions/mine": "/organization/permissions/mine",
    "/organization/permissions/ask": "/organization/permissions/ask",
    "/organization/permissions/requests": "/organization/permissions/requests",
    "/organization/permissions/requests/<uuid:uid>": Linked("/organization/permissions/requests"),
    "/organization/permissions/<int:profile_id>": Linked("/organization/permissions"),
    "/organization/permissions/people/<int:membership_id>": Linked("/organization/members/<uuid:uid>"),
    "/organization/join-requests/<uuid:uid>": Linked("/organization/join-requests"),
}
"""What an owner of a lively organization sees of who is in it."""

WORKINGS: dict[str, Address] = {
    "/organization/settings": "/organization/settings",
    "/organization/settings/<string:key>": "/organization/settings/general.website",
    "/organization/settings/compare": "/organization/settings/compare",
    "/organization/security": "/organization/security",
    "/organization/tokens": "/organization/tokens",
    "/organization/email": "/organization/email",
    "/organization/email/server": "/organization/email/server",
    "/organization/email/sender": "/organization/email/sender",
    "/organization/email/domain": "/organization/email/domain",
    "/organization/email/tracking": "/organization/email/tracking",
    "/organization/email/compliance": "/organization/email/compliance",
    "/organization/email/footer": "/organization/email/footer",
    "/organization/storage": "/organization/storage",
    "/organization/audit": "/organization/audit",
    "/organization/plan": "/organization/plan",
    "/organization/plan/<string:code>": Linked("/organization/plan"),
    "/organization/invoices/<uuid:invoice_uid>": Linked("/organization/plan"),
    "/organization/service-users": "/organization/service-users",
    "/organization/service-users/<uuid:service_user_uid>/rotate": Linked("/organization/service-users"),
    "/organization/clients": "/organization/clients",
    "/organization/clients/<uuid:external_id>": Linked("/organization/clients"),
    "/organization/clients/new": "/organization/clients/new",
}
"""What an owner sees of how it works."""

PLATFORM: dict[str, Address] = {
    "/platform": "/platform",
    "/platform/search": "/platform/search?q=acme",
    "/platform/organizations": "/platform/organizations",
    "/platform/organizations/<uuid:tenant_uid>": Linked("/platform/organizations"),
    "/platform/organizations/<uuid:tenant_uid>/plan": Linked("/platform/organizations/<uuid:tenant_uid>"),
    "/platform/people": "/platform/people",
    "/platform/people/<uuid:user_uid>": Linked("/platform/people"),
    "/platform/invoices": "/platform/invoices",
    "/platform/invoices/<uuid:invoice_uid>": Linked("/platform/invoices"),
    "/platform/audit": "/platform/audit",
    "/platform/settings": "/platform/settings",
    "/platform/settings/<string:key>": Linked("/platform/settings"),
}

WALKS = {"strangers": STRANGERS, "own": OWN, "people": PEOPLE, "workings": WORKINGS, "platform": PLATFORM}

ELSEWHERE = {
    "/": "goes on to another",
    "/sign-up/code": "on the way of signing up: test_accessibility",
    "/sign-in/code": "one page with /sign-up/code",
    "/sign-in/second-factor": "with a second factor: test_browser_security",
    "/sign-in/second-factor/recovery-code": "with a second factor: test_browser_security",
    "/account/security/authenticator": "while one is set up: test_browser_security",
    "/account/passkeys/<uuid:passkey_uid>": "with a passkey: test_browser_security",
    "/step-up": "the question: test_browser_security",
    "/accept-invitation/<string:token>": "one page with /accept-invitation",
    "/reset-password/<string:token>": "one page with /reset-password",
    "/verify-email/<string:token>": "one page with /verify-email",
    "/policies/accept": "while one is to be agreed to: test_accessibility",
    "/account/security-log/csv": "a file",
    "/account/security-log/json": "a file",
    "/assets/<string:version>/<path:filename>": "files",
    "/brand/<string:slug>.css": "a file",
    "/brand/<string:slug>/icon": "a file",
    "/media/<string:name>": "files",
    "/language/<string:code>": "goes back to where one was",
}
"""Where a page is looked at that no walk comes to, or why it is none."""


def open_page(page: Page, rule: str, walk: dict[str, Address]) -> None:
    """Go to the page of a rule, by its link on another page where its address has an id."""
    address = walk[rule]
    if isinstance(address, str):
        page.goto(address)
        return
    if "<" in address.on:
        open_page(page, address.on, walk)
    else:
        page.goto(address.on)
    links = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.getAttribute('href'))")
    pattern = re.compile(re.sub(r"<[^>]+>", "[^/?#]+", rule))
    found = next((link for link in links if pattern.fullmatch(link.partition("?")[0])), None)
    assert found, f"no link to {rule} on {address.on}"
    page.goto(found)
