"""Sign-ins, rights and keys while things change around them: A11, A17, B01, D06, D12, E05, E11, E14, E15."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.settings import Keyring, Settings, use_settings
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import (
    CHARLIE,
    FORGETTINGS,
    JANE,
    LOGINS,
    NEW_PASSWORD,
    REFRESHES,
    RESETS,
    Way,
    refresh_token_of,
)
from tests.support.world import PASSWORD, World

every_login = pytest.mark.parametrize("way", [*LOGINS.values()], ids=[*LOGINS])
every_forgetting = pytest.mark.parametrize("way", [*FORGETTINGS.values()], ids=[*FORGETTINGS])


def act(world: World, statement: sa.Update) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


def become(world: World, role: Role) -> None:
    act(world, sa.update(Membership).values(role=role))


# ---- A11, A17


@every_login
def test_a11_who_is_locked_out_keeps_their_sign_ins_and_a_reset_opens_the_lock(town: World, way: Way) -> None:
    token = town.token("v0")
    for _ in range(10):
        way.call(town, password="wrong")
    assert way.call(town).status_code == 429
    assert town.call("v0.users.me", token=token).status_code == 200
    town.done("v0.auth.forgot_password", json={"email": JANE})
    new = {"token": town.mailed_token(), "new_password": NEW_PASSWORD}
    town.done("v0.auth.reset_password", json=new)
    assert way.call(town, password=NEW_PASSWORD).status_code < 300


@pytest.mark.parametrize("slug", ["other-corp", "nobodys-corp", "", "world-corp'"])
def test_a17_the_right_password_opens_no_other_organization(town: World, slug: str) -> None:
    body = {"email": JANE, "password": PASSWORD, "tenantSlug": slug or "-"}
    answer = town.call("api_v1.auth.login", json=body)
    assert answer.status_code == 401
    assert LOGINS["api_v1"].code(answer) == "auth:invalid_credentials"


@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.ARCHIVED])
def test_a17_a_closed_organization_gives_no_token(town: World, status: TenantStatus) -> None:
    act(town, sa.update(Tenant).where(Tenant.slug == "world-corp").values(status=status))
    answer = LOGINS["api_v1"].call(town)
    assert answer.status_code == 403
    assert "accessToken" not in answer.text


# ---- B01, D06, D12


ASKED = (
    "services_v1.auth.send_verification_email",
    "platform_api.auth.otp_request",
    *(way.id for way in FORGETTINGS.values()),
)


@pytest.mark.parametrize("endpoint", ASKED)
def test_b01_an_unknown_address_is_answered_alike_and_gets_nothing(town: World, endpoint: str) -> None:
    more = {"tenantSlug": "world-corp"} if endpoint.startswith("api_v1") else {}
    known = town.call(endpoint, json={"email": JANE, **more})
    town.keep_promises()
    town.sent.clear()
    unknown = town.call(endpoint, json={"email": "nobody@world.example", **more})
    town.keep_promises()
    same = unknown.text.replace("nobody@world.example", JANE)
    assert (unknown.status_code, same) == (known.status_code, known.text)
    assert town.sent == []


LOOKALIKES = (
    "jane@world.exampIe",
    "jane@worId.example",
    "j\u0430ne@world.example",  # a Cyrillic letter
    "jane@wo\u0433ld.example",
    "jane@world.example.attacker.example",
    "jane@world.example,charlie@other.example",
    "jane@world.example\ncharlie@other.example",
)


@every_forgetting
@pytest.mark.parametrize("address", LOOKALIKES)
def test_d06_nothing_is_sent_off_the_address_that_is_kept(town: World, way: Way, address: str) -> None:
    way.call(town, email=address)
    town.keep_promises()
    assert {mail.to for mail in town.sent} <= {JANE, CHARLIE}
    assert not [mail for mail in town.sent if mail.to == CHARLIE]


def test_d06_another_way_to_write_an_address_is_mailed_as_it_is_kept(town: World) -> None:
    FORGETTINGS["v0"].call(town, email="\uff2a\uff41\uff4e\uff45@WORLD.example")  # full-width
    town.keep_promises()
    assert {mail.to for mail in town.sent} <= {JANE}


def test_d12_a_person_is_one_in_all_organizations_and_a_link_is_for_the_person(town: World) -> None:
    """One account, many organizations (the contract's model): the slug decides whether a mail goes out."""
    town.call("api_v1.auth.password_forgot", json={"email": JANE, "tenantSlug": "other-corp"})
    town.keep_promises()
    assert town.sent == []
    town.call("api_v1.auth.password_forgot", json={"email": JANE, "tenantSlug": "world-corp"})
    assert RESETS["platform_api"].call(town, token=town.mailed_token()).status_code < 300


# ---- E05, E11


SWITCH, STAGING = "platform_api.auth.switch_environment", {"environment": "staging"}
"""A call that every role but the lowest may make."""


@pytest.mark.parametrize("token_of", ["api_v1", "scoped"])
def test_e05_a_role_that_was_taken_away_is_gone_at_the_next_call(town: World, token_of: str) -> None:
    token = town.scoped_token() if token_of == "scoped" else town.token("api_v1")
    assert town.call(SWITCH, token=token, json=STAGING).status_code == 200
    become(town, Role.VIEWER)
    assert town.call(SWITCH, token=token, json=STAGING).status_code == 403
    become(town, Role.MANAGER)
    assert town.call(SWITCH, token=token, json=STAGING).status_code == 200


def test_e11_a_refresh_reads_role_and_organization_anew_and_widens_nothing(town: World) -> None:
    shown = refresh_token_of(town, "api_v1")
    become(town, Role.VIEWER)
    swapped = REFRESHES["api_v1"].call(town, token=shown).get_json()["data"]
    assert town.call(SWITCH, token=swapped["accessToken"], json=STAGING).status_code == 403
    widened = REFRESHES["platform_api"].call(town, token=swapped["refreshToken"])
    assert widened.status_code == 401  # bound to one organization, it becomes no person-level token
    for more in ({"tenantSlug": "other-corp"}, {"environment": "prod"}):
        body = {"refreshToken": swapped["refreshToken"], **more}
        assert town.call("api_v1.auth.refresh", json=body).status_code == 400


@pytest.mark.parametrize("environment", ["production", "PROD", "", "staging ", 7, None, ["prod"]])
def test_e11_an_unknown_environment_is_refused(town: World, environment: object) -> None:
    token = town.token("platform_api")
    (tenant,) = town.done("platform_api.tenants.list", token=token)
    chosen = {"tenant_id": tenant["id"], "environment": environment}
    assert town.call("platform_api.auth.select_tenant", token=token, json=chosen).status_code == 422


# ---- E14, E15


def test_e14_a_cookie_is_for_this_site_and_no_script_and_cannot_be_guessed(
    town: World, settings: Settings
) -> None:
    use_settings(replace(settings, public_url="https://portico.example"))
    try:
        answer = LOGINS["v0"].call(town)
    finally:
        use_settings(settings)
    cookie = answer.headers["Set-Cookie"]
    value, *attributes = (part.strip() for part in cookie.removeprefix("session_id=").split(";"))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not [part for part in attributes if part.startswith(("Domain", "Expires", "Max-Age"))]
    assert len(value.removeprefix("v0s_")) >= 43  # 256 bits
    assert value not in "".join(v for k, v in answer.headers.items() if k != "Set-Cookie") + answer.text


NEW_KEY = bytes(range(1, 33))


def keyed(settings: Settings, *, with_old: bool) -> Settings:
    old = settings.signing_keys.keys if with_old else {}
    return replace(settings, signing_keys=Keyring(keys={"k2": NEW_KEY, **old}))


def test_e15_a_token_of_an_older_key_is_good_until_the_key_is_retired(
    town: World, settings: Settings
) -> None:
    token = town.token("platform_api")
    try:
        use_settings(keyed(settings, with_old=True))
        assert town.call("platform_api.auth.me", token=token).status_code == 200
        young = town.token("platform_api")
        use_settings(keyed(settings, with_old=False))
        assert town.call("platform_api.auth.me", token=token).status_code == 401
        assert town.call("platform_api.auth.me", token=young).status_code == 200
    finally:
        use_settings(settings)


def test_e15_an_unknown_key_is_nobodys(town: World, settings: Settings) -> None:
    try:
        use_settings(keyed(settings, with_old=False))
        token = town.token("platform_api")
    finally:
        use_settings(settings)
    assert town.call("platform_api.auth.me", token=token).status_code == 401
