"""Invitations as the organization's people see them: sent one by one or from a table, looked after."""

from typing import Any
from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, FileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import ValidationFailed
from app.core.ids import Ref
from app.core.paging import Window
from app.core.permissions import Permission
from app.domains.members import bulk_invites, invitation_queries, invitations, open_invitations
from app.domains.members.invitation_queries import Listed
from app.domains.members.invitations import Wanted
from app.domains.permissions.roles import Role
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.shared.actor import current_actor

bp = area("invitations")

PAGE = "/organization/invitations"
PER_PAGE = 20
LAST_PAGE = 1_000_000
ROLES = {
    Role.OWNER: _l("Owner"),
    Role.ADMIN: _l("Admin"),
    Role.MANAGER: _l("Manager"),
    Role.MEMBER: _l("Member"),
    Role.VIEWER: _l("Viewer"),
}
STATUSES = {Listed.PENDING: _l("Open"), Listed.EXPIRED: _l("Expired"), Listed.ALL: _l("All")}
STATES = {
    "pending": (_l("Open"), "accent"),
    "accepted": (_l("Taken up"), "success"),
    "expired": (_l("Expired"), "warning"),
    "revoked": (_l("Taken back"), ""),
}
_SHORT = Length(max=100)


class InviteForm(PortalForm):
    faults = {
        "invitation:domain_not_allowed": "email",
        "invitation:already_pending": "email",
        "member:already_member": "email",
        "member:inactive_exists": "email",
        "member:role_above_own": "role",
        "profile:above_own": "profile_id",
    }
    email = EmailField(_l("E-mail"), [InputRequired(_l("Give the e-mail address.")), Length(max=320)])
    first_name = StringField(_l("First name"), [_SHORT])
    last_name = StringField(_l("Last name"), [_SHORT])
    job_title = StringField(_l("Job title"), [_SHORT])
    role = SelectField(_l("Role"), validate_choice=False)
    profile_id = SelectField(_l("Permission profile"), coerce=int, validate_choice=False)
    copy = BooleanField(_l("Show me the link, so that I can pass it on too"))

    def offer(self) -> None:
        """Fill in what may be chosen, on a page that is shown: what is sent is counted before any query."""
        offered = invitation_queries.choices(current_actor())
        self.role.choices = [(str(role), ROLES[role]) for role in offered.roles]
        self.profile_id.choices = [(one.id, one.name) for one in offered.profiles]
        if self.role.data is None:
            self.role.data = str(offered.usual_role)
        if self.profile_id.data is None:
            self.profile_id.data = offered.usual_profile_id

    def wanted(self) -> Wanted:
        """Return whom the form names.

        :raises ValidationFailed: for a role that is none
        """
        if typed(self.role) not in set(map(str, Role)):
            raise ValidationFailed({"role": [_("Choose a role.")]})
        return Wanted(
            email=typed(self.email),
            role=Role(typed(self.role)),
            profile_id=self.profile_id.data,
            first_name=typed(self.first_name).strip(),
            last_name=typed(self.last_name).strip(),
            job_title=typed(self.job_title).strip() or None,
        )


class TableForm(PortalForm):
    faults = {"invitation:table_unreadable": "table"}
    table = TextAreaField(_l("Rows"), [Length(max=bulk_invites.MOST_BYTES)])
    file = FileField(_l("Or a file"))

    def rows(self) -> bytes:
        """Return the file's bytes, else what was pasted; no more than one byte too many is read."""
        sent = request.files.get("file")
        if sent is not None and sent.filename:
            return sent.stream.read(bulk_invites.MOST_BYTES + 1)
        return typed(self.table).encode()


def _is_admin() -> bool:
    return current_actor().role in (Role.OWNER, Role.ADMIN)


def _status() -> Listed:
    wanted = request.args.get("status", "")
    return Listed(wanted) if wanted in set(Listed) else Listed.PENDING


def _window() -> Window:
    text = request.args.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    return Window.page(min(max(number, 1), LAST_PAGE), PER_PAGE)


@bp.get(PAGE)
@door("user", access=Permission.MEMBERS_MANAGE)
def index():
    actor, status = current_actor(), _status()
    found = invitation_queries.invitations(actor, window=_window(), status=status)
    words = {"statuses": STATUSES, "states": STATES, "roles": ROLES}
    about = {"status": status, "seats": invitation_queries.choices(actor).seats, "may_copy": _is_admin()}
    return page("organizations/invitations.html", invitations=found, **words, **about)


def _new_page() -> FormPage[InviteForm]:
    def facts() -> dict[str, Any]:
        shown.form.offer()
        return {"may_copy": _is_admin()}

    shown = FormPage(InviteForm, "organizations/invitation_new.html", facts)
    return shown


@bp.get(PAGE + "/new")
@door("user", access=Permission.MEMBERS_MANAGE)
def new():
    return _new_page().show()


@bp.post(PAGE + "/new")
@door("user", access=Permission.MEMBERS_MANAGE)
def create():
    form = _new_page().take()
    copy = bool(form.copy.data) and _is_admin()
    sent = invitations.invite(current_actor(), wanted=form.wanted(), copy=copy)
    if copy:
        return page("organizations/invitation_link.html", sent=sent, mailed=True)
    flash(_("%(email)s is invited.", email=sent.invitation.email), "success")
    return away(PAGE)


@bp.post(PAGE + "/<uuid:invitation_uid>/resend")
@door("user", access=Permission.MEMBERS_MANAGE)
def resend(invitation_uid: UUID):
    sent = open_invitations.resend(current_actor(), invitation=Ref(uid=invitation_uid))
    flash(_("%(email)s is sent a new link; the old one is dead.", email=sent.invitation.email), "success")
    return away(PAGE)


@bp.post(PAGE + "/<uuid:invitation_uid>/link")
@door("user", access=Permission.MEMBERS_MANAGE)
def link(invitation_uid: UUID):
    sent = open_invitations.copy_link(current_actor(), invitation=Ref(uid=invitation_uid))
    return page("organizations/invitation_link.html", sent=sent, mailed=False)


@bp.post(PAGE + "/<uuid:invitation_uid>/revoke")
@door("user", access=Permission.MEMBERS_MANAGE)
def revoke(invitation_uid: UUID):
    taken = open_invitations.revoke(current_actor(), invitation=Ref(uid=invitation_uid))
    flash(_("The invitation of %(email)s is taken back.", email=taken.email), "success")
    return away(PAGE)


def _table_page() -> FormPage[TableForm]:
    bounds = {"most_rows": bulk_invites.MOST_ROWS, "most_kb": bulk_invites.MOST_BYTES // 1024}
    return FormPage(TableForm, "organizations/invitations_bulk.html", lambda: bounds)


@bp.get(PAGE + "/bulk")
@door("user", access=Permission.MEMBERS_MANAGE)
def bulk_form():
    return _table_page().show()


@bp.post(PAGE + "/bulk")
@door("user", access=Permission.MEMBERS_MANAGE)
def bulk():
    results = bulk_invites.invite_all(current_actor(), table=_table_page().take().rows())
    return page("organizations/invitations_sent.html", results=results)
