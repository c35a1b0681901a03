"""api_v1's passwords and proof of the address: forgotten, reset, changed, confirmed."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.world import PASSWORD, World

JANE, CHARLIE = "jane@world.example", "charlie@other.example"
NEW = "brand-new-password"


@pytest.fixture
def jane(world: World) -> int:
    """Jane owns World Corp; Charlie is a stranger with an organization of his own."""
    jane = world.person(JANE, verified=False)
    world.organization(jane)
    world.organization(world.person(CHARLIE), "other-corp")
    return jane


def forgot(world: World, email: str = JANE, slug: str = "world-corp") -> TestResponse:
    return world.call("api_v1.auth.password_forgot", json={"email": email, "tenantSlug": slug})


def reset(world: World, token: str, password: str = NEW) -> TestResponse:
    return world.call("api_v1.auth.password_reset", json={"token": token, "password": password})


def change(world: World, token: str, current: str = PASSWORD, new: str = NEW) -> TestResponse:
    body = {"currentPassword": current, "newPassword": new}
    return world.call("api_v1.auth.password_change", token=token, json=body)


def verify(world: World, token: str) -> TestResponse:
    return world.call("api_v1.auth.verify_email", path={"token": token})


def said(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.get_json()["error"]["code"]


# ---- forgotten


def test_a_member_gets_a_link_that_sets_a_new_password(world: World, jane: int) -> None:
    token = world.token("api_v1")
    assert forgot(world).get_json()["data"] == {
        "message": "If this address is known here, a link is on its way."
    }
    answer = reset(world, world.mailed_token())
    assert answer.get_json()["data"] == {
        "message": "Your password is changed. Sign in with it.",
        "sessionsRevoked": 1,
        "tenantSlug": "world-corp",
    }
    assert said(world.call("api_v1.auth.me", token=token)) == (401, "auth:unauthenticated")
    again = world.token("api_v1", password=NEW)
    assert world.done("api_v1.auth.me", token=again)["data"]["user"]["emailVerified"] is True


@pytest.mark.parametrize(
    ("email", "slug"),
    [("nobody@world.example", "world-corp"), (JANE, "other-corp"), (CHARLIE, "world-corp"), (JANE, "none")],
)
def test_nobody_else_gets_one_and_the_answer_is_the_same(
    world: World, jane: int, email: str, slug: str
) -> None:
    world.keep_promises()
    world.sent.clear()
    answer, usual = forgot(world, email, slug), forgot(world)
    world.keep_promises()
    assert answer.get_json() == usual.get_json()
    assert [message.to for message in world.sent] == [JANE]


def test_the_sixth_request_in_an_hour_is_refused_for_any_address(world: World, jane: int) -> None:
    for email in (JANE, "nobody@world.example"):
        for _ in range(5):
            assert forgot(world, email).status_code == 200
        answer = forgot(world, email)
        assert said(answer) == (429, "rate:limited")
        assert "Retry-After" in answer.headers


def test_a_reset_link_works_once_and_a_newer_one_ends_it(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    forgot(world)
    first = world.mailed_token()
    forgot(world)
    second = world.mailed_token()
    assert said(reset(world, first)) == (400, "auth:reset_token_invalid")
    assert said(reset(world, second, "short")) == (400, "validation")
    assert reset(world, second).status_code == 200
    assert said(reset(world, second, "another-password")) == (400, "auth:reset_token_invalid")
    forgot(world)
    third = world.mailed_token()
    move_clock(3601)
    assert said(reset(world, third)) == (400, "auth:reset_token_invalid")


# ---- changed


def test_a_change_ends_the_other_sign_ins_and_keeps_this_one(world: World, jane: int) -> None:
    here, there = world.token("api_v1"), world.token("api_v1")
    answer = change(world, here)
    assert answer.get_json()["data"] == {"changed": True, "otherSessionsRevoked": 1}
    assert world.call("api_v1.auth.me", token=here).status_code == 200
    assert world.call("api_v1.auth.me", token=there).status_code == 401
    assert world.token("api_v1", password=NEW)


def test_a_wrong_current_password_is_no_spent_token_and_is_counted(world: World, jane: int) -> None:
    token = world.token("api_v1")
    for _ in range(5):
        assert said(change(world, token, "wrong-password")) == (400, "auth:current_password_wrong")
    assert said(change(world, token)) == (429, "rate:limited")


@pytest.mark.parametrize("new", ["short", PASSWORD, JANE, "x" * 129])
def test_a_bad_new_password_is_named_as_it_was_sent(world: World, jane: int, new: str) -> None:
    answer = change(world, world.token("api_v1"), new=new)
    assert said(answer) == (400, "validation")
    assert list(answer.get_json()["error"]["details"]) == ["newPassword"]


# ---- confirmed


def test_a_link_confirms_and_says_so_when_it_is_opened_again(world: World) -> None:
    body = {
        "companyName": "Beta Ltd", "slug": "beta-ltd", "adminEmail": "eve@beta.example",
        "adminPassword": "eves-password", "adminFirstName": "Eve", "adminLastName": "Moss",
    }  # fmt: skip
    world.done("api_v1.tenants.register", json=body)
    token = world.mailed_token()
    expected = {"verified": True, "email": "eve@beta.example", "tenantSlug": "beta-ltd"}
    assert verify(world, token).get_json()["data"] == {**expected, "alreadyVerified": False}
    assert verify(world, token).get_json()["data"] == {**expected, "alreadyVerified": True}
    assert [event.kind for event in world.trail()].count("user.email_verified") == 1


@pytest.mark.parametrize("token", ["nonsense", "a" * 43, "x" * 2000])
def test_a_made_up_link_confirms_nothing(world: World, token: str) -> None:
    assert said(verify(world, token)) == (400, "auth:verification_token_invalid")


def test_guessing_links_is_limited(world: World) -> None:
    for _ in range(20):
        verify(world, "nonsense")
    assert said(verify(world, "nonsense")) == (429, "rate:limited")
