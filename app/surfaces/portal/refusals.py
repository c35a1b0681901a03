"""What the portal shows when something is refused or breaks: the form, a question, a page that explains."""

from typing import Any

from flask import Response, flash, g, jsonify, make_response, request

from app.core.access import Actor
from app.surfaces.portal import step_up
from app.surfaces.portal.base import FormPage, away, page, with_next
from app.surfaces.portal.problems import error_page
from app.surfaces.shared.actor import SAFE_METHODS
from app.surfaces.shared.languages import in_their_language
from app.surfaces.shared.problems import Dialect, Problem

_NOT_SHOWN_AGAIN = frozenset({"auth:unauthenticated", "auth:csrf_invalid"})


def render(problem: Problem) -> Response:
    """Show a failure: the form again, the way to sign in, or a page that says who refused and what to do."""
    problem = in_their_language(problem)
    refusable: FormPage[Any] | None = g.pop("refusable", None)
    if _is_script():
        return make_response(jsonify(code=problem.code, message=problem.message), problem.status)
    if problem.code == "auth:unauthenticated":
        return _to_sign_in()
    if problem.code == "auth:step_up_required":
        return step_up.ask(problem, refusable)
    if request.headers.get("HX-Request") == "true":
        return _reload_with(problem)
    if refusable is not None and problem.status < 500 and problem.code not in _NOT_SHOWN_AGAIN:
        return refusable.refuse(problem)
    actor: Actor | None = g.get("actor")
    known = actor is not None and actor.is_signed_in
    shown = error_page(problem, request_id=g.get("request_id", ""), signed_in=known)
    return make_response(page("errors/error.html", error=shown), shown.status)


def _is_script() -> bool:
    """Say whether a script of a page asks, which words the refusal where it stands."""
    return request.headers.get("Accept") == "application/json"


def _to_sign_in() -> Response:
    wanted = request.full_path.rstrip("?") if request.method in SAFE_METHODS and request.path != "/" else ""
    response = away(with_next("/sign-in", wanted))
    if request.headers.get("HX-Request") == "true":
        response.headers["HX-Redirect"] = response.location
        response.status_code = 200
    return response


def _reload_with(problem: Problem) -> Response:
    """Let a part of a page that could not be changed say so, and show what is there now."""
    flash(problem.message, "danger")
    return Response(status=200, headers={"HX-Refresh": "true"})


DIALECT = Dialect("portal", ("/",), render)
