"""What links and pictures in mails lead to: counting, and the way out of optional mail."""

import base64

from flask import Blueprint, Response, redirect, request

from app.domains.email import following, unsubscribing
from app.domains.notifications.events import EVENTS
from app.surfaces.portal.base import door, page
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import writes

bp = Blueprint("portal_mail_links", __name__)
"""Without the proof of a form: mail programs send the one click of RFC 8058 themselves."""

_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_FROM_MAIL = {"Cross-Origin-Resource-Policy": "cross-origin"}


def _counts() -> bool:
    """Say whether a reader asks; HEAD and what browsers fetch ahead tell of nobody."""
    ahead = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return request.method == "GET" and "prefetch" not in ahead.lower()


@bp.get("/t/o/<string:token>.gif")
@writes
@door("public")
def track_open(token: str):
    following.opened(current_actor(), token=token, counts=_counts())
    return Response(_PICTURE, mimetype="image/gif", headers=_FROM_MAIL)


@bp.get("/t/c/<string:token>")
@writes
@door("public")
def track_click(token: str):
    return redirect(following.clicked(current_actor(), token=token, counts=_counts()), 302)


@bp.get("/unsubscribe/<string:token>")
@door("public")
def unsubscribe_form(token: str):
    found = unsubscribing.look(current_actor(), token=token)
    return page("auth/unsubscribe.html", found=found, event=_label(found.event))


@bp.post("/unsubscribe/<string:token>")
@door("public")
def unsubscribe(token: str):
    found = unsubscribing.unsubscribe(current_actor(), token=token)
    return page("auth/unsubscribed.html", found=found, event=_label(found.event))


def _label(event: str) -> str:
    return EVENTS[event].label if event in EVENTS else event
