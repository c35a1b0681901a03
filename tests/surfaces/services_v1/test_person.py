"""The person who is signed in, the policies, and the instance they are on."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock
from app.core.access import system
from app.core.db import db
from app.domains.accounts.publishing import Draft, publish
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.world import World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

ACCEPT = "services_v1.user.policy_acceptance"
POLICY = "/v1/get-policy"


def join(world: World, user_id: int, count: int) -> None:
    with world.app.app_context(), transaction():
        for number in range(count):
            tenant = Tenant(slug=f"corp-{number}", name=f"Corp {number:03}")
            db.session.add(tenant)
            db.session.flush()
            member = Membership(tenant_id=tenant.id, user_id=user_id, role=Role.MEMBER, joined_at=clock.now())
            db.session.add(member)


def queries_of(database: sa.Connection, work: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(database, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(database, "before_cursor_execute", note)
    return seen


def test_the_person_is_shown_whole(world: World, jane: int, token: str) -> None:
    world.organization(jane)
    person = world.done("services_v1.user.get", token=token)["data"]
    assert set(person) == {
        "id", "uid", "email", "email_verified_at", "pending_email", "handle", "first_name", "last_name",
        "phone", "avatar_url", "language", "timezone", "has_password", "is_platform_admin",
        "is_support_staff", "two_factor", "session", "policies", "selected_project_id", "tenants",
        "preferences", "unread_notifications", "created_at", "updated_at",
    }  # fmt: skip
    assert set(person["two_factor"]) == {
        "enabled",
        "enabled_at",
        "pending",
        "enforced",
        "recovery_codes_remaining",
    }
    assert set(person["session"]) == {"id", "kind", "factors", "verified_until"}
    assert [set(policy) for policy in person["policies"]] == [
        {"type", "current_version", "accepted_version", "accepted_at", "must_accept"}
    ] * 2
    assert set(person["preferences"]) == {
        "editor_mode", "editor_settings", "sidebar_layout_mode", "dismissed_teasers"
    }  # fmt: skip
    (tenant,) = person["tenants"]
    assert set(tenant) == {"id", "name", "slug", "role"}
    assert (tenant["slug"], tenant["role"]) == ("world-corp", "owner")
    assert (person["id"], person["email"], person["has_password"]) == (jane, JANE, True)
    assert (person["language"], person["timezone"]) == ("en", "UTC")
    assert (person["is_platform_admin"], person["is_support_staff"]) == (False, False)
    assert person["session"]["verified_until"] is not None
    assert person["created_at"].endswith("Z")


def test_the_person_costs_as_many_queries_with_many_organizations_as_with_one(
    world: World, database: sa.Connection, jane: int, token: str
) -> None:
    def ask() -> None:
        world.done("services_v1.user.get", token=token)

    join(world, jane, 1)
    ask()
    one = queries_of(database, ask)
    with world.app.app_context(), transaction():
        db.session.execute(sa.delete(Membership))
        db.session.execute(sa.delete(Tenant))
    join(world, jane, 30)
    thirty = queries_of(database, ask)
    assert len(thirty) == len(one)
    assert len(one) <= 10, one


def test_an_admin_of_the_platform_and_the_staffs_admins_are_support_staff(
    world: World, jane: int, token: str, setting: Callable[[str, Any], None], change: Callable[..., None]
) -> None:
    world.organization(jane)
    setting("support.staff_tenant", "world-corp")
    assert world.done("services_v1.user.get", token=token)["data"]["is_support_staff"] is True


def test_a_policy_is_shown_with_the_proof_of_its_text(app: Flask, world: World) -> None:
    client = app.test_client()
    body = client.get(POLICY).get_json()
    assert set(body) == {"data"}
    assert set(body["data"]) == {
        "type", "version", "title", "language", "content_html", "sha256", "effective_at"
    }  # fmt: skip
    assert body["data"]["type"] == "terms"
    assert client.get(f"{POLICY}?type=privacy&language=tlh").get_json()["data"]["type"] == "privacy"
    refused(client.get(f"{POLICY}?type=manners"), 404, "policy:not_found")


def test_a_policy_is_accepted_once(world: World, token: str, strangers_token: str) -> None:
    body = {"type": "terms", "version": "2026-01"}
    first = world.done(ACCEPT, token=token, json=body)
    assert set(first["data"]) == {"type", "version", "accepted_at", "must_accept"}
    assert first["data"]["must_accept"] is False
    assert world.done(ACCEPT, token=token, json=body) == first
    policies = world.done("services_v1.user.get", token=token)["data"]["policies"]
    assert {p["type"]: p["must_accept"] for p in policies} == {"terms": False, "privacy": True}
    of_charlie = world.done("services_v1.user.get", token=strangers_token)["data"]["policies"]
    assert [policy["accepted_version"] for policy in of_charlie] == [None, None]


def test_an_unheard_of_version_and_policy_are_refused(world: World, token: str) -> None:
    unheard = world.call(ACCEPT, token=token, json={"type": "terms", "version": "1999-01"})
    assert at_fault(unheard) == {"version"}
    unknown = world.call(ACCEPT, token=token, json={"type": "manners", "version": "2026-01"})
    refused(unknown, 404, "policy:not_found")


def test_a_version_that_is_no_longer_in_force_is_outdated(world: World, token: str) -> None:
    world.done(ACCEPT, token=token, json={"type": "terms", "version": "2026-01"})
    with world.app.app_context(), transaction():
        draft = Draft(type="terms", version="2026-11", content_html="<h1>Terms</h1><p>Newer.</p>")
        publish(system("test"), draft=draft)
    answer = world.call(ACCEPT, token=token, json={"type": "terms", "version": "2026-01"})
    refused(answer, 409, "policy:version_outdated")
    (terms, _) = world.done("services_v1.user.get", token=token)["data"]["policies"]
    assert (terms["current_version"], terms["accepted_version"]) == ("2026-11", "2026-01")
    assert terms["must_accept"] is True
    world.done(ACCEPT, token=token, json={"type": "terms", "version": "2026-11"})
    (terms, _) = world.done("services_v1.user.get", token=token)["data"]["policies"]
    assert (terms["accepted_version"], terms["must_accept"]) == ("2026-11", False)


def test_a_visitor_learns_what_a_sign_in_page_needs(
    world: World, setting: Callable[[str, Any], None]
) -> None:
    shown = world.done("services_v1.platforms.info")["data"]
    assert set(shown) == {
        "platform_id", "name", "environment", "version", "logo_url", "urls", "support_email", "languages",
        "default_language", "currencies", "registration_open", "login_methods", "password_policy", "policies",
    }  # fmt: skip
    assert set(shown["urls"]) == {"portal", "docs", "support"}
    assert shown["password_policy"] == {"min_length": 10, "max_length": 128}
    assert shown["login_methods"] == ["password", "email_otp"]
    assert [policy["type"] for policy in shown["policies"]] == ["terms", "privacy"]
    for key, value in (
        ("instance.name", "Acme Platform"),
        ("instance.languages", ["de"]),
        ("auth.registration_open", False),
        ("auth.code_login_enabled", False),
        ("auth.password_min_length", 12),
    ):
        setting(key, value)
    changed = world.done("services_v1.platforms.info")["data"]
    assert (changed["name"], changed["default_language"]) == ("Acme Platform", "de")
    assert (changed["registration_open"], changed["login_methods"]) == (False, ["password"])
    assert changed["password_policy"]["min_length"] == 12


# ---- how strictly calls are read


DEEP = "[" * 10_000 + "]" * 10_000


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("email=a&password=b", "application/x-www-form-urlencoded", 415, "request:unsupported_media_type"),
        ('{"email": "a"}', "text/plain", 415, "request:unsupported_media_type"),
        ("{", "application/json", 400, "request:malformed"),
        ('{"email": 1e309}', "application/json", 400, "request:malformed"),
        (DEEP, "application/json", 400, "request:malformed"),
        ("[1]", "application/json", 422, "validation"),
        ("null", "application/json", 422, "validation"),
        ('"text"', "application/json", 422, "validation"),
        ('{"email": {}, "password": null}', "application/json", 422, "validation"),
        ("{}", "application/json", 422, "validation"),
        (" " * (2 * 1024 * 1024 + 1), "application/json", 413, "request:too_large"),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused_in_this_dialects_words(
    world: World, body: str, content_type: str, status: int, code: str
) -> None:
    answer = world.app.test_client().post("/v1/login", data=body, content_type=content_type)
    refused(answer, status, code)


@pytest.mark.parametrize(
    "address", ["/v1/login", "/api/v1/login", "/services/platforms/v1/user/update-password"]
)
def test_a_wrong_method_is_told_the_right_one(world: World, address: str) -> None:
    answer = world.app.test_client().get(address)
    refused(answer, 405, "request:method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_credentials_come_before_the_body(world: World) -> None:
    answer = world.app.test_client().post("/services/platforms/v1/user/update-password", data="{")
    refused(answer, 401, "auth:unauthenticated")


def test_an_address_that_is_not_there_is_answered_in_this_dialects_words(world: World) -> None:
    refused(world.app.test_client().get("/services/platforms/v1/nothing"), 404, "route:not_found")


def test_both_addresses_of_a_call_share_one_count(world: World, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    left = [
        int(world.app.test_client().get(address, headers=headers).headers["RateLimit-Remaining"])
        for address in ("/services/platforms/v1/user/get", "/api/services/platforms/v1/user/get")
    ]
    assert left[1] == left[0] - 1


def test_the_301st_call_of_a_minute_is_refused_and_told_when_to_come_back(world: World) -> None:
    client = world.app.test_client()
    client.environ_base["REMOTE_ADDR"] = "198.51.100.77"
    answers = [client.get(POLICY if number % 2 else f"/api{POLICY}") for number in range(301)]
    assert {answer.status_code for answer in answers[:300]} == {200}
    refused(answers[300], 429, "rate:limited")
    assert 0 < int(answers[300].headers["Retry-After"]) <= 60
    assert answers[300].headers["RateLimit-Limit"] == "300"
    assert answers[300].headers["RateLimit-Remaining"] == "0"
