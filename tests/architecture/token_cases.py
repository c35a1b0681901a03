"""For API tokens: what makes a call leave its row."""

from tests.architecture.audit_cases import JANE, act, leaves
from tests.support.world import World

WANTED = {"name": "Nightly export", "scopes": ["read"]}


@leaves("services_v1.api_tokens.create", "api_token.created", "tenant.created")
def create_where_nobody_has_an_organization(world: World) -> None:
    world.person(JANE)
    act(world, "services_v1.api_tokens.create", token=world.token("services_v1"), json=WANTED)


@leaves("services_v1.api_tokens.revoke", "api_token.revoked")
def revoke(world: World) -> None:
    world.person(JANE)
    token = world.token("services_v1")
    made = world.done("services_v1.api_tokens.create", token=token, json=WANTED)["data"]
    act(world, "services_v1.api_tokens.revoke", token=token, json={"token_id": made["id"]})
