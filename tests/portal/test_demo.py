"""What the demo shows: no page of an organization or of the platform is empty for those it is for."""

import time
from collections import Counter

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, figures
from app.core.access import system
from app.core.db import db
from app.core.outbox import backlog
from app.domains.audit.models import AuditEvent
from app.domains.clients.models import ClientAccount, ServiceUser
from app.domains.demo import operations
from app.domains.demo.people import ADA, ORGANIZATIONS, PASSWORD
from app.domains.email.settings_models import Delivery, DeliveryState
from app.domains.members.models import Invitation
from app.domains.permissions.models import AccessRequest
from app.domains.settings.models import SettingChange
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor

JANE, MARCUS = "jane@acme.example", "marcus@acme.example"


@pytest.fixture
def demo(app: Flask, database: sa.Connection) -> Flask:
    with app.app_context(), transaction():
        planted = operations.plant(system("test"))
        assert planted == operations.Planted(3, 12)
    return app


@pytest.fixture
def acme(demo: Flask) -> int:
    with demo.app_context():
        return db.session.scalars(sa.select(Tenant.id).where(Tenant.slug == "acme-corp")).one()


def seen(visitor: Visitor, email: str, pages: dict[str, tuple[str, ...]]) -> None:
    """Sign somebody in and find on each page what it should show."""
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    for path, words in pages.items():
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert [word for word in words if word not in answer.text] == [], path


def test_its_seed_is_quick(app: Flask, database: sa.Connection) -> None:
    with app.app_context(), transaction():
        started = time.process_time()
        operations.plant(system("test"))
        assert time.process_time() - started < 3


def test_its_owner_finds_something_on_every_page(demo: Flask, visitor: Visitor) -> None:
    pages = {
        "/organization/members": ("Priya", "Customer care", "Elena", "Sofia"),
        "/organization/invitations": ("sofia@acme.example",),
        "/organization/invitations?status=expired": ("elena@partner.example",),
        "/organization/join-requests": ("Samuel", "We plan the fair"),
        "/organization/permissions": ("Controlling", "Customer care", "Launch crew"),
        "/organization/permissions/requests": ("Tomás", "Who moved the meeting to Friday?"),
        "/organization/settings": ("help@acme.example", "#0f5c8a"),
        "/organization/setup": ("Connect your mail server",),
        "/organization/email/sender": ("Acme Corp", "help@acme.example"),
        "/organization/email/compliance": ("Acme Corp GmbH", "Lindenstraße 12"),
        "/organization/service-users?environment=prod": ("shop",),
        "/organization/service-users?environment=staging": ("shop-staging",),
        "/organization/clients?environment=prod": ("ravi.menon@kiosk.example", "Jonas Peters"),
        "/organization/clients?environment=staging": ("olivia.brandt@kiosk.example",),
        "/organization/plan": ("INV-",),
        "/organization/audit": ("Tomás Herrera", "Priya Raman", "Samuel"),
    }
    seen(visitor, JANE, pages)


def test_the_platforms_admin_sees_all_of_it(demo: Flask, visitor: Visitor) -> None:
    pages = {
        "/platform": ("<svg", "412"),
        "/platform/organizations": ("Acme Corp", "Globex", "Initech", "Suspended"),
        "/platform/people": (JANE, "bill@initech.example"),
        "/platform/invoices": ("INV-", "Initech"),
        "/platform/audit": ("Jane Doe",),
    }
    seen(visitor, ADA.email, pages)


def test_the_head_of_one_that_is_shut_sees_that_it_is(demo: Flask, visitor: Visitor) -> None:
    seen(visitor, "bill@initech.example", {"/organizations": ("Initech", "Suspended")})


def test_a_profile_opens_the_trail_and_no_role_the_platforms_console(
    demo: Flask, visitor: Visitor, other: Visitor
) -> None:
    seen(visitor, "hannah@acme.example", {"/organization/audit": ("Priya Raman",)})
    assert other.sign_in(MARCUS, PASSWORD).status_code == 303
    assert other.get("/platform").status_code in (403, 404)


def test_how_much_there_is(demo: Flask, acme: int) -> None:
    with demo.app_context():
        own = lambda model: sa.select(model).where(model.tenant_id == acme)  # noqa: E731
        states = [str(one.state) for one in db.session.scalars(own(Invitation).order_by(Invitation.id))]
        assert states == ["expired", "pending"]
        assert Counter(str(one.state) for one in db.session.scalars(own(AccessRequest))) == {
            "open": 1,
            "declined": 1,
        }
        assert {one.environment for one in db.session.scalars(own(ServiceUser))} == {"prod", "staging"}
        clients = db.session.scalars(own(ClientAccount)).all()
        assert Counter((one.environment, one.status) for one in clients) == {
            ("staging", "active"): 1,
            ("prod", "active"): 3,
            ("prod", "disabled"): 1,
        }
        colours = own(SettingChange).where(SettingChange.key == "branding.primary_color")
        assert len(db.session.scalars(colours).all()) == 3
        shut = db.session.scalars(sa.select(Tenant).where(Tenant.slug == "initech")).one()
        assert (str(shut.status), shut.status_reason) == ("suspended", "Payment overdue")


def test_its_trail_is_long_and_in_order(demo: Flask, acme: int) -> None:
    with demo.app_context():
        rows = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
        assert [row.at for row in rows] == sorted(row.at for row in rows)
        here = [row for row in rows if row.tenant_id == acme]
        assert len(here) > 150
        assert len({row.kind for row in here}) > 20
        assert len({row.actor_user_id for row in here}) > 6
        assert (clock.now() - here[0].at).days >= 40


def test_nobody_is_mailed_and_the_mails_of_the_past_went_out(demo: Flask) -> None:
    with demo.app_context():
        assert backlog().waiting == 0
        deliveries = db.session.scalars(sa.select(Delivery)).all()
        assert len(deliveries) > 5
        assert {one.state for one in deliveries} == {DeliveryState.SENT}
        assert all(one.ended_at and one.ended_at < clock.now() for one in deliveries)


def test_the_charts_have_every_day_of_a_month(demo: Flask) -> None:
    with demo.app_context():
        hours = db.session.scalars(sa.select(figures.Figure.hour).distinct()).all()
        assert len({hour.date() for hour in hours if hour.hour == 10}) >= 29
        assert max(hours) <= clock.now()


def test_all_addresses_are_reserved_for_examples() -> None:
    people = [ADA, *(person for organization in ORGANIZATIONS for person in organization.people)]
    assert [person.email for person in people if not person.email.endswith(".example")] == []
