"""H01: whoever names another organization's thing hears what they would hear of one that is not there.

Every route with an id in its address, of every dialect and the portal, is found in the route table: a new one
fails here until it says whose id it takes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.audit.models import AuditEvent
from tests.contract.endpoints import BY_CALL, Call, routes
from tests.support.service import put
from tests.support.twins import Twin, belongings, browse, send, twin
from tests.support.world import World

PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")

NO_ORGANIZATIONS = re.compile(
    r"/(accept-invitation|assets|brand|static|developers|language|media|policies|reset-password|verify-email|unsubscribe|t|v0)/"
    r"|/api/v1/(tenants/(by-slug|check-slug)|org-settings|setup-hub)/"
    r"|/platform/api/(admin|service/configs)/|/platform/(organizations|people|settings|jobs|invoices|audit)/"
    r"|/organization/(settings/<string:key>|setup|plan)|^/invoices/"
    r"|/account/|/services/|/v1/(?!client)"
)
"""Addresses whose parts are words, mailed tokens, one's own, or for the platform's admins."""

WHOSE: Mapping[str, tuple[str, str]] = {
    r"/api/v1/users/<int:\w+>/resend-invitation": ("invited", "{}"),
    r"/api/v1/users/": ("membership", "{}"),
    r"/api/v1/profiles/": ("profile", "{}"),
    r"/platform/api/service/members/": ("person", "usr_{}"),
    r"/platform/api/service/invites/": ("invitation", "inv_{}"),
    r"/v1/client/": ("client", "{}"),
    r"/organization/audit/exports/": ("audit_export", "{}"),
    r"/organization/clients/": ("client", "{}"),
    r"/organization/invoices/": ("invoice", "{}"),
    r"/organization/invitations/": ("invitation", "{}"),
    r"/organization/closing/exports/": ("tenant_export", "{}"),
    r"/organization/domains/": ("domain", "{}"),
    r"/organization/join-requests/": ("join_request", "{}"),
    r"/organization/members/": ("membership_uid", "{}"),
    r"/organization/permissions/people/": ("membership", "{}"),
    r"/organization/permissions/requests/": ("access_request", "{}"),
    r"/organization/permissions/": ("profile", "{}"),
    r"/organization/service-users/": ("service_user", "{}"),
    r"/organization/settings/changes/": ("setting_change", "{}"),
    r"/organization/tokens/": ("api_token", "{}"),
    r"/organizations/": ("tenant", "{}"),
}
"""By the beginning of an address: which of an organization's ids it takes, and how it is written."""

FORM = {
    "first_name": "Kim",
    "last_name": "Low",
    "role": "viewer",
    "profile_id": "1",
    "name": "Sam",
    "given": "role:manager",
    "permissions": "1",
}
"""What every form of these pages holds, those that it lacks included."""
BODIES: Mapping[str, dict[str, Any]] = {
    "api_v1.users.update": {"jobTitle": "Director"},
    "api_v1.profiles.update": {"name": "Taken over"},
    "platform_api.members.update_role": {"role": "viewer"},
    "client_v1.account.update": {"status": "disabled"},
    "client_v1.session.create": {},
}
"""Good bodies: what is refused must be the id."""


BEHIND_A_SWITCH = {"client_v1.session.create": "clients.vouched_sessions"}
"""Calls that are off until a setting is on."""


@pytest.fixture
def twins(world: World) -> tuple[Twin, Twin]:
    a, b = twin(world, "twin-a"), twin(world, "twin-b")
    browse(world, a)
    for key in BEHIND_A_SWITCH.values():
        put(world, key, True, slug=a.slug)
    return a, b


def with_ids(app: Flask) -> Iterator[tuple[Call, Rule, str, str]]:
    """Yield every route that names something of an organization, with which id it takes."""
    for call, rule in routes(app).items():
        if not PARAMETER.search(rule.rule) or NO_ORGANIZATIONS.search(rule.rule):
            continue
        found = next(
            (whose for start, whose in WHOSE.items() if re.match(f"(/api)?{start}", rule.rule)), None
        )
        yield call, rule, *(found or ("", ""))


def test_every_route_with_an_id_says_whose_it_is(app: Flask) -> None:
    unknown = [call for call, _, kind, _ in with_ids(app) if not kind]
    assert unknown == []
    assert len(list(with_ids(app))) > 40


def nobodys(kind: str, own: Any) -> Any:
    """Return an id of the same form that is nobody's."""
    return 2**40 if isinstance(own, int) else str(uuid4()).replace("-", "" if "-" not in str(own) else "-")


def ask(a: Twin, call: Call, rule: Rule, first: str, ids: Mapping[str, Any]) -> TestResponse:
    """Call a route as A's owner with ids that are not A's."""
    places = iter([first, ids["client_session"]])
    path = PARAMETER.sub(lambda found: "active" if found[2] == "status" else str(next(places)), rule.rule)
    endpoint = BY_CALL.get(call)
    if endpoint is None:
        return send(a, call[0], path, FORM)
    if endpoint.dialect == "client_v1":
        assert a.service is not None
        headers = {**a.service.headers, "Authorization": f"Bearer {a.service.token}"}
    else:
        headers = {"Authorization": f"Bearer {a.tokens[endpoint.dialect]}"}
    body = None if call[0] == "GET" else BODIES.get(endpoint.id)
    client = a.service.world.app.test_client() if a.service else None
    assert client is not None
    return client.open(path, method=call[0], headers=headers, json=body)


def said(answer: TestResponse) -> tuple[int, str]:
    """Return what an answer tells, without what differs between any two pages."""
    text = re.sub(r'csrf_token" value="[^"]*"|[0-9a-f]{16,}|[0-9a-f-]{36}|nonce="[^"]*"', "", answer.text)
    return answer.status_code, text


def test_h01_anothers_id_is_answered_as_one_that_is_not_there(world: World, twins: tuple[Twin, Twin]) -> None:
    a, b = twins
    before, trail = belongings(world, b), len(of(world, b))
    wrong = {}
    for call, rule, kind, form in with_ids(world.app):
        theirs = ask(a, call, rule, form.format(b.ids[kind]), b.ids)
        missing = ask(
            a, call, rule, form.format(nobodys(kind, b.ids[kind])), {"client_session": str(uuid4())}
        )
        if said(theirs) != said(missing) or theirs.status_code != 404:
            wrong[call] = (theirs.status_code, missing.status_code, theirs.text[-300:])
    assert wrong == {}
    assert belongings(world, b) == before
    assert len(of(world, b)) == trail


def of(world: World, made: Twin) -> list[int]:
    with world.app.app_context():
        return list(
            db.session.scalars(sa.select(AuditEvent.id).where(AuditEvent.tenant_id == made.tenant_id))
        )


IN_BODIES: Mapping[str, tuple[str, str]] = {
    "api_v1.users.create": ("profileId", "profile"),
    "services_v1.api_tokens.create": ("tenant_id", "tenant"),
    "services_v1.api_tokens.revoke": ("token_id", "api_token"),
    "services_v1.active_sessions.revoke": ("session_id", "api_token"),
    "client_v1.session.verify": ("client_token", "client_token"),
    "client_v1.session.logout": ("client_token", "client_token"),
    "client_v1.session.login": ("user_id", "client"),
}
REST: Mapping[str, dict[str, Any]] = {
    "api_v1.users.create": {"email": "kim@x.example", "firstName": "Kim", "lastName": "Low"},
    "services_v1.api_tokens.create": {"name": "Another", "scopes": ["read"]},
    "client_v1.session.login": {"password": "new_client"},
}


@pytest.mark.parametrize("endpoint_id", IN_BODIES)
def test_h03_anothers_id_in_a_body_reaches_nothing(
    world: World, twins: tuple[Twin, Twin], endpoint_id: str
) -> None:
    a, b = twins
    name, kind = IN_BODIES[endpoint_id]
    before = belongings(world, b)
    answers = []
    for value in (b.ids[kind], nobodys(kind, b.ids[kind])):
        body = {**REST.get(endpoint_id, {}), name: value}
        if endpoint_id.startswith("client_v1."):
            assert a.service is not None
            answers.append(a.service.call(endpoint_id.removeprefix("client_v1."), json=body))
        else:
            token = a.tokens[endpoint_id.split(".")[0]]
            answers.append(world.call(endpoint_id, token=token, json=body))
    theirs, missing = answers
    assert said(theirs) == said(missing)
    assert theirs.status_code >= 400 or theirs.get_json(silent=True) in (None, {"active": False})
    assert belongings(world, b) == before


def test_h04_only_the_token_says_which_organization_a_call_works_in(
    world: World, twins: tuple[Twin, Twin]
) -> None:
    a, b = twins
    client = world.app.test_client()
    headers = {
        "Authorization": f"Bearer {a.tokens['api_v1']}",
        "X-Tenant-Id": b.ids["tenant"],
        "X-Tenant": b.slug,
        "Host": f"{b.slug}.localhost",
    }
    for path in ("/api/v1/tenants/me", f"/api/v1/tenants/me?tenant_id={b.ids['tenant']}"):
        answer = client.get(path, headers=headers)
        assert answer.get_json()["data"]["slug"] == a.slug


LISTS = (
    ("api_v1.users.list", "/api/v1/users?search=%25"),
    ("api_v1.users.list", "/api/v1/users?search=twin-b&limit=1000000000"),
    ("api_v1.profiles.list", "/api/v1/profiles"),
    ("platform_api.members.list", "/platform/api/service/members?status=all"),
    ("platform_api.invites.list", "/platform/api/service/invites?status=all"),
)


@pytest.mark.parametrize(("endpoint_id", "path"), LISTS, ids=[path for _, path in LISTS])
def test_h05_lists_hold_ones_own_alone(
    world: World, twins: tuple[Twin, Twin], endpoint_id: str, path: str
) -> None:
    a, _ = twins
    token = a.tokens[endpoint_id.split(".")[0]]
    answer = world.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert "twin-b" not in answer.text
