"""Who may do what: roles, permission profiles as a matrix, and why somebody may or may not."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.access import Access, check
from app.core.permissions import PERMISSIONS, Permission
from app.domains.members import access, access_requests
from app.domains.permissions import operations, queries
from app.domains.permissions.operations import DESCRIPTION_LENGTH, NAME_LENGTH
from app.domains.permissions.queries import Profile
from app.domains.permissions.roles import HEADS
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.roles import REACH, ROLES
from app.surfaces.shared.actor import current_actor

bp = area("permissions")

PAGE = "/organization/permissions"

MODULES: Mapping[str, Any] = {
    "members": _l("People"),
    "settings": _l("Settings"),
    "email": _l("E-mail"),
    "notifications": _l("Notifications"),
    "chat": _l("Chat"),
    "billing": _l("Billing"),
    "entities": _l("Registry"),
    "projects": _l("Projects"),
    "support": _l("Support"),
    "clients": _l("Client accounts"),
    "developer": _l("Development"),
    "audit": _l("Audit and figures"),
}


class ProfileForm(PortalForm):
    faults = {"profile:name_taken": "name"}
    name = StringField(_l("Name"), [InputRequired(_l("Give the profile a name.")), Length(max=NAME_LENGTH)])
    description = TextAreaField(_l("What it is for"), [Length(max=DESCRIPTION_LENGTH)])
    permissions = SelectMultipleField(_l("What it adds to a role"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.permissions.choices = [(about.id, about.label) for about in PERMISSIONS.values()]


def by_module() -> list[tuple[Any, list[Permission]]]:
    """Return the permissions in the groups of the product's parts, as they are shown."""
    ordered = sorted(PERMISSIONS, key=lambda permission: PERMISSIONS[permission].id)
    grouped = groupby(ordered, key=lambda permission: PERMISSIONS[permission].module)
    return [(MODULES.get(module, module), list(found)) for module, found in grouped]


def _words() -> dict[str, Any]:
    return {"modules": by_module(), "about": PERMISSIONS, "roles": ROLES, "reach": REACH}


def _may_change() -> bool:
    return current_actor().role in HEADS


@bp.get("/organization/permissions")
@door("user")
def index():
    actor = current_actor()
    found = queries.profiles(actor)
    facts = {"may_change": _may_change(), "counts": access.role_counts(actor), **_words()}
    return page("organizations/permissions.html", profiles=found, **facts)


# ---- One profile


def _form_page(profile: Profile | None = None, source: Profile | None = None) -> FormPage[ProfileForm]:
    facts = {"profile": profile, "source": source, "may_change": _may_change(), **_words()}
    return FormPage(ProfileForm, "organizations/permission_profile.html", lambda: facts)


def _filled(shown: FormPage[ProfileForm], profile: Profile, name: str) -> str:
    shown.form.name.data, shown.form.description.data = name, profile.description
    shown.form.permissions.data = list(profile.numbers)
    return shown.show()


@bp.get("/organization/permissions/new")
@door("user")
def new():
    actor = current_actor()
    check(actor, Access.TENANT_ADMIN)
    text = request.args.get("from", "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        return _form_page().show()
    source = queries.profile(actor, profile_id=int(text))
    return _filled(_form_page(source=source), source, _("Copy of %(name)s", name=source.name)[:NAME_LENGTH])


@bp.post("/organization/permissions/new")
@door("user")
def create():
    made = operations.create(current_actor(), **_sent(_form_page().take()))
    flash(_("%(name)s is there. Give it to people on their pages.", name=made.name), "success")
    return away(PAGE)


@bp.get("/organization/permissions/<int:profile_id>")
@door("user")
def profile(profile_id: int):
    found = queries.profile(current_actor(), profile_id=profile_id)
    return _filled(_form_page(found), found, found.name)


@bp.post("/organization/permissions/<int:profile_id>")
@door("user")
def update(profile_id: int):
    actor = current_actor()
    form = _form_page(queries.profile(actor, profile_id=profile_id)).take()
    changed = operations.update(actor, profile_id=profile_id, changes=_sent(form))
    flash(_("%(name)s is saved. It counts from now on.", name=changed.name), "success")
    return away(PAGE)


def _sent(form: ProfileForm) -> dict[str, Any]:
    chosen: Sequence[int] = form.permissions.data or ()
    return {
        "name": typed(form.name),
        "description": typed(form.description) or None,
        "permissions": list(chosen),
    }


@bp.post("/organization/permissions/<int:profile_id>/deactivate")
@door("user")
def deactivate(profile_id: int):
    done = operations.deactivate(current_actor(), profile_id=profile_id)
    flash(_("%(name)s rests: it adds nothing until it is active again.", name=done.profile.name), "success")
    return away(PAGE)


@bp.post("/organization/permissions/<int:profile_id>/activate")
@door("user")
def activate(profile_id: int):
    done = operations.activate(current_actor(), profile_id=profile_id)
    flash(_("%(name)s is active.", name=done.profile.name), "success")
    return away(PAGE)


# ---- Why somebody may or may not


@bp.get("/organization/permissions/mine")
@door("user")
def mine():
    return _explained(None)


@bp.get("/organization/permissions/people/<int:membership_id>")
@door("user")
def of_member(membership_id: int):
    return _explained(membership_id)


def _explained(membership_id: int | None) -> str:
    actor = current_actor()
    found = access.access_of(actor, membership_id=membership_id)
    about_oneself = found.membership.id == actor.membership_id
    facts = {
        "lines": {line.permission: line for line in found.lines},
        "own": about_oneself,
        "waiting": access_requests.waiting_for(actor) if about_oneself else (),
        "deciders": access.who_decides(actor),
        **_words(),
    }
    return page("organizations/permissions_of_member.html", found=found, **facts)
