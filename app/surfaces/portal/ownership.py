"""Handing the organization over: the owner's offer, and the answer of whom it was made to."""

from uuid import UUID

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.validators import InputRequired

from app.core.access import Actor
from app.core.errors import ValidationFailed
from app.domains.organizations import ownership
from app.domains.organizations.ownership import PAGE
from app.domains.permissions.roles import Role
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.presentation import moment
from app.surfaces.portal.roles import ROLES
from app.surfaces.shared.actor import current_actor

bp = area("ownership")


class OfferForm(PortalForm):
    faults = {"ownership:not_eligible": "member"}
    member = SelectField(_l("New owner"), [InputRequired(_l("Choose a member."))], validate_choice=False)


@banner("ownership")
def offered(actor: Actor) -> Banner | None:
    """Tell somebody to whom the organization is offered."""
    if actor.tenant_id is None or actor.role == Role.OWNER:
        return None
    found = ownership.offered_to(actor)
    if found is None:
        return None
    text = _(
        "%(organization)s is offered to you. Answer until %(moment)s.",
        organization=actor.tenant_name,
        moment=moment(found.expires_at),
    )
    return Banner(text, tone="info", action=_("Look at the offer"), href=PAGE)


def _page() -> FormPage[OfferForm]:
    return FormPage(
        OfferForm,
        "organizations/ownership.html",
        lambda: {"standing": ownership.standing(current_actor()), "roles": ROLES},
    )


@bp.get(PAGE)
@door("user")
def index():
    return _page().show()


@bp.post(f"{PAGE}/offer")
@door("user")
def offer():
    form = _page().take()
    try:
        member = UUID(typed(form.member))
    except ValueError as error:
        raise ValidationFailed({"member": [_("Choose a member.")]}) from error
    ownership.offer(current_actor(), member=member)
    flash(_("Offered. They are told by mail and have seven days to answer."), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/cancel")
@door("user")
def cancel():
    ownership.cancel(current_actor())
    flash(_("The offer is taken back."), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/decline")
@door("user")
def decline():
    ownership.decline(current_actor())
    flash(_("You declined. The owner is told by mail."), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/accept")
@door("user")
def accept():
    ownership.accept(current_actor())
    flash(_("You are the owner of %(name)s now.", name=current_actor().tenant_name), "success")
    return away(PAGE)
