"""Flows of platform_api, as far as its endpoints are there, against a running server."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
DAY = 24 * 3600


def newcomer(caller: Caller, email: str) -> str:
    """Register a person and return their id."""
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    return str(caller.good("platform_api.auth.register", **who)["id"])


def signed_in(caller: Caller, email: str, password: str = PASSWORD) -> str:
    return str(caller.good("platform_api.auth.login", email=email, password=password)["access_token"])


def test_signup_to_tenant(live: LiveInstance, caller: Caller) -> None:
    email, slug = "jane@signup.example", "signup-corp"
    user = newcomer(caller, email)
    assert live.mail.token_for(email, subject="Confirm")
    who = {"email": email.upper(), "password": PASSWORD, "first_name": "J", "last_name": "D"}
    caller.refused("platform_api.auth.register", "400 user:email_taken", **who)
    short = {**who, "email": "other@signup.example", "password": "short"}
    answer = caller.refused("platform_api.auth.register", "422 validation", **short)
    assert answer.json()["detail"][0]["loc"] == ["body", "password"]
    wrong = {"email": email, "password": "wrong"}
    caller.refused("platform_api.auth.login", "401 auth:invalid_credentials", **wrong)
    tokens = caller.good("platform_api.auth.login", email=email, password=PASSWORD)
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 1800)
    g = tokens["access_token"]
    me = caller.good("platform_api.auth.me", bearer=g)
    assert (me["id"], me["is_platform_admin"]) == (user, False)
    assert caller.good("platform_api.tenants.list", bearer=g) == []
    assert caller.good("platform_api.tenants.check_availability", slug=slug)["available"] is True
    tenant = caller.good("platform_api.tenants.create", bearer=g, name="Signup Corp", slug=slug)["id"]
    assert live.mail.wait_for(email, subject="Signup Corp is ready")
    assert caller.good("platform_api.tenants.check_availability", slug=slug)["available"] is False
    again = {"name": "Signup Corp", "slug": slug}
    caller.refused("platform_api.tenants.create", "409 tenant:slug_taken", bearer=g, **again)
    (row,) = caller.good("platform_api.tenants.list", bearer=g)
    assert (row["id"], row["role"], row["status"]) == (tenant, "owner", "active")
    caller.refused("platform_api.tenant.info", "403 auth:tenant_token_required", bearer=g)
    inside = caller.good("platform_api.auth.select_tenant", bearer=g, tenant_id=tenant)
    assert (inside["role"], inside["environment"]) == ("owner", "prod")
    info = caller.good("platform_api.tenant.info", bearer=inside["access_token"])
    subscription = info["subscription"]
    assert (info["id"], subscription["plan"], subscription["status"]) == (tenant, "Pro", "TRIALING")
    end = datetime.fromisoformat(subscription["end_date"])
    assert abs(end - datetime.now(UTC) - timedelta(days=14)) < timedelta(minutes=1)
    s = inside["access_token"]
    (member,) = caller.good("platform_api.members.list", bearer=s)
    assert (member["user_id"], member["role"]) == (user, "owner")
    caller.refused("platform_api.tenants.list", "403 auth:global_token_required", bearer=s)


def test_otp_login(live: LiveInstance, caller: Caller) -> None:
    email = "jane@otp.example"
    newcomer(caller, email)
    first = signed_in(caller, email)
    tenant = caller.good("platform_api.tenants.create", bearer=first, name="Otp Corp", slug="otp-corp")["id"]
    unknown = caller.good("platform_api.auth.otp_request", email="nobody@otp.example")
    assert caller.good("platform_api.auth.otp_request", email=email) == unknown
    c1 = live.mail.code_for(email, subject="signs you in")
    caller.good("platform_api.auth.otp_request", email=email)
    c2 = live.mail.code_for(email, subject="signs you in", count=2)
    assert live.mail.all("nobody@otp.example") == []
    caller.refused("platform_api.auth.otp_verify", "401 auth:otp_invalid", email=email, code=c1)
    body = caller.good("platform_api.auth.otp_verify", email=email, code=c2)
    assert "refresh_token" not in body
    caller.refused("platform_api.auth.otp_verify", "401 auth:otp_invalid", email=email, code=c2)
    g = body["access_token"]
    assert caller.good("platform_api.auth.me", bearer=g)["email_verified"] is True
    s = caller.good("platform_api.auth.select_tenant", bearer=g, tenant_id=tenant)["access_token"]
    caller.good("platform_api.tenant.info", bearer=s)
    caller.good("platform_api.auth.otp_request", email=email)
    c3 = live.mail.code_for(email, subject="signs you in", count=3)
    wrong = f"{(int(c3) + 1) % 1_000_000:06d}"
    for _ in range(5):
        caller.refused("platform_api.auth.otp_verify", "401 auth:otp_invalid", email=email, code=wrong)
    caller.refused("platform_api.auth.otp_verify", "401 auth:otp_invalid", email=email, code=c3)


def test_sessions_and_passwords(live: LiveInstance, caller: Caller) -> None:
    email, second, third = "jane@sessions.example", "a second password", "a third password"
    newcomer(caller, email)
    pair = caller.good("platform_api.auth.login", email=email, password=PASSWORD)
    r1 = pair["refresh_token"]
    swapped = caller.good("platform_api.auth.refresh", refresh_token=r1)
    g2, r2 = swapped["access_token"], swapped["refresh_token"]
    assert r2 != r1
    caller.good("platform_api.auth.refresh", refresh_token=r1)
    live.move_clock(11)
    caller.refused("platform_api.auth.refresh", "401 auth:refresh_token_reused", refresh_token=r1)
    assert live.mail.wait_for(email, subject="We ended one of your sign-ins")
    caller.refused("platform_api.auth.refresh", "401 auth:refresh_token_invalid", refresh_token=r2)
    caller.refused("platform_api.auth.me", "401 auth:unauthenticated", bearer=g2)
    g3, g4 = signed_in(caller, email), signed_in(caller, email)
    body = {"current_password": "wrong", "new_password": second}
    change = "platform_api.auth.change_password"
    caller.refused(change, "400 auth:current_password_wrong", bearer=g3, **body)
    caller.good(change, bearer=g3, current_password=PASSWORD, new_password=second)
    assert live.mail.wait_for(email, subject="Your password was changed")
    caller.good("platform_api.auth.me", bearer=g3)
    caller.refused("platform_api.auth.me", "401 auth:unauthenticated", bearer=g4)
    unknown = caller.good("platform_api.auth.forgot_password", email="nobody@sessions.example")
    assert caller.good("platform_api.auth.forgot_password", email=email) == unknown
    reset = live.mail.token_for(email, subject="new password")
    call = "platform_api.auth.reset_password"
    caller.refused(call, "422 validation", token=reset, new_password="short")
    caller.good(call, token=reset, new_password=third)
    caller.refused(call, "400 auth:reset_token_invalid", token=reset, new_password=third)
    caller.refused("platform_api.auth.me", "401 auth:unauthenticated", bearer=g3)
    caller.refused("platform_api.auth.login", "401 auth:invalid_credentials", email=email, password=second)
    last = caller.good("platform_api.auth.login", email=email, password=third)
    caller.good("platform_api.auth.logout", bearer=last["access_token"])
    caller.refused("platform_api.auth.me", "401 auth:unauthenticated", bearer=last["access_token"])
    caller.refused(
        "platform_api.auth.refresh", "401 auth:refresh_token_invalid", refresh_token=last["refresh_token"]
    )


def test_platform_administration(live: LiveInstance, caller: Caller) -> None:
    email, admin = "jane@governed.example", "root@governed.example"
    live.flask("create-admin", admin, "--password", PASSWORD)
    a = signed_in(caller, admin)
    newcomer(caller, email)
    g = signed_in(caller, email)
    tenant = caller.good("platform_api.tenants.create", bearer=g, name="Governed", slug="governed")["id"]
    s = caller.good("platform_api.auth.select_tenant", bearer=g, tenant_id=tenant)["access_token"]
    refused = "403 auth:platform_admin_required"
    caller.refused("platform_api.admin.list_tenants", refused, bearer=g)
    caller.refused("platform_api.admin.stats", refused, bearer=g)
    before = caller.good("platform_api.admin.stats", bearer=a)["active_tenants"]
    found = caller.good("platform_api.admin.list_tenants", bearer=a, status="active", limit=50, offset=0)
    (row,) = [item for item in found["items"] if item["id"] == tenant]
    assert (row["subscription_plan"], row["member_count"]) == ("Pro", 1)
    people = caller.good("platform_api.admin.list_users", bearer=a, email="@governed")
    assert email in [person["email"] for person in people["items"]]
    suspend = {"tenant_id": tenant, "status": "suspended", "reason": "Payment overdue"}
    caller.good("platform_api.admin.set_tenant_status", bearer=a, **suspend)
    assert live.mail.wait_for(email, subject="Governed is now suspended")
    caller.refused("platform_api.tenant.info", "403 tenant:suspended", bearer=s)
    caller.refused("platform_api.auth.select_tenant", "403 tenant:suspended", bearer=g, tenant_id=tenant)
    assert caller.good("platform_api.tenants.list", bearer=g)[0]["status"] == "suspended"
    assert caller.good("platform_api.admin.stats", bearer=a)["active_tenants"] == before - 1
    caller.good("platform_api.admin.set_tenant_status", bearer=a, tenant_id=tenant, status="active")
    caller.good("platform_api.tenant.info", bearer=s)
    tree = caller.good("platform_api.admin.list_configs", bearer=a)
    groups = [group for resource in tree["resources"] for group in resource["config_groups"]]
    assert {group["type"] for group in groups} == {"GLOBAL", "TENANT"}
    sections = [section for group in groups for section in group["sections"]]
    shown = {one["key"]: one["val"] for section in sections for one in section["configs"]}
    assert shown["smtp.password"] in (None, "", "********")
    host = {"bearer": a, "key": "smtp.host", "scope": "GLOBAL", "is_locked": False}
    caller.good("platform_api.admin.update_config", **host, value="smtp.sendgrid.com")
    caller.good("platform_api.admin.update_config", **host, value=None)
    unknown = {"tenant_id": "ten_none", "status": "active"}
    caller.refused("platform_api.admin.set_tenant_status", "404 tenant:not_found", bearer=a, **unknown)


def test_plan_change(live: LiveInstance, caller: Caller) -> None:
    owner, member, admin = "jane@plan.example", "sam@plan.example", "root@plan.example"
    live.flask("create-admin", admin, "--password", PASSWORD)
    for email in (owner, member):
        newcomer(caller, email)
    tenant = caller.good(
        "platform_api.tenants.create", bearer=signed_in(caller, owner), name="P", slug="plan"
    )
    s = scoped_in(caller, owner, tenant["id"])
    caller.good("platform_api.invites.create", bearer=s, email=member, role="member")
    token = live.mail.token_for(member, subject="invites you")
    caller.good("platform_api.invites.accept", bearer=signed_in(caller, member), token=token)
    live.move_clock(12 * DAY)
    live.flask("jobs", "run", "trials.expire")
    assert live.mail.wait_for(owner, subject="Your trial ends in 2 days")
    live.move_clock(3 * DAY)
    live.flask("jobs", "run", "trials.expire")
    s, sm = scoped_in(caller, owner, tenant["id"]), scoped_in(caller, member, tenant["id"])
    found = caller.good("platform_api.billing.list_plans", bearer=sm)
    prices = [(plan["id"], plan["price"]) for plan in found]
    assert prices == [("plan_dev", 0), ("plan_pro", 299), ("plan_enterprise", 0)]
    subscribe, invite = "platform_api.billing.subscribe", "platform_api.invites.create"
    caller.refused(subscribe, "403 auth:role_required", bearer=sm, plan_id="plan_pro")
    caller.good(invite, bearer=s, email="third@plan.example", role="member")
    caller.refused(invite, "402 plan:seat_limit", bearer=s, email="fourth@plan.example", role="member")
    caller.refused(subscribe, "404 plan:not_found", bearer=s, plan_id="plan_none")
    bought = caller.good(subscribe, bearer=s, plan_id="plan_pro")
    assert bought["status"] == "ACTIVE"
    start, end = (datetime.fromisoformat(bought[name]) for name in ("start_date", "end_date"))
    assert (end.month - start.month) % 12 == 1
    assert live.mail.wait_for(owner, subject="Invoice INV-")
    assert caller.good(subscribe, bearer=s, plan_id="plan_pro") == bought
    shown = caller.good("platform_api.tenant.info", bearer=s)["subscription"]
    assert (shown["plan"], shown["end_date"]) == ("Pro", bought["end_date"])
    caller.good(invite, bearer=s, email="fourth@plan.example", role="member")
    caller.refused(subscribe, "409 plan:over_limit", bearer=s, plan_id="plan_dev")
    caller.refused(subscribe, "400 plan:not_purchasable", bearer=s, plan_id="plan_enterprise")
    given = {"tenant_id": tenant["id"], "plan_id": "plan_enterprise"}
    caller.good("platform_api.admin.set_tenant_plan", bearer=signed_in(caller, admin), **given)
    assert caller.good("platform_api.tenant.info", bearer=s)["subscription"]["plan"] == "Enterprise"
    sent = [mail for mail in live.mail.all(owner) if mail.subject.startswith("Invoice INV-")]
    assert len(sent) == 1


def scoped_in(caller: Caller, email: str, tenant_id: str) -> str:
    body = {"bearer": signed_in(caller, email), "tenant_id": tenant_id}
    return str(caller.good("platform_api.auth.select_tenant", **body)["access_token"])
