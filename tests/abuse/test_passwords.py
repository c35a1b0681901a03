"""Forgotten, reset and changed passwords: D01, D03, D04, D07, D08, D09, D10, D13."""

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
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import (
    CHANGES,
    CHARLIE,
    FORGETTINGS,
    JANE,
    LOGINS,
    MES,
    NEW_PASSWORD,
    RESETS,
    Way,
    knock,
    refresh_token_of,
    signed_in,
)
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once

NOBODY = "nobody@world.example"

every_forgetting = pytest.mark.parametrize("way", [*FORGETTINGS.values()], ids=[*FORGETTINGS])
every_reset = pytest.mark.parametrize("way", [*RESETS.values()], ids=[*RESETS])


# ---- D01


@every_forgetting
def test_d01_nobody_learns_whose_address_it_is(town: World, way: Way) -> None:
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
def test_d13_a_mailbox_gets_five_links_in_an_hour(town: World, way: Way) -> None:
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
def test_d03_a_token_is_good_once_and_for_itself_alone(town: World, way: Way) -> None:
    token = reset_token(town)
    for wrong in (token[:-1], token + "x", token.swapcase(), "x" * 43, "0", "prt_" + token):
        assert refused(way, way.call(town, token=wrong)), wrong
    assert way.call(town, token=token).status_code < 300
    for other in RESETS.values():
        assert refused(other, other.call(town, token=token, password="a third one, also long"))


@every_reset
def test_d04_a_token_runs_out(town: World, way: Way, move_clock: Callable[[int], None]) -> None:
    token = reset_token(town)
    move_clock(60 * 60 + 1)
    assert refused(way, way.call(town, token=token))


@every_reset
def test_d04_a_newer_token_ends_the_older(town: World, way: Way) -> None:
    first, second = reset_token(town), reset_token(town)
    assert refused(way, way.call(town, token=first))
    assert way.call(town, token=second).status_code < 300


@every_reset
def test_d04_a_token_ends_with_the_password_it_was_for(town: World, way: Way) -> None:
    token, change = reset_token(town), CHANGES[way.dialect]
    town.done(change.id, token=town.token(way.dialect), json=change.body())
    assert refused(way, way.call(town, token=token))


@every_reset
def test_d04_a_token_ends_with_the_account(town: World, way: Way) -> None:
    token = reset_token(town)
    with town.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(disabled_at=clock.now()))
    assert refused(way, way.call(town, token=token))


@every_reset
def test_d04_a_link_that_proves_an_address_sets_no_password(town: World, way: Way) -> None:
    town.person("kim@world.example", verified=False)
    town.done("services_v1.auth.send_verification_email", json={"email": "kim@world.example"})
    assert refused(way, way.call(town, token=town.mailed_token()))


@every_reset
def test_d03_tokens_cannot_be_guessed_for_long(town: World, way: Way) -> None:
    answers = [way.call(town, token="x" * 40 + f"{n:03d}") for n in range(22)]
    assert [answer.status_code for answer in answers][20:] == [429, 429]


# ---- D07


@every_reset
def test_d07_a_reset_signs_nobody_in_and_leaves_the_second_factor(town: World, way: Way) -> None:
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
def test_d08_a_reset_ends_everything(town: World, way: Way) -> None:
    held = carriers(town)
    assert way.call(town, token=reset_token(town)).status_code < 300
    assert held.alive() == []
    assert LOGINS[way.dialect].call(town).status_code in (401, 403)
    assert LOGINS[way.dialect].call(town, password=NEW_PASSWORD).status_code < 300


@pytest.mark.parametrize("way", [*CHANGES.values()], ids=[*CHANGES])
def test_d08_a_change_ends_everything_but_the_caller(town: World, way: Way) -> None:
    held = carriers(town)
    stranger = town.token("platform_api", CHARLIE)
    town.done(way.id, token=held.tokens[way.dialect], json=way.body())
    assert held.alive() == [way.dialect]
    assert town.call(MES["platform_api"], token=stranger).status_code == 200


@pytest.mark.parametrize("way", [*CHANGES.values()], ids=[*CHANGES])
def test_d10_the_present_password_cannot_be_guessed_from_inside(town: World, way: Way) -> None:
    token = town.token(way.dialect)
    answers = [town.call(way.id, token=token, json=way.body(old=f"guess {n}")) for n in range(6)]
    assert [way.code(answer) for answer in answers[:5]] == ["auth:current_password_wrong"] * 5
    assert answers[5].status_code == 429
    assert town.call(way.id, token=token, json=way.body()).status_code == 429
    assert LOGINS[way.dialect].call(town).status_code < 300


# ---- D09


def test_d09_a_reset_token_is_in_the_mails_link_alone(town: World, caplog: pytest.LogCaptureFixture) -> None:
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
