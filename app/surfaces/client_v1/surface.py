"""Opens client_v1: its areas and its document."""

from flask import Flask

from app.surfaces.client_v1 import account, auth, session
from app.surfaces.client_v1.dialect import DIALECT, ClientApi, ErrorOut, blp
from app.surfaces.shared.openapi import mount_blueprints

__all__ = ["AREAS", "DIALECT", "mount"]

AREAS = (auth, account, session)
"""Naming them is what registers their views."""

_DESCRIPTION = """A customer's own application, through a service user, keeps the accounts of its clients.

The instance is named by the host `api.<platform_id>.<domain>` (prod) or
`api.staging.<platform_id>.<domain>`, else by the headers `X-Platform-Id` and `X-Platform-Env`. Bodies are
read as JSON whatever their Content-Type says. 300 calls a minute for each endpoint."""


def mount(app: Flask) -> None:
    """Open the way in."""
    api = ClientApi(
        "client_v1",
        "Portico client API",
        _DESCRIPTION,
        error=ErrorOut,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    )
    api.init_app(app)
    mount_blueprints(api, app, [blp])
