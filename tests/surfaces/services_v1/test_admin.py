"""services_v1: starting anew what works in the background, and the list of products."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.access import system
from app.core.db import db
from app.domains.platform import restarts
from app.domains.platform.models import LiveProcess
from app.surfaces.shared.transaction import transaction
from tests.contract.catalog import CATALOG
from tests.support.world import World

ROOT = "root@world.example"
CALLS = {
    "services_v1.admin.workers_restart_all": "workers",
    "services_v1.admin.daemons_restart_all": "daemons",
}


@pytest.fixture
def root(world: World) -> str:
    """Give the token of an admin of the platform who has just signed in."""
    world.person(ROOT, admin=True)
    return world.token("services_v1", ROOT)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


@pytest.mark.parametrize(("call", "kind"), CALLS.items())
def test_a_restart_raises_the_generation_and_counts_who_is_there(
    world: World, root: str, call: str, kind: str
) -> None:
    with world.app.app_context(), transaction():
        for name in ("one:1", "two:2"):
            restarts.show_alive(system("worker"), name=name, kinds=["workers", "daemons"], began_under=None)
    first, second = (world.call(call, token=root) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    told, again = first.get_json()["data"], second.get_json()["data"]
    assert (told["kind"], told["signalled"]) == (kind, 2)
    assert again["generation"] == told["generation"] + 1
    row = world.trail()[-1]
    assert (str(row.kind), row.changes) == (
        f"{kind}.restarted",
        {"generation": again["generation"], "signalled": 2},
    )


def test_a_process_learns_of_a_restart_of_its_kind_alone(world: World, root: str) -> None:
    def look(began_under: Any = None) -> Any:
        with world.app.app_context(), transaction():
            kinds: list[restarts.Kind] = ["workers", "daemons"]
            return restarts.show_alive(system("worker"), name="one:1", kinds=kinds, began_under=began_under)

    began = look()
    assert look(began) == began
    world.done("services_v1.admin.daemons_restart_all", token=root)
    now = look(began)
    assert (now["workers"], now["daemons"]) == (began["workers"], began["daemons"] + 1)
    with world.app.app_context(), transaction():
        restarts.sign_off(system("worker"), name="one:1")
        assert db.session.scalar(sa.select(sa.func.count()).select_from(LiveProcess)) == 0


@pytest.mark.parametrize("call", CALLS)
def test_i07_only_admins_of_the_platform_restart_anything(world: World, call: str) -> None:
    world.organization(world.person())
    assert refused(world.call(call)) == (401, "auth:unauthenticated")
    owner = world.call(call, token=world.token("services_v1"))
    assert refused(owner) == (403, "auth:platform_admin_required")


def test_an_api_token_needs_the_admin_scope(world: World, root: str) -> None:
    world.organization(world.persons_id(ROOT), "root-corp")
    for scopes, expected in ((["read", "write"], (403, "auth:scope_missing")), (["admin"], (202, None))):
        wanted = {"name": scopes[0], "scopes": scopes}
        made = world.done("services_v1.api_tokens.create", token=root, json=wanted)["data"]
        answer = world.call("services_v1.admin.workers_restart_all", token=made["token"])
        assert (answer.status_code, answer.get_json().get("code")) == expected


def test_an_old_sign_in_has_to_prove_itself_again(
    world: World, root: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(15 * 60 + 1)
    answer = world.call("services_v1.admin.workers_restart_all", token=root)
    assert refused(answer) == (403, "auth:step_up_required")


def test_an_admin_with_a_second_factor_has_to_have_shown_it(world: World, root: str) -> None:
    world.authenticator(world.persons_id(ROOT))
    answer = world.call("services_v1.admin.workers_restart_all", token=root)
    assert refused(answer) == (403, "two_factor:session_too_weak")


def test_products_are_those_of_the_catalog(world: World) -> None:
    world.person()
    token = world.token("services_v1")
    body = world.done("services_v1.platforms.list", token=token)
    shown = [
        {
            "code": tool["code"],
            "name": tool["name"],
            "plans": [
                {
                    "code": plan["code"],
                    "trial_days": plan["trial_days"],
                    **{price["interval"]: price["amount"] for price in plan["prices"]},
                }
                for plan in tool["plans"]
            ],
            "currency": tool["plans"][0]["prices"][0]["currency"],
        }
        for tool in body["data"]
    ]
    assert shown == CATALOG["tools"]
    assert body["meta"] == {"current_page": 1, "per_page": 20, "total": 1, "last_page": 1}
    assert body["data"][0]["project"] is None


@pytest.mark.parametrize(("query", "found"), [("status=beta", 0), ("status=available", 1), ("page=2", 0)])
def test_products_are_narrowed_and_paged(world: World, query: str, found: int) -> None:
    world.person()
    headers = {"Authorization": f"Bearer {world.token('services_v1')}"}
    answer = world.app.test_client().get(f"/services/platforms/v1/platforms/list?{query}", headers=headers)
    assert len(answer.get_json()["data"]) == found


def test_there_is_no_project_whose_products_could_be_asked_for(world: World) -> None:
    world.person()
    headers = {"Authorization": f"Bearer {world.token('services_v1')}"}
    answer = world.app.test_client().get(
        "/services/platforms/v1/platforms/list?project_id=7", headers=headers
    )
    assert refused(answer) == (404, "project:not_found")
