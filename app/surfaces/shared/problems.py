"""Any failure becomes one Problem, and the dialect that the caller speaks words it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.core.errors import AppError, Internal, RateLimited, ValidationFailed
from app.surfaces.shared.limits import headers_of

log = logging.getLogger(__name__)

_READ_AT_MOST = 64 * 1024

STATUS: Mapping[str, int] = {
    "malformed": 400,
    "invalid": 422,
    "refused": 400,
    "unauthenticated": 401,
    "over_plan": 402,
    "forbidden": 403,
    "not_found": 404,
    "bad_method": 405,
    "conflict": 409,
    "too_large": 413,
    "bad_media": 415,
    "too_many": 429,
    "broken": 500,
    "upstream": 502,
    "down": 503,
}
"""The status of each kind where a dialect says nothing else (catalog: error_kinds)."""

_BY_HTTP: Mapping[int, tuple[str, str, str]] = {
    400: ("malformed", "request:malformed", "The body is not valid JSON."),
    404: ("not_found", "route:not_found", "There is nothing at this address."),
    405: ("bad_method", "request:method_not_allowed", "This method is not allowed here."),
    413: ("too_large", "request:too_large", "The body is too large."),
    415: ("bad_media", "request:unsupported_media_type", "This media type is not taken here."),
    422: ("invalid", "validation", "Some fields need your attention."),
    429: ("too_many", "rate:limited", "Too many calls. Try again later."),
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One failure, in nobody's words yet."""

    kind: str
    code: str
    message: str
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Messages by the name of the field as the caller sent it; nested names are joined by dots."""
    retry_after: int | None = None
    layer: str | None = None
    remedy: str | None = None
    needs: str | None = None
    """The permission or role that would have let it pass, where it can be asked for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = "body"
    """Where the fields at fault stand: body, query, path or header."""

    @property
    def status(self) -> int:
        """Return the kind's ordinary HTTP status."""
        return STATUS[self.kind]


Renderer = Callable[[Problem], Response]


@dataclass(frozen=True)
class Dialect:
    """A way in: which paths are its own, and how it words a problem."""

    name: str
    prefixes: tuple[str, ...]
    render: Renderer


def register_problem_handler(app: Flask, dialects: Sequence[Dialect]) -> None:
    """Let one handler answer for every failure of the application."""
    by_name = {dialect.name: dialect for dialect in dialects}

    def handle(error: Exception) -> Response:
        problem = problem_of(error)
        g.problem_code = problem.code
        response = dialect_of_request(dialects, by_name).render(problem)
        response.headers.update(problem.headers)
        _say_who_refused(response, problem)
        return response

    app.register_error_handler(Exception, handle)
    app.after_request(_read_to_end)


def _read_to_end(response: Response) -> Response:
    """Take in a small body that nobody looked at: a refusal's, or one that the call has no use for.

    A server must close a connection on which a body is left unread, and the caller's next call, sent on it
    meanwhile, would be lost without an answer.
    """
    if 0 < (request.content_length or 0) <= _READ_AT_MOST:
        with suppress(OSError, HTTPException):
            request.stream.read()
    return response


def _say_who_refused(response: Response, problem: Problem) -> None:
    """Tell in headers what no document's error form has a place for, the same in all dialects."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.layer:
        response.headers["X-Refused-By"] = problem.layer
    if problem.remedy:
        response.headers["X-Remedy"] = problem.remedy


def dialect_of_request(dialects: Sequence[Dialect], by_name: Mapping[str, Dialect]) -> Dialect:
    """Return the dialect of the route, else the one whose prefix matches the path furthest."""
    blueprint = _endpoint().split(".")[0].removeprefix("alias_")
    for name, dialect in by_name.items():
        if blueprint == name or blueprint.startswith(f"{name}_"):
            return dialect
    path = request.path.rstrip("/") + "/"
    matches = [
        (len(prefix), dialect)
        for dialect in dialects
        for prefix in dialect.prefixes
        if path.startswith(prefix.rstrip("/") + "/")
    ]
    return max(matches, key=lambda match: match[0])[1]


def _endpoint() -> str:
    """Return the endpoint called, or the one that another method would have reached."""
    failed = request.routing_exception
    if not isinstance(failed, MethodNotAllowed) or not failed.valid_methods:
        return request.endpoint or ""
    adapter = current_app.create_url_adapter(request)
    try:
        return str(adapter.match(method=next(iter(failed.valid_methods)))[0]) if adapter else ""
    except HTTPException:  # the other method's route does not take what stands in the address
        return ""


def problem_of(error: Exception) -> Problem:
    """Turn any exception into a Problem; what nobody foresaw is logged and told as ``internal``."""
    if isinstance(error, AppError):
        return _of_app_error(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    log.error("unforeseen failure", exc_info=error)
    return _of_app_error(Internal())


@contextmanager
def fields_called(**names: str) -> Iterator[None]:
    """Name fields at fault as the caller sent them: ``fields_called(password="new_password")``."""
    try:
        yield
    except ValidationFailed as error:
        raise ValidationFailed(
            {names.get(name, name): said for name, said in error.fields.items()}
        ) from error


def _of_app_error(error: AppError) -> Problem:
    return Problem(
        headers=headers_of(error) if isinstance(error, RateLimited) else {},
        kind=error.kind,
        code=error.code,
        message=error.message,
        fields=error.fields,
        retry_after=error.retry_after,
        layer=error.layer,
        remedy=error.remedy,
        needs=error.needs,
    )


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if status not in _BY_HTTP:
        if status < 500:
            status = 400
        else:
            log.error("unforeseen HTTP failure", exc_info=error)
            return _of_app_error(Internal())
    kind, code, message = _BY_HTTP[status]
    location, fields = _webargs_fields(error)
    headers = {}
    if status == 405 and (allowed := getattr(error, "valid_methods", None)):
        headers["Allow"] = ", ".join(sorted(allowed))
    return Problem(kind=kind, code=code, message=message, fields=fields, location=location, headers=headers)


def _webargs_fields(error: HTTPException) -> tuple[str, dict[str, list[str]]]:
    """Read what webargs found wrong: ``{location: {field: [message] | {…}}}``."""
    data = cast("dict[str, Any]", getattr(error, "data", None) or {})
    messages = data.get("messages") or {}
    for location, found in messages.items():
        name = {"json": "body", "form": "body"}.get(location, location)
        flat: dict[str, list[str]] = {}
        _flatten(found, "", flat)
        return name, flat
    return "body", {}


def _flatten(found: object, name: str, flat: dict[str, list[str]]) -> None:
    if isinstance(found, Mapping):
        for key, value in found.items():
            _flatten(value, f"{name}.{key}" if name else str(key), flat)
    elif isinstance(found, list):
        flat[name or "_schema"] = [str(text) for text in found]
    else:
        flat[name or "_schema"] = [str(found)]
