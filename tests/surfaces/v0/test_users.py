"""v0's people: registration with a handle, the public page, and what its owner may change."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.settings.models import SettingValue
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

JANE, CHARLIE = "jane@world.example", "charlie@other.example"
PAGE_KEYS = {"id", "handle", "display_name", "bio", "profile_image", "banner_image"}
ME_KEYS = PAGE_KEYS | {
    "is_public", "email", "email_verified", "pending_email", "locale", "timezone", "has_password",
    "totp_enabled", "created_at", "updated_at",
}  # fmt: skip
DAY = 24 * 3600
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def said(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def register(world: World, email: str = JANE, handle: str = "jane_doe", **more: Any) -> TestResponse:
    body = {"email": email, "handle": handle, "display_name": "Jane", "password": PASSWORD}
    return world.call("v0.users.register", json={**body, **more})


def update(world: World, token: str, **changes: Any) -> TestResponse:
    return world.call("v0.users.update_me", token=token, json=changes)


def page(world: World, handle: str = "jane_doe") -> TestResponse:
    client = world.app.test_client()
    return client.get("/v0/users/profile", query_string={"handle": handle})


def reason(world: World, handle: str) -> str | None:
    body = world.done("v0.users.handle_available", path={"handle": handle})
    assert set(body) == {"handle", "available", "reason"}
    assert body["available"] is (body["reason"] is None)
    return None if body["reason"] is None else str(body["reason"])


def alter(world: World, **values: Any) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(**values))


@pytest.fixture
def token(world: World) -> str:
    """Return the token of Jane, who registered here and proved her address."""
    register(world)
    world.done("v0.auth.verify_email", json={"token": world.mailed_token()})
    return world.token("v0", JANE)


# ---- registration


def test_registering_answers_with_a_sentence_and_opens_no_session(world: World) -> None:
    answer = register(world, locale="en-GB", timezone="Europe/Berlin")
    assert answer.status_code == 202
    assert answer.get_json() == {"message": "Look into your mailbox to confirm your e-mail address."}
    assert "Set-Cookie" not in answer.headers
    assert [event.kind for event in world.trail()] == [AuditKind.USER_REGISTERED]
    me = world.done("v0.users.me", token=world.token("v0", JANE))
    assert (me["locale"], me["timezone"], me["email_verified"]) == ("en-GB", "Europe/Berlin", False)


def test_a_known_address_gets_the_same_answer_and_its_mailbox_a_notice(world: World) -> None:
    world.person(JANE)
    known, new = register(world), register(world, CHARLIE, "charlie")
    assert (known.status_code, known.data) == (new.status_code, new.data)
    world.keep_promises()
    assert {m.to for m in world.sent} == {JANE, CHARLIE}
    assert [m for m in world.sent if m.to == JANE and "token=" in m.text] == []
    assert page(world).status_code == 400


def test_the_handle_named_with_a_known_address_is_held_back_for_a_day(
    world: World, move_clock: Callable[[int], None]
) -> None:
    world.person(JANE)
    register(world)
    assert reason(world, "jane_doe") == "taken"
    assert said(register(world, CHARLIE)) == (409, "user:handle_taken")
    move_clock(DAY + 1)
    assert reason(world, "jane_doe") is None
    assert register(world, CHARLIE).status_code == 202


@pytest.mark.parametrize("handle", ["jane_doe", "JANE_DOE", "admin", "root"])
def test_a_handle_is_had_once_whatever_its_case(world: World, handle: str) -> None:
    register(world)
    assert said(register(world, CHARLIE, handle)) == (409, "user:handle_taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("handle", "abc"),
        ("handle", "a" * 16),
        ("handle", "1abc"),
        ("handle", "with-dash"),
        ("handle", "münchen"),
        ("display_name", "   "),
        ("display_name", "x" * 51),
        ("display_name", "a\nb"),
        ("password", "short"),
        ("locale", "xx-YY"),
        ("timezone", "Mars/Base"),
        ("is_admin", True),
    ],
)
def test_a_field_at_fault_is_named(world: World, field: str, value: Any) -> None:
    assert said(register(world, **{field: value})) == (400, f"validation:{field}")
    assert world.sent == []


def test_registration_may_be_closed(world: World) -> None:
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(key="auth.registration_open", value=False))
    assert said(register(world)) == (403, "auth:registration_closed")


def test_registrations_are_limited_for_one_address(world: World) -> None:
    for number in range(5):
        assert register(world, handle=f"jane_{number}").status_code == 202
    assert said(register(world, handle="jane_six")) == (429, "rate_limit:exceeded")


# ---- the public page


def test_a_person_appears_once_the_address_is_proven(world: World) -> None:
    register(world)
    assert said(page(world)) == (400, "user:not_found")
    token = world.mailed_token()
    world.done("v0.auth.verify_email", json={"token": token})
    body = page(world, "Jane_Doe").get_json()
    assert set(body) == PAGE_KEYS
    assert (body["handle"], body["display_name"], body["bio"]) == ("jane_doe", "Jane", None)
    by_id = world.app.test_client().get("/v0/users/profile/id", query_string={"user_id": body["id"]})
    assert by_id.get_json() == body
    kinds = [event.kind for event in world.trail()]
    assert kinds.count(AuditKind.USER_JOINED) == 1


@pytest.mark.parametrize(
    "hidden",
    [{"is_public": False}, {"email_verified_at": None}, {"disabled_at": LONG_AGO}, {"handle": None}],
)
def test_who_is_hidden_looks_like_nobody(world: World, token: str, hidden: dict[str, Any]) -> None:
    uid = page(world).get_json()["id"]
    alter(world, **hidden)
    nobody = page(world, "nobody_here")
    assert said(page(world)) == said(nobody) == (400, "user:not_found")
    by_id = world.app.test_client().get("/v0/users/profile/id", query_string={"user_id": uid})
    assert by_id.data == nobody.data


def test_a_name_given_to_an_organization_is_not_shown_to_everybody(world: World) -> None:
    world.person(JANE)
    update(world, world.token("v0"), handle="quiet_one")
    assert page(world, "quiet_one").get_json()["display_name"] == "quiet_one"
    assert "Doe" not in page(world, "quiet_one").text


@pytest.mark.parametrize("handle", ["a\0b", "%", "jane' OR 1=1", "x" * 200])
def test_a_malformed_handle_is_nobodys(world: World, handle: str) -> None:
    assert page(world, handle).status_code == 400


def test_look_ups_name_what_is_missing(world: World) -> None:
    client = world.app.test_client()
    assert said(client.get("/v0/users/profile")) == (400, "validation:handle")
    assert said(client.get("/v0/users/profile/id?user_id=7")) == (400, "validation:user_id")


@pytest.mark.parametrize(
    ("handle", "expected"),
    [("jane_doe", "taken"), ("admin", "reserved"), ("no", "invalid"), ("free_one", None)],
)
def test_availability_says_why(world: World, handle: str, expected: str | None) -> None:
    register(world)
    assert reason(world, handle) == expected


# ---- oneself


def test_me_shows_everything_to_its_owner_alone(world: World, token: str) -> None:
    answer = world.call("v0.users.me", token=token)
    assert set(answer.get_json()) == ME_KEYS
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["email"] == JANE
    assert said(world.call("v0.users.me")) == (401, "auth:unauthenticated")


def test_a_person_of_another_dialect_has_no_handle_yet(world: World) -> None:
    world.person(JANE)
    body = world.done("v0.users.me", token=world.token("v0"))
    assert (body["handle"], body["has_password"], body["totp_enabled"]) == (None, True, False)


def test_what_is_sent_changes_and_the_rest_stays(world: World, token: str) -> None:
    body = update(world, token, display_name="Jane D.", bio="Builds bridges.").get_json()
    assert set(body) == ME_KEYS
    assert (body["display_name"], body["bio"], body["handle"]) == ("Jane D.", "Builds bridges.", "jane_doe")
    assert update(world, token, bio=None).get_json()["bio"] is None
    assert world.done("v0.users.me", token=token)["display_name"] == "Jane D."


def test_public_changes_and_preferences_are_different_events(world: World, token: str) -> None:
    before = len(world.trail())
    update(world, token, display_name="Jane D.")
    update(world, token, timezone="Europe/Berlin", is_public=False)
    update(world, token, timezone="Europe/Berlin")
    kinds = [event.kind for event in world.trail()[before:]]
    assert kinds == [AuditKind.USER_PROFILE_UPDATED, AuditKind.USER_PREFERENCES_UPDATED]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("handle", "no"), ("handle", None), ("display_name", ""), ("display_name", None), ("bio", "x" * 301),
        ("bio", 7), ("is_public", "yes"), ("locale", "xx"), ("timezone", "x"), ("email", CHARLIE),
        ("password", "x"), ("bio", "a\x07b"), ("bio", "a\u202eb"), ("display_name", "a\u202eb"),
    ],
)  # fmt: skip
def test_a_change_at_fault_is_named(world: World, token: str, field: str, value: Any) -> None:
    assert said(update(world, token, **{field: value})) == (400, f"validation:{field}")


def test_an_empty_change_is_malformed(world: World, token: str) -> None:
    assert said(update(world, token)) == (400, "request:malformed")


# ---- the handle


def test_a_handle_changes_twice_in_thirty_days(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    assert update(world, token, handle="Jane_Two").get_json()["handle"] == "jane_two"
    assert update(world, token, handle="jane_two").status_code == 200  # the same: no change
    assert update(world, token, handle="jane_three").status_code == 200
    answer = update(world, token, handle="jane_four")
    assert said(answer) == (429, "user:handle_change_limit")
    assert 29 * DAY < int(answer.headers["Retry-After"]) <= 30 * DAY + 1
    assert world.done("v0.users.me", token=token)["handle"] == "jane_three"
    move_clock(30 * DAY + 1)
    assert update(world, world.token("v0"), handle="jane_four").status_code == 200


def test_the_first_choice_is_no_change(world: World) -> None:
    world.person(JANE)
    token = world.token("v0")
    before = len(world.trail())
    for handle in ("first_one", "second_one", "third_one"):
        assert update(world, token, handle=handle).status_code == 200
    assert update(world, token, handle="fourth_one").status_code == 429
    kinds = [event.kind for event in world.trail()[before:]]
    assert kinds.count(AuditKind.USER_JOINED) == 1
    assert kinds.count(AuditKind.USER_HANDLE_CHANGED) == 3


def test_a_handle_given_up_is_held_for_ninety_days_but_for_its_owner(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    update(world, token, handle="jane_two")
    assert page(world, "jane_doe").status_code == 400
    assert reason(world, "jane_doe") == "taken"
    world.person(CHARLIE)
    charlie = world.token("v0", CHARLIE)
    assert said(update(world, charlie, handle="jane_doe")) == (409, "user:handle_taken")
    assert update(world, token, handle="jane_doe").status_code == 200
    assert reason(world, "jane_two") == "taken"
    move_clock(90 * DAY + 1)
    assert reason(world, "jane_two") is None


@pytest.mark.parametrize("handle", ["jane_doe", "support"])
def test_nobody_takes_a_handle_that_is_not_to_be_had(world: World, token: str, handle: str) -> None:
    world.person(CHARLIE)
    charlie = world.token("v0", CHARLIE)
    assert said(update(world, charlie, handle=handle)) == (409, "user:handle_taken")
    assert page(world).get_json()["handle"] == "jane_doe"
