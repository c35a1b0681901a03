"""The first page after signing in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from flask_babel import gettext as _

from app.core.access import Actor
from app.core.paging import CursorWindow
from app.core.permissions import Permission
from app.domains.audit import queries as audit
from app.domains.audit.models import AuditEvent
from app.domains.onboarding import queries as onboarding
from app.domains.onboarding.queries import Standing
from app.domains.sessions import queries as sessions
from app.domains.sessions.devices import describe
from app.domains.sessions.identify import Caller
from app.domains.tenants import queries as tenants
from app.surfaces.portal.banners import signs_for_page
from app.surfaces.portal.base import area, away, door, page
from app.surfaces.portal.happenings import icon_of
from app.surfaces.portal.presentation import device
from app.surfaces.portal.trail_words import told_to_oneself
from app.surfaces.shared.actor import current_actor

bp = area("dashboard")

_SHOWN = 8


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
        session_count=sessions.number_active(actor),
        activity=[_told(event) for event in audit.mine(actor, window=CursorWindow(limit=_SHOWN)).items],
        steps=_steps(actor),
        is_kept_out=_is_kept_out(),
        open_tasks=_open_tasks(actor),
    )


def _open_tasks(actor: Actor) -> Sequence[Standing]:
    """Return what is left of the organization's setup for those who can do it, what is required first."""
    if not (actor.may(Permission.SETUP_MANAGE) and onboarding.left_by(signs_for_page())):
        return ()
    return sorted(onboarding.open_tasks(actor), key=lambda one: not one.task.required)


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
            done=actor.tenant_id is not None or _is_kept_out(),
            why=_("It is where you work with others."),
            action=_("Begin"),
            href="/organizations",
        ),
    )
    return () if all(step.done for step in steps) else steps


def _is_kept_out() -> bool:
    """Say whether the person has chosen an organization that does not let them in now."""
    caller: Caller | None = g.get("caller")
    return caller is not None and caller.kept_from is not None


def _told(event: AuditEvent) -> Happening:
    with_what = device(describe(event.user_agent)) if event.user_agent else ""
    return Happening(
        icon_of(event),
        told_to_oneself(event),
        event.at,
        " · ".join(part for part in (event.ip or "", with_what) if part),
    )
