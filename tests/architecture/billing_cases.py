"""For plans: what makes a call leave its row."""

from tests.architecture.audit_cases import act, leaves
from tests.architecture.platform_cases import ROOT
from tests.support.world import World


@leaves("platform_api.billing.subscribe", "subscription.changed")
def subscribe(world: World) -> None:
    world.organization(world.person())
    token = world.scoped_token()
    act(world, "platform_api.billing.subscribe", token=token, json={"plan_id": "plan_pro"})


@leaves("platform_api.admin.set_tenant_plan", "subscription.changed")
def set_tenant_plan(world: World) -> None:
    world.organization(world.person())
    tenant = world.done("platform_api.tenant.info", token=world.scoped_token())["id"]
    world.person(ROOT, admin=True)
    root = world.token("platform_api", ROOT)
    body = {"plan_id": "plan_enterprise"}
    act(world, "platform_api.admin.set_tenant_plan", token=root, path={"tenant_id": tenant}, json=body)
