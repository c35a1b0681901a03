"""The platform's settings for its admins: values for all or for one organization, and the locks on them."""

from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField

from app.core.environments import Environment
from app.core.ids import Ref, parse_ref
from app.core.paging import Window
from app.domains.settings import administration, history, sheet
from app.domains.settings.registry import Definition
from app.domains.settings.sheet import Standing
from app.domains.tenants import imposed_settings
from app.domains.tenants.models import Tenant
from app.surfaces.portal.base import FormPage, area, away, door, page
from app.surfaces.portal.setting_forms import (
    ENVIRONMENTS,
    SettingForm,
    as_typed,
    form_of,
    hint_of,
    matching,
    page_number,
    written,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("platform_settings")

PAGE = "/platform/settings"
PER_PAGE = 20


class _Locking(SettingForm):
    is_locked = BooleanField(_l("Lock it: organizations cannot change it"))


def _tenant() -> Tenant | None:
    """Return the organization that the page is about; None: all of them."""
    text = request.args.get("tenant", "")
    if not text:
        return None
    return imposed_settings.named(current_actor(), tenant=parse_ref(text, "ten") or Ref(id=0))


def _environment() -> Environment:
    text = request.args.get("environment", "")
    return Environment(text) if text in set(Environment) else Environment.PROD


def _query(tenant: Tenant | None, environment: Environment) -> str:
    return f"?environment={environment}" + (f"&tenant={tenant.uid}" if tenant else "")


def _standing(key: str, tenant: Tenant | None) -> Standing:
    tenant_id = tenant.id if tenant else None
    return sheet.administered(current_actor(), tenant_id=tenant_id, environment=_environment(), keys=[key])[0]


@bp.get("/platform/settings")
@door("platform_admin")
def index():
    tenant, environment, wanted = _tenant(), _environment(), request.args.get("q", "")[:100]
    tenant_id = tenant.id if tenant else None
    found = sheet.administered(current_actor(), tenant_id=tenant_id, environment=environment)
    shown = [one for one in found if tenant is None or one.definition.scope == "tenant"]
    about = {"tenant": tenant, "environment": environment, "environments": ENVIRONMENTS, "wanted": wanted}
    resources = sheet.grown(matching(shown, wanted))
    return page("platform/settings.html", resources=resources, written=written, **about)


def _setting_page(key: str) -> FormPage[_Locking]:
    tenant = _tenant()
    standing = _standing(key, tenant)
    definition = standing.definition

    def facts() -> dict[str, Any]:
        where: dict[str, Any] = {"environment": _environment(), "tenant_id": tenant.id if tenant else None}
        window = Window.page(page_number(), PER_PAGE)
        return {
            "standing": _standing(key, tenant),
            "changes": history.administered(current_actor(), key=key, window=window, **where),
            "tenant": tenant,
            "environment": _environment(),
            "environments": ENVIRONMENTS if definition.env else {},
            "query": _query(tenant, _environment()),
            "hint": hint_of(definition),
            "written": written,
        }

    shown = FormPage(form_of(definition, _Locking), "platform/setting.html", facts)
    if request.method == "GET":
        shown.form.value.data = as_typed(definition, standing.value)
        shown.form.is_locked.data = standing.is_locked
    return shown


@bp.get("/platform/settings/<string:key>")
@door("platform_admin")
def setting(key: str):
    return _setting_page(key).show()


@bp.post("/platform/settings/<string:key>")
@door("platform_admin")
def change(key: str):
    form, definition = _setting_page(key).take(), _standing(key, None).definition
    locked = bool(form.is_locked.data) if definition.lock else None
    return _imposed(definition, form.typed_value(definition), locked)


@bp.post("/platform/settings/<string:key>/reset")
@door("platform_admin")
def reset(key: str):
    return _imposed(_standing(key, None).definition, None, None)


def _imposed(definition: Definition, value: Any, locked: bool | None) -> Any:
    tenant, environment = _tenant(), _environment()
    imposed_settings.impose(
        current_actor(),
        key=definition.key,
        value=value,
        tenant=Ref(id=tenant.id) if tenant else None,
        environment=environment if definition.env else None,
        locked=locked,
    )
    flash(_("%(setting)s is saved and in force.", setting=said(definition.label)), "success")
    return away(f"{PAGE}/{definition.key}{_query(tenant, environment)}")


@bp.post("/platform/settings/changes/<int:change_id>/revert")
@door("platform_admin")
def revert(change_id: int):
    key = administration.revert_platform_value(current_actor(), change_id=change_id)
    flash(_("The earlier value is back and in force."), "success")
    return away(f"{PAGE}/{key}{_query(None, _environment())}")
