"""Opens api_v1: its areas and its document."""

from flask import Flask

from app.surfaces.api_v1 import (
    auth,
    email_rules,
    email_smtp,
    health,
    invitations,
    org_settings,
    permissions,
    profiles,
    setup,
    tenants,
    users,
    web,
)
from app.surfaces.api_v1.dialect import DIALECT, ErrorOut, blp
from app.surfaces.shared.openapi import DialectApi, mount_blueprints

__all__ = ["DIALECT", "mount"]

AREAS = (
    auth,
    email_rules,
    email_smtp,
    health,
    invitations,
    org_settings,
    permissions,
    profiles,
    setup,
    tenants,
    users,
)
"""Their views are registered by being imported."""


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi(
        "api_v1",
        "Portico API v1",
        "REST in camelCase inside one organization; every answer is an envelope.",
        error=ErrorOut,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        invalid=400,
    )
    api.init_app(app)
    mount_blueprints(api, app, [blp, web.blp])
