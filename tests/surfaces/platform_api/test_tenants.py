"""platform_api: organizations."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from app.core import clock
from tests.support.world import World
from tests.surfaces.platform_api.test_auth import EMAIL, refused, scoped, wrong_fields

ACME = {"name": "Acme Corp", "slug": "acme-corp"}


@pytest.fixture
def token(world: World) -> str:
    """Give the global token of Jane, who has no organization yet."""
    world.person(EMAIL)
    return world.token("platform_api")


def test_opening_an_organization_makes_the_caller_its_owner(world: World, token: str) -> None:
    answer = world.call("platform_api.tenants.create", token=token, json=ACME)
    assert answer.status_code == 201
    body = answer.get_json()
    assert set(body) == {"id", "name", "slug", "status", "billing_email", "created_at"}
    assert (body["status"], body["billing_email"]) == ("active", EMAIL)
    listed = world.call("platform_api.tenants.list", token=token)
    assert listed.get_json() == [{"id": body["id"], **ACME, "role": "owner", "status": "active"}]
    assert listed.headers["X-Total-Count"] == "1"


def test_a_slug_is_had_once(world: World, token: str) -> None:
    world.done("platform_api.tenants.create", token=token, json=ACME)
    refused(world.call("platform_api.tenants.create", token=token, json=ACME), 409, "tenant:slug_taken")
    reserved = {**ACME, "slug": "admin"}
    refused(world.call("platform_api.tenants.create", token=token, json=reserved), 409, "tenant:slug_taken")


@pytest.mark.parametrize(
    "slug", ["Acme-Corp", "ac", "-acme", "acme--corp", "acme_corp", "açme", "a" * 51, "acme corp"]
)
def test_a_slug_is_made_of_plain_letters(world: World, token: str, slug: str) -> None:
    answer = world.call("platform_api.tenants.create", token=token, json={**ACME, "slug": slug})
    assert wrong_fields(answer) == [["body", "slug"]]


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("name", "a\nb"), ("billing_email", "nowhere")])
def test_name_and_address_must_be_one(world: World, token: str, field: str, value: str) -> None:
    answer = world.call("platform_api.tenants.create", token=token, json={**ACME, field: value})
    assert wrong_fields(answer) == [["body", field]]


def test_availability_is_told_to_anybody(world: World, token: str) -> None:
    world.done("platform_api.tenants.create", token=token, json=ACME)
    client = world.app.test_client()
    for slug, available in {
        "acme-corp": False,
        "acme-two": True,
        "admin": False,
        "x": False,
        "a b": False,
    }.items():
        answer = client.get("/platform/api/global/tenants/check-availability", query_string={"slug": slug})
        assert answer.get_json() == {"slug": slug, "available": available}
    missing = client.get("/platform/api/global/tenants/check-availability")
    assert wrong_fields(missing) == [["query", "slug"]]


def test_a_list_is_whole_unless_a_part_is_asked_for(world: World, token: str) -> None:
    for number in range(3):
        body = {"name": f"Acme {number}", "slug": f"acme-{number}"}
        world.done("platform_api.tenants.create", token=token, json=body)
    client, headers = world.app.test_client(), {"Authorization": f"Bearer {token}"}
    address = "/platform/api/global/tenants"
    assert [row["slug"] for row in client.get(address, headers=headers).get_json()] == [
        "acme-0",
        "acme-1",
        "acme-2",
    ]
    part = client.get(f"{address}?limit=1&offset=1", headers=headers)
    assert [row["slug"] for row in part.get_json()] == ["acme-1"]
    assert part.headers["X-Total-Count"] == "3"
    for query in ("limit=0", "limit=101", "limit=x", "offset=-1", "offset=1e9"):
        assert client.get(f"{address}?{query}", headers=headers).status_code == 422, query


def test_the_organization_is_shown_with_its_trial(world: World, move_clock: Callable[[int], None]) -> None:
    world.organization(world.person(EMAIL))
    body = world.done("platform_api.tenant.info", token=scoped(world))
    assert set(body) == {"id", "name", "slug", "status", "billing_email", "subscription"}
    assert set(body["subscription"]) == {"plan", "status", "end_date"}
    assert (body["subscription"]["plan"], body["subscription"]["status"]) == ("Pro", "TRIALING")
    end = datetime.fromisoformat(body["subscription"]["end_date"])
    assert timedelta(days=13, hours=23) < end - clock.now() <= timedelta(days=14)
    move_clock(15 * 24 * 3600)
    later = world.done("platform_api.tenant.info", token=scoped(world))["subscription"]
    assert (later["plan"], later["status"]) == ("Developer", "ACTIVE")
    assert datetime.fromisoformat(later["end_date"]) > clock.now()
