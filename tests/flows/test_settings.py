"""Settings over HTTP: the flow of locks and environments, and many writers at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
KEY = "invites.expiry_days"


def owner(caller: Caller, name: str) -> tuple[str, str]:
    """Found an organization; returns its id and its owner's scoped token."""
    email = f"jane@{name}.example"
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    signed = caller.good("platform_api.auth.login", email=email, password=PASSWORD)
    token = signed["access_token"]
    tenant = caller.good("platform_api.tenants.create", bearer=token, name="Acme", slug=name)["id"]
    scoped = caller.good("platform_api.auth.select_tenant", bearer=token, tenant_id=tenant)
    return tenant, scoped["access_token"]


def admin(live: LiveInstance, caller: Caller, name: str) -> str:
    email = f"admin@{name}.example"
    live.flask("create-admin", email, "--password", PASSWORD)
    return str(caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"])


def reader(live: LiveInstance, caller: Caller, owners: str, tenant: str) -> str:
    """Let somebody join to whom nothing but looking is given; returns a scoped token."""
    email = "vera@settings-flow.example"
    caller.good("platform_api.invites.create", bearer=owners, email=email, role="viewer")
    token = live.mail.token_for(email, subject="invites you")
    caller.good("api_v1.users.accept_invitation", token=token, password=PASSWORD)
    signed = caller.good("platform_api.auth.login", email=email, password=PASSWORD)
    chosen = {"bearer": signed["access_token"], "tenant_id": tenant}
    return str(caller.good("platform_api.auth.select_tenant", **chosen)["access_token"])


def at_once(times: int, call: Callable[[int], httpx.Response]) -> list[int]:
    with ThreadPoolExecutor(times) as pool:
        return [answer.status_code for answer in pool.map(call, range(times))]


def test_thirty_who_set_one_value_at_once_leave_one_and_each_its_trace(caller: Caller) -> None:
    _tenant, token = owner(caller, "settings-race")

    def put(number: int) -> httpx.Response:
        value = 1 + number % 30
        return caller.call("platform_api.configs.update", bearer=token, key=KEY, value=value)

    statuses = at_once(30, put)
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 20
    now = caller.good("api_v1.org_settings.get", bearer=token, key=KEY)["data"]
    assert now["value"] in range(1, 31)


def test_no_lock_is_lost_among_writers(live: LiveInstance, caller: Caller) -> None:
    tenant, token = owner(caller, "settings-lock")
    above = admin(live, caller, "settings-lock")

    def write(number: int) -> httpx.Response:
        if number == 10:
            body = {"value": 14, "scope": "TENANT", "tenant_id": tenant, "is_locked": True}
            return caller.call("platform_api.admin.update_config", bearer=above, key=KEY, **body)
        return caller.call("platform_api.configs.update", bearer=token, key=KEY, value=1 + number % 9)

    assert set(at_once(24, write)) <= {200, 403, 503}
    now = caller.good("api_v1.org_settings.get", bearer=token, key=KEY)["data"]
    assert (now["value"], now["isLocked"]) == (14, True)


def test_configs_lock_and_environments(live: LiveInstance, caller: Caller) -> None:
    tenant, token = owner(caller, "settings-flow")
    above, viewer = admin(live, caller, "settings-flow"), reader(live, caller, token, tenant)

    def shown(key: str, bearer: str = token) -> dict[str, object]:
        tree = caller.good("platform_api.configs.get", bearer=bearer)
        groups = [group for resource in tree["resources"] for group in resource["config_groups"]]
        assert {group["type"] for group in groups} == {"TENANT"}
        sections = [section for group in groups for section in group["sections"]]
        return next(one for section in sections for one in section["configs"] if one["key"] == key)

    update = "platform_api.configs.update"
    assert (shown("clients.enabled")["val"], shown("clients.enabled")["is_locked"]) == (False, False)
    not_theirs = {"bearer": viewer, "key": "clients.enabled", "value": True}
    caller.refused(update, "403 auth:permission_denied", **not_theirs)
    assert caller.good(update, bearer=token, key="clients.enabled", value=True)["val"] is True
    wrong = caller.refused(update, "422 validation", bearer=token, key=KEY, value="many")
    assert wrong.json()["detail"][0]["loc"] == ["body", "value"]
    for nobodys, value in (("no.such_key", 1), ("smtp.host", "x")):
        caller.refused(update, "404 setting:not_found", bearer=token, key=nobodys, value=value)
    switched = caller.good("platform_api.auth.switch_environment", bearer=token, environment="staging")
    assert shown("clients.enabled", switched["access_token"])["val"] is False
    caller.good(update, bearer=switched["access_token"], key=KEY, value=3)
    assert shown(KEY)["val"] == 3
    lock = {"bearer": above, "key": KEY, "value": 14, "scope": "GLOBAL"}
    caller.good("platform_api.admin.update_config", **lock, is_locked=True)
    try:
        assert (shown(KEY)["val"], shown(KEY)["mod"], shown(KEY)["is_locked"]) == (14, False, True)
        caller.refused(update, "403 setting:locked", bearer=token, key=KEY, value=5)
        body = {"email": "new@settings-flow.example", "role": "member"}
        made = caller.good("platform_api.invites.create", bearer=token, **body)
        left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
        assert abs(left - timedelta(days=14)) < timedelta(minutes=1)
    finally:
        caller.good("platform_api.admin.update_config", **lock, is_locked=False)
    assert shown(KEY)["val"] == 3
    assert caller.good(update, bearer=token, key=KEY, value=None)["val"] == 14
    caller.good("platform_api.admin.update_config", bearer=above, key=KEY, value=None)
