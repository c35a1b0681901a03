"""The mailed link that takes away a passkey which its owner never made."""

from flask import Response, request, session
from wtforms import HiddenField
from wtforms.validators import Length

from app.domains.auth import passkey_undo
from app.surfaces.portal.base import PortalForm, area, door, page, typed
from app.surfaces.portal.dead_links import PASSKEY_UNDO, LinkPage
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import clear_session_cookie

bp = area("passkey_undo")


class LinkForm(PortalForm):
    token = HiddenField(validators=[Length(max=400)])


def _page(addition: passkey_undo.Addition | None) -> LinkPage[LinkForm]:
    shown = LinkPage(PASSKEY_UNDO, LinkForm, "account/passkey_undo.html", lambda: {"addition": addition})
    shown.offers = addition is not None
    return shown


@bp.get(passkey_undo.PATH)
def offered():
    token = request.args.get("token", "")
    addition = passkey_undo.look(door.visitor(), token=token)
    return _page(addition).open(token)


@bp.post(passkey_undo.PATH)
@door("public")
def undo():
    looked_at = passkey_undo.look(current_actor(), token=request.form.get("token", ""))
    form = _page(looked_at).take()
    passkey_undo.undo(current_actor(), token=typed(form.token))
    session.clear()
    return clear_session_cookie(Response(page("account/passkey_undone.html")))
