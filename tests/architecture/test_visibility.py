"""What somebody may not see is not found: rows named from outside are looked for among those they may see."""

import ast
import re

import pytest

from tests.architecture.source import sources

pytestmark = pytest.mark.once


FOUND_OTHERWISE: dict[str, str] = {
    "accounts/pictures.py:content": "a picture's address is random and is shown to whoever may see it",
    "accounts/profiles.py:page_by_uid": "a person's page is public where they made it so, which it asks",
    "billing/invoice_queries.py:by_link": "the link is signed by us and names one invoice",
    "clients/client_sessions.py:revoke": "among the sessions of an account that is the organization's",
    "clients/lookup.py:_statement": "makes the actor; the UID comes out of a token signed by us",
    "email/deliveries.py:_note": "the UID is a promise's own, in the worker",
    "email/following.py:_arrived": "the UID comes out of a link signed by us, with its organization",
    "members/access_requests.py:request": "among what ``_asked`` joins to ``visible``",
    "members/changing.py:activate": "``hold`` looks among the organization's members",
    "members/changing.py:change_role": "``hold`` looks among the organization's members",
    "members/changing.py:deactivate": "``hold`` looks among the organization's members",
    "members/changing.py:manage": "``hold`` looks among the organization's members",
    "members/changing.py:switch": "``hold`` looks among the organization's members",
    "members/changing.py:update": "``hold`` looks among the organization's members",
    "members/erasing.py:erase_member": "``hold`` looks among the organization's members",
    "members/offboarding.py:remove": "``hold`` looks among the organization's members",
    "members/offboarding.py:remove_member": "``hold`` looks among the organization's members",
    "members/queries.py:get": "``one`` looks among the organization's members",
    "organizations/ownership.py:_recipient": "among the organization's members",
    "platform/invoices.py:_named": "the platform's admins see the invoices of all",
    "platform/people.py:_named": "the platform's admins see everybody",
    "platform/people.py:address_of": "the platform's admins see everybody",
    "platform/search.py:_by_id": "the platform's admins see everybody",
    "platform/search.py:_is": "the platform's admins see everybody",
    "platform/support.py:_of_mine": "among those that ask the person themselves",
    "platform/support.py:ask": "the platform's admins see everybody",
    "platform/support.py:leave": "the consent that the sign-in itself stands on",
    "platform/support.py:start": "among those that the admin themselves asked for",
    "sessions/api_tokens.py:_named": "narrowed by both who call it: to the person's, to the organization's",
    "sessions/lookup.py:_statement": "makes the actor; the UID comes out of a token signed by us",
    "tenants/administration.py:set_status": "the platform's admins see all organizations",
    "tenants/administration.py:sheet": "the platform's admins see all organizations",
    "tenants/imposed_settings.py:named": "the platform's admins see all organizations",
    "tenants/plans.py:set_plan": "the platform's admins see all organizations",
}
"""Functions that find a row by an id of the outside without ``visible(actor)``, each with the reason."""

NAMED_FROM_OUTSIDE = re.compile(r"\bis_named\(|\b[A-Z]\w*\.uid == ")


def test_rows_named_from_outside_are_looked_for_among_the_visible() -> None:
    found = {
        f"{source.name.removeprefix('app/domains/')}:{function.name}"
        for source in sources("app/domains")
        if NAMED_FROM_OUTSIDE.search(source.text)
        for function in source.tree.body
        if isinstance(function, ast.FunctionDef)
        if NAMED_FROM_OUTSIDE.search(text := source.text_of(function)) and "visible(" not in text
    }
    assert found == set(FOUND_OTHERWISE)
