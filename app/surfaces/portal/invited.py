"""The link of an invitation: the page shows what it is for and changes nothing, its button acts."""

from typing import Any

from flask import Response, flash, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import Length

from app.core.errors import AppError, Conflict, NotFound
from app.domains.auth.newcomers import Newcomer
from app.domains.members import accepting, offers
from app.domains.members.offers import Offer
from app.domains.sessions import operations as sessions
from app.domains.sessions.operations import Plan
from app.domains.settings import queries as settings
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, signed_in, typed, with_next
from app.surfaces.portal.dead_links import INVITATION, dead_invitation, in_its_place, over
from app.surfaces.portal.i18n import visitors_choice
from app.surfaces.portal.roles import ROLES
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie
from app.surfaces.shared.problems import Problem

bp = area("invited")

PAGE = "/accept-invitation"
_PLAN = Plan(kind="browser", opaque=True, remember=False)


class AcceptForm(PortalForm):
    token = HiddenField(validators=[Length(max=400)])
    first_name = StringField(_l("First name"))
    last_name = StringField(_l("Last name"))
    password = PasswordField(_l("Password"), [Length(max=1024)])
    accept_policies = BooleanField(_l("I accept"))


class OfferPage(FormPage[AcceptForm]):
    """The page of an invitation; once nobody can take it up any more it says why."""

    def refuse(self, problem: Problem) -> Response:
        """Say why the invitation is over where that is why it was refused, else show the page again."""
        token = typed(self.form.token)
        return in_its_place(problem, lambda: dead_invitation(token)) or super().refuse(problem)


def _page(found: Offer | None = None) -> FormPage[AcceptForm]:
    def facts() -> dict[str, Any]:
        shown = found or _again(typed(shown_on.form.token))
        mine = shown is not None and shown.is_for(current_actor())
        back = f"{PAGE}?token={typed(shown_on.form.token)}"
        return {
            "offer": shown,
            "mine": mine,
            "roles": ROLES,
            "back": with_next("/sign-in", back),
            "password_min_length": settings.integer("auth.password_min_length"),
        }

    shown_on = OfferPage(AcceptForm, "auth/invitation.html", facts)
    return shown_on


def _again(token: str) -> Offer | None:
    try:
        return offers.offer_again(current_actor(), token=token)
    except AppError:
        return None


@bp.get(PAGE)
@bp.get(PAGE + "/<string:token>")
def offer(token: str = ""):
    visitor = door.visitor()
    token = token or request.args.get("token", "")
    try:
        found = offers.offer(visitor, token=token)
    except (NotFound, Conflict):
        return dead_invitation(token) or over(INVITATION, "unknown")
    shown = _page(found)
    shown.form.token.data = token
    if not found.account_exists:
        shown.form.first_name.data, shown.form.last_name.data = found.first_name, found.last_name
    return shown.show()


@bp.post(PAGE)
@bp.post(PAGE + "/<string:token>")
@door("public")
def accept(token: str = ""):
    visitor = door.visitor()
    form = _page().take()
    joined, opened = accepting.enter(
        visitor,
        token=typed(form.token) or token,
        newcomer=None if visitor.is_signed_in else _newcomer(form),
        accept_policies=bool(form.accept_policies.data),
        plan=_PLAN,
    )
    return _welcome(joined.tenant.name, opened, signed_in_before=visitor.is_signed_in)


def _newcomer(form: AcceptForm) -> Newcomer:
    return Newcomer(
        email="",
        password=typed(form.password),
        first_name=typed(form.first_name),
        last_name=typed(form.last_name),
        locale=visitors_choice(),
    )


def _welcome(name: str, opened: Any, *, signed_in_before: bool) -> Response:
    flash(_("Welcome to %(organization)s.", organization=name), "success")
    if opened is not None:
        return signed_in(opened)
    if signed_in_before:
        return away("/dashboard")
    flash(_("Confirm your e-mail address with the link we have just sent, then sign in."), "success")
    return away("/sign-in")


@bp.post(PAGE + "/switch")
@door("user")
def switch():
    """Sign out, to come back here as somebody else."""
    back = f"{PAGE}?token={request.form.get('token', '')}"
    sessions.sign_out(current_actor())
    session.clear()
    return clear_session_cookie(away(with_next("/sign-in", back)))
