"""A demanded second factor under attack (abuse-and-faults: C12): every dialect, every kind of credential."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.abuse.credentials import KINDS, Held, Kind
from tests.abuse.ways import JANE
from tests.support.calls import code_of
from tests.support.world import PASSWORD, World

Moves = Callable[[int], None]
MEMBERS = [kind for kind in KINDS.values() if "tenant" in kind.traits]
PEOPLE = [kind for kind in KINDS.values() if "session" in kind.traits and "tenant" not in kind.traits]
OWN_THINGS = (
    ("services_v1", "services_v1.user.get"),
    ("services_v1", "services_v1.active_sessions.list"),
    ("platform_api", "platform_api.auth.me"),
    ("platform_api", "platform_api.tenants.list"),
    ("v0", "v0.users.me"),
    ("v0", "v0.totp.status"),
)
"""What a person without a second factor goes on to reach: themselves."""

by_member = pytest.mark.parametrize("kind", MEMBERS, ids=lambda kind: kind.name)


def demand(world: World, *, from_tomorrow: bool = False) -> None:
    """Demand the second factor in Jane's organization, at once or from the next midnight on."""
    day = (clock.now() + timedelta(days=1)).date().isoformat() if from_tomorrow else None
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "world-corp"))
        wanted = {"auth.mfa_enforced": True, "auth.mfa_enforced_from": day}
        db.session.add_all(SettingValue(key=k, value=v, tenant_id=tenant_id) for k, v in wanted.items())


def almost_midnight(move_clock: Moves) -> None:
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    move_clock(int((midnight - now).total_seconds()) - 60)


def said(endpoint_id: str, answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, code_of(endpoint_id.partition(".")[0], answer.get_json())


def protect(world: World) -> str:
    """Give Jane a second factor; returns the secret in her authenticator."""
    with world.app.app_context():
        jane = db.session.scalars(sa.select(User.id).where(User.email == JANE)).one()
    return world.authenticator(jane)


# ---- before the day and on it


@by_member
def test_c12_nobody_is_refused_before_the_day_and_everybody_from_its_first_second_on(
    town: World, kind: Kind, move_clock: Moves
) -> None:
    almost_midnight(move_clock)
    first, second = kind.make(town), kind.make(town) if kind.name != "api_token" else None
    demand(town, from_tomorrow=True)
    assert kind.opens(town, second or first)
    move_clock(61)
    assert not kind.opens(town, first)


@pytest.mark.parametrize("kind", PEOPLE, ids=lambda kind: kind.name)
def test_c12_what_is_a_persons_own_stays_theirs(town: World, kind: Kind) -> None:
    held = kind.make(town)
    demand(town)
    assert kind.opens(town, held)


# ---- enrol-only until done


@pytest.mark.parametrize(("dialect", "endpoint_id"), OWN_THINGS)
def test_c12_a_person_without_one_reaches_themselves(town: World, dialect: str, endpoint_id: str) -> None:
    demand(town)
    assert town.call(endpoint_id, token=town.token(dialect)).status_code == 200


def test_c12_no_sign_in_reaches_the_organization(town: World) -> None:
    demand(town)
    body = {"email": JANE, "password": PASSWORD, "tenantSlug": "world-corp"}
    login = "api_v1.auth.login"
    assert said(login, town.call(login, json=body)) == (403, "two_factor:setup_required")
    token = town.token("platform_api")
    (tenant,) = town.done("platform_api.tenants.list", token=token)
    select = "platform_api.auth.select_tenant"
    refused = town.call(select, token=token, json={"tenant_id": tenant["id"]})
    assert said(select, refused) == (403, "two_factor:setup_required")


def test_c12_setting_it_up_opens_what_was_closed(town: World) -> None:
    demand(town)
    token = town.token("v0")
    secret = secret_in(town.done("v0.totp.setup", token=token)["qr_code_uri"])
    town.done("v0.totp.enable", token=token, json={"code": town.totp(secret)})
    more = {"email": JANE, "password": PASSWORD, "tenantSlug": "world-corp"}
    town.done("api_v1.auth.login", json={**more, "twoFactorCode": town.totp(secret, 1)})


def secret_in(address: str) -> str:
    return address.partition("secret=")[2].partition("&")[0]


@pytest.mark.parametrize("from_tomorrow", [False, True])
def test_c12_nobody_switches_theirs_off_while_it_is_demanded(town: World, from_tomorrow: bool) -> None:
    token = town.token("v0")
    secret = secret_in(town.done("v0.totp.setup", token=token)["qr_code_uri"])
    town.done("v0.totp.enable", token=token, json={"code": town.totp(secret)})
    demand(town, from_tomorrow=from_tomorrow)
    off = "v0.totp.disable"
    refused = town.call(off, token=token, json={"code": town.totp(secret, 1), "password": PASSWORD})
    assert said(off, refused) == (409, "totp:required_by_organization")


# ---- an older sign-in of somebody who has one now


@by_member
def test_c12_a_sign_in_from_before_the_second_factor_is_too_weak(town: World, kind: Kind) -> None:
    held = kind.make(town)
    protect(town)
    demand(town)
    opened = kind.opens(town, held)
    assert opened is (kind.name == "api_token")  # made by someone who has one now: it speaks for itself


def test_c12_showing_it_once_makes_a_sign_in_strong(town: World) -> None:
    token = town.token("api_v1")
    secret = protect(town)
    demand(town)
    read = "api_v1.tenants.me"
    assert said(read, town.call(read, token=token)) == (403, "two_factor:session_too_weak")
    body = {
        "email": JANE,
        "password": PASSWORD,
        "tenantSlug": "world-corp",
        "twoFactorCode": town.totp(secret),
    }
    strong = town.done("api_v1.auth.login", json=body)["data"]["accessToken"]
    assert town.call(read, token=strong).status_code == 200


def test_c12_a_withdrawn_demand_opens_at_the_next_call(town: World) -> None:
    held = hold(town)
    demand(town)
    read = "api_v1.tenants.me"
    assert town.call(read, token=held.value).status_code == 403
    with town.app.app_context(), transaction():
        db.session.execute(sa.delete(SettingValue))
    assert town.call(read, token=held.value).status_code == 200


def hold(world: World) -> Held:
    return KINDS["access_of_a_member"].make(world)


@pytest.mark.parametrize("value", [None, "2000-01-01", "", "not a day"])
def test_c12_nothing_but_a_day_to_come_puts_it_off(town: World, value: Any) -> None:
    held = hold(town)
    demand(town)
    with town.app.app_context(), transaction():
        late = sa.update(SettingValue).where(SettingValue.key == "auth.mfa_enforced_from")
        db.session.execute(late.values(value=value))
    assert town.call("api_v1.tenants.me", token=held.value).status_code == 403
