"""Flows across the dialects: what is done in one is seen through the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.flows.test_client_v1 import headers, service_user
from tests.support.authenticator import other_than
from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.second_factor import set_up

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"


@pytest.fixture
def browser(live: LiveInstance) -> Iterator[Caller]:
    with Caller(live.url) as made:
        yield made


@pytest.fixture
def other_device(live: LiveInstance) -> Iterator[Caller]:
    with Caller(live.url, user_agent="curl/8.5.0") as made:
        yield made


def founder(live: LiveInstance, caller: Caller, email: str, slug: str) -> tuple[str, str]:
    """Register a person, prove the address, open an organization; return its id and a global token."""
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    caller.good("v0.auth.verify_email", token=live.mail.token_for(email, subject="Confirm"))
    g = str(caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"])
    tenant = caller.good("platform_api.tenants.create", bearer=g, name="Across Corp", slug=slug)["id"]
    return str(tenant), g


def test_one_session_table(live: LiveInstance, browser: Caller, other_device: Caller) -> None:
    email, slug = "jane@one-table.example", "one-table"
    tenant, g = founder(live, browser, email, slug)
    browser.good("platform_api.auth.logout", bearer=g)
    answer = browser.call("v0.auth.login", email=email, password=PASSWORD)
    assert answer.status_code == 204
    cookie = answer.cookies["session_id"]
    (row,) = browser.good("services_v1.active_sessions.list", cookie=cookie)["data"]
    assert (row["dialect"], row["kind"], row["current"]) == ("v0", "browser", True)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    revoke = {"session_id": row["id"], "cookie": cookie, "headers": foreign}
    browser.refused("services_v1.active_sessions.revoke", "403 auth:csrf_invalid", **revoke)
    selected = browser.good("platform_api.auth.select_tenant", bearer=cookie, tenant_id=tenant)
    scoped = selected["access_token"]
    assert browser.good("platform_api.tenant.info", bearer=scoped)["id"] == tenant
    assert browser.good("api_v1.tenants.me", bearer=scoped)["data"]["slug"] == slug
    who = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    tokens = other_device.good("api_v1.auth.login", **who)["data"]
    access, refresh = tokens["accessToken"], tokens["refreshToken"]
    rows = other_device.good("services_v1.active_sessions.list", bearer=access)["data"]
    assert sorted(row["dialect"] for row in rows) == ["api_v1", "v0"]
    ended = other_device.good("api_v1.auth.logout_all", bearer=access)["data"]
    assert ended["sessionsRevoked"] == 2
    browser.refused("platform_api.tenant.info", "401 auth:unauthenticated", bearer=scoped)
    browser.refused("v0.users.me", "401 auth:unauthenticated", cookie=cookie)
    browser.refused("services_v1.user.get", "401 auth:unauthenticated", cookie=cookie)
    dead = {"refreshToken": refresh}
    other_device.refused("api_v1.auth.refresh", "401 auth:refresh_token_invalid", **dead)


def selected(caller: Caller, bearer: str, tenant: str) -> str:
    """Step into an organization; returns the scoped token."""
    chosen = caller.good("platform_api.auth.select_tenant", bearer=bearer, tenant_id=tenant)
    return str(chosen["access_token"])


def platform_admin(live: LiveInstance, caller: Caller, email: str) -> str:
    """Make a platform admin; returns a global token."""
    live.flask("create-admin", email, "--password", PASSWORD)
    return str(caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"])


def test_suspended_in_every_dialect(live: LiveInstance, browser: Caller) -> None:
    """Leaves out projects (services_v1.projects.*); the API token is tried on the person's own account."""
    email, slug, shut = "jane@shut.example", "shut-corp", "403 tenant:suspended"
    tenant, g = founder(live, browser, email, slug)
    a, s = platform_admin(live, browser, "root@shut.example"), selected(browser, g, tenant)
    who = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    bound = browser.good("api_v1.auth.login", **who)["data"]
    wanted = {"name": "Export", "scopes": ["read"], "tenant_id": tenant}
    pat = browser.good("services_v1.api_tokens.create", bearer=s, **wanted)["data"]["token"]
    browser.good("platform_api.configs.update", bearer=s, key="clients.enabled", value=True)
    here = headers(slug, "prod")
    user = service_user(live, email, "service", "prod")
    svc = browser.good("client_v1.auth.login_password", headers=here, **user)["api_token"]
    suspend = {"tenant_id": tenant, "status": "suspended", "reason": "Payment overdue"}
    browser.good("platform_api.admin.set_tenant_status", bearer=a, **suspend)
    mail = live.mail.wait_for(email, subject="Across Corp is now suspended")
    assert "Payment overdue" in mail.text
    browser.refused("platform_api.tenant.info", shut, bearer=s)
    browser.refused("platform_api.auth.select_tenant", shut, bearer=g, tenant_id=tenant)
    browser.refused("api_v1.auth.me", shut, bearer=s)
    browser.refused("api_v1.auth.me", shut, bearer=bound["accessToken"])
    again = {"refreshToken": bound["refreshToken"]}
    browser.refused("api_v1.auth.refresh", shut, **again)
    browser.refused("api_v1.auth.login", shut, **who)
    browser.refused("services_v1.user.get", shut, bearer=pat)
    browser.refused("client_v1.account.list", shut, bearer=svc, headers=here)
    assert browser.good("api_v1.tenants.by_slug", slug=slug)["data"]["loginEnabled"] is False
    browser.good("v0.users.me", bearer=g)
    assert browser.good("platform_api.tenants.list", bearer=g)[0]["status"] == "suspended"
    browser.good("platform_api.admin.set_tenant_status", bearer=a, tenant_id=tenant, status="active")
    browser.good("api_v1.auth.me", bearer=s)
    browser.good("api_v1.auth.me", bearer=bound["accessToken"])
    browser.good("services_v1.user.get", bearer=pat)
    browser.good("client_v1.account.list", bearer=svc, headers=here)
    browser.good("api_v1.auth.refresh", **again)
    browser.good("api_v1.auth.login", **who)


def test_one_settings_registry(live: LiveInstance, browser: Caller) -> None:
    """Leaves out the invitation to a project (services_v1.projects.invite)."""
    key, locked = "invites.expiry_days", "403 setting:locked"
    tenant, g = founder(live, browser, "jane@registry.example", "registry-corp")
    a, s = platform_admin(live, browser, "root@registry.example"), selected(browser, g, tenant)
    update, get = "api_v1.org_settings.update", "api_v1.org_settings.get"

    def shown() -> tuple[object, object]:
        data = browser.good(get, bearer=s, key=key)["data"]
        return data["value"], data["isLocked"]

    browser.good(update, bearer=s, key=key, value=3)
    tree = browser.good("platform_api.configs.get", bearer=s)
    groups = [group for resource in tree["resources"] for group in resource["config_groups"]]
    configs = [one for group in groups for section in group["sections"] for one in section["configs"]]
    (found,) = [one for one in configs if one["key"] == key]
    assert (found["val"], found["mod"]) == (3, True)
    lock = {"bearer": a, "key": key, "value": 14, "scope": "GLOBAL"}
    browser.good("platform_api.admin.update_config", **lock, is_locked=True)
    try:
        browser.refused(update, locked, bearer=s, key=key, value=5)
        browser.refused("platform_api.configs.update", locked, bearer=s, key=key, value=5)
        assert shown() == (14, True)
        kim = {"email": "kim@registry.example", "firstName": "Kim", "lastName": "Low", "role": "user"}
        made = browser.good("api_v1.users.create", bearer=s, **kim)["data"]["invitation"]
        left = datetime.fromisoformat(made["expiresAt"]) - datetime.now(UTC)
        assert abs(left - timedelta(days=14)) < timedelta(minutes=1)
    finally:
        browser.good("platform_api.admin.update_config", **lock, is_locked=False)
        browser.good("platform_api.admin.update_config", bearer=a, key=key, value=None)
    assert shown() == (3, False)


def test_removed_from_a_tenant(live: LiveInstance, browser: Caller, other_device: Caller) -> None:
    """Leaves out the part in a project (services_v1.projects.*)."""
    email, slug, nobody = "mia@removed.example", "removed-corp", "401 auth:unauthenticated"
    tenant, owner = founder(live, browser, "jane@removed.example", slug)
    s = selected(browser, owner, tenant)
    browser.good("platform_api.invites.create", bearer=s, email=email, role="member")
    mailed = live.mail.token_for(email, subject="invites you")
    browser.good("api_v1.users.accept_invitation", token=mailed, password=PASSWORD)
    g = other_device.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    m = selected(other_device, g, tenant)
    wanted = {"name": "Export", "scopes": ["read"], "tenant_id": tenant}
    pat = other_device.good("services_v1.api_tokens.create", bearer=g, **wanted)["data"]["token"]
    who = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    opened = other_device.good("api_v1.auth.login", **who)["data"]
    (row,) = [one for one in browser.good("platform_api.members.list", bearer=s) if one["email"] == email]
    (member,) = browser.good("api_v1.users.list", bearer=s, search="mia")["data"]
    browser.good("platform_api.members.remove", bearer=s, user_id=row["user_id"])
    assert live.mail.wait_for(email, subject="Your access to Across Corp has ended")
    other_device.refused("platform_api.tenant.info", nobody, bearer=m)
    other_device.refused("api_v1.auth.me", nobody, bearer=opened["accessToken"])
    again = {"refreshToken": opened["refreshToken"]}
    other_device.refused("api_v1.auth.refresh", "401 auth:refresh_token_invalid", **again)
    other_device.refused("services_v1.user.get", nobody, bearer=pat)
    chosen = {"bearer": g, "tenant_id": tenant}
    other_device.refused("platform_api.auth.select_tenant", "404 tenant:not_found", **chosen)
    other_device.refused("api_v1.auth.login", "401 auth:invalid_credentials", **who)
    assert other_device.good("platform_api.tenants.list", bearer=g) == []
    assert other_device.good("services_v1.user.get", bearer=g)["data"]["tenants"] == []
    other_device.good("v0.users.me", bearer=g)
    browser.refused("api_v1.users.get", "404 member:not_found", bearer=s, id=member["id"])


def test_one_budget_of_failures(live: LiveInstance, browser: Caller) -> None:
    email, slug = "jane@budget.example", "budget-corp"
    _, g = founder(live, browser, email, slug)
    factor = set_up(live, browser, g)
    ways: list[tuple[str, dict[str, str]]] = [
        ("services_v1.auth.login", {}),
        ("api_v1.auth.login", {"tenantSlug": slug}),
        ("platform_api.auth.login", {}),
        ("v0.auth.login", {}),
    ]
    who, required = {"email": email, "password": PASSWORD}, "401 auth:two_factor_required"
    step = browser.good("services_v1.auth.login", **who)["data"]
    assert step["next"] == "two_factor"
    lt = {"login_token": step["login_token"]}
    browser.refused("services_v1.auth.authenticate", required, **lt)
    browser.refused("api_v1.auth.login", required, tenantSlug=slug, **who)
    browser.refused("platform_api.auth.login", required, **who)
    asked = browser.call("v0.auth.login", **who)
    assert asked.status_code == 202
    for way, more in ways:
        typed = email.upper() if way.startswith("platform_api") else email
        for _ in range(2):
            browser.refused(way, "401 auth:invalid_credentials", email=typed, password="wrong", **more)
    wrong = other_than(live.totp(factor.secret))
    temp = {"temp_token": asked.json()["temp_token"], "code": wrong}
    browser.refused("v0.totp.verify", "401 totp:invalid_code", **temp)
    tenth = {**lt, "method": "authenticator", "code": wrong}
    browser.refused("services_v1.auth.authenticate", "422 two_factor:code_invalid", **tenth)
    right = live.totp(factor.secret, 1)
    with_code = {"platform_api": {"two_factor_code": right}, "api_v1": {"twoFactorCode": right}}
    for way, more in ways:
        word = "rate_limit:exceeded" if way.startswith("v0") else "rate:limited"
        beside = with_code.get(way.partition(".")[0], {})
        answer = browser.refused(way, f"429 {word}", **who, **more, **beside)
        assert int(answer.headers["Retry-After"]) > 0
    browser.good("platform_api.auth.otp_request", email=email)
    code = {"code": live.mail.code_for(email, subject="signs you in"), "two_factor_code": right}
    browser.refused("platform_api.auth.otp_verify", "429 rate:limited", email=email, **code)
    live.move_clock(15 * 60 + 1)
    now = {"tenantSlug": slug, "twoFactorCode": live.totp(factor.secret)}
    browser.good("api_v1.auth.login", **who, **now)
