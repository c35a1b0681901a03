"""What stands in mails: the picture and the links that count, and the one click that leaves (RFC 8058)."""

import base64

from flask import Response, redirect, render_template, request

from app.domains.email import following, unsubscribing
from app.domains.notifications.events import EVENTS
from app.surfaces.api_v1.dialect import door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Blueprint
from app.surfaces.shared.transaction import writes

blp = Blueprint("api_v1_web", __name__)
blp.dialect = "api_v1"

_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_FROM_MAIL = {"Cross-Origin-Resource-Policy": "cross-origin"}


def _counts() -> bool:
    """Say whether a reader asks; HEAD and what browsers fetch ahead tell of nobody."""
    ahead = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return request.method == "GET" and "prefetch" not in ahead.lower()


@blp.get("/t/o/<string:token>.gif")
@writes
@door("public")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="image/gif")
@blp.refuses({404: "web:link_invalid"})
def track_open(token):
    """Answer a transparent picture and count an opening."""
    following.opened(current_actor(), token=token, counts=_counts())
    return Response(_PICTURE, mimetype="image/gif", headers=_FROM_MAIL)


@blp.get("/t/c/<string:token>")
@writes
@door("public")
@blp.response(302, content_type="text/html")
@blp.refuses({404: "web:link_invalid"})
def track_click(token):
    """Count a click and lead on to the link."""
    return redirect(following.clicked(current_actor(), token=token, counts=_counts()), 302)


@blp.post("/unsubscribe/<string:token>")
@door("public")
@blp.response(200, {"type": "string"}, content_type="text/html")
@blp.refuses({404: "web:link_invalid"})
def unsubscribe(token):
    """Switch the mail of one event off for one person."""
    found = unsubscribing.unsubscribe(current_actor(), token=token)
    event = EVENTS[found.event].label if found.event in EVENTS else found.event
    return Response(render_template("portal/auth/unsubscribed.html", found=found, event=event))
