"""Pictures that people gave, at addresses that name nothing but the picture."""

from flask import Response

from app.domains.accounts import pictures
from app.surfaces.portal.base import area, door
from app.surfaces.shared.actor import current_actor

bp = area("media")

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",  # the pages of those who use the APIs show them too
}


@bp.get("/media/<string:name>")
@door("public", limit=None)
def picture(name: str):
    content = pictures.content(current_actor(), name=name)
    return Response(content, mimetype="image/webp", headers=_HEADERS)
