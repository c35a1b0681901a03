"""What an admin of the platform does in the portal, in others' names too, and what it leaves in the trail."""

from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.billing.models import Invoice
from app.domains.tenants.models import Tenant
from tests.portal.trail_steps import Desk, Story
from tests.support.world import World

ROOT, JANE, SAM = "root@world.example", "jane@world.example", "sam@world.example"
HOME = "/platform"


def set_up(world: World) -> None:
    world.person(ROOT, admin=True)
    world.organization(world.person(JANE))
    world.authenticator(world.person(SAM))


PLATFORM = Story(set_up)
step = PLATFORM.step


def page_of(model: Any, page: str, more: str = "", **narrowed: str) -> Any:
    """Return what finds the page of the newest row of a table."""

    def address(desk: Desk) -> str:
        with desk.world.app.app_context():
            query = sa.select(model.uid).filter_by(**narrowed).order_by(model.id.desc()).limit(1)
            return f"{HOME}/{page}/{db.session.scalars(query).one()}{more}"

    return address


# ---- organizations and what they pay

ORGANIZATION = f"{HOME}/organizations/<uuid:tenant_uid>"
step(
    f"{ORGANIZATION}/plan",
    "subscription.changed",
    "invoice.issued",
    on=page_of(Tenant, "organizations", "/plan"),
    who=ROOT,
    plan_id="pro",
)
step(
    f"{HOME}/invoices/<uuid:invoice_uid>",
    "invoice.paid",
    on=page_of(Invoice, "invoices"),
    who=ROOT,
    status="paid",
)
step(
    f"{ORGANIZATION}/status",
    "tenant.status_changed",
    on=page_of(Tenant, "organizations"),
    who=ROOT,
    status="suspended",
    reason="Payment overdue",
    name="World Corp",
)

# ---- people

PERSON = f"{HOME}/people/<uuid:user_uid>"
jane, sam = (page_of(User, "people", email=email) for email in (JANE, SAM))
step(f"{PERSON}/disable", "user.disabled", on=jane, who=ROOT, email=JANE, reason="They asked")
step(f"{PERSON}/enable", "user.enabled", on=jane, who=ROOT, reason="They are back")
step(f"{PERSON}/sign-out", "user.signed_out_everywhere", on=jane, who=ROOT)
step(f"{PERSON}/recover", "two_factor.recovery_requested", on=sam, who=ROOT)
step(f"{PERSON}/appoint", "user.admin_appointed", on=jane, who=ROOT, email=JANE)
step(f"{PERSON}/dismiss", "user.admin_dismissed", on=jane, who=ROOT)

# ---- in somebody's name

ACCESS = "/account/support-access"
step(f"{PERSON}/support", "support_access.requested", on=jane, who=ROOT, reason="You wrote of an odd invoice")
step(f"{ACCESS}/<uuid:access_uid>/grant", "support_access.granted", on=ACCESS, who=JANE, minutes="15")
step(f"{PERSON}/support/<uuid:access_uid>/start", "support_access.started", on=jane, who=ROOT)
step("/support-access/end", "support_access.ended", on="/dashboard", who=ROOT)
step(
    f"{ACCESS}/<uuid:access_uid>/stop",
    "support_access.declined",
    first=lambda desk: desk.send(f"{PERSON}/support", on=jane(desk), who=ROOT, typed={"reason": "Once more"}),
    on=ACCESS,
    who=JANE,
)

# ---- settings, workers, the trail

SETTINGS = f"{HOME}/settings"
KEY = f"{SETTINGS}/auth.password_min_length"
step(f"{SETTINGS}/<string:key>", "setting.updated", on=KEY, who=ROOT, value="12")
step(f"{SETTINGS}/<string:key>/reset", "setting.updated", on=KEY, who=ROOT)
step(f"{SETTINGS}/changes/<int:change_id>/revert", "setting.updated", on=KEY, who=ROOT)
step(f"{HOME}/restart", "workers.restarted", on=HOME, who=ROOT)
AUDIT = f"{HOME}/audit"
step(f"{AUDIT}/exports", "audit.export_requested", on=AUDIT, who=ROOT)
step(f"{AUDIT}/exports/<uuid:export_uid>/download", "audit.export_downloaded", on=AUDIT, who=ROOT)
