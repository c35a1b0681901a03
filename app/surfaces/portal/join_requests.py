"""Coming to an organization by oneself, and the answers of those who manage its members."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.core.paging import Window
from app.core.permissions import Permission
from app.domains.members import invitation_queries
from app.domains.organizations import admitting, joining
from app.domains.organizations.admitting import PAGE, TEXT_LENGTH
from app.domains.permissions.roles import Role
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.roles import ROLES, profile_name
from app.surfaces.shared.actor import current_actor

bp = area("join_requests")

PER_PAGE = 20
LAST_PAGE = 1_000_000


class AskForm(PortalForm):
    slug = StringField(
        _l("Short name of the organization"), [InputRequired(_l("Type the short name.")), Length(max=60)]
    )
    reason = StringField(_l("A word to them (optional)"), [Length(max=TEXT_LENGTH)])


class AnswerForm(PortalForm):
    faults = {"member:role_above_own": "role", "profile:above_own": "profile_id"}
    role = SelectField(_l("Role"))
    profile_id = SelectField(_l("Permission profile"), coerce=int)
    answer = StringField(_l("A word to them, if you decline (optional)"), [Length(max=TEXT_LENGTH)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = invitation_queries.choices(current_actor())
        self.role.choices = [SelectChoice(str(role), ROLES[role]) for role in offered.roles]
        self.profile_id.choices = [SelectChoice(one.id, profile_name(one)) for one in offered.profiles]
        self.role.data = self.role.data or str(offered.usual_role)
        self.profile_id.data = self.profile_id.data or offered.usual_profile_id


@banner()
def open_here(actor: Actor) -> Banner | None:
    """Tell somebody who works nowhere yet that an organization is open to their address."""
    if actor.tenant_id is not None or all(one.waits or one.again_at for one in joining.open_to(actor)):
        return None
    text = _("An organization is open to your address.")
    return Banner(text, tone="info", action=_("Look"), href="/organizations/join")


# ---- For who comes


def _ask_page() -> FormPage[AskForm]:
    return FormPage(AskForm, "organizations/join.html", lambda: {"open_to": joining.open_to(current_actor())})


@bp.get("/organizations/join")
@door("user")
def join_form():
    return _ask_page().show()


@bp.post("/organizations/join")
@door("user")
def ask_by_slug():
    form = _ask_page().take()
    joining.ask_by_slug(current_actor(), slug=typed(form.slug), reason=typed(form.reason))
    flash(_("If there is an organization of this name that takes requests, it is told now."), "info")
    return away("/organizations/join")


@bp.post("/organizations/<uuid:tenant_uid>/join")
@door("user")
def join(tenant_uid: UUID):
    joining.join(current_actor(), tenant=tenant_uid)
    flash(_("You are a member now. Choose the organization to go on in it."), "success")
    return away("/organizations")


@bp.post("/organizations/<uuid:tenant_uid>/ask")
@door("user")
def ask(tenant_uid: UUID):
    joining.ask(current_actor(), tenant=tenant_uid, reason=request.form.get("reason", ""))
    flash(_("They are told. You get a mail when they answer."), "success")
    return away("/organizations/join")


@bp.post("/organizations/<uuid:tenant_uid>/withdraw")
@door("user")
def withdraw(tenant_uid: UUID):
    joining.withdraw(current_actor(), tenant=tenant_uid)
    flash(_("Your request is taken back."), "success")
    return away("/organizations/join")


# ---- For who decides


@bp.get(PAGE)
@door("user", access=Permission.MEMBERS_MANAGE)
def index():
    answered = request.args.get("show") == "answered"
    text = request.args.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    window = Window.page(min(max(number, 1), LAST_PAGE), PER_PAGE)
    found = admitting.requests(current_actor(), window=window, answered=answered)
    return page("organizations/join_requests.html", requests=found, answered=answered)


def _answer_page(uid: UUID) -> FormPage[AnswerForm]:
    def facts() -> dict[str, Any]:
        return {"asked": admitting.request(current_actor(), uid=uid)}

    return FormPage(AnswerForm, "organizations/join_request.html", facts)


@bp.get(f"{PAGE}/<uuid:uid>")
@door("user", access=Permission.MEMBERS_MANAGE)
def one(uid: UUID):
    return _answer_page(uid).show()


@bp.post(f"{PAGE}/<uuid:uid>/approve")
@door("user", access=Permission.MEMBERS_MANAGE)
def approve(uid: UUID):
    form = _answer_page(uid).take()
    admitting.approve(current_actor(), uid=uid, role=Role(typed(form.role)), profile_id=form.profile_id.data)
    flash(_("They are a member now, and told by mail."), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/<uuid:uid>/decline")
@door("user", access=Permission.MEMBERS_MANAGE)
def decline(uid: UUID):
    form = _answer_page(uid).take()
    admitting.decline(current_actor(), uid=uid, answer=typed(form.answer))
    flash(_("Declined. They are told by mail."), "success")
    return away(PAGE)
