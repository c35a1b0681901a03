"""Forms: what was typed stays, the fault stands at its field, and nobody is sent elsewhere."""

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.portal.conftest import PASSWORD, Visitor
from tests.support.world import World

NEWCOMER = {
    "first_name": "Kim",
    "last_name": "Lee",
    "email": "kim@portal.example",
    "password": PASSWORD,
    "accept_policies": "y",
}

ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "/%09//evil.example".replace("%09", "\t"),
    "javascript:alert(1)",
    "//user@evil.example",
    "evil.example",
    "/a\nb",
]

CLOSED = ["/dashboard", "/account", "/account/password", "/account/sessions", "/organizations"]


def test_a_refused_sign_up_keeps_what_was_typed_but_never_the_password(visitor: Visitor) -> None:
    answer = visitor.send(
        "/sign-up", {**NEWCOMER, "password": "short", "last_name": "O'Lee & Söhne"}, on="/sign-up"
    )
    assert answer.status_code == 422
    assert 'value="Kim"' in answer.text
    assert "O&#39;Lee &amp; Söhne" in answer.text
    assert "short" not in answer.text
    assert 'id="password-error"' in answer.text
    assert "<title>Error: Create your account" in answer.text


def test_a_form_says_what_is_missing_at_each_field(visitor: Visitor) -> None:
    answer = visitor.send("/sign-up", {}, on="/sign-up")
    assert answer.status_code == 422
    for field in NEWCOMER:
        assert f'id="{field}-error"' in answer.text
        assert f'aria-describedby="{field}-error' in answer.text


def test_the_first_field_at_fault_has_the_focus(visitor: Visitor) -> None:
    text = visitor.send("/sign-up", {**NEWCOMER, "email": "nonsense"}, on="/sign-up").text
    focused = [tag for tag in text.split("<input")[1:] if "autofocus" in tag.split(">")[0]]
    assert len(focused) == 1
    assert 'id="email"' in focused[0]


def test_wrong_details_are_told_above_the_form_with_401(visitor: Visitor, jane: str) -> None:
    answer = visitor.sign_in(jane, "not the password")
    assert answer.status_code == 401
    assert "These details do not match." in answer.text
    assert jane in answer.text
    assert "Set-Cookie" not in answer.headers or "session_id=" not in answer.headers["Set-Cookie"]


def test_a_known_and_an_unknown_address_read_alike(visitor: Visitor, jane: str) -> None:
    known = visitor.send("/forgot-password", {"email": jane}, on="/forgot-password")
    unknown = visitor.send("/forgot-password", {"email": "nobody@portal.example"}, on="/forgot-password")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_too_many_tries_say_how_long_to_wait(visitor: Visitor, jane: str) -> None:
    answers = [visitor.sign_in(jane, "not the password") for _ in range(11)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Wait 15 minutes" in answers[-1].text


def test_signing_in_goes_on_to_where_one_wanted(visitor: Visitor, jane: str) -> None:
    away = visitor.get("/account/sessions?page=2")
    assert away.status_code == 303
    assert away.location == "/sign-in?next=/account/sessions?page=2"
    there = visitor.send(
        "/sign-in", {"email": jane, "password": PASSWORD, "next": "/account/sessions?page=2"}
    )
    assert there.location == "/account/sessions?page=2"


def test_where_one_wanted_to_go_survives_a_sign_up(visitor: Visitor) -> None:
    assert 'href="/sign-up?next=/account"' in visitor.get("/sign-in?next=/account").text
    answer = visitor.send("/sign-up", {**NEWCOMER, "next": "/account?a=1&b=2"}, on="/sign-up")
    assert answer.location == "/sign-up/code?next=/account?a=1%26b=2"
    assert 'name="next" value="/account?a=1&amp;b=2"' in visitor.get(answer.location).text


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nobody_is_sent_elsewhere(visitor: Visitor, jane: str, address: str) -> None:
    answer = visitor.send("/sign-in", {"email": jane, "password": PASSWORD, "next": address})
    assert answer.location == "/dashboard"
    assert visitor.get("/sign-in", query_string={"next": address}).location == "/dashboard"


@pytest.mark.parametrize("path", CLOSED)
def test_a_stranger_is_shown_the_way_in(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next={path}")


def test_a_form_without_the_proof_of_origin_is_refused(signed_in: Visitor) -> None:
    answer = signed_in.client.post("/account/sessions/end-all")
    assert answer.status_code == 419
    assert "This page has expired" in answer.text
    assert signed_in.get("/dashboard").status_code == 200


def test_the_proof_of_another_visit_does_not_count(signed_in: Visitor, app: Flask) -> None:
    foreign = (
        Visitor(app.test_client()).get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    )
    answer = signed_in.client.post("/account/sessions/end-all", data={"csrf_token": foreign})
    assert answer.status_code == 419


def test_a_page_that_is_not_there_says_so_without_asking_who_comes(visitor: Visitor) -> None:
    answer = visitor.get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_link_of_a_mail_changes_nothing_by_being_opened(visitor: Visitor, world: World) -> None:
    world.person("kim@world.example", verified=False)
    visitor.send("/forgot-password", {"email": "kim@world.example"}, on="/forgot-password")
    visitor.send("/verify-email/send", {"email": "kim@world.example"}, on="/verify-email")
    for page in ("/verify-email", "/reset-password"):
        token = world.mailed(rf"{page}\?token=([\w-]+)")
        for path in (f"{page}?token={token}", f"{page}/{token}"):
            answer = visitor.get(path)
            assert answer.status_code == 200
            assert f'name="token" value="{token}"' in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_dead_link_says_how_to_get_another(visitor: Visitor) -> None:
    answer = visitor.send("/reset-password", {"token": "dead", "password": PASSWORD})
    assert answer.status_code == 400
    assert "This link leads nowhere" in answer.text
    assert 'href="/forgot-password"' in answer.text


def test_a_wrong_current_password_is_told_at_its_field(signed_in: Visitor) -> None:
    typed = {"current_password": "not it at all", "new_password": "another harbour 30"}
    answer = signed_in.send("/account/password", typed, on="/account/password")
    assert answer.status_code == 400
    assert 'id="current_password-error"' in answer.text
    assert "The current password is wrong." in answer.text


def test_an_organization_gets_its_slug_from_its_name(signed_in: Visitor) -> None:
    answer = signed_in.send("/organizations", {"name": "Söhne & Töchter AG"}, on="/organizations")
    assert answer.location == "/dashboard"
    assert "sohne-tochter-ag" in signed_in.get("/dashboard").text


def test_a_second_organization_of_one_name_gets_a_slug_that_is_free(signed_in: Visitor) -> None:
    for _ in range(2):
        assert (
            signed_in.send("/organizations", {"name": "Acme Twins"}, on="/organizations").status_code == 303
        )
    listed = signed_in.get("/organizations").text
    assert "acme-twins</span>" in listed
    assert "acme-twins-2</span>" in listed


def test_a_taken_slug_is_told_at_its_field(signed_in: Visitor) -> None:
    first = signed_in.send("/organizations", {"name": "Acme", "slug": "acme-one"}, on="/organizations")
    assert first.status_code == 303
    answer = signed_in.send("/organizations", {"name": "Acme two", "slug": "acme-one"}, on="/organizations")
    assert answer.status_code == 409
    assert 'id="slug-error"' in answer.text
    assert 'value="Acme two"' in answer.text


def test_signing_out_ends_the_session_and_takes_the_cookie_back(signed_in: Visitor) -> None:
    answer = signed_in.send("/sign-out", on="/dashboard")
    assert answer.location == "/sign-in"
    assert any("session_id=;" in header for header in answer.headers.getlist("Set-Cookie"))
    assert signed_in.get("/dashboard").status_code == 303


def test_a_session_that_is_not_mine_is_not_there(signed_in: Visitor) -> None:
    path = "/account/sessions/00000000-0000-0000-0000-000000000001/end"
    assert signed_in.send(path, on="/account/sessions").status_code == 404


def test_the_list_of_sessions_costs_the_same_for_one_and_for_many(
    signed_in: Visitor, jane: str, app: Flask, database: sa.Connection
) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))

    def count() -> int:
        asked.clear()
        assert signed_in.get("/account/sessions").status_code == 200
        return len(asked)

    one = count()
    for _ in range(8):
        assert Visitor(app.test_client()).sign_in(jane).status_code == 303
    assert count() == one


def test_a_part_of_a_page_that_cannot_be_changed_loads_the_page_anew_and_says_why(signed_in: Visitor) -> None:
    token = signed_in.get("/account/sessions").text.split('name="csrf_token" value="')[1].split('"')[0]
    path = "/account/sessions/00000000-0000-0000-0000-000000000001/end"
    answer = signed_in.client.post(path, data={"csrf_token": token}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")
    assert "There is no such session." in signed_in.get("/account/sessions").text


def test_a_part_of_a_page_sends_one_who_is_signed_out_to_the_way_in(signed_in: Visitor) -> None:
    token = signed_in.get("/account/sessions").text.split('name="csrf_token" value="')[1].split('"')[0]
    signed_in.client.delete_cookie("session_id")
    path = "/account/sessions/00000000-0000-0000-0000-000000000001/end"
    answer = signed_in.client.post(path, data={"csrf_token": token}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/sign-in"


def test_a_browser_that_has_chosen_no_organization_works_in_the_first_joined(
    signed_in: Visitor, jane: str, app: Flask
) -> None:
    for name in ("First one", "Second one"):
        signed_in.send("/organizations", {"name": name}, on="/organizations")
    assert "You work in Second one." in signed_in.get("/dashboard").text
    elsewhere = Visitor(app.test_client())
    elsewhere.sign_in(jane)
    assert "You work in First one." in elsewhere.get("/dashboard").text


def test_an_organization_of_others_cannot_be_chosen(signed_in: Visitor) -> None:
    path = "/organizations/00000000-0000-0000-0000-000000000001/select"
    assert signed_in.send(path, on="/organizations").status_code == 404
