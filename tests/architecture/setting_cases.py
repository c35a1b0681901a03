"""For settings: what makes a call leave its row."""

from typing import Any

from tests.architecture.audit_cases import JANE, act, leaves
from tests.support.world import World

ADMIN = "platform@world.example"
KEY = {"key": "invites.expiry_days"}


def owners_token(world: World) -> str:
    world.organization(world.person(JANE))
    return world.scoped_token(JANE)


def admins_token(world: World) -> str:
    world.person(ADMIN, admin=True)
    return world.token("platform_api", ADMIN)


@leaves("api_v1.org_settings.update", "setting.updated")
def update_flat(world: World) -> None:
    act(world, "api_v1.org_settings.update", token=owners_token(world), path=KEY, json={"value": 3})


@leaves("platform_api.configs.update", "setting.updated")
def update_in_the_tree(world: World) -> None:
    act(world, "platform_api.configs.update", token=owners_token(world), path=KEY, json={"value": 3})


def impose(world: World, *bodies: dict[str, Any]) -> None:
    token = admins_token(world)
    *before, last = bodies
    for body in before:
        world.done("platform_api.admin.update_config", token=token, path=KEY, json=body)
    act(world, "platform_api.admin.update_config", token=token, path=KEY, json=last)


@leaves("platform_api.admin.update_config", "setting.updated")
def set_for_all(world: World) -> None:
    impose(world, {"value": 14})


@leaves("platform_api.admin.update_config", "setting.locked")
def lock_for_all(world: World) -> None:
    impose(world, {"value": 14, "is_locked": True})


@leaves("platform_api.admin.update_config", "setting.unlocked")
def free_for_all(world: World) -> None:
    impose(world, {"value": 14, "is_locked": True}, {"value": 14, "is_locked": False})
