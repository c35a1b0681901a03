"""Service users and their tokens: G05, E15, T37, what ends them, and who is told of failures."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt as pyjwt
import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.core.settings import Keyring, Settings, current_settings, use_settings
from app.domains.billing.models import Subscription
from app.domains.billing.plans import DEV
from app.domains.billing.usage import calls_this_month
from app.domains.clients import service_tokens, service_users
from app.domains.clients.service_users import ServiceUserLimit
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.architecture.test_strangers import address, closed
from tests.support.service import SLUG, ServiceUser, keep, put, rotate, service_user
from tests.support.world import World

DEAD = "401 auth:unauthenticated"
OLD, NEW = bytes(range(32)), bytes(range(50, 82))


@pytest.fixture
def user(world: World) -> ServiceUser:
    return service_user(world)


def alive(user: ServiceUser, token: str | None = None) -> bool:
    return user.call("account.list", token=token).status_code == 200


# ---- G05: what a service token opens


def test_g05_a_token_is_good_in_its_own_environment_and_organization_only(world: World) -> None:
    staging, prod = service_user(world, environment="staging"), service_user(world)
    other = service_user(world, slug="other-corp")
    for user, token in (
        (prod, staging.token),
        (staging, prod.token),
        (other, prod.token),
        (prod, other.token),
    ):
        user.refused("account.list", DEAD, token=token)
        user.refused("auth.revoke", DEAD, token=token)
    assert alive(staging)
    assert alive(prod)


def test_g05_a_service_token_opens_nothing_of_a_persons(user: ServiceUser) -> None:
    tried = 0
    for call, rule in closed(user.world.app).items():
        body = {} if call[0] == "GET" else {"json": {}}
        headers = {**user.headers, "Authorization": f"Bearer {user.token}"}
        answer = user.world.app.test_client().open(address(rule), method=call[0], headers=headers, **body)
        assert answer.status_code == 401, (call, answer.status_code)
        tried += 1
    assert tried > 50


def test_g05_signing_up_anothers_id_takes_nothing_over(world: World, user: ServiceUser) -> None:
    client_id, _ = user.client()
    body = {"user_id": client_id, "email": "thief@client.com", "password": "thiefthief"}
    taken = {**body, "name": {"first_name": "T", "last_name": "T"}}
    user.refused("account.signup", "409 client:user_id_taken", json=taken)
    assert user.done("account.get", user_id=client_id)["email"] == "new_client@client.com"


# ---- forged tokens


def header_and_claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
    )
    return header, claims


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "no signature": lambda h, c: pyjwt.encode(c, "", algorithm="none", headers=h),
    "the instance's own key": lambda h, c: pyjwt.encode(c, OLD, algorithm="HS256", headers=h),
    "an unknown kid": lambda h, c: pyjwt.encode(c, NEW, algorithm="HS256", headers={**h, "kid": "k9"}),
    "a kid that is a path": lambda h, c: pyjwt.encode(
        c, NEW, algorithm="HS256", headers={**h, "kid": "../../etc/passwd"}
    ),
    "another algorithm": lambda h, c: pyjwt.encode(c, NEW * 2, algorithm="HS512", headers=h),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_e15_what_we_did_not_sign_is_nobodys_and_never_an_error(user: ServiceUser, forgery: str) -> None:
    header, claims = header_and_claims(user.token)
    forged = FORGERIES[forgery]({key: header[key] for key in ("kid", "sid")}, claims)
    user.refused("account.list", DEAD, token=forged)


SIGNED: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "without a sid": lambda h, c: h.pop("sid"),
    "a sid that is a list": lambda h, c: h.update(sid=["x"]),
    "a sid that is a number": lambda h, c: h.update(sid=17),
    "another claim": lambda h, c: c.update(tid="x"),
    "another role": lambda h, c: c.update(r=["service", "admin"]),
    "another subject": lambda h, c: c.update(sub="80491f93-1eb1-42c2-b5e1-d2e94dac5ab9"),
    "a subject that is none": lambda h, c: c.update(sub="x"),
    "an end that is text": lambda h, c: c.update(exp="soon"),
    "an end for ever": lambda h, c: c.update(exp=2**60),
    "an end that has been": lambda h, c: c.update(exp=1),
}


@pytest.mark.parametrize("change", SIGNED)
def test_even_a_signed_token_is_looked_at(user: ServiceUser, change: str) -> None:
    header, claims = header_and_claims(user.token)
    SIGNED[change](header, claims)
    key = service_tokens._key_of(OLD, user.keeper.environment)
    kept = {name: header[name] for name in ("kid", "sid") if name in header}
    user.refused("account.list", DEAD, token=pyjwt.encode(claims, key, algorithm="HS256", headers=kept))


# ---- T37: keys change


@pytest.fixture
def configured(app: Flask) -> Iterator[Settings]:
    before = current_settings()
    yield before
    use_settings(before)


def ring(configured: Settings, **keys: bytes) -> None:
    use_settings(replace(configured, signing_keys=Keyring(keys=keys)))


def test_t37_no_good_token_is_refused_while_keys_change(user: ServiceUser, configured: Settings) -> None:
    """E15: a new key stands behind, then in front, then alone; only what the dropped one signed is dead."""
    old = user.token
    assert header_and_claims(old)[0]["kid"] == "k1"
    shown = [old]
    for keys in ({"k1": OLD, "k2": NEW}, {"k2": NEW, "k1": OLD}):
        ring(configured, **keys)
        shown.append(user.sign_in().token)
        assert all(alive(user, token) for _ in range(20) for token in shown)
    assert header_and_claims(shown[-1])[0]["kid"] == "k2"
    ring(configured, k2=NEW)
    assert [alive(user, token) for token in shown] == [False, False, True]
    user.refused("account.list", DEAD, token=old)


# ---- what ends a token


def test_two_sign_ins_give_two_sessions(user: ServiceUser) -> None:
    first, second = user.token, user.sign_in().token
    assert user.call("auth.revoke", token=first).status_code == 204
    assert not alive(user, first)
    assert alive(user, second)


def test_an_hour_ends_it(user: ServiceUser, move_clock: Callable[[int], None]) -> None:
    move_clock(3590)
    assert alive(user)
    move_clock(11)
    assert not alive(user)


ENDINGS: dict[str, tuple[Callable[[ServiceUser], Any], bool]] = {
    "nothing": (lambda user: None, True),
    "switched off": (lambda user: keep(user, service_users.disable), False),
    "switched off and on": (
        lambda user: (keep(user, service_users.disable), keep(user, service_users.enable)),
        False,
    ),
    "deleted": (lambda user: keep(user, service_users.delete), False),
    "a new password at once": (rotate, False),
    "a new password with an overlap": (lambda user: rotate(user, overlap=timedelta(hours=1)), True),
    "feature off": (lambda user: put(user.world, "clients.enabled", False), False),
    "suspended": (lambda user: status(user, TenantStatus.SUSPENDED), False),
    "archived": (lambda user: status(user, TenantStatus.ARCHIVED), False),
}


def status(user: ServiceUser, wanted: TenantStatus) -> None:
    with user.world.app.app_context(), transaction():
        db.session.execute(sa.update(Tenant).where(Tenant.slug == user.slug).values(status=wanted))


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_a_token_ends_it_at_the_next_call(user: ServiceUser, ending: str) -> None:
    """E07, for service users' tokens."""
    happens, lives = ENDINGS[ending]
    assert alive(user)
    happens(user)
    assert alive(user) == lives


# ---- signing in


def test_unknown_wrong_and_switched_off_answer_alike(user: ServiceUser) -> None:
    keep(user, service_users.disable)
    tries = (
        {"username": user.name, "password": user.password},
        {"username": user.name, "password": "wrong"},
        {"username": "nobody", "password": user.password},
    )
    answers = {user.call("auth.login_password", token="", json=who).text for who in tries}
    assert len(answers) == 1
    assert "auth:invalid_credentials" in answers.pop()


def test_fifty_failures_in_a_row_are_told_once_until_a_success(user: ServiceUser) -> None:
    user.world.keep_promises()
    user.world.sent.clear()
    wrong = {"username": user.name.upper(), "password": "wrong"}

    def fail(times: int) -> int:
        for _ in range(times):
            user.refused("auth.login_password", "401 auth:invalid_credentials", token="", json=wrong)
        user.world.keep_promises()
        return len([mail for mail in user.world.sent if "failed 50 times" in mail.subject])

    assert fail(49) == 0
    assert fail(1) == 1
    assert fail(60) == 1
    user.sign_in()
    assert fail(50) == 2


# ---- plan


def put_on_dev(user: ServiceUser) -> None:
    with user.world.app.app_context(), transaction():
        db.session.execute(sa.update(Subscription).values(plan_code=DEV.code))


def test_the_plan_bounds_service_users_by_environment(user: ServiceUser) -> None:
    put_on_dev(user)
    with pytest.raises(ServiceUserLimit):
        service_user(user.world)
    service_user(user.world, environment="staging")


def test_the_plan_bounds_client_accounts(user: ServiceUser, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_dev(user)
    monkeypatch.setitem(DEV.limits, "client_accounts", 2)  # type: ignore[arg-type]
    user.client("a@client.com")
    client_id, _ = user.client("b@client.com")
    name = {"first_name": "x", "last_name": "y"}
    body = {"email": "c@client.com", "name": name, "password": "new_client"}
    more = {**body, "user_id": "80491f93-1eb1-42c2-b5e1-d2e94dac5ab9"}
    answer = user.refused("account.signup", "402 plan:client_limit", json=more)
    assert answer.headers["X-Refused-By"] == "plan"
    user.call("account.delete", user_id=client_id)
    user.done("account.signup", json=more)


def test_calls_in_prod_count_against_the_months_quota(user: ServiceUser) -> None:
    staging = service_user(user.world, environment="staging")
    with user.world.app.app_context():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == SLUG)) or 0
        before = calls_this_month(tenant_id)
    assert alive(user)
    assert alive(staging)
    with user.world.app.app_context():
        assert calls_this_month(tenant_id) == before + 1
    put_on_dev(user)
    with user.world.app.app_context(), transaction():
        db.session.execute(sa.text("UPDATE call_counts SET calls = 10000"))
    user.refused("account.list", "402 plan:request_quota")
    assert alive(staging)
    assert user.call("auth.revoke").status_code == 204


def test_what_it_does_stands_in_the_trail_as_its_own(user: ServiceUser) -> None:
    user.client()
    row = user.world.trail()[-1]
    header, claims = header_and_claims(user.token)
    assert (row.actor_kind, str(row.actor_uid), row.actor_user_id) == ("service", claims["sub"], None)
    assert row.tenant_id is not None
    assert row.dialect == "client_v1"
    assert header["sid"]
