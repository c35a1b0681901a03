"""Opens platform_api: its areas and its document."""

from flask import Flask

from app.surfaces.platform_api.dialect import DIALECT, blp
from app.surfaces.shared.openapi import DialectApi, mount_blueprints, secure

__all__ = ["DIALECT", "mount"]


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi("platform_api", "platform_api", "One person, many organizations, two kinds of token.")
    api.init_app(app)
    secure(api, {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}})
    mount_blueprints(api, app, [blp])
