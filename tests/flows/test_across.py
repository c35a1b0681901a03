"""Flows across the dialects: what is done in one is seen through the others."""

from collections.abc import Iterator

import pytest

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


def test_suspended_in_every_dialect(live: LiveInstance, browser: Caller) -> None:
    email, slug, admin = "jane@shut.example", "shut-corp", "root@shut.example"
    tenant, g = founder(live, browser, email, slug)
    live.flask("create-admin", admin, "--password", PASSWORD)
    a = browser.good("platform_api.auth.login", email=admin, password=PASSWORD)["access_token"]
    s = browser.good("platform_api.auth.select_tenant", bearer=g, tenant_id=tenant)["access_token"]
    who = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    bound = browser.good("api_v1.auth.login", **who)["data"]
    suspend = {"tenant_id": tenant, "status": "suspended", "reason": "Payment overdue"}
    browser.good("platform_api.admin.set_tenant_status", bearer=a, **suspend)
    mail = live.mail.wait_for(email, subject="Across Corp is now suspended")
    assert "Payment overdue" in mail.text
    browser.refused("platform_api.tenant.info", "403 tenant:suspended", bearer=s)
    browser.refused("platform_api.auth.select_tenant", "403 tenant:suspended", bearer=g, tenant_id=tenant)
    browser.refused("api_v1.auth.me", "403 tenant:suspended", bearer=s)
    browser.refused("api_v1.auth.me", "403 tenant:suspended", bearer=bound["accessToken"])
    again = {"refreshToken": bound["refreshToken"]}
    browser.refused("api_v1.auth.refresh", "403 tenant:suspended", **again)
    browser.refused("api_v1.auth.login", "403 tenant:suspended", **who)
    assert browser.good("api_v1.tenants.by_slug", slug=slug)["data"]["loginEnabled"] is False
    browser.good("v0.users.me", bearer=g)
    assert browser.good("platform_api.tenants.list", bearer=g)[0]["status"] == "suspended"
    browser.good("platform_api.admin.set_tenant_status", bearer=a, tenant_id=tenant, status="active")
    browser.good("api_v1.auth.me", bearer=s)
    browser.good("api_v1.auth.me", bearer=bound["accessToken"])
    browser.good("api_v1.auth.refresh", **again)
    browser.good("api_v1.auth.login", **who)


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
