"""Coming to an organization by oneself: a proven domain, requests, and what strangers never learn."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock, dns, jobs
from app.core.db import db
from app.core.dns import UNKNOWN, Answer
from app.domains.billing.models import Subscription
from app.domains.organizations.domains import record_name, record_text
from app.domains.organizations.models import JoinRequest, TenantDomain
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.members import join, membership_of, plan
from tests.support.service import put as put_anywhere
from tests.support.world import PASSWORD, World

OWNER, NEW, STRANGER = "jane@world.example", "kim@world-corp.com", "eve@elsewhere.example"
DOMAINS, REQUESTS = "/organization/domains", "/organization/join-requests"
DOMAIN = "world-corp.com"


def put(firm: World, key: str, value: Any) -> None:
    put_anywhere(firm, key, value, slug="world-corp", environment="")


class Zone:
    """What the DNS says."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.answers = True

    def look_up(self, questions: Any) -> dict[Any, Answer]:
        if not self.answers:
            return dict.fromkeys(questions, UNKNOWN)
        return {
            one: Answer(True, (self.records[one[0]],) if one[0] in self.records else ()) for one in questions
        }


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    made = Zone()
    monkeypatch.setattr(dns, "look_up", made.look_up)
    return made


@pytest.fixture
def firm(world: World) -> World:
    world.organization(world.person(OWNER))
    plan(world)
    world.person(NEW)
    world.person(STRANGER)
    world.keep_promises()
    world.sent.clear()
    return world


def visit(firm: World, who: str = OWNER) -> Visitor:
    visitor = Visitor(firm.app.test_client())
    assert visitor.sign_in(who, PASSWORD).status_code == 303
    return visitor


def the_domain(firm: World) -> TenantDomain:
    with firm.app.app_context():
        found = db.session.scalars(sa.select(TenantDomain)).one()
        db.session.expunge(found)
        return found


def proven(firm: World, zone: Zone, way: str = "nothing") -> Visitor:
    owner = visit(firm)
    assert owner.send(DOMAINS, {"domain": DOMAIN}, on=DOMAINS).status_code == 303
    found = the_domain(firm)
    zone.records[record_name(DOMAIN)] = record_text(found.token)
    assert owner.send(f"{DOMAINS}/{found.uid}/verify", on=DOMAINS).status_code == 303
    put(firm, "members.domain_joining", way)
    return owner


def tenant_uid(firm: World) -> str:
    with firm.app.app_context():
        return str(db.session.scalars(sa.text("SELECT uid FROM tenants").columns(uid=sa.Uuid())).one())


def check_domains(firm: World, days: float) -> None:
    with firm.app.app_context(), transaction():
        jobs.run(jobs.JOBS["domains.check"])
    firm.keep_promises()
    with firm.app.app_context(), transaction():
        row = db.session.scalars(sa.select(TenantDomain)).one()
        if row.missing_since:
            row.missing_since -= timedelta(days=days)


def test_a_domain_is_proven_by_its_record(firm: World, zone: Zone) -> None:
    owner = visit(firm)
    owner.send(DOMAINS, {"domain": "World-Corp.com."}, on=DOMAINS)
    found = the_domain(firm)
    assert found.domain == DOMAIN
    shown = owner.get(DOMAINS).text
    assert record_name(DOMAIN) in shown
    assert record_text(found.token) in shown
    verify = f"{DOMAINS}/{found.uid}/verify"
    assert owner.send(verify, on=DOMAINS).status_code == 409
    zone.answers = False
    assert "did not answer" in owner.send(verify, on=DOMAINS).text
    zone.answers = True
    zone.records[record_name(DOMAIN)] = record_text("another")
    assert owner.send(verify, on=DOMAINS).status_code == 409
    zone.records[record_name(DOMAIN)] = record_text(found.token)
    assert owner.send(verify, on=DOMAINS).status_code == 303
    assert "Proven" in owner.get(DOMAINS).text
    kinds = [str(row.kind) for row in firm.trail()]
    assert kinds.count("domain.added") == kinds.count("domain.verified") == 1


@pytest.mark.parametrize("name", ["gmail.com", "GMX.de", "localhost", "a b.com", "10.0.0.1", ""])
def test_what_is_nobodys_own_is_not_taken(firm: World, name: str) -> None:
    assert visit(firm).send(DOMAINS, {"domain": name}, on=DOMAINS).status_code == 422


def test_one_organization_has_a_domain(firm: World, zone: Zone) -> None:
    proven(firm, zone)
    firm.organization(firm.persons_id(STRANGER), "elsewhere")
    other = visit(firm, STRANGER)
    other.send(DOMAINS, {"domain": DOMAIN}, on=DOMAINS)
    with firm.app.app_context():
        theirs = db.session.scalars(sa.select(TenantDomain).where(TenantDomain.verified_at.is_(None))).one()
        uid, token = theirs.uid, theirs.token
    zone.records[record_name(DOMAIN)] = record_text(token)
    answer = other.send(f"{DOMAINS}/{uid}/verify", on=DOMAINS)
    assert answer.status_code == 409
    assert "Another organization" in answer.text


def test_a_proof_is_lost_after_seven_days_without_its_record(firm: World, zone: Zone) -> None:
    proven(firm, zone)
    kept = dict(zone.records)
    zone.records.clear()
    check_domains(firm, 6)
    zone.answers = False
    check_domains(firm, 0)
    assert the_domain(firm).verified_at is not None
    zone.answers, zone.records = True, kept
    check_domains(firm, 0)
    assert the_domain(firm).missing_since is None
    zone.records = {}
    check_domains(firm, 7)
    check_domains(firm, 0)
    assert the_domain(firm).verified_at is None
    assert "not proven any more" in firm.sent[-1].subject


def test_an_address_there_may_join_by_pressing_and_never_above_member(firm: World, zone: Zone) -> None:
    proven(firm, zone, "join")
    put(firm, "members.default_role", "manager")
    kim = visit(firm, NEW)
    assert membership_of(firm, NEW) is None
    assert "is open to your address" in kim.get("/dashboard").text
    assert "is open to your address" not in kim.get("/organizations/join").text
    assert "World Corp" in kim.get("/organizations").text
    address = f"/organizations/{tenant_uid(firm)}/join"
    assert kim.send(address, on="/organizations").status_code == 303
    with firm.app.app_context():
        assert str(db.session.get_one(Membership, membership_of(firm, NEW)).role) == "member"
    assert kim.send(address, on="/organizations").status_code == 404
    assert visit(firm, STRANGER).send(address, on="/organizations").status_code == 404
    assert [str(row.kind) for row in firm.trail()].count("member.joined") == 1


@pytest.mark.parametrize("way", ["nothing", "ask"])
def test_who_may_not_join_does_not(firm: World, zone: Zone, way: str) -> None:
    proven(firm, zone, way)
    answer = visit(firm, NEW).send(f"/organizations/{tenant_uid(firm)}/join", on="/organizations")
    assert answer.status_code == 404
    assert membership_of(firm, NEW) is None


def test_an_unproven_address_and_a_deactivated_person_do_not_join(firm: World, zone: Zone) -> None:
    proven(firm, zone, "join")
    address = f"/organizations/{tenant_uid(firm)}/join"
    kim = visit(firm, NEW)
    firm.unprove(firm.persons_id(NEW))
    assert kim.send(address, on="/organizations").status_code == 404
    join(firm, "ada@world-corp.com", status=MembershipStatus.INACTIVE)
    assert visit(firm, "ada@world-corp.com").send(address, on="/organizations").status_code == 404


def test_a_full_plan_takes_nobody_in(firm: World, zone: Zone) -> None:
    proven(firm, zone, "join")
    with firm.app.app_context(), transaction():
        db.session.execute(sa.update(Subscription).values(plan_code="dev"))
    join(firm, "one@world.example")
    join(firm, "two@world.example")
    answer = visit(firm, NEW).send(f"/organizations/{tenant_uid(firm)}/join", on="/organizations")
    assert answer.status_code == 402
    assert membership_of(firm, NEW) is None


def asked(firm: World, zone: Zone) -> tuple[Visitor, Visitor, str]:
    owner, kim = proven(firm, zone, "ask"), visit(firm, NEW)
    answer = kim.send(
        f"/organizations/{tenant_uid(firm)}/ask", {"reason": "I work here"}, on="/organizations"
    )
    assert answer.status_code == 303
    found = re.search(rf"{REQUESTS}/([0-9a-f-]+)", owner.get(REQUESTS).text)
    assert found
    return owner, kim, f"{REQUESTS}/{found[1]}"


def test_a_request_is_told_shown_and_approved(firm: World, zone: Zone) -> None:
    owner, _, address = asked(firm, zone)
    firm.keep_promises()
    assert firm.sent[-1].to == OWNER
    assert "asks to join" in firm.sent[-1].subject
    shown = owner.get(address).text
    assert "I work here" in shown
    assert re.search(r'<option value="viewer"[^>]*>Viewer</option>', shown), "what may be given can be chosen"
    assert re.search(r'<option value="1"[^>]*>Standard</option>', shown)
    taken = {"role": "viewer", "profile_id": "1"}
    assert owner.send(f"{address}/approve", taken, on=address).status_code == 303
    with firm.app.app_context():
        assert str(db.session.get_one(Membership, membership_of(firm, NEW)).role) == "viewer"
    firm.keep_promises()
    assert firm.sent[-1].subject == "Welcome to World Corp"
    assert owner.send(f"{address}/approve", taken, on=REQUESTS + "?show=answered").status_code in (409, 419)


def test_a_manager_takes_in_only_below_themselves(firm: World, zone: Zone) -> None:
    _, _, address = asked(firm, zone)
    join(firm, "max@world.example", "manager")
    manager = visit(firm, "max@world.example")
    answer = manager.send(f"{address}/approve", {"role": "admin", "profile_id": "1"}, on=address)
    assert answer.status_code in (403, 422)
    assert membership_of(firm, NEW) is None


def test_a_declined_person_may_ask_again_after_a_week(firm: World, zone: Zone) -> None:
    owner, kim, address = asked(firm, zone)
    again = f"/organizations/{tenant_uid(firm)}/ask"
    assert kim.send(again, on="/organizations").status_code == 404
    refused = {"answer": "Not now", "role": "member", "profile_id": "1"}
    assert owner.send(f"{address}/decline", refused, on=address).status_code == 303
    firm.keep_promises()
    assert "did not take you in" in firm.sent[-1].subject
    assert kim.send(again, on="/organizations").status_code == 404
    with firm.app.app_context(), transaction():
        db.session.execute(sa.update(JoinRequest).values(decided_at=clock.now() - timedelta(days=7, hours=1)))
    assert kim.send(again, on="/organizations").status_code == 303


def test_h10_a_stranger_never_learns_whether_there_is_an_organization(firm: World) -> None:
    eve = visit(firm, STRANGER)

    def say(slug: str) -> tuple[int, str]:
        answer = eve.send("/organizations/join", {"slug": slug}, on="/organizations/join")
        page = re.sub(r'csrf_token" value="[^"]+"', "", eve.get("/organizations/join").text)
        return answer.status_code, re.sub(r"nonce-?[^ ]+|[0-9a-f]{16,}|[0-9a-f-]{36}", "", page)

    nothing = say("there-is-none")
    assert say("world-corp") == nothing
    put(firm, "members.join_requests", True)
    assert say("world-corp") == nothing
    assert say("world-corp") == nothing
    assert "eve@elsewhere.example" in visit(firm).get(REQUESTS).text


def test_requests_are_listed_with_as_many_queries_for_many_as_for_one(firm: World, zone: Zone) -> None:
    owner, _, _ = asked(firm, zone)

    def queries() -> int:
        counted = []
        with firm.app.app_context():
            engine = db.engine
        listener = lambda *_: counted.append(1)  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        owner.get(REQUESTS)
        sa.event.remove(engine, "before_cursor_execute", listener)
        return len(counted)

    owner.get(REQUESTS)
    one = queries()
    for number in range(12):
        user_id = firm.person(f"n{number}@world-corp.com")
        with firm.app.app_context(), transaction():
            row = db.session.scalars(sa.select(JoinRequest)).first()
            assert row
            db.session.add(JoinRequest(tenant_id=row.tenant_id, user_id=user_id, asked_at=clock.now()))
    assert queries() == one
