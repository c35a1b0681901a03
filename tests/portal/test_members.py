"""The portal's pages about the people of an organization."""

import re

import pytest

from app.core.db import db
from app.domains.tenants.models import Membership, MembershipStatus
from tests.portal.conftest import Visitor
from tests.support.members import join, membership_of, plan
from tests.support.world import PASSWORD, World

OWNER, ADMIN, MANAGER, MEMBER = (
    "jane@world.example",
    "ada@world.example",
    "max@world.example",
    "kim@world.example",
)
PAGE = "/organization/members"


@pytest.fixture
def firm(world: World) -> World:
    world.organization(world.person(OWNER))
    plan(world)
    join(world, ADMIN, "admin", first_name="Ada", last_name="Byron")
    join(world, MANAGER, "manager", first_name="Max", last_name="Roe")
    join(world, MEMBER, first_name="Kim", last_name="Lee")
    return world


def visit(firm: World, who: str = OWNER) -> Visitor:
    visitor = Visitor(firm.app.test_client())
    assert visitor.sign_in(who, PASSWORD).status_code == 303
    return visitor


def page_of(firm: World, email: str) -> str:
    with firm.app.app_context():
        return f"{PAGE}/{db.session.get_one(Membership, membership_of(firm, email)).uid}"


def status_of(firm: World, email: str) -> str | None:
    number = membership_of(firm, email)
    with firm.app.app_context():
        return str(db.session.get_one(Membership, number).status) if number else None


def test_the_list_is_searched_and_filtered(firm: World) -> None:
    visitor = visit(firm)
    everybody = visitor.get(PAGE).text
    assert all(name in everybody for name in ("Ada Byron", "Max Roe", "Kim Lee", "Jane Doe"))
    found = visitor.get(f"{PAGE}?search=LEE&status=active").text
    assert "Kim Lee" in found
    assert "Ada Byron" not in found
    assert "Nobody here" in visitor.get(f"{PAGE}?search=nobody").text
    odd = visitor.get(f"{PAGE}?role=king&profile=x&cursor=forged&status=%00")
    assert odd.status_code == 200


def test_the_list_goes_on_where_it_left_off(firm: World) -> None:
    for number in range(30):
        join(firm, f"person{number:02}@many.example", first_name=f"Zoe {number:02}", last_name="Many")
    visitor = visit(firm)
    first = visitor.get(PAGE).text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = visitor.get(following[1].replace("&amp;", "&")).text
    assert "Zoe 29 Many" in second
    assert "Ada Byron" not in second


def test_what_a_member_did_is_one_step_away_for_who_may_read_the_trail(firm: World) -> None:
    owner, trail = visit(firm), f"/organization/audit?actor_id={firm.persons_id(ADMIN)}"
    assert f'href="{trail}"' in owner.get(page_of(firm, ADMIN)).text
    visit(firm, ADMIN).send(f"{page_of(firm, MEMBER)}/deactivate", on=page_of(firm, MEMBER))
    assert "<code>member.deactivated</code>" in owner.get(trail).text
    assert "actor_id=" not in visit(firm, MANAGER).get(page_of(firm, ADMIN)).text


def test_only_what_one_may_do_is_offered(firm: World) -> None:
    assert "With those chosen" not in visit(firm, MEMBER).get(PAGE).text
    seen = visit(firm, MANAGER).get(page_of(firm, ADMIN)).text
    assert "Save the rights" not in seen
    assert "Deactivate" not in seen
    own = visit(firm, MANAGER).get(page_of(firm, MEMBER)).text
    assert 'value="viewer"' in own
    assert 'value="admin"' not in own
    assert "Erase for good" not in own
    assert "Erase for good" in visit(firm).get(page_of(firm, MEMBER)).text


def test_names_and_rights_are_changed(firm: World) -> None:
    visitor, here = visit(firm), page_of(firm, MEMBER)
    sent = {"first_name": "Kimberley", "last_name": "Lee", "job_title": "Lead"}
    assert visitor.send(here, sent, on=here).status_code == 303
    assert "Kimberley Lee" in visitor.get(here).text
    assert visitor.send(f"{here}/rights", {"role": "manager", "profile_id": "3"}, on=here).status_code == 303
    shown = visitor.get(here).text
    assert "<dd>Manager</dd>" in shown
    assert "<dd>Finance</dd>" in shown


def test_a_refusal_is_shown_where_it_belongs(firm: World) -> None:
    visitor, here = visit(firm, MANAGER), page_of(firm, MEMBER)
    answer = visitor.send(f"{here}/rights", {"role": "admin", "profile_id": "1"}, on=here)
    assert answer.status_code == 403
    assert "You cannot give a role above your own reach" in answer.text
    assert visitor.send(f"{here}/rights", {"role": "king"}, on=here).status_code in (400, 422)


def test_access_is_taken_and_given_back(firm: World) -> None:
    visitor, here = visit(firm), page_of(firm, MEMBER)
    assert visitor.send(f"{here}/deactivate", on=here).status_code == 303
    assert status_of(firm, MEMBER) == "inactive"
    assert visitor.send(f"{here}/activate", on=here).status_code == 303
    assert status_of(firm, MEMBER) == "active"


def test_a_removal_shows_what_it_touches_and_asks_for_the_name(firm: World) -> None:
    firm.token("api_v1", MEMBER)
    firm.scoped_token(MEMBER)
    theirs = visit(firm, MEMBER)
    visitor, here = visit(firm), page_of(firm, MEMBER)
    shown = visitor.get(f"{here}/remove").text
    assert re.search(r'numbers">1</span><div class="grow"><p class="title">Sign-ins', shown)
    assert re.search(r'numbers">2</span><div class="grow"><p class="title">Devices are out', shown)
    founded = theirs.send("/organizations", {"name": "Elsewhere", "slug": ""}, on="/organizations")
    assert founded.status_code == 303
    elsewhere = visitor.get(f"{here}/remove").text
    assert re.search(r'numbers">1</span><div class="grow"><p class="title">Devices are out', elsewhere)
    wrong = visitor.send(f"{here}/remove", {"name": "Somebody"}, on=f"{here}/remove")
    assert wrong.status_code in (400, 422)
    assert status_of(firm, MEMBER) == "active"
    assert visitor.send(f"{here}/remove", {"name": "kim lee"}, on=f"{here}/remove").status_code == 303
    assert membership_of(firm, MEMBER) is None


def test_an_erasure_asks_for_the_name(firm: World) -> None:
    visitor, here = visit(firm), page_of(firm, MEMBER)
    assert visitor.send(f"{here}/erase", {"name": "Kim Lee"}, on=f"{here}/erase").status_code == 303
    assert membership_of(firm, MEMBER) is None


def test_several_at_once_are_each_told_of(firm: World) -> None:
    visitor = visit(firm)
    uids = [page_of(firm, email).rpartition("/")[2] for email in (ADMIN, MEMBER, OWNER)]
    data = {"members": uids, "act": "role", "role": "viewer"}
    done = visitor.send(f"{PAGE}/bulk", data, on=PAGE).text
    assert done.count(">Done<") == 2
    assert done.count(">Not done<") == 1
    assert "The owner stays until they hand it over." in done
    sure = visitor.send(f"{PAGE}/bulk", {"members": uids, "act": "remove"}, on=PAGE).text
    assert "Really these?" in sure
    assert membership_of(firm, MEMBER)
    visitor.send(f"{PAGE}/bulk", {"members": uids, "act": "remove", "sure": "y"}, on=PAGE)
    assert (membership_of(firm, MEMBER), membership_of(firm, ADMIN)) == (None, None)
    assert membership_of(firm, OWNER)
    assert visitor.send(f"{PAGE}/bulk", {"act": "remove"}, on=PAGE).status_code == 303


def test_leaving_asks_for_the_organizations_name(firm: World) -> None:
    visitor = visit(firm, MEMBER)
    link = re.search(r'href="(/organizations/[0-9a-f-]+/leave)"', visitor.get("/organizations").text)
    assert link
    wrong = visitor.send(link[1], {"name": "Other Corp"}, on=link[1])
    assert wrong.status_code in (400, 422)
    assert visitor.send(link[1], {"name": "world corp"}, on=link[1]).status_code == 303
    assert membership_of(firm, MEMBER) is None
    assert "/leave" not in visit(firm).get("/organizations").text


def test_the_owner_cannot_leave(firm: World) -> None:
    visitor = visit(firm)
    link = visit(firm, MEMBER).get("/organizations").text
    found = re.search(r'href="(/organizations/[0-9a-f-]+/leave)"', link)
    assert found
    assert "hand it over or close it" in visitor.get(found[1]).text
    answer = visitor.send(found[1], {"name": "World Corp"}, on="/organizations")
    assert answer.status_code == 403
    assert membership_of(firm, OWNER)


def test_h01_anothers_people_are_not_there(firm: World) -> None:
    firm.organization(firm.person("eve@beta.example"), slug="beta-ltd")
    visitor, here = visit(firm, "eve@beta.example"), page_of(firm, MEMBER)
    for path in (here, f"{here}/remove", f"{here}/erase"):
        assert visitor.get(path).status_code == 404
    for path in (here, f"{here}/rights", f"{here}/deactivate", f"{here}/activate", f"{here}/remove"):
        sent = {"first_name": "X", "last_name": "Y", "role": "viewer", "name": "Kim Lee"}
        assert visitor.send(path, sent, on=PAGE).status_code == 404
    uid = here.rpartition("/")[2]
    visitor.send(f"{PAGE}/bulk", {"members": uid, "act": "remove", "sure": "y"}, on=PAGE)
    assert status_of(firm, MEMBER) == "active"


def test_of_somebody_invited_no_account_is_shown(firm: World) -> None:
    join(firm, "own@other.example", status=MembershipStatus.INVITED)
    assert "own@other.example" in visit(firm).get(PAGE).text
    seen = visit(firm).get(page_of(firm, "own@other.example")).text
    assert "Jane Doe" not in seen.partition("<main")[2]
