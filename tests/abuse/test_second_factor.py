"""The second factor under attack at the door: A11, C01, C02, C05, C06, C08, C09, C10, C13, D07."""

from collections.abc import Callable

import pytest

from app.core import clock
from tests.abuse.factored import (
    STEPS,
    TOKEN_INVALID,
    WAYS,
    Factor,
    FactoredWay,
    authenticate,
    factor_of,
    login_token,
    temp_token,
    verify,
)
from tests.abuse.ways import (
    CHANGES,
    CHARLIE,
    FORGETTINGS,
    JANE,
    LOGINS,
    MES,
    NEW_PASSWORD,
    RESETS,
    SLUG,
    Way,
    knock,
    signed_in,
    unlimited,
)
from tests.architecture.test_strangers import closed
from tests.architecture.test_strangers import knock as try_call
from tests.contract.endpoints import BY_CALL
from tests.support.authenticator import STEP, other_than
from tests.support.calls import code_of
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once

MoveClock = Callable[[int], None]
LOCK = 15 * 60 + 1
DAY = 24 * 3600

every_way = pytest.mark.parametrize("way", [*WAYS.values()], ids=[*WAYS])
every_two_steps = pytest.mark.parametrize("dialect", [*STEPS])


@pytest.fixture
def factor(town: World, move_clock: MoveClock) -> Factor:
    """Switch Jane's second factor on, at the beginning of a step, so that no test sees one end."""
    with town.app.app_context():
        into_step = int(clock.now().timestamp()) % STEP
    move_clock(STEP - into_step)
    return factor_of(town)


# ---- C01


def test_c01_what_comes_between_the_factors_opens_nothing(town: World, factor: Factor) -> None:
    tokens = [login_token(town), temp_token(town)]
    shown = [{"Authorization": f"Bearer {token}"} for token in tokens]
    shown += [{"Cookie": f"session_id={token}", "Origin": "http://localhost"} for token in tokens]
    tried = closed(town.app)
    assert len(tried) > 50
    for call, rule in tried.items():
        for headers in shown:
            answer = try_call(town.app, call, rule, headers)
            said = code_of(BY_CALL[call].dialect, answer.get_json())
            assert (answer.status_code, said) == (401, "auth:unauthenticated"), call
    for token in tokens:
        for refresh in ("api_v1.auth.refresh", "platform_api.auth.refresh"):
            field = "refreshToken" if refresh.startswith("api") else "refresh_token"
            assert town.call(refresh, json={field: token}).status_code == 401
        page = knock(town, "/account/sessions", headers={"Cookie": f"session_id={token}"})
        assert page.status_code == 303
    assert authenticate(town, tokens[0], factor.now()).status_code == 200


# ---- C02


@every_way
def test_c02_a_code_is_good_once_in_all_dialects_together(
    town: World, factor: Factor, way: FactoredWay
) -> None:
    code = factor.now()
    assert way.sign_in(town, code).status_code < 300
    for other in WAYS.values():
        assert other.said(other.sign_in(town, code)) == other.code_invalid


def test_c02_two_sign_ins_that_wait_for_a_code_do_not_share_it(town: World, factor: Factor) -> None:
    first, second, third = login_token(town), login_token(town), temp_token(town)
    code = factor.now()
    assert authenticate(town, first, code).status_code == 200
    assert authenticate(town, second, code).status_code == 422
    assert verify(town, third, code).status_code == 401
    session = town.done(  # nor does a session take what opened another
        "services_v1.auth.authenticate", json={"login_token": second, "code": factor.now(1)}
    )["data"]["access_token"]
    proof = {"method": "authenticator", "code": factor.now(1)}
    answer = town.call("services_v1.two_factor.security_verification", token=session, json=proof)
    assert answer.status_code == 422


# ---- C05


@every_way
def test_c05_one_step_of_drift_to_either_side(town: World, factor: Factor, way: FactoredWay) -> None:
    taken = []
    for steps in range(-3, 4):
        if way.mailed:
            unlimited(town)  # each try asks for a mail
        taken.append(way.sign_in(town, factor.now(steps)).status_code < 300)
    assert taken == [False, False, True, True, True, False, False]


@every_way
def test_c05_an_older_step_is_not_taken_after_a_newer_one(
    town: World, factor: Factor, way: FactoredWay
) -> None:
    assert way.sign_in(town, factor.now(1)).status_code < 300
    for steps in (0, -1):
        assert way.said(way.sign_in(town, factor.now(steps))) == way.code_invalid


@every_way
def test_c05_a_clock_that_was_ahead_shuts_nobody_out_for_as_long(
    town: World, factor: Factor, way: FactoredWay, move_clock: MoveClock
) -> None:
    move_clock(DAY)
    ahead = factor.now()
    assert way.sign_in(town, ahead).status_code < 300
    move_clock(-DAY)
    assert way.said(way.sign_in(town, ahead)) == way.code_invalid
    code = factor.now()
    assert way.sign_in(town, code).status_code < 300
    assert way.said(way.sign_in(town, code)) == way.code_invalid


@every_way
def test_c05_a_clock_that_is_put_right_by_a_minute_lets_no_code_in_twice(
    town: World, factor: Factor, way: FactoredWay, move_clock: MoveClock
) -> None:
    move_clock(2 * STEP)
    assert way.sign_in(town, factor.now()).status_code < 300
    move_clock(-2 * STEP)
    for steps in (0, 1):
        assert way.said(way.sign_in(town, factor.now(steps))) == way.code_invalid


# ---- C06


@every_two_steps
def test_c06_five_wrong_codes_end_a_token(town: World, factor: Factor, dialect: str) -> None:
    first, second = STEPS[dialect]
    way, token = WAYS[dialect], first(town)
    for _ in range(5):
        assert way.said(second(town, token, other_than(factor.now()))) == way.code_invalid
    for finish in (authenticate, verify):  # neither here nor in the other dialect
        answer = finish(town, token, factor.now())
        assert (answer.status_code, answer.get_json()["code"]) == TOKEN_INVALID
    assert not [row for row in town.trail() if row.kind == "user.signed_in"]


@every_way
def test_c06_ten_wrong_codes_shut_the_door_for_a_quarter_of_an_hour(
    town: World, factor: Factor, way: FactoredWay, move_clock: MoveClock
) -> None:
    tokens = {dialect: [first(town) for _ in range(2)] for dialect, (first, _) in STEPS.items()}
    for tried in range(10):
        if way.mailed and tried % 5 == 0:
            unlimited(town, "sign_in_code%")  # as many mails as wanted: what is counted here are failures
        assert way.said(way.sign_in(town, other_than(factor.now()))) == way.code_invalid
    for other in WAYS.values():
        if other.mailed or other.dialect in STEPS:
            continue
        assert other.sign_in(town, factor.now()).status_code == 429
    for dialect, (first, second) in STEPS.items():
        assert LOGINS[dialect].call(town).status_code == 429
        assert second(town, tokens[dialect][0], factor.now()).status_code == 429
        assert first
    move_clock(LOCK)
    assert WAYS["api_v1"].sign_in(town, factor.now()).status_code == 200


def test_c06_fifty_wrong_codes_a_day_whatever_else_is_known(
    town: World, factor: Factor, move_clock: MoveClock
) -> None:
    names = ["services_v1", "api_v1", "platform_api", "v0"]
    for tried in range(50):
        if tried and tried % 10 == 0:
            move_clock(LOCK)
        way = WAYS[names[tried % 4]]
        assert way.said(way.sign_in(town, other_than(factor.now()))) == way.code_invalid, tried
    move_clock(LOCK)
    for name in names:
        assert WAYS[name].sign_in(town, factor.now()).status_code == 429
        assert WAYS[name].sign_in(town, factor.codes[0]).status_code == 429
    move_clock(DAY)
    assert WAYS["api_v1"].sign_in(town, factor.now()).status_code == 200


# ---- C08


def test_c08_passwords_codes_and_recovery_codes_are_one_budget(town: World, factor: Factor) -> None:
    wrong = other_than(factor.now())
    for password in ("guess one", "guess two"):
        assert LOGINS["v0"].call(town, password=password).status_code == 401
    assert WAYS["services_v1"].sign_in(town, wrong).status_code == 422
    assert WAYS["services_v1"].sign_in(town, "aaaabbbb").status_code == 422
    assert WAYS["v0"].sign_in(town, wrong).status_code == 401
    assert WAYS["v0"].sign_in(town, "aaaabbbb").status_code == 401
    assert WAYS["api_v1"].sign_in(town, "aaaabbbb").status_code == 401
    assert WAYS["platform_api"].sign_in(town, wrong).status_code == 401
    assert WAYS["mailed code"].sign_in(town, wrong).status_code == 401
    body = {"email": JANE, "code": other_than(town.mailed_code())}
    assert town.call("platform_api.auth.otp_verify", json=body).status_code == 401
    for login in LOGINS.values():
        assert login.call(town).status_code == 429


def test_c08_a_missing_code_is_no_failure_and_no_success(town: World, factor: Factor) -> None:
    for login in LOGINS.values():
        for _ in range(3):
            assert login.call(town).status_code in (200, 202, 401)
    for guess in range(9):
        assert LOGINS["v0"].call(town, password=f"guess {guess}").status_code == 401
    for login in LOGINS.values():  # the right password alone wipes nothing
        assert login.call(town).status_code in (200, 202, 401)
    assert LOGINS["v0"].call(town, password="the tenth").status_code == 401
    assert LOGINS["v0"].call(town).status_code == 429


# ---- C09


@every_way
def test_c09_a_recovery_code_is_good_once_in_all_dialects_together(
    town: World, factor: Factor, way: FactoredWay
) -> None:
    assert way.sign_in(town, factor.codes[0].upper()).status_code < 300
    for other in WAYS.values():
        assert other.said(other.sign_in(town, factor.codes[0])) == other.code_invalid
    assert way.sign_in(town, factor.codes[1]).status_code < 300


@every_way
def test_c09_the_old_sheet_is_dead_when_there_is_a_new_one(
    town: World, factor: Factor, way: FactoredWay
) -> None:
    new = factor_of(town)
    assert way.said(way.sign_in(town, factor.codes[0])) == way.code_invalid
    assert way.said(way.sign_in(town, factor.now())) == way.code_invalid
    assert way.sign_in(town, new.codes[0]).status_code < 300


# ---- C10


@every_way
def test_c10_a_right_code_makes_up_for_no_password(town: World, factor: Factor, way: FactoredWay) -> None:
    if way.mailed:
        body = {"email": JANE, "code": "000000", "two_factor_code": factor.now()}
        assert town.call("platform_api.auth.otp_verify", json=body).status_code == 401
    elif way.dialect in STEPS:
        assert LOGINS[way.dialect].call(town, password="not the password").status_code == 401
    else:
        answer = way.sign_in(town, factor.now(), password="not the password")
        assert way.said(answer) in ((401, "auth:invalid_credentials"), (401, ""))
    assert way.sign_in(town, factor.now()).status_code < 300  # nothing used the code up


@pytest.mark.parametrize("login", [*LOGINS.values()], ids=[*LOGINS])
def test_c10_a_code_alone_and_a_strangers_cookie_are_nothing(town: World, factor: Factor, login: Way) -> None:
    field = "twoFactorCode" if login.dialect == "api_v1" else "two_factor_code"
    alone = {"email": JANE, field: factor.now()} | ({"tenantSlug": SLUG} if "api_v1" in login.id else {})
    assert not signed_in(town.call(login.id, json=alone))
    strangers = town.token("v0", CHARLIE)
    headers = {"Cookie": f"session_id={strangers}", "Origin": "http://localhost"}
    answer = knock(town, login.address, method="POST", headers=headers, json=login.body())
    asked = {"services_v1": (200, "two_factor"), "v0": (202, None)}
    if login.dialect in asked:
        body = answer.get_json()
        assert (answer.status_code, body.get("data", {}).get("next")) == asked[login.dialect]
        assert "Set-Cookie" not in answer.headers
    else:
        assert (answer.status_code, login.code(answer)) == (401, "auth:two_factor_required")


# ---- C13


@every_two_steps
def test_c13_a_token_takes_its_own_persons_codes_alone(town: World, factor: Factor, dialect: str) -> None:
    strangers = factor_of(town, CHARLIE)
    first, second = STEPS[dialect]
    token, way = first(town), WAYS[dialect]
    for code in (strangers.now(), strangers.codes[0]):
        assert way.said(second(town, token, code)) == way.code_invalid
    assert second(town, first(town, email=CHARLIE), strangers.now()).status_code < 300


@every_two_steps
def test_c13_a_token_ends_after_ten_minutes(
    town: World, factor: Factor, dialect: str, move_clock: MoveClock
) -> None:
    first, second = STEPS[dialect]
    token = first(town)
    move_clock(10 * 60)
    answer = second(town, token, factor.now())
    assert (answer.status_code, answer.get_json()["code"]) == TOKEN_INVALID


@every_two_steps
@pytest.mark.parametrize("by", ["change", "reset"])
def test_c13_a_token_ends_with_the_password_it_began_with(
    town: World, factor: Factor, dialect: str, by: str
) -> None:
    session = town.token("v0", CHARLIE) and WAYS["platform_api"].sign_in(town, factor.now())
    bearer = session.get_json()["access_token"]
    first, second = STEPS[dialect]
    token = first(town)
    if by == "change":
        way = CHANGES["platform_api"]
        assert town.call(way.id, token=bearer, json=way.body()).status_code < 300
    else:
        town.done(FORGETTINGS["v0"].id, json=FORGETTINGS["v0"].body())
        assert RESETS["v0"].call(town, token=town.mailed_token()).status_code == 204
    answer = second(town, token, factor.now(1))
    assert (answer.status_code, answer.get_json()["code"]) == TOKEN_INVALID


# ---- D07, A11


@pytest.mark.parametrize("dialect", [*RESETS])
def test_d07_a_reset_signs_nobody_in_and_leaves_the_factor_on(
    town: World, factor: Factor, dialect: str
) -> None:
    town.done(FORGETTINGS[dialect].id, json=FORGETTINGS[dialect].body())
    answer = RESETS[dialect].call(town, token=town.mailed_token())
    assert answer.status_code < 300
    assert "Set-Cookie" not in answer.headers
    assert "oken" not in answer.text
    for way in WAYS.values():
        if not way.mailed and way.dialect not in STEPS:
            refused = way.sign_in(town, other_than(factor.now()), password=NEW_PASSWORD)
            assert way.said(refused) == way.code_invalid
    assert "two_factor" in LOGINS["services_v1"].call(town, password=NEW_PASSWORD).text
    assert LOGINS["v0"].call(town, password=NEW_PASSWORD).status_code == 202


def test_a11_who_is_shut_out_goes_on_elsewhere_and_gets_back_in(town: World, factor: Factor) -> None:
    opened = WAYS["platform_api"].sign_in(town, factor.now()).get_json()
    for _ in range(10):
        WAYS["v0"].sign_in(town, other_than(factor.now()))
    assert LOGINS["v0"].call(town).status_code == 429
    for me in ("services_v1", "platform_api", "v0"):
        assert town.call(MES[me], token=opened["access_token"]).status_code == 200
    again = {"refresh_token": opened["refresh_token"]}
    assert town.call("platform_api.auth.refresh", json=again).status_code == 200
    town.done(FORGETTINGS["v0"].id, json=FORGETTINGS["v0"].body())
    assert RESETS["v0"].call(town, token=town.mailed_token()).status_code == 204
    answer = WAYS["api_v1"].sign_in(town, factor.now(1), password=NEW_PASSWORD)
    assert answer.status_code == 200
    assert PASSWORD != NEW_PASSWORD
