"""Opens services_v1: its areas, its document, and its second address under /api."""

from flask import Flask

from app.surfaces.services_v1.dialect import ALIASES, DIALECT, blp
from app.surfaces.shared.openapi import DialectApi, mount_blueprints, secure

__all__ = ["DIALECT", "mount"]


def mount(app: Flask) -> None:
    """Open the way in, under both prefixes and once more under /api."""
    api = DialectApi("services_v1", "services_v1", "Verbs in the path; every answer is an envelope.")
    api.init_app(app)
    secure(api, {"bearer": {"type": "http", "scheme": "bearer"}})
    mount_blueprints(api, app, [blp], aliases=ALIASES)
