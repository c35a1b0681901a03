"""The organization's settings, flat: one map of key and value, and each with its definition."""

from collections.abc import Iterable
from typing import Any

import marshmallow as ma

from app.core.access import Access
from app.core.links import absolute
from app.domains.settings import operations, sheet
from app.domains.settings.sheet import Standing
from app.surfaces.api_v1.dialect import blp, door, envelope, ok, role_word
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment
from app.surfaces.shared.openapi import Schema

_ROLE = "members.default_role"
_ROLE_OF_WORD = {"user": "member"}


class ValueIn(Schema):
    """A setting's new value; null gives it back."""

    value = ma.fields.Raw(required=True, allow_none=True)


class ChangerOut(Schema):
    """Who changed it last."""

    user_id = ma.fields.Integer(data_key="userId", allow_none=True)
    name = ma.fields.String()
    avatar = ma.fields.String(allow_none=True)
    deleted = ma.fields.Boolean()


class SettingOut(Schema):
    """One setting with its definition."""

    key = ma.fields.String()
    value = ma.fields.Raw(allow_none=True)
    type = ma.fields.String()
    category = ma.fields.String()
    label = ma.fields.String()
    default = ma.fields.Raw(allow_none=True)
    options = ma.fields.List(ma.fields.String(), allow_none=True)
    is_default = ma.fields.Boolean(data_key="isDefault")
    is_locked = ma.fields.Boolean(data_key="isLocked")
    updated_at = Moment(data_key="updatedAt", allow_none=True)
    updated_by = ma.fields.Nested(ChangerOut, data_key="updatedBy", allow_none=True)


_MAP = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Raw(allow_none=True), required=True)
_ValuesEnvelopeOut = Schema.from_dict(
    {"success": ma.fields.Boolean(required=True), "data": _MAP}, name="SettingValuesEnvelopeOut"
)


def _values(standings: Iterable[Standing]) -> dict[str, Any]:
    return {one.key: _word(one.key, one.value) for one in standings}


def _word(key: str, value: Any) -> Any:
    """Return a value as this document writes it: lists as such, ``user`` for the role member."""
    if key == _ROLE and value is not None:
        return role_word(value)
    return list(value) if isinstance(value, tuple) else value


def _setting(standing: Standing) -> dict[str, Any]:
    definition, by = standing.definition, standing.changed_by
    who = by and {
        "user_id": by.membership_id,
        "name": "Platform" if by.is_platform else by.name,
        "avatar": absolute(by.avatar),
        "deleted": by.membership_id is None and not by.is_platform,
    }
    return {
        "key": definition.key,
        "value": _word(definition.key, standing.value),
        "type": definition.type,
        "category": definition.category,
        "label": definition.label,
        "default": _word(definition.key, standing.fallback),
        "options": [_word(definition.key, option) for option in definition.options] or None,
        "is_default": not standing.is_own,
        "is_locked": standing.is_locked,
        "updated_at": standing.changed_at if standing.is_own else None,
        "updated_by": who if standing.is_own else None,
    }


@blp.get("/org-settings")
@door("tenant")
@blp.response(200, _ValuesEnvelopeOut)
def list_():
    """Give all settings as one flat map of key and value."""
    return ok(_values(sheet.in_organization(current_actor())))


@blp.get("/org-settings/by-category/<string:category>")
@door("tenant")
@blp.response(200, _ValuesEnvelopeOut)
@blp.refuses({404: ("setting:category_not_found",)})
def by_category(category):
    """Give the settings of one category."""
    return ok(_values(sheet.in_category(current_actor(), category=category)))


@blp.get("/org-settings/<string:key>")
@door("tenant")
@blp.response(200, envelope(SettingOut))
@blp.refuses({404: ("setting:not_found",)})
def get(key):
    """Give one setting with its definition."""
    return ok(_setting(sheet.one_of(current_actor(), key=key)))


@blp.put("/org-settings/<string:key>")
@door("tenant", access=Access.TENANT_ADMIN)
@blp.arguments(ValueIn)
@blp.response(200, envelope(SettingOut))
@blp.refuses(
    {
        400: ("setting:would_lock_out", "two_factor:would_lock_out"),
        403: ("auth:role_required", "setting:locked"),
        404: ("setting:not_found",),
    }
)
def update(body, key):
    """Set one value for the organization."""
    actor, value = current_actor(), body["value"]
    if key == _ROLE and isinstance(value, str):
        value = _ROLE_OF_WORD.get(value, value)
    operations.set_value_as_admin(actor, key=key, value=value)
    return ok(_setting(sheet.one_of(actor, key=key)))
