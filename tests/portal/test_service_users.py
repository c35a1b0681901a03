"""Service users and client accounts in the portal: made, shown once, rotated, switched off, deleted."""

import re

from tests.portal.conftest import Visitor

USERS, CLIENTS = "/organization/service-users", "/organization/clients"
A_PASSWORD = re.compile(r"svp_[\w-]{43}")
NEW_CLIENT = {
    "email": "new_client@client.com",
    "first_name": "New",
    "last_name": "Client",
    "external_id": "80491f93-1eb1-42c2-b5e1-d2e94dac5ab9",
    "password": "new_client",
}
STAGING = "?environment=staging"


def make(visitor: Visitor, name: str = "web-shop", where: str = "") -> str:
    """Make a service user and return the password that the page shows."""
    answer = visitor.send(USERS + where, {"name": name}, on=USERS + where)
    assert answer.status_code == 200, answer.text
    found = A_PASSWORD.search(answer.text)
    assert found, answer.text
    return found[0]


def uid_of(visitor: Visitor, where: str = "") -> str:
    found = re.search(r"/service-users/([0-9a-f-]{36})/rotate", visitor.get(USERS + where).text)
    assert found
    return found[1]


def token_of(visitor: Visitor, password: str, *, name: str = "web-shop", environment: str = "prod") -> int:
    """Sign the service user in as its program would; return the status."""
    answer = visitor.client.application.test_client().post(
        "/v1/login/password",
        json={"username": name, "password": password},
        headers={"X-Platform-Id": "portal_corp", "X-Platform-Env": environment},
    )
    return answer.status_code


def test_a_password_is_shown_once_with_a_call_to_try(corp: Visitor) -> None:
    assert "No service user yet" in corp.get(USERS).text
    password = make(corp)
    assert token_of(corp, password) == 200
    shown = corp.get(USERS).text
    assert "web-shop" in shown
    assert password not in shown
    assert "1 live token" in shown


def test_environments_are_apart(corp: Visitor) -> None:
    password = make(corp, where=STAGING)
    assert "web-shop" not in corp.get(USERS).text
    assert token_of(corp, password) == 401
    assert token_of(corp, password, environment="staging") == 200


def test_a_name_is_had_once_whatever_its_case(corp: Visitor) -> None:
    make(corp)
    again = corp.send(USERS, {"name": "WEB-Shop"}, on=USERS)
    assert again.status_code == 409
    assert "There is a service user of this name." in again.text
    odd = corp.send(USERS, {"name": "<b>"}, on=USERS)
    assert odd.status_code == 422


def test_a_new_password_at_once_or_with_an_overlap(corp: Visitor) -> None:
    first = make(corp)
    page = f"{USERS}/{uid_of(corp)}/rotate"
    second = A_PASSWORD.search(corp.send(page, {"overlap": "24"}, on=page).text)
    assert second
    assert [token_of(corp, first), token_of(corp, second[0])] == [200, 200]
    third = A_PASSWORD.search(corp.send(page, {"overlap": "0"}, on=page).text)
    assert third
    assert [token_of(corp, p) for p in (first, second[0], third[0])] == [401, 401, 200]


def test_switched_off_on_again_and_deleted(corp: Visitor) -> None:
    password = make(corp)
    uid = uid_of(corp)
    assert corp.send(f"{USERS}/{uid}/disable", on=USERS).status_code == 303
    assert token_of(corp, password) == 401
    assert corp.send(f"{USERS}/{uid}/enable", on=USERS).status_code == 303
    assert token_of(corp, password) == 200
    assert corp.send(f"{USERS}/{uid}/delete", on=USERS).status_code == 303
    assert token_of(corp, password) == 401
    assert corp.send(f"{USERS}/{uid}/disable", on=USERS).status_code == 404


def test_a_hint_leads_to_the_switch(corp: Visitor) -> None:
    for page in (USERS, CLIENTS):
        assert "/organization/settings/clients.enabled?environment=prod" in corp.get(page).text


def test_a_client_is_made_found_switched_off_and_deleted(corp: Visitor) -> None:
    made = corp.send(f"{CLIENTS}/new", NEW_CLIENT, on=f"{CLIENTS}/new")
    assert made.status_code == 303, made.text
    page = f"{CLIENTS}/{NEW_CLIENT['external_id']}"
    assert made.location.startswith(page)
    assert "New Client" in corp.get(f"{CLIENTS}?email=NEW_CLIENT@client.com").text
    assert "Nobody found" in corp.get(f"{CLIENTS}?email=new_client").text
    assert "Nobody found" in corp.get(f"{CLIENTS}?status=disabled").text
    assert corp.send(f"{page}/status/disabled", on=page).status_code == 303
    assert "Switched off" in corp.get(page).text
    again = corp.send(f"{CLIENTS}/new", NEW_CLIENT, on=f"{CLIENTS}/new")
    assert again.status_code == 409
    assert corp.send(f"{page}/sessions/end", on=page).status_code == 303
    assert corp.send(f"{page}/delete", on=page).status_code == 303
    assert corp.get(page).status_code == 404


def test_a_stranger_sees_nothing_of_it(corp: Visitor, other: Visitor) -> None:
    make(corp)
    corp.send(f"{CLIENTS}/new", NEW_CLIENT, on=f"{CLIENTS}/new")
    assert other.get(USERS).status_code == 303
    assert other.get(f"{CLIENTS}/{NEW_CLIENT['external_id']}").status_code == 303
