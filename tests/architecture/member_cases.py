"""For changes to the people of an organization: what makes a call leave its row."""

from typing import Any

from tests.architecture.audit_cases import act, leaves
from tests.support.members import join, membership_of, plan, uid_of
from tests.support.world import World

KIM = "kim@world.example"


def with_kim(world: World) -> None:
    world.organization(world.person())
    plan(world)
    join(world, KIM)


def with_kim_invited(world: World) -> None:
    world.organization(world.person())
    plan(world)
    wanted = {"email": KIM, "firstName": "Kim", "lastName": "Lee"}
    world.done("api_v1.users.create", token=world.token("api_v1"), json=wanted)


def by_number(world: World, name: str, json: Any = None) -> None:
    path = {"id": str(membership_of(world, KIM))}
    act(world, f"api_v1.users.{name}", token=world.token("api_v1"), path=path, json=json)


def by_person(world: World, name: str, json: Any = None) -> None:
    path = {"user_id": uid_of(world, KIM)}
    act(world, f"platform_api.members.{name}", token=world.scoped_token(), path=path, json=json)


@leaves("api_v1.users.update", "member.updated")
def update(world: World) -> None:
    with_kim(world)
    by_number(world, "update", {"role": "manager", "lastName": "Roe"})


@leaves("api_v1.users.deactivate", "member.deactivated")
def deactivate(world: World) -> None:
    with_kim(world)
    by_number(world, "deactivate")


@leaves("api_v1.users.deactivate", "invitation.revoked")
def deactivate_the_invited(world: World) -> None:
    with_kim_invited(world)
    by_number(world, "deactivate")


@leaves("api_v1.users.activate", "member.activated")
def activate(world: World) -> None:
    with_kim(world)
    path = {"id": str(membership_of(world, KIM))}
    world.done("api_v1.users.deactivate", token=world.token("api_v1"), path=path)
    by_number(world, "activate")


@leaves("api_v1.users.delete_permanent", "member.erased")
def erase(world: World) -> None:
    with_kim(world)
    by_number(world, "delete_permanent")


@leaves("platform_api.members.update_role", "member.updated")
def change_role(world: World) -> None:
    with_kim(world)
    by_person(world, "update_role", {"role": "manager"})


@leaves("platform_api.members.remove", "member.removed")
def remove(world: World) -> None:
    with_kim(world)
    by_person(world, "remove")


@leaves("platform_api.members.remove", "invitation.revoked")
def remove_the_invited(world: World) -> None:
    with_kim_invited(world)
    by_person(world, "remove")
