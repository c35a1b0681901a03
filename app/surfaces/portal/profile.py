"""The person as others see them: names, handle, contact, picture."""

import re
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FileField, StringField, TelField, TextAreaField
from wtforms.validators import Length

from app.core.buckets import IMAGE_UPLOADS
from app.core.errors import ValidationFailed
from app.domains.accounts import details, pictures, profiles, queries
from app.domains.accounts.models import User
from app.domains.accounts.profiles import ProfileChanges
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared.actor import current_actor

bp = area("profile")

_AROUND_A_PICTURE = 64 * 1024
_BETWEEN_DIGITS = re.compile(r"[\s().\-/]")


class DetailsForm(PortalForm):
    faults = {"user:handle_taken": "handle", "user:handle_change_limit": "handle"}
    first_name = StringField(_l("First name"), [Length(max=100)])
    last_name = StringField(_l("Last name"), [Length(max=100)])
    phone = TelField(_l("Phone"), [Length(max=40)])
    display_name = StringField(_l("Display name"), [Length(max=50)])
    handle = StringField(_l("Handle"), [Length(max=15)])
    bio = TextAreaField(_l("About you"), [Length(max=400)])
    is_public = BooleanField(_l("Show this page to everybody"))


class PictureForm(PortalForm):
    faults = {
        f"image:{code}": "picture"
        for code in ("too_large", "unsupported_type", "undecodable", "bad_dimensions")
    }
    picture = FileField(_l("Picture"))


def _filled(person: User) -> DetailsForm:
    return DetailsForm(formdata=None, obj=person)


def _details_page() -> FormPage[DetailsForm]:
    return FormPage(DetailsForm, "account/profile.html", lambda: _facts(picture=PictureForm(formdata=None)))


def _picture_page() -> FormPage[PictureForm]:
    return FormPage(PictureForm, "account/profile.html", _facts)


def _facts(**forms: PortalForm) -> dict[str, Any]:
    person = queries.me(current_actor())
    missing = {} if "picture" in forms else {"details": _filled(person)}
    own = bool(person.avatar and person.avatar.startswith("/media/"))
    return {"person": person, "own_picture": person.avatar if own else "", **forms, **missing}


@bp.url_value_preprocessor
def _make_room(endpoint: str | None, _values: Any) -> None:
    """Let a picture in where one is sent; it is read before the view, with the form's token."""
    if endpoint == f"{bp.name}.upload":
        request.max_content_length = pictures.MOST_BYTES + _AROUND_A_PICTURE


@bp.get("/account")
@door("user")
def profile():
    shown = _details_page()
    shown.form = _filled(queries.me(current_actor()))
    return shown.show()


@bp.post("/account")
@door("user")
def save():
    form, actor = _details_page().take(), current_actor()
    person = queries.me(actor)
    details.update_details(actor, changes=_details_of(form, person))
    profiles.update_page(actor, changes=_page_of(form, person))
    flash(_("Your profile is saved."), "success")
    return away("/account")


@bp.post("/account/picture")
@door("user", limit=IMAGE_UPLOADS)
def upload():
    _picture_page().take()
    pictures.upload(current_actor(), content=_sent())
    flash(_("This is your picture now."), "success")
    return away("/account")


@bp.post("/account/picture/remove")
@door("user")
def remove():
    pictures.remove(current_actor())
    flash(_("Your picture is removed."), "success")
    return away("/account")


def _details_of(form: DetailsForm, person: User) -> details.DetailChanges:
    """Return what is to change; who never gave a name may stay without."""
    phone = _BETWEEN_DIGITS.sub("", typed(form.phone))
    changes: details.DetailChanges = {"phone": re.sub(r"^00", "+", phone) or None}
    first, last = typed(form.first_name).strip(), typed(form.last_name).strip()
    if first != person.first_name:
        changes["first_name"] = first
    if last != person.last_name:
        changes["last_name"] = last
    return changes


def _page_of(form: DetailsForm, person: User) -> ProfileChanges:
    """Return what is to change; a handle or display name never chosen may stay so."""
    bio = typed(form.bio).replace("\r\n", "\n").strip()
    changes: ProfileChanges = {"bio": bio or None, "is_public": bool(form.is_public.data)}
    name, handle = typed(form.display_name).strip(), typed(form.handle).strip().lower()
    if name != (person.display_name or ""):
        changes["display_name"] = name
    if handle != (person.handle or ""):
        changes["handle"] = handle
    return changes


def _sent() -> bytes:
    """Return the file as it came, also when the work on it begins anew."""
    file = request.files.get("picture")
    if file is None or not file.filename:
        raise ValidationFailed({"picture": [_("Choose a picture first.")]})
    file.stream.seek(0)
    return file.stream.read()
