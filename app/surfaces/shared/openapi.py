"""One OpenAPI document and one documentation page for each dialect, and how strictly bodies are read."""

import json
import math
from typing import Any, NoReturn

import marshmallow as ma
from flask import Blueprint as FlaskBlueprint
from flask import Flask, Request
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from webargs import missing
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.core.settings import current_settings


class Schema(ma.Schema):
    """Base of all schemas: a field that nobody knows is refused, and fields keep their order."""

    class Meta:
        unknown = ma.RAISE


class BodyParser(FlaskParser):
    """Reads JSON bodies strictly (RFC 8259): what two readers could take differently is no JSON here."""

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Return the body, or missing where there is none.

        :raises UnsupportedMediaType: for a body, or a content type, that is not JSON
        :raises BadRequest: for text that is no JSON, names twice, numbers past a double, half characters
        """
        if req.mimetype and not is_json_request(req):
            raise UnsupportedMediaType
        data = req.get_data(cache=True)
        if not data:
            return missing
        if not is_json_request(req):
            raise UnsupportedMediaType
        try:
            found = json.loads(
                data.decode(), object_pairs_hook=_named_once, parse_float=_finite, parse_constant=_refuse
            )
            if b"\\u" in data:
                json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair cannot be stored
        except (ValueError, RecursionError) as error:
            raise BadRequest from error
        return found


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number past what a double holds")
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


class Blueprint(SmorestBlueprint):
    """A dialect's blueprint: bodies are read by ``BodyParser``."""

    ARGUMENTS_PARSER = BodyParser()


class DialectApi(Api):
    """An Api that leaves errors to the one handler and serves its document under its own name."""

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


def mount_blueprints(
    api: DialectApi, app: Flask, blueprints: list[Blueprint], *, aliases: tuple[str, ...] = ()
) -> None:
    """Register a dialect's blueprints with their document, and once more under each alias without it."""
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
        for number, alias in enumerate(aliases, start=1):
            plain: FlaskBlueprint = blueprint
            name = f"alias_{blueprint.name}" if number == 1 else f"alias_{blueprint.name}_{number}"
            app.register_blueprint(plain, name=name, url_prefix=alias + (blueprint.url_prefix or ""))
