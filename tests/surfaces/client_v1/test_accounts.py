"""Client accounts: what is taken, shown, changed, deleted; two environments and two organizations apart."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.clients.models import ClientAccount
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.surfaces.shared.transaction import transaction
from tests.support.service import PASSWORD, ServiceUser, newcomer, service_user
from tests.support.world import World

FIELDS = {
    *("user_id", "email", "name", "status", "environment", "created_at", "updated_at", "last_login_at"),
}
VALIDATION = "422 validation"


@pytest.fixture
def user(world: World) -> ServiceUser:
    return service_user(world)


def test_the_documented_walk(world: World) -> None:
    user = service_user(world, environment="staging")
    client_id, token = user.client()
    found = user.done("session.verify", json={"client_token": token})
    assert (found["active"], found["user_id"]) == (True, client_id)
    account = user.done("account.get", user_id=client_id)
    assert set(account) == FIELDS
    assert account["name"] == {"first_name": "new", "last_name": "client"}
    assert (account["environment"], account["status"]) == ("staging", "active")
    (item,) = user.done("account.list", query={"email": "NEW_CLIENT@client.com"})["items"]
    assert item == account
    user.refused("account.signup", "409 client:user_id_taken", json=newcomer(client_id))
    user.refused(
        "account.signup", "409 client:email_taken", json=newcomer(str(uuid4()), "New_Client@CLIENT.com")
    )


def test_a_body_is_json_whatever_it_says_it_is(user: ServiceUser) -> None:
    client = user.world.app.test_client()
    headers = {**user.headers, "Authorization": f"Bearer {user.token}"}
    body = json.dumps(newcomer(str(uuid4())))
    for kind in ("application/x-www-form-urlencoded", "text/plain", "image/png"):
        body = json.dumps(newcomer(str(uuid4()), f"{kind[:4]}@client.com"))
        answer = client.post("/v1/client/signup", data=body, headers={**headers, "Content-Type": kind})
        assert answer.status_code == 201, answer.text
    for raw in ("", "[]", "null", '"x"', "{", "user_id=1"):
        answer = client.post("/v1/client/signup", data=raw, headers=headers)
        assert answer.get_json()["error"]["code"] == "request:malformed", raw


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": None}, "name"),
    "half a name": ({"name": {"first_name": "x"}}, "name.last_name"),
    "a blank name": ({"name": {"first_name": " ", "last_name": "x"}}, "name.first_name"),
    "no address": ({"email": "nonsense"}, "email"),
    "no uuid": ({"user_id": "17"}, "user_id"),
    "a short password": ({"password": "seven77"}, "password"),
    "a long password": ({"password": "x" * 257}, "password"),
    "an unknown field": ({"status": "active"}, "status"),
    "another organization": ({"tenant_id": 1}, "tenant_id"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named_at_the_beginning(user: ServiceUser, wrong: str) -> None:
    change, field = WRONG[wrong]
    body = {**newcomer(str(uuid4())), **change}
    answer = user.refused("account.signup", VALIDATION, json=body)
    assert answer.get_json()["error"]["message"].startswith(field)


@pytest.mark.parametrize("password", ["8letters", "x" * 256, "пароль пароль", "\u00e9" * 200])
def test_any_password_of_the_right_length(user: ServiceUser, password: str) -> None:
    user.client(password=password)
    user.done("session.login", json={"email": "new_client@client.com", "password": password})


def test_only_what_is_sent_changes(user: ServiceUser) -> None:
    client_id, _ = user.client()
    before = user.done("account.get", user_id=client_id)
    changed = user.done("account.update", user_id=client_id, json={"name": {"last_name": "Else"}})
    assert changed["name"] == {"first_name": "new", "last_name": "Else"}
    assert {**changed, "name": 0, "updated_at": 0} == {**before, "name": 0, "updated_at": 0}
    user.refused("account.update", VALIDATION, user_id=client_id, json={})
    user.refused("account.update", VALIDATION, user_id=client_id, json={"user_id": str(uuid4())})
    user.refused("account.update", VALIDATION, user_id=client_id, json={"status": "gone"})
    user.client("other@client.com")
    taken = {"email": "OTHER@client.com"}
    user.refused("account.update", "409 client:email_taken", user_id=client_id, json=taken)
    user.done("account.update", user_id=client_id, json={"email": "New_Client@client.com"})


def test_a_deleted_account_leaves_nothing_and_can_come_again(user: ServiceUser) -> None:
    client_id, token = user.client()
    assert user.call("account.delete", user_id=client_id).status_code == 204
    user.refused("account.get", "404 client:not_found", user_id=client_id)
    user.refused("account.delete", "404 client:not_found", user_id=client_id)
    assert user.done("session.verify", json={"client_token": token}) == {"active": False}
    with user.world.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(ClientAccount)) == 0
        kinds = db.session.scalars(sa.select(UserSession.kind)).all()
    assert "client" not in kinds
    told = " ".join(str(row.changes) for row in user.world.trail())
    assert client_id in told
    assert "client.com" not in told
    user.done("account.signup", json=newcomer(client_id))


def test_lists_go_on_by_cursor_and_only_here(user: ServiceUser) -> None:
    ids = [user.client(f"c{number}@client.com")[0] for number in range(5)]
    first = user.done("account.list", query={"limit": "3"})
    second = user.done("account.list", query={"limit": "3", "cursor": first["next_cursor"]})
    shown = [item["user_id"] for item in first["items"] + second["items"]]
    assert shown == ids[::-1]
    assert second["next_cursor"] is None
    user.refused("account.list", "422 pagination:bad_cursor", query={"cursor": "nonsense"})
    other = service_user(user.world, slug="other-corp")
    other.refused("account.list", "422 pagination:bad_cursor", query={"cursor": first["next_cursor"]})
    user.refused("account.list", VALIDATION, query={"limit": "1000000000"})
    assert user.done("account.list", query={"email": "%"})["items"] == []
    assert user.done("account.list", query={"status": "disabled"})["items"] == []


def test_a_list_costs_the_same_for_one_and_for_many(user: ServiceUser, queries: Callable[[], int]) -> None:
    user.client("c0@client.com")
    user.done("account.list")
    before = queries()
    user.done("account.list")
    one = queries() - before
    for number in range(1, 20):
        user.client(f"c{number}@client.com")
    before = queries()
    user.done("account.list")
    assert queries() - before == one


@pytest.fixture
def queries(database: sa.Connection) -> Callable[[], int]:
    counted: list[str] = []
    sa.event.listen(
        database,
        "before_cursor_execute",
        lambda *args: counted.append(str(args[2])) if len(args) > 2 else None,
    )
    return lambda: len(counted)


CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("account.get", {}),
    ("account.update", {"json": {"status": "disabled"}}),
    ("account.delete", {}),
    ("session.create", {"json": {}}),
    ("session.list", {}),
    ("session.revoke", {"session_id": str(uuid4())}),
    ("session.revoke_all", {}),
)


@pytest.mark.parametrize("twin", [{"slug": "other-corp"}, {"environment": "staging"}])
def test_h01_a_twins_clients_are_not_there(world: World, user: ServiceUser, twin: dict[str, str]) -> None:
    """Another organization's, another environment's, made up, no id at all: one answer."""
    their = service_user(world, **twin)
    theirs, token = their.client()
    with world.app.app_context(), transaction():
        for environment in ("prod", "staging"):
            db.session.add(SettingValue(key="clients.vouched_sessions", environment=environment, value=True))
    answers = {
        (answer.status_code, answer.text)
        for call, more in CALLS
        for user_id in (theirs, str(uuid4()), "nonsense", "0")
        for answer in [user.call(call, user_id=user_id, **more)]
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    assert user.done("session.verify", json={"client_token": token}) == {"active": False}
    assert user.call("session.logout", json={"client_token": token}).status_code == 204
    user.refused(
        "session.login", "401 client:invalid_credentials", json={"user_id": theirs, "password": PASSWORD}
    )
    user.done("account.signup", json=newcomer(theirs))  # the same id and address, side by side
    assert their.done("session.verify", json={"client_token": token})["active"] is True
    assert len(their.done("session.list", user_id=theirs)["items"]) == 1


def test_a_client_is_no_person(world: World, user: ServiceUser) -> None:
    world.person("jane@world.example")
    user.client("jane@world.example")
    answer = world.call("v0.auth.login", json={"email": "jane@world.example", "password": PASSWORD})
    assert answer.status_code == 401
