"""Opens platform_api: its areas and its document."""

from flask import Flask

from app.surfaces.platform_api import (
    admin,
    admin_configs,
    admin_plans,
    auth,
    billing,
    configs,
    invites,
    members,
    storage,
    tenant,
    tenants,
)
from app.surfaces.platform_api.dialect import DIALECT, ProblemOut, blp
from app.surfaces.shared.openapi import DialectApi, mount_blueprints

__all__ = ["AREAS", "DIALECT", "mount"]

AREAS = (
    admin,
    admin_configs,
    admin_plans,
    auth,
    billing,
    configs,
    invites,
    storage,
    members,
    tenant,
    tenants,
)
"""Naming them is what registers their views."""


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi(
        "platform_api",
        "Portico platform API",
        "REST in snake_case: one person, many organizations, two kinds of token.",
        error=ProblemOut,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    )
    api.init_app(app)
    mount_blueprints(api, app, [blp])
