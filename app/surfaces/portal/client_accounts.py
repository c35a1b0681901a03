"""Client accounts of an organization: found, made, switched off, their sessions ended, deleted."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.core.access import Actor
from app.core.errors import ValidationFailed
from app.core.ids import new_uid
from app.core.paging import CursorWindow
from app.core.permissions import Permission
from app.domains.clients import accounts, client_sessions
from app.domains.clients.accounts import Change, Newcomer, Status
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.service_users import actor_there, chosen, offered
from app.surfaces.shared.actor import current_actor

bp = area("client_accounts")

PAGE = "/organization/clients"
PER_PAGE = 20


class NewClientForm(PortalForm):
    faults = {
        "client:user_id_taken": "external_id",
        "client:email_taken": "email",
        "plan:client_limit": "email",
    }
    email = EmailField(_l("E-mail"), [InputRequired(_l("Give an e-mail address.")), Length(max=320)])
    first_name = StringField(_l("First name"), [InputRequired(_l("Give a first name.")), Length(max=100)])
    last_name = StringField(_l("Last name"), [InputRequired(_l("Give a last name.")), Length(max=100)])
    external_id = StringField(_l("Your own id of the client (a UUID)"), [Length(max=36)])
    password = PasswordField(_l("Password"), [InputRequired(_l("Give a password.")), Length(max=256)])


def _new_page() -> FormPage[NewClientForm]:
    return FormPage(NewClientForm, "organizations/client_new.html", lambda: {"environment": chosen()})


def _status() -> Status | None:
    named = request.args.get("status", "")
    return named if named in ("active", "disabled") else None  # type: ignore[return-value]


def _address(external_id: UUID | None = None) -> str:
    return f"{PAGE}{f'/{external_id}' if external_id else ''}?environment={chosen()}"


@bp.get("/organization/clients")
@door("user")
def index():
    actor = actor_there()
    facts = {"usage": accounts.usage(actor), "environments": offered(), "environment": actor.environment}
    return page("organizations/clients.html", **facts, **_found(actor))


def _found(actor: Actor) -> dict[str, Any]:
    email, cursor, status = request.args.get("email", "").strip()[:320], request.args.get("cursor"), _status()
    window = CursorWindow(PER_PAGE, cursor)
    return {
        "clients": accounts.list_(actor, window=window, email=email or None, status=status),
        "email": email,
        "status": status or "",
        "paged": bool(cursor),
        "may_manage": actor.may(Permission.CLIENTS_MANAGE),
    }


@bp.get("/organization/clients/new")
@door("user")
def new():
    accounts.usage(actor_there())
    shown = _new_page()
    shown.form.external_id.data = str(new_uid())
    return shown.show()


@bp.post("/organization/clients/new")
@door("user")
def create():
    made = accounts.create(actor_there(), newcomer=_wanted(_new_page().take()))
    flash(_("%(name)s has an account now. Nothing was mailed.", name=made.name), "success")
    return away(_address(made.external_id))


def _wanted(form: NewClientForm) -> Newcomer:
    try:
        external_id = UUID(typed(form.external_id)) if typed(form.external_id) else new_uid()
    except ValueError as error:
        raise ValidationFailed({"external_id": [_("This is no UUID.")]}) from error
    return Newcomer(
        external_id=external_id,
        email=typed(form.email),
        first_name=typed(form.first_name),
        last_name=typed(form.last_name),
        password=typed(form.password),
    )


@bp.get("/organization/clients/<uuid:external_id>")
@door("user")
def show(external_id: UUID):
    actor = actor_there()
    facts: dict[str, Any] = {
        "client": accounts.one(actor, external_id=external_id),
        "sessions": client_sessions.list_(actor, external_id=external_id),
    }
    may = current_actor().may(Permission.CLIENTS_MANAGE)
    return page("organizations/client.html", environment=actor.environment, may_manage=may, **facts)


@bp.post("/organization/clients/<uuid:external_id>/status/<string:status>")
@door("user")
def give_status(external_id: UUID, status: str):
    wanted: Status = "active" if status == "active" else "disabled"
    changed = accounts.update(actor_there(), external_id=external_id, change=Change(status=wanted))
    active = _("%(name)s can sign in again.", name=changed.name)
    flash(
        active if wanted == "active" else _("%(name)s is switched off and signed out.", name=changed.name),
        "success",
    )
    return away(_address(external_id))


@bp.post("/organization/clients/<uuid:external_id>/sessions/end")
@door("user")
def end_sessions(external_id: UUID):
    client_sessions.revoke_all(actor_there(), external_id=external_id)
    flash(_("All sessions are ended."), "success")
    return away(_address(external_id))


@bp.post("/organization/clients/<uuid:external_id>/sessions/<uuid:session_uid>/end")
@door("user")
def end_session(external_id: UUID, session_uid: UUID):
    client_sessions.revoke(actor_there(), external_id=external_id, session_uid=session_uid)
    flash(_("The session is ended."), "success")
    return away(_address(external_id))


@bp.post("/organization/clients/<uuid:external_id>/delete")
@door("user")
def delete(external_id: UUID):
    accounts.delete(actor_there(), external_id=external_id)
    flash(_("The account and its data are deleted."), "success")
    return away(_address())
