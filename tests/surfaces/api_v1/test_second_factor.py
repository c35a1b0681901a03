"""api_v1's twoFactorCode: asked for after all else was right, and used up at no closed door."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.authenticator import other_than
from tests.support.world import PASSWORD, World

JANE, LOGIN = "jane@world.example", "api_v1.auth.login"


@pytest.fixture
def jane(world: World) -> int:
    person = world.person(JANE)
    world.organization(person)
    return person


@pytest.fixture
def secret(world: World, jane: int) -> str:
    return world.authenticator(jane)


def login(world: World, **more: Any) -> TestResponse:
    who = {"email": JANE, "password": PASSWORD, "tenantSlug": "world-corp"}
    return world.call(LOGIN, json={**who, **more})


def said(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def change(world: World, statement: sa.Update) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(statement)


def test_a_password_is_not_enough(world: World, secret: str) -> None:
    for _ in range(12):  # and no failure
        assert said(login(world)) == (401, "auth:two_factor_required")
    wrong = login(world, twoFactorCode=other_than(world.totp(secret)))
    assert said(wrong) == (401, "two_factor:code_invalid")
    assert login(world, twoFactorCode=world.totp(secret)).status_code == 200


@pytest.mark.parametrize(
    ("shut", "code"),
    [
        (sa.update(Membership).values(status="inactive"), "auth:membership_inactive"),
        (sa.update(Tenant).values(status="suspended"), "tenant:suspended"),
    ],
    ids=["inactive", "suspended"],
)
def test_a_recovery_code_is_not_used_up_at_a_closed_door(
    world: World, jane: int, shut: sa.Update, code: str
) -> None:
    world.authenticator(jane)
    backup = world.recovery_codes(jane)[0]
    change(world, shut)
    assert said(login(world, twoFactorCode=backup)) == (403, code)
    opened = world.call(
        "platform_api.auth.login", json={"email": JANE, "password": PASSWORD, "two_factor_code": backup}
    )
    assert opened.status_code == 200
