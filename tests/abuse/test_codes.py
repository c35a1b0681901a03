"""Codes and links that go through a mailbox: B02, B03, B05, B06, B11, D01, D03, D04, D07, D08, D09."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.accounts.models import User
from app.domains.auth import codes
from app.domains.auth.models import CodePurpose
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import (
    CHANGES,
    CHARLIE,
    FORGETTINGS,
    JANE,
    LOGINS,
    MES,
    NEW_PASSWORD,
    REGISTRATIONS,
    RESETS,
    Way,
    knock,
    refresh_token_of,
    signed_in,
    unlimited,
)
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import PASSWORD, World

NOBODY = "nobody@world.example"

every_forgetting = pytest.mark.parametrize("way", [*FORGETTINGS.values()], ids=[*FORGETTINGS])
every_reset = pytest.mark.parametrize("way", [*RESETS.values()], ids=[*RESETS])


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


def test_codes_are_uniform(in_app: object, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_code_is_kept_nowhere_but_in_the_mail(town: World, caplog: pytest.LogCaptureFixture) -> None:
    town.done("platform_api.auth.otp_request", json={"email": JANE})
    code = town.mailed_code()
    with town.app.app_context():
        rows = [str(row.payload) for row in db.session.scalars(sa.select(OutboxRow))]
    assert code not in " ".join(rows)
    assert code not in " ".join(str(row.changes) for row in town.trail())
    assert code not in " ".join(str(vars(record)) for record in caplog.records)


# ---- B03, B05, B06


def test_five_wrong_codes_use_the_right_one_up(town: World, by_mail: Codes) -> None:
    code = asked(town, by_mail)
    for offset in range(1, 6):
        answer = by_mail.show(other_than(code, offset))
        assert answer.get_json()["code"] == "auth:otp_invalid"
    unlimited(town)
    assert by_mail.show(code).get_json()["code"] == "auth:otp_invalid"


def test_an_address_may_guess_sign_up_codes_ten_times_from_one_place(town: World) -> None:
    statuses = []
    for n in range(12):
        who = {"email": f"kim-{n}@world.example", "verification_token": "evt_" + "0" * 43, "otp": "000000"}
        statuses.append(town.call("services_v1.auth.verify_email_otp", json=who).status_code)
    assert statuses == [422] * 10 + [429] * 2


def test_sign_in_codes_cannot_be_guessed_for_long(town: World) -> None:
    statuses = []
    for n in range(14):
        town.done("platform_api.auth.otp_request", json={"email": JANE}) if n in (0, 5) else None
        who = {"email": JANE, "code": f"{n:06d}"}
        statuses.append(town.call("platform_api.auth.otp_verify", json=who).status_code)
    assert statuses == [401] * 10 + [429] * 4
    assert LOGINS["platform_api"].call(town).status_code == 429


def test_a_new_code_ends_the_one_before(town: World, by_mail: Codes) -> None:
    first = asked(town, by_mail)
    second = asked(town, by_mail)
    assert by_mail.show(first).get_json()["code"] == "auth:otp_invalid"
    assert by_mail.show(second).status_code == 200
    assert by_mail.show(second).get_json()["code"] == "auth:otp_invalid"


def test_a_code_runs_out(town: World, by_mail: Codes, move_clock: Callable[[int], None]) -> None:
    code = asked(town, by_mail)
    move_clock(601)
    assert by_mail.show(code).get_json()["code"] == "auth:otp_invalid"


def test_a_code_opens_nothing_else(town: World) -> None:
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


def test_a_mailbox_gets_five_links_in_half_an_hour(town: World) -> None:
    town.person("kim@world.example", verified=False)
    spellings = ["kim@world.example", "KIM@world.example", "Kim@World.Example", "kim@world.example."]
    statuses = []
    for n in range(30):
        body = {"email": spellings[n % 4]}
        statuses.append(town.call("services_v1.auth.send_verification_email", json=body).status_code)
    town.keep_promises()
    assert statuses == [200] * 5 + [429] * 25
    assert len([mail for mail in town.sent if mail.to == "kim@world.example"]) <= 5


def test_a_signed_in_person_shares_that_limit(town: World) -> None:
    user_id = town.person("kim@world.example", verified=False)
    assert user_id
    token = town.token("v0", "kim@world.example")
    statuses = [town.call("v0.auth.resend_verification", token=token).status_code for _ in range(7)]
    more = town.call("services_v1.auth.send_verification_email", json={"email": "kim@world.example"})
    assert [status < 300 for status in statuses] == [True] * 5 + [False] * 2
    assert more.status_code == 429


# ---- D01


@every_forgetting
def test_nobody_learns_whose_address_it_is(town: World, way: Way) -> None:
    with town.app.app_context(), transaction():
        people = {user.email: user for user in db.session.scalars(sa.select(User))}
        people[CHARLIE].disabled_at = clock.now()
    town.person("code-only@world.example")
    with town.app.app_context(), transaction():
        code_only = db.session.scalars(sa.select(User).where(User.email == "code-only@world.example")).one()
        code_only.password_hash = None
    emails = (JANE, NOBODY, CHARLIE, "code-only@world.example")
    answers = [way.call(town, email=email) for email in emails]
    seen = {
        (answer.status_code, answer.get_data().replace(e.encode(), b""))
        for answer, e in zip(answers, emails, strict=True)
    }
    assert len(seen) == 1, [answer.text for answer in answers]
    town.keep_promises()
    told = {mail.to for mail in town.sent}
    assert JANE in told
    assert not told & {NOBODY, CHARLIE}


@every_forgetting
def test_a_mailbox_gets_five_links_in_an_hour(town: World, way: Way) -> None:
    for email in (JANE, NOBODY):
        statuses = [way.call(town, email=email).status_code for _ in range(7)]
        assert [status < 300 for status in statuses] == [True] * 5 + [False] * 2
    town.keep_promises()
    assert len([mail for mail in town.sent if mail.to == JANE]) == 5


# ---- D03, D04


def reset_token(world: World) -> str:
    world.done("platform_api.auth.forgot_password", json={"email": JANE})
    return world.mailed_token()


def refused(way: Way, answer: TestResponse) -> bool:
    return way.code(answer) == "auth:reset_token_invalid" and not signed_in(answer)


@every_reset
def test_a_token_is_good_once_and_for_itself_alone(town: World, way: Way) -> None:
    token = reset_token(town)
    for wrong in (token[:-1], token + "x", token.swapcase(), "x" * 43, "0", "prt_" + token):
        assert refused(way, way.call(town, token=wrong)), wrong
    assert way.call(town, token=token).status_code < 300
    for other in RESETS.values():
        assert refused(other, other.call(town, token=token, password="a third one, also long"))


@every_reset
def test_a_token_runs_out(town: World, way: Way, move_clock: Callable[[int], None]) -> None:
    token = reset_token(town)
    move_clock(60 * 60 + 1)
    assert refused(way, way.call(town, token=token))


@every_reset
def test_a_newer_token_ends_the_older(town: World, way: Way) -> None:
    first, second = reset_token(town), reset_token(town)
    assert refused(way, way.call(town, token=first))
    assert way.call(town, token=second).status_code < 300


@every_reset
def test_a_token_ends_with_the_password_it_was_for(town: World, way: Way) -> None:
    token, change = reset_token(town), CHANGES[way.dialect]
    town.done(change.id, token=town.token(way.dialect), json=change.body())
    assert refused(way, way.call(town, token=token))


@every_reset
def test_a_token_ends_with_the_account(town: World, way: Way) -> None:
    token = reset_token(town)
    with town.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(disabled_at=clock.now()))
    assert refused(way, way.call(town, token=token))


@every_reset
def test_a_link_that_proves_an_address_sets_no_password(town: World, way: Way) -> None:
    town.person("kim@world.example", verified=False)
    town.done("services_v1.auth.send_verification_email", json={"email": "kim@world.example"})
    assert refused(way, way.call(town, token=town.mailed_token()))


@every_reset
def test_tokens_cannot_be_guessed_for_long(town: World, way: Way) -> None:
    answers = [way.call(town, token="x" * 40 + f"{n:03d}") for n in range(22)]
    assert [answer.status_code for answer in answers][20:] == [429, 429]


# ---- D07


@every_reset
def test_a_reset_signs_nobody_in_and_leaves_the_second_factor(town: World, way: Way) -> None:
    with town.app.app_context(), transaction():
        db.session.execute(
            sa.update(User).where(User.email == JANE).values(two_factor_enabled_at=clock.now())
        )
    answer = way.call(town, token=reset_token(town))
    assert answer.status_code < 300
    assert "Set-Cookie" not in answer.headers
    assert "token" not in answer.text.lower()
    for login in LOGINS.values():
        asked_for = login.call(town, password=NEW_PASSWORD)
        assert "session_id=" not in asked_for.headers.get("Set-Cookie", ""), login.id
        if login.dialect in ("api_v1", "platform_api"):
            assert login.code(asked_for) == "auth:two_factor_required"
        else:
            assert "access_token" not in asked_for.text


# ---- D08


@dataclass
class Carriers:
    """Everything by which Jane is signed in: how each is shown, and whether it still opens something."""

    world: World
    tokens: dict[str, str]
    cookie: str
    refreshes: dict[str, str]
    login_token: str
    code: str

    def alive(self) -> Sequence[str]:
        found = [
            dialect
            for dialect, token in self.tokens.items()
            if self.world.call(MES[dialect], token=token).status_code == 200
        ]
        me = ENDPOINTS["v0.users.me"].path
        if knock(self.world, me, headers={"Cookie": f"session_id={self.cookie}"}).status_code == 200:
            found.append("cookie")
        for dialect, token in self.refreshes.items():
            key = "refreshToken" if dialect == "api_v1" else "refresh_token"
            answer = self.world.call(f"{dialect}.auth.refresh", json={key: token})
            if answer.status_code == 200:
                found.append(f"refresh of {dialect}")
        step = {"login_token": self.login_token}
        if self.world.call("services_v1.auth.authenticate", json=step).status_code == 200:
            found.append("login token")
        who = {"email": JANE, "code": self.code}
        if self.world.call("platform_api.auth.otp_verify", json=who).status_code == 200:
            found.append("code")
        return found


def carriers(world: World) -> Carriers:
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    code = world.mailed_code()
    browser: Any = LOGINS["v0"].call(world)
    return Carriers(
        world,
        {dialect: world.token(dialect) for dialect in MES},
        browser.headers["Set-Cookie"].partition("session_id=")[2].partition(";")[0],
        {dialect: refresh_token_of(world, dialect) for dialect in ("api_v1", "platform_api")},
        LOGINS["services_v1"].call(world).get_json()["data"]["login_token"],
        code,
    )


@every_reset
def test_a_reset_ends_everything(town: World, way: Way) -> None:
    held = carriers(town)
    assert way.call(town, token=reset_token(town)).status_code < 300
    assert held.alive() == []
    assert LOGINS[way.dialect].call(town).status_code in (401, 403)
    assert LOGINS[way.dialect].call(town, password=NEW_PASSWORD).status_code < 300


@pytest.mark.parametrize("way", [*CHANGES.values()], ids=[*CHANGES])
def test_a_change_ends_everything_but_the_caller(town: World, way: Way) -> None:
    held = carriers(town)
    stranger = town.token("platform_api", CHARLIE)
    town.done(way.id, token=held.tokens[way.dialect], json=way.body())
    assert held.alive() == [way.dialect]
    assert town.call(MES["platform_api"], token=stranger).status_code == 200


@pytest.mark.parametrize("way", [*CHANGES.values()], ids=[*CHANGES])
def test_the_present_password_cannot_be_guessed_from_inside(town: World, way: Way) -> None:
    token = town.token(way.dialect)
    answers = [town.call(way.id, token=token, json=way.body(old=f"guess {n}")) for n in range(6)]
    assert [way.code(answer) for answer in answers[:5]] == ["auth:current_password_wrong"] * 5
    assert answers[5].status_code == 429
    assert town.call(way.id, token=token, json=way.body()).status_code == 429
    assert LOGINS[way.dialect].call(town).status_code < 300


# ---- D09


def test_a_reset_token_is_in_the_mails_link_alone(town: World, caplog: pytest.LogCaptureFixture) -> None:
    for way in FORGETTINGS.values():
        answer = way.call(town)
        token = town.mailed_token()
        assert token not in answer.text + str(answer.headers)
        page = knock(town, f"/reset-password?token={token}")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
    assert RESETS["v0"].call(town, token=token, password=NEW_PASSWORD).status_code < 300
    with town.app.app_context():
        rows = " ".join(str(row.payload) for row in db.session.scalars(sa.select(OutboxRow)))
    trail = " ".join(str(vars(row)) for row in town.trail())
    logs = " ".join(str(vars(record)) for record in caplog.records)
    for mail in town.sent:
        assert token not in mail.subject
    for place in (rows, trail, logs):
        assert token not in place
        assert PASSWORD not in place
        assert NEW_PASSWORD not in place
