"""One OpenAPI document and one documentation page for each dialect, and how strictly bodies are read."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import marshmallow as ma
from flask import Blueprint as FlaskBlueprint
from flask import Flask, Request, Response, current_app
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from webargs import missing
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.core.settings import current_settings

View = TypeVar("View", bound=Callable[..., Any])


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
        return self.strictly(data)

    @staticmethod
    def strictly(data: bytes) -> Any:
        """Return what a text of JSON says.

        :raises BadRequest: for text that is no JSON, names twice, numbers past a double, half characters
        """
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
    """A dialect's blueprint: bodies are read by ``BodyParser``, and its document says what a door asks for.

    A view's operationId is its contract id: dialect, module, function (``v0.auth.login``;
    ``list_`` stands for ``list``).
    """

    ARGUMENTS_PARSER = BodyParser()
    dialect = ""
    """Whose document it belongs to, where that is not its own name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_refusals_doc)

    @staticmethod
    def refuses(errors: Mapping[int, str | Sequence[str]]) -> Callable[[View], View]:
        """Document the errors of a call's own by status; what its door and its body imply is added."""

        def decorate(view: View) -> View:
            marked: Any = view
            marked._apidoc = {**getattr(view, "_apidoc", {}), "refusals": errors}
            return view

        return decorate

    @staticmethod
    def called(operation: str) -> Callable[[View], View]:
        """Name a view that stands in another module than the contract's group: ``users.profiles``."""

        def decorate(view: View) -> View:
            marked: Any = view
            marked.operation = operation
            return view

        return decorate

    @staticmethod
    def in_area(area: str) -> Callable[[View], View]:
        """Name the part of the document that a view belongs to, where its module is called otherwise."""

        def decorate(view: View) -> View:
            marked: Any = view
            marked.area = area
            return view

        return decorate

    def _store_endpoint_docs(
        self, endpoint: str, obj: Any, parameters: Any, tags: list[str] | None, **options: Any
    ) -> None:
        area = getattr(obj, "area", obj.__module__.rpartition(".")[2])
        super()._store_endpoint_docs(endpoint, obj, parameters, tags or [area], **options)
        for method, info in self._docs[endpoint].items():
            if method != "parameters":
                operation = getattr(obj, "operation", f"{area}.{obj.__name__.rstrip('_')}")
                info["operation_id"] = f"{self.dialect or self.name}.{operation}"
                info["level"] = getattr(obj, "level", "public")

    @staticmethod
    def _prepare_refusals_doc(
        doc: dict[str, Any], info: dict[str, Any], *, api: "DialectApi", method: str, **_others: Any
    ) -> dict[str, Any]:
        public = info["level"] == "public"
        doc["operationId"] = info["operation_id"]
        doc["security"] = [] if public else [{name: []} for name in api.schemes]
        responses = doc.setdefault("responses", {})
        if isinstance(responses.get(422), str):
            del responses[422]  # flask-smorest's own words for a wrong field; ours follow
        errors = {status: _codes(named) for status, named in info.get("refusals", {}).items()}
        for status, code in api.implied(
            public=public, changes=method not in ("get", "head"), reads="arguments" in info
        ):
            errors.setdefault(status, []).append(code)
        for status in sorted(errors):
            responses.setdefault(status, api.refusal(status, errors[status]))
        return doc


def _codes(named: str | Sequence[str]) -> list[str]:
    return [named] if isinstance(named, str) else list(named)


class DialectApi(Api):
    """An Api that leaves errors to the one handler and serves its document under its own name."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        *,
        error: type[Schema],
        schemes: Mapping[str, dict[str, Any]],
        invalid: int = 422,
        words: Mapping[str, str] | None = None,
    ) -> None:
        """Name a dialect's document.

        :param error: the form of every error
        :param schemes: the ways to show who calls, as OpenAPI describes them
        :param invalid: the status of a wrong field
        :param words: what the dialect says in place of some codes
        """
        self.dialect, self.error, self.schemes = name, error, schemes
        self._undrawn: list[Blueprint] = []
        self._drawing = threading.Lock()
        self.invalid, self.words = invalid, words or {}
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
        """Bind to an application; the page that draws the document is the portal's."""
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
        app.extensions.setdefault("documents", {})[self.dialect] = self
        self.spec.components.schema("Error", schema=self.error)
        for name, scheme in self.schemes.items():
            self.spec.components.security_scheme(name, scheme)

    def describe(self, blueprint: Blueprint) -> None:
        """Take a blueprint into the document, which is drawn when somebody first reads it."""
        self._undrawn.append(blueprint)

    def document(self) -> dict[str, Any]:
        """Return the document."""
        with self._drawing:
            while self._undrawn:
                blueprint = self._undrawn.pop(0)
                blueprint.register_views_in_doc(
                    self, self._app, self.spec, name=blueprint.name, parameters=[]
                )
            found: dict[str, Any] = self.spec.to_dict()
        return found

    def _openapi_json(self) -> Response:
        return current_app.response_class(
            current_app.json.dumps(self.document(), indent=2, sort_keys=False), mimetype="application/json"
        )

    def implied(self, *, public: bool, changes: bool, reads: bool) -> Iterator[tuple[int, str]]:
        """Yield status and code of what any call of this kind may be refused with."""
        takes_cookie = any(scheme.get("in") == "cookie" for scheme in self.schemes.values())
        if reads and changes:
            yield 400, "request:malformed"
            yield 413, "request:too_large"
            yield 415, "request:unsupported_media_type"
        if reads:
            yield self.invalid, "validation"
        if not public:
            yield 401, "auth:unauthenticated"
        if not public and changes and takes_cookie:
            yield 403, "auth:csrf_invalid"
        yield 429, "rate:limited"
        yield 500, "internal"
        yield 503, "unavailable"

    def refusal(self, status: int, codes: Sequence[str]) -> dict[str, Any]:
        """Return how the document describes the errors of one status."""
        named = dict.fromkeys(self.words.get(code, code) for code in codes)
        answer: dict[str, Any] = {
            "description": ", ".join(f"`{code}`" for code in named),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        if status in (429, 503):
            text = "Seconds after which the call may be tried again."
            answer["headers"] = {"Retry-After": {"description": text, "schema": {"type": "integer"}}}
        return answer

    def _register_responses(self) -> None:
        """Leave flask-smorest's own form of errors out: the dialect has one."""

    def _register_pagination_header(self) -> None:
        """Leave flask-smorest's header out: each dialect pages in its own way."""

    def _register_error_handlers(self) -> None:
        """Leave errors alone: of several Apis the last one's handlers would win."""


def document_of(dialect: str) -> dict[str, Any]:
    """Return the OpenAPI document of a dialect."""
    api: DialectApi = current_app.extensions["documents"][dialect]
    return api.document()


def mount_blueprints(
    api: DialectApi, app: Flask, blueprints: list[Blueprint], *, aliases: tuple[str, ...] = ()
) -> None:
    """Register a dialect's blueprints with their document, and once more under each alias without it."""
    for blueprint in blueprints:
        app.register_blueprint(blueprint)  # not by the api, which would add a tag that no call has
        api.describe(blueprint)
        for number, alias in enumerate(aliases, start=1):
            plain: FlaskBlueprint = blueprint
            name = f"alias_{blueprint.name}" if number == 1 else f"alias_{blueprint.name}_{number}"
            app.register_blueprint(plain, name=name, url_prefix=alias + (blueprint.url_prefix or ""))
