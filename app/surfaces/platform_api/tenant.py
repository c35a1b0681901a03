"""The organization that the token works in."""

from typing import Any

import marshmallow as ma

from app.domains.billing.models import SubscriptionStatus
from app.domains.tenants import queries
from app.surfaces.platform_api.dialect import SCOPED_ONLY, blp, door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, PrefixedId
from app.surfaces.shared.openapi import Schema

_SUBSCRIPTION_WORDS = {
    SubscriptionStatus.TRIALING: "TRIALING",
    SubscriptionStatus.PAST_DUE: "PAST_DUE",
    SubscriptionStatus.CANCELLED: "CANCELLED",
}
"""Everything else is ACTIVE here: the free plan, which nobody buys, runs from month to month."""


class SubscriptionWord(ma.fields.String):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return _SUBSCRIPTION_WORDS.get(value, "ACTIVE")


class SubscriptionOut(Schema):
    plan = ma.fields.String(attribute="plan.name")
    status = SubscriptionWord()
    end_date = Moment(attribute="ends_at")


class InfoOut(Schema):
    id = PrefixedId("ten", attribute="tenant.uid")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    status = ma.fields.String(attribute="tenant.status")
    billing_email = ma.fields.String(attribute="tenant.billing_email")
    subscription = ma.fields.Nested(SubscriptionOut, attribute="standing")


@blp.get("/service/info")
@door("scoped")
@blp.refuses({403: SCOPED_ONLY})
@blp.response(200, InfoOut)
def info():
    """Show the token's organization and its subscription."""
    return queries.sheet(current_actor())
