"""An organization's mail at a glance, its own server with a real test, and its sender."""

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, PasswordField, RadioField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.core.access import Access, Actor, check
from app.core.buckets import SMTP_TESTS
from app.core.errors import AppError
from app.domains.email import senders, smtp_settings, standing
from app.domains.email.settings_models import TenantMailServer
from app.domains.email.smtp_settings import SECRET_LENGTH, TIMEOUTS
from app.domains.email.smtp_test import Outcome
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.shared import mail_servers
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import has_no_transaction, reading

bp = area("email_settings")

HOME = "/organization/email"
SERVER, SENDER = f"{HOME}/server", f"{HOME}/sender"
PAGES = {
    "smtp": SERVER,
    "sender": SENDER,
    **{name: f"{HOME}/{name}" for name in ("compliance", "footer", "domain")},
}
_SECURITIES = {
    "starttls": _l("STARTTLS (mostly port 587)"),
    "tls": _l("TLS from the start (mostly port 465)"),
    "none": _l("None: for servers in your own network only"),
}


class ServerForm(PortalForm):
    faults = {"email:host_not_allowed": "host"}
    host = StringField(_l("Mail server"), [InputRequired(_l("Name the server.")), Length(max=253)])
    port = IntegerField(_l("Port"), [InputRequired(_l("Give the port.")), NumberRange(1, 65535)])
    security = RadioField(_l("Encryption"), [InputRequired(_l("Choose one."))])
    username = StringField(_l("User name"), [Length(max=320)])
    password = PasswordField(_l("Password"), [Length(max=SECRET_LENGTH)])
    forget_password = BooleanField(_l("Forget the stored password"))
    timeout_seconds = IntegerField(_l("Seconds to wait for each step"), [Optional(), NumberRange(*TIMEOUTS)])
    enabled = BooleanField(_l("Send our mail through this server once a test has passed"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.security.choices = list(_SECURITIES.items())


class SenderForm(PortalForm):
    from_name = StringField(_l("Name"), [Length(max=senders.NAME_LENGTH)])
    from_email = StringField(_l("Address"), [Length(max=320)])
    reply_to = StringField(_l("Address for answers"), [Length(max=320)])


def _may_change() -> bool:
    try:
        check(current_actor(), Access.TENANT_ADMIN)
    except AppError:
        return False
    return True


@bp.get(HOME)
@door("user")
def overview():
    found = standing.standing(current_actor())
    return page("organizations/email.html", found=found, pages=PAGES)


# ---- the server


def _server_page(outcome: Outcome | None = None) -> FormPage[ServerForm]:
    return FormPage(
        ServerForm,
        "organizations/email_server.html",
        lambda: {"server": smtp_settings.smtp(current_actor()), "outcome": outcome},
    )


def _filled(server: TenantMailServer | None, outcome: Outcome | None = None) -> str:
    shown = _server_page(outcome)
    form = shown.form
    form.port.data, form.security.data, form.timeout_seconds.data, form.enabled.data = (
        587,
        "starttls",
        15,
        True,
    )
    if server is not None:
        for name in ("host", "port", "security", "username", "timeout_seconds", "enabled"):
            form[name].data = getattr(server, name)
    return shown.show()


@bp.get(SERVER)
@door("user")
def server_form():
    return _filled(smtp_settings.smtp(current_actor()))


@bp.post(SERVER)
@door("user")
def save_server():
    form = _server_page().take()
    smtp_settings.save_smtp(current_actor(), changes=_changes(form))
    flash(_("Saved. Test it now: mail leaves through it once a test has passed."), "success")
    return away(SERVER)


def _changes(form: ServerForm) -> dict[str, Any]:
    names = ("host", "port", "security", "username", "enabled")
    changes = {name: form[name].data for name in names}
    if form.timeout_seconds.data is not None:
        changes["timeout_seconds"] = form.timeout_seconds.data
    if form.password.data or form.forget_password.data:
        changes["password"] = typed(form.password) or None
    return changes


@bp.post(f"{SERVER}/test")
@has_no_transaction
@door("user", limit=SMTP_TESTS)
def test_server():
    outcome = mail_servers.try_server()
    return reading(lambda: _filled(smtp_settings.smtp(current_actor()), outcome))


# ---- the sender


def _sender_page() -> FormPage[SenderForm]:
    def facts() -> dict[str, Any]:
        return {"found": senders.sender(current_actor()), "may_change": _may_change()}

    return FormPage(SenderForm, "organizations/email_sender.html", facts)


@bp.get(SENDER)
@door("user")
def sender_form():
    shown, found = _sender_page(), senders.sender(current_actor())
    for name in senders.FIELDS:
        shown.form[name].data = getattr(found, name)
    return shown.show()


@bp.post(SENDER)
@door("user")
def change_sender():
    form = _sender_page().take()
    senders.change_sender(current_actor(), changes={name: typed(form[name]) for name in senders.FIELDS})
    flash(_("Saved. It stands in mail sent from now on."), "success")
    return away(SENDER)


# ---- Above every page


@banner("mail_comes_back")
def _mail_comes_back(actor: Actor) -> Banner | None:
    """Tell somebody whose address nobody seems to have."""
    if not standing.comes_back(actor):
        return None
    text = _("Mail to %(address)s comes back. Give us an address that works.", address=actor.email)
    return Banner(text, "warning", _("Change it"), "/account/email")
