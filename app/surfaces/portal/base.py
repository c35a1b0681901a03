"""The portal's manners: forms that keep what was typed, failures as pages, a cookie for a credential."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import quote
from uuid import UUID

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from wtforms import Field

from app.core.access import Actor
from app.core.errors import RateLimited, ValidationFailed
from app.core.languages import language_of
from app.core.links import own_path
from app.core.permissions import Permission
from app.core.settings import current_settings
from app.domains.accounts import preferences
from app.domains.accounts.preferences import ScreenPreferences
from app.domains.auth import selection
from app.domains.onboarding import queries as onboarding
from app.domains.sessions.operations import Opened
from app.domains.tenants import queries as tenants
from app.surfaces.portal.banners import banners, known_signs, signs_for_page
from app.surfaces.portal.doors import PortalDoor, shown_for
from app.surfaces.portal.i18n import remember_language
from app.surfaces.portal.navigation import Group, navigation, start_page
from app.surfaces.portal.problems import spell, status_of
from app.surfaces.shared.actor import SAFE_METHODS, current_actor
from app.surfaces.shared.cookies import CsrfInvalid, set_session_cookie
from app.surfaces.shared.languages import instance
from app.surfaces.shared.problems import Problem
from app.surfaces.shared.transaction import reading

csrf = CSRFProtect()

F = TypeVar("F", bound="PortalForm")

_INTERNAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of our own: one slash first, printable ASCII, no backslash (browsers read it as a slash)."""

_IN_ALL_LISTS = 50
SEE_OTHER, NO_CONTENT = 303, 204
SIGN_IN_PAGE_OF = "sign_in_page_of"
"""Where the signed cookie keeps the short name of the organization on whose page somebody signs in."""


# ---- Who calls


def _proven_by_form(actor: Actor) -> None:
    """Ask nothing more: ``_require_form_token`` has refused what does not come from our own pages."""


door = PortalDoor("portal", cookie_guard=_proven_by_form, in_portal=True, api_tokens=False)


def area(name: str) -> Blueprint:
    """Return the blueprint of one area; whatever changes something in it shows a form's token."""
    blueprint = Blueprint(f"portal_{name}", f"{__name__}.{name}")
    blueprint.before_request(_require_form_token)
    return blueprint


def _require_form_token() -> None:
    if request.method in SAFE_METHODS:
        return
    try:
        csrf.protect()
    except CSRFError as error:
        raise CsrfInvalid from error


@dataclass(frozen=True)
class WorksIn:
    """An organization of the viewer, as the frame shows it."""

    uid: UUID | None
    name: str
    slug: str
    role: str


@dataclass(frozen=True)
class Viewer(UserMixin):
    """Who looks at a page, as its frame shows them: Flask-Login's user, read from the door's actor."""

    uid: str
    name: str
    first_name: str
    email: str
    email_verified: bool
    organization: WorksIn | None
    picture: str = ""
    """The address of a picture kept here; another site's is not shown: it would learn who looks at what."""

    @classmethod
    def of(cls, actor: Actor) -> "Viewer":
        """Return the viewer behind an actor."""
        works_in = None
        if actor.tenant_id is not None:
            works_in = WorksIn(actor.tenant_uid, actor.tenant_name, actor.tenant_slug, actor.role)
        name = actor.name or actor.email
        return cls(
            str(actor.user_uid),
            name,
            actor.first_name or name,
            actor.email,
            actor.email_verified,
            works_in,
            own_path(actor.particulars.avatar_url),
        )

    @property
    def shown_for(self) -> str:
        """Return for whom, and for which organization, a page is shown; its forms hold for nobody else."""
        return shown_for(self.uid, self.organization.uid if self.organization else None)

    def get_id(self) -> str:
        """Return what names the person outside."""
        return self.uid


login = LoginManager()


@login.request_loader
def _viewer(_request: Request) -> Viewer | None:
    """Return the person whom the door let in; nobody where no door was passed or none is signed in."""
    actor: Actor | None = g.get("actor")
    return Viewer.of(actor) if actor is not None and actor.is_signed_in else None


def bind_login(app: Flask) -> None:
    """Let ``current_user`` be who looks at a page.

    Not through ``init_app``: its hook keeps a "remember me" cookie of its own, which we have no use for, and
    would touch the signed cookie, and so ``Vary``, on every answer of every API.
    """
    app.login_manager = login  # type: ignore[attr-defined]


def frame() -> dict[str, Any]:
    """Return what the frames of all pages show; they read nothing but the list of organizations."""
    configured = current_settings()
    mailbox = None if configured.is_production else configured.sandbox_url
    about: dict[str, Any] = {
        "next": internal(_sent_next()),
        "with_next": with_next,
        "as_dialog": as_dialog(),
        "sandbox_url": mailbox,
        "signed_in": current_user.is_authenticated,
        "step_up": g.get("step_up"),
    }
    if current_user.is_authenticated:
        about["viewer"] = current_user
        about["navigation"] = places
        about["may"] = lambda code: current_actor().may(Permission(code))
        about["runs_platform"] = current_actor().is_platform_admin
        about["my_organizations"] = my_organizations
        about["look"] = look
        about["banners"] = banners
    return about


def places() -> Sequence[Group]:
    """Return where the sidebar and the palette of this page lead, worked out once a request."""
    if "places" not in g:
        actor, configured = current_actor(), current_settings()
        g.places = navigation(
            None if configured.is_production else configured.sandbox_url,
            actor.permissions,
            runs_platform=actor.is_platform_admin,
            at=request.path,
            open_tasks=onboarding.left_by(signs_for_page()) if actor.may(Permission.SETUP_VIEW) else 0,
        )
    return cast("Sequence[Group]", g.places)


def app_name() -> str:
    """Return what this instance is called (``instance.name``)."""
    return instance().name


def look() -> ScreenPreferences:
    """Return how the signed-in person likes the screen, read once a request."""
    if "look" not in g:
        known = known_signs()
        g.look = preferences.look(current_actor()) if known is None else preferences.look_by(known)
    return cast("ScreenPreferences", g.look)


def my_organizations() -> list[WorksIn]:
    """Return the signed-in person's organizations, read once a request."""
    if "my_organizations" not in g:
        found = tenants.first_of_mine(current_actor(), limit=_IN_ALL_LISTS)
        g.my_organizations = [WorksIn(m.tenant.uid, m.tenant.name, m.tenant.slug, str(m.role)) for m in found]
    return list(g.my_organizations)


# ---- Pages and forms


def page(template: str, **values: Any) -> str:
    """Return a page of the portal."""
    return render_template(f"portal/{template}", **values)


def as_dialog() -> bool:
    """Say whether a page is asked for as a dialog over another one (``dialogs.js``)."""
    return request.headers.get("X-Dialog") == "yes"


def away(address: str) -> Response:
    """Send the browser on with GET, whatever it came with."""
    response = make_response(redirect(address, SEE_OTHER))
    if as_dialog():
        # Its script would follow by itself, and what is flashed would be shown to nobody.
        response.status_code = NO_CONTENT
    return response


def internal(address: str | None) -> str:
    """Return an address to go on to if it is a path of our own, else nothing."""
    return address if address and len(address) <= 2000 and _INTERNAL.fullmatch(address) else ""


def leads_to(path: str, method: str = "GET") -> str:
    """Return the endpoint that a path leads to, nothing where it leads nowhere."""
    adapter = current_app.create_url_adapter(request)
    try:
        return str(adapter.match(path, method=method)[0]) if adapter else ""
    except HTTPException:
        return ""


def _sent_next() -> str | None:
    """Return where the person wants to go; a body that is too large to be read does not say."""
    try:
        return request.values.get("next")
    except HTTPException:
        return request.args.get("next")


def with_next(path: str, following: str | None = None) -> str:
    """Return a path that remembers where the person wants to go: the address given, else the request's."""
    wanted = internal(_sent_next() if following is None else following)
    return f"{path}?next={quote(wanted, safe='/?=')}" if wanted else path


class PortalForm(FlaskForm):
    """A form of the portal; its fields are named as the operation's keywords."""

    faults: ClassVar[Mapping[str, str]] = {}
    """The field at which an error without fields belongs, by its code."""
    refused: str = ""
    """The code of the refusal that is shown, for pages that offer a way out of it."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask the validators, and refuse the one character that no field of ours can hold."""
        valid: bool = super().validate(extra_validators)
        for field in self:
            if isinstance(field.data, str) and "\0" in field.data:
                field.errors = [*field.errors, _("This character is not taken here.")]
                valid = False
        return valid

    def refuse(self, problem: Problem) -> None:
        """Put a refusal where it belongs: at its fields, else above the form."""
        self.refused = problem.code
        at = self.faults.get(problem.code)
        fields = {at: [problem.message]} if at and not problem.fields else problem.fields
        for name, messages in fields.items():
            if name in self:
                field = self[name]
                field.errors = [*(text for text in field.errors if text not in messages), *messages]
            else:
                self.form_errors.extend(messages)
        if not fields:
            self.form_errors.append(" ".join(filter(None, (_said(problem), problem.remedy, _wait(problem)))))


def _said(problem: Problem) -> str:
    """Return what a refusal says; one that only counts calls says "later", and ``_wait`` says when."""
    if problem.code == RateLimited.code and problem.retry_after:
        return _("That was too often, too fast.")
    return problem.message


def _wait(problem: Problem) -> str:
    if not problem.retry_after:
        return ""
    return str(_("Wait %(time)s, then try again.", time=spell(problem.retry_after)))


def typed(field: Field) -> str:
    """Return what stands in a field of text, nothing as the empty string."""
    return str(field.data or "")


class FormPage(Generic[F]):
    """A form and the page it stands on: shown, taken, and shown again as typed when it is refused."""

    def __init__(self, form: type[F], template: str, facts: Callable[[], dict[str, Any]] = dict) -> None:
        typed = request.form if request.method not in SAFE_METHODS else MultiDict()
        self.form = form(formdata=typed)
        self.template = template
        self.facts = facts

    def show(self) -> str:
        """Return the page."""
        return page(self.template, form=self.form, **self.facts())

    def take(self) -> F:
        """Return the form as it was sent; from here on a refusal of any kind shows the page again.

        :raises ValidationFailed: at the fields that the form itself refuses
        """
        g.refusable = self
        if not self.form.validate():
            raise ValidationFailed({name: list(errors) for name, errors in self.form.errors.items() if name})
        return self.form

    def refuse(self, problem: Problem) -> Response:
        """Return the page with the refusal on it; the request's transaction has ended by now."""
        self.form.refuse(problem)
        return make_response(reading(self.show), status_of(problem))


def signed_in(opened: Opened) -> Response:
    """Hand the new session's cookie out, forget what led to it, and go where the person wanted to."""
    if slug := session.get(SIGN_IN_PAGE_OF):
        selection.begin_in(current_actor(), opened=opened, slug=slug)
    session.clear()
    start = start_page(preferences.of(opened.user).ui.start_page)
    answer = set_session_cookie(away(internal(request.values.get("next")) or start), opened)
    return remember_language(answer, language_of(opened.user.locale)) if opened.user.locale else answer
