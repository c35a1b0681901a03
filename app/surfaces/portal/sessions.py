"""Where the person is signed in, and ending it."""

from uuid import UUID

from flask import flash, request, session
from flask_babel import gettext as _
from flask_babel import ngettext as _n

from app.core.ids import Ref
from app.core.paging import Window
from app.domains.auth import sign_out
from app.domains.sessions import operations, queries
from app.surfaces.portal.base import area, away, door, page
from app.surfaces.portal.presentation import device
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie

bp = area("sessions")

PER_PAGE = 20
LAST_PAGE = 1_000_000


def _page_number() -> int:
    text = request.args.get("page", "1")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 10 else 1


@bp.get("/account/sessions")
@door("user")
def index():
    found = queries.active(current_actor(), window=Window.page(_page_number(), PER_PAGE))
    return page("account/sessions.html", sessions=found)


@bp.post("/account/sessions/<uuid:session_uid>/end")
@door("user")
def end(session_uid: UUID):
    ended = operations.revoke(current_actor(), session=Ref(uid=session_uid))
    if ended.id == current_actor().session_id:
        session.clear()
        return clear_session_cookie(away("/sign-in"))
    flash(_("%(name)s is signed out.", name=device(ended.name)), "success")
    return away("/account/sessions")


@bp.post("/account/sessions/end-others")
@door("user")
def end_others():
    ended = operations.sign_out_others(current_actor())
    told = _n("%(num)s other session was ended.", "%(num)s other sessions were ended.", ended.total)
    flash(told, "success")
    return away("/account/sessions")


@bp.post("/account/sessions/end-all")
@door("user")
def end_all():
    sign_out.everywhere(current_actor(), tokens_too=True)
    session.clear()
    flash(_("You are signed out everywhere, and your API tokens are ended."), "success")
    return clear_session_cookie(away("/sign-in"))
