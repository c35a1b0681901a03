"""The legal texts, and agreeing to a version that is new to the reader."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField
from wtforms.validators import InputRequired

from app.domains.accounts import policies
from app.domains.accounts.policies import Agreement
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, internal, page
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import language

bp = area("policies")


class AgreeForm(PortalForm):
    agree = BooleanField(
        _l("I have read and accept them"), [InputRequired(_l("Accept them to go on, or sign out."))]
    )


def _agree_page() -> FormPage[AgreeForm]:
    return FormPage(AgreeForm, "account/policies.html", _facts)


def _facts() -> dict[str, Any]:
    return {"agreements": policies.awaited(current_actor())}


@bp.get("/policies/accept")
@door("user")
def agree_form():
    if not policies.awaited(current_actor()):
        return away(internal(request.args.get("next")) or "/dashboard")
    return _agree_page().show()


@bp.post("/policies/accept")
@door("user")
def agree():
    _agree_page().take()
    for agreement in policies.awaited(current_actor()):
        policies.accept(current_actor(), type=agreement.policy.type, version=_shown(agreement))
    return away(internal(request.values.get("next")) or "/dashboard")


def _shown(agreement: Agreement) -> str:
    """Return the version that stood on the page: it, and not one published since, is what was agreed to."""
    return request.form.get(f"version-{agreement.policy.type}", "")


@bp.get("/policies/<string:type>")
def policy(type: str):
    actor = door.visitor()
    return page("pages/policy.html", policy=policies.policy_in_force(actor, type=type, language=language()))
