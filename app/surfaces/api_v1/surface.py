"""Opens api_v1: its areas and its document."""

from flask import Flask

from app.surfaces.api_v1.dialect import DIALECT, blp
from app.surfaces.shared.openapi import DialectApi, mount_blueprints, secure

__all__ = ["DIALECT", "mount"]


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi("api_v1", "api_v1", "REST in camelCase; every answer is an envelope.")
    api.init_app(app)
    secure(api, {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}})
    mount_blueprints(api, app, [blp])
