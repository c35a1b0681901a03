"""Which instance a call names, and in which order it is refused."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.core.settings import current_settings, use_settings
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.architecture.test_strangers import STRANGERS, address
from tests.contract.endpoints import BY_CALL, routes
from tests.support.service import SLUG, put, service_user
from tests.support.world import World

HERE = {"X-Platform-Id": SLUG}
MISSING, AMBIGUOUS = "400 instance:missing", "400 instance:ambiguous"


def host(name: str, **headers: str) -> dict[str, str]:
    return {"Host": name, **{key.replace("_", "-"): value for key, value in headers.items()}}


GOOD = {
    "headers": {**HERE, "X-Platform-Env": "prod"},
    "without an environment": HERE,
    "the other sign": {"X-Platform-Id": "WORLD_corp"},
    "production": {**HERE, "X-Platform-Env": "Production"},
    "host": host(f"api.{SLUG}.portico.example"),
    "host with a port": host(f"api.{SLUG}.localhost:8000"),
    "host in capitals": host(f"API.{SLUG.upper()}.portico.example."),
    "host that agrees": host(
        f"api.{SLUG}.portico.example", X_Platform_Id="world_corp", X_Platform_Env="prod"
    ),
}
BAD = {
    "nothing": ({}, MISSING),
    "an empty header": ({"X-Platform-Id": " "}, MISSING),
    "an environment alone": ({"X-Platform-Env": "prod"}, MISSING),
    "a host that names none": (host("api.portico"), MISSING),
    "staging without an id": (host("api.staging.portico"), MISSING),
    "dev": ({**HERE, "X-Platform-Env": "dev"}, "400 instance:unknown_environment"),
    "dev at a host": (
        host(f"api.{SLUG}.portico.example", X_Platform_Env="dev"),
        "400 instance:unknown_environment",
    ),
    "another environment": (host(f"api.{SLUG}.portico.example", X_Platform_Env="staging"), AMBIGUOUS),
    "another environment by header": (
        host(f"api.staging.{SLUG}.portico.example", X_Platform_Env="prod"),
        AMBIGUOUS,
    ),
    "another id": (host(f"api.{SLUG}.portico.example", X_Platform_Id="other-corp"), AMBIGUOUS),
    "of nobody": ({"X-Platform-Id": "nobody-corp"}, "404 instance:not_found"),
    "a reserved word": ({"X-Platform-Id": "www"}, "404 instance:not_found"),
    "no slug at all": ({"X-Platform-Id": "'; --"}, "404 instance:not_found"),
    "a proxy that is not ours": (
        {"Host": "localhost", "X-Forwarded-Host": f"api.{SLUG}.portico.example"},
        MISSING,
    ),
}


@pytest.mark.parametrize("named", GOOD)
def test_an_instance_is_named_by_host_or_headers(world: World, named: str) -> None:
    user = service_user(world)
    assert user.done("account.list", headers=GOOD[named])["items"] == []


@pytest.mark.parametrize("named", BAD)
def test_what_names_none_or_two_is_refused(world: World, named: str) -> None:
    user = service_user(world)
    headers, refusal = BAD[named]
    user.refused("account.list", refusal, headers=headers)


def test_two_headers_that_disagree_are_refused(world: World) -> None:
    user = service_user(world)
    headers = [("X-Platform-Id", SLUG), ("X-Platform-Id", "other"), ("Authorization", f"Bearer {user.token}")]
    answer = world.app.test_client().get("/v1/client", headers=headers)
    assert answer.get_json()["error"]["code"] == "instance:ambiguous"


@pytest.fixture
def behind_a_proxy(app: Flask) -> Iterator[None]:
    before = current_settings()
    use_settings(replace(before, trusted_proxies=1))
    yield
    use_settings(before)


def test_a_trusted_proxy_tells_the_host(world: World, behind_a_proxy: None) -> None:
    user = service_user(world)
    told = {"Host": "inner", "X-Forwarded-Host": f"evil.example, api.{SLUG}.portico.example"}
    user.done("account.list", headers=told)
    forged = {"Host": "inner", "X-Forwarded-Host": f"api.{SLUG}.portico.example, portal.example"}
    user.refused("account.list", MISSING, headers=forged)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(TenantStatus.SUSPENDED, "403 tenant:suspended"), (TenantStatus.ARCHIVED, "403 tenant:archived")],
)
def test_an_organization_that_rests_says_so_first(world: World, status: TenantStatus, refusal: str) -> None:
    user = service_user(world)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Tenant).where(Tenant.slug == SLUG).values(status=status))
    user.refused("account.list", refusal, token="nonsense")
    who = {"username": user.name, "password": user.password}
    user.refused("auth.login_password", refusal, token="", json=who)


def test_a_stranger_never_learns_whether_the_feature_is_on(world: World) -> None:
    user = service_user(world, enabled=False)
    user.refused("account.list", "401 auth:unauthenticated", token="nonsense")
    user.refused("account.list", "403 client:feature_disabled")
    user.refused("account.signup", "403 client:feature_disabled", json={"nonsense": 1})
    put(world, "clients.enabled", True, environment="staging")
    user.refused("account.list", "403 client:feature_disabled")
    assert user.call("auth.revoke").status_code == 204


def test_an_address_that_the_organization_does_not_allow(world: World) -> None:
    user = service_user(world)
    put(world, "auth.ip_allowlist", ["192.0.2.0/24"])
    user.refused("account.list", "403 auth:address_not_allowed")
    who = {"username": user.name, "password": user.password}
    user.refused("auth.login_password", "403 auth:address_not_allowed", token="", json=who)
    user.refused(
        "auth.login_password", "401 auth:invalid_credentials", token="", json={**who, "password": "x"}
    )


@pytest.mark.parametrize("stranger", [*STRANGERS, "a person's token"])
def test_nothing_but_a_service_token_opens_a_closed_call(world: World, stranger: str) -> None:
    """G05: nor does a person's, whatever they may do in the organization."""
    service_user(world)
    headers = STRANGERS.get(stranger)
    if headers is None:
        world.person("jane@world.example", admin=True)
        headers = {"Authorization": f"Bearer {world.token('platform_api')}"}
    tried = 0
    for call, rule in routes(world.app).items():
        endpoint = BY_CALL.get(call)
        if endpoint is None or endpoint.dialect != "client_v1" or endpoint.public:
            continue
        tried += 1
        answer = world.app.test_client().open(
            address(rule), method=call[0], headers={**headers, **HERE}, data="{}"
        )
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "auth:unauthenticated"), call
    assert tried == 13


def test_no_origin_is_allowed(world: World) -> None:
    user = service_user(world)
    answer = user.call("account.list", headers={**user.headers, "Origin": "https://shop.example"})
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
