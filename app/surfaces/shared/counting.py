"""Counting answered calls and those that a rule turned down, for the platform's figures."""

from flask import Flask, Response, g, request

from app.core import figures
from app.core.figures import CALLS, REFUSED
from app.domains.platform.overview import VIOLATIONS

_SIGNS_OF_LIFE = ("/health", "/health-check")
DIALECTS = frozenset({"services_v1", "api_v1", "platform_api", "client_v1", "v0"})
"""The documented ways in: pages of the portal, signs of life and files are no calls."""


def init_counting(app: Flask) -> None:
    """Count each answer after it is made; nothing is asked of the database for it."""
    app.after_request(_count)


def _count(response: Response) -> Response:
    endpoint = (request.endpoint or "").removeprefix("alias_")
    dialect = endpoint.partition(".")[0]
    names = []
    if dialect in DIALECTS and not str(request.url_rule).endswith(_SIGNS_OF_LIFE):
        names.append(CALLS + dialect)
    if g.get("problem_code") in VIOLATIONS:
        names.append(REFUSED + g.problem_code)
    if names:
        figures.note(*names)
    return response
