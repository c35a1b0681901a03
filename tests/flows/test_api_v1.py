"""Flows of api_v1, as far as its endpoints are there, against a running server."""

from typing import Any

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "secure-password"
ME, LOGIN, REFRESH = "api_v1.auth.me", "api_v1.auth.login", "api_v1.auth.refresh"
NOBODY, INVALID = "401 auth:unauthenticated", "401 auth:refresh_token_invalid"
REUSED = "401 auth:refresh_token_reused"


def founding(slug: str, email: str) -> dict[str, str]:
    names = {"companyName": "Acme Corp", "adminFirstName": "John", "adminLastName": "Doe"}
    return {"slug": slug, "adminEmail": email, "adminPassword": PASSWORD, **names}


def login(caller: Caller, slug: str, password: str = PASSWORD) -> dict[str, Any]:
    """Sign the founder of an organization in."""
    found = caller.good(LOGIN, email=f"admin@{slug}.example", password=password, tenantSlug=slug)
    return dict(found["data"])


def founded(caller: Caller, slug: str) -> str:
    """Found an organization and return its slug."""
    data = caller.good("api_v1.tenants.register", **founding(slug, f"admin@{slug}.example"))["data"]
    return str(data["tenant"]["slug"])


def swapped(caller: Caller, token: str) -> dict[str, Any]:
    return dict(caller.good(REFRESH, refreshToken=token)["data"])


def test_signup_and_first_login(live: LiveInstance, caller: Caller) -> None:
    slug, email = "first-corp", "admin@first-corp.example"
    assert caller.good("api_v1.tenants.check_slug", slug=slug)["data"]["available"] is True
    assert founded(caller, slug) == slug
    token = live.mail.token_for(email, subject="Confirm")
    other = founding(slug, "other@first-corp.example")
    caller.refused("api_v1.tenants.register", "409 tenant:slug_taken", **other)
    checked = caller.good("api_v1.tenants.check_slug", slug=slug)["data"]
    assert (checked["available"], checked["reason"]) == (False, "taken")
    assert caller.good("api_v1.tenants.by_slug", slug=slug)["data"]["name"] == "Acme Corp"
    wrong = {"email": email, "password": "wrong-password", "tenantSlug": slug}
    caller.refused(LOGIN, "401 auth:invalid_credentials", **wrong)
    opened = login(caller, slug)
    owner, person = opened["accessToken"], opened["user"]
    assert person["emailVerified"] is False
    for already in (False, True):
        verified = caller.good("api_v1.auth.verify_email", token=token)["data"]
        assert (verified["verified"], verified["alreadyVerified"]) == (True, already)
    me = caller.good(ME, bearer=owner)["data"]["user"]
    assert (me["id"], me["emailVerified"], me["isOwner"]) == (person["id"], True, True)
    mine = caller.good("api_v1.users.me", bearer=owner)["data"]
    assert (mine["id"], mine["uuid"], mine["role"]) == (person["userId"], person["id"], "tenant_admin")
    tenant = caller.good("api_v1.tenants.me", bearer=owner)["data"]
    assert (tenant["slug"], tenant["subscription"]["status"]) == (slug, "trialing")
    assert caller.good("api_v1.permissions.me", bearer=owner)["data"]["all"] is True
    own = {"phone": "+12025550143", "timezone": "America/New_York", "locale": "en-US"}
    caller.good("api_v1.auth.me_profile_update", bearer=owner, **own)
    profile = caller.good("api_v1.auth.me_profile", bearer=owner)["data"]
    assert {name: profile[name] for name in own} == own
    before = caller.good("api_v1.auth.me_preferences", bearer=owner)["data"]["ui"]
    dark = {"ui": {"theme": "dark"}}
    changed = caller.good("api_v1.auth.me_preferences_update", bearer=owner, **dark)["data"]["ui"]
    assert changed == before | {"theme": "dark"}
    assert caller.good("api_v1.auth.me_preferences", bearer=owner)["data"]["ui"] == changed


def test_refresh_rotation_and_logout(live: LiveInstance, caller: Caller) -> None:
    slug = founded(caller, "family-corp")
    a_spent_token_ends_its_own_family_only(live, caller, slug)
    both_kinds_of_logout_act_at_once(caller, slug)
    a_refresh_token_is_taken_again_for_seconds_and_good_for_days(live, caller, slug)


def a_spent_token_ends_its_own_family_only(live: LiveInstance, caller: Caller, slug: str) -> None:
    a1, b1 = login(caller, slug), login(caller, slug)
    a2 = swapped(caller, a1["refreshToken"])
    assert a2["refreshToken"] != a1["refreshToken"]
    assert a2["refreshExpiresIn"] == 2_592_000
    caller.good(ME, bearer=a2["accessToken"])
    swapped(caller, a1["refreshToken"])
    a3 = swapped(caller, a2["refreshToken"])
    caller.refused(REFRESH, REUSED, refreshToken=a1["refreshToken"])
    assert live.mail.wait_for(f"admin@{slug}.example", subject="sign-in")
    caller.refused(REFRESH, INVALID, refreshToken=a3["refreshToken"])
    caller.refused(ME, NOBODY, bearer=a3["accessToken"])
    caller.good(ME, bearer=b1["accessToken"])


def a_refresh_token_is_taken_again_for_seconds_and_good_for_days(
    live: LiveInstance, caller: Caller, slug: str
) -> None:
    b1 = login(caller, slug)
    b2 = swapped(caller, b1["refreshToken"])
    live.move_clock(11)
    caller.refused(REFRESH, REUSED, refreshToken=b1["refreshToken"])
    caller.refused(ME, NOBODY, bearer=b2["accessToken"])
    f1 = login(caller, slug)
    live.move_clock(31 * 86_400)
    caller.refused(REFRESH, INVALID, refreshToken=f1["refreshToken"])


def both_kinds_of_logout_act_at_once(caller: Caller, slug: str) -> None:
    e = login(caller, slug)
    assert caller.good("api_v1.auth.logout", bearer=e["accessToken"])["data"]["loggedOut"] is True
    caller.refused(REFRESH, INVALID, refreshToken=e["refreshToken"])
    c, d = login(caller, slug), login(caller, slug)
    ended = caller.good("api_v1.auth.logout_all", bearer=c["accessToken"])["data"]
    assert ended == {"sessionsRevoked": 3}  # the other family of before as well
    caller.refused(ME, NOBODY, bearer=d["accessToken"])
    for other in (c, d):
        caller.refused(REFRESH, INVALID, refreshToken=other["refreshToken"])


def test_password_recovery(live: LiveInstance, caller: Caller) -> None:
    slug = founded(caller, "recovery-corp")
    email, forgot = f"admin@{slug}.example", "api_v1.auth.password_forgot"
    reset, change = "api_v1.auth.password_reset", "api_v1.auth.password_change"
    old = login(caller, slug)["accessToken"]
    unknown = caller.good(forgot, email="nobody@example.com", tenantSlug=slug)
    assert caller.good(forgot, email=email, tenantSlug=slug) == unknown
    token = live.mail.token_for(email, subject="Choose a new password")
    caller.refused(reset, "400 validation", token=token, password="short")
    caller.good(reset, token=token, password="brand-new-password")
    assert live.mail.wait_for(email, subject="password was changed")
    caller.refused(reset, "400 auth:reset_token_invalid", token=token, password="another-password")
    assert live.mail.all("nobody@example.com") == []
    caller.refused(ME, NOBODY, bearer=old)
    wrong = {"email": email, "password": PASSWORD, "tenantSlug": slug}
    caller.refused(LOGIN, "401 auth:invalid_credentials", **wrong)
    s1, s2 = (login(caller, slug, "brand-new-password")["accessToken"] for _ in range(2))
    new = {"bearer": s1, "newPassword": "third-password"}
    caller.refused(change, "400 auth:current_password_wrong", currentPassword="wrong-password", **new)
    changed = caller.good(change, currentPassword="brand-new-password", **new)["data"]
    assert changed["otherSessionsRevoked"] == 1
    caller.good(ME, bearer=s1)
    caller.refused(ME, NOBODY, bearer=s2)
    for _ in range(4):
        caller.good(forgot, email=email, tenantSlug=slug)
    assert caller.refused(forgot, "429 rate:limited", email=email, tenantSlug=slug).headers["Retry-After"]
