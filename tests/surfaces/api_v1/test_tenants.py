"""api_v1's organizations, the caller's rights and profile, and the sign of life."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.permissions import PERMISSIONS
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.platform import health
from app.domains.tenants.models import Membership, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

JANE = "jane@world.example"
BETA = {
    "companyName": "Beta Ltd", "slug": "beta-ltd", "adminEmail": "eve@beta.example",
    "adminPassword": "eves-password", "adminFirstName": "Eve", "adminLastName": "Moss",
}  # fmt: skip


@pytest.fixture
def token(world: World) -> str:
    """Return what Jane, who owns World Corp, calls with."""
    world.organization(world.person(JANE))
    return world.token("api_v1")


def register(world: World, **changes: Any) -> TestResponse:
    return world.call("api_v1.tenants.register", json=BETA | changes)


def login(world: World, email: str, password: str, slug: str = "beta-ltd") -> TestResponse:
    return world.call("api_v1.auth.login", json={"email": email, "password": password, "tenantSlug": slug})


def said(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.get_json()["error"]["code"]


def change(world: World, statement: sa.Update) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


# ---- founding


def test_a_stranger_founds_an_organization_and_owns_it_at_once(world: World) -> None:
    answer = register(world)
    assert answer.status_code == 201
    data = answer.get_json()["data"]
    assert set(data) == {"tenant", "admin", "trial", "verificationSent"}
    assert set(data["tenant"]) == {"id", "slug", "name", "status", "createdAt"}
    assert data["admin"] == {
        "email": "eve@beta.example",
        "firstName": "Eve",
        "lastName": "Moss",
        "role": "tenant_admin",
        "isOwner": True,
    }
    assert data["trial"]["planId"] == "pro"
    user = login(world, "eve@beta.example", "eves-password").get_json()["data"]["user"]
    assert (user["isOwner"], user["emailVerified"]) == (True, False)


def test_a_known_address_gets_the_same_answer_and_keeps_its_password(world: World, token: str) -> None:
    new = register(world, slug="gamma-ltd").get_json()["data"]
    known = register(world, adminEmail=JANE).get_json()["data"]
    assert known.keys() == new.keys()
    assert known["admin"] == new["admin"] | {"email": JANE}
    assert said(login(world, JANE, BETA["adminPassword"])) == (401, "auth:invalid_credentials")
    assert said(login(world, JANE, PASSWORD)) == (401, "auth:invalid_credentials")  # until she says so
    claim = world.mailed_token()
    assert world.done("api_v1.auth.verify_email", path={"token": claim})["data"]["tenantSlug"] == "beta-ltd"
    assert login(world, JANE, PASSWORD).get_json()["data"]["user"]["isOwner"] is True


def test_a_known_person_with_their_own_password_owns_it_at_once(world: World, token: str) -> None:
    register(world, adminEmail=JANE, adminPassword=PASSWORD)
    assert login(world, JANE, PASSWORD).status_code == 200


def test_a_taken_slug_is_a_conflict(world: World) -> None:
    register(world)
    assert said(register(world, adminEmail="other@beta.example")) == (409, "tenant:slug_taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "a"), ("slug", "Not A Slug"), ("slug", "admin"), ("slug", "x" * 51),
        ("companyName", ""), ("companyName", "x" * 201), ("companyName", []), ("companyName", "a\0b"),
        ("adminEmail", "nonsense"), ("adminEmail", None), ("adminPassword", "short"),
        ("adminPassword", "password123"), ("adminPassword", 7), ("adminFirstName", " "),
        ("adminLastName", {}), ("more", "x"),
    ],
)  # fmt: skip
def test_a_field_at_fault_is_named_as_it_was_sent(world: World, field: str, value: Any) -> None:
    answer = register(world, **{field: value})
    assert said(answer) == (400, "validation")
    assert list(answer.get_json()["error"]["details"]) == [field]


# ---- one's own


def test_the_organization_of_the_token_is_shown(world: World, token: str) -> None:
    data = world.done("api_v1.tenants.me", token=token)["data"]
    assert set(data) == {
        "id", "slug", "name", "status", "billingEmail", "logoUrl", "timezone", "locale", "environment",
        "owner", "memberCount", "subscription", "setupCompleted", "createdAt",
    }  # fmt: skip
    assert data["owner"] == {"userId": data["owner"]["userId"], "name": "Jane Doe", "email": JANE}
    assert set(data["subscription"]) == {"planId", "planName", "status", "endsAt"}
    assert (data["subscription"]["status"], data["memberCount"]) == ("trialing", 1)
    assert (data["environment"], data["timezone"], data["locale"]) == ("prod", "UTC", "en-US")


def test_rights_are_shown_sorted_with_their_numbers(world: World, token: str) -> None:
    data = world.done("api_v1.permissions.me", token=token)["data"]
    assert set(data) == {"role", "isOwner", "all", "profile", "permissions", "permissionIds"}
    assert (data["role"], data["isOwner"], data["all"]) == ("tenant_admin", True, True)
    assert len(data["permissions"]) == len(data["permissionIds"]) == len(PERMISSIONS)
    change(world, sa.update(Membership).values(role=Role.VIEWER, profile_id=2))
    data = world.done("api_v1.permissions.me", token=token)["data"]
    assert (data["role"], data["isOwner"], data["all"]) == ("viewer", False, False)
    assert data["profile"] == {"id": 2, "name": "People", "isActive": True}
    assert "members.manage" in data["permissions"]
    assert data["permissions"] == sorted(data["permissions"])
    assert data["permissionIds"] == sorted(data["permissionIds"])


# ---- anybody


def test_a_sign_in_page_learns_how_to_look_and_nothing_else(world: World, token: str) -> None:
    data = world.done("api_v1.tenants.by_slug", path={"slug": "World-Corp"})["data"]
    assert data == {
        "slug": "world-corp",
        "name": "World Corp",
        "logoUrl": None,
        "faviconUrl": None,
        "primaryColor": "#2457d6",
        "accentColor": "#0f9d8a",
        "loginMessage": None,
        "supportEmail": None,
        "locale": "en-US",
        "passwordLogin": True,
        "socialLogin": [],
        "loginEnabled": True,
    }


def test_a_suspended_organization_takes_no_logins_and_an_archived_one_is_not_there(
    world: World, token: str
) -> None:
    where = {"path": {"slug": "world-corp"}}
    change(world, sa.update(Tenant).values(status=TenantStatus.SUSPENDED))
    assert world.done("api_v1.tenants.by_slug", **where)["data"]["loginEnabled"] is False
    change(world, sa.update(Tenant).values(status=TenantStatus.ARCHIVED))
    assert said(world.call("api_v1.tenants.by_slug", **where)) == (404, "tenant:not_found")
    assert said(world.call("api_v1.tenants.by_slug", path={"slug": "none"})) == (404, "tenant:not_found")


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("fresh-corp", None),
        ("world-corp", "taken"),
        ("WORLD-corp", "taken"),
        ("admin", "reserved"),
        ("a", "invalid"),
    ],
)
def test_a_slug_can_be_had_or_not_for_a_reason(
    world: World, token: str, slug: str, reason: str | None
) -> None:
    data = world.done("api_v1.tenants.check_slug", path={"slug": slug})["data"]
    assert set(data) == {"slug", "available", "reason", "suggestions"}
    assert (data["available"], data["reason"]) == (reason is None, reason)
    for suggested in data["suggestions"]:
        assert world.done("api_v1.tenants.check_slug", path={"slug": suggested})["data"]["available"]


def test_asking_for_slugs_is_limited_for_both_calls_together(world: World, token: str) -> None:
    asked = 0
    while world.call("api_v1.tenants.by_slug", path={"slug": "world-corp"}).status_code == 200:
        asked += 1
        assert asked < 125  # twice the limit: the minute may end once while we ask
    assert said(world.call("api_v1.tenants.check_slug", path={"slug": "x"})) == (429, "rate:limited")


# ---- the person


def test_the_longer_profile_is_shown(world: World, token: str) -> None:
    change(world, sa.update(User).values(phone="+12025550143", handle="jane_doe"))
    data = world.done("api_v1.auth.me_profile", token=token)["data"]
    assert set(data) == {
        "id", "userId", "email", "firstName", "lastName", "handle", "jobTitle", "phone", "avatar",
        "timezone", "locale", "updatedAt",
    }  # fmt: skip
    assert (data["phone"], data["handle"], data["jobTitle"]) == ("+12025550143", "jane_doe", None)


def test_preferences_have_defaults_and_change_field_by_field(world: World, token: str) -> None:
    before = world.done("api_v1.auth.me_preferences", token=token)["data"]
    assert set(before) == {"ui", "notifications", "updatedAt"}
    assert before["ui"] == {
        "theme": "system",
        "density": "comfortable",
        "sidebarLayout": "expanded",
        "editorMode": "simple",
        "startPage": "dashboard",
        "dismissed": [],
    }
    assert before["notifications"]["emailConsentAt"] is None
    body = {"ui": {"theme": "dark", "dismissed": ["calendar"]}, "notifications": {"emailConsent": True}}
    after = world.done("api_v1.auth.me_preferences_update", token=token, json=body)["data"]
    assert after["ui"] == before["ui"] | body["ui"]
    assert after["notifications"]["emailConsentAt"] is not None
    assert world.done("api_v1.auth.me_preferences", token=token)["data"] == after
    again = {"notifications": {"sound": False}}
    later = world.done("api_v1.auth.me_preferences_update", token=token, json=again)["data"]
    assert later["notifications"] == after["notifications"] | {"sound": False}
    assert "user.preferences_updated" in [event.kind for event in world.trail()]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"ui": {}}, {"ui": {"theme": "pink"}}, {"ui": {"more": 1}}, {"ui": []},
        {"notifications": {"sound": "no"}},
        {"notifications": {"emailConsentAt": "2026-01-01T00:00:00Z"}}, {"ui": {"dismissed": [1]}},
    ],
)  # fmt: skip
def test_a_wrong_preference_is_refused(world: World, token: str, body: Any) -> None:
    answer = world.call("api_v1.auth.me_preferences_update", token=token, json=body)
    assert said(answer) == (400, "validation")


# ---- the sign of life


def test_the_service_says_that_it_runs(world: World) -> None:
    data = world.done("api_v1.health.check")["data"]
    assert set(data) == {"status", "database", "time"}
    assert (data["status"], data["database"]["status"]) == ("ok", "up")
    assert data["database"]["latencyMs"] < 2000


def test_a_database_that_hangs_is_told_within_the_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BOUND_SECONDS", 0.05)
    monkeypatch.setattr(health._Probe, "ask", lambda probe: None)
    monkeypatch.setattr(health, "_last", None)
    answer = world.call("api_v1.health.check")
    assert said(answer) == (503, "health:database_down")
    assert "Retry-After" in answer.headers
    monkeypatch.undo()
    health._last = None
