"""Inviting through platform_api, and taking an invitation there."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.support.invited import SAM, accept, found, invite, mailed, member, rows
from tests.support.world import PASSWORD, World


def test_an_invited_address_registers_and_joins(world: World) -> None:
    token = found(world)
    invite(world, token, role="admin")
    link = mailed(world)
    who = {"email": SAM, "password": PASSWORD, "first_name": "Sam", "last_name": "Roe"}
    assert world.call("platform_api.auth.register", json=who).status_code == 201
    signed_in = world.token("platform_api", SAM)
    assert world.done("platform_api.tenants.list", token=signed_in) == []
    joined = world.done("platform_api.invites.accept", token=signed_in, json={"token": link})
    assert (joined["slug"], joined["role"], joined["status"]) == ("world-corp", "admin", "active")
    assert world.done("platform_api.tenants.list", token=signed_in) == [joined]
    again = world.call("platform_api.invites.accept", token=signed_in, json={"token": link})
    assert (again.status_code, again.get_json()["code"]) == (409, "invitation:used")
    verified = rows(world, sa.select(User.email_verified_at).where(User.email == SAM))
    assert verified[0][0] is not None, "the token came to that mailbox"


def test_the_answer_is_the_same_for_known_and_unknown_addresses(world: World) -> None:
    token = found(world)
    world.person("known@world.example")
    answers = [
        world.done(
            "platform_api.invites.create",
            token=token,
            json={"email": f"{name}@world.example", "role": "viewer"},
        )
        for name in ("known", "nobody")
    ]
    assert [sorted(answer) for answer in answers] == [["email", "expires_at", "id", "role"]] * 2


def test_a_list_shows_what_is_open_what_ran_out_and_all(
    world: World, move_clock: Callable[[int], None]
) -> None:
    token = found(world)
    first = invite(world, token)
    move_clock(8 * 86400)
    token = world.scoped_token()
    second = invite(world, token, "kim@world.example")

    def ids(query: str) -> list[str]:
        answer = world.app.test_client().get(
            f"/platform/api/service/invites{query}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200
        return [row["id"] for row in answer.get_json()]

    assert ids("") == [second]
    assert ids("?status=expired") == [first]
    assert ids("?status=all") == [second, first]
    assert ids("?status=all&limit=1") == [second]


def test_a_resent_invitation_has_a_new_token_and_a_new_time(
    world: World, move_clock: Callable[[int], None]
) -> None:
    token = found(world)
    world.person(SAM)
    one = invite(world, token)
    old = mailed(world)
    move_clock(3600)
    token = world.scoped_token()
    sent = world.done("platform_api.invites.resend", token=token, path={"invite_id": one})
    new = mailed(world)
    assert (sent["id"], new == old) == (one, False)
    assert accept(world, SAM, old).get_json()["code"] == "invitation:not_found"
    assert accept(world, SAM, new).status_code == 200
    late = world.call("platform_api.invites.resend", token=token, path={"invite_id": one})
    assert late.get_json()["code"] == "invitation:used"


def test_a_revoked_invitation_leaves_nothing_behind(world: World) -> None:
    token = found(world)
    world.person(SAM)
    one = invite(world, token)
    link = mailed(world)
    gone = world.call("platform_api.invites.revoke", token=token, path={"invite_id": one})
    assert (gone.status_code, gone.data) == (204, b"")
    assert accept(world, SAM, link).get_json()["code"] == "invitation:not_found"
    again = world.call("platform_api.invites.revoke", token=token, path={"invite_id": one})
    assert again.get_json()["code"] == "invitation:not_found"
    invited = sa.select(Membership.id).where(Membership.status == MembershipStatus.INVITED)
    assert rows(world, invited) == []
    invite(world, token)


def test_an_expired_invitation_stands_in_nobodys_way(world: World, move_clock: Callable[[int], None]) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token)
    old = mailed(world)
    move_clock(7 * 86400 + 1)
    assert accept(world, SAM, old).get_json()["code"] == "invitation:expired"
    token = world.scoped_token()
    invite(world, token, role="viewer")
    assert accept(world, SAM, mailed(world)).get_json()["role"] == "viewer"


@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.ARCHIVED])
def test_an_organization_that_is_not_active_takes_nobody(world: World, status: TenantStatus) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token)
    link = mailed(world)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Tenant).values(status=status))
    refused = accept(world, SAM, link)
    assert (refused.status_code, refused.get_json()["code"]) == (403, f"tenant:{status}")


def test_only_allowed_domains_are_invited(world: World) -> None:
    token = found(world)
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id)).one()
        db.session.add(
            SettingValue(
                key="auth.allowed_email_domains", tenant_id=tenant_id, environment="", value=["acme.example"]
            )
        )
    body = {"email": SAM, "role": "member"}
    refused = world.call("platform_api.invites.create", token=token, json=body)
    assert (refused.status_code, refused.get_json()["code"]) == (400, "invitation:domain_not_allowed")
    invite(world, token, "Sam@ACME.example")
    sub = world.call("platform_api.invites.create", token=token, json={**body, "email": "x@sub.acme.example"})
    assert sub.get_json()["code"] == "invitation:domain_not_allowed"


def test_who_may_invite_whom(world: World) -> None:
    owner = world.person()
    tenant_id = world.organization(owner)
    member(world, tenant_id, "manager@world.example", Role.MANAGER)
    member(world, tenant_id, "plain@world.example", Role.MEMBER)
    manager, plain = world.scoped_token("manager@world.example"), world.scoped_token("plain@world.example")

    def tried(token: str, role: str) -> str:
        body = {"email": f"{role}-{token[-6:]}@world.example".lower(), "role": role}
        return str(world.call("platform_api.invites.create", token=token, json=body).get_json().get("code"))

    assert [tried(manager, role) for role in ("admin", "manager", "member", "viewer")] == [
        "member:role_above_own",
        "member:role_above_own",
        "None",
        "None",
    ]
    assert tried(plain, "viewer") == "auth:permission_denied"
    assert tried(world.scoped_token(), "owner") == "validation"
