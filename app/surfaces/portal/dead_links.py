"""Mailed links that lead nowhere any more: one page, its own words for each way that happens, what to do."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Response, make_response
from flask_babel import lazy_gettext as _l

from app.domains.auth import links
from app.domains.auth.links import LinkState
from app.domains.auth.models import LinkPurpose
from app.domains.members import offers
from app.domains.members.models import InvitationStatus
from app.surfaces.portal.base import FormPage, PortalForm, page, typed
from app.surfaces.portal.navigation import Link
from app.surfaces.portal.problems import status_of
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.problems import Problem
from app.surfaces.shared.transaction import reading

F = TypeVar("F", bound=PortalForm)

_GONE, _NOT_FOUND = 410, 404

_SIGN_IN = Link(_l("To the sign-in"), "/sign-in", "arrow-right")
_NEW_PASSWORD = Link(_l("Choose a new password"), "/forgot-password", "key-round")


@dataclass(frozen=True)
class Words:
    """What the page says of a link, and the way on from there."""

    title: Any
    text: Any
    todo: Any
    way: Link = _SIGN_IN
    icon: str = "hourglass"


_UNKNOWN = Words(
    _l("This link leads nowhere"),
    _l("A piece of it may be lost, or a newer mail has a newer link."),
    _l("Open it from the newest mail, or copy its whole address."),
    icon="compass",
)


@dataclass(frozen=True)
class Kind:
    """A kind of mailed link: how its page says that it is over."""

    said: Mapping[str, Words]
    purposes: Collection[LinkPurpose] = field(default=())

    def words(self, state: str) -> Words:
        """Return what is said of a link that stands so."""
        return self.said.get(state, _UNKNOWN)


_OVER = _l("This link is over")


def _used(text: Any, todo: Any, way: Link = _SIGN_IN) -> Words:
    return Words(_l("This link was used already"), text, todo, way, "circle-check")


def _ended(text: Any, todo: Any, way: Link = _SIGN_IN, title: Any = _OVER) -> Words:
    return Words(title, text, todo, way, "refresh-cw")


def _expired(text: Any, todo: Any, way: Link = _SIGN_IN) -> Words:
    return Words(_l("This link has run out"), text, todo, way)


_NEWER = _l("A newer link has taken its place")
_NOT_YOU = _l("Was it not you? Then somebody else reads your mail: choose a new password.")
_ASK_ANEW = Link(_l("Ask for a new link"), "/forgot-password", "mail")
_SEND_ANEW = Link(_l("Send a new link"), "/verify-email", "mail")
_MY_ADDRESS = Link(_l("Your e-mail address"), "/account/email", "at-sign")
_WEEK = _l("It was good for seven days.")
_INTRUDER = _l("If somebody else is in your account, choose a new password: that signs everybody out.")

RESET = Kind(
    {
        "used": _used(_l("Your password was changed with it."), _NOT_YOU, _ASK_ANEW),
        "ended": _ended(
            _l("Only the newest works, and none once the password is changed."),
            _l("Look for a newer mail, or ask for another one."),
            _ASK_ANEW,
            _NEWER,
        ),
        "expired": _expired(
            _l("Your password is as it was."), _l("Ask for a new link and use it soon."), _ASK_ANEW
        ),
        "unknown": Words(_UNKNOWN.title, _UNKNOWN.text, _UNKNOWN.todo, _ASK_ANEW, _UNKNOWN.icon),
    },
    [LinkPurpose.PASSWORD_RESET],
)
VERIFY = Kind(
    {
        "used": Words(
            _l("Your address is confirmed"),
            _l("This link has done what it was for."),
            _l("There is nothing left to do."),
            icon="circle-check",
        ),
        "ended": _ended(
            _l("Only the newest works, and none once the address is confirmed."),
            _l("Look for a newer mail, or let one be sent."),
            _SEND_ANEW,
            _NEWER,
        ),
        "expired": _expired(
            _l("Your address is not confirmed yet."), _l("Let a new one be sent."), _SEND_ANEW
        ),
        "unknown": Words(_UNKNOWN.title, _UNKNOWN.text, _UNKNOWN.todo, _SEND_ANEW, _UNKNOWN.icon),
    },
    [LinkPurpose.VERIFY_EMAIL, *links.CLAIMS],
)
EMAIL_CONFIRM = Kind(
    {
        "used": _used(_l("Your address was changed with it."), _l("Sign in with the new address.")),
        "ended": _ended(
            _l("The change was cancelled, or another one asked for."),
            _l("Look at your address, and ask again if you still want another."),
            _MY_ADDRESS,
        ),
        "expired": _expired(_l("Your address is as it was."), _l("Ask for the change again."), _MY_ADDRESS),
    },
    [LinkPurpose.EMAIL_CHANGE],
)
_TOO_LATE_TO_STOP = _l("If your address was changed, the mail that told you so has a link that undoes it.")
EMAIL_STOP = Kind(
    {
        "used": _used(_l("The change of your address was stopped with it."), _INTRUDER, _NEW_PASSWORD),
        "ended": _ended(_l("The change was made or cancelled meanwhile."), _TOO_LATE_TO_STOP, _NEW_PASSWORD),
        "expired": _expired(_WEEK, _TOO_LATE_TO_STOP, _NEW_PASSWORD),
    },
    [LinkPurpose.EMAIL_STOP],
)
EMAIL_UNDO = Kind(
    {
        "used": _used(
            _l("The change of your address was undone with it."),
            _l("Sign in with the old address; a mail leads to a new password."),
        ),
        "ended": _ended(_l("Another link has undone the change."), _l("Sign in with the old address.")),
        "expired": _expired(_WEEK, _l("If somebody else has your account, write to us.")),
    },
    [LinkPurpose.EMAIL_UNDO],
)
PASSKEY_UNDO = Kind(
    {
        "used": _used(_l("The passkey was taken away with it."), _INTRUDER, _NEW_PASSWORD),
        "ended": _ended(_l("The passkey is gone already."), _INTRUDER, _NEW_PASSWORD),
        "expired": _expired(_WEEK, _INTRUDER, _NEW_PASSWORD),
    },
    [LinkPurpose.PASSKEY_UNDO],
)
RECOVERY = Kind(
    {
        "used": _used(_l("What it was for has been done."), _l("The newest mail says how it goes on.")),
        "ended": _ended(
            _l("The removal of the second factor was stopped, or asked for anew."),
            _l("If you still need it, sign in with your password and ask for it again."),
        ),
        "expired": _expired(
            _l("The second factor is as it was."),
            _l("If you still need it removed, sign in with your password and ask for it again."),
        ),
    },
    [LinkPurpose.RECOVERY_CONFIRM, LinkPurpose.RECOVERY_CANCEL, LinkPurpose.RECOVERY_FINISH],
)
KEEP_ACCOUNT = Kind(
    {
        "used": _used(_l("Your account stays."), _l("There is nothing left to do.")),
        "ended": _ended(_l("Your account does not wait to be deleted."), _l("There is nothing left to do.")),
        "expired": _expired(
            _l("The time in which the account could be kept is over."),
            _l("It is deleted for good. You can make a new one."),
            Link(_l("Create an account"), "/sign-up", "user"),
        ),
    },
    [LinkPurpose.KEEP_ACCOUNT],
)
_ASK_INVITER = _l("Ask whoever invited you for a new one.")
INVITATION = Kind(
    {
        "accepted": Words(
            _l("This invitation has been taken up"),
            _l("Each works once."),
            _l("Sign in with the account that took it up."),
            icon="circle-check",
        ),
        "expired": Words(
            _l("This invitation has run out"), _l("It was good for some days only."), _ASK_INVITER
        ),
        "revoked": Words(
            _l("This invitation was taken back"),
            _l("Somebody of the organization has withdrawn it."),
            _l("If you think that is a mistake, ask whoever invited you."),
            icon="lock",
        ),
        "unknown": Words(
            _l("There is no such invitation"),
            _l(
                "A piece of its link may be lost, or it was sent again: then the newest mail has a newer one."
            ),
            _l("Open it from the newest mail, or ask whoever invited you."),
            icon="compass",
        ),
    }
)
UNSUBSCRIBE = Kind(
    {
        "unknown": Words(
            _UNKNOWN.title,
            _l("A piece of it may be lost, or the organization that wrote is gone."),
            _l("Sign in to choose which mails you get."),
            Link(_l("Your preferences"), "/account/preferences", "sun-moon"),
            _UNKNOWN.icon,
        )
    }
)
INVOICE = Kind(
    {
        "unknown": Words(
            _UNKNOWN.title,
            _l("A piece of it may be lost."),
            _l("Open it from the mail, or sign in: owners find all invoices beside the plan."),
            icon="compass",
        )
    }
)


def over(kind: Kind, state: str) -> Response:
    """Return the page of a link that stands so."""
    return make_response(_words_of(kind, state), _NOT_FOUND if state == "unknown" else _GONE)


def _words_of(kind: Kind, state: str) -> str:
    return page("auth/dead_link.html", dead=kind.words(state))


def dead_link(kind: Kind, token: str) -> Response | None:
    """Return the page of a link that is over, None for one that is good."""
    state = links.state(current_actor(), token=token, purposes=kind.purposes)
    return None if state is LinkState.OPEN else over(kind, state)


def dead_invitation(token: str) -> Response | None:
    """Return the page of an invitation that nobody can take up any more, None for an open one."""
    state = offers.stands_as(current_actor(), token=token)
    return None if state is InvitationStatus.PENDING else over(INVITATION, state or "unknown")


def in_its_place(problem: Problem, look: Callable[[], Response | None]) -> Response | None:
    """Return the page of a link that is over in place of a refusal, with the refusal's own status."""
    shown = None if problem.kind == "too_many" else reading(look)
    if shown is not None:
        shown.status_code = status_of(problem)
    return shown


class LinkPage(FormPage[F]):
    """A page that a mailed link leads to: it offers, its button acts; once the link is over it says why."""

    def __init__(
        self, kind: Kind, form: type[F], template: str, facts: Callable[[], dict[str, Any]] = dict
    ) -> None:
        super().__init__(form, template, facts)
        self.kind = kind

    offers = True
    """Whether there is something to do: a link may be open, and what it was for gone."""

    def show(self) -> str:
        """Return the page, or why there is nothing on it."""
        return super().show() if self.offers else _words_of(self.kind, LinkState.ENDED)

    def open(self, token: str) -> str | Response:
        """Return what the link leads to."""
        self.form["token"].data = token
        if over_by_now := dead_link(self.kind, token):
            return over_by_now
        return self.show() if self.offers else over(self.kind, LinkState.ENDED)

    def refuse(self, problem: Problem) -> Response:
        """Say why the link is over where that is why it was refused, else show the page again."""
        token = typed(self.form["token"])
        return in_its_place(problem, lambda: dead_link(self.kind, token)) or super().refuse(problem)
