"""The page that a mail's way out leads to: it offers, the button acts (``api_v1.web.unsubscribe``)."""

from flask import Blueprint

from app.core.errors import NotFound
from app.domains.email import unsubscribing
from app.domains.notifications.events import EVENTS
from app.surfaces.portal.base import door, page
from app.surfaces.portal.dead_links import UNSUBSCRIBE, over
from app.surfaces.shared.actor import current_actor

bp = Blueprint("portal_mail_links", __name__)


@bp.get("/unsubscribe/<string:token>")
@door("public")
def unsubscribe_form(token: str):
    try:
        found = unsubscribing.look(current_actor(), token=token)
    except NotFound:
        return over(UNSUBSCRIBE, "unknown")
    event = EVENTS[found.event].label if found.event in EVENTS else found.event
    return page("auth/unsubscribe.html", found=found, event=event)
