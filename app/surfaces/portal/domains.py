"""The organization's domains: named, proven by a record, let go of."""

from typing import Any
from uuid import UUID

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.buckets import DNS_LOOKUPS
from app.domains.organizations import domains
from app.domains.organizations.domains import PAGE
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.shared.actor import current_actor

bp = area("domains")


class DomainForm(PortalForm):
    domain = StringField(
        _l("Domain"), [InputRequired(_l("Give a domain such as acme.com.")), Length(max=253)]
    )


def _facts() -> dict[str, Any]:
    actor = current_actor()
    return {
        "domains": domains.domains(actor),
        "joining": domains.way(actor),
    }


def _page() -> FormPage[DomainForm]:
    return FormPage(DomainForm, "organizations/domains.html", _facts)


@bp.get(PAGE)
@door("user")
def index():
    return _page().show()


@bp.post(PAGE)
@door("user")
def add():
    form = _page().take()
    made = domains.add(current_actor(), domain=typed(form.domain))
    flash(_("Now put the record for %(domain)s into the DNS, then check it.", domain=made.domain), "info")
    return away(PAGE)


@bp.post(f"{PAGE}/<uuid:domain_uid>/verify")
@door("user", limit=DNS_LOOKUPS)
def verify(domain_uid: UUID):
    found = domains.verify(current_actor(), uid=domain_uid)
    flash(_("%(domain)s is proven.", domain=found.domain), "success")
    return away(PAGE)


@bp.post(f"{PAGE}/<uuid:domain_uid>/remove")
@door("user")
def remove(domain_uid: UUID):
    domains.remove(current_actor(), uid=domain_uid)
    flash(_("The domain is removed. Members stay."), "success")
    return away(PAGE)
