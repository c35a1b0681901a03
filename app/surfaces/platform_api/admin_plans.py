"""The plan that the platform's admins give an organization."""

from decimal import Decimal
from typing import Any

import marshmallow as ma

from app.domains.tenants import plans
from app.surfaces.platform_api.billing import RunningOut, code_of, shown
from app.surfaces.platform_api.dialect import ADMIN_ONLY, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Word, ref_of
from app.surfaces.shared.openapi import Schema

_DEAREST = 10_000_000


def _is_a_price(value: Decimal) -> None:
    """Refuse what no plan costs; as a ``Range`` its bounds would stand in the document as texts."""
    if not 0 <= value <= _DEAREST:
        raise ma.ValidationError(f"Give a price of 0 to {_DEAREST}.")


class PlanIn(Schema):
    plan_id = Word(required=True)
    end_date = ma.fields.AwareDateTime(format="iso")
    price = ma.fields.Decimal(validate=_is_a_price, allow_nan=False)


@blp.put("/admin/tenants/<string:tenant_id>/plan")
@blp.called("admin.set_tenant_plan")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY, 404: ["tenant:not_found", "plan:not_found"], 409: "plan:over_limit"})
@blp.arguments(PlanIn)
@blp.response(200, RunningOut)
def set_tenant_plan(body: dict[str, Any], tenant_id: str):
    """Put an organization on a plan, also on one that is by agreement only."""
    code = code_of(body.pop("plan_id"))
    return shown(plans.set_plan(current_actor(), tenant=ref_of(tenant_id, "ten"), plan_code=code, **body))
