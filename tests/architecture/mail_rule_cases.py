"""For the rules of an organization's mail: what makes a call leave its row."""

from collections.abc import Callable
from typing import Any

from app.domains.email.unsubscribing import unsubscribe_url
from tests.architecture.audit_cases import JANE, act, leaves
from tests.support.world import World

CHANGES: dict[str, dict[str, Any]] = {
    "tracking": {"openTracking": True},
    "compliance": {"gdpr": {"enabled": True}},
    "footer": {"enabled": True},
    "deliverability": {"domain": "acme.com"},
}


def changing(part: str) -> Callable[[World], None]:
    def case(world: World) -> None:
        world.organization(world.person(JANE))
        token = world.token("api_v1")
        act(world, f"api_v1.email_settings.{part}_put", token=token, json=CHANGES[part])

    return case


for name in CHANGES:
    leaves(f"api_v1.email_settings.{name}_put", f"email_settings.{name}_updated")(changing(name))


@leaves("api_v1.web.unsubscribe", "user.unsubscribed")
def leaving_by_a_link(world: World) -> None:
    jane = world.person(JANE)
    tenant_id = world.organization(jane)
    with world.app.app_context():
        address = unsubscribe_url(tenant_id=tenant_id, user_id=jane, event="billing.seats_low")
    act(world, "api_v1.web.unsubscribe", path={"token": address.rpartition("/")[2]})
