"""Support in somebody's name: with their consent, for a while, seen by them, never at their credentials."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.sessions.models import UserSession
from app.surfaces.portal.doors import SUPPORT_COOKIE
from app.surfaces.shared.transaction import transaction
from tests.portal.acting import JANE, PAGE, ROOT, Two, acting, changed, signed_in, two

__all__ = ["acting", "two"]


def kinds(two: Two) -> list[str]:
    return [str(row.kind) for row in two.world.trail() if str(row.kind).startswith("support_access.")]


def test_it_is_asked_allowed_begun_and_ended(two: Two) -> None:
    assert two.ask() == 303
    assert two.world.mailed(r"(You wrote that your invoices look odd)")
    assert "asks to act in your name" in two.jane.get("/dashboard").text
    assert two.ask() == 409
    assert two.start() == 409
    assert two.grant() == 303
    assert "may act in your name until" in two.jane.get("/dashboard").text
    assert two.start() == 303
    assert two.world.mailed(r"(acts in your name since)")
    assert two.acts()
    assert "World Corp" in two.root.get("/dashboard").text
    assert two.root.send("/support-access/end", on="/dashboard").status_code == 303
    assert not two.acts()
    assert two.root.get("/platform").status_code == 200
    assert two.start() == 409
    assert kinds(two) == [f"support_access.{word}" for word in ("requested", "granted", "started", "ended")]


def test_every_row_has_both_names_and_the_person_sees_them(acting: Two) -> None:
    with acting.world.app.app_context():
        organization = acting.world.organization(acting.world.persons_id(JANE), "second-corp")
    select = re.search(r'action="(/organizations/[0-9a-f-]+/select)"', acting.root.get("/organizations").text)
    assert organization
    assert select
    assert acting.root.send(select[1], on="/organizations").status_code == 303
    row = acting.world.trail()[-1]
    assert str(row.kind) == "session.tenant_selected"
    assert row.actor_user_id == acting.world.persons_id(JANE)
    assert row.impersonator_user_id == acting.world.persons_id(ROOT)
    log = acting.jane.get("/account/security-log").text
    assert "Support acted in your name from here on" in log
    assert log.count("By support, in your name") == 1
    assert "Support: Jane Doe" in acting.jane.get("/account/sessions").text  # everybody is Jane here


def test_the_person_ends_it_at_any_time(acting: Two) -> None:
    assert acting.stop() == 303
    assert not acting.acts()
    assert acting.start() == 409
    assert kinds(acting)[-1] == "support_access.withdrawn"


def test_the_person_ends_it_among_their_sessions_too(acting: Two) -> None:
    ended = acting.jane.send("/account/sessions/end-others", on="/account/sessions")
    assert ended.status_code == 303
    assert not acting.acts()
    assert acting.start() == 409


def test_what_is_declined_cannot_be_begun(two: Two) -> None:
    two.ask()
    assert two.stop() == 303
    assert (two.start(), two.grant()) == (409, 409)
    assert two.ask() == 303


def test_signing_out_ends_it_and_not_the_admins_own_sign_in(acting: Two) -> None:
    assert acting.root.send("/sign-out", on="/dashboard").status_code == 303
    assert not acting.acts()
    assert acting.root.get("/platform").status_code == 200
    assert acting.jane.get("/dashboard").status_code == 200


@pytest.mark.parametrize(("minutes", "seconds"), [("15", 15 * 60 + 1), ("60", 60 * 60 + 1)])
def test_it_ends_when_its_time_is_over(
    two: Two, move_clock: Callable[[int], None], minutes: str, seconds: int
) -> None:
    two.ask()
    two.grant(minutes)
    two.start()
    assert two.acts()
    move_clock(seconds)
    assert not two.acts()


def test_a_request_lapses_after_three_days(two: Two, move_clock: Callable[[int], None]) -> None:
    two.ask()
    move_clock(72 * 3600 + 1)
    again = signed_in(two.world, JANE)
    two.jane = again
    assert two.grant() == 409
    two.root = signed_in(two.world, ROOT)
    assert two.ask() == 303


@pytest.mark.parametrize("minutes", ["0", "14", "600", "-15", "x", ""])
def test_nobody_lets_support_in_for_another_time(two: Two, minutes: str) -> None:
    two.ask()
    assert two.grant(minutes) == 422
    assert two.start() == 409


def test_consent_needs_a_fresh_proof_and_so_does_the_beginning(
    two: Two, move_clock: Callable[[int], None]
) -> None:
    two.ask()
    move_clock(15 * 60 + 1)
    assert two.grant() == 403
    two.jane = signed_in(two.world, JANE)
    assert two.grant("60") == 303
    assert two.start() == 403


# ---- what takes it away


def test_it_ends_with_the_admins_right(acting: Two) -> None:
    changed(acting.world, ROOT, is_platform_admin=False)
    assert not acting.acts()


def test_it_ends_with_the_admins_sign_in(acting: Two) -> None:
    with acting.world.app.app_context(), transaction():
        root = acting.world.persons_id(ROOT)
        own = sa.update(UserSession).where(UserSession.user_id == root)
        db.session.execute(own.values(revoked_at=sa.func.current_timestamp()))
    assert acting.root.get("/dashboard").status_code == 303


def test_it_does_not_come_back_with_the_admins_next_sign_in(acting: Two) -> None:
    cookie = acting.root.client.get_cookie(SUPPORT_COOKIE)
    assert cookie
    again = signed_in(acting.world, ROOT)
    again.client.set_cookie(SUPPORT_COOKIE, cookie.value)
    assert "You act in the name of" not in again.get("/dashboard").text


def test_its_token_is_worth_nothing_to_anybody_else(acting: Two) -> None:
    cookie = acting.root.client.get_cookie(SUPPORT_COOKIE)
    assert cookie
    world, token = acting.world, cookie.value
    acting.world.person("second@world.example", admin=True)
    for email in (JANE, "second@world.example"):
        thief = signed_in(world, email)
        thief.client.set_cookie(SUPPORT_COOKIE, token)
        assert "You act in the name of" not in thief.get("/dashboard").text
    nobody = world.app.test_client()
    nobody.set_cookie(SUPPORT_COOKIE, token)
    assert nobody.get("/dashboard").status_code == 303
    nobody.set_cookie("session_id", token)
    assert nobody.get("/dashboard").status_code == 303
    assert nobody.get("/services/platforms/v1/user/get").status_code == 401
    for dialect in ("services_v1.user.get", "v0.users.me", "platform_api.auth.me"):
        assert world.call(dialect, token=token).status_code == 401, dialect


def test_other_admins_begin_nothing_under_anothers_consent(two: Two) -> None:
    two.ask()
    two.grant()
    two.world.person("second@world.example", admin=True)
    assert two.start(signed_in(two.world, "second@world.example")) == 404


def test_other_people_answer_nothing_that_jane_was_asked(two: Two) -> None:
    two.ask()
    two.world.person("charlie@world.example")
    charlie = signed_in(two.world, "charlie@world.example")
    on = "/account/password"
    grant = charlie.send(f"{PAGE}/{two.access()}/grant", {"minutes": "15"}, on=on)
    stop = charlie.send(f"{PAGE}/{two.access()}/stop", on=on)
    assert (grant.status_code, stop.status_code) == (404, 404)


def test_a_form_sent_once_it_is_over_changes_nothing_of_the_admins(acting: Two) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', acting.root.get("/dashboard").text)
    assert token
    acting.stop()
    sent = {"csrf_token": token[1], "name": "Meant for Jane", "slug": "meant-for-jane"}
    assert acting.root.client.post("/organizations", data=sent).status_code == 409
    assert acting.root.get("/dashboard").status_code == 200


def test_the_apis_know_nothing_of_it(acting: Two) -> None:
    answer = acting.root.client.get("/services/platforms/v1/user/get")
    if answer.status_code == 200:  # the cookie beside it is the admin's own
        assert answer.get_json()["data"]["email"] == ROOT
