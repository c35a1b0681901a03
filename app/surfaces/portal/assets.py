"""Files of ``static/`` under an address that changes with them, so that browsers may keep them for ever."""

from flask import Blueprint, Response, send_from_directory

from app.surfaces.portal.presentation import STATIC, assets_version
from app.surfaces.shared.transaction import has_no_transaction

bp = Blueprint("portal_assets", __name__)

_YEAR = 31_536_000


@bp.get("/assets/<string:version>/<path:filename>")
@has_no_transaction
def file(version: str, filename: str) -> Response:
    response = send_from_directory(STATIC, filename, max_age=_YEAR)
    if version == assets_version():
        response.cache_control.immutable = True
    else:
        response.cache_control.max_age = 0
    return response
