"""A failure as a page: what happened, who refused, who can change it, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.surfaces.portal.i18n import manner
from app.surfaces.portal.navigation import Link
from app.surfaces.shared.problems import Problem

HOME = Link(_l("Dashboard"), "/dashboard", "house")
START = Link(_l("Go to the start page"), "/", "house")
STATUS_PAGE_EXPIRED = 419


@dataclass(frozen=True)
class Again:
    """A form of our own page that came with a spent proof of origin: what was typed is not lost."""

    action: str
    fields: Sequence[tuple[str, str]]


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
    names: Sequence[str] = ()
    """Who can change it in the organization, by name."""
    request_id: str = ""
    ways: Sequence[Link] = (HOME,)
    asks: str = ""
    """What can be asked for by a button: a permission's code, or ``role:`` and a role."""
    waits: bool = False
    """Whether it was asked for already."""
    again: Again | None = None


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who is refused."""

    signed_in: bool = False
    may_pay: bool = False
    decides: bool = False
    """Whether they are among those who decide."""
    deciders: Sequence[str] = ()
    waiting: Sequence[str] = ()
    """What they have asked for and wait for."""
    here: str = ""
    """The page, where it can be opened again."""


@dataclass(frozen=True)
class _Wording:
    icon: str
    title: Any
    todo: Any
    text: Any = ""
    """Said in place of the problem's own sentence, where that one is for programs."""
    is_a_step: bool = False
    """Whether only a step of the person's own is missing: then nobody refused, and nobody else can help."""


_LAYERS: Mapping[str, Any] = {
    "account": _l("The state of your account"),
    "environment": _l("The environment you chose"),
    "platform": _l("The platform's rules"),
    "organization": _l("The organization's rules"),
    "status": _l("The state of the organization"),
    "role": _l("Your role in the organization"),
    "plan": _l("The organization's plan"),
    "scope": _l("The scopes of the token"),
    "token": _l("The kind of credential"),
    "session": _l("The state of your sign-in"),
    "limit": _l("The limit on how often this may be done"),
}

_WHO: Mapping[str, Any] = {
    "platform": _l("The platform's admins"),
    "status": _l("The platform's admins"),
    "organization": _l("An owner or admin of the organization"),
    "role": _l("An owner or admin of the organization"),
    "plan": _l("The organization's owner, by changing the plan"),
    "environment": _l("An owner or admin of the organization"),
    "session": _l("You, by signing in again"),
}

_OF_THE_ORGANIZATION = frozenset({"role", "organization", "plan", "environment"})
"""Layers that the organization's owner and admins can change."""

BILLING = "/organization/plan"

_WAYS: Mapping[str, Link] = {
    "two_factor:setup_required": Link(_l("Set up the second factor"), "/account/security", "shield-check"),
    "two_factor:session_too_weak": Link(_l("Show the second factor"), "/step-up", "shield-check"),
    "auth:email_unverified": Link(_l("Your profile"), "/account", "user"),
    "auth:address_not_allowed": Link(_l("Work in another organization"), "/organizations", "building-2"),
    "tenant:suspended": Link(_l("Work in another organization"), "/organizations", "building-2"),
    "tenant:archived": Link(_l("Work in another organization"), "/organizations", "building-2"),
    "page:shown_for_another": Link(_l("Choose an organization"), "/organizations", "building-2"),
    "auth:tenant_token_required": Link(_l("Choose an organization"), "/organizations", "building-2"),
}
"""What the person can do about it themselves, by the refusal's code."""

_BROKEN = _Wording(
    "bot",
    _l("Something broke on our side"),
    _l("Try again. If it stays, tell us the request's id below; it leads us to what happened."),
    _l("It is not your doing. What you were about to change has not been changed."),
)

_BY_STATUS: Mapping[int, _Wording] = {
    400: _Wording(
        "circle-alert",
        _l("That could not be read"),
        _l("Go back and try again."),
        _l("The page sent something odd."),
    ),
    402: _Wording(
        "lock", _l("The plan does not include this"), _l("Ask the owner to change it, or free some room.")
    ),
    403: _Wording("lock", _l("You may not do this"), _l("Go back, or ask the person who can change it.")),
    404: _Wording(
        "compass",
        _l("There is nothing here"),
        _l("Check the address, or begin at the start page."),
        _l("The page was moved, never was, or is not yours to see."),
    ),
    405: _Wording(
        "compass", _l("This page is not opened that way"), _l("Go back and use the page's own buttons.")
    ),
    409: _Wording("refresh-cw", _l("Something changed in the meantime"), _l("Load the page again and look.")),
    413: _Wording("circle-alert", _l("That is too large"), _l("Send something smaller.")),
    415: _Wording("circle-alert", _l("This kind of file is not taken"), _l("Send it in another format.")),
    STATUS_PAGE_EXPIRED: _Wording(
        "hourglass",
        _l("This page has expired"),
        _l("Go back, load the page again and repeat what you did. Your account is untouched."),
        _l("The form was open too long, or your browser did not send the cookie that proves it is ours."),
    ),
    429: _Wording("timer", _l("Too often, too fast"), _l("Wait a little, then try again.")),
    500: _BROKEN,
    502: _Wording("server-crash", _l("Another service did not answer"), _l("Try again in a few minutes.")),
    503: _Wording(
        "server-crash",
        _l("We are catching our breath"),
        _l("Wait a moment and load the page again. Nothing you saved is lost."),
        _l("A part that we need does not answer right now."),
    ),
}

_BY_CODE: Mapping[str, _Wording] = {
    "tenant:suspended": _Wording(
        "lock",
        _l("This organization is suspended"),
        _l("Work in another organization, or ask for the suspension to be lifted."),
        _l("Nobody can work in it for now. Nothing in it is lost."),
    ),
    "tenant:archived": _Wording(
        "lock",
        _l("This organization is closed"),
        _l("Work in another organization."),
        _l("Nobody works in it any more."),
    ),
    "auth:tenant_token_required": _Wording(
        "building-2",
        _l("Choose an organization first"),
        _l("Choose one of your organizations, or found one; then open this page again."),
        _l("This page belongs to an organization, and you work in none right now."),
        is_a_step=True,
    ),
    "two_factor:setup_required": _Wording(
        "shield-check",
        _l("Set up your second factor first"),
        _l("Set it up with an app on your phone, then come back here. It takes a minute."),
    ),
    "two_factor:session_too_weak": _Wording(
        "shield-check",
        _l("Show your second factor first"),
        _l("Show it once, and this sign-in is strong enough."),
    ),
    "auth:address_not_allowed": _Wording(
        "lock",
        _l("Not from this network"),
        _l("Come from a network that the organization allows, or work in another organization."),
    ),
}
"""Refusals that are no question of rights; the title says what they are."""


def status_of(problem: Problem) -> int:
    """Return the status of the page: the kind's own, but 419 for a form whose proof of origin ran out."""
    return STATUS_PAGE_EXPIRED if problem.code == "auth:csrf_invalid" else problem.status


def error_page(problem: Problem, *, request_id: str, viewer: Viewer) -> ErrorPage:
    """Word a problem for a person: who refused, who can change it, and what they can do themselves."""
    status = status_of(problem)
    wording = _BY_CODE.get(problem.code) or _BY_STATUS.get(status) or _BROKEN
    layer = problem.layer or ("limit" if problem.kind == "too_many" else "")
    can_themselves = wording.is_a_step or (layer == "plan" and viewer.may_pay)
    asks = problem.needs or "" if viewer.deciders and not viewer.decides else ""
    return ErrorPage(
        status=status,
        icon=wording.icon,
        title=wording.title,
        text=wording.text or problem.message,
        todo=_todo(problem, layer, viewer) or wording.todo,
        layer="" if wording.is_a_step else _LAYERS.get(layer, ""),
        who="" if can_themselves else problem.remedy or _WHO.get(layer, ""),
        names=viewer.deciders if layer in _OF_THE_ORGANIZATION and not can_themselves else (),
        request_id=request_id,
        ways=_ways(problem, layer, viewer),
        asks=asks,
        waits=asks in viewer.waiting,
    )


def _todo(problem: Problem, layer: str, viewer: Viewer) -> str:
    if problem.retry_after:
        return str(_("Wait %(time)s, then try again.", time=spell(problem.retry_after)))
    if layer == "plan" and viewer.may_pay:
        return str(_("Choose a larger plan, or free some room."))
    return ""


def _ways(problem: Problem, layer: str, viewer: Viewer) -> Sequence[Link]:
    if not viewer.signed_in:
        return (START,)
    way = _WAYS.get(problem.code)
    if layer == "plan" and viewer.may_pay:
        way = Link(_l("Choose a larger plan"), BILLING, "arrow-right")
    if layer == "environment" and viewer.here:
        way = Link(_l("Work in production"), f"{viewer.here}?environment=prod", "arrow-right")
    if layer == "role" and viewer.deciders:
        why = Link(_l("What I may do"), "/organization/permissions/mine", "shield-check")
        return (HOME, why)
    return (HOME,) if way is None else (way, HOME)


def spell(seconds: int) -> str:
    """Write a wait out, never too short: "40 seconds", "3 minutes", "2 hours"."""
    unit, size = next(((unit, size) for unit, size in _WAITS if seconds >= size), ("second", 1))
    return manner().span(-(-seconds // size), unit)


_WAITS = (("hour", 3600), ("minute", 60))
