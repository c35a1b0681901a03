"""Inviting people by their addresses: a dialog over any page, a page of its own without scripts."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, TextAreaField
from wtforms.validators import InputRequired

from app.core.errors import ValidationFailed
from app.core.permissions import Permission
from app.domains.members import bulk_invites, invitation_queries
from app.domains.members.bulk_invites import RowResult
from app.domains.members.invitations import MESSAGE_LENGTH, Wanted
from app.domains.permissions.roles import Role
from app.surfaces.portal.base import (
    FormPage,
    PortalForm,
    area,
    as_dialog,
    away,
    door,
    internal,
    page,
    typed,
)
from app.surfaces.portal.invitations import PAGE, is_head
from app.surfaces.portal.roles import ROLES, profile_name
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import said

bp = area("inviting")

_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>]*)>")
_EXAMPLE = "Kim Lee <kim@company.com>"
_LONGEST_LIST = 100 * 350


class InviteForm(PortalForm):
    """The ids are its own: as a dialog it stands on a page that may have fields of these names."""

    faults = {"member:role_above_own": "role", "profile:above_own": "profile_id"}
    emails = TextAreaField(
        _l("E-mail addresses"), [InputRequired(_l("Give one e-mail address or more."))], id="invite-emails"
    )
    role = SelectField(_l("Role"), validate_choice=False, id="invite-role")
    profile_id = SelectField(_l("Permission profile"), coerce=int, validate_choice=False, id="invite-profile")
    message = TextAreaField(_l("Message (optional)"), id="invite-message")
    copy = BooleanField(_l("Show me the links, so that I can pass them on too"), id="invite-copy")

    def offer(self) -> dict[str, Any]:
        """Fill in what may be chosen, on a page that is shown: what is sent is counted before any query.

        Returns what the page shows beside the form.
        """
        offered = invitation_queries.choices(current_actor())
        self.role.choices = [(str(role), ROLES[role]) for role in offered.roles]
        self.profile_id.choices = [(one.id, profile_name(one)) for one in offered.profiles]
        if self.role.data is None:
            self.role.data = str(offered.usual_role)
        if self.profile_id.data is None:
            self.profile_id.data = offered.usual_profile_id
        return {
            "seats": offered.seats,
            "may_copy": is_head(),
            "message_length": MESSAGE_LENGTH,
            "example": _EXAMPLE,
        }

    def people(self) -> Sequence[Wanted]:
        """Return whom the form names.

        :raises ValidationFailed: for a role that is none
        """
        if typed(self.role) not in set(map(str, Role)):
            raise ValidationFailed({"role": [_("Choose a role.")]})
        return [
            Wanted(
                email=email,
                role=Role(typed(self.role)),
                profile_id=self.profile_id.data,
                first_name=first_name,
                last_name=last_name,
                message=typed(self.message),
            )
            for email, first_name, last_name in named(typed(self.emails)[:_LONGEST_LIST])
        ]


def named(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield address, first and last name of everybody in a list as mail programs write it."""
    for part in re.split(r"[\n\r,;]+", text):
        if found := _NAMED.fullmatch(part.strip()):
            first_name, _space, last_name = found["name"].strip().strip('"').partition(" ")
            yield found["email"].strip(), first_name, last_name.strip()
        else:
            broken = "<" in part  # a name and an address, and something lacks: nothing of it is guessed
            yield from ((email, "", "") for email in ([part.strip()] if broken else part.split()))


def _page() -> FormPage[InviteForm]:
    template = "invitation_dialog" if as_dialog() else "invitation_new"
    shown = FormPage(InviteForm, f"organizations/{template}.html")
    shown.facts = shown.form.offer
    return shown


@bp.get(f"{PAGE}/new")
@door("user", access=Permission.MEMBERS_MANAGE)
def new():
    return _page().show()


@bp.post(f"{PAGE}/new")
@door("user", access=Permission.MEMBERS_MANAGE)
def create():
    shown = _page()
    form = shown.take()
    copy = bool(form.copy.data) and is_head()
    rows = bulk_invites.invite_people(current_actor(), people=form.people(), copy=copy)
    return _told(shown, rows)


def _told(shown: FormPage[InviteForm], rows: Sequence[RowResult]) -> Any:
    """Say what became of it; who could not be invited stays in the form, with the reason."""
    sent, left = ([row for row in rows if (row.outcome == "sent") is wanted] for wanted in (True, False))
    if left and not sent:
        raise ValidationFailed({"emails": _reasons(left, alone=len(rows) == 1)})
    links = [row for row in sent if row.link]
    if left:
        shown.form.emails.data = "\n".join(row.email for row in left)
        shown.form.emails.errors = _reasons(left)
        return page(shown.template, form=shown.form, sent=sent, links=links, **shown.facts())
    if links:
        template = "invitation_links_dialog" if as_dialog() else "invitation_links"
        return page(f"organizations/{template}.html", links=links)
    flash(_said_of(sent), "success")
    return away(internal(request.form.get("next")) or PAGE)


def _reasons(rows: Sequence[RowResult], *, alone: bool = False) -> list[str]:
    return [said(row.reason) if alone else f"{row.email}: {said(row.reason)}" for row in rows]


def _said_of(sent: Sequence[RowResult]) -> str:
    if len(sent) == 1:
        return _("%(email)s is invited.", email=sent[0].email)
    return _("%(count)s people are invited.", count=len(sent))
