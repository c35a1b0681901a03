"""Invitations through all dialects and the portal: flows one_invitation and invite_and_join."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
USED = "409 invitation:used"


def register(caller: Caller, email: str) -> str:
    """Open an account; returns its global token."""
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    return str(caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"])


def found(caller: Caller, slug: str) -> tuple[str, str]:
    """Open an organization for somebody new; returns its id and a token in it."""
    bearer = register(caller, f"owner@{slug}.example")
    tenant = caller.good("platform_api.tenants.create", bearer=bearer, name="Flow Corp", slug=slug)["id"]
    return str(tenant), scoped(caller, bearer, tenant)


def scoped(caller: Caller, bearer: str, tenant: str) -> str:
    chosen = caller.good("platform_api.auth.select_tenant", bearer=bearer, tenant_id=tenant)
    return str(chosen["access_token"])


def test_one_invitation(live: LiveInstance, caller: Caller) -> None:
    """Leaves out the owner's notice (services_v1.notifications.all)."""
    tenant, s = found(caller, "flow-one")
    email = "sam@flow-one.example"
    caller.good("platform_api.invites.create", bearer=s, email=email, role="member")
    token = live.mail.token_for(email, subject="invites you")
    (sam,) = caller.good("api_v1.users.list", bearer=s, status="invited")["data"]
    assert sam["email"] == email
    (row,) = caller.good("platform_api.members.list", bearer=s, status="invited")
    assert row["email"] == email
    shown = caller.good("services_v1.projects.validate_invitation", token=token)["data"]
    assert (shown["kind"], shown["account_exists"], shown["role"]) == ("tenant", False, "member")
    take_up_in_the_portal(live.url, token)
    user = caller.good("api_v1.users.get", bearer=s, id=sam["id"])["data"]
    assert (user["status"], user["role"], user["firstName"]) == ("active", "user", "Sam")
    asked = {"scope": "tenant", "action": "invitation.accepted"}
    (taken_up,) = caller.good("services_v1.audit_logs.list", bearer=s, **asked)["data"]
    assert taken_up["dialect"] == "portal"
    other = "another-password"
    caller.refused("api_v1.users.accept_invitation", USED, token=token, password=other)
    caller.refused("services_v1.projects.join_invitation", USED, token=token)
    caller.refused("platform_api.auth.login", "401 auth:invalid_credentials", email=email, password=other)
    g = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    caller.refused("platform_api.invites.accept", USED, bearer=g, token=token)
    (mine,) = caller.good("platform_api.tenants.list", bearer=g)
    assert (mine["id"], mine["role"]) == (tenant, "member")


def take_up_in_the_portal(url: str, token: str) -> None:
    """Set name and password on the page that the mail leads to."""
    with httpx.Client(base_url=url) as browser:
        page = browser.get("/accept-invitation", params={"token": token})
        proof = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert proof
        fields = {"first_name": "Sam", "last_name": "Roe", "password": PASSWORD, "accept_policies": "y"}
        sent = {"csrf_token": proof[1], "token": token, **fields}
        done = browser.post("/accept-invitation", data=sent)
        assert (done.status_code, done.headers["Location"]) == (303, "/dashboard"), done.text


def test_invite_and_join(live: LiveInstance, caller: Caller) -> None:
    tenant, s = found(caller, "flow-join")
    email = "new@flow-join.example"
    invite = "platform_api.invites.create"
    made = caller.good(invite, bearer=s, email=email, role="member")
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert abs(left - timedelta(days=7)) < timedelta(minutes=1)
    inv = made["id"]
    k1 = live.mail.token_for(email, subject="invites you")
    caller.refused(invite, "409 invitation:already_pending", bearer=s, email=email, role="viewer")
    caller.good("platform_api.invites.resend", bearer=s, invite_id=inv)
    k2 = live.mail.token_for(email, subject="invites you", count=2)
    assert [row["id"] for row in caller.good("platform_api.invites.list", bearer=s)] == [inv]
    (alone,) = caller.good("platform_api.members.list", bearer=s, status="active")
    assert alone["role"] == "owner"
    g, other = register(caller, email), register(caller, "third@flow-join.example")
    assert caller.good("platform_api.tenants.list", bearer=g) == []
    accept = "platform_api.invites.accept"
    caller.refused(accept, "403 invitation:wrong_account", bearer=other, token=k2)
    caller.refused(accept, "404 invitation:not_found", bearer=g, token=k1)
    joined = caller.good(accept, bearer=g, token=k2)
    assert (joined["id"], joined["role"]) == (tenant, "member")
    caller.refused(accept, USED, bearer=g, token=k2)
    sm = scoped(caller, g, tenant)
    members = caller.good("platform_api.members.list", bearer=sm)
    assert {row["status"] for row in members} == {"active"}
    (invitee,) = [row["user_id"] for row in members if row["email"] == email]
    more = {"email": "more@flow-join.example", "role": "viewer"}
    caller.refused(invite, "403 auth:permission_denied", bearer=sm, **more)
    caller.good("platform_api.members.update_role", bearer=s, user_id=invitee, role="admin")
    inv2 = caller.good(invite, bearer=sm, **more)["id"]
    caller.good("platform_api.invites.revoke", bearer=sm, invite_id=inv2)
    (owner,) = [row["user_id"] for row in members if row["role"] == "owner"]
    caller.refused("platform_api.members.remove", "403 member:owner_fixed", bearer=sm, user_id=owner)
    caller.good("platform_api.members.remove", bearer=s, user_id=invitee)
    caller.refused("platform_api.tenant.info", "401 auth:unauthenticated", bearer=sm)
    assert caller.good("platform_api.tenants.list", bearer=g) == []
    again = {"bearer": s, "user_id": invitee}
    caller.refused("platform_api.members.remove", "404 member:not_found", **again)
