"""People of an organization whom api_v1 acts on, and how it is asked to."""

from typing import Any

from werkzeug.test import TestResponse

from tests.support.members import join, membership_of, plan
from tests.support.world import World

OWNER, ADMIN, MANAGER, MEMBER = (
    "jane@world.example",
    "ada@world.example",
    "max@world.example",
    "kim@world.example",
)


def staff(world: World) -> World:
    """Found an organization with an owner, an admin, a manager and a member."""
    world.organization(world.person(OWNER))
    plan(world)
    join(world, ADMIN, "admin", first_name="Ada", last_name="Byron")
    join(world, MANAGER, "manager", first_name="Max", last_name="Roe")
    join(world, MEMBER, first_name="Kim", last_name="Äpfel")
    return world


def act(world: World, name: str, who: str, whom: str | int, **body: Any) -> TestResponse:
    number = whom if isinstance(whom, int) else membership_of(world, whom)
    return world.call(
        f"api_v1.users.{name}", token=world.token("api_v1", who), path={"id": str(number)}, json=body or None
    )


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, str(answer.get_json()["error"]["code"])
