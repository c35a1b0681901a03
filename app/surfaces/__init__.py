"""Every way in: five documented dialects, the portal, the worker and the command line."""

from importlib import import_module

from flask import Flask

from app.surfaces.shared.problems import Dialect, register_problem_handler

SURFACES = ("services_v1", "api_v1", "platform_api", "client_v1", "v0", "secret_scanning", "portal")
"""Each is a package here whose ``surface`` module has ``DIALECT`` and ``mount(app)``."""


def mount(app: Flask) -> None:
    """Open every way in, and let one handler word whatever goes wrong on it."""
    dialects: list[Dialect] = []
    for name in SURFACES:
        surface = import_module(f"app.surfaces.{name}.surface")
        surface.mount(app)
        dialects.append(surface.DIALECT)
    register_problem_handler(app, dialects)
    import_module("app.surfaces.cli").mount(app)
    import_module("app.surfaces.secrets_cli").mount(app)
