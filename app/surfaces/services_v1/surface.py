"""Opens services_v1: its areas, its document, and its second address under /api."""

from flask import Flask

from app.surfaces.services_v1 import (
    active_sessions,
    admin,
    api_tokens,
    audit_logs,
    auth,
    invitations,
    platforms,
    two_factor,
    user,
)
from app.surfaces.services_v1.dialect import ALIASES, DIALECT, ProblemOut, blp
from app.surfaces.shared.actor import COOKIE
from app.surfaces.shared.openapi import DialectApi, mount_blueprints

__all__ = ["AREAS", "DIALECT", "mount"]

AREAS = (active_sessions, admin, api_tokens, audit_logs, auth, invitations, platforms, two_factor, user)
"""Naming them is what registers their views."""


def mount(app: Flask) -> None:
    """Open the way in, under both prefixes and once more under /api."""
    api = DialectApi(
        "services_v1",
        "Portico services v1",
        "Verbs in the path, GET reads and POST does; every answer is an envelope.",
        error=ProblemOut,
        schemes={
            "bearer": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        },
    )
    api.init_app(app)
    mount_blueprints(api, app, [blp], aliases=ALIASES)
