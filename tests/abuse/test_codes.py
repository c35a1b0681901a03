"""Codes that go through a mailbox: B02, B03, B05, B06, B08, B11."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.auth import codes
from app.domains.auth.models import CodePurpose
from tests.abuse.ways import (
    CHARLIE,
    JANE,
    LOGINS,
    REGISTRATIONS,
    unlimited,
)
from tests.support.world import World


@dataclass
class Codes:
    """A way that has to do with six digits: how they are asked for, and how they are shown."""

    ask: Callable[[], TestResponse]
    show: Callable[[str], TestResponse]


@pytest.fixture(params=["sign_in", "sign_up"])
def by_mail(request: pytest.FixtureRequest, town: World) -> Codes:
    if request.param == "sign_in":
        return Codes(
            lambda: town.call("platform_api.auth.otp_request", json={"email": JANE}),
            lambda code: town.call("platform_api.auth.otp_verify", json={"email": JANE, "code": code}),
        )
    new = "kim@world.example"
    began = REGISTRATIONS["services_v1"].call(town, email=new).get_json()["data"]
    town.keep_promises()
    who = {"email": new, "verification_token": began["verification_token"]}
    return Codes(
        lambda: town.call("services_v1.auth.resend_email_otp", json=who),
        lambda code: town.call("services_v1.auth.verify_email_otp", json={**who, "otp": code}),
    )


def asked(world: World, by_mail: Codes) -> str:
    answer = by_mail.ask()
    assert answer.status_code == 200, answer.text
    code = world.mailed_code()
    assert code not in answer.text
    assert code not in str(answer.headers)
    return code


def other_than(code: str, offset: int = 1) -> str:
    return f"{(int(code) + offset) % 1_000_000:06d}"


# ---- B02


def test_b02_codes_are_uniform(in_app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = codes.rules()
    monkeypatch.setattr(codes, "rules", lambda: rules)
    monkeypatch.setattr(codes, "end_open", lambda *_: None)
    issued = [codes.issue(CodePurpose.SIGN_IN, f"{n}@world.example").code for n in range(500)]
    assert {len(code) for code in issued} == {6}
    assert len(set(issued)) > 490
    for place in range(6):
        counts = Counter(code[place] for code in issued)
        chi_square = sum((counts[str(digit)] - 50) ** 2 / 50 for digit in range(10))
        assert chi_square < 45, (place, counts)  # nine degrees of freedom: beyond it once in a million
    assert math.isclose(sum(map(int, issued)) / 500, 500_000, rel_tol=0.15)


def test_b02_a_code_is_kept_nowhere_but_in_the_mail(town: World, caplog: pytest.LogCaptureFixture) -> None:
    town.done("platform_api.auth.otp_request", json={"email": JANE})
    code = town.mailed_code()
    with town.app.app_context():
        rows = [str(row.payload) for row in db.session.scalars(sa.select(OutboxRow))]
    assert code not in " ".join(rows)
    assert code not in " ".join(str(row.changes) for row in town.trail())
    assert code not in " ".join(str(vars(record)) for record in caplog.records)


# ---- B03, B05, B06


def test_b03_five_wrong_codes_use_the_right_one_up(town: World, by_mail: Codes) -> None:
    code = asked(town, by_mail)
    for offset in range(1, 6):
        answer = by_mail.show(other_than(code, offset))
        assert answer.get_json()["code"] == "auth:otp_invalid"
    unlimited(town)
    assert by_mail.show(code).get_json()["code"] == "auth:otp_invalid"


def test_b03_an_address_may_guess_sign_up_codes_ten_times_from_one_place(town: World) -> None:
    statuses = []
    for n in range(12):
        who = {"email": f"kim-{n}@world.example", "verification_token": "evt_" + "0" * 43, "otp": "000000"}
        statuses.append(town.call("services_v1.auth.verify_email_otp", json=who).status_code)
    assert statuses == [422] * 10 + [429] * 2


def test_b03_sign_in_codes_cannot_be_guessed_for_long(town: World) -> None:
    statuses = []
    for n in range(14):
        town.done("platform_api.auth.otp_request", json={"email": JANE}) if n in (0, 5) else None
        who = {"email": JANE, "code": f"{n:06d}"}
        statuses.append(town.call("platform_api.auth.otp_verify", json=who).status_code)
    assert statuses == [401] * 10 + [429] * 4
    assert LOGINS["platform_api"].call(town).status_code == 429


def test_b05_a_new_code_ends_the_one_before(town: World, by_mail: Codes) -> None:
    first = asked(town, by_mail)
    second = asked(town, by_mail)
    assert by_mail.show(first).get_json()["code"] == "auth:otp_invalid"
    assert by_mail.show(second).status_code == 200
    assert by_mail.show(second).get_json()["code"] == "auth:otp_invalid"


def test_b06_a_code_runs_out(town: World, by_mail: Codes, move_clock: Callable[[int], None]) -> None:
    code = asked(town, by_mail)
    move_clock(601)
    assert by_mail.show(code).get_json()["code"] == "auth:otp_invalid"


def test_b08_a_code_opens_nothing_else(town: World) -> None:
    """B08 as far as it goes: a sign-in's code proves no sign-up, another's code is nobody's."""
    began = REGISTRATIONS["services_v1"].call(town, email="kim@world.example").get_json()["data"]
    sign_up_code = town.mailed_code()
    town.done("platform_api.auth.otp_request", json={"email": JANE})
    sign_in_code = town.mailed_code()
    for email, code in ((JANE, sign_up_code), (CHARLIE, sign_in_code), ("kim@world.example", sign_up_code)):
        who = {"email": email, "code": code}
        assert town.call("platform_api.auth.otp_verify", json=who).status_code == 401
    who = {"email": "kim@world.example", "verification_token": began["verification_token"]}
    wrong = town.call("services_v1.auth.verify_email_otp", json={**who, "otp": sign_in_code})
    assert wrong.status_code == 422
    assert (
        town.call("services_v1.auth.verify_email_otp", json={**who, "otp": sign_up_code}).status_code == 200
    )


# ---- B11


def test_b11_a_mailbox_gets_five_links_in_half_an_hour(town: World) -> None:
    town.person("kim@world.example", verified=False)
    spellings = ["kim@world.example", "KIM@world.example", "Kim@World.Example", "kim@world.example."]
    statuses = []
    for n in range(30):
        body = {"email": spellings[n % 4]}
        statuses.append(town.call("services_v1.auth.send_verification_email", json=body).status_code)
    town.keep_promises()
    assert statuses == [200] * 5 + [429] * 25
    assert len([mail for mail in town.sent if mail.to == "kim@world.example"]) <= 5


def test_b11_a_signed_in_person_shares_that_limit(town: World) -> None:
    user_id = town.person("kim@world.example", verified=False)
    assert user_id
    token = town.token("v0", "kim@world.example")
    statuses = [town.call("v0.auth.resend_verification", token=token).status_code for _ in range(7)]
    more = town.call("services_v1.auth.send_verification_email", json={"email": "kim@world.example"})
    assert [status < 300 for status in statuses] == [True] * 5 + [False] * 2
    assert more.status_code == 429
