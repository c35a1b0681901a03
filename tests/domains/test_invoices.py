"""What stands on an invoice: as everything was set when it was written, but for how to pay it."""

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.billing import jobs as _jobs  # noqa: F401 - billing.collect is there
from app.domains.billing.models import Invoice
from app.domains.onboarding.models import SetupTask
from tests.domains.test_collecting import run, subjects, tenant
from tests.domains.test_settings_obeyed import put
from tests.support.world import World

SLUG = "world-corp"


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.scoped_token()


def test_an_invoice_says_what_is_set(world: World, token: str) -> None:
    put(world, "general.legal_name", "World Corporation Ltd", slug=SLUG)
    put(world, "billing.tax_id", "DE123456789", slug=SLUG)
    put(world, "billing.purchase_order", "PO-4711", slug=SLUG)
    put(world, "billing.currency", "CHF")
    put(world, "billing.invoice_due_days", 5)
    put(world, "billing.seller", "Portico Inc.\n1 Front Door")
    put(world, "billing.payment_instructions", "IBAN DE02 1203 0000 0000 2020 51")
    world.done("platform_api.billing.subscribe", token=token, json={"plan_id": "plan_pro"})
    paper = world.app.test_client().get(world.mailed(r"http://localhost(/invoices/\S+)")).text
    for text in ("World Corporation Ltd", "DE123456789", "PO-4711", "CHF", "Portico Inc.", "1 Front Door"):
        assert text in paper, text
    assert "IBAN DE02 1203 0000 0000 2020 51" in paper
    with world.app.app_context():
        invoice = db.session.scalars(sa.select(Invoice)).one()
        assert (invoice.due_at - invoice.issued_at).days == 5
        assert invoice.currency == "CHF"
        assert invoice.issued_at <= clock.now()


def test_without_days_to_wait_it_is_suspended_as_soon_as_it_is_looked_at(world: World, token: str) -> None:
    put(world, "billing.invoice_due_days", 0)
    put(world, "billing.grace_days", 0)
    world.done("platform_api.billing.subscribe", token=token, json={"plan_id": "plan_pro"})
    run(world, "billing.collect")
    assert "A payment failed" in subjects(world)
    assert tenant(world).status_reason == "Payment overdue"


def test_choosing_a_plan_completes_its_task(world: World, token: str) -> None:
    world.done("platform_api.billing.subscribe", token=token, json={"plan_id": "plan_pro"})
    with world.app.app_context():
        task = db.session.scalars(sa.select(SetupTask).where(SetupTask.code == "choose_plan")).one()
        assert task.completed_at is not None
