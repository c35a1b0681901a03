"""Flows of client_v1 against a running server; service users come from the portal."""

import base64
import html
import json
import re
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.portal_http import PortalVisit

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
CLIENT_PASSWORD = "a secret of the client"
LOGIN = "client_v1.auth.login_password"
SIGN_UP = "client_v1.account.signup"
VERIFY = "client_v1.session.verify"
CLIENT_LOGIN = "client_v1.session.login"
USERS = "/organization/service-users"


def founded(caller: Caller, slug: str) -> str:
    """Let somebody open an organization; returns their address."""
    email = f"owner@{slug}.example"
    who = {"email": email, "password": PASSWORD, "first_name": "Olga", "last_name": "Owner"}
    caller.good("platform_api.auth.register", **who)
    token = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    caller.good("platform_api.tenants.create", bearer=token, name=slug.title(), slug=slug)
    return email


def scoped(caller: Caller, email: str, environment: str = "prod") -> str:
    token = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    (tenant,) = caller.good("platform_api.tenants.list", bearer=token)
    chosen = {"tenant_id": tenant["id"], "environment": environment}
    return str(caller.good("platform_api.auth.select_tenant", bearer=token, **chosen)["access_token"])


def service_user(live: LiveInstance, email: str, name: str, environment: str) -> dict[str, str]:
    """Make a service user in the portal; returns what it signs in with."""
    page = f"{USERS}?environment={environment}"
    with PortalVisit(live.url) as visit:
        visit.sign_in(email, PASSWORD)
        made = visit.send(page, {"name": name}, on=page)
    found = re.search(r"svp_[\w-]{43}", made.text)
    assert found, html.unescape(made.text)
    return {"username": name, "password": found[0]}


def switch_on(caller: Caller, email: str, environment: str) -> None:
    token = scoped(caller, email, environment)
    caller.good("platform_api.configs.update", bearer=token, key="clients.enabled", value=True)


def headers(slug: str, environment: str) -> dict[str, str]:
    return {"X-Platform-Id": slug.replace("-", "_"), "X-Platform-Env": environment}


def newcomer(user_id: str, email: str = "new_client@client.com") -> dict[str, Any]:
    name = {"first_name": "new", "last_name": "client"}
    return {"user_id": user_id, "email": email, "name": name, "password": CLIENT_PASSWORD}


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def plain_curl(url: str, where: dict[str, str], body: dict[str, str]) -> httpx.Response:
    """Send JSON as ``curl --data`` does."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(f"{url}/v1/login/password", content=json.dumps(body), headers={**where, **kind})


def test_documented_walk(live: LiveInstance, caller: Caller) -> None:
    slug, where = "walk-corp", headers("walk-corp", "staging")
    email = founded(caller, slug)
    switch_on(caller, email, "staging")
    who = service_user(live, email, "tutorial", "staging")
    answer = plain_curl(live.url, where, who)
    assert answer.status_code == 200, answer.text
    token = answer.json()["api_token"]
    claims = part(token, 1)
    assert set(claims) == {"r", "exp", "sub", "reg"}
    assert (claims["r"], claims["reg"]) == (["service"], "eu")
    assert 0 < claims["exp"] - time.time() <= 3600
    call = {"bearer": token, "headers": where}
    user = str(uuid4())
    body = caller.good(SIGN_UP, **call, **newcomer(user))
    assert set(body) == {"client_token"}
    found = caller.good(VERIFY, **call, client_token=body["client_token"])
    assert (found["active"], found["user_id"]) == (True, user)
    account = caller.good("client_v1.account.get", **call, user_id=user)
    assert (account["email"], account["name"]) == (
        "new_client@client.com",
        {"first_name": "new", "last_name": "client"},
    )
    assert (account["status"], account["environment"]) == ("active", "staging")
    assert "password" not in str(account)
    (item,) = caller.good("client_v1.account.list", **call, email="NEW_CLIENT@client.com")["items"]
    assert item["user_id"] == user
    caller.refused(SIGN_UP, "409 client:user_id_taken", **call, **newcomer(user))
    caller.refused(SIGN_UP, "409 client:email_taken", **call, **newcomer(str(uuid4())))
    (session,) = caller.good("client_v1.session.list", **call, user_id=user)["items"]
    assert (session["created_by"], session["session_id"]) == ("signup", found["session_id"])


def test_environments_apart(live: LiveInstance, caller: Caller) -> None:
    slug = "apart-corp"
    email = founded(caller, slug)
    for environment in ("staging", "prod"):
        switch_on(caller, email, environment)
    staging_user = service_user(live, email, "service", "staging")
    prod_user = service_user(live, email, "service", "prod")
    staging, prod = (
        {"Host": f"api.staging.{slug}.portico.example"},
        {"Host": f"api.{slug}.portico.example"},
    )
    ts = caller.good(LOGIN, headers=staging, **staging_user)["api_token"]
    caller.refused(LOGIN, "401 auth:invalid_credentials", headers=prod, **staging_user)
    tp = caller.good(LOGIN, headers=prod, **prod_user)["api_token"]
    user = str(uuid4())
    caller.good(SIGN_UP, bearer=ts, headers=headers(slug, "staging"), **newcomer(user))
    get, list_ = "client_v1.account.get", "client_v1.account.list"
    caller.refused(get, "404 client:not_found", bearer=tp, headers=prod, user_id=user)
    caller.good(SIGN_UP, bearer=tp, headers=prod, **newcomer(user))
    assert [
        caller.good(get, bearer=token, headers=host, user_id=user)["environment"]
        for token, host in ((ts, staging), (tp, prod))
    ] == ["staging", "prod"]
    caller.refused(list_, "401 auth:unauthenticated", bearer=ts, headers=prod)
    mixed = {**staging, "X-Platform-Env": "prod"}
    caller.refused(list_, "400 instance:ambiguous", bearer=tp, headers=mixed)
    caller.refused(list_, "400 instance:missing", bearer=tp, headers={"Host": "portal.example"})
    dev = headers(slug, "dev")
    caller.refused(list_, "400 instance:unknown_environment", bearer=tp, headers=dev)
    nobody = headers("nobody-corp", "prod")
    caller.refused(list_, "404 instance:not_found", bearer=tp, headers=nobody)


def test_session_life(live: LiveInstance, caller: Caller) -> None:
    slug, where = "life-corp", headers("life-corp", "staging")
    owner = founded(caller, slug)
    switch_on(caller, owner, "staging")
    who = service_user(live, owner, "service", "staging")
    call = {"bearer": caller.good(LOGIN, headers=where, **who)["api_token"], "headers": where}
    user, email = str(uuid4()), "new_client@client.com"
    caller.good(SIGN_UP, **call, **newcomer(user))

    def active(token: str) -> bool:
        found = caller.good(VERIFY, **call, client_token=token)
        assert found["active"] or set(found) == {"active"}
        return bool(found["active"])

    wrong = "401 client:invalid_credentials"
    right = {"email": email, "password": CLIENT_PASSWORD}
    caller.refused(CLIENT_LOGIN, wrong, **call, email=email, password="wrong")
    caller.refused(CLIENT_LOGIN, wrong, **call, email="unknown@client.com", password=CLIENT_PASSWORD)
    t1 = caller.good(CLIENT_LOGIN, **call, **right)["client_token"]
    s2 = caller.good(CLIENT_LOGIN, **call, user_id=user, password=CLIENT_PASSWORD)["session_id"]
    t3 = caller.good(CLIENT_LOGIN, **call, **right)["client_token"]
    for _ in range(2):
        caller.good("client_v1.session.logout", **call, client_token=t1)
    named = {"user_id": user, "session_id": s2}
    caller.good("client_v1.session.revoke", **call, **named)
    caller.refused("client_v1.session.revoke", "404 session:not_found", **call, **named)
    assert not active(t1)
    assert active(t3)
    update = "client_v1.account.update"
    caller.good(update, **call, user_id=user, password="another one")
    assert not active(t3)
    right["password"] = "another one"
    t4 = caller.good(CLIENT_LOGIN, **call, **right)["client_token"]
    caller.good(CLIENT_LOGIN, **call, **right)
    assert caller.good("client_v1.session.revoke_all", **call, user_id=user) == {"revoked": 2}
    assert not active(t4)
    caller.good(update, **call, user_id=user, status="disabled")
    caller.refused(CLIENT_LOGIN, wrong, **call, email=email, password="wrong")
    caller.refused(CLIENT_LOGIN, "403 client:disabled", **call, **right)
    caller.good("client_v1.account.delete", **call, user_id=user)
    caller.refused("client_v1.account.get", "404 client:not_found", **call, user_id=user)


def test_feature_and_token(live: LiveInstance, caller: Caller) -> None:
    slug, where = "feature-corp", headers("feature-corp", "prod")
    owner = founded(caller, slug)
    who = service_user(live, owner, "service", "prod")
    call = {"bearer": caller.good(LOGIN, headers=where, **who)["api_token"], "headers": where}
    list_, update = "client_v1.account.list", "platform_api.configs.update"
    caller.refused(list_, "403 client:feature_disabled", **call)
    caller.refused(list_, "401 auth:unauthenticated", headers=where)
    s = scoped(caller, owner)
    caller.good(update, bearer=s, key="clients.enabled", value=True)
    assert caller.good(list_, **call) == {"items": [], "next_cursor": None}
    user = str(uuid4())
    caller.good(SIGN_UP, **call, **newcomer(user))
    vouch = "client_v1.session.create"
    caller.refused(vouch, "403 client:vouched_sessions_disabled", **call, user_id=user)
    caller.good(update, bearer=s, key="clients.vouched_sessions", value=True)
    token = caller.good(vouch, **call, user_id=user)["client_token"]
    assert caller.good(VERIFY, **call, client_token=token)["active"] is True
    caller.good("client_v1.auth.revoke", **call)
    caller.refused(list_, "401 auth:unauthenticated", **call)
    for _ in range(51):
        wrong = {**who, "password": "wrong"}
        caller.refused(LOGIN, "401 auth:invalid_credentials", headers=where, **wrong)
    assert live.mail.wait_for(owner, subject="service failed 50 times to sign in")
