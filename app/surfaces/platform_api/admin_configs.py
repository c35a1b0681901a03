"""The platform's settings, and its locks on those of organizations."""

from typing import Any

import marshmallow as ma

from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.domains.settings import sheet
from app.domains.tenants import imposed_settings
from app.surfaces.platform_api.configs import ConfigOut, config_of, tree_of
from app.surfaces.platform_api.dialect import ADMIN_ONLY, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import RefField
from app.surfaces.shared.openapi import Schema


class WhereIn(Schema):
    tenant_id = RefField("ten")
    environment = ma.fields.Enum(Environment, by_value=True, load_default=Environment.PROD)


class AdminConfigIn(Schema):
    value = ma.fields.Raw(required=True, allow_none=True)
    scope = ma.fields.String(validate=ma.validate.OneOf(["GLOBAL", "TENANT"]), load_default="GLOBAL")
    is_locked = ma.fields.Boolean(truthy={True}, falsy={False})
    tenant_id = RefField("ten")
    environment = ma.fields.Enum(Environment, by_value=True)


class AdminConfigOut(ConfigOut):
    scope = ma.fields.String()


class AdminSectionOut(Schema):
    header_title = ma.fields.String()
    configs = ma.fields.List(ma.fields.Nested(AdminConfigOut))


class AdminGroupOut(Schema):
    grp_title = ma.fields.String()
    type = ma.fields.String()
    sections = ma.fields.List(ma.fields.Nested(AdminSectionOut))


class AdminResourceOut(Schema):
    resrc_name = ma.fields.String()
    config_groups = ma.fields.List(ma.fields.Nested(AdminGroupOut))


class AdminTreeOut(Schema):
    resources = ma.fields.List(ma.fields.Nested(AdminResourceOut))


def _place(body: dict[str, Any]) -> dict[str, Any]:
    """Return whose value is meant.

    :raises ValidationFailed: if scope and tenant_id do not fit together
    """
    if body["scope"] == "TENANT" and "tenant_id" not in body:
        raise ValidationFailed({"tenant_id": ["Name the organization."]})
    if body["scope"] == "GLOBAL" and "tenant_id" in body:
        raise ValidationFailed({"tenant_id": ["This goes with scope TENANT only."]})
    return {"tenant": body.get("tenant_id"), "environment": body.get("environment")}


@blp.get("/admin/configs")
@blp.called("admin.list_configs")
@door("platform_admin")
@blp.refuses({403: ADMIN_ONLY, 404: "tenant:not_found"})
@blp.arguments(WhereIn, location="query")
@blp.response(200, AdminTreeOut)
def list_configs(query: dict[str, Any]):
    """Show all settings with the platform's own values."""
    actor, ref = current_actor(), query.get("tenant_id")
    tenant_id = imposed_settings.named(actor, tenant=ref).id if ref else None
    return tree_of(sheet.administered_tree(actor, tenant_id=tenant_id, environment=query["environment"]))


@blp.put("/admin/configs/<string:key>")
@blp.called("admin.update_config")
@door("platform_admin")
@blp.refuses(
    {
        400: ("setting:not_lockable", "setting:not_tenant_key", "setting:tenant_only"),
        403: ADMIN_ONLY,
        404: ("setting:not_found", "tenant:not_found"),
    }
)
@blp.arguments(AdminConfigIn)
@blp.response(200, AdminConfigOut)
def update_config(body: dict[str, Any], key: str):
    """Set a platform value, and lock or free it for the tenants."""
    wanted = {"value": body["value"], "locked": body.get("is_locked"), **_place(body)}
    return config_of(imposed_settings.impose(current_actor(), key=key, **wanted))
