"""The portal's pages about invitations: those of the organization, and the one that the mail leads to."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.invited import SAM, found, invite, mailed
from tests.support.world import PASSWORD, World

LINK = "/accept-invitation"


def form_token(page: TestResponse) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert match, page.text[:400]
    return match[1]


def signed_in(world: World, email: str = "jane@world.example") -> FlaskClient:
    browser = world.app.test_client()
    token = form_token(browser.get("/sign-in"))
    answer = browser.post(
        "/sign-in",
        data={"csrf_token": token, "email": email, "password": PASSWORD},
    )
    assert answer.status_code == 303, answer.text[:300]
    return browser


def test_a_new_person_sets_name_and_password_and_is_in(world: World) -> None:
    token = found(world)
    invite(world, token)
    link = mailed(world)
    browser = world.app.test_client()
    shown = browser.get(f"{LINK}?token={link}")
    assert shown.status_code == 200
    assert "Join World Corp" in shown.text
    assert SAM not in shown.text
    data = {"csrf_token": form_token(shown), "token": link, "first_name": "Sam", "last_name": "Roe"}
    lacking = browser.post(LINK, data={**data, "password": "another good phrase"})
    assert (lacking.status_code, "Accept the terms" in lacking.text) == (422, True)
    done = browser.post(LINK, data={**data, "password": "another good phrase", "accept_policies": "y"})
    assert (done.status_code, done.location) == (303, "/dashboard")
    assert "World Corp" in browser.get("/dashboard").text
    used = browser.get(f"{LINK}?token={link}")
    assert (used.status_code, "taken up" in used.text) == (410, True)


def test_a_scanner_that_opens_the_link_changes_nothing(world: World) -> None:
    token = found(world)
    invite(world, token)
    link = mailed(world)
    before = len(world.trail())
    for _ in range(3):
        assert world.app.test_client().get(f"{LINK}/{link}").status_code == 200
        assert world.app.test_client().head(f"{LINK}?token={link}").status_code == 200
    assert len(world.trail()) == before
    assert world.app.test_client().get(f"{LINK}?token={link}").status_code == 200


def test_somebody_known_signs_in_first_and_comes_back(world: World) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token)
    link = mailed(world)
    browser = world.app.test_client()
    shown = browser.get(f"{LINK}?token={link}")
    assert (
        f"/sign-in?next=/accept-invitation?token%3D{link}" in shown.text.replace("%3F", "?")
        or "next=" in shown.text
    )
    path = re.search(r'href="(/sign-in\?next=[^"]+)"', shown.text)
    assert path
    page = browser.get(path[1].replace("&amp;", "&"))
    data = {"csrf_token": form_token(page), "email": SAM, "password": PASSWORD}
    back = browser.post(path[1].replace("&amp;", "&"), data=data)
    assert back.location == f"{LINK}?token={link}"
    browser = signed_in(world, SAM)
    offered = browser.get(f"{LINK}?token={link}")
    assert "Create account" not in offered.text
    joined = browser.post(LINK, data={"csrf_token": form_token(offered), "token": link})
    assert (joined.status_code, joined.location) == (303, "/dashboard")
    assert browser.get("/organization/permissions/mine").status_code == 200, "it is the one that is worked in"


def test_another_account_is_told_whose_it_is_and_can_switch(world: World) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token)
    link = mailed(world)
    browser = signed_in(world)
    shown = browser.get(f"{LINK}?token={link}")
    assert "s***@world.example" in shown.text
    data = {"csrf_token": form_token(shown), "token": link}
    refused = browser.post(LINK, data=data)
    assert (refused.status_code, "another address" in refused.text) == (403, True)
    away = browser.post(f"{LINK}/switch", data=data)
    assert away.status_code == 303
    assert away.location.startswith("/sign-in?next=/accept-invitation")


PEOPLE = "/organization/invitations"


def test_an_owner_invites_one_many_again_and_takes_it_back(world: World) -> None:
    found(world)
    browser = signed_in(world)
    token = form_token(browser.get(f"{PEOPLE}/new"))
    one = {"csrf_token": token, "emails": SAM, "role": "member", "profile_id": "1"}
    sent = browser.post(f"{PEOPLE}/new", data=one)
    assert (sent.status_code, sent.location) == (303, PEOPLE)
    assert mailed(world)
    again = browser.post(f"{PEOPLE}/new", data=one)
    assert (again.status_code, "An invitation is open already." in again.text) == (422, True)
    assert 'value="member" selected' in again.text
    table = {"csrf_token": token, "table": "kim@world.example\nlee@world.example,Lee"}
    assert browser.post(f"{PEOPLE}/bulk", data=table).status_code == 200
    assert all(mailed(world, f"{name}@world.example") for name in ("kim", "lee"))
    number = re.search(rf"{PEOPLE}/([0-9a-f-]{{36}})/resend", browser.get(PEOPLE).text)
    assert number
    for act, status in (("resend", 303), ("link", 200), ("revoke", 303), ("revoke", 404)):
        answer = browser.post(f"{PEOPLE}/{number[1]}/{act}", data={"csrf_token": token})
        assert answer.status_code == status, act


def test_a_form_with_no_role_or_profile_of_ours_is_refused_with_what_was_typed(world: World) -> None:
    found(world)
    browser = signed_in(world)
    token = form_token(browser.get(f"{PEOPLE}/new"))
    for role, profile in (("emperor", "1"), ("owner", "1"), ("", "1"), ("member", "77"), ("member", "x")):
        data = {"csrf_token": token, "emails": SAM, "role": role, "profile_id": profile}
        answer = browser.post(f"{PEOPLE}/new", data=data)
        assert answer.status_code == 422, (role, profile)
        assert f">{SAM}</textarea>" in answer.text


def test_several_are_invited_from_a_dialog_and_who_is_refused_stays_in_it(world: World) -> None:
    found(world)
    browser = signed_in(world)
    inside = {"X-Dialog": "yes"}
    shown = browser.get(f"{PEOPLE}/new?next=/organization/members", headers=inside)
    assert shown.text.lstrip().startswith("<dialog"), "no frame around it"
    assert "seats of" in shown.text
    wanted = {
        "csrf_token": form_token(shown),
        "next": "/organization/members",
        "emails": f'"Kim Lee" <kim@world.example>, lee@world.example;\njane@world.example {SAM} nobody',
        "role": "viewer",
        "profile_id": "1",
        "message": "See you on Monday & bring tea.",
    }
    linked = browser.post(
        f"{PEOPLE}/new", data={**wanted, "message": "See https://evil.example"}, headers=inside
    )
    assert (linked.status_code, "Leave links out" in linked.text) == (422, True)
    partly = browser.post(f"{PEOPLE}/new", data=wanted, headers=inside)
    assert partly.text.lstrip().startswith("<dialog")
    assert ">jane@world.example\nnobody</textarea>" in partly.text
    assert "jane@world.example: This person is a member or invited already." in partly.text
    assert mailed(world, "kim@world.example")
    mail = next(one for one in world.sent if one.to == "kim@world.example")
    assert "Hello Kim" in mail.text
    assert "Jane Doe writes: See you on Monday & bring tea." in mail.text
    again = {**wanted, "emails": "new@world.example", "copy": "y"}
    assert "accept-invitation?token=" in browser.post(f"{PEOPLE}/new", data=again, headers=inside).text
    last = browser.post(f"{PEOPLE}/new", data={**wanted, "emails": "last@world.example"}, headers=inside)
    assert (last.status_code, last.location) == (204, "/organization/members"), "its script goes there"
