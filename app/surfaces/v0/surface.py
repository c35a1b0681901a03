"""Opens v0: its areas and its document."""

from flask import Flask

from app.surfaces.shared.actor import COOKIE
from app.surfaces.shared.openapi import DialectApi, mount_blueprints
from app.surfaces.v0 import auth, health, openapi, totp, users
from app.surfaces.v0.dialect import DIALECT, WORDS, ErrorOut, blp

__all__ = ["AREAS", "DIALECT", "mount"]

AREAS = (health, auth, totp, users, openapi)
"""Importing them puts their views on the blueprint."""


def mount(app: Flask) -> None:
    """Open the way in."""
    api = DialectApi(
        "v0",
        "Portico v0",
        "People with a handle, their ways in and their public page: bare bodies, a session cookie.",
        error=ErrorOut,
        schemes={
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            "bearer": {"type": "http", "scheme": "bearer"},
        },
        invalid=400,
        words={**WORDS, "validation": "validation:<field>"},
    )
    api.init_app(app)
    mount_blueprints(api, app, [blp])
