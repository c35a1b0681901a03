"""Many at once upon who owns an organization and who comes in: one active owner, and no seat too many."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.portal_http import PortalVisit
from tests.support.seeding import seed
from tests.support.world import PASSWORD

pytestmark = pytest.mark.live

ROUNDS = 1
AT_ONCE = 30

FOUND_OFFERS = """
from datetime import timedelta
import sqlalchemy as sa
from app.core import clock
from app.core.db import db
from app.domains.organizations.models import OwnershipOffer
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.members import join, plan

told = {}
for slug in given["slugs"]:
    owner, heir, admin = (f"{name}@{slug}.example" for name in ("owner", "heir", "admin"))
    with world.app.app_context():
        tenant_id = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == slug)).one()
    plan(world, slug=slug)
    for email in (heir, admin):
        join(world, email, "admin", slug=slug)
    ids = {email: world.persons_id(email) for email in (owner, heir, admin)}
    with world.app.app_context(), transaction():
        now = clock.now()
        sides = {"from_user_id": ids[owner], "to_user_id": ids[heir]}
        life = {"offered_at": now, "expires_at": now + timedelta(days=7)}
        db.session.add(OwnershipOffer(tenant_id=tenant_id, **sides, **life))
        query = sa.select(Membership.user_id, Membership.uid).where(Membership.tenant_id == tenant_id)
        known = {row.user_id: str(row.uid) for row in db.session.execute(query)}
    told[slug] = {email: known[user_id] for email, user_id in ids.items()}
"""

OWNERS = """
import sqlalchemy as sa
from app.core.db import db
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, Tenant

with world.app.app_context():
    query = sa.select(Tenant.slug, Membership.status).join(Tenant, Tenant.id == Membership.tenant_id)
    query = query.where(Membership.role == Role.OWNER, Tenant.slug.in_(given["slugs"]))
    told = sorted([slug, str(status)] for slug, status in db.session.execute(query))
"""

FOUND_SEAT = """
import sqlalchemy as sa
from app.core import clock
from app.core.db import db
from app.domains.organizations.models import JoinRequest, TenantDomain
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.members import join, plan
from tests.support.service import put

slug = given["slug"]
with world.app.app_context():
    tenant = db.session.scalars(sa.select(Tenant).where(Tenant.slug == slug)).one()
    tenant_id, told = tenant.id, {"tenant": str(tenant.uid), "asked": []}
plan(world, "dev", slug=slug)
join(world, f"second@{slug}.example", slug=slug)
put(world, "members.domain_joining", "join", slug=slug, environment="")
for email in given["joiners"]:
    world.person(email)
with world.app.app_context(), transaction():
    proven = {"token": "t", "verified_at": clock.now()}
    db.session.add(TenantDomain(tenant_id=tenant_id, domain=given["domain"], **proven))
for email in given["askers"]:
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        asked = JoinRequest(tenant_id=tenant_id, user_id=user_id)
        db.session.add(asked)
        db.session.flush()
        told["asked"].append(str(asked.uid))
"""

SEATS = """
from app.core.db import db
from app.domains.members import seats
from app.domains.tenants.models import Tenant
import sqlalchemy as sa

with world.app.app_context():
    tenant_id = db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == given["slug"])).one()
    found = seats.counted(tenant_id)
    told = [found.taken, found.included]
"""

Strike = Callable[[], int]


@pytest.fixture
def visits(live: LiveInstance) -> Iterator[Callable[[str], "Device"]]:
    with ExitStack() as stack:
        yield lambda email: Device(stack.enter_context(PortalVisit(live.url)), email)


def found(live: LiveInstance, slug: str) -> str:
    """Open an organization; returns its owner's address."""
    email = f"owner@{slug}.example"
    who = {"password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    with Caller(live.url) as caller:
        caller.good("platform_api.auth.register", email=email, **who)
        bearer = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
        caller.good("platform_api.tenants.create", bearer=bearer, name=slug, slug=slug)
    return email


class Device:
    """A browser of somebody who is signed in."""

    def __init__(self, visit: PortalVisit, email: str) -> None:
        self.visit = visit
        visit.sign_in(email, PASSWORD)
        page = visit.http.get("/account").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, page
        self._token = found[1]

    def post(self, path: str, **fields: str) -> int:
        """Send a form and return the answer's own status."""
        sent = {"csrf_token": self._token, **fields}
        return self.visit.http.post(path, data=sent, follow_redirects=False).status_code


def at_once(strikes: Sequence[Strike]) -> list[int]:
    with ThreadPoolExecutor(len(strikes)) as pool:
        return list(pool.map(lambda strike: strike(), strikes))


def upon(device: Device, member: str, name: str) -> list[Strike]:
    """Return what somebody may try upon a member."""
    here = f"/organization/members/{member}"
    return [
        lambda: device.post(f"{here}/rights", role="member"),
        lambda: device.post(f"{here}/deactivate"),
        lambda: device.post(f"{here}/remove", name=name),
        lambda: device.post(f"{here}/activate"),
    ]


def test_thirty_at_once_upon_an_offer_leave_one_active_owner(
    live: LiveInstance, visits: Callable[[str], Device]
) -> None:
    slugs = [f"race-heir-{number}" for number in range(ROUNDS)]
    for slug in slugs:
        found(live, slug)
    there: dict[str, dict[str, str]] = seed(live, FOUND_OFFERS, slugs=slugs)
    chance = random.Random(20261122)
    for slug in slugs:
        members = there[slug]
        owner, heir, admin = (visits(email) for email in members)
        of_owner, of_heir, _ = members.values()
        heir_name = list(members)[1]  # people without a name are called by their address
        answers: list[Strike] = [
            lambda heir=heir: heir.post("/organization/ownership/accept"),  # type: ignore[misc]
            lambda heir=heir: heir.post("/organization/ownership/decline"),  # type: ignore[misc]
            lambda owner=owner: owner.post("/organization/ownership/cancel"),  # type: ignore[misc]
        ]
        offer = {"member": of_heir}
        answers.append(lambda owner=owner, offer=offer: owner.post("/organization/ownership/offer", **offer))  # type: ignore[misc]
        acts = [
            *upon(owner, of_heir, heir_name),
            *upon(heir, of_owner, "Jane Doe"),
            *upon(admin, of_heir, heir_name),
            *upon(admin, of_owner, "Jane Doe"),
        ]
        strikes = (answers * 4 + acts)[:AT_ONCE]
        chance.shuffle(strikes)
        statuses = at_once([answers[0], *strikes[:-1]])
        assert max(statuses) < 500, sorted(statuses)
        assert 303 in statuses
    owners = seed(live, OWNERS, slugs=slugs)
    assert owners == [[slug, "active"] for slug in slugs]


def test_the_last_seat_is_taken_once_by_those_who_join_and_those_who_are_let_in(
    live: LiveInstance, visits: Callable[[str], Device]
) -> None:
    slug, domain = "race-door", "race-door.example"
    owner = found(live, slug)
    joiners = [f"joiner{number}@{domain}" for number in range(AT_ONCE // 2)]
    askers = [f"asker{number}@{domain}" for number in range(AT_ONCE // 2)]
    told: dict[str, Any] = seed(live, FOUND_SEAT, slug=slug, domain=domain, joiners=joiners, askers=askers)
    head = visits(owner)
    devices = [visits(email) for email in joiners]
    live.flask("limits", "reset")
    join = f"/organizations/{told['tenant']}/join"
    strikes: list[Strike] = []
    for device, uid in zip(devices, told["asked"], strict=True):
        strikes.append(lambda device=device: device.post(join))  # type: ignore[misc]
        approve = f"/organization/join-requests/{uid}/approve"
        answer = {"role": "member", "profile_id": "1"}
        strikes.append(lambda approve=approve, answer=answer: head.post(approve, **answer))  # type: ignore[misc]
    statuses = at_once(strikes)
    assert max(statuses) < 500, sorted(statuses)
    assert seed(live, SEATS, slug=slug) == [3, 3]
    assert statuses.count(303) == 1, sorted(statuses)
    assert statuses.count(402) == AT_ONCE - 1, sorted(statuses)
