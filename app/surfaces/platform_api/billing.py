"""Plans and the organization's subscription."""

from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.core.buckets import CHECKOUTS
from app.core.ids import prefixed
from app.domains.billing import operations, queries
from app.domains.billing.plans import Plan
from app.domains.billing.queries import Running
from app.surfaces.platform_api.dialect import SCOPED_ONLY, blp, door
from app.surfaces.platform_api.tenant import SubscriptionWord
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema

_PREFIX = "plan_"


class PlanOut(Schema):
    id = ma.fields.String()
    name = ma.fields.String()
    price = ma.fields.Integer(metadata={"description": "Whole units of the platform's currency."})
    billing_cycle = ma.fields.String()
    features = ma.fields.List(ma.fields.String())


class SubscribeIn(Schema):
    plan_id = Word(required=True)


class RunningOut(Schema):
    id = ma.fields.String()
    plan_id = ma.fields.String()
    plan_name = ma.fields.String()
    status = SubscriptionWord()
    start_date = Moment()
    end_date = Moment()


def code_of(plan_id: str) -> str:
    """Return the code of the plan that an id names; what is no id names none."""
    return plan_id.removeprefix(_PREFIX) if plan_id.startswith(_PREFIX) else ""


def shown(running: Running) -> dict[str, Any]:
    """Return a subscription as this dialect words it."""
    return {
        "id": prefixed("sub", running.uid),
        "plan_id": _PREFIX + running.plan.code,
        "plan_name": running.plan.name,
        "status": running.standing.status,
        "start_date": running.starts_at,
        "end_date": running.standing.ends_at,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "id": _PREFIX + plan.code,
        "name": plan.name,
        "price": plan.monthly or 0,
        "billing_cycle": "MONTHLY",
        "features": plan.features,
    }


@blp.get("/service/catalog/plans")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.response(200, PlanOut(many=True))
def list_plans():
    """List the plans an organization can have."""
    return [_plan(plan) for plan in queries.plans(current_actor())]


@blp.post("/service/subscriptions")
@door("scoped", limit=CHECKOUTS, scope="billing", access=Access.TENANT_ADMIN)
@blp.refuses(
    {
        400: "plan:not_purchasable",
        403: [*SCOPED_ONLY, "auth:permission_denied", "auth:role_required"],
        404: "plan:not_found",
        409: ["plan:over_limit", "subscription:payment_overdue"],
    }
)
@blp.arguments(SubscribeIn)
@blp.response(201, RunningOut)
def subscribe(body: dict[str, Any]):
    """Put the organization on a plan or move it to another."""
    return shown(operations.subscribe(current_actor(), plan_code=code_of(body["plan_id"])))
