"""For permission profiles: what makes a call leave its row."""

from tests.architecture.audit_cases import JANE, act, leaves
from tests.support.world import World

WANTED = {"name": "Sales Manager", "permissions": [1, 38]}


def signed_in(world: World) -> str:
    world.organization(world.person(JANE))
    return world.token("api_v1")


def made(world: World, token: str) -> dict[str, str]:
    return {"id": str(world.done("api_v1.profiles.create", token=token, json=WANTED)["data"]["id"])}


@leaves("api_v1.profiles.create", "permission_profile.created")
def create(world: World) -> None:
    act(world, "api_v1.profiles.create", token=signed_in(world), json=WANTED)


@leaves("api_v1.profiles.update", "permission_profile.updated")
def update(world: World) -> None:
    token = signed_in(world)
    act(world, "api_v1.profiles.update", token=token, path=made(world, token), json={"permissions": [1]})


@leaves("api_v1.profiles.deactivate", "permission_profile.deactivated")
def deactivate(world: World) -> None:
    token = signed_in(world)
    act(world, "api_v1.profiles.deactivate", token=token, path=made(world, token))


@leaves("api_v1.profiles.activate", "permission_profile.activated")
def activate(world: World) -> None:
    token = signed_in(world)
    path = made(world, token)
    world.done("api_v1.profiles.deactivate", token=token, path=path)
    act(world, "api_v1.profiles.activate", token=token, path=path)
