"""API tokens: one's own, made and ended, and all of an organization's for those who answer for it."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from app.core.buckets import API_TOKEN_CREATIONS
from app.core.environments import Environment
from app.core.ids import Ref, parse_ref
from app.core.paging import Window
from app.core.settings import current_settings
from app.domains.sessions import api_token_queries, api_tokens
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, my_organizations, page, typed
from app.surfaces.shared.actor import current_actor

bp = area("api_tokens")

PER_PAGE = 20
LAST_PAGE = 1_000_000

SCOPES = {
    "read": (_l("Read"), _l("See everything that you can see.")),
    "write": (_l("Write"), _l("Change what you can change, but neither money nor credentials.")),
    "billing": (_l("Billing"), _l("Change subscriptions and open checkouts.")),
    "admin": (_l("Administration"), _l("Do what only the platform's admins can do.")),
}
ENVIRONMENTS = {
    Environment.PROD: _l("Production"),
    Environment.STAGING: _l("Staging"),
    Environment.DEV: _l("Development"),
}
LIVES = {7: _l("7 days"), 30: _l("30 days"), 90: _l("90 days"), 180: _l("180 days"), 365: _l("One year")}


class NewTokenForm(PortalForm):
    faults = {
        "api_token:name_taken": "name",
        "auth:scope_not_allowed": "scopes",
        "plan:api_token_limit": "environment",
        "tenant:not_found": "organization",
        "auth:permission_denied": "organization",
    }
    name = StringField(
        _l("Name"), [InputRequired(_l("Give the token a name.")), Length(max=api_tokens.NAME_LENGTH)]
    )
    scopes = SelectMultipleField(_l("What it may do"), [InputRequired(_l("Choose at least one scope."))])
    organization = SelectField(_l("Organization"))
    environment = SelectField(_l("Environment"), default=str(Environment.PROD))
    expires_in_days = SelectField(_l("Runs out after"), coerce=int, default=api_tokens.DAYS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor, mine = current_actor(), my_organizations()
        self.scopes.choices = [
            (code, words[0]) for code, words in SCOPES.items() if code != "admin" or actor.is_platform_admin
        ]
        self.organization.choices = [(str(o.uid), o.name) for o in mine] or [("", _("A new one of your own"))]
        self.environment.choices = [(str(key), label) for key, label in ENVIRONMENTS.items()]
        self.expires_in_days.choices = list(LIVES.items())
        if self.organization.data is None and actor.tenant_uid is not None:
            self.organization.data = str(actor.tenant_uid)


def _new_page() -> FormPage[NewTokenForm]:
    return FormPage(NewTokenForm, "account/api_tokens_new.html", lambda: {"scopes": SCOPES})


def _window() -> Window:
    text = request.args.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    return Window.page(min(max(number, 1), LAST_PAGE), PER_PAGE)


@bp.get("/account/tokens")
@door("user")
def index():
    found = api_token_queries.mine(current_actor(), window=_window(), with_expired=True)
    return page("account/api_tokens.html", tokens=found, scopes=SCOPES, environments=ENVIRONMENTS)


@bp.get("/account/tokens/new")
@door("user")
def new():
    return _new_page().show()


@bp.post("/account/tokens/new")
@door("user", limit=API_TOKEN_CREATIONS)
def create():
    made = api_tokens.create(current_actor(), **_wanted(_new_page().take()))
    return page("account/api_tokens_made.html", made=made, public_url=current_settings().public_url)


def _wanted(form: NewTokenForm) -> dict[str, Any]:
    return {
        "name": typed(form.name),
        "scopes": form.scopes.data,
        "tenant": parse_ref(typed(form.organization), "ten"),
        "environment": Environment(typed(form.environment)),
        "expires_in_days": form.expires_in_days.data,
    }


@bp.post("/account/tokens/<uuid:token_uid>/revoke")
@door("user")
def revoke(token_uid: UUID):
    ended = api_tokens.revoke(current_actor(), token=Ref(uid=token_uid))
    flash(_("%(name)s is revoked.", name=ended.name), "success")
    return away("/account/tokens")


@bp.get("/organization/tokens")
@door("user")
def inventory():
    actor = current_actor()
    found = api_token_queries.of_organization(actor, window=_window())
    used = api_token_queries.usage_of_organization(actor)
    facts = {"usage": used, "scopes": SCOPES, "environments": ENVIRONMENTS}
    return page("organizations/tokens.html", tokens=found, **facts)


@bp.post("/organization/tokens/<uuid:token_uid>/revoke")
@door("user")
def revoke_of_member(token_uid: UUID):
    ended = api_tokens.revoke_in_organization(current_actor(), token=Ref(uid=token_uid))
    flash(_("%(name)s is revoked, and its owner is told.", name=ended.name), "success")
    return away("/organization/tokens")
