"""Every person of the instance, for the platform's admins, and what can be done about an account."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from app.core.errors import BadCursor, ValidationFailed
from app.core.ids import Ref
from app.core.paging import CursorWindow
from app.core.settings import current_settings
from app.domains.auth import assisted_recovery
from app.domains.auth.people import PersonStatus
from app.domains.platform import people, support
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, leads_to, page, typed
from app.surfaces.portal.doors import SUPPORT_COOKIE
from app.surfaces.portal.platform_organizations import PER_PAGE, chosen
from app.surfaces.shared.actor import current_actor

bp = area("platform_people")

PAGE = "/platform/people"
STATUS = {
    PersonStatus.ACTIVE: _l("Active"),
    PersonStatus.DISABLED: _l("Disabled"),
    PersonStatus.PENDING: _l("Invited"),
}


class PersonForm(PortalForm):
    reason = StringField(_l("Reason"), [Length(max=people.REASON_LENGTH)])
    email = StringField(_l("E-mail address of the person"), [Length(max=320)])


def _here(user_uid: UUID) -> str:
    return f"{PAGE}/{user_uid}"


@bp.get("/platform/people")
@door("platform_admin")
def index():
    status, text = chosen("status", PersonStatus), request.args.get("q", "").strip()[:320]
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    try:
        found = people.find(current_actor(), window=window, email=text, status=status)
    except BadCursor:
        return away(PAGE)
    asked = {name: value for name, value in (("q", text), ("status", status)) if value}
    return page("platform/people.html", found=found, asked=asked, status=STATUS, window=window)


def _one(user_uid: UUID) -> FormPage[PersonForm]:
    def facts() -> dict[str, Any]:
        actor = current_actor()
        sheet = people.sheet(actor, person=Ref(uid=user_uid))
        return {
            "sheet": sheet,
            "accesses": support.of_person(actor, user_id=sheet.person.user.id),
            "is_oneself": actor.user_id == sheet.person.user.id,
            "my_id": actor.user_id,
            "status": STATUS,
            "leads_to": leads_to,
        }

    return FormPage(PersonForm, "platform/person.html", facts)


@bp.get("/platform/people/<uuid:user_uid>")
@door("platform_admin")
def one(user_uid: UUID):
    return _one(user_uid).show()


@bp.post("/platform/people/<uuid:user_uid>/disable")
@door("platform_admin")
def disable(user_uid: UUID):
    form = _confirmed(user_uid)
    people.disable(current_actor(), person=Ref(uid=user_uid), reason=typed(form.reason))
    flash(_("The account is disabled, and everything it was signed in by has ended."), "success")
    return away(_here(user_uid))


@bp.post("/platform/people/<uuid:user_uid>/enable")
@door("platform_admin")
def enable(user_uid: UUID):
    form = _one(user_uid).take()
    people.enable(current_actor(), person=Ref(uid=user_uid), reason=typed(form.reason))
    flash(_("The account is open again."), "success")
    return away(_here(user_uid))


@bp.post("/platform/people/<uuid:user_uid>/sign-out")
@door("platform_admin")
def end_sign_ins(user_uid: UUID):
    _one(user_uid).take()
    ended = people.end_sign_ins(current_actor(), person=Ref(uid=user_uid))
    flash(_("Ended: %(number)s. The person is told by mail.", number=ended.total), "success")
    return away(_here(user_uid))


@bp.post("/platform/people/<uuid:user_uid>/recover")
@door("platform_admin")
def recover(user_uid: UUID):
    _one(user_uid).take()
    email = people.address_of(current_actor(), person=Ref(uid=user_uid))
    asked = assisted_recovery.request_for(current_actor(), email=email)
    flash(
        _("A mail went to %(email)s. Nothing is removed before it is confirmed.", email=asked.sent_to),
        "success",
    )
    return away(_here(user_uid))


@bp.post("/platform/people/<uuid:user_uid>/appoint")
@door("platform_admin")
def appoint(user_uid: UUID):
    _confirmed(user_uid)
    user = people.appoint(current_actor(), person=Ref(uid=user_uid))
    flash(_("%(name)s is an admin of the platform now.", name=user.name), "success")
    return away(_here(user_uid))


@bp.post("/platform/people/<uuid:user_uid>/dismiss")
@door("platform_admin")
def dismiss(user_uid: UUID):
    _one(user_uid).take()
    user = people.dismiss(current_actor(), person=Ref(uid=user_uid))
    flash(_("%(name)s is no admin of the platform any more.", name=user.name), "success")
    return away("/dashboard" if user.id == current_actor().user_id else _here(user_uid))


def _confirmed(user_uid: UUID) -> PersonForm:
    """Take the form if it names the person's address: what follows is felt at once."""
    form = _one(user_uid).take()
    email = people.address_of(current_actor(), person=Ref(uid=user_uid))
    if typed(form.email).strip().lower() != email.lower():
        raise ValidationFailed({"email": [_("Type %(name)s to confirm.", name=email)]})
    return form


# ---- In their name


@bp.post("/platform/people/<uuid:user_uid>/support")
@door("platform_admin")
def ask(user_uid: UUID):
    form = _one(user_uid).take()
    support.ask(current_actor(), person=Ref(uid=user_uid), reason=typed(form.reason))
    flash(_("The person is asked by mail and in the portal."), "success")
    return away(f"{_here(user_uid)}#support")


@bp.post("/platform/people/<uuid:user_uid>/support/<uuid:access_uid>/start")
@door("platform_admin")
def start(user_uid: UUID, access_uid: UUID):
    _one(user_uid).take()
    started = support.start(current_actor(), access=access_uid)
    answer = away("/dashboard")
    https, until = current_settings().https, started.access.expires_at
    answer.set_cookie(
        SUPPORT_COOKIE, started.token, expires=until, httponly=True, secure=https, samesite="Lax", path="/"
    )
    return answer
