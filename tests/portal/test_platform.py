"""The platform's console: figures, organizations, people, and the one box that finds everything."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import figures
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.billing.models import Invoice
from app.domains.clients.models import ServiceUser
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.twins import twin
from tests.support.world import PASSWORD as WORLD_PASSWORD
from tests.support.world import World

ROOT = "root@world.example"
JANE = "jane@world.example"
PAGES = ("/platform", "/platform/search", "/platform/organizations", "/platform/people")


@pytest.fixture
def root(world: World) -> Visitor:
    """Give an admin of the platform who has just signed in to the portal."""
    world.person(ROOT, admin=True)
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(ROOT, WORLD_PASSWORD).status_code == 303
    return visitor


@pytest.fixture
def jane(world: World) -> int:
    """Make Jane, who owns World Corp."""
    person = world.person(JANE)
    world.organization(person)
    return person


def uid_of(world: World, model: Any, row_id: int) -> str:
    with world.app.app_context():
        return str(db.session.get_one(model, row_id).uid)


def page_of(world: World, person: int) -> str:
    return f"/platform/people/{uid_of(world, User, person)}"


@pytest.fixture
def counted(world: World) -> Iterator[Callable[[], int]]:
    """Return a function that says how many statements ran since it was asked last."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ran.append(statement)

    with world.app.app_context():
        bind = db.engines[None]
    sa.event.listen(bind, "before_cursor_execute", note)

    def count() -> int:
        so_far = len([s for s in ran if not s.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))])
        ran.clear()
        return so_far

    yield count
    sa.event.remove(bind, "before_cursor_execute", note)


@pytest.mark.parametrize("path", PAGES)
def test_only_admins_of_the_platform_see_it(root: Visitor, jane: int, world: World, path: str) -> None:
    assert root.get(path).status_code == 200
    other = Visitor(world.app.test_client())
    other.sign_in(JANE, WORLD_PASSWORD)
    assert other.get(path).status_code == 403
    assert "/platform" not in other.get("/dashboard").text
    assert 'href="/platform"' in root.get("/dashboard").text
    assert 'data-find="/platform/search"' in root.get("/dashboard").text
    assert "data-find" not in other.get("/dashboard").text


def test_an_admin_with_a_second_factor_is_asked_to_show_it(root: Visitor, world: World) -> None:
    world.authenticator(world.persons_id(ROOT))
    assert root.get("/platform").status_code == 403


def test_the_overview_has_its_figures_as_tables_too(root: Visitor, world: World) -> None:
    assert root.get("/platform").text.count("None in these 30 days") == 4
    with world.app.app_context(), transaction():
        for name in (figures.SIGN_UPS, figures.MAILS, f"{figures.CALLS}v0", f"{figures.REFUSED}rate:limited"):
            figures.add(name)
    text = root.get("/platform").text
    assert text.count("data-chart=") == 4
    assert len(re.findall(r"<td class=\"numbers\" data-value=", text)) == 4 * 30


def test_a_restart_is_asked_for_and_written_down(root: Visitor, world: World) -> None:
    assert root.send("/platform/restart", {"kind": "workers"}, on="/platform").status_code == 303
    assert str(world.trail()[-1].kind) == "workers.restarted"
    assert root.send("/platform/restart", {"kind": "x"}, on="/platform").status_code == 422


# ---- organizations


def test_an_organization_is_suspended_by_its_name_alone(root: Visitor, jane: int, world: World) -> None:
    with world.app.app_context():
        tenant = db.session.scalars(sa.select(Tenant)).one()
        page = f"/platform/organizations/{tenant.uid}"
    assert "World Corp" in root.get("/platform/organizations?q=world&status=active").text
    assert "World Corp" not in root.get("/platform/organizations?status=archived").text
    wanted = {"status": "suspended", "reason": "Payment overdue"}
    refused = root.send(f"{page}/status", {**wanted, "name": "World"}, on=page)
    assert refused.status_code == 422
    assert "Type World Corp to confirm." in refused.text
    assert root.send(f"{page}/status", {**wanted, "name": "World Corp"}, on=page).status_code == 303
    assert "Payment overdue" in root.get(page).text
    assert root.send(f"{page}/status", {"status": "active"}, on=page).status_code == 303
    assert [str(row.kind) for row in world.trail()][-2:] == ["tenant.status_changed"] * 2
    assert root.get(f"/platform/organizations/{uid_of(world, User, jane)}").status_code == 404


@pytest.mark.parametrize("path", ["/platform/organizations", "/platform/people"])
def test_lists_cost_the_same_for_one_and_for_many_and_are_paged(
    root: Visitor, world: World, counted: Callable[[], int], path: str
) -> None:
    world.organization(world.person("0@many.example"), "many-0")
    root.get(path)
    counted()
    root.get(path)
    few = counted()
    for number in range(1, 30):
        world.organization(world.person(f"{number}@many.example"), f"many-{number}")
    counted()
    first = root.get(path).text
    assert counted() - few in (0, 1)  # one's own row comes with a short list, and by itself beside a long one
    older = re.search(rf'rel="next" href="({path}\?[^"]+)"', first)
    assert older
    assert root.get(older[1].replace("&amp;", "&")).status_code == 200
    assert root.get(f"{path}?cursor=nonsense").status_code == 303


# ---- people


def test_a_person_is_disabled_and_everything_of_theirs_ends(root: Visitor, jane: int, world: World) -> None:
    page, token = page_of(world, jane), world.token("services_v1")
    other = Visitor(world.app.test_client())
    other.sign_in(JANE, WORLD_PASSWORD)
    wrong = root.send(f"{page}/disable", {"reason": "Spam", "email": "x"}, on=page)
    assert wrong.status_code == 422
    done = root.send(f"{page}/disable", {"reason": "Spam sent", "email": JANE}, on=page)
    assert done.status_code == 303
    assert world.call("services_v1.user.get", token=token).status_code == 401
    assert other.get("/dashboard").status_code == 303
    assert other.sign_in(JANE, WORLD_PASSWORD).status_code != 303
    assert world.mailed(r"(it is disabled now)")
    assert root.send(f"{page}/enable", {"reason": "A mistake"}, on=page).status_code == 303
    assert other.sign_in(JANE, WORLD_PASSWORD).status_code == 303
    kinds = [str(row.kind) for row in world.trail()]
    assert kinds.count("user.disabled") == kinds.count("user.enabled") == 1


def test_all_sign_ins_of_a_person_end_and_they_are_told(root: Visitor, jane: int, world: World) -> None:
    token = world.token("services_v1")
    page = page_of(world, jane)
    assert root.send(f"{page}/sign-out", on=page).status_code == 303
    assert world.call("services_v1.user.get", token=token).status_code == 401
    row = world.trail()[-1]
    assert (str(row.kind), row.subject_id) == ("user.signed_out_everywhere", jane)


def test_removal_of_a_lost_second_factor_is_begun_for_somebody(
    root: Visitor, jane: int, world: World
) -> None:
    world.authenticator(jane)
    page = page_of(world, jane)
    assert root.send(f"{page}/recover", on=page).status_code == 303
    assert world.mailed(r"(/recover-second-factor/confirm)")
    with world.app.app_context():
        assert db.session.get_one(User, jane).two_factor_enabled


def test_admins_are_made_and_unmade_but_never_the_last_one(root: Visitor, jane: int, world: World) -> None:
    page, mine = page_of(world, jane), page_of(world, world.persons_id(ROOT))
    assert root.send(f"{mine}/dismiss", on=mine).status_code == 409
    assert root.send(f"{page}/appoint", {"email": JANE}, on=page).status_code == 303
    other = Visitor(world.app.test_client())
    other.sign_in(JANE, WORLD_PASSWORD)
    assert other.get("/platform").status_code == 200
    assert root.send(f"{page}/dismiss", on=page).status_code == 303
    assert other.get("/platform").status_code == 403
    assert root.send(f"{mine}/disable", {"reason": "Myself", "email": ROOT}, on=page).status_code == 400


def test_an_old_sign_in_proves_itself_before_it_does_anything_to_somebody(
    root: Visitor, jane: int, world: World, move_clock: Callable[[int], None]
) -> None:
    page = page_of(world, jane)
    move_clock(15 * 60 + 1)
    for act in ("disable", "sign-out", "appoint"):
        fields = {"reason": "A reason", "email": JANE}
        assert root.send(f"{page}/{act}", fields, on=page).status_code == 403, act
    with world.app.app_context():
        user = db.session.get_one(User, jane)
        assert (user.disabled_at, user.is_platform_admin) == (None, False)


# ---- one box


def test_whatever_is_searched_for_leads_to_its_page(root: Visitor, jane: int, world: World) -> None:
    token = world.token("services_v1")
    made = world.done("services_v1.api_tokens.create", token=token, json={"name": "CI", "scopes": ["read"]})
    with world.app.app_context():
        tenant = db.session.scalars(sa.select(Tenant)).one()
        user = db.session.get_one(User, jane)
        request_id = db.session.scalars(
            sa.select(AuditEvent.request_id).where(AuditEvent.request_id != "").order_by(AuditEvent.id.desc())
        ).first()
        session = db.session.scalars(sa.select(UserSession).where(UserSession.kind == "api_token")).one()
        user_uid, tenant_uid, prefix, session_uid = user.uid, tenant.uid, session.prefix, session.uid
    person, organization = f"/platform/people/{user_uid}", f"/platform/organizations/{tenant_uid}"
    leads = {
        f"usr_{user_uid.hex}": person,
        str(user_uid): person,
        user_uid.hex: person,
        JANE.upper(): person,
        f"ten_{tenant_uid.hex}": organization,
        "world-corp": organization,
        "World-Corp": organization,
        str(prefix): person,
        str(made["data"]["token"]): person,
        str(session_uid): person,
    }
    for text, address in leads.items():
        answer = root.get("/platform/search", query_string={"q": text})
        assert (answer.status_code, answer.headers.get("Location")) == (303, address), text
    several = root.get(f"/platform/search?q={jane}").text
    assert person in several  # alone, or among all that have this number
    entries = root.get(f"/platform/search?q={request_id}").text
    assert "An API token was made" in entries
    assert f'href="/platform/audit?request_id={request_id}"' in entries


def test_an_invoices_number_and_a_service_users_id_lead_on(root: Visitor, world: World) -> None:
    twin(world, "twin-a")
    with world.app.app_context(), transaction():
        tenant = db.session.scalars(sa.select(Tenant)).one()
        program = db.session.scalars(sa.select(ServiceUser)).one().uid
        invoice = db.session.scalars(sa.select(Invoice)).one()
        invoice.number = "INV-2026-000009"
        number, bill = invoice.number, f"/platform/invoices/{invoice.uid}"
        organization = f"/platform/organizations/{tenant.uid}"
    for text, address in ((number, bill), (number.lower(), bill), (str(program), organization)):
        answer = root.get("/platform/search", query_string={"q": text})
        assert (answer.status_code, answer.headers.get("Location")) == (303, address), text


@pytest.mark.parametrize(
    "text", ["", " ", "nobody-at-all", "usr_0", "%", "_", "9" * 400, "pat_zzzzzzzz", "a\x00b"]
)
def test_what_names_nothing_finds_nothing(root: Visitor, text: str) -> None:
    answer = root.get("/platform/search", query_string={"q": text})
    assert answer.status_code in (200, 400)
    assert 'id="hits"' not in answer.text
