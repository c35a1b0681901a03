"""platform_api's fields for the second factor, beside a password and beside a mailed code."""

import pytest
from werkzeug.test import TestResponse

from tests.support.authenticator import other_than
from tests.support.world import PASSWORD, World

JANE = "jane@world.example"
LOGIN, ASK, VERIFY = (
    "platform_api.auth.login",
    "platform_api.auth.otp_request",
    "platform_api.auth.otp_verify",
)
REQUIRED, INVALID = (401, "auth:two_factor_required"), (401, "two_factor:code_invalid")


@pytest.fixture
def jane(world: World) -> int:
    return world.person(JANE)


@pytest.fixture
def secret(world: World, jane: int) -> str:
    return world.authenticator(jane)


def said(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    assert set(body) == {"detail", "code"}
    return answer.status_code, body["code"]


def login(world: World, **more: object) -> TestResponse:
    return world.call(LOGIN, json={"email": JANE, "password": PASSWORD, **more})


def test_a_password_is_not_enough(world: World, secret: str) -> None:
    for _ in range(12):  # and no failure
        assert said(login(world)) == REQUIRED
        assert said(login(world, two_factor_code=" ")) == REQUIRED
    assert said(login(world, two_factor_code=other_than(world.totp(secret)))) == INVALID
    code = world.totp(secret)
    body = login(world, two_factor_code=f"{code[:3]} {code[3:]}").get_json()
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    me = world.done("platform_api.auth.me", token=body["access_token"])
    assert me["two_factor_enabled"] is True
    assert said(login(world, two_factor_code=code)) == INVALID


def test_a_backup_code_is_taken_too_and_its_owner_told(world: World, jane: int, secret: str) -> None:
    codes = world.recovery_codes(jane)
    assert login(world, two_factor_code=codes[0]).status_code == 200
    assert said(login(world, two_factor_code=codes[0])) == INVALID
    world.keep_promises()
    told = next(mail for mail in world.sent if mail.subject == "A backup code was used")
    assert "9" in told.text
    assert secret not in told.text


def test_without_a_factor_its_field_is_not_looked_at(world: World, jane: int) -> None:
    assert login(world, two_factor_code="123456").status_code == 200


def test_a_mailed_code_stays_good_while_the_factor_is_missing(world: World, jane: int, secret: str) -> None:
    world.unprove(jane)
    world.done(ASK, json={"email": JANE})
    body = {"email": JANE, "code": world.mailed_code()}
    for _ in range(6):  # more than the tries that a mailed code has
        assert said(world.call(VERIFY, json=body)) == REQUIRED
    opened = world.done(VERIFY, json={**body, "two_factor_code": world.totp(secret)})
    assert set(opened) == {"access_token", "token_type"}
    again = world.call(VERIFY, json={**body, "two_factor_code": world.totp(secret, 1)})
    assert said(again) == (401, "auth:otp_invalid")


def test_a_wrong_second_code_is_a_failure_of_the_mailed_one_too(world: World, secret: str) -> None:
    world.done(ASK, json={"email": JANE})
    body = {"email": JANE, "code": world.mailed_code()}
    wrong = {**body, "two_factor_code": other_than(world.totp(secret))}
    assert [said(world.call(VERIFY, json=wrong)) for _ in range(5)] == [INVALID] * 5
    right = {**body, "two_factor_code": world.totp(secret)}
    assert said(world.call(VERIFY, json=right)) == (401, "auth:otp_invalid")
