"""The setup hub: facts complete tasks whichever way in made them, a person's word beats the check."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.onboarding.checks import CHECKS, FACTS
from app.domains.onboarding.tasks import TASKS
from app.surfaces.shared.transaction import transaction
from tests.contract.catalog import CATALOG
from tests.support.world import World

REQUIRED = ("company_profile", "verify_owner_email", "review_policies")


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


def setup(world: World, token: str) -> dict[str, Any]:
    return dict(world.done("api_v1.setup.get", token=token)["data"])


def task(world: World, token: str, code: str) -> dict[str, Any]:
    return next(one for one in setup(world, token)["tasks"] if one["code"] == code)


def set_to(world: World, token: str, code: str, status: str) -> Any:
    return world.call(
        "api_v1.setup.task_update", token=token, path={"taskCode": code}, json={"status": status}
    )


def put(world: World, token: str, key: str, value: Any) -> None:
    world.done("api_v1.org_settings.update", token=token, path={"key": key}, json={"value": value})


def test_tasks_are_the_catalogs() -> None:
    wanted = [(one["code"], one["label"], one["area"], one["required"]) for one in CATALOG["setup_tasks"]]
    assert [(one.code, one.label, one.area, one.required) for one in TASKS.values()] == wanted
    checkable = {one["code"] for one in CATALOG["setup_tasks"] if one["check"]}
    assert {one.code for one in TASKS.values() if one.checkable} == checkable
    assert set(CHECKS) <= checkable
    assert {code for codes in FACTS.values() for code in codes} <= set(CHECKS)


def test_at_first_all_is_open(world: World, token: str) -> None:
    found = setup(world, token)
    assert found["status"] == "in_progress"
    assert found["progress"] == {
        "completed": 0,
        "skipped": 0,
        "total": 15,
        "percent": 0,
        "requiredOpen": 3,
    }


def test_a_fact_completes_its_task_whichever_way_in_made_it(world: World, token: str) -> None:
    put(world, token, "general.website", "https://acme.example")
    assert task(world, token, "company_profile")["status"] == "pending"
    path = {"key": "general.support_email"}
    body = {"value": "support@acme.example"}
    world.done("platform_api.configs.update", token=world.scoped_token(), path=path, json=body)
    done = task(world, token, "company_profile")
    assert (done["status"], done["detectedBy"], done["completedBy"]) == ("completed", "check", None)
    put(world, token, "general.website", None)
    assert task(world, token, "company_profile")["status"] == "completed"  # a check never reopens


def test_an_auto_check_tells_what_was_found_since_the_last_one(world: World, token: str) -> None:
    put(world, token, "localization.timezone", "Europe/Berlin")
    found = world.done("api_v1.setup.auto_check", token=token)["data"]
    assert found["checked"] == 14
    changed = {one["code"]: (one["from"], one["to"]) for one in found["changed"]}
    assert changed == {
        "localization": ("pending", "completed"),
        "verify_owner_email": ("pending", "completed"),
    }
    assert {"code": "email_smtp", "done": False} in found["results"]
    again = world.done("api_v1.setup.auto_check", token=token)["data"]
    assert again["changed"] == []
    assert [str(row.kind) for row in world.trail()].count("setup.auto_checked") == 1


def test_a_persons_word_beats_the_check_until_the_next_one(world: World, token: str) -> None:
    put(world, token, "localization.timezone", "Europe/Berlin")
    answer = set_to(world, token, "localization", "pending").get_json()["data"]
    assert answer["task"]["status"] == "pending"
    world.done("api_v1.setup.auto_check", token=token)
    assert task(world, token, "localization")["status"] == "completed"


def test_a_skipped_task_is_completed_by_a_check_and_required_ones_are_not_skipped(
    world: World, token: str
) -> None:
    assert set_to(world, token, "branding", "skipped").status_code == 200
    put(world, token, "branding.primary_color", "#0a7d4f")
    assert task(world, token, "branding")["status"] == "completed"
    refused = set_to(world, token, "company_profile", "skipped")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "setup:task_required")
    unknown = set_to(world, token, "nothing_such", "completed")
    assert (unknown.status_code, unknown.get_json()["error"]["code"]) == (404, "setup:task_not_found")


def test_the_setup_is_closed_once_and_opens_again_with_a_required_task(world: World, token: str) -> None:
    refused = world.call("api_v1.setup.complete", token=token)
    assert refused.status_code == 409
    assert set(refused.get_json()["error"]["details"]["tasks"]) == set(REQUIRED)
    for code in REQUIRED:
        set_to(world, token, code, "completed")
    first = world.done("api_v1.setup.complete", token=token)["data"]
    assert (first["status"], first["completedBy"]["name"]) == ("completed", "Jane Doe")
    assert world.done("api_v1.setup.complete", token=token)["data"]["completedAt"] == first["completedAt"]
    assert world.done("api_v1.tenants.me", token=token)["data"]["setupCompleted"] is True
    set_to(world, token, "review_policies", "pending")
    assert setup(world, token)["status"] == "in_progress"
    assert world.done("api_v1.tenants.me", token=token)["data"]["setupCompleted"] is False


@pytest.mark.parametrize("call", ["api_v1.setup.auto_check", "api_v1.setup.complete"])
def test_members_look_and_admins_act(world: World, token: str, call: str) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.text("UPDATE memberships SET role = 'member'"))
    assert world.call("api_v1.setup.get", token=token).status_code == 200
    answer = world.call(call, token=token)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "auth:role_required")
