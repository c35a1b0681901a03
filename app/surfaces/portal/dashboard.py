"""The first page after signing in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access import Actor
from app.core.paging import CursorWindow, Window
from app.domains.audit import queries as audit
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.sessions import queries as sessions
from app.domains.sessions.devices import describe
from app.domains.tenants import queries as tenants
from app.surfaces.portal.base import area, away, door, page
from app.surfaces.portal.presentation import device
from app.surfaces.shared.actor import current_actor

bp = area("dashboard")

_SHOWN = 8

_WORDS: Mapping[AuditKind, tuple[str, Any]] = {
    AuditKind.USER_REGISTERED: ("user", _l("Created the account")),
    AuditKind.USER_EMAIL_VERIFIED: ("shield-check", _l("Confirmed the e-mail address")),
    AuditKind.USER_SIGNED_IN: ("monitor", _l("Signed in")),
    AuditKind.USER_SIGNED_OUT: ("log-out", _l("Signed out")),
    AuditKind.USER_SIGNED_OUT_EVERYWHERE: ("log-out", _l("Signed out elsewhere")),
    AuditKind.USER_SIGN_IN_FAILED: ("triangle-alert", _l("A sign-in failed")),
    AuditKind.USER_SIGN_IN_CODE_REQUESTED: ("mail", _l("Asked for a sign-in code")),
    AuditKind.USER_PASSWORD_CHANGED: ("key-round", _l("Changed the password")),
    AuditKind.USER_PASSWORD_RESET: ("key-round", _l("Set a new password by link")),
    AuditKind.USER_PASSWORD_RESET_REQUESTED: ("mail", _l("Asked for a reset link")),
    AuditKind.USER_POLICY_ACCEPTED: ("file-text", _l("Accepted a policy")),
    AuditKind.SESSION_REVOKED: ("log-out", _l("Ended a session")),
    AuditKind.SESSION_REUSE_DETECTED: ("triangle-alert", _l("A spent token was shown again")),
    AuditKind.SESSION_TENANT_SELECTED: ("building-2", _l("Chose an organization")),
    AuditKind.TENANT_CREATED: ("building-2", _l("Founded an organization")),
    AuditKind.SUBSCRIPTION_TRIAL_STARTED: ("hourglass", _l("A trial of Pro began")),
    AuditKind.MEMBER_JOINED: ("building-2", _l("Joined an organization")),
    AuditKind.API_TOKEN_CREATED: ("key-round", _l("Made an API token")),
    AuditKind.API_TOKEN_REVOKED: ("key-round", _l("Ended an API token")),
}


@dataclass(frozen=True)
class Step:
    """One thing that a newcomer does once."""

    label: str
    done: bool
    why: str = ""
    action: str = ""
    href: str = ""


@dataclass(frozen=True)
class Happening:
    """One row of the person's own trail in plain words."""

    icon: str
    label: str
    at: datetime
    place: str


@bp.get("/dashboard")
@door("user")
def index():
    actor = current_actor()
    return page(
        "pages/dashboard.html",
        organization=tenants.sheet(actor) if actor.tenant_id else None,
        session_count=sessions.active(actor, window=Window(limit=1)).total,
        activity=[_told(event) for event in audit.mine(actor, window=CursorWindow(limit=_SHOWN)).items],
        steps=_steps(actor),
    )


@bp.get("/")
def home():
    return away("/dashboard" if door.visitor().is_signed_in else "/sign-in")


def _steps(actor: Actor) -> Sequence[Step]:
    """Return what is left to do; nothing once all is done."""
    steps = (
        Step(_("Create your account"), done=True),
        Step(
            _("Confirm your e-mail address"),
            done=actor.email_verified,
            why=_("We send a link to %(email)s.", email=actor.email),
            action=_("Send it"),
            href="/account",
        ),
        Step(
            _("Found or choose an organization"),
            done=actor.tenant_id is not None,
            why=_("It is where you work with others."),
            action=_("Begin"),
            href="/organizations",
        ),
    )
    return () if all(step.done for step in steps) else steps


def _told(event: AuditEvent) -> Happening:
    subject, _, verb = str(event.kind).replace("_", " ").partition(".")
    icon, label = _WORDS.get(event.kind, ("history", f"{subject} {verb}".capitalize()))
    with_what = device(describe(event.user_agent)) if event.user_agent else ""
    return Happening(
        icon, str(label), event.at, " · ".join(part for part in (event.ip or "", with_what) if part)
    )
