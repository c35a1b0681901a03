"""What abuse is tried on: Jane and her organization, Charlie and his."""

import pytest

from tests.abuse.ways import CHARLIE, JANE
from tests.support.world import World


@pytest.fixture
def town(world: World) -> World:
    """Give a world in which Jane and Charlie each own an organization."""
    world.organization(world.person(JANE))
    world.organization(world.person(CHARLIE), slug="other-corp")
    world.keep_promises()
    world.sent.clear()  # the welcomes
    return world
