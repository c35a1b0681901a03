"""Signing up with a mailed code."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.world import PASSWORD, World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

NEW = "nia@world.example"
STARTED = {"email", "verification_token", "otp", "resend_in"}


def account(**more: Any) -> dict[str, Any]:
    return {
        "email": NEW,
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
        "first_name": "Nia",
        "last_name": "New",
        "accept_policies": True,
        **more,
    }


def sign_up(world: World, **more: Any) -> str:
    body = world.done("services_v1.auth.create_account", json=account(**more))
    return str(body["data"]["verification_token"])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_new_person_gets_a_code_and_is_told_what_to_do_with_it(world: World) -> None:
    answer = world.call(
        "services_v1.auth.create_account", json=account(language="de-CH", timezone="Europe/Berlin")
    )
    body = answer.get_json()
    assert answer.status_code == 202
    assert set(body) == {"data", "message"}
    assert set(body["data"]) == STARTED
    assert body["data"]["email"] == NEW
    assert body["data"]["otp"] == {"length": 6, "expires_in": 600, "tries": 5}
    assert body["data"]["resend_in"] == 60
    assert body["data"]["verification_token"].startswith("evt_")
    assert len(world.mailed_code()) == 6


def test_the_code_proves_the_address_and_leads_to_a_session(world: World) -> None:
    token = sign_up(world)
    body = {"email": NEW, "otp": world.mailed_code(), "verification_token": token}
    proven = world.done("services_v1.auth.verify_email_otp", json=body)
    assert set(proven["data"]) == {"email", "email_verified_at", "next", "login_token", "expires_in"}
    assert proven["data"]["next"] == "authenticate"
    assert proven["data"]["expires_in"] == 600
    opened = world.done("services_v1.auth.authenticate", json={"login_token": proven["data"]["login_token"]})
    person = world.done("services_v1.user.get", token=opened["data"]["access_token"])["data"]
    assert person["email_verified_at"] == proven["data"]["email_verified_at"]
    assert [p["must_accept"] for p in person["policies"]] == [False, False]
    refused(world.call("services_v1.auth.verify_email_otp", json=body), 422, "auth:otp_invalid")


def test_a_known_address_is_answered_like_a_new_one_and_told_by_mail(world: World, jane: int) -> None:
    new = world.call("services_v1.auth.create_account", json=account())
    known = world.call("services_v1.auth.create_account", json=account(email=JANE))
    assert known.status_code == new.status_code
    assert set(known.get_json()["data"]) == set(new.get_json()["data"])
    assert known.get_json()["message"] == new.get_json()["message"]
    world.keep_promises()
    to_jane = [message for message in world.sent if message.to == JANE]
    assert [message.subject for message in to_jane] == ["You have an account with Steering already"]
    assert world.token("services_v1", JANE)


def test_a_sign_up_of_an_unproven_address_takes_over_only_when_its_own_code_comes_back(world: World) -> None:
    first = sign_up(world, password="planted by a stranger", password_confirmation="planted by a stranger")
    old_code = world.mailed_code()
    second = sign_up(world)
    code = world.mailed_code()
    body = {"email": NEW, "verification_token": first, "otp": old_code}
    refused(world.call("services_v1.auth.verify_email_otp", json=body), 422, "auth:otp_invalid")
    refused(
        world.call("services_v1.auth.verify_email_otp", json={**body, "otp": code}), 422, "auth:otp_invalid"
    )
    world.done("services_v1.auth.verify_email_otp", json={**body, "verification_token": second, "otp": code})
    planted = {"email": NEW, "password": "planted by a stranger"}
    refused(world.call("services_v1.auth.login", json=planted), 401, "auth:invalid_credentials")
    assert world.token("services_v1", NEW)


def test_wrong_codes_and_unknown_addresses_are_answered_alike(world: World) -> None:
    token = sign_up(world)
    body = {"email": NEW, "otp": wrong(world.mailed_code()), "verification_token": token}
    bad = refused(world.call("services_v1.auth.verify_email_otp", json=body), 422, "auth:otp_invalid")
    nobody = {**body, "email": "nobody@world.example"}
    assert (
        refused(world.call("services_v1.auth.verify_email_otp", json=nobody), 422, "auth:otp_invalid") == bad
    )


def test_after_five_wrong_codes_the_right_one_has_to_wait(world: World) -> None:
    token = sign_up(world)
    code = world.mailed_code()
    body = {"email": NEW, "otp": wrong(code), "verification_token": token}
    for _ in range(5):
        refused(world.call("services_v1.auth.verify_email_otp", json=body), 422, "auth:otp_invalid")
    answer = world.call("services_v1.auth.verify_email_otp", json={**body, "otp": code})
    refused(answer, 429, "rate:limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_code_dies_after_ten_minutes(world: World, move_clock: Callable[[int], None]) -> None:
    token = sign_up(world)
    body = {"email": NEW, "otp": world.mailed_code(), "verification_token": token}
    move_clock(601)
    refused(world.call("services_v1.auth.verify_email_otp", json=body), 422, "auth:otp_invalid")


def test_a_resent_code_ends_the_one_before(world: World) -> None:
    token = sign_up(world)
    old = world.mailed_code()
    body = {"email": NEW, "verification_token": token}
    sent = world.done("services_v1.auth.resend_email_otp", json=body)
    assert set(sent["data"]) == {"email", "otp", "resend_in"}
    new = world.mailed_code()
    if new != old:
        late = world.call("services_v1.auth.verify_email_otp", json={**body, "otp": old})
        refused(late, 422, "auth:otp_invalid")
    world.done("services_v1.auth.verify_email_otp", json={**body, "otp": new})


def test_resending_to_nobody_looks_the_same_and_sends_nothing(world: World) -> None:
    token = sign_up(world)
    known = world.done("services_v1.auth.resend_email_otp", json={"email": NEW, "verification_token": token})
    world.keep_promises()
    before = len(world.sent)
    body = {"email": "nobody@world.example", "verification_token": "evt_nothing"}
    unknown = world.done("services_v1.auth.resend_email_otp", json=body)
    assert unknown["message"] == known["message"]
    assert unknown["data"] == {**known["data"], "email": "nobody@world.example"}
    world.keep_promises()
    assert len(world.sent) == before


def test_a_mailbox_gets_five_codes_in_half_an_hour(world: World) -> None:
    body = {"email": NEW, "verification_token": sign_up(world)}
    for _ in range(5):
        world.done("services_v1.auth.resend_email_otp", json=body)
    refused(world.call("services_v1.auth.resend_email_otp", json=body), 429, "rate:limited")


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"email": "no address"}, {"email"}),
        ({"email": "a\0b@world.example"}, {"email"}),
        ({"email": ["nia@world.example"]}, {"email"}),
        ({"password": "short", "password_confirmation": "short"}, {"password"}),
        ({"password": "1234567890", "password_confirmation": "1234567890"}, {"password"}),
        ({"password_confirmation": "something else"}, {"password_confirmation"}),
        ({"password": True}, {"password"}),
        (
            {"password": "x" * 10_000, "password_confirmation": "x" * 10_000},
            {"password", "password_confirmation"},
        ),
        ({"first_name": " "}, {"first_name"}),
        ({"last_name": "Nia\nBcc: all"}, {"last_name"}),
        ({"accept_policies": False}, {"accept_policies"}),
        ({"accept_policies": "true"}, {"accept_policies"}),
        ({"accept_policies": 1}, {"accept_policies"}),
        ({"language": "tlh"}, {"language"}),
        ({"language": "de-ch"}, {"language"}),
        ({"timezone": "Mars/Olympus"}, {"timezone"}),
        ({"is_platform_admin": True}, {"is_platform_admin"}),
    ],
)
def test_a_sign_up_with_a_wrong_field_is_refused_by_its_name(
    world: World, more: Any, fields: set[str]
) -> None:
    assert at_fault(world.call("services_v1.auth.create_account", json=account(**more))) == fields


def test_a_closed_instance_takes_no_sign_up(world: World, setting: Callable[[str, Any], None]) -> None:
    setting("auth.registration_open", False)
    answer = world.call("services_v1.auth.create_account", json=account())
    refused(answer, 403, "auth:registration_closed")


def test_one_address_is_signed_up_five_times_an_hour(world: World) -> None:
    for _ in range(5):
        sign_up(world)
    answer = world.call("services_v1.auth.create_account", json=account(email=NEW.upper()))
    refused(answer, 429, "rate:limited")


# ---- the link


def test_a_link_proves_the_address_once_and_a_newer_one_ends_it(world: World, jane: int) -> None:
    world.unprove(jane)
    world.done("services_v1.auth.send_verification_email", json={"email": JANE})
    old = world.mailed_token()
    sent = world.done("services_v1.auth.send_verification_email", json={"email": JANE})
    assert sent["data"] == {"expires_in": 86400}
    new = world.mailed_token()
    dead = refused(
        world.call("services_v1.auth.confirm_email", json={"token": old}),
        422,
        "auth:verification_token_invalid",
    )
    confirmed = world.done("services_v1.auth.confirm_email", json={"token": new})
    assert set(confirmed["data"]) == {"email", "email_verified_at"}
    for token in (new, "never given out"):
        answer = world.call("services_v1.auth.confirm_email", json={"token": token})
        assert refused(answer, 422, "auth:verification_token_invalid") == dead


def test_asking_for_a_link_tells_nothing_about_the_address(world: World, jane: int) -> None:
    proven = world.call("services_v1.auth.send_verification_email", json={"email": JANE})
    unknown = world.call("services_v1.auth.send_verification_email", json={"email": "nobody@world.example"})
    assert proven.get_json() == unknown.get_json()
    world.keep_promises()
    assert world.sent == []


def test_the_signed_in_person_asks_for_a_link_of_their_own(world: World, jane: int, token: str) -> None:
    id_ = "services_v1.auth.send_verification_email_signed_in"
    refused(world.call(id_, token=token), 409, "auth:email_already_verified")
    world.unprove(jane)
    sent = world.done(id_, token=token)
    assert sent["data"] == {"email": JANE, "expires_in": 86400}
    world.done("services_v1.auth.confirm_email", json={"token": world.mailed_token()})


def test_links_are_counted_by_address_whoever_asks(world: World, jane: int, token: str) -> None:
    world.unprove(jane)
    for _ in range(5):
        world.done("services_v1.auth.send_verification_email", json={"email": JANE})
    answer = world.call("services_v1.auth.send_verification_email_signed_in", token=token)
    refused(answer, 429, "rate:limited")


def test_correcting_a_field_uses_up_no_sign_up(world: World) -> None:
    for weak in ("short", "1234567890", "password123", NEW, "short", "short"):
        bad = account(password=weak, password_confirmation=weak)
        assert at_fault(world.call("services_v1.auth.create_account", json=bad)) == {"password"}
    sign_up(world)
