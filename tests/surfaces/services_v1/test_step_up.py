"""Proving again, inside a session, who is at the keyboard."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.world import PASSWORD, World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

PROVE = "services_v1.two_factor.security_verification"
SEND = "services_v1.two_factor.email_code"


def until(world: World, token: str) -> Any:
    return world.done("services_v1.user.get", token=token)["data"]["session"]["verified_until"]


def test_the_password_opens_sensitive_calls_for_a_quarter_of_an_hour(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    move_clock(15 * 60 + 1)
    assert until(world, token) is None
    body = world.done(PROVE, token=token, json={"method": "password", "password": PASSWORD})
    assert body["message"] == "Verified for 15 minutes."
    assert set(body["data"]) == {"method", "verified_until", "allowed_methods", "session"}
    assert body["data"]["allowed_methods"] == ["password", "email_code"]
    assert set(body["data"]["session"]) == {"id", "factors"}
    assert until(world, token) == body["data"]["verified_until"]
    move_clock(15 * 60 + 1)
    assert until(world, token) is None


def test_a_mailed_code_counts_once_and_in_its_own_session_only(world: World, token: str) -> None:
    other = world.token("services_v1", JANE)
    sent = world.done(SEND, token=token)
    assert sent["data"] == {"sent_to": "j***@world.example", "length": 6, "expires_in": 600, "tries": 5}
    body = {"method": "email_code", "code": world.mailed_code()}
    refused(world.call(PROVE, token=other, json=body), 422, "auth:otp_invalid")
    world.done(PROVE, token=token, json=body)
    refused(world.call(PROVE, token=token, json=body), 422, "auth:otp_invalid")


def test_a_step_up_of_one_session_does_not_open_another(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    other = world.token("services_v1", JANE)
    move_clock(15 * 60 + 1)
    world.done(PROVE, token=token, json={"method": "password", "password": PASSWORD})
    assert until(world, other) is None


def test_a_sign_up_code_is_no_security_code(world: World, jane: int, token: str) -> None:
    world.unprove(jane)
    world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})
    body = {"method": "email_code", "code": world.mailed_code()}
    refused(world.call(PROVE, token=token, json=body), 422, "auth:otp_invalid")


def test_wrong_proofs_are_kept_in_the_trail_and_five_shut_the_way(world: World, token: str) -> None:
    wrong = {"method": "password", "password": "not the password"}
    for _ in range(4):
        refused(world.call(PROVE, token=token, json=wrong), 422, "auth:current_password_wrong")
    code = {"method": "email_code", "code": "000000"}
    refused(world.call(PROVE, token=token, json=code), 422, "auth:otp_invalid")
    right = {"method": "password", "password": PASSWORD}
    refused(world.call(PROVE, token=token, json=right), 429, "rate:limited")
    failed = [row for row in world.trail() if row.kind == "session.step_up_failed"]
    assert [row.changes["method"] for row in failed] == ["password"] * 4 + ["email_code"]
    assert not any(row.ok for row in failed)


@pytest.mark.parametrize("method", ["authenticator", "recovery_code"])
def test_a_second_factor_that_is_not_on_proves_nothing(world: World, token: str, method: str) -> None:
    for _ in range(6):
        answer = world.call(PROVE, token=token, json={"method": method, "code": "000000"})
        refused(answer, 422, "two_factor:method_not_allowed")


def test_with_a_second_factor_on_password_and_mailbox_prove_nothing(
    world: World, jane: int, token: str, change: Callable[..., None]
) -> None:
    change(jane, two_factor_enabled_at="now")
    for body in ({"method": "password", "password": PASSWORD}, {"method": "email_code", "code": "000000"}):
        refused(world.call(PROVE, token=token, json=body), 422, "two_factor:method_not_allowed")
    refused(world.call(SEND, token=token), 409, "two_factor:authenticator_in_use")


def test_who_has_no_password_proves_themselves_by_mail(
    world: World, jane: int, token: str, change: Callable[..., None]
) -> None:
    change(jane, password_hash=None)
    body = {"method": "password", "password": PASSWORD}
    refused(world.call(PROVE, token=token, json=body), 422, "two_factor:method_not_allowed")
    world.done(SEND, token=token)
    proven = world.done(PROVE, token=token, json={"method": "email_code", "code": world.mailed_code()})
    assert proven["data"]["allowed_methods"] == ["email_code"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"method": "password"}, "password"),
        ({"method": "email_code"}, "code"),
        ({"method": "voice"}, "method"),
        ({}, "method"),
    ],
)
def test_what_a_method_needs_is_asked_for(world: World, token: str, body: Any, field: str) -> None:
    assert at_fault(world.call(PROVE, token=token, json=body)) == {field}


def test_a_person_gets_five_security_codes_in_half_an_hour(world: World, token: str) -> None:
    for _ in range(5):
        world.done(SEND, token=token)
    refused(world.call(SEND, token=token), 429, "rate:limited")
