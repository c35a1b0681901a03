"""The second factor: set up, asked for, carried by recovery codes, switched off."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.tenants.models import Membership
from app.domains.twofactor.models import Authenticator, RecoveryCode
from app.surfaces.shared.transaction import transaction
from tests.support.authenticator import other_than
from tests.support.world import PASSWORD, World
from tests.surfaces.services_v1.conftest import CHARLIE, JANE, at_fault, refused

UPDATE = "services_v1.two_factor.authenticator_update"
VERIFY = "services_v1.two_factor.verify_code"
ADD = "services_v1.two_factor.validate_auth"
PROPOSE = "services_v1.two_factor.recovery_regenerate"
SAVE = "services_v1.two_factor.recovery_save"
PROVE = "services_v1.two_factor.security_verification"
AUTHENTICATE = "services_v1.auth.authenticate"
STEP = 30


def begun(world: World, token: str) -> Any:
    return world.done(UPDATE, token=token, json={"action": "begin"})["data"]


def switched_on(world: World, token: str) -> str:
    """Set an authenticator up and return its secret."""
    secret = str(begun(world, token)["secret"])
    world.done(VERIFY, token=token, json={"code": world.totp(secret)})
    return secret


def shown(world: World, token: str) -> Any:
    return world.done("services_v1.user.get", token=token)["data"]


def login_token(world: World) -> str:
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    assert step["next"] == "two_factor"
    assert step["two_factor"] == {"required": True, "methods": ["authenticator", "recovery_code"]}
    return str(step["login_token"])


def signed_in(world: World, **proof: str) -> str:
    body = world.done(AUTHENTICATE, json={"login_token": login_token(world), **proof})["data"]
    assert body["session"]["factors"] == 2
    return str(body["access_token"])


def mails(world: World) -> list[str]:
    world.keep_promises()
    return [mail.subject for mail in world.sent]


# ---- setting up


def test_a_set_up_shows_its_secret_once_and_waits_for_its_first_code(world: World, token: str) -> None:
    body = world.done(UPDATE, token=token, json={"action": "begin"})
    data = body["data"]
    keys = {"action", "secret", "otpauth_url", "qr_svg", "expires_in", "two_factor"}
    assert set(data) == keys
    assert (data["action"], data["expires_in"]) == ("begin", 900)
    assert data["two_factor"] == {"enabled": False, "pending": True}
    assert body["message"] == "Scan the code and confirm with the first number."
    address = urlsplit(data["otpauth_url"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert parse_qs(address.query)["secret"] == [data["secret"]]
    assert data["qr_svg"].startswith("<svg")
    assert data["secret"] not in world.call("services_v1.user.get", token=token).text
    two_factor = shown(world, token)["two_factor"]
    assert (two_factor["enabled"], two_factor["pending"]) == (False, True)
    assert begun(world, token)["secret"] != data["secret"]


def test_nothing_is_stored_that_could_be_read(world: World, token: str, jane: int) -> None:
    secret = switched_on(world, token)
    proposed = world.done(PROPOSE, token=token)["data"]
    with world.app.app_context():
        row = db.session.get_one(Authenticator, jane)
        hashes = db.session.scalars(sa.select(RecoveryCode.code_hash)).all()
    assert secret not in str(row.secret)
    assert not set(proposed["codes"]) & set(hashes)
    trail = " ".join(str(row.changes) for row in world.trail())
    assert not any(word in trail for word in (secret, *proposed["codes"], proposed["batch_token"]))


def test_the_first_code_switches_it_on_and_the_session_has_two_factors(
    world: World, token: str, jane: int
) -> None:
    other = world.token("services_v1", JANE)
    secret = str(begun(world, token)["secret"])
    assert world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"][
        "next"
    ] == ("authenticate")
    wrong = {"code": other_than(world.totp(secret))}
    refused(world.call(VERIFY, token=token, json=wrong), 422, "two_factor:code_invalid")
    body = world.done(VERIFY, token=token, json={"code": world.totp(secret)})
    assert set(body["data"]) == {"two_factor", "session", "next"}
    assert set(body["data"]["two_factor"]) == {"enabled", "enabled_at", "recovery_codes_remaining"}
    assert body["data"]["two_factor"]["enabled"] is True
    assert body["data"]["two_factor"]["recovery_codes_remaining"] == 0
    assert body["data"]["session"]["factors"] == 2
    assert body["data"]["next"] == "recovery_codes"
    assert body["message"] == "Two-factor authentication is on. Save your recovery codes next."
    assert shown(world, other)["session"]["factors"] == 1
    two_factor = shown(world, token)["two_factor"]
    assert two_factor == {
        "enabled": True,
        "enabled_at": body["data"]["two_factor"]["enabled_at"],
        "pending": False,
        "enforced": False,
        "recovery_codes_remaining": 0,
    }
    assert mails(world) == ["Two-factor authentication is on"]
    refused(world.call(VERIFY, token=token, json=wrong), 409, "two_factor:no_setup_pending")


def test_a_set_up_waits_a_quarter_of_an_hour(
    world: World, token: str, move_clock: Callable[[int], None]
) -> None:
    secret = str(begun(world, token)["secret"])
    move_clock(15 * 60 + 1)
    code = {"code": world.totp(secret)}
    refused(world.call(VERIFY, token=token, json=code), 409, "two_factor:no_setup_pending")


def test_a_set_up_can_be_dropped(world: World, token: str) -> None:
    refused(world.call(UPDATE, token=token, json={"action": "cancel"}), 409, "two_factor:no_setup_pending")
    secret = str(begun(world, token)["secret"])
    data = world.done(UPDATE, token=token, json={"action": "cancel"})["data"]
    assert data == {"action": "cancel", "two_factor": {"enabled": False, "pending": False}}
    code = {"code": world.totp(secret)}
    refused(world.call(VERIFY, token=token, json=code), 409, "two_factor:no_setup_pending")


def test_an_unproven_address_may_not(world: World, token: str, jane: int) -> None:
    world.unprove(jane)
    refused(world.call(UPDATE, token=token, json={"action": "begin"}), 403, "auth:email_unverified")


def test_a_stale_sign_in_steps_up_first(world: World, token: str, move_clock: Callable[[int], None]) -> None:
    move_clock(15 * 60 + 1)
    for action in ("begin", "disable"):
        refused(world.call(UPDATE, token=token, json={"action": action}), 403, "auth:step_up_required")
    refused(world.call(PROPOSE, token=token), 403, "auth:step_up_required")
    refused(world.call(SAVE, token=token, json={"batch_token": "rcb_x"}), 403, "auth:step_up_required")


def test_another_authenticator_takes_the_place_of_the_first_at_its_own_code(
    world: World, token: str, jane: int, move_clock: Callable[[int], None]
) -> None:
    old = switched_on(world, token)
    codes = world.recovery_codes(jane)
    second = begun(world, token)
    assert second["two_factor"] == {"enabled": True, "pending": True}
    move_clock(STEP)
    signed_in(world, code=world.totp(old))
    move_clock(STEP)
    body = world.done(VERIFY, token=token, json={"code": world.totp(second["secret"])})
    assert (body["data"]["next"], body["data"]["two_factor"]["recovery_codes_remaining"]) == (None, 10)
    assert body["message"] == "Your new authenticator is in use."
    move_clock(STEP)
    proof = {"login_token": login_token(world), "code": world.totp(old)}
    refused(world.call(AUTHENTICATE, json=proof), 422, "two_factor:code_invalid")
    signed_in(world, code=world.totp(second["secret"]))
    signed_in(world, method="recovery_code", code=codes[0])


@pytest.mark.parametrize("body", [{}, {"action": "on"}, {"action": None}, {"action": "begin", "more": 1}])
def test_an_action_is_one_of_three(world: World, token: str, body: dict[str, Any]) -> None:
    assert at_fault(world.call(UPDATE, token=token, json=body))


# ---- signing in


def test_a_sign_in_takes_a_code_of_either_kind_once(world: World, jane: int) -> None:
    secret, codes = world.authenticator(jane), world.recovery_codes(jane)
    code = world.totp(secret)
    signed_in(world, code=code)
    signed_in(world, method="recovery_code", code=codes[0].upper())
    step = login_token(world)
    for proof in (
        {"code": code},
        {"method": "recovery_code", "code": codes[0]},
        {"code": codes[1]},
        {"method": "recovery_code", "code": world.totp(secret, 1)},
    ):
        answer = world.call(AUTHENTICATE, json={"login_token": step, **proof})
        refused(answer, 422, "two_factor:code_invalid")
    refused(world.call(AUTHENTICATE, json={"login_token": step}), 401, "auth:two_factor_required")
    world.done(AUTHENTICATE, json={"login_token": step, "code": world.totp(secret, 1)})
    assert "backup code was used" in " ".join(mails(world)).lower()


def test_the_fifth_failure_ends_the_login_token(world: World, jane: int) -> None:
    secret = world.authenticator(jane)
    body = {"login_token": login_token(world)}
    wrong = other_than(world.totp(secret))
    for _ in range(5):
        refused(world.call(AUTHENTICATE, json={**body, "code": wrong}), 422, "two_factor:code_invalid")
    right = {**body, "code": world.totp(secret)}
    refused(world.call(AUTHENTICATE, json=right), 401, "auth:login_token_invalid")
    signed_in(world, code=world.totp(secret))


def test_a_login_token_from_before_the_factor_asks_for_it_too(world: World, jane: int) -> None:
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    assert step["next"] == "authenticate"
    secret = world.authenticator(jane)
    body = {"login_token": step["login_token"]}
    refused(world.call(AUTHENTICATE, json=body), 401, "auth:two_factor_required")
    world.done(AUTHENTICATE, json={**body, "code": world.totp(secret)})


def test_a_disabled_account_is_told_so_and_no_failure_is_counted(
    world: World, jane: int, change: Callable[..., None]
) -> None:
    secret = world.authenticator(jane)
    body = {"login_token": login_token(world), "code": world.totp(secret)}
    change(jane, disabled_at="now")
    for _ in range(6):
        refused(world.call(AUTHENTICATE, json=body), 403, "auth:account_disabled")
    change(jane, disabled_at=None)
    world.done(AUTHENTICATE, json=body)


# ---- in a session


def test_a_session_of_one_factor_is_raised_for_the_rest_of_its_life(
    world: World, token: str, jane: int, move_clock: Callable[[int], None]
) -> None:
    code = {"code": "000000"}
    refused(world.call(ADD, token=token, json=code), 409, "two_factor:not_enabled")
    secret, codes = world.authenticator(jane), world.recovery_codes(jane)
    refused(
        world.call(ADD, token=token, json={"code": other_than(world.totp(secret))}),
        422,
        "two_factor:code_invalid",
    )
    body = world.done(ADD, token=token, json={"code": world.totp(secret)})
    assert body["message"] == "Second factor accepted."
    assert set(body["data"]) == {"session", "recovery_codes_remaining"}
    assert set(body["data"]["session"]) == {"id", "factors", "two_factor_at"}
    assert body["data"]["session"]["factors"] == 2
    assert body["data"]["recovery_codes_remaining"] == 10
    again = world.done(ADD, token=token, json={"method": "recovery_code", "code": codes[0]})["data"]
    assert again["recovery_codes_remaining"] == 9
    assert again["session"]["two_factor_at"] == body["data"]["session"]["two_factor_at"]
    move_clock(15 * 60 + 1)
    assert shown(world, token)["session"]["verified_until"] is None  # it is no step-up


def test_a_step_up_by_a_factor_raises_the_session_too(
    world: World, token: str, jane: int, move_clock: Callable[[int], None]
) -> None:
    secret, codes = world.authenticator(jane), world.recovery_codes(jane)
    move_clock(15 * 60 + 1)
    proof = {"method": "authenticator", "code": world.totp(secret)}
    data = world.done(PROVE, token=token, json=proof)["data"]
    assert data["allowed_methods"] == ["authenticator", "recovery_code"]
    assert data["session"]["factors"] == 2
    refused(world.call(PROVE, token=token, json=proof), 422, "two_factor:code_invalid")
    world.done(PROVE, token=token, json={"method": "recovery_code", "code": codes[0]})


def test_five_wrong_codes_of_any_call_shut_all_of_them(world: World, token: str, jane: int) -> None:
    secret = world.authenticator(jane)
    wrong = other_than(world.totp(secret))
    for call, body in (
        (ADD, {"code": wrong}),
        (PROVE, {"method": "authenticator", "code": wrong}),
        (ADD, {"method": "recovery_code", "code": "aaaaaaaa"}),
        (PROVE, {"method": "recovery_code", "code": "aaaaaaaa"}),
        (ADD, {"code": wrong}),
    ):
        refused(world.call(call, token=token, json=body), 422, "two_factor:code_invalid")
    right = world.totp(secret)
    for call, body in ((ADD, {"code": right}), (PROVE, {"method": "authenticator", "code": right})):
        refused(world.call(call, token=token, json=body), 429, "rate:limited")
    signed_in(world, code=right)  # a new sign-in is not shut


# ---- recovery codes


def test_recovery_codes_are_in_force_when_saved(world: World, token: str, jane: int) -> None:
    refused(world.call(PROPOSE, token=token), 409, "two_factor:not_enabled")
    refused(world.call(SAVE, token=token, json={"batch_token": "rcb_x"}), 409, "two_factor:not_enabled")
    switched_on(world, token)
    old = world.recovery_codes(jane)
    body = world.done(PROPOSE, token=token)
    data = body["data"]
    assert set(data) == {"codes", "batch_token", "expires_in"}
    assert (len(set(data["codes"])), data["expires_in"]) == (10, 900)
    assert {len(code) for code in data["codes"]} == {8}
    assert data["batch_token"].startswith("rcb_")
    assert body["message"] == "Store these codes, then save them."
    proof = {"login_token": login_token(world), "method": "recovery_code"}
    refused(
        world.call(AUTHENTICATE, json={**proof, "code": data["codes"][0]}), 422, "two_factor:code_invalid"
    )
    signed_in(world, method="recovery_code", code=old[0])
    saved = world.done(SAVE, token=token, json={"batch_token": data["batch_token"]})
    assert set(saved["data"]) == {"recovery_codes_remaining", "saved_at"}
    assert (saved["data"]["recovery_codes_remaining"], saved["message"]) == (10, "Recovery codes saved.")
    refused(world.call(AUTHENTICATE, json={**proof, "code": old[1]}), 422, "two_factor:code_invalid")
    signed_in(world, method="recovery_code", code=data["codes"][0])
    assert shown(world, token)["two_factor"]["recovery_codes_remaining"] == 9
    again = world.call(SAVE, token=token, json={"batch_token": data["batch_token"]})
    refused(again, 422, "two_factor:batch_invalid")
    assert "You have new backup codes" in mails(world)


def test_a_new_proposal_drops_the_one_before_and_each_runs_out(
    world: World, token: str, jane: int, move_clock: Callable[[int], None]
) -> None:
    switched_on(world, token)
    first, second = (world.done(PROPOSE, token=token)["data"]["batch_token"] for _ in range(2))
    refused(world.call(SAVE, token=token, json={"batch_token": first}), 422, "two_factor:batch_invalid")
    charlie = world.person(CHARLIE)
    strangers = world.token("services_v1", CHARLIE)
    secret = world.authenticator(charlie)
    world.done(ADD, token=strangers, json={"code": world.totp(secret)})
    refused(world.call(SAVE, token=strangers, json={"batch_token": second}), 422, "two_factor:batch_invalid")
    move_clock(15 * 60)
    codes = world.recovery_codes(jane)  # which also ends what was proposed
    world.done(PROVE, token=token, json={"method": "recovery_code", "code": codes[0]})
    refused(world.call(SAVE, token=token, json={"batch_token": second}), 422, "two_factor:batch_invalid")


# ---- switching off


def test_switching_off_takes_secret_and_recovery_codes_with_it(
    world: World, token: str, jane: int, move_clock: Callable[[int], None]
) -> None:
    refused(world.call(UPDATE, token=token, json={"action": "disable"}), 409, "two_factor:not_enabled")
    secret = switched_on(world, token)
    codes = world.recovery_codes(jane)
    data = world.done(UPDATE, token=token, json={"action": "disable"})["data"]
    assert data == {"action": "disable", "two_factor": {"enabled": False, "pending": False}}
    assert mails(world)[-1] == "Two-factor authentication is off"
    two_factor = shown(world, token)["two_factor"]
    assert (two_factor["enabled"], two_factor["recovery_codes_remaining"]) == (False, 0)
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    assert step["next"] == "authenticate"
    move_clock(STEP)
    switched_on(world, token)
    proof = {"login_token": login_token(world)}
    for method, code in (("authenticator", world.totp(secret)), ("recovery_code", codes[0])):
        answer = world.call(AUTHENTICATE, json={**proof, "method": method, "code": code})
        refused(answer, 422, "two_factor:code_invalid")


def test_an_organization_that_demands_it_keeps_it_on(
    world: World, token: str, jane: int, setting: Callable[[str, Any], None]
) -> None:
    switched_on(world, token)
    world.organization(jane)
    setting("auth.mfa_enforced", True)
    assert shown(world, token)["two_factor"]["enforced"] is True
    refused(world.call(UPDATE, token=token, json={"action": "disable"}), 409, "two_factor:enforced")
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Membership).values(status="inactive"))
    world.done(UPDATE, token=token, json={"action": "disable"})


def test_one_factor_neither_replaces_nor_disables_nor_makes_codes(
    world: World, token: str, jane: int
) -> None:
    secret = world.authenticator(jane)
    for action in ("begin", "disable"):
        refused(world.call(UPDATE, token=token, json={"action": action}), 403, "auth:step_up_required")
    refused(world.call(PROPOSE, token=token), 403, "auth:step_up_required")
    world.done(ADD, token=token, json={"code": world.totp(secret)})
    begun(world, token)


def test_ten_changes_an_hour(world: World, token: str) -> None:
    for _ in range(10):
        begun(world, token)
    refused(world.call(UPDATE, token=token, json={"action": "begin"}), 429, "rate:limited")
