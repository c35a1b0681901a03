"""An organization's demand for the second factor: whom it concerns, from when on, what each is told."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField
from wtforms.validators import InputRequired, Optional

from app.core.access import Actor
from app.core.errors import ValidationFailed
from app.core.paging import CursorWindow
from app.domains.settings.factor_demand import FactorDemand
from app.domains.twofactor import enforcement, queries
from app.domains.twofactor.queries import Demanding
from app.surfaces.portal.banners import Banner, banner
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door
from app.surfaces.portal.i18n import manner
from app.surfaces.shared.actor import current_actor

bp = area("enforcement")

PAGE = "/organization/security"
PER_PAGE = 20
_SET_UP = "/account/security"


_CHOICES = {
    "off": _l("Everybody decides for themselves"),
    "day": _l("Demanded from a day on"),
    "now": _l("Demanded at once"),
}


class DemandForm(PortalForm):
    faults = {"two_factor:would_lock_out": "demand"}
    demand = RadioField(
        _l("Second factor"),
        [InputRequired(_l("Choose one."))],
    )
    day = DateField(_l("First day"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.demand.choices = list(_CHOICES.items())


def _demand_page() -> FormPage[DemandForm]:
    return FormPage(DemandForm, "organizations/security.html", _facts)


def _facts() -> dict[str, Any]:
    actor = current_actor()
    standing = enforcement.standing(actor)
    window = CursorWindow(limit=PER_PAGE, cursor=request.args.get("cursor"))
    return {
        "standing": standing,
        "preview": enforcement.preview(actor, window=window),
        "begins": _written(standing.demand.day),
        "paged": bool(window.cursor),
    }


def _written(day: date | None) -> str:
    """Write a day of a calendar out; it has no time zone to move it."""
    return manner().day(datetime.combine(day, time(12), tzinfo=manner().zone)) if day else ""


@bp.get("/organization/security")
@door("user")
def demand_form():
    shown = _demand_page()
    standing = enforcement.standing(current_actor())
    shown.form.demand.data = _choice(standing.demand)
    shown.form.day.data = standing.demand.day or standing.proposed_day
    return shown.show()


def _choice(demand: FactorDemand) -> str:
    if not demand.on:
        return "off"
    return "day" if demand.is_announced() else "now"


@bp.post("/organization/security")
@door("user")
def demand():
    form = _demand_page().take()
    from_day = form.demand.data == "day"
    if from_day and form.day.data is None:
        raise ValidationFailed({"day": [_("Choose the first day.")]})
    made = enforcement.demand(
        current_actor(), on=form.demand.data != "off", day=form.day.data if from_day else None
    )
    flash(_told(made), "success")
    return away(PAGE)


def _told(demand: FactorDemand) -> str:
    if not demand.on:
        return _("Everybody decides for themselves again.")
    if demand.day is None:
        return _("The second factor is demanded now. Those without one are told by mail.")
    return _(
        "The second factor is demanded from %(day)s on. Those without one are told by mail.",
        day=_written(demand.day),
    )


# ---- Above every page


@banner("factor_demand")
def _asked_for(actor: Actor) -> Banner | None:
    """Tell members who would be, or are, refused what to do about it."""
    has_one = actor.particulars.two_factor_enabled
    if has_one and actor.factors > 1:
        return None
    found = queries.demanded_by(actor)
    return _to_show_it(found) if has_one else _to_set_up(found)


def _to_show_it(found: Sequence[Demanding]) -> Banner | None:
    held = [one.name for one in found if one.demand.holds()]
    if not held:
        return None
    text = _("%(name)s takes only sign-ins that have shown the second factor.", name=held[0])
    return Banner(text, "warning", _("Show it"), "/step-up?next=/dashboard")


def _to_set_up(found: Sequence[Demanding]) -> Banner | None:
    if not found:
        return None
    first = min(found, key=lambda one: one.demand.begins_at or datetime.min.replace(tzinfo=UTC))
    if first.demand.holds():
        text = _("%(name)s asks for a second factor. Set one up to work there.", name=first.name)
        return Banner(text, "danger", _("Set it up"), _SET_UP)
    text = _(
        "%(name)s asks for a second factor from %(day)s on: set it up.",
        name=first.name,
        day=_written(first.demand.day),
    )
    return Banner(text, "warning", _("Set it up"), _SET_UP)
