"""What an organization's people do with each other in the portal, and what each leaves in the trail."""

import re
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.organizations.domains import record_name, record_text
from app.domains.organizations.models import JoinRequest, TenantDomain
from app.domains.permissions.models import AccessRequest
from app.domains.tenants.models import Membership, Tenant
from tests.portal.trail_steps import NOBODY, Desk, Story
from tests.support.members import join, membership_of, plan
from tests.support.service import put
from tests.support.world import World

OWNER, ADMIN, MAX = "jane@world.example", "ada@world.example", "max@world.example"
LEO, ZOE, KIM = "leo@world.example", "zoe@world.example", "kim@world.example"
EVE, LIV = "eve@world-corp.com", "liv@world-corp.com"
HOME = "/organization"


def set_up(world: World) -> None:
    world.organization(world.person(OWNER))
    plan(world)
    join(world, ADMIN, "admin")
    for email in (MAX, LEO, ZOE):
        join(world, email)
    for email in (KIM, EVE, LIV):
        world.person(email)
    put(world, "members.domain_joining", "ask", environment="")
    put(world, "members.join_requests", True, environment="")


PEOPLE = Story(set_up)
step = PEOPLE.step


def tenant(desk: Desk) -> str:
    with desk.world.app.app_context():
        return str(db.session.scalars(sa.select(Tenant.uid)).one())


def page_of(email: str, more: str = "") -> Any:
    def address(desk: Desk) -> str:
        number = membership_of(desk.world, email)
        with desk.world.app.app_context():
            return f"{HOME}/members/{db.session.get_one(Membership, number).uid}{more}"

    return address


def newest(model: Any, page: str) -> Any:
    def address(desk: Desk) -> str:
        with desk.world.app.app_context():
            return (
                f"{page}/{db.session.scalars(sa.select(model.uid).order_by(model.id.desc()).limit(1)).one()}"
            )

    return address


# ---- members

MEMBER = f"{HOME}/members/<uuid:uid>"
step(MEMBER, "member.updated", on=page_of(MAX), who=OWNER, first_name="Maxine")
step(f"{MEMBER}/rights", "member.updated", on=page_of(MAX), who=OWNER, role="viewer")
step(f"{MEMBER}/deactivate", "member.deactivated", on=page_of(MAX), who=OWNER)
step(f"{MEMBER}/activate", "member.activated", on=page_of(MAX), who=OWNER)
step(f"{MEMBER}/remove", "member.removed", on=page_of(MAX, "/remove"), who=OWNER, name="Maxine Doe")
step(
    f"{MEMBER}/erase",
    "member.erased",
    on=page_of(LEO, "/erase"),
    who=OWNER,
    name="Jane Doe",
)
step(
    f"{HOME}/members/bulk",
    "member.updated",
    on=f"{HOME}/members",
    who=OWNER,
    members=lambda desk: [page_of(ZOE)(desk).rsplit("/", 1)[1]],
    act="role",
    role="viewer",
)
step(
    "/organizations/<uuid:tenant_uid>/leave",
    "member.removed",
    on=lambda desk: f"/organizations/{tenant(desk)}/leave",
    who=ZOE,
    name="World Corp",
)

# ---- invitations

INVITATIONS, NEW = f"{HOME}/invitations", f"{HOME}/invitations/new"
ONE = f"{INVITATIONS}/<uuid:invitation_uid>"


def invited(desk: Desk, email: str) -> str:
    """Invite somebody; returns the mailed token."""
    answer = desk.send(NEW, on=NEW, who=OWNER, typed={"emails": email})
    assert answer.status_code in (200, 303), answer.text
    desk.world.keep_promises()
    desk.world.sent[:] = [mail for mail in desk.world.sent if mail.to == email]
    return desk.world.mailed(r"accept-invitation\?token=([\w-]+)")


step(NEW, "invitation.created", on=NEW, who=OWNER, emails="pia@new.example")
step(
    f"{INVITATIONS}/bulk",
    "invitation.created",
    on=f"{INVITATIONS}/bulk",
    who=OWNER,
    table="pat@new.example,member",
)
step(f"{ONE}/resend", "invitation.resent", on=INVITATIONS, who=OWNER)
step(f"{ONE}/link", "invitation.resent", on=INVITATIONS, who=OWNER)
step(f"{ONE}/revoke", "invitation.revoked", on=INVITATIONS, who=OWNER)
OFFER = "/accept-invitation"
step(
    f"{OFFER}/switch",
    "user.signed_out",
    first=lambda desk: desk.kept.update(token=invited(desk, KIM)),
    on=lambda desk: f"{OFFER}?token={desk.kept['token']}",
    who=f"{EVE}#elsewhere",
)
step(
    OFFER,
    "invitation.accepted",
    "member.joined",
    on=lambda desk: f"{OFFER}?token={desk.kept['token']}",
    who=KIM,
)
step(
    f"{OFFER}/<string:token>",
    "user.registered",
    "user.email_verified",
    "invitation.accepted",
    "member.joined",
    "user.signed_in",
    first=lambda desk: desk.kept.update(token=invited(desk, "new@new.example")),
    on=lambda desk: f"{OFFER}/{desk.kept['token']}",
    through=OFFER,
    who=f"{NOBODY} yet",
    first_name="Nia",
    last_name="New",
    password="quite another password 5",
    accept_policies="y",
)

# ---- coming by oneself

DOMAINS, REQUESTS = f"{HOME}/domains", f"{HOME}/join-requests"


def publish(desk: Desk) -> None:
    with desk.world.app.app_context():
        domain = db.session.scalars(sa.select(TenantDomain)).one()
        desk.dns.put(record_name(domain.domain), record_text(domain.token))


step(DOMAINS, "domain.added", on=DOMAINS, who=OWNER, domain="world-corp.com")
step(f"{DOMAINS}/<uuid:domain_uid>/verify", "domain.verified", first=publish, on=DOMAINS, who=OWNER)
step("/organizations/<uuid:tenant_uid>/ask", "join_request.created", on="/organizations/join", who=EVE)
step("/organizations/<uuid:tenant_uid>/withdraw", "join_request.withdrawn", on="/organizations/join", who=EVE)
step("/organizations/join", "join_request.created", on="/organizations/join", who=EVE, slug="world-corp")
step(f"{REQUESTS}/<uuid:uid>/decline", "join_request.declined", on=newest(JoinRequest, REQUESTS), who=OWNER)
step(
    f"{REQUESTS}/<uuid:uid>/approve",
    "join_request.approved",
    "member.joined",
    first=lambda desk: desk.send(
        "/organizations/join", on="/organizations/join", who=LIV, typed={"slug": "world-corp"}
    ),
    on=newest(JoinRequest, REQUESTS),
    who=OWNER,
)
step(
    "/organizations/<uuid:tenant_uid>/join",
    "member.joined",
    first=lambda desk: put(desk.world, "members.domain_joining", "join", environment=""),
    on="/organizations/join",
    who=f"{EVE}#again",
)
step(f"{DOMAINS}/<uuid:domain_uid>/remove", "domain.removed", on=DOMAINS, who=OWNER)

# ---- permissions

PERMISSIONS, ASKED = f"{HOME}/permissions", f"{HOME}/permissions/requests"
step(
    f"{PERMISSIONS}/new",
    "permission_profile.created",
    on=f"{PERMISSIONS}/new",
    who=OWNER,
    name="Sales",
    permissions=["1"],
)


def profile(desk: Desk) -> str:
    found = re.findall(rf'href="{PERMISSIONS}/(\d+)"', desk.browser(OWNER).get(PERMISSIONS).text)
    return f"{PERMISSIONS}/{found[-1]}"


step(
    f"{PERMISSIONS}/<int:profile_id>",
    "permission_profile.updated",
    on=profile,
    who=OWNER,
    description="Those who sell",
)
step(
    f"{PERMISSIONS}/<int:profile_id>/deactivate", "permission_profile.deactivated", on=PERMISSIONS, who=OWNER
)
step(f"{PERMISSIONS}/<int:profile_id>/activate", "permission_profile.activated", on=PERMISSIONS, who=OWNER)
ASK = f"{PERMISSIONS}/ask"
for answer in ("decline", "grant"):
    step(ASK, "access_request.created", on=f"{ASK}?wanted=audit.view", who=KIM)
    changed = ("member.updated",) if answer == "grant" else ()
    kind = {"decline": "access_request.declined", "grant": "access_request.granted"}[answer]
    step(f"{ASKED}/<uuid:uid>/{answer}", kind, *changed, on=newest(AccessRequest, ASKED), who=OWNER)

# ---- handing over

OWNERSHIP = f"{HOME}/ownership"


def offered(desk: Desk) -> None:
    answer = desk.send(
        f"{OWNERSHIP}/offer",
        on=OWNERSHIP,
        who=OWNER,
        typed={"member": page_of(ADMIN)(desk).rsplit("/", 1)[1]},
    )
    assert answer.status_code == 303, answer.text


step(
    f"{OWNERSHIP}/offer",
    "ownership.offered",
    on=OWNERSHIP,
    who=OWNER,
    member=lambda desk: page_of(ADMIN)(desk).rsplit("/", 1)[1],
)
step(f"{OWNERSHIP}/cancel", "ownership.cancelled", on=OWNERSHIP, who=OWNER)
step(f"{OWNERSHIP}/decline", "ownership.declined", first=offered, on=OWNERSHIP, who=ADMIN)
step(f"{OWNERSHIP}/accept", "ownership.transferred", first=offered, on=OWNERSHIP, who=ADMIN)
