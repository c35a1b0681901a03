"""Who may do what in the portal: profiles, why somebody may not, and asking for it."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock
from app.core.db import db
from app.core.permissions import PERMISSIONS
from app.domains.audit.models import AuditEvent
from app.domains.permissions.models import AccessRequest, PermissionProfile
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

PAGE = "/organization/permissions"
REQUESTS = f"{PAGE}/requests"
OWNER, MAX = "olga@world.example", "max@world.example"
AUDIT = "audit.view"


def visitor_of(world: World, email: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


def join(world: World, email: str, role: Role = Role.MEMBER) -> int:
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        made = Membership(
            tenant_id=db.session.scalars(sa.select(Tenant.id)).one(), user_id=user_id, role=role,
            joined_at=clock.now(), status=MembershipStatus.ACTIVE,
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return made.id


@pytest.fixture
def owner(world: World) -> Visitor:
    world.organization(world.person(OWNER))
    return visitor_of(world, OWNER)


def made(visitor: Visitor, name: str = "Readers", permissions: tuple[int, ...] = (38,)) -> int:
    fields = {"name": name, "permissions": [str(number) for number in permissions]}
    answer = visitor.send(f"{PAGE}/new", fields, on=f"{PAGE}/new")  # type: ignore[arg-type]
    assert answer.status_code == 303, answer.text
    found = re.findall(rf'href="{PAGE}/(\d+)">{name}<', visitor.get(PAGE).text)
    return int(found[0])


def test_an_admin_makes_copies_changes_and_rests_a_profile(world: World, owner: Visitor) -> None:
    number = made(owner)
    copied = owner.get(f"{PAGE}/new?from={number}").text
    assert 'value="Copy of Readers"' in copied
    assert re.search(r'value="38" checked', copied)
    form = owner.send(f"{PAGE}/{number}", {"name": "readers 2", "permissions": "1"}, on=f"{PAGE}/{number}")
    assert form.status_code == 303
    taken = owner.send(f"{PAGE}/new", {"name": "READERS 2"}, on=f"{PAGE}/new")
    assert taken.status_code == 409
    assert "A profile of this name exists." in taken.text
    assert owner.send(f"{PAGE}/{number}/deactivate", on=PAGE).status_code == 303
    assert "Rests" in owner.get(PAGE).text
    assert owner.send(f"{PAGE}/{number}/activate", on=PAGE).status_code == 303
    with world.app.app_context():
        kept = db.session.scalars(sa.select(PermissionProfile)).one()
        assert (kept.name, kept.permission_ids, kept.is_active) == ("readers 2", [1], True)


def test_the_matrix_shows_every_permission_and_profile(owner: Visitor) -> None:
    made(owner)
    text = owner.get(PAGE).text
    for about in PERMISSIONS.values():
        assert about.label.replace("'", "&#39;") in text
    assert text.count('scope="row"') == len(PERMISSIONS)


def test_a_member_sees_profiles_and_changes_none(world: World, owner: Visitor) -> None:
    number = made(owner)
    join(world, MAX)
    member = visitor_of(world, MAX)
    assert "New profile" not in member.get(PAGE).text
    assert member.get(f"{PAGE}/{number}").status_code == 200
    refused = member.get(f"{PAGE}/new")
    assert refused.status_code == 403
    for path in (f"{PAGE}/new", f"{PAGE}/{number}", f"{PAGE}/{number}/deactivate"):
        assert member.send(path, {"name": "X"}, on=f"{PAGE}/ask?wanted={AUDIT}").status_code == 403


def test_anothers_profile_and_member_are_not_there(world: World, owner: Visitor) -> None:
    number = made(owner)
    with world.app.app_context():
        membership_id = db.session.scalars(sa.select(Membership.id)).one()
    world.organization(world.person("eve@twin.example"), slug="twin-corp")
    eve = visitor_of(world, "eve@twin.example")
    for path in (f"{PAGE}/{number}", f"{PAGE}/new?from={number}", f"{PAGE}/people/{membership_id}"):
        assert eve.get(path).status_code == 404


# ---- why somebody may not


def test_the_viewer_says_where_each_permission_comes_from(world: World, owner: Visitor) -> None:
    number = made(owner)
    member_id = join(world, MAX)
    with world.app.app_context(), transaction():
        db.session.get_one(Membership, member_id).profile_id = number
    text = owner.get(f"{PAGE}/people/{member_id}").text
    assert "From the profile Readers" in text
    assert "From the role Member" in text
    assert "Roles that give it:" in text
    member = visitor_of(world, MAX)
    assert "From the profile Readers" in member.get(f"{PAGE}/mine").text
    with world.app.app_context():
        others = db.session.scalars(sa.select(Membership.id).where(Membership.id != member_id)).one()
    assert member.get(f"{PAGE}/people/{others}").status_code == 403
    assert member.get(f"{PAGE}/people/{member_id}").status_code == 200


def test_a_refusal_names_the_layer_who_can_change_it_and_offers_to_ask(world: World, owner: Visitor) -> None:
    join(world, MAX)
    member = visitor_of(world, MAX)
    refused = member.get("/organization/security")
    assert refused.status_code == 403
    assert refused.headers["X-Refused-By"] == "role"
    assert "Your role in the organization" in refused.text
    assert "Jane Doe" in refused.text
    assert 'name="wanted" value="settings.manage"' in refused.text
    asked = member.send(f"{PAGE}/ask", {"wanted": "settings.manage"}, on=f"{PAGE}/ask?wanted=settings.manage")
    assert asked.status_code == 303
    again = member.get("/organization/security")
    assert "You have asked for it." in again.text
    assert 'name="wanted"' not in again.text


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (TenantStatus.SUSPENDED, "This organization is suspended"),
        (TenantStatus.ARCHIVED, "This organization is closed"),
    ],
)
def test_what_keeps_a_member_out_is_told_in_place_of_no_organization(
    world: World, owner: Visitor, status: TenantStatus, sentence: str
) -> None:
    with world.app.app_context():
        uid = db.session.scalars(sa.select(Tenant.uid)).one()
    assert owner.send(f"/organizations/{uid}/select", on="/organizations").status_code == 303
    with world.app.app_context(), transaction():
        db.session.scalars(sa.select(Tenant)).one().status = status
    refused = owner.get(PAGE)
    assert refused.status_code == 403
    assert f"<h1>{sentence}</h1>" in refused.text
    assert "The state of the organization</dd>" in refused.text
    assert "Work in another organization" in refused.text
    dashboard = owner.get("/dashboard").text
    assert sentence.removeprefix("This organization") in dashboard
    assert "Next comes an organization" not in dashboard


# ---- asking and answering


def ask(visitor: Visitor, wanted: str = AUDIT, reason: str = "For the yearly report") -> int:
    on = f"{PAGE}/ask?wanted={wanted}"
    return visitor.send(f"{PAGE}/ask", {"wanted": wanted, "reason": reason}, on=on).status_code


def newest(app: Flask) -> AccessRequest:
    with app.app_context():
        found = db.session.scalars(sa.select(AccessRequest).order_by(AccessRequest.id.desc())).first()
        assert found is not None
        db.session.expunge(found)
        return found


def test_a_request_is_mailed_granted_by_a_profile_and_acts_at_once(world: World, owner: Visitor) -> None:
    number = made(owner)
    join(world, MAX)
    member = visitor_of(world, MAX)
    assert ask(member) == 303
    assert ask(member) == 409
    world.keep_promises()
    (told,) = [message for message in world.sent if "asks for access" in message.subject]
    assert told.to == OWNER
    uid = newest(world.app).uid
    assert f"{REQUESTS}/{uid}" in told.text
    assert "For the yearly report" in owner.get(REQUESTS).text
    offered = owner.get(f"{REQUESTS}/{uid}").text
    assert f'value="profile:{number}"' in offered
    assert 'value="role:admin"' in offered
    assert 'value="role:owner"' not in offered
    assert 'value="role:viewer"' not in offered
    for odd in ("profile:1", "role:manager", "role:owner", "role:boss", "profile:x", "", "profile:99999"):
        answer = owner.send(f"{REQUESTS}/{uid}/grant", {"given": odd}, on=f"{REQUESTS}/{uid}")
        assert answer.status_code == 422, odd
    given = {"given": f"profile:{number}", "answer": "Here you are"}
    assert owner.send(f"{REQUESTS}/{uid}/grant", given, on=f"{REQUESTS}/{uid}").status_code == 303
    again = owner.send(f"{REQUESTS}/{uid}/decline", {}, on=PAGE)
    assert again.status_code == 409
    world.keep_promises()
    assert world.sent[-1].to == MAX
    assert "Here you are" in world.sent[-1].text
    assert "From the profile Readers" in member.get(f"{PAGE}/mine").text
    with world.app.app_context():
        rows = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()[-3:]
    told = [str(row.kind) for row in rows]
    assert told == ["access_request.created", "member.updated", "access_request.granted"]
    changed = {"profile_id": {"from": 1, "to": number}}
    assert (rows[1].subject_type, rows[1].changes) == ("member", changed), "as any change of a member"


def test_a_request_is_declined_with_a_word_and_may_be_made_again(world: World, owner: Visitor) -> None:
    join(world, MAX)
    member = visitor_of(world, MAX)
    assert ask(member) == 303
    uid = newest(world.app).uid
    declined = owner.send(f"{REQUESTS}/{uid}/decline", {"answer": "Not yet"}, on=f"{REQUESTS}/{uid}")
    assert declined.status_code == 303
    world.keep_promises()
    assert "Not yet" in world.sent[-1].text
    assert "Declined" in owner.get(f"{REQUESTS}?show=answered").text
    assert ask(member) == 303


def test_a_request_runs_out_after_two_weeks(
    world: World, owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(world, MAX)
    assert ask(visitor_of(world, MAX)) == 303
    uid = newest(world.app).uid
    later = clock.now() + timedelta(days=14, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    owner = visitor_of(world, OWNER)
    assert str(uid) not in owner.get(REQUESTS).text
    answer = owner.send(f"{REQUESTS}/{uid}/grant", {"given": "role:admin"}, on=f"{PAGE}/new")
    assert answer.status_code == 409
    assert ask(visitor_of(world, MAX)) == 303


def test_what_is_no_permission_or_held_already_cannot_be_asked_for(world: World, owner: Visitor) -> None:
    join(world, MAX)
    member = visitor_of(world, MAX)
    on = f"{PAGE}/ask?wanted={AUDIT}"
    for odd in ("role:owner", "role:", "nonsense", "members.view\0"):
        assert member.send(f"{PAGE}/ask", {"wanted": odd}, on=on).status_code == 422
    assert member.send(f"{PAGE}/ask", {"wanted": "members.view"}, on=on).status_code == 409


def test_requests_are_for_owner_and_admins_of_that_organization(world: World, owner: Visitor) -> None:
    join(world, MAX, Role.MANAGER)
    member = visitor_of(world, MAX)
    assert ask(member) == 303
    uid = newest(world.app).uid
    on = f"{PAGE}/ask?wanted={AUDIT}"
    assert member.get(REQUESTS).status_code == 403
    assert member.get(f"{REQUESTS}/{uid}").status_code == 403
    assert member.send(f"{REQUESTS}/{uid}/grant", {"given": "role:admin"}, on=on).status_code == 403
    world.organization(world.person("eve@twin.example"), slug="twin-corp")
    eve = visitor_of(world, "eve@twin.example")
    assert eve.get(f"{REQUESTS}/{uid}").status_code == 404
    for act in ("grant", "decline"):
        assert (
            eve.send(f"{REQUESTS}/{uid}/{act}", {"given": "role:admin"}, on=f"{PAGE}/new").status_code == 404
        )


def test_ten_requests_a_day_are_enough(world: World, owner: Visitor) -> None:
    join(world, MAX, Role.VIEWER)
    member = visitor_of(world, MAX)
    lacking = [code for code in PERMISSIONS if code not in Role.VIEWER.base]
    assert [ask(member, str(code)) for code in lacking[:11]] == [303] * 10 + [429]
