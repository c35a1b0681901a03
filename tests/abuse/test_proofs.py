"""The second factor under attack from within a session: B08, C08, C09, C11, C14."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from app.core.access import Origin
from app.domains.sessions.identify import Credential, identify
from app.domains.sessions.operations import StepUpRequired
from app.domains.twofactor import authenticators, passkeys, recovery_codes
from app.surfaces.shared.transaction import transaction
from tests.abuse.factored import WAYS, Factor, factor_of
from tests.abuse.ways import CHANGES, JANE, MES, unlimited
from tests.architecture.test_strangers import address
from tests.contract.endpoints import BY_CALL, routes
from tests.support.authenticator import other_than
from tests.support.calls import code_of
from tests.support.world import BROWSER, PASSWORD, World

MoveClock = Callable[[int], None]
STALE = 15 * 60 + 1
UPDATE = "services_v1.two_factor.authenticator_update"
PROPOSE, SAVE = "services_v1.two_factor.recovery_regenerate", "services_v1.two_factor.recovery_save"
ADD, PROVE = "services_v1.two_factor.validate_auth", "services_v1.two_factor.security_verification"
SETUP, ENABLE, DISABLE = "v0.totp.setup", "v0.totp.enable", "v0.totp.disable"
REGENERATE = "v0.totp.regenerate_backup_codes"
STEP_UP, BAD_CODE = (403, "auth:step_up_required"), (400, "totp:invalid_code")

WITHOUT_A_CODE: list[tuple[str, Any]] = [
    (UPDATE, {"action": "begin"}),
    (UPDATE, {"action": "disable"}),
    (PROPOSE, None),
    (SAVE, {"batch_token": "rcb_guessed"}),
    (SETUP, {}),
    (SETUP, {"password": PASSWORD}),
]
"""What changes the factor, called with what a thief of a session may have: at most the password."""


def said(endpoint_id: str, answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, code_of(endpoint_id.partition(".")[0], answer.get_json())


def intact(world: World, factor: Factor) -> None:
    """Check that the factor is still what it was."""
    unlimited(world)
    assert WAYS["api_v1"].sign_in(world, factor.codes[-1]).status_code == 200
    assert WAYS["platform_api"].sign_in(world, factor.now(1)).status_code == 200


# ---- C11


@pytest.mark.parametrize("dialect", [*MES])
def test_c11_a_stolen_session_of_one_factor_cannot_touch_the_other(town: World, dialect: str) -> None:
    stolen = town.token(dialect)
    factor = factor_of(town)  # switched on after that sign-in, which is still fresh
    for endpoint_id, body in WITHOUT_A_CODE:
        answer = town.call(endpoint_id, token=stolen, json=body)
        assert said(endpoint_id, answer) == STEP_UP, (endpoint_id, body)
    intact(town, factor)


def test_c11_a_call_that_was_let_in_before_the_factor_was_on_does_not_replace_it(town: World) -> None:
    with town.app.app_context():
        shown = Credential(town.token("platform_api"), "bearer")
        thief = identify(shown, Origin(ip="192.0.2.7", dialect="platform_api")).actor
    factor = factor_of(town)  # while the call was on its way
    with town.app.app_context():
        for change in (authenticators.begin, authenticators.disable, passkeys.begin, recovery_codes.propose):
            with pytest.raises(StepUpRequired), transaction():
                change(thief)
    intact(town, factor)


@pytest.mark.parametrize("dialect", ["api_v1", "platform_api", "mailed code"])
def test_c11_a_stolen_session_that_is_stale_cannot_touch_the_factor(
    town: World, dialect: str, move_clock: MoveClock
) -> None:
    factor = factor_of(town)
    body = WAYS[dialect].sign_in(town, factor.codes[0]).get_json()
    stolen = body["data"]["accessToken"] if dialect == "api_v1" else body["access_token"]
    move_clock(14 * 60 + 59 if dialect == "api_v1" else STALE)
    if dialect == "api_v1":  # whose access token dies with the freshness of its sign-in
        fresh = {"refreshToken": body["data"]["refreshToken"]}
        stolen = town.done("api_v1.auth.refresh", json=fresh)["data"]["accessToken"]
        move_clock(2)
    for endpoint_id, sent in WITHOUT_A_CODE:
        answer = town.call(endpoint_id, token=stolen, json=sent)
        assert said(endpoint_id, answer) == STEP_UP, (endpoint_id, sent)
    intact(town, factor)


def test_c11_a_clock_that_was_ahead_leaves_no_proof_that_lasts(town: World, move_clock: MoveClock) -> None:
    move_clock(24 * 3600)
    stolen = town.token("platform_api")
    move_clock(-24 * 3600)
    for endpoint_id, body in [(UPDATE, {"action": "begin"}), (SETUP, {})]:
        assert said(endpoint_id, town.call(endpoint_id, token=stolen, json=body)) == STEP_UP


def test_c11_v0_asks_for_a_code_and_for_freshness(town: World, move_clock: MoveClock) -> None:
    factor = factor_of(town)
    opened = WAYS["platform_api"].sign_in(town, factor.codes[0]).get_json()
    stolen = opened["access_token"]
    for endpoint_id in (DISABLE, REGENERATE):
        for nothing in ({}, {"code": ""}, {"code": None}):
            answer = town.call(endpoint_id, token=stolen, json=nothing)
            assert said(endpoint_id, answer) == (400, "validation:code")
        guess = town.call(endpoint_id, token=stolen, json={"code": other_than(factor.now())})
        assert said(endpoint_id, guess) == BAD_CODE
    move_clock(STALE)
    answer = town.call(DISABLE, token=stolen, json={"code": factor.now()})
    assert said(DISABLE, answer) == STEP_UP
    answer = town.call(DISABLE, token=stolen, json={"code": factor.now(), "password": "not the password"})
    assert said(DISABLE, answer) == (400, "auth:current_password_wrong")
    intact(town, factor)


def test_c11_a_known_password_buys_no_more_tries_at_the_factor(town: World) -> None:
    """A right password between two guesses must not wipe what was counted."""
    stolen = town.token("v0")
    factor = factor_of(town)
    wrong = {"code": other_than(factor.now()), "password": PASSWORD}
    answers = [said(DISABLE, town.call(DISABLE, token=stolen, json=wrong)) for _ in range(5)]
    assert answers == [BAD_CODE] * 5
    right = {"code": factor.now(), "password": PASSWORD}
    assert town.call(DISABLE, token=stolen, json=right).status_code == 429
    for change in CHANGES.values():
        if change.dialect != "api_v1":  # which wants a token of an organization
            assert town.call(change.id, token=stolen, json=change.body()).status_code == 429
    intact(town, factor)


def test_c11_an_api_token_cannot_touch_the_factor(town: World) -> None:
    bearer = town.token("services_v1")
    (tenant,) = town.done("services_v1.user.get", token=bearer)["data"]["tenants"]
    made = {"name": "Stolen", "tenant_id": tenant["id"], "scopes": ["read", "write"]}
    made |= {"environment": "prod"}
    answer = town.call("services_v1.api_tokens.create", token=bearer, json=made)
    assert answer.status_code < 300, answer.text
    stolen = answer.get_json()["data"]["token"]
    for endpoint_id, body in (
        *WITHOUT_A_CODE,
        (ADD, {"code": "123456"}),
        (PROVE, {"method": "password", "password": PASSWORD}),
        (ENABLE, {"code": "123456"}),
        (DISABLE, {"code": "123456"}),
        (REGENERATE, {"code": "123456"}),
        ("services_v1.two_factor.verify_code", {"code": "123456"}),
        ("services_v1.two_factor.email_code", None),
    ):
        answer = town.call(endpoint_id, token=stolen, json=body)
        assert said(endpoint_id, answer) == (403, "auth:interactive_session_required"), endpoint_id


# ---- C14


def secret_of(world: World, token: str, endpoint_id: str) -> str:
    body = world.done(endpoint_id, token=token, json={"action": "begin"} if endpoint_id == UPDATE else {})
    found = body["data"]["otpauth_url"] if endpoint_id == UPDATE else body["qr_code_uri"]
    return parse_qs(urlsplit(found).query)["secret"][0]


@pytest.mark.parametrize("begin", [UPDATE, SETUP])
def test_c14_a_second_set_up_shows_nothing_of_the_first(
    town: World, begin: str, move_clock: MoveClock
) -> None:
    factor = factor_of(town)
    strong = WAYS["platform_api"].sign_in(town, factor.now()).get_json()["access_token"]
    secrets = [secret_of(town, strong, begin) for _ in range(2)]
    assert len({factor.secret, *secrets}) == 3
    move_clock(30)
    old_code = town.call(ENABLE, token=strong, json={"code": factor.now()})
    assert said(ENABLE, old_code) == BAD_CODE
    dropped = town.call(ENABLE, token=strong, json={"code": town.totp(secrets[0])})
    assert said(ENABLE, dropped) == BAD_CODE
    assert WAYS["api_v1"].sign_in(town, factor.now()).status_code == 200  # in force until then
    town.done(ENABLE, token=strong, json={"code": town.totp(secrets[1])})
    move_clock(30)
    assert WAYS["api_v1"].sign_in(town, factor.now()).status_code == 401
    assert WAYS["api_v1"].sign_in(town, town.totp(secrets[1])).status_code == 200


def test_c09_c14_no_get_shows_a_secret_or_a_recovery_code_again(town: World) -> None:
    factor = factor_of(town)
    person = WAYS["platform_api"].sign_in(town, factor.now()).get_json()["access_token"]
    scoped = WAYS["api_v1"].sign_in(town, factor.codes[0]).get_json()["data"]["accessToken"]
    pending = secret_of(town, person, UPDATE)
    proposed = town.done(PROPOSE, token=person)["data"]
    hidden = [factor.secret, pending, proposed["batch_token"], *factor.codes, *proposed["codes"]]
    read = 0
    for call, rule in routes(town.app).items():
        if call[0] != "GET" or "stream" in rule.rule:
            continue
        for token in (person, scoped):
            headers = {"User-Agent": BROWSER, "Authorization": f"Bearer {token}"}
            answer = town.app.test_client().get(address(rule), headers=headers)
            read += call in BY_CALL and answer.status_code == 200
            found = [word for word in hidden if word in answer.text or word in str(answer.headers)]
            assert found == [], call
    assert read > 20


# ---- C08


def test_c08_one_counter_for_all_proofs_within_sessions(town: World) -> None:
    sessions = [town.token(dialect) for dialect in ("services_v1", "v0", "platform_api")]
    factor = factor_of(town)
    wrong = other_than(factor.now())
    tries: list[tuple[str, Any]] = [
        (ADD, {"code": wrong}),
        (PROVE, {"method": "recovery_code", "code": "aaaabbbb"}),
        (DISABLE, {"code": wrong}),
        (REGENERATE, {"code": "aaaabbbb"}),
        (CHANGES["platform_api"].id, CHANGES["platform_api"].body(old="not the password")),
    ]
    for number, (endpoint_id, body) in enumerate(tries):
        answer = town.call(endpoint_id, token=sessions[number % 3], json=body)
        assert 400 <= answer.status_code < 429, (endpoint_id, answer.text)
    for session in sessions:
        for endpoint_id, body in (
            (ADD, {"code": factor.now()}),
            (PROVE, {"method": "recovery_code", "code": factor.codes[0]}),
            (DISABLE, {"code": factor.codes[0]}),
            (REGENERATE, {"code": factor.now()}),
            (CHANGES["v0"].id, CHANGES["v0"].body()),
        ):
            assert town.call(endpoint_id, token=session, json=body).status_code == 429, endpoint_id
    intact(town, factor)


# ---- B08


def test_b08_no_code_is_good_for_another_purpose(town: World) -> None:
    """Codes of the mailbox and of the authenticator, each where another is due."""
    session, other = town.token("services_v1"), town.token("services_v1")
    strangers = town.token("services_v1", "charlie@other.example")
    town.done("services_v1.two_factor.email_code", token=session)
    security = town.mailed_code()
    town.done("platform_api.auth.otp_request", json={"email": JANE})
    sign_in = town.mailed_code()
    otp = {"email": JANE, "code": security}
    assert town.call("platform_api.auth.otp_verify", json=otp).status_code == 401
    for bearer, code in ((session, sign_in), (other, security), (strangers, security)):
        proof = {"method": "email_code", "code": code}
        answer = town.call(PROVE, token=bearer, json=proof)
        assert said(PROVE, answer) == (422, "auth:otp_invalid")
    factor = factor_of(town)
    for way in WAYS.values():
        if not way.mailed:
            for code in (security, sign_in):
                assert way.said(way.sign_in(town, code)) == way.code_invalid
            unlimited(town)  # what was wrong so far is nearly enough to shut the door
    mailed = {"email": JANE, "code": factor.now(), "two_factor_code": factor.now()}
    assert town.call("platform_api.auth.otp_verify", json=mailed).status_code == 401
    swapped = {"email": JANE, "code": factor.now(), "two_factor_code": sign_in}
    assert town.call("platform_api.auth.otp_verify", json=swapped).status_code == 401
    twice = {"email": JANE, "code": sign_in, "two_factor_code": sign_in}
    assert town.call("platform_api.auth.otp_verify", json=twice).status_code == 401
    right = {"email": JANE, "code": sign_in, "two_factor_code": factor.now()}
    assert town.call("platform_api.auth.otp_verify", json=right).status_code == 200
