"""Rules and rights that change while people are signed in: at the next call the new ones hold."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.access import Origin
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.sessions.identify import Credential, identify
from app.domains.sessions.models import UserSession
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import JANE, LOGINS, REFRESHES, refresh_token_of
from tests.support.world import PASSWORD, World

DAY = 24 * 3600


def rule(world: World, key: str, value: Any, *, of: str | None = None) -> None:
    """Set the platform's rule, or that of an organization."""
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == of)) if of else None
        row = SettingValue(key=key, environment="", value=value, locked=False, tenant_id=tenant_id)
        db.session.add(row)


def test_a_shorter_longest_sign_in_ends_those_that_are_older(
    town: World, move_clock: Callable[[int], None]
) -> None:
    shown = refresh_token_of(town, "api_v1")
    move_clock(20 * DAY)
    rule(town, "auth.session_lifetime", 10, of="world-corp")
    answer = REFRESHES["api_v1"].call(town, token=shown)
    assert answer.status_code == 401
    assert REFRESHES["api_v1"].code(answer) == "auth:refresh_token_invalid"


def test_the_platforms_rule_of_proven_addresses_holds_in_every_organization(town: World) -> None:
    rule(town, "auth.email_verification_required", True)
    rule(town, "auth.email_verification_required", False, of="world-corp")
    with town.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(email_verified_at=None))
    for dialect in ("api_v1", "platform_api", "v0"):
        answer = LOGINS[dialect].call(town)
        assert answer.status_code == 403, dialect
        assert LOGINS[dialect].code(answer) == "auth:email_unverified"


def test_a_token_for_another_environment_ends_with_the_right_to_work_there(town: World) -> None:
    token = town.token("platform_api")
    (tenant,) = town.done("platform_api.tenants.list", token=token)
    chosen = {"tenant_id": tenant["id"], "environment": "staging"}
    scoped = town.done("platform_api.auth.select_tenant", token=token, json=chosen)["access_token"]
    town.done("platform_api.tenant.info", token=scoped)
    with town.app.app_context(), transaction():
        jane = sa.select(User.id).where(User.email == JANE).scalar_subquery()
        db.session.execute(sa.update(Membership).where(Membership.user_id == jane).values(role=Role.VIEWER))
    for endpoint in ("platform_api.tenant.info", "api_v1.tenants.me"):
        answer = town.call(endpoint, token=scoped)
        assert (answer.status_code, "auth:permission_denied" in answer.text) == (403, True)
    town.done("platform_api.auth.logout", token=token)


@pytest.mark.parametrize(
    ("key", "value"),
    [("auth.email_verification_required", True), ("auth.code_login_enabled", False)],
)
def test_the_portal_keeps_to_what_an_organization_asks_of_a_sign_in(
    town: World, key: str, value: bool
) -> None:
    client = town.app.test_client()
    opened = {"email": JANE, "password": PASSWORD}
    assert client.post("/v0/auth/login", json=opened).status_code == 204
    with town.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(email_verified_at=None))
        db.session.execute(sa.update(UserSession).values(method="code"))
    assert works_in(town, client)
    rule(town, key, value, of="world-corp")
    assert not works_in(town, client)


def test_the_portal_keeps_to_an_organizations_longest_sign_in(
    town: World, move_clock: Callable[[int], None]
) -> None:
    client = town.app.test_client()
    opened = {"email": JANE, "password": PASSWORD, "remember_me": True}
    assert client.post("/v0/auth/login", json=opened).status_code == 204
    rule(town, "auth.session_lifetime", 1, of="world-corp")
    assert works_in(town, client)
    move_clock(2 * DAY)
    assert not works_in(town, client)


def works_in(world: World, client: Any) -> bool:
    """Say whether the portal works in an organization."""
    cookie = client.get_cookie("session_id")
    with world.app.app_context():
        caller = identify(Credential(cookie.value, "cookie"), Origin(ip="192.0.2.1"), in_portal=True)
        assert caller.actor.is_signed_in
        return caller.actor.tenant_id is not None
