"""Asking one's admins for access, and their answers."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import ValidationFailed
from app.core.paging import Window
from app.domains.members import access, access_requests
from app.domains.members.access_requests import TEXT_LENGTH
from app.domains.permissions.roles import Role
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.roles import ROLES
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("access_requests")

PAGE = access_requests.PAGE
PER_PAGE = 20
LAST_PAGE = 1_000_000


class AskForm(PortalForm):
    wanted = StringField(_l("What you ask for"), [InputRequired()])
    reason = StringField(_l("What you need it for (optional)"), [Length(max=TEXT_LENGTH)])


class AnswerForm(PortalForm):
    faults = {"profile:above_own": "given"}
    given = SelectField(_l("Give"), validate_choice=False)
    answer = StringField(_l("A word to them (optional)"), [Length(max=TEXT_LENGTH)])


def _ask_page() -> FormPage[AskForm]:
    return FormPage(AskForm, "organizations/access_ask.html", _what)


def _what() -> dict[str, Any]:
    wanted = request.values.get("wanted", "")
    known = access_requests.can_be_asked_for(wanted)
    label = access_requests.label_of(wanted) if known else ""
    return {
        "wanted": wanted if known else "",
        "label": label,
        "deciders": access.who_decides(current_actor()),
    }


@bp.get("/organization/permissions/ask")
@door("user")
def ask_form():
    shown = _ask_page()
    shown.form.wanted.data = request.args.get("wanted", "")
    return shown.show()


@bp.post("/organization/permissions/ask")
@door("user")
def ask():
    form = _ask_page().take()
    access_requests.ask(current_actor(), wanted=typed(form.wanted), reason=typed(form.reason))
    flash(_("Your admins are told. You get a mail when they answer."), "success")
    return away("/organization/permissions/mine")


# ---- For owner and admins


@bp.get(PAGE)
@door("user")
def index():
    answered = request.args.get("show") == "answered"
    text = request.args.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    window = Window.page(min(max(number, 1), LAST_PAGE), PER_PAGE)
    found = access_requests.requests(current_actor(), window=window, answered=answered)
    return page("organizations/access_requests.html", requests=found, answered=answered, roles=ROLES)


def _answer_page(uid: UUID) -> FormPage[AnswerForm]:
    def facts() -> dict[str, Any]:
        asked = access_requests.request(current_actor(), uid=uid)
        return {"asked": asked, "roles": ROLES, "choices": _choices(uid)}

    return FormPage(AnswerForm, "organizations/access_request.html", facts)


def _choices(uid: UUID) -> list[tuple[str, str]]:
    ways = access_requests.ways(current_actor(), uid=uid)
    offered = [
        (f"profile:{number}", _("Profile %(name)s", name=said(name)))
        for number, name in ways.profiles.items()
    ]
    return offered + [(f"role:{role}", _("Role %(name)s", name=ROLES[role])) for role in ways.roles]


@bp.get(f"{PAGE}/<uuid:uid>")
@door("user")
def one(uid: UUID):
    return _answer_page(uid).show()


@bp.post(f"{PAGE}/<uuid:uid>/grant")
@door("user")
def grant(uid: UUID):
    form = _answer_page(uid).take()
    access_requests.grant(current_actor(), uid=uid, answer=typed(form.answer), **_given(typed(form.given)))
    flash(_("Given. They are told by mail."), "success")
    return away(PAGE)


def _given(text: str) -> dict[str, Any]:
    kind, _colon, name = text.partition(":")
    if kind == "profile" and name.isascii() and name.isdigit() and len(name) < 18:
        return {"profile_id": int(name)}
    if kind == "role" and name in set(Role):
        return {"role": Role(name)}
    raise ValidationFailed({"given": [_("Choose what to give.")]})


@bp.post(f"{PAGE}/<uuid:uid>/decline")
@door("user")
def decline(uid: UUID):
    form = _answer_page(uid).take()
    access_requests.decline(current_actor(), uid=uid, answer=typed(form.answer))
    flash(_("Declined. They are told by mail."), "success")
    return away(PAGE)
