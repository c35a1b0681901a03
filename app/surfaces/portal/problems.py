"""A failure as a page: what happened, who refused, who can change it, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.surfaces.portal.i18n import manner
from app.surfaces.portal.navigation import Link
from app.surfaces.shared.problems import Problem

HOME = Link("Dashboard", "/dashboard", "house")
START = Link("Go to the start page", "/", "house")
STATUS_PAGE_EXPIRED = 419


@dataclass(frozen=True, kw_only=True)
class ErrorPage:
    """What ``errors/error.html`` shows."""

    status: int
    icon: str
    title: str
    text: str
    todo: str
    layer: str = ""
    who: str = ""
    request_id: str = ""
    ways: Sequence[Link] = (HOME,)


@dataclass(frozen=True)
class _Wording:
    icon: str
    title: str
    todo: str
    text: str = ""
    """Said in place of the problem's own sentence, where that one is for programs."""


_LAYERS: Mapping[str, str] = {
    "platform": "The platform's rules",
    "organization": "The organization's rules",
    "role": "Your role in the organization",
    "plan": "The organization's plan",
    "token": "The kind of credential",
    "session": "The state of your sign-in",
    "limit": "The limit on how often this may be done",
}

_WHO: Mapping[str, str] = {
    "platform": "The platform's admins",
    "organization": "An owner or admin of the organization",
    "role": "An owner or admin of the organization",
    "plan": "The organization's owner, by changing the plan",
    "session": "You, by signing in again",
}

_BROKEN = _Wording(
    "bot",
    "Something broke on our side",
    "Try again. If it stays, tell us the request's id below; it leads us to what happened.",
    "It is not your doing. What you were about to change has not been changed.",
)

_BY_STATUS: Mapping[int, _Wording] = {
    400: _Wording(
        "circle-alert", "That could not be read", "Go back and try again.", "The page sent something odd."
    ),
    402: _Wording("lock", "The plan does not include this", "Ask the owner to change it, or free some room."),
    403: _Wording("lock", "You may not do this", "Go back, or ask the person who can change it."),
    404: _Wording(
        "compass",
        "There is nothing here",
        "Check the address, or look for the page with the search.",
        "The page was moved, never was, or is not yours to see.",
    ),
    405: _Wording("compass", "This page is not opened that way", "Go back and use the page's own buttons."),
    409: _Wording("refresh-cw", "Something changed in the meantime", "Load the page again and look."),
    413: _Wording("circle-alert", "That is too large", "Send something smaller."),
    415: _Wording("circle-alert", "This kind of file is not taken", "Send it in another format."),
    STATUS_PAGE_EXPIRED: _Wording(
        "hourglass",
        "This page has expired",
        "Go back, load the page again and repeat what you did. Your account is untouched.",
        "The form was open too long, or your browser did not send the cookie that proves it is ours.",
    ),
    429: _Wording("timer", "Too often, too fast", "Wait a little, then try again."),
    500: _BROKEN,
    502: _Wording("server-crash", "Another service did not answer", "Try again in a few minutes."),
    503: _Wording(
        "server-crash",
        "We are catching our breath",
        "Wait a moment and load the page again. Nothing you saved is lost.",
        "A part that we need does not answer right now.",
    ),
}


def status_of(problem: Problem) -> int:
    """Return the status of the page: the kind's own, but 419 for a form whose proof of origin ran out."""
    return STATUS_PAGE_EXPIRED if problem.code == "auth:csrf_invalid" else problem.status


def error_page(problem: Problem, *, request_id: str, signed_in: bool) -> ErrorPage:
    """Word a problem for a person."""
    status = status_of(problem)
    wording = _BY_STATUS.get(status) or _BROKEN
    todo = wording.todo
    if problem.retry_after:
        todo = f"Wait {spell(problem.retry_after)}, then try again."
    layer = problem.layer or ("limit" if problem.kind == "too_many" else "")
    return ErrorPage(
        status=status,
        icon=wording.icon,
        title=wording.title,
        text=wording.text or problem.message,
        todo=todo,
        layer=_LAYERS.get(layer, ""),
        who=problem.remedy or _WHO.get(layer, ""),
        request_id=request_id,
        ways=(HOME,) if signed_in else (START,),
    )


def spell(seconds: int) -> str:
    """Write a wait out, never too short: "40 seconds", "3 minutes", "2 hours"."""
    unit, size = next(((unit, size) for unit, size in _WAITS if seconds >= size), ("second", 1))
    return manner().span(timedelta(seconds=-(-seconds // size) * size), unit)


_WAITS = (("hour", 3600), ("minute", 60))
