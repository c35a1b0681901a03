"""What a sign-in page needs to know of this instance, and the products that it has."""

from typing import Any

import marshmallow as ma

from app.core.paging import Window
from app.domains.accounts import instance
from app.domains.billing import tools
from app.domains.billing.tools import ToolStatus
from app.surfaces.services_v1.dialect import PageQuery, Part, blp, door, listed, paged, shown
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Schema


class AddressesOut(Schema):
    portal = ma.fields.String(attribute="portal_url")
    docs = ma.fields.String(attribute="docs_url")
    support = ma.fields.Constant(None)  # there is no such page yet


class PasswordPolicyOut(Schema):
    min_length = ma.fields.Integer()
    max_length = ma.fields.Integer()


class PolicyVersionOut(Schema):
    type = ma.fields.String()
    version = ma.fields.String()


class InstanceOut(Schema):
    platform_id = ma.fields.String()
    name = ma.fields.String()
    environment = ma.fields.String()
    version = ma.fields.String()
    logo_url = ma.fields.String(allow_none=True)
    urls = Part(AddressesOut)
    support_email = ma.fields.String(allow_none=True)
    languages = ma.fields.List(ma.fields.String())
    default_language = ma.fields.String()
    currencies = ma.fields.List(ma.fields.String())
    registration_open = ma.fields.Boolean()
    login_methods = ma.fields.List(ma.fields.String())
    password_policy = ma.fields.Nested(PasswordPolicyOut)
    policies = ma.fields.List(ma.fields.Nested(PolicyVersionOut))


@blp.get("/services/platforms/v1/platforms/info")
@door("public")
@blp.response(200, shown(InstanceOut))
def info():
    """Tell a sign-in page about this instance."""
    return {"data": instance.face(current_actor())}


# ---- Products


class ToolsQuery(PageQuery):
    project_id = ma.fields.Integer(validate=ma.validate.Range(1, 2**63 - 1))
    status = ma.fields.Enum(ToolStatus, by_value=True)


class ToolPriceOut(Schema):
    interval = ma.fields.String()
    amount = ma.fields.Integer()
    currency = ma.fields.String()


class ToolPlanOut(Schema):
    code = ma.fields.String()
    name = ma.fields.String()
    trial_days = ma.fields.Integer()
    prices = ma.fields.List(ma.fields.Nested(ToolPriceOut))
    features = ma.fields.List(ma.fields.String())


class ToolProjectOut(Schema):
    id = ma.fields.Integer()
    access = ma.fields.Boolean()
    subscription_id = ma.fields.Integer(allow_none=True)
    status = ma.fields.String(allow_none=True)
    trial_eligible = ma.fields.Boolean()


class ToolOut(Schema):
    code = ma.fields.String()
    name = ma.fields.String()
    description = ma.fields.String()
    url = ma.fields.String(allow_none=True)
    icon_url = ma.fields.String(allow_none=True)
    status = ma.fields.String()
    plans = ma.fields.List(ma.fields.Nested(ToolPlanOut))
    project = ma.fields.Nested(ToolProjectOut, allow_none=True)


@blp.get("/services/platforms/v1/platforms/list")
@door("user")
@blp.refuses({404: "project:not_found"})
@blp.arguments(ToolsQuery, location="query")
@blp.response(200, listed(ToolOut))
def list_(query: dict[str, Any]):
    """List the products of this instance, with their plans and what the project has of them."""
    window = Window.page(query["page"], query["per_page"])
    found = tools.catalogue(
        current_actor(), window=window, project_id=query.get("project_id"), status=query.get("status")
    )
    return paged(found)
