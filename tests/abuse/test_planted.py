"""Accounts that a stranger prepared under another's address, and what is left when the true owner comes."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.limits import RateCounter
from app.domains.auth.models import SignUp
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import JANE, LOGINS, MES, NEW_PASSWORD, REGISTRATIONS, RESETS, unlimited
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

VICTIM = "victim@world.example"
STRANGERS = "what the stranger chose"
OWN = "what its owner chose"


def found(world: World, email: str, password: str, slug: str, **more: Any) -> None:
    way = REGISTRATIONS["api_v1"]
    body = way.body(email=email, password=password) | {"slug": slug, **more}
    answer = world.call(way.id, json=body)
    assert answer.status_code == 201, answer.text


def claim(world: World) -> None:
    world.done("api_v1.auth.verify_email", path={"token": world.mailed_token()})


def enters(world: World, email: str, password: str, slug: str) -> int:
    who = {"email": email, "password": password, "tenantSlug": slug}
    return world.call("api_v1.auth.login", json=who).status_code


@pytest.fixture
def prepared(world: World) -> str:
    """Let a stranger register the victim's address and sign in; returns the stranger's token."""
    REGISTRATIONS["platform_api"].call(world, email=VICTIM, password=STRANGERS)
    token = world.token("platform_api", VICTIM, password=STRANGERS)
    world.keep_promises()
    world.sent.clear()
    return token


def test_a_claim_leaves_nothing_to_who_prepared_the_account(world: World, prepared: str) -> None:
    found(world, VICTIM, OWN, "victim-corp")
    claim(world)
    assert enters(world, VICTIM, STRANGERS, "victim-corp") == 401
    assert world.call(MES["platform_api"], token=prepared).status_code == 401
    unlimited(world)
    RESETS["platform_api"].call(world, token=world.mailed_token(), password=NEW_PASSWORD)
    assert enters(world, VICTIM, NEW_PASSWORD, "victim-corp") == 200


def test_a_claim_of_who_knew_the_password_keeps_it(world: World) -> None:
    found(world, VICTIM, OWN, "first-corp")
    found(world, VICTIM, OWN, "second-corp")
    claim(world)
    assert enters(world, VICTIM, OWN, "second-corp") == 200


def test_a_proven_accounts_password_outlives_a_claim(world: World) -> None:
    world.person(JANE)
    found(world, JANE, "not her own password", "jane-corp")
    claim(world)
    assert enters(world, JANE, PASSWORD, "jane-corp") == 200


def test_the_code_of_one_sign_up_ends_the_others(world: World) -> None:
    sign_up = REGISTRATIONS["services_v1"]
    strangers = sign_up.call(world, email=VICTIM, password=STRANGERS).get_json()["data"]
    own = sign_up.call(world, email=VICTIM, password=OWN).get_json()["data"]
    proof = {"email": VICTIM, "verification_token": own["verification_token"], "otp": world.mailed_code()}
    world.done("services_v1.auth.verify_email_otp", json=proof)
    world.sent.clear()
    again = {"email": VICTIM, "verification_token": strangers["verification_token"]}
    world.done("services_v1.auth.resend_email_otp", json=again)
    world.keep_promises()
    assert world.sent == []
    with world.app.app_context():
        kept = db.session.scalars(sa.select(SignUp)).all()
        assert [(row.ended_at is None, row.waiting) for row in kept] == [(False, None)] * 2
    assert LOGINS["services_v1"].call(world, email=VICTIM, password=STRANGERS).status_code == 401
    assert LOGINS["services_v1"].call(world, email=VICTIM, password=OWN).status_code == 200


def test_organizations_founded_in_anothers_name_do_not_use_up_how_many_they_may_own(world: World) -> None:
    world.organization(world.person(JANE))
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Membership).values(status=MembershipStatus.INVITED))
        db.session.add(SettingValue(key="tenants.max_owned", environment="", value=1, locked=False))
    own = {"name": "Jane's own", "slug": "janes-own"}
    answer = world.call("platform_api.tenants.create", token=world.token("platform_api"), json=own)
    assert answer.status_code == 201, answer.text


def test_corrections_of_a_founding_are_no_failed_sign_ins(world: World) -> None:
    world.organization(world.person(JANE), slug="taken-corp")
    way = REGISTRATIONS["api_v1"]
    body = way.body(email=JANE, password="not her own password")
    for wrong in ({"slug": "taken-corp"}, {"adminPassword": "short"}, {"adminFirstName": "two\nlines"}) * 4:
        assert world.call(way.id, json=body | wrong).status_code in (400, 409, 429)
    with world.app.app_context():
        counted = db.session.scalars(
            sa.select(RateCounter.hits).where(RateCounter.bucket == "sign_in_failures")
        )
        assert not any(counted)


def disown(world: World, token: str) -> int:
    visitor = Visitor(world.app.test_client())
    return visitor.send("/verify-email/not-me", {"token": token}).status_code  # a dead link has no form


def test_a_mailbox_removes_what_somebody_else_registered(world: World) -> None:
    found(world, VICTIM, STRANGERS, "strangers-corp")
    token = world.token("platform_api", VICTIM, password=STRANGERS)
    assert disown(world, world.mailed(r"(?m)token=([\w-]+)#not-me")) == 303
    assert world.call(MES["platform_api"], token=token).status_code == 401
    assert LOGINS["platform_api"].call(world, email=VICTIM, password=STRANGERS).status_code == 401
    with world.app.app_context():
        assert db.session.scalars(sa.select(Tenant.status)).all() == [TenantStatus.ARCHIVED]
        assert db.session.scalars(sa.select(Membership)).all() == []
    assert REGISTRATIONS["platform_api"].call(world, email=VICTIM, password=OWN).status_code == 201


def test_a_proven_account_is_not_removed_by_a_link(world: World) -> None:
    REGISTRATIONS["platform_api"].call(world, email=VICTIM, password=OWN)
    link = world.mailed_token()
    world.done("services_v1.auth.confirm_email", json={"token": link})
    assert disown(world, link) == 400
    world.done("services_v1.auth.send_verification_email", json={"email": VICTIM})
    assert disown(world, "made-up") == 400
    assert LOGINS["platform_api"].call(world, email=VICTIM, password=OWN).status_code == 200
