"""Invitations as the organization's people see them: sent from a table, looked after."""

from uuid import UUID

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FileField, TextAreaField
from wtforms.validators import Length

from app.core.ids import Ref
from app.core.paging import Window
from app.core.permissions import Permission
from app.domains.members import bulk_invites, invitation_queries, open_invitations
from app.domains.members.invitation_queries import Listed
from app.domains.permissions.roles import HEADS
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.roles import ROLES
from app.surfaces.shared.actor import current_actor

bp = area("invitations")

PAGE = "/organization/invitations"
PER_PAGE = 20
LAST_PAGE = 1_000_000
STATUSES = {Listed.PENDING: _l("Open"), Listed.EXPIRED: _l("Expired"), Listed.ALL: _l("All")}
STATES = {
    "pending": (_l("Open"), "accent"),
    "accepted": (_l("Taken up"), "success"),
    "expired": (_l("Expired"), "warning"),
    "revoked": (_l("Taken back"), ""),
}


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


def is_head() -> bool:
    """Say whether the actor is an owner or admin, who may pass links on."""
    return current_actor().role in HEADS


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
    about = {"status": status, "seats": invitation_queries.choices(actor).seats, "may_copy": is_head()}
    return page("organizations/invitations.html", invitations=found, **words, **about)


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
    links = [{"email": sent.invitation.email, "link": sent.link}]
    return page("organizations/invitation_links.html", links=links, is_new=True)


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
