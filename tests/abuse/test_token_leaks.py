"""Reports of API tokens found in public: what they end, whom they tell, and what they cannot be used for."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.sessions import api_token_values
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared.transaction import transaction
from tests.abuse.test_api_tokens import made
from tests.abuse.ways import CHARLIE, JANE
from tests.support.world import World

LEAKS = "/api-tokens/leaks"


def leak(world: World, *found: Any, **more: Any) -> TestResponse:
    return world.app.test_client().post(LEAKS, json={"tokens": list(found), **more})


def labels(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["label"] for row in answer.get_json()["results"]]


def test_whoever_shows_a_token_ends_it(town: World) -> None:
    found = made(town)
    town.keep_promises()
    town.sent.clear()
    made_up = "pat_" + "a" * 26 + api_token_values.checksum("a" * 26)
    answer = leak(
        town,
        {"token": found["token"], "url": "https://code.example/acme/config.yml", "source": "content"},
        {"token": made_up},
        {"token": "not one of ours"},
    )
    assert labels(answer) == ["true_positive", "false_positive", "false_positive"]
    assert town.call("v0.users.me", token=found["token"]).status_code == 401
    (row,) = [row for row in town.trail() if str(row.kind) == "api_token.revoked"]
    assert row.changes["reason"] == "leaked"
    assert row.subject_id == found["id"]
    (mail,) = town.sent
    assert mail.subject == "Your API token Nightly export was found in public"
    assert "https://code.example" not in mail.text
    assert labels(leak(town, {"token": found["token"]})) == ["true_positive"]  # still: it was ours
    town.keep_promises()
    assert len(town.sent) == 1


def test_the_owner_is_told_of_a_members_leak(town: World) -> None:
    with town.app.app_context(), transaction():
        charlie = db.session.scalar(sa.select(User.id).where(User.email == CHARLIE))
        tenant = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "world-corp"))
        db.session.add(
            Membership(tenant_id=tenant, user_id=charlie, role="member", status=MembershipStatus.ACTIVE)
        )
    token = made(town, CHARLIE, tenant_id=tenant)["token"]
    town.keep_promises()
    town.sent.clear()
    leak(town, {"token": token, "source": "a gist"})
    town.keep_promises()
    assert sorted(mail.subject for mail in town.sent) == [
        "An API token of World Corp was found in public",
        "Your API token Nightly export was found in public",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tokens": []},
        {"tokens": "x"},
        {"tokens": [{}]},
        {"tokens": [{"token": 7}]},
        {"tokens": [{"token": "x"}] * 101},
        {"tokens": [{"token": "x" * 501}]},
        {"tokens": [{"token": "x", "url": "u" * 2001}]},
        {"tokens": [], "more": 1},
        [],
    ],
)
def test_a_report_that_is_none_is_refused(town: World, body: Any) -> None:
    answer = town.app.test_client().post(LEAKS, json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation")


def test_a_report_is_bounded_and_ends_nothing_but_tokens(town: World) -> None:
    session = town.token("v0", JANE)
    for shown in (session, "pat_'; drop table sessions", "\0", "http://[", "pat_" + "é" * 32):
        assert labels(leak(town, {"token": shown, "url": "http://[::"})) == ["false_positive"]
    assert town.call("v0.users.me", token=session).status_code == 200
    answers = [leak(town, {"token": "x"}).status_code for _ in range(60)]
    assert answers.count(200) == 55
    assert answers[-1] == 429
    with town.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(UserSession.revoked_at.is_not(None))) == 0
