"""What the signed-in person sets of their own: details, language, time zone, editor, sidebar, teasers."""

from typing import Any

import pytest

from tests.support.world import World
from tests.surfaces.services_v1.conftest import at_fault

USER = "services_v1.user."


def kinds(world: World, since: int) -> list[str]:
    return [str(event.kind) for event in world.trail()[since:]]


def me(world: World, token: str) -> Any:
    return world.done(f"{USER}get", token=token)["data"]


# ---- details


def test_only_the_fields_that_are_sent_are_changed(world: World, token: str) -> None:
    body = {"last_name": "Roe", "phone": "+4915112345678"}
    answer = world.done(f"{USER}update_details", token=token, json=body)
    assert answer["message"] == "Your details are saved."
    assert set(answer["data"]) == {"id", "first_name", "last_name", "phone", "avatar_url", "updated_at"}
    shown = me(world, token)
    assert (shown["first_name"], shown["last_name"], shown["phone"]) == ("Jane", "Roe", "+4915112345678")
    assert world.done(f"{USER}update_details", token=token, json={"phone": None})["data"]["phone"] is None


def test_a_repeat_of_the_same_details_leaves_no_trace(world: World, token: str) -> None:
    world.done(f"{USER}update_details", token=token, json={"first_name": "Joan"})
    before = len(world.trail())
    world.done(f"{USER}update_details", token=token, json={"first_name": "Joan"})
    assert kinds(world, before) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"first_name": "J\nane"}, "first_name"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"first_name": None}, "first_name"),
        ({"phone": "0151 12345678"}, "phone"),
        ({"phone": "+0123456789"}, "phone"),
        ({"phone": "+49151\u0661\u0662\u0663\u0664"}, "phone"),
        ({"email": "new@world.example"}, "email"),
        ({"language": "de"}, "language"),
        ({"avatar_url": "http://pictures.example/jane.png"}, "avatar_url"),
        ({"avatar_url": "https://jane:secret@pictures.example/jane.png"}, "avatar_url"),
        ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
        ({"avatar_url": "data:image/png;base64,AAAA"}, "avatar_url"),
        ({"avatar_url": "https://"}, "avatar_url"),
        ({"avatar_url": "https://pictures.example/a b"}, "avatar_url"),
        ({"avatar_url": "https://pictures.example/" + "x" * 2000}, "avatar_url"),
    ],
)
def test_what_cannot_be_a_detail_is_refused_at_its_field(
    world: World, token: str, body: dict[str, Any], field: str
) -> None:
    assert at_fault(world.call(f"{USER}update_details", token=token, json=body)) == {field}


def test_an_empty_body_is_refused(world: World, token: str) -> None:
    assert world.call(f"{USER}update_details", token=token, json={}).status_code == 422


def test_an_address_of_a_picture_is_shown_as_it_was_given(world: World, token: str) -> None:
    before = len(world.trail())
    address = "https://pictures.example/jane.png?size=2"
    world.done(f"{USER}update_details", token=token, json={"avatar_url": address})
    assert me(world, token)["avatar_url"] == address
    assert kinds(world, before) == ["user.profile_image_changed"]
    world.done(f"{USER}update_details", token=token, json={"avatar_url": address})
    world.done(f"{USER}update_details", token=token, json={"avatar_url": None})
    assert me(world, token)["avatar_url"] is None
    assert kinds(world, before) == ["user.profile_image_changed", "user.profile_image_removed"]


# ---- language and time zone


def test_the_language_is_said_in_itself_and_shown_everywhere(world: World, jane: int, token: str) -> None:
    world.organization(jane)
    answer = world.done(f"{USER}update_language", token=token, json={"language": "de-CH"})
    assert answer["data"] == {"language": "de-CH"}
    assert me(world, token)["language"] == "de-CH"
    assert world.done("v0.users.me", token=world.token("v0"))["locale"] == "de-CH"
    shown = world.done("api_v1.auth.me_profile", token=world.token("api_v1"))["data"]
    assert shown["locale"] == "de-CH"


def test_a_time_zone_is_one_everywhere(world: World, jane: int, token: str) -> None:
    world.organization(jane)
    zone = {"timezone": "America/New_York"}
    assert world.done(f"{USER}update_timezone", token=token, json=zone)["data"] == zone
    assert world.done("v0.users.me", token=world.token("v0"))["timezone"] == "America/New_York"
    shown = world.done("api_v1.auth.me_profile", token=world.token("api_v1"))["data"]
    assert shown["timezone"] == "America/New_York"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("update_language", {"language": "tlh"}),
        ("update_language", {"language": "de_DE"}),
        ("update_timezone", {"timezone": "Mars/Base"}),
        ("update_timezone", {"timezone": "../../etc/passwd"}),
        ("update_editor_mode", {"editor_mode": "wild"}),
        ("update_sidebar_layout_mode", {"sidebar_layout_mode": "left"}),
        ("update_editor_settings", {"settings": ["a"]}),
        ("dismiss_widget_teaser", {"widget": "Not a slug!"}),
    ],
)
def test_what_cannot_be_chosen_is_refused(world: World, token: str, call: str, body: dict[str, Any]) -> None:
    assert at_fault(world.call(USER + call, token=token, json=body)) == set(body)


# ---- preferences


def test_the_modes_are_those_of_api_v1(world: World, jane: int, token: str) -> None:
    world.organization(jane)
    mode = {"editor_mode": "advanced"}
    assert world.done(f"{USER}update_editor_mode", token=token, json=mode)["data"] == mode
    layout = {"sidebar_layout_mode": "collapsed"}
    assert world.done(f"{USER}update_sidebar_layout_mode", token=token, json=layout)["data"] == layout
    world.done(f"{USER}dismiss_widget_teaser", token=token, json={"widget": "calendar"})
    shown = world.done("api_v1.auth.me_preferences", token=world.token("api_v1"))["data"]["ui"]
    assert (shown["editorMode"], shown["sidebarLayout"]) == ("advanced", "collapsed")
    assert shown["dismissed"] == ["calendar"]
    assert me(world, token)["preferences"] == {
        "editor_mode": "advanced",
        "editor_settings": {},
        "sidebar_layout_mode": "collapsed",
        "dismissed_teasers": ["calendar"],
    }


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("update_language", {"language": "de"}),
        ("update_timezone", {"timezone": "Europe/Berlin"}),
        ("update_editor_mode", {"editor_mode": "advanced"}),
        ("update_sidebar_layout_mode", {"sidebar_layout_mode": "hidden"}),
        ("update_editor_settings", {"settings": {"autosave": True}}),
        ("dismiss_widget_teaser", {"widget": "calendar"}),
    ],
)
def test_only_what_changes_something_is_told(
    world: World, token: str, call: str, body: dict[str, Any]
) -> None:
    before = len(world.trail())
    first = world.done(USER + call, token=token, json=body)
    assert kinds(world, before) == ["user.preferences_updated"]
    assert world.done(USER + call, token=token, json=body) == first
    assert kinds(world, before) == ["user.preferences_updated"]


def test_editor_settings_are_merged_at_the_top_and_null_drops_a_key(world: World, token: str) -> None:
    def put(**settings: Any) -> Any:
        body = {"settings": settings}
        return world.done(f"{USER}update_editor_settings", token=token, json=body)["data"]["editor_settings"]

    assert put(autosave=True, font={"size": 14, "face": "mono"}) == {
        "autosave": True,
        "font": {"size": 14, "face": "mono"},
    }
    assert put(font={"size": 15}) == {"autosave": True, "font": {"size": 15}}
    assert put(autosave=None, note="a\0b") == {"font": {"size": 15}, "note": "a\0b"}
    assert me(world, token)["preferences"]["editor_settings"] == {"font": {"size": 15}, "note": "a\0b"}


def test_editor_settings_hold_16_kb_in_all(world: World, token: str) -> None:
    def put(**settings: Any) -> Any:
        return world.call(f"{USER}update_editor_settings", token=token, json={"settings": settings})

    assert put(a="x" * 8_000, b="ü" * 4_000).status_code == 200
    assert at_fault(put(c="x" * 400)) == {"settings"}
    assert put(b=None, c="x" * 8_000).status_code == 200


def test_a_teaser_keeps_the_first_time_and_a_hundred_are_enough(world: World, token: str) -> None:
    call = f"{USER}dismiss_widget_teaser"
    for number in range(100):
        answer = world.done(call, token=token, json={"widget": f"widget-{number}"})
    assert len(answer["data"]["dismissed_teasers"]) == 100
    assert at_fault(world.call(call, token=token, json={"widget": "one-more"})) == {"widget"}
    again = world.done(call, token=token, json={"widget": "widget-99"})
    assert again == answer


def test_a_stranger_changes_only_their_own(world: World, token: str, strangers_token: str) -> None:
    world.done(f"{USER}update_details", token=strangers_token, json={"first_name": "Charlie"})
    world.done(f"{USER}update_editor_mode", token=strangers_token, json={"editor_mode": "advanced"})
    shown = me(world, token)
    assert (shown["first_name"], shown["preferences"]["editor_mode"]) == ("Jane", "simple")
