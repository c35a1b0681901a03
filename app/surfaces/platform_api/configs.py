"""The organization's settings as a tree, in the token's environment."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from app.core.permissions import Permission
from app.domains.settings import operations, sheet
from app.domains.settings.sheet import Resource, Standing
from app.surfaces.platform_api.dialect import SCOPED_ONLY, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Schema


class ConfigIn(Schema):
    value = ma.fields.Raw(required=True, allow_none=True)


class ConfigOut(Schema):
    key = ma.fields.String()
    lbl = ma.fields.String()
    val = ma.fields.Raw(allow_none=True)
    gen_type = ma.fields.String()
    mod = ma.fields.Boolean()
    is_locked = ma.fields.Boolean()


class SectionOut(Schema):
    header_title = ma.fields.String()
    configs = ma.fields.List(ma.fields.Nested(ConfigOut))


class GroupOut(Schema):
    grp_title = ma.fields.String()
    type = ma.fields.String()
    sections = ma.fields.List(ma.fields.Nested(SectionOut))


class ResourceOut(Schema):
    resrc_name = ma.fields.String()
    config_groups = ma.fields.List(ma.fields.Nested(GroupOut))


class TreeOut(Schema):
    resources = ma.fields.List(ma.fields.Nested(ResourceOut))


def config_of(standing: Standing) -> dict[str, Any]:
    """Return a setting in this document's words."""
    value = standing.value
    return {
        "key": standing.key,
        "lbl": standing.definition.label,
        "val": list(value) if isinstance(value, tuple) else value,
        "gen_type": standing.definition.type,
        "mod": standing.may_change,
        "is_locked": standing.is_locked,
        "scope": standing.source,
    }


def tree_of(resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the tree in this document's words."""
    return {"resources": [{"resrc_name": one.name, "config_groups": _groups(one)} for one in resources]}


def _groups(resource: Resource) -> list[dict[str, Any]]:
    return [
        {
            "grp_title": group.title,
            "type": group.scope.upper(),
            "sections": [
                {"header_title": one.title, "configs": [config_of(setting) for setting in one.settings]}
                for one in group.sections
            ],
        }
        for group in resource.groups
    ]


@blp.get("/service/configs")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.response(200, TreeOut)
def get():
    """Show the settings in force for the organization."""
    return tree_of(sheet.tree(current_actor()))


@blp.put("/service/configs/<string:key>")
@door("scoped", access=Permission.SETTINGS_MANAGE)
@blp.refuses(
    {
        400: ("setting:would_lock_out", "two_factor:would_lock_out"),
        403: (*SCOPED_ONLY, "auth:permission_denied", "setting:locked"),
        404: "setting:not_found",
    }
)
@blp.arguments(ConfigIn)
@blp.response(200, ConfigOut)
def update(body: dict[str, Any], key: str):
    """Set a setting for the organization, or give it back to the platform."""
    operations.set_value(current_actor(), key=key, value=body["value"])
    return config_of(sheet.one_of(current_actor(), key=key))
