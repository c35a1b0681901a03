"""Service users of an organization: made, given new passwords, switched off and deleted."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor, working_in
from app.core.environments import Environment
from app.core.ids import Ref
from app.core.paging import Window
from app.core.permissions import Permission
from app.core.settings import current_settings
from app.domains.clients import service_users
from app.domains.clients.service_users import Made
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.shared.actor import current_actor

bp = area("service_users")

PAGE = "/organization/service-users"
PER_PAGE = 20
LABELS = {Environment.PROD: _l("Production"), Environment.STAGING: _l("Staging")}
OVERLAPS = {
    0: _l("Not at all: it is dead at once, and so are all tokens"),
    1: _l("For one hour"),
    24: _l("For one day"),
    168: _l("For one week"),
}
"""How long the former password is taken as well, by hours."""


class NewForm(PortalForm):
    faults = {
        "service_user:name_taken": "name",
        "plan:service_user_limit": "name",
    }
    name = StringField(_l("Name"), [InputRequired(_l("Give the service user a name.")), Length(max=64)])


class RotateForm(PortalForm):
    overlap = SelectField(_l("The former password goes on working"), coerce=int, default=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.overlap.choices = list(OVERLAPS.items())


def chosen() -> Environment:
    """Return the environment that the page's address names, of the two that client_v1 knows."""
    named = request.args.get("environment", "")
    return Environment(named) if named in set(LABELS) else Environment.PROD


def actor_there() -> Actor:
    """Return the actor working in the environment that the page is about."""
    return working_in(current_actor(), chosen())


def offered() -> dict[Environment, Any]:
    """Return the environments that the person may work in."""
    may = current_actor().may(Permission.ENVIRONMENTS_SWITCH)
    return {key: label for key, label in LABELS.items() if key is Environment.PROD or may}


def page_number() -> int:
    """Return which page of a list is asked for."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _facts() -> dict[str, Any]:
    actor = actor_there()
    return {
        "service_users": service_users.list_(actor, window=Window.page(page_number(), PER_PAGE)),
        "standing": service_users.standing(actor),
        "environment": actor.environment,
        "environments": offered(),
    }


def _list_page() -> FormPage[NewForm]:
    return FormPage(NewForm, "organizations/service_users.html", _facts)


def _rotate_page(service_user_uid: UUID) -> FormPage[RotateForm]:
    def facts() -> dict[str, Any]:
        found = service_users.one(actor_there(), service_user=Ref(uid=service_user_uid))
        return {"service_user": found, "environment": chosen()}

    return FormPage(RotateForm, "organizations/service_user_rotate.html", facts)


def _shown(made: Made) -> str:
    return page(
        "organizations/service_user_made.html",
        made=made,
        platform_id=current_actor().tenant_slug,
        public_url=current_settings().public_url,
    )


def _back() -> Any:
    return away(f"{PAGE}?environment={chosen()}")


@bp.get("/organization/service-users")
@door("user")
def index():
    return _list_page().show()


@bp.post("/organization/service-users")
@door("user")
def create():
    form = _list_page().take()
    return _shown(service_users.create(actor_there(), name=typed(form.name)))


@bp.get("/organization/service-users/<uuid:service_user_uid>/rotate")
@door("user")
def rotate_form(service_user_uid: UUID):
    return _rotate_page(service_user_uid).show()


@bp.post("/organization/service-users/<uuid:service_user_uid>/rotate")
@door("user")
def rotate(service_user_uid: UUID):
    overlap = timedelta(hours=_rotate_page(service_user_uid).take().overlap.data)
    return _shown(
        service_users.rotate(actor_there(), service_user=Ref(uid=service_user_uid), overlap=overlap)
    )


@bp.post("/organization/service-users/<uuid:service_user_uid>/disable")
@door("user")
def disable(service_user_uid: UUID):
    found = service_users.disable(actor_there(), service_user=Ref(uid=service_user_uid))
    flash(_("%(name)s is switched off; its tokens are dead.", name=found.name), "success")
    return _back()


@bp.post("/organization/service-users/<uuid:service_user_uid>/enable")
@door("user")
def enable(service_user_uid: UUID):
    found = service_users.enable(actor_there(), service_user=Ref(uid=service_user_uid))
    flash(_("%(name)s can sign in again.", name=found.name), "success")
    return _back()


@bp.post("/organization/service-users/<uuid:service_user_uid>/delete")
@door("user")
def delete(service_user_uid: UUID):
    name = service_users.delete(actor_there(), service_user=Ref(uid=service_user_uid))
    flash(_("%(name)s is deleted.", name=name), "success")
    return _back()
