"""Opens v0: its areas and its document."""

from flask import Flask

from app.surfaces.shared.openapi import DialectApi, mount_blueprints, secure
from app.surfaces.v0.dialect import DIALECT, blp

__all__ = ["DIALECT", "mount"]


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi("v0", "v0", "People with a handle; bare bodies, a session cookie.")
    api.init_app(app)
    secure(api, {"cookie": {"type": "apiKey", "in": "cookie", "name": "session_id"}, "bearer": {"type": "http", "scheme": "bearer"}})
    mount_blueprints(api, app, [blp])
