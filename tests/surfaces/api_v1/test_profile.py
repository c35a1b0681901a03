"""The person's own profile and preferences, as api_v1 shows and changes them."""

from typing import Any

import pytest

from tests.support.world import World

PROFILE = "api_v1.auth.me_profile"
UPDATE = "api_v1.auth.me_profile_update"
PREFERENCES = "api_v1.auth.me_preferences"
UPDATE_PREFERENCES = "api_v1.auth.me_preferences_update"
FIELDS = {
    "id", "userId", "email", "firstName", "lastName", "handle", "jobTitle", "phone", "avatar", "timezone",
    "locale", "updatedAt",
}  # fmt: skip


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


def kinds(world: World, since: int) -> list[str]:
    return [str(row.kind) for row in world.trail()[since:]]


def test_all_of_it_is_changed_and_shown_at_once(world: World, token: str) -> None:
    body = {
        "phone": "+12025550143",
        "timezone": "America/New_York",
        "locale": "en-US",
        "firstName": "Joan",
        "lastName": "Roe",
        "jobTitle": "Managing Director",
        "avatar": "https://pictures.example/joan.png",
    }
    changed = world.done(UPDATE, token=token, json=body)["data"]
    assert set(changed) == FIELDS
    assert {name: changed[name] for name in body} == body
    assert world.done(PROFILE, token=token)["data"] == changed
    me = world.done("api_v1.auth.me", token=token)["data"]["user"]
    assert (me["avatar"], me["timezone"], me["locale"]) == (body["avatar"], body["timezone"], "en-US")


def test_the_job_title_is_the_memberships_and_the_rest_the_persons(world: World) -> None:
    jane = world.person()
    world.organization(jane, "world-corp")
    world.organization(jane, "other-corp")
    here, there = (world.token("api_v1", slug=slug) for slug in ("world-corp", "other-corp"))
    world.done(UPDATE, token=here, json={"jobTitle": "Director", "phone": "+12025550143"})
    other = world.done(PROFILE, token=there)["data"]
    assert (other["jobTitle"], other["phone"]) == (None, "+12025550143")
    assert world.done(UPDATE, token=here, json={"jobTitle": None})["data"]["jobTitle"] is None


def test_what_is_left_out_stays_and_a_repeat_leaves_no_trace(world: World, token: str) -> None:
    before = len(world.trail())
    world.done(UPDATE, token=token, json={"phone": "+12025550143"})
    world.done(UPDATE, token=token, json={"phone": "+12025550143", "firstName": "Jane", "avatar": None})
    assert kinds(world, before) == ["user.details_updated"]
    assert world.done(PROFILE, token=token)["data"]["lastName"] == "Doe"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "555"}, "phone"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"locale": "tlh"}, "locale"),
        ({"firstName": ""}, "firstName"),
        ({"lastName": "a\u2028b"}, "lastName"),
        ({"jobTitle": "x" * 101}, "jobTitle"),
        ({"jobTitle": "a\nb"}, "jobTitle"),
        ({"avatar": "http://pictures.example/a.png"}, "avatar"),
        ({"role": "tenant_admin"}, "role"),
        ({"email": "new@world.example"}, "email"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_changes(
    world: World, token: str, body: dict[str, Any], field: str
) -> None:
    before = world.done(PROFILE, token=token)["data"]
    answer = world.call(UPDATE, token=token, json={"phone": "+12025550143"} | body)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "validation")  # type: ignore[index]
    assert set(answer.json["error"]["details"]) == {field}  # type: ignore[index]
    assert world.done(PROFILE, token=token)["data"] == before


def test_an_empty_body_is_refused(world: World, token: str) -> None:
    assert world.call(UPDATE, token=token, json={}).status_code == 400


def test_preferences_change_only_where_named_and_leave_no_trace_where_the_same(
    world: World, token: str
) -> None:
    before = len(world.trail())
    first = world.done(UPDATE_PREFERENCES, token=token, json={"ui": {"theme": "dark"}})
    assert first["data"]["ui"]["sidebarLayout"] == "expanded"
    assert world.done(UPDATE_PREFERENCES, token=token, json={"ui": {"theme": "dark"}}) == first
    assert world.done(PREFERENCES, token=token) == first
    assert kinds(world, before) == ["user.preferences_updated"]


def test_what_was_dismissed_can_be_shown_again_and_keeps_its_first_time_otherwise(
    world: World, token: str
) -> None:
    services = world.token("services_v1")
    call, name = "services_v1.user.dismiss_widget_teaser", {"widget": "calendar"}
    at = world.done(call, token=services, json=name)["data"]["dismissed_at"]
    kept = {"ui": {"dismissed": ["calendar", "chat", "chat"]}}
    shown = world.done(UPDATE_PREFERENCES, token=token, json=kept)["data"]["ui"]["dismissed"]
    assert shown == ["calendar", "chat"]
    assert world.done(call, token=services, json=name)["data"]["dismissed_at"] == at
    world.done(UPDATE_PREFERENCES, token=token, json={"ui": {"dismissed": []}})
    assert (
        world.done("services_v1.user.get", token=services)["data"]["preferences"]["dismissed_teasers"] == []
    )


def test_more_than_a_hundred_names_are_refused(world: World, token: str) -> None:
    names = [f"widget-{number}" for number in range(101)]
    answer = world.call(UPDATE_PREFERENCES, token=token, json={"ui": {"dismissed": names}})
    assert answer.status_code == 400


def test_consent_keeps_its_time(world: World, token: str) -> None:
    consent = {"notifications": {"emailConsent": True}}
    given = world.done(UPDATE_PREFERENCES, token=token, json=consent)["data"]["notifications"]
    assert given["emailConsentAt"] is not None
    again = world.done(UPDATE_PREFERENCES, token=token, json=consent)["data"]["notifications"]
    assert again["emailConsentAt"] == given["emailConsentAt"]
