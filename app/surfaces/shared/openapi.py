"""One OpenAPI document and one documentation page for each dialect."""

from typing import Any

import marshmallow as ma
from flask import Blueprint as FlaskBlueprint
from flask import Flask
from flask_smorest import Api, Blueprint

from app.core.settings import current_settings


class Schema(ma.Schema):
    """Base of all schemas: a field that nobody knows is refused, and fields keep their order."""

    class Meta:
        unknown = ma.RAISE


class DialectApi(Api):
    """An Api that leaves errors to the application's one handler and serves its document under its own name."""

    def __init__(self, name: str, title: str, description: str) -> None:
        self.dialect = name
        super().__init__(
            config_prefix=name.upper(),
            spec_kwargs={
                "title": title,
                "version": "1",
                "openapi_version": "3.1.0",
                "info": {"description": description},
            },
        )

    def init_app(self, app: Flask, *, spec_kwargs: dict[str, Any] | None = None) -> None:
        """Bind to an application; the page's assets are our own, for nothing is fetched from elsewhere."""
        prefix = self.dialect.upper()
        app.config.update(
            {
                f"{prefix}_OPENAPI_URL_PREFIX": "/openapi",
                f"{prefix}_OPENAPI_JSON_PATH": f"{self.dialect}.json",
            }
        )
        super().init_app(
            app, spec_kwargs={**(spec_kwargs or {}), "servers": [{"url": current_settings().public_url}]}
        )

    def _register_error_handlers(self) -> None:
        """Leave errors alone: of several Apis the last one's handlers would win."""


def secure(api: DialectApi, schemes: dict[str, dict[str, Any]]) -> None:
    """Name the ways of authentication in a dialect's document."""
    for name, scheme in schemes.items():
        api.spec.components.security_scheme(name, scheme)


def mount_blueprints(api: DialectApi, app: Flask, blueprints: list[Blueprint], *, aliases: tuple[str, ...] = ()) -> None:
    """Register a dialect's blueprints with their document, and once more under each alias without it."""
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
        for number, alias in enumerate(aliases, start=1):
            plain: FlaskBlueprint = blueprint
            name = f"alias_{blueprint.name}" if number == 1 else f"alias_{blueprint.name}_{number}"
            app.register_blueprint(plain, name=name, url_prefix=alias + (blueprint.url_prefix or ""))
