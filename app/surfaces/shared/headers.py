"""What stands on every answer: security headers, the request's id, and that nobody keeps what is private."""

import re
import secrets

from flask import Flask, Response, g, request

from app.core.settings import current_settings

_CSP = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self';"
    " img-src 'self' data:"
)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_YEAR = 31_536_000
_ALWAYS = (
    ("Content-Security-Policy", _CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
)
_HTTPS = ("Strict-Transport-Security", f"max-age={_YEAR}; includeSubDomains")
_PRIVATE = ("Cache-Control", "no-store")


def init_headers(app: Flask) -> None:
    """Name each request and put the headers on each answer, errors and files included."""
    app.before_request(_name_request)
    app.after_request(_protect)


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)


def _protect(response: Response) -> Response:
    headers = response.headers
    wanted = [*_ALWAYS, ("X-Request-Id", g.get("request_id", ""))]
    if current_settings().https:
        wanted.append(_HTTPS)
    if request.endpoint != "static":
        wanted.append(_PRIVATE)
    there = {name.lower() for name, _ in headers}
    headers.extend([(name, value) for name, value in wanted if name.lower() not in there])
    return response
