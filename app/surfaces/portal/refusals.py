"""What the portal shows when something is refused or breaks: the form, a question, a page that explains."""

import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Response, flash, g, jsonify, make_response, request

from app.core.access import Actor
from app.core.errors import AppError
from app.core.permissions import Permission
from app.domains.members import access, access_requests
from app.domains.permissions.roles import HEADS
from app.domains.sessions.identify import Caller
from app.surfaces.portal import step_up
from app.surfaces.portal.base import FormPage, away, leads_to, page, with_next
from app.surfaces.portal.problems import BILLING, Again, Viewer, error_page
from app.surfaces.portal.support_access import acting
from app.surfaces.shared.actor import SAFE_METHODS
from app.surfaces.shared.cookies import is_from_our_own_page
from app.surfaces.shared.languages import in_their_language
from app.surfaces.shared.problems import Dialect, Problem, problem_of
from app.surfaces.shared.transaction import reading

_SECRET = re.compile(r"password|secret|code|token|connection_string|access_key")
"""Names of fields whose values are never put into a page."""

_SENT_AGAIN = frozenset({"auth:csrf_invalid", "page:shown_for_another"})

_NOT_SHOWN_AGAIN = frozenset({"auth:unauthenticated", "auth:csrf_invalid"})


def render(problem: Problem) -> Response:
    """Show a failure: the form again, the way to sign in, or a page that says who refused and what to do."""
    problem = in_their_language(_whole_reason(problem))
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
        with suppress(AppError):  # whoever may not even see the form is told so on a page of its own
            return refusable.refuse(problem)
    shown = error_page(problem, request_id=g.get("request_id", ""), viewer=_viewer(problem))
    if problem.code in _SENT_AGAIN:
        shown = replace(shown, again=_again())
    actor: Actor | None = g.get("actor")
    on_behalf = acting(actor) if actor is not None and actor.is_signed_in else None
    return make_response(page("errors/error.html", error=shown, on_behalf=on_behalf), shown.status)


def _again() -> Again | None:
    """Return what was typed, to be sent again by hand: only where the browser vouches for our own page."""
    if not is_from_our_own_page() or request.mimetype != "application/x-www-form-urlencoded":
        return None
    actor: Actor | None = g.get("actor")
    if actor is not None and request.form.get("shown_for", "").partition(".")[0] not in (
        "",
        str(actor.user_uid),
    ):
        return None
    typed = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name != "csrf_token" and not _SECRET.search(name)
    ]
    return Again(request.full_path.rstrip("?"), typed)


def _whole_reason(problem: Problem) -> Problem:
    """Return what keeps the person out of their organization, where that is why a page shows none."""
    caller: Caller | None = g.get("caller")
    if problem.code != "auth:tenant_token_required" or caller is None or caller.kept_out is None:
        return problem
    return problem_of(caller.kept_out)


def _viewer(problem: Problem) -> Viewer:
    """Return who is refused, with the names of those who can change it where somebody can.

    Only where something was refused: elsewhere the database may be what is down.
    """
    actor: Actor | None = g.get("actor")
    if actor is None or not actor.is_signed_in:
        return Viewer()
    if problem.kind not in ("forbidden", "over_plan") or actor.tenant_id is None:
        return Viewer(signed_in=True)
    return reading(lambda: _member(actor))


def _member(actor: Actor) -> Viewer:
    return Viewer(
        signed_in=True,
        may_pay=actor.may(Permission.BILLING_MANAGE) and bool(leads_to(BILLING)),
        decides=actor.role in HEADS,
        deciders=access.who_decides(actor),
        waiting=access_requests.waiting_for(actor),
        here=request.path if request.method in SAFE_METHODS else "",
    )


def _is_script() -> bool:
    """Say whether a script of a page asks, which words the refusal where it stands."""
    return request.headers.get("Accept") == "application/json"


def _to_sign_in() -> Response:
    asked = request.full_path.rstrip("?") if request.method in SAFE_METHODS else _page_of_the_form()
    wanted = asked if request.path != "/" else ""
    response = away(with_next("/sign-in", wanted))
    if request.headers.get("HX-Request") == "true":
        response.headers["HX-Redirect"] = response.location
        response.status_code = 200
    return response


def _page_of_the_form() -> str:
    """Return where a form stands that nobody is signed in for any more, if its page has the same address."""
    endpoint = leads_to(request.path)
    return request.path if endpoint and not endpoint.startswith(f"{step_up.bp.name}.") else ""


def _reload_with(problem: Problem) -> Response:
    """Let a part of a page that could not be changed say so, and show what is there now."""
    flash(problem.message, "danger")
    return Response(status=200, headers={"HX-Refresh": "true"})


DIALECT = Dialect("portal", ("/",), render)
