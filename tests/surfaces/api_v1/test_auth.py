"""api_v1's ways in and out: login, refresh, logout, and who is told what."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.permissions.roles import Role
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

JANE, CHARLIE = "jane@world.example", "charlie@other.example"
SLUG = "world-corp"
USER_KEYS = {
    "id", "uuid", "userId", "email", "firstName", "lastName", "role", "isOwner", "emailVerified",
    "twoFactorEnabled", "avatar", "timezone", "locale",
}  # fmt: skip
TOKEN_KEYS = {"accessToken", "refreshToken", "tokenType", "expiresIn", "refreshExpiresIn"}


@pytest.fixture
def jane(world: World) -> int:
    """Jane owns World Corp; Charlie is a stranger with an organization of his own."""
    jane = world.person(JANE)
    world.organization(jane, SLUG)
    world.organization(world.person(CHARLIE), "other-corp")
    return jane


def login(world: World, email: str = JANE, password: str = PASSWORD, slug: str = SLUG) -> TestResponse:
    return world.call("api_v1.auth.login", json={"email": email, "password": password, "tenantSlug": slug})


def signed_in(world: World, **who: str) -> dict[str, Any]:
    answer = login(world, **who)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json()["data"])


def refresh(world: World, token: str) -> TestResponse:
    return world.call("api_v1.auth.refresh", json={"refreshToken": token})


def me(world: World, token: str) -> TestResponse:
    return world.call("api_v1.auth.me", token=token)


def said(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def change(world: World, statement: sa.Update | sa.Insert) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


# ---- login


def test_login_answers_with_tokens_the_person_and_the_organization(world: World, jane: int) -> None:
    data = signed_in(world)
    assert set(data) == TOKEN_KEYS | {"user", "tenant"}
    assert set(data["user"]) == USER_KEYS
    assert set(data["tenant"]) == {"id", "slug", "name"}
    assert (data["tokenType"], data["expiresIn"], data["refreshExpiresIn"]) == ("Bearer", 900, 2_592_000)
    assert (data["user"]["role"], data["user"]["isOwner"]) == ("tenant_admin", True)
    assert (data["user"]["locale"], data["user"]["timezone"]) == ("en-US", "UTC")
    assert data["tenant"]["slug"] == SLUG


@pytest.mark.parametrize(
    "who",
    [
        {"password": "wrong-password"},
        {"email": "nobody@world.example"},
        {"slug": "no-such-slug"},
        {"slug": "other-corp"},
        {"email": CHARLIE},
        {"slug": "not a slug"},
    ],
)
def test_whatever_does_not_match_is_told_alike(world: World, jane: int, who: dict[str, str]) -> None:
    answer, usual = login(world, **who), login(world, password="another wrong one")
    assert said(answer) == (401, "auth:invalid_credentials")
    assert answer.get_json() == usual.get_json()


def test_an_invitation_not_taken_up_lets_nobody_in(world: World, jane: int) -> None:
    change(world, sa.update(Membership).values(status=MembershipStatus.INVITED))
    assert said(login(world)) == (401, "auth:invalid_credentials")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (sa.update(User).values(disabled_at=sa.func.current_timestamp()), "auth:account_disabled"),
        (sa.update(Membership).values(status=MembershipStatus.INACTIVE), "auth:membership_inactive"),
        (sa.update(Tenant).values(status=TenantStatus.SUSPENDED), "tenant:suspended"),
        (sa.update(Tenant).values(status=TenantStatus.ARCHIVED), "tenant:archived"),
        (
            sa.insert(SettingValue).values(key="auth.mfa_enforced", value=True, environment="", locked=False),
            "two_factor:setup_required",
        ),
        (
            sa.insert(SettingValue).values(
                key="auth.ip_allowlist", value=["192.0.2.0/24"], environment="prod", locked=False
            ),
            "auth:address_not_allowed",
        ),
    ],
)
def test_what_stands_in_the_way_shows_after_the_right_password_only(
    world: World, jane: int, statement: sa.Update | sa.Insert, code: str
) -> None:
    change(world, statement)
    assert said(login(world, password="wrong-password")) == (401, "auth:invalid_credentials")
    for _ in range(12):  # the right password is no failure, whatever refuses it
        assert said(login(world)) == (403, code)


def test_an_unproven_address_is_refused_where_the_organization_asks(world: World, jane: int) -> None:
    world.unprove(jane)
    assert login(world).status_code == 200
    setting = {"key": "auth.email_verification_required", "value": True, "environment": "", "locked": False}
    change(world, sa.insert(SettingValue).values(**setting))
    assert said(login(world)) == (403, "auth:email_unverified")


def test_ten_failures_close_the_address_for_the_right_password_too(world: World, jane: int) -> None:
    for _ in range(10):
        assert login(world, password="wrong-password").status_code == 401
    answer = login(world)
    assert said(answer) == (429, "rate:limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 900


def test_a_success_clears_the_count(world: World, jane: int) -> None:
    for _ in range(2):
        for _ in range(9):
            login(world, password="wrong-password")
        assert login(world).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": []}, {"email": {}}, {"password": True}, {"password": None}, {"tenantSlug": 7},
        {"password": "x" * 5000}, {"email": "a\0b@world.example"}, {"more": 1}, {"twoFactorCode": {}},
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_kind_is_named(world: World, jane: int, wrong: dict[str, Any]) -> None:
    body = {"email": JANE, "password": PASSWORD, "tenantSlug": SLUG} | wrong
    answer = world.call("api_v1.auth.login", json=body)
    assert said(answer) == (400, "validation")
    assert set(answer.get_json()["error"]["details"]) == set(wrong)


def test_the_person_of_a_second_organization_is_in_the_one_named(world: World, jane: int) -> None:
    world.organization(jane, "second-corp")
    data = signed_in(world, slug="second-corp")
    assert me(world, data["accessToken"]).get_json()["data"]["tenant"]["slug"] == "second-corp"


# ---- me


def test_me_tells_all_of_it(world: World, jane: int) -> None:
    opened = signed_in(world)
    data = me(world, opened["accessToken"]).get_json()["data"]
    assert set(data) == {"user", "tenant", "permissions", "session"}
    assert data["user"] == opened["user"]
    assert data["tenant"] == opened["tenant"]
    assert data["permissions"] == sorted(data["permissions"])
    assert set(data["session"]) == {"id", "device", "createdAt", "expiresAt"}
    assert data["session"]["device"] == "Firefox on Linux"


def test_the_roles_have_this_documents_words(world: World, jane: int) -> None:
    token = signed_in(world)["accessToken"]
    words = {"owner": "tenant_admin", "admin": "tenant_admin", "manager": "manager", "member": "user"}
    for role, word in [*words.items(), ("viewer", "viewer")]:
        change(world, sa.update(Membership).values(role=Role(role)))
        user = me(world, token).get_json()["data"]["user"]
        assert (user["role"], user["isOwner"]) == (word, role == "owner")


def test_a_persons_own_language_and_zone_stand_before_the_organizations(world: World, jane: int) -> None:
    token = signed_in(world)["accessToken"]
    own = {"tenant_id": None, "environment": "", "locked": False}
    change(world, sa.insert(SettingValue).values(key="localization.locale", value="de-DE", **own))
    assert me(world, token).get_json()["data"]["user"]["locale"] == "de-DE"
    change(world, sa.update(User).where(User.id == jane).values(locale="fr", timezone="Europe/Paris"))
    user = me(world, token).get_json()["data"]["user"]
    assert (user["locale"], user["timezone"]) == ("fr", "Europe/Paris")
    assert user == signed_in(world)["user"]


def test_an_access_token_lasts_fifteen_minutes(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    token = signed_in(world)["accessToken"]
    move_clock(899)
    assert me(world, token).status_code == 200
    move_clock(2)
    assert said(me(world, token)) == (401, "auth:unauthenticated")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (sa.update(Membership).values(status=MembershipStatus.INACTIVE), (401, "auth:unauthenticated")),
        (sa.delete(Membership), (401, "auth:unauthenticated")),
        (sa.update(Tenant).values(status=TenantStatus.SUSPENDED), (403, "tenant:suspended")),
        (
            sa.update(User).values(disabled_at=sa.func.current_timestamp()),
            (401, "auth:unauthenticated"),
        ),
    ],
)
def test_an_end_acts_at_the_next_call(
    world: World, jane: int, statement: Any, expected: tuple[int, str]
) -> None:
    token = signed_in(world)["accessToken"]
    change(world, statement)
    assert said(me(world, token)) == expected


# ---- refresh


def test_a_refresh_gives_another_pair_and_spends_the_token(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    opened = signed_in(world)
    answer = refresh(world, opened["refreshToken"])
    data = answer.get_json()["data"]
    assert set(data) == TOKEN_KEYS
    assert data["refreshExpiresIn"] == 2_592_000
    assert data["refreshToken"] != opened["refreshToken"]
    assert me(world, data["accessToken"]).status_code == 200
    assert refresh(world, opened["refreshToken"]).status_code == 200  # an answer may have been lost
    move_clock(11)
    assert said(refresh(world, opened["refreshToken"])) == (401, "auth:refresh_token_reused")
    assert said(refresh(world, data["refreshToken"])) == (401, "auth:refresh_token_invalid")
    assert said(me(world, data["accessToken"])) == (401, "auth:unauthenticated")


def test_a_reuse_leaves_the_persons_other_sign_ins(world: World, jane: int) -> None:
    first, second = signed_in(world), signed_in(world)
    later = refresh(world, first["refreshToken"]).get_json()["data"]
    refresh(world, later["refreshToken"])
    assert said(refresh(world, first["refreshToken"])) == (401, "auth:refresh_token_reused")
    assert me(world, second["accessToken"]).status_code == 200
    assert "session.reuse_detected" in [event.kind for event in world.trail()]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (sa.update(Tenant).values(status=TenantStatus.SUSPENDED), (403, "tenant:suspended")),
        (sa.update(Tenant).values(status=TenantStatus.ARCHIVED), (403, "tenant:archived")),
        (
            sa.update(Membership).values(status=MembershipStatus.INACTIVE),
            (401, "auth:refresh_token_invalid"),
        ),
        (sa.delete(Membership), (401, "auth:refresh_token_invalid")),
        (
            sa.insert(SettingValue).values(key="auth.mfa_enforced", value=True, environment="", locked=False),
            (403, "two_factor:setup_required"),
        ),
    ],
)
def test_a_refresh_reads_membership_and_rules_anew(
    world: World, jane: int, statement: Any, expected: tuple[int, str]
) -> None:
    token = signed_in(world)["refreshToken"]
    change(world, statement)
    assert said(refresh(world, token)) == expected


def test_a_refusal_by_the_organization_does_not_spend_the_token(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    token = signed_in(world)["refreshToken"]
    change(world, sa.update(Tenant).values(status=TenantStatus.SUSPENDED))
    refresh(world, token)
    move_clock(60)
    change(world, sa.update(Tenant).values(status=TenantStatus.ACTIVE))
    assert refresh(world, token).status_code == 200


@pytest.mark.parametrize("token", ["x", "rft_" + "0" * 43])
def test_a_forged_refresh_token_is_refused(world: World, jane: int, token: str) -> None:
    assert said(refresh(world, token)) == (401, "auth:refresh_token_invalid")


def test_a_refresh_token_runs_out_after_thirty_days(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    token = signed_in(world)["refreshToken"]
    move_clock(31 * 86_400)
    assert said(refresh(world, token)) == (401, "auth:refresh_token_invalid")


# ---- out


def test_logout_ends_the_sign_in_of_the_token(world: World, jane: int) -> None:
    first, second = signed_in(world), signed_in(world)
    answer = world.call("api_v1.auth.logout", token=first["accessToken"])
    assert (answer.status_code, answer.get_json()) == (200, {"success": True, "data": {"loggedOut": True}})
    assert said(me(world, first["accessToken"])) == (401, "auth:unauthenticated")
    assert said(refresh(world, first["refreshToken"])) == (401, "auth:refresh_token_invalid")
    assert me(world, second["accessToken"]).status_code == 200


def test_logout_ends_another_sign_in_of_ones_own_when_its_refresh_token_is_shown(
    world: World, jane: int
) -> None:
    first, second = signed_in(world), signed_in(world)
    charlie = signed_in(world, email=CHARLIE, slug="other-corp")
    for other in (second, charlie):
        token = signed_in(world)["accessToken"]
        assert world.done("api_v1.auth.logout", token=token, json={"refreshToken": other["refreshToken"]})
    assert me(world, first["accessToken"]).status_code == 200
    assert me(world, second["accessToken"]).status_code == 401
    assert me(world, charlie["accessToken"]).status_code == 200  # a stranger's is left alone


def test_logout_all_ends_every_sign_in_of_the_person(world: World, jane: int) -> None:
    here, there = signed_in(world), signed_in(world)
    charlie = signed_in(world, email=CHARLIE, slug="other-corp")
    answer = world.done("api_v1.auth.logout_all", token=here["accessToken"])
    assert answer["data"] == {"sessionsRevoked": 2}
    assert me(world, there["accessToken"]).status_code == 401
    assert me(world, charlie["accessToken"]).status_code == 200


# ---- credentials


def test_a_token_of_a_person_alone_is_nobodys_here(world: World, jane: int) -> None:
    token = world.token("platform_api")
    for endpoint in ("auth.me", "auth.me_profile", "tenants.me", "permissions.me"):
        assert said(world.call(f"api_v1.{endpoint}", token=token)) == (401, "auth:unauthenticated")


def test_an_api_token_opens_nothing_under_auth(world: World, jane: int) -> None:
    body = {"name": "Reader", "scopes": ["read", "write"]}
    made = world.done("services_v1.api_tokens.create", token=signed_in(world)["accessToken"], json=body)
    token = made["data"]["token"]
    assert said(me(world, token)) == (401, "auth:unauthenticated")
    assert world.call("api_v1.tenants.me", token=token).status_code == 200


def test_the_cookie_of_other_dialects_is_not_taken(world: World, jane: int) -> None:
    client = world.app.test_client()
    client.set_cookie("session_id", "pss_" + "0" * 43)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_a_sign_in_leaves_its_row_in_the_trail(world: World, jane: int) -> None:
    signed_in(world)
    login(world, password="wrong-password")
    kinds = [(event.kind, event.dialect, event.ok) for event in world.trail()]
    assert ("user.signed_in", "api_v1", True) in kinds
    assert ("user.sign_in_failed", "api_v1", False) in kinds


def test_who_calls_is_asked_in_one_query(world: World, jane: int, database: sa.Connection) -> None:
    token = signed_in(world)["accessToken"]
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert me(world, token).status_code == 200
    assert [sql for sql in asked if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))] == asked[:1]
