"""An organization's settings: the whole tree, each with its history, and two environments side by side."""

from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from wtforms import SelectMultipleField

from app.core.access import Actor, check, working_in
from app.core.environments import Environment
from app.core.paging import Window
from app.core.permissions import Permission
from app.domains.settings import compare, history, operations, sheet
from app.domains.settings.compare import Outcome
from app.domains.settings.factor_demand import DEMAND_KEYS
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page
from app.surfaces.portal.environments import offered
from app.surfaces.portal.setting_forms import (
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

bp = area("settings")

PAGE = "/organization/settings"
PER_PAGE = 20
_OWN_PAGES = dict.fromkeys(("auth.mfa_enforced", "auth.mfa_enforced_from"), "/organization/security")
"""Settings that are changed where people see whom it concerns, and prove who they are first."""


def _chosen(name: str = "environment", otherwise: Environment = Environment.PROD) -> Environment:
    text = request.args.get(name, "")
    return Environment(text) if text in set(Environment) else otherwise


def _actor() -> Actor:
    """Return who looks, working in the environment that the page is about."""
    actor = current_actor()
    check(actor, Permission.SETTINGS_VIEW)
    return working_in(actor, _chosen())


def _address(key: str, environment: Environment) -> str:
    return f"{PAGE}/{key}?environment={environment}"


@bp.get("/organization/settings")
@door("user")
def index():
    actor, wanted = _actor(), request.args.get("q", "")[:100]
    found = matching(sheet.in_organization(actor), wanted)
    facts = {"environment": actor.environment, "environments": offered()}
    return page(
        "organizations/settings.html",
        resources=sheet.grown(found),
        wanted=wanted,
        written=written,
        own_pages=_OWN_PAGES,
        may_manage=actor.may(Permission.SETTINGS_MANAGE),
        **facts,
    )


def _setting_page(actor: Actor, key: str) -> FormPage[SettingForm]:
    standing = sheet.one_of(actor, key=key)
    definition = standing.definition

    def facts() -> dict[str, Any]:
        window = Window.page(page_number(), PER_PAGE)
        return {
            "standing": sheet.one_of(actor, key=key),
            "changes": history.of_setting(actor, key=key, window=window),
            "environment": actor.environment,
            "environments": offered() if definition.env else {},
            "own_page": _OWN_PAGES.get(key),
            "hint": hint_of(definition),
            "written": written,
        }

    shown = FormPage(form_of(definition, SettingForm), "organizations/setting.html", facts)
    if request.method == "GET":
        shown.form.value.data = as_typed(definition, standing.value)
    return shown


@bp.get("/organization/settings/<string:key>")
@door("user")
def setting(key: str):
    return _setting_page(_actor(), key).show()


@bp.post("/organization/settings/<string:key>")
@door("user")
def change(key: str):
    actor = _actor()
    form = _setting_page(actor, key).take()
    definition = sheet.one_of(actor, key=key).definition
    if definition.key in DEMAND_KEYS and definition.key in _OWN_PAGES:
        return away(_OWN_PAGES[key])
    operations.set_value(actor, key=key, value=form.typed_value(definition))
    flash(_("%(setting)s is saved and in force.", setting=said(definition.label)), "success")
    return away(_address(key, actor.environment))


@bp.post("/organization/settings/<string:key>/reset")
@door("user")
def reset(key: str):
    actor = _actor()
    if key in _OWN_PAGES:
        return away(_OWN_PAGES[key])
    operations.set_value(actor, key=key, value=None)
    label = said(sheet.one_of(actor, key=key).definition.label)
    flash(_("%(setting)s follows the platform again.", setting=label), "success")
    return away(_address(key, actor.environment))


@bp.post("/organization/settings/changes/<int:change_id>/revert")
@door("user")
def revert(change_id: int):
    key = operations.revert(current_actor(), change_id=change_id)
    flash(_("The earlier value is back and in force."), "success")
    return away(_address(key, _chosen()))


# ---- Two environments side by side


class PromoteForm(PortalForm):
    keys = SelectMultipleField(validate_choice=False)


@bp.get("/organization/settings/compare")
@door("user")
def comparison():
    return _comparison_page().show()


def _comparison_page() -> FormPage[PromoteForm]:
    source = _chosen("source", Environment.STAGING)
    target = _chosen("target")

    def facts() -> dict[str, Any]:
        actor = current_actor()
        return {
            "pairs": compare.side_by_side(actor, source=source, target=target),
            "source": source,
            "target": target,
            "environments": offered(),
            "may_manage": actor.may(Permission.SETTINGS_MANAGE),
            "written": written,
        }

    return FormPage(PromoteForm, "organizations/settings_compare.html", facts)


@bp.post("/organization/settings/compare")
@door("user")
def promote():
    form = _comparison_page().take()
    source, target = _chosen("source", Environment.STAGING), _chosen("target")
    keys = tuple(form.keys.data or ())
    for outcome in compare.promote(current_actor(), keys=keys, source=source, target=target):
        flash(*_told(outcome))
    return away(f"{PAGE}/compare?source={source}&target={target}")


def _told(outcome: Outcome) -> tuple[str, str]:
    label = said(outcome.definition.label)
    if outcome.refusal is not None:
        return _("%(setting)s: %(why)s", setting=label, why=said(outcome.refusal)), "danger"
    if not outcome.changed:
        return _("%(setting)s was the same already.", setting=label), "info"
    return _("%(setting)s is taken over and in force.", setting=label), "success"
