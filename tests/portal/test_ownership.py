"""Handing an organization over: offered by its owner, taken by a member."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.organizations.models import OwnershipOffer
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.members import join, membership_of, plan
from tests.support.world import PASSWORD, World

OWNER, ADMIN, MEMBER = "jane@world.example", "ada@world.example", "kim@world.example"
PAGE = "/organization/ownership"


@pytest.fixture
def firm(world: World) -> World:
    world.organization(world.person(OWNER))
    plan(world)
    join(world, ADMIN, "admin")
    join(world, MEMBER)
    return world


def visit(firm: World, who: str = OWNER) -> Visitor:
    visitor = Visitor(firm.app.test_client())
    assert visitor.sign_in(who, PASSWORD).status_code == 303
    return visitor


def uid_of(firm: World, email: str) -> str:
    with firm.app.app_context():
        return str(db.session.get_one(Membership, membership_of(firm, email)).uid)


def roles(firm: World) -> dict[str, str]:
    found = {}
    for email in (OWNER, ADMIN, MEMBER):
        with firm.app.app_context():
            number = membership_of(firm, email)
            found[email] = str(db.session.get_one(Membership, number).role) if number else ""
    return found


def offered(firm: World, to: str = ADMIN) -> Visitor:
    owner = visit(firm)
    answer = owner.send(f"{PAGE}/offer", {"member": uid_of(firm, to)}, on=PAGE)
    assert answer.status_code == 303, answer.text
    return owner


def test_an_offer_that_is_accepted_changes_both_roles_at_once(firm: World) -> None:
    offered(firm)
    firm.keep_promises()
    assert "offers you World Corp" in firm.sent[-1].subject
    admin = visit(firm, ADMIN)
    assert "Become the owner" in admin.get(PAGE).text
    assert "is offered to you" in admin.get("/dashboard").text
    assert admin.send(f"{PAGE}/accept", on=PAGE).status_code == 303
    assert roles(firm) == {OWNER: "admin", ADMIN: "owner", MEMBER: "member"}
    firm.keep_promises()
    assert [m.to for m in firm.sent if "has a new owner" in m.subject] == [OWNER, ADMIN]
    kinds = [str(row.kind) for row in firm.trail()]
    assert kinds.count("ownership.offered") == 1
    assert kinds.count("ownership.transferred") == 1


def test_only_the_two_sides_hear_of_an_offer(firm: World) -> None:
    offered(firm)
    page = visit(firm, MEMBER).get(PAGE).text
    assert "Become the owner" not in page
    assert "Offered to" not in page
    assert visit(firm, MEMBER).send(f"{PAGE}/accept", on="/account").status_code == 404
    assert visit(firm).send(f"{PAGE}/accept", on=PAGE).status_code == 403
    assert roles(firm)[OWNER] == "owner"


def test_only_the_owner_offers(firm: World) -> None:
    answer = visit(firm, ADMIN).send(f"{PAGE}/offer", {"member": uid_of(firm, MEMBER)}, on="/account")
    assert answer.status_code == 403
    assert "hand the organization over" in answer.text


def test_one_offer_is_open_at_a_time(firm: World) -> None:
    owner = offered(firm)
    again = owner.send(f"{PAGE}/offer", {"member": uid_of(firm, MEMBER)}, on=PAGE)
    assert again.status_code == 409
    assert owner.send(f"{PAGE}/cancel", on=PAGE).status_code == 303
    firm.keep_promises()
    assert "taken back" in firm.sent[-1].subject
    assert visit(firm, ADMIN).send(f"{PAGE}/accept", on="/account").status_code == 404
    assert owner.send(f"{PAGE}/offer", {"member": uid_of(firm, MEMBER)}, on=PAGE).status_code == 303


def test_a_declined_offer_leaves_the_owner(firm: World) -> None:
    offered(firm, MEMBER)
    assert visit(firm, MEMBER).send(f"{PAGE}/decline", on=PAGE).status_code == 303
    firm.keep_promises()
    assert "does not take" in firm.sent[-1].subject
    assert roles(firm)[OWNER] == "owner"


def test_an_offer_runs_out_and_makes_room(firm: World) -> None:
    offered(firm)
    with firm.app.app_context(), transaction():
        db.session.execute(sa.update(OwnershipOffer).values(expires_at=clock.now() - timedelta(seconds=1)))
    assert visit(firm, ADMIN).send(f"{PAGE}/accept", on="/account").status_code == 404
    offered(firm, MEMBER)


def test_whoever_leaves_takes_the_offer_with_them(firm: World) -> None:
    offered(firm, MEMBER)
    token, number = firm.token("api_v1", ADMIN), str(membership_of(firm, MEMBER))
    for step in ("deactivate", "activate"):
        firm.done(f"api_v1.users.{step}", token=token, path={"id": number})
    assert visit(firm, MEMBER).send(f"{PAGE}/accept", on="/account").status_code == 404
    assert "ownership.cancelled" in [str(row.kind) for row in firm.trail()]
    assert roles(firm) == {OWNER: "owner", ADMIN: "admin", MEMBER: "member"}


@pytest.mark.parametrize("who", ["inactive", "unproven"])
def test_who_cannot_be_the_owner_is_not_offered_it(firm: World, who: str) -> None:
    uid = uid_of(firm, MEMBER)
    if who == "unproven":
        firm.unprove(firm.persons_id(MEMBER))
    else:
        with firm.app.app_context(), transaction():
            membership = db.session.get_one(Membership, membership_of(firm, MEMBER))
            membership.status = MembershipStatus.INACTIVE
    answer = visit(firm).send(f"{PAGE}/offer", {"member": uid}, on=PAGE)
    assert answer.status_code == 409


def test_who_owns_enough_cannot_take_another(firm: World) -> None:
    firm.organization(firm.persons_id(ADMIN), "adas-own")
    offered(firm, ADMIN)
    with firm.app.app_context(), transaction():
        db.session.add(SettingValue(key="tenants.max_owned", value=1, environment=""))
    admin = visit(firm, ADMIN)
    assert admin.send(f"{PAGE}/accept", on=PAGE).status_code == 400
    assert roles(firm)[OWNER] == "owner"
