"""What a suspended or closed organization answers, at every route; what stays open; what is held (P03)."""

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.access import system
from app.core.db import db
from app.core.ids import Ref
from app.core.outbox import OutboxRow
from app.domains.email import mails
from app.domains.members.models import Invitation
from app.domains.tenants import administration
from app.domains.tenants.models import TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.test_twins import NO_ORGANIZATIONS
from tests.architecture.test_strangers import address
from tests.contract.endpoints import BY_CALL, routes
from tests.portal.conftest import Visitor
from tests.support.members import join
from tests.support.twins import browse, send, twin
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once

SCOPED_LEVELS = {"tenant", "scoped"}
OPEN = ("/organization", "/organization/closing")


def put_status(world: World, tenant_id: int, status: TenantStatus, reason: str | None = None) -> None:
    with world.app.app_context(), transaction():
        administration.set_status(system("test"), tenant=Ref(id=tenant_id), status=status, reason=reason)


def views(app: Flask) -> dict[tuple[str, str], object]:
    return {call: app.view_functions[rule.endpoint] for call, rule in routes(app).items()}


@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.ARCHIVED])
def test_p03_every_route_inside_answers_with_the_status(world: World, status: TenantStatus) -> None:
    a = twin(world, "twin-a")
    put_status(world, a.tenant_id, status, "Payment overdue")
    word = "tenant:suspended" if status is TenantStatus.SUSPENDED else "tenant:archived"
    wrong, tried = {}, 0
    for call, rule in routes(world.app).items():
        endpoint = BY_CALL.get(call)
        view = world.app.view_functions[rule.endpoint]
        level = getattr(view, "level", "")
        if endpoint is None or endpoint.dialect not in a.tokens or level not in SCOPED_LEVELS:
            continue
        if getattr(view, "way_out", False):
            continue
        tried += 1
        token = a.tokens[endpoint.dialect]
        answer = world.app.test_client().open(
            address(rule), method=call[0], headers={"Authorization": f"Bearer {token}"}, json={}
        )
        if answer.status_code != 403 or word not in answer.text:
            wrong[call] = (answer.status_code, answer.text[:200])
    assert wrong == {}
    assert tried > 60
    assert a.service is not None
    refused = a.service.call("session.verify", json={"client_token": a.ids["client_token"]})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, word)


WAYS_OUT = [
    ("POST", "/api/v1/auth/logout", "api_v1"),
    ("POST", "/api/v1/auth/logout-all", "api_v1"),
    ("POST", "/platform/api/global/auth/logout", "platform_api"),
    ("POST", "/v1/logout", "api_v1"),
    ("POST", "/services/platforms/v1/active-sessions/revoke-all", "api_v1"),
    ("POST", "/v0/auth/logout", "api_v1"),
]


@pytest.mark.parametrize(("method", "path", "carried_by"), WAYS_OUT)
def test_p03_nothing_of_an_organization_holds_up_signing_out(
    world: World, method: str, path: str, carried_by: str
) -> None:
    a = twin(world, "twin-a")
    put_status(world, a.tenant_id, TenantStatus.SUSPENDED, "Payment overdue")
    bearer = {"Authorization": f"Bearer {a.tokens[carried_by]}"}
    out = world.app.test_client().open(path, method=method, headers=bearer, json={})
    assert out.status_code in (200, 204), out.text
    put_status(world, a.tenant_id, TenantStatus.ACTIVE)
    after = world.app.test_client().get("/api/v1/auth/me", headers=bearer)
    assert after.status_code == 401, after.text


def test_p03_the_portal_shows_a_suspended_organization_to_its_heads_alone(world: World) -> None:
    a = twin(world, "twin-a")
    join(world, "ada@twin-a.example", "admin", slug="twin-a")
    browse(world, a)
    ada = Visitor(world.app.test_client())
    ada.sign_in("ada@twin-a.example", PASSWORD)
    sam = Visitor(world.app.test_client())
    sam.sign_in("sam@twin-a.example", PASSWORD)
    put_status(world, a.tenant_id, TenantStatus.SUSPENDED, "Payment overdue")
    select = f"/organizations/{a.ids['tenant']}/select"
    for head in (ada,):
        assert head.send(select, on="/organizations").headers["Location"] == "/organization"
    assert send(a, "POST", select, {}).status_code == 303
    assert sam.send(select, on="/organizations").status_code == 403
    wrong = {}
    for (method, path), rule in routes(world.app).items():
        if method != "GET" or not path.startswith("/organization") or path.startswith("/organizations"):
            continue
        if has_parameters(rule.rule):
            continue
        view = world.app.view_functions[rule.endpoint]
        leads_away = ada.get(path)
        if leads_away.status_code == 303:
            assert not leads_away.location.startswith("/sign-in"), path  # which would send them back here
            continue  # it leads to another page, which is tried itself
        is_open = getattr(view, "while_suspended", False)
        answers = [send(a, "GET", path, {}), ada.get(path), sam.get(path)]
        wanted = [200, 200, 403] if is_open else [403, 403, 403]
        told = all("Payment overdue" in answer.text for answer in answers if answer.status_code == 403)
        if [answer.status_code for answer in answers] != wanted or not told:
            wrong[path] = [answer.status_code for answer in answers]
    assert wrong == {}
    assert "is suspended" in ada.get("/dashboard").text
    assert "Payment overdue" in sam.get("/dashboard").text
    assert sam.send("/sign-out", on="/account").status_code == 303


def has_parameters(rule: str) -> bool:
    return "<" in rule or (bool(NO_ORGANIZATIONS.search(rule)) and "settings/" in rule)


def test_p03_a_closed_organization_shows_nothing_in_the_portal(world: World) -> None:
    a = twin(world, "twin-a")
    browse(world, a)
    put_status(world, a.tenant_id, TenantStatus.ARCHIVED)
    for path in (*OPEN, "/organization/members", "/organization/ownership"):
        assert send(a, "GET", path, {}).status_code == 403
    with world.app.app_context():
        states = db.session.scalars(
            sa.select(Invitation.status).where(Invitation.tenant_id == a.tenant_id)
        ).all()
    assert {str(state) for state in states} == {"revoked"}


def test_p03_mail_of_a_suspended_organization_waits_until_it_is_opened(world: World) -> None:
    a = twin(world, "twin-a")
    world.keep_promises()
    world.sent.clear()

    def write() -> None:
        with world.app.app_context(), transaction():
            mails.seat_shortage(
                a.owner,
                first_name="Jane",
                tenant_name="World Corp",
                tenant_id=a.tenant_id,
                used=1,
                total=2,
                link="http://localhost/x",
            )

    write()
    put_status(world, a.tenant_id, TenantStatus.SUSPENDED)
    write()
    world.keep_promises()
    assert [m.subject for m in world.sent if "seat" in m.subject.lower()] == []
    assert any("suspended" in m.text for m in world.sent)
    put_status(world, a.tenant_id, TenantStatus.ACTIVE)
    world.keep_promises()
    assert len([m for m in world.sent if m.to == a.owner]) >= 4
    with world.app.app_context():
        waiting = sa.select(sa.func.count()).where(OutboxRow.done_at.is_(None))
        assert db.session.scalar(waiting) == 0
