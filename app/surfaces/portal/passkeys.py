"""Passkeys: signing in with one, using one as second step or proof, making and removing them."""

import json
import secrets
from typing import Any
from uuid import UUID

from flask import Response, flash, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.core.buckets import PASSKEY_STARTS
from app.domains.auth import passkey_undo, passkey_ways
from app.domains.sessions.devices import describe
from app.domains.sessions.operations import Plan
from app.domains.settings import queries as settings
from app.domains.twofactor import passkeys
from app.surfaces.portal.base import (
    FormPage,
    PortalForm,
    area,
    away,
    door,
    page,
    signed_in,
    typed,
    with_next,
)
from app.surfaces.portal.second_factor import PLAN, FactorPage, waiting
from app.surfaces.portal.security import security_page
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("passkeys")

_HOME = "/account/security#passkeys"


class PasskeySignInForm(PortalForm):
    email = EmailField(_l("E-mail"))
    password = PasswordField(_l("Password"))
    remember = BooleanField(_l("Keep me signed in"))
    credential = HiddenField()


class NewPasskeyForm(PortalForm):
    name = StringField(_l("Name"), [Length(max=100)])
    credential = HiddenField()


class NameForm(PortalForm):
    name = StringField(_l("Name"), [InputRequired(_l("Give it a name."))])


def _options(options: str) -> Response:
    return Response(options, mimetype="application/json")


# ---- Signing in


def _browser() -> str:
    """Return what only this browser knows, as long as it is not signed in."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(32)
    return str(session["browser"])


@bp.post("/sign-in/passkey/options")
@door("public", limit=PASSKEY_STARTS)
def begin_sign_in():
    return _options(passkey_ways.begin_sign_in(current_actor(), browser=_browser()))


@bp.post("/sign-in/passkey")
@door("public")
def sign_in():
    facts = {"remember_days": settings.integer("auth.remember_days")}
    form = FormPage(PasskeySignInForm, "auth/sign_in.html", lambda: facts).take()
    opened = passkey_ways.sign_in(
        current_actor(),
        credential=typed(form.credential),
        browser=_browser(),
        plan=Plan(kind="browser", opaque=True, remember=form.remember.data),
    )
    return signed_in(opened)


@bp.post("/sign-in/second-factor/passkey/options")
@door("public", limit=PASSKEY_STARTS)
def begin_second_step():
    return _options(passkey_ways.begin_second_step(current_actor(), login_token=waiting()))


@bp.post("/sign-in/second-factor/passkey")
@door("public")
def finish_second_step():
    if not waiting():
        return away(with_next("/sign-in"))
    form = FactorPage("passkey").take()
    opened = passkey_ways.finish_second_step(
        current_actor(), login_token=waiting(), credential=typed(form.credential), plan=PLAN
    )
    return signed_in(opened)


# ---- Proving again


@bp.post("/step-up/passkey/options")
@door("user")
def begin_proof():
    return _options(passkey_ways.begin_proof(current_actor()))


# ---- One's own


def _new_page(options: str) -> str:
    return page(
        "account/passkey_new.html",
        form=NewPasskeyForm(),
        options=json.loads(options),
        proposal=said(describe(current_actor().origin.user_agent)),
    )


@bp.post("/account/passkeys/new")
@door("user")
def begin():
    security_page().take()
    return _new_page(passkeys.begin(current_actor()))


@bp.post("/account/passkeys")
@door("user")
def add():
    form = _in_place(NewPasskeyForm).take()
    added = passkey_undo.add(current_actor(), credential=typed(form.credential), name=typed(form.name))
    flash(_("%(name)s signs you in from now on.", name=added.name), "success")
    return away(_HOME)


@bp.get("/account/passkeys/<uuid:passkey_uid>")
@door("user")
def one(passkey_uid: UUID):
    shown = _one_page(passkey_uid)
    shown.form.name.data = shown.facts()["name"]
    return shown.show()


@bp.post("/account/passkeys/<uuid:passkey_uid>/rename")
@door("user")
def rename(passkey_uid: UUID):
    form = _one_page(passkey_uid).take()
    renamed = passkeys.rename(current_actor(), passkey=passkey_uid, name=typed(form.name))
    flash(_("It is called %(name)s now.", name=renamed.name), "success")
    return away(_HOME)


@bp.post("/account/passkeys/<uuid:passkey_uid>/remove")
@door("user")
def remove(passkey_uid: UUID):
    security_page().take()
    removed = passkeys.remove(current_actor(), passkey=passkey_uid)
    flash(_("%(name)s does not sign you in any more.", name=removed.name), "success")
    return away(_HOME)


def _one_page(passkey_uid: UUID) -> FormPage[NameForm]:
    name = passkeys.one(current_actor(), passkey=passkey_uid).name
    return FormPage(NameForm, "account/passkey.html", lambda: {"uid": passkey_uid, "name": name})


def _in_place(form: type[Any]) -> FormPage[Any]:
    """Take a form whose refusal is told on the page of all buttons: its challenge is used up by then."""
    stands = security_page()
    return FormPage(form, stands.template, stands.facts)
