"""The portal, the mails and services_v1 speak to each person in their language and write dates as they do."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.access import Actor
from app.core.db import db
from app.core.mail import OutgoingMail
from app.domains.accounts.models import User
from app.domains.settings import operations as settings
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor
from tests.support.world import World

pytestmark = pytest.mark.once


HOUSE_STYLE = {
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "date_format": "DD/MM/YYYY",
    "time_format": "12h",
}
GERMAN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}


def mails(world: World, to: str) -> list[OutgoingMail]:
    with world.app.app_context():
        keeping.drain()
    return [mail for mail in world.sent if mail.to == to]


def german(client: FlaskClient, path: str) -> str:
    return client.get(path, headers=GERMAN).text


def test_a_german_browser_sees_german_pages(client: FlaskClient) -> None:
    page = german(client, "/sign-in")
    assert '<html lang="de">' in page
    assert "Schön, dass du wieder da bist." in page
    assert "Good to see you again." not in page


def test_a_browser_of_another_language_sees_the_instances_first(client: FlaskClient) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": "ja"}).text
    assert '<html lang="en-GB">' in page
    assert "Good to see you again." in page


def test_a_visitor_chooses_a_language_and_stays_where_they_were(client: FlaskClient) -> None:
    shown = client.get("/sign-in?next=/account").text
    link = re.search(r'href="(/language/de\?next=[^"]+)"', shown)
    assert link
    answer = client.get(link[1].replace("&amp;", "&"))
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/account")
    assert "Schön" not in shown
    assert "Melde dich zuerst an" in client.get(answer.location).text
    client.get("/language/en?next=//evil.example")
    assert "Sign in first" in client.get("/sign-in?next=/account", headers=GERMAN).text


@pytest.mark.parametrize("code", ["fr", "xx", "de-CH", "en%00"])
def test_a_language_without_a_catalogue_cannot_be_chosen(client: FlaskClient, code: str) -> None:
    assert client.get(f"/language/{code}").status_code == 404


def test_a_choice_sends_nobody_elsewhere(client: FlaskClient) -> None:
    assert client.get("/language/de?next=//evil.example").location == "/"


def test_what_is_missing_is_said_in_german_at_its_field(client: FlaskClient) -> None:
    visitor = Visitor(client)
    client.set_cookie("language", "de")
    page = visitor.send("/sign-in", {"email": "", "password": ""}).text
    assert "Gib deine E-Mail-Adresse an." in page
    page = visitor.send("/sign-in", {"email": "nobody@x.example", "password": "wrong horse 1"}).text
    assert "Diese Angaben passen nicht zusammen." in page


def test_an_error_page_is_german_too(client: FlaskClient) -> None:
    page = german(client, "/nowhere")
    assert "Hier gibt es nichts" in page


def test_who_signs_up_in_german_keeps_it_and_gets_a_german_code(client: FlaskClient, world: World) -> None:
    client.set_cookie("language", "de")
    fields = {"first_name": "Kim", "last_name": "Lee", "email": "kim@de.example", "accept_policies": "y"}
    answer = Visitor(client).send("/sign-up", {**fields, "password": "violet harbour 29"}, on="/sign-up")
    assert answer.status_code == 303, answer.text
    (mail,) = mails(world, "kim@de.example")
    assert re.fullmatch(r"\d{6} ist dein Code für \w+", mail.subject)
    assert mail.text.startswith("Hallo Kim, gib ")
    assert "(gilt 10 Minuten)" in mail.text
    assert '<html lang="de"' in mail.html
    with world.app.app_context():
        assert db.session.query(User.locale).filter_by(email="kim@de.example").scalar() == "de"


@pytest.fixture
def person(world: World) -> int:
    return world.person()


def test_language_set_through_services_v1_holds_everywhere(world: World, person: int) -> None:
    token = world.token("services_v1")
    answer = world.done("services_v1.user.update_language", token=token, json={"language": "de"})
    assert answer["message"] == "Sprache gespeichert."
    zone = {"timezone": "Europe/Berlin"}
    told = world.done("services_v1.user.update_timezone", token=token, json=zone)
    assert told["message"] == "Zeitzone gespeichert."

    refused = world.call("services_v1.active_sessions.revoke", token=token, json={"session_id": 10**6})
    assert refused.get_json()["message"] == "Eine solche Sitzung gibt es nicht."

    visitor = Visitor(world.app.test_client())
    visitor.sign_in("jane@world.example", "correct horse battery 7")
    page = visitor.get("/account/sessions").text
    assert '<html lang="de" data-timezone="Europe/Berlin"' in page
    assert "Jetzt angemeldet" in page
    assert re.search(r'title="\d{1,2}\. \w+ 20\d\d, \d\d:\d\d:\d\d ME(S)?Z"', page)
    assert re.search(r">(gerade eben|vor \d+ \w+)</time>", page)

    (mail,) = [mail for mail in mails(world, "jane@world.example") if "Neue Anmeldung" in mail.subject][:1]
    assert re.search(r"am \d{1,2}\. \w+ 20\d\d um \d\d:\d\d ME(S)?Z", mail.text)


def test_what_is_wrong_with_a_field_is_said_in_the_callers_language(world: World, person: int) -> None:
    token = world.token("services_v1")
    world.done("services_v1.user.update_language", token=token, json={"language": "de"})
    empty = world.call("services_v1.user.update_language", token=token, json={}).get_json()
    assert empty["message"] == "Einige Felder brauchen deine Aufmerksamkeit."
    assert empty["errors"] == {"language": ["Dieses Feld fehlt."]}
    odd = world.call("services_v1.user.update_language", token=token, json={"language": "x" * 99}).get_json()
    assert odd["errors"]["language"][0].endswith(("35.", "35 liegen."))


def test_another_dialect_goes_on_in_english(world: World, person: int) -> None:
    world.done("services_v1.user.update_language", token=world.token("services_v1"), json={"language": "de"})
    refused = world.call(
        "platform_api.auth.login", json={"email": "jane@world.example", "password": "wrong horse 1"}
    )
    assert "These details do not match." in refused.text


def test_an_organizations_language_and_dates_count_for_who_chose_none(world: World, person: int) -> None:
    tenant_id = world.organization(person)
    with world.app.app_context(), transaction():
        for name, value in HOUSE_STYLE.items():
            settings.set_value(
                Actor(kind="system", tenant_id=tenant_id), key=f"localization.{name}", value=value
            )
    visitor = Visitor(world.app.test_client())
    visitor.sign_in("jane@world.example", "correct horse battery 7")
    page = visitor.get("/account/sessions").text
    assert '<html lang="de-DE"' in page
    assert "Jetzt angemeldet" in page
    assert re.search(r'title="\d\d/\d\d/20\d\d, \d{1,2}:\d\d:\d\d (AM|PM) ME(S)?Z"', page)


@pytest.mark.browser
@pytest.mark.live
def test_a_german_browser_is_spoken_to_in_german_by_scripts_too(guest_with: Any) -> None:
    guest = guest_with(locale="de-DE", timezone_id="Europe/Berlin")
    page = guest.page
    page.goto("/sign-up")
    page.get_by_label("Vorname").fill("Kim")
    page.get_by_label("Nachname").fill("Lee")
    page.get_by_label("E-Mail").fill(guest.email)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Konto anlegen").click()
    page.wait_for_url("**/sign-up/code")
    code = guest.live.mail.wait_for(guest.email, subject="ist dein Code").code
    page.get_by_label("Code").fill(code)
    page.wait_for_url("**/dashboard")
    page.goto("/account/sessions")
    time = page.locator("time[data-age]").first
    assert time.text_content() == "gerade eben"
    assert re.fullmatch(r"\d{1,2}\. \w+ 20\d\d, \d\d:\d\d:\d\d UTC", time.get_attribute("title"))
    page.keyboard.press("Control+k")
    assert page.get_by_role("option", name="Sitzungen").first.is_visible()
