"""What abuse is tried on: Jane and her organization, Charlie and his."""

import pytest
from flask import Flask

from tests.abuse.ways import CHARLIE, JANE
from tests.support.in_process import Ground
from tests.support.world import World, quiet


@pytest.fixture(scope="module")
def founded(app: Flask, ground: Ground) -> None:
    """Let Jane and Charlie each found an organization: once for a file, and as new in each of its tests."""
    with ground.used(), quiet(app) as world:
        world.organization(world.person(JANE))
        world.organization(world.person(CHARLIE), slug="other-corp")
        world.keep_promises()  # the welcomes


@pytest.fixture
def town(founded: None, world: World) -> World:
    """Give a world in which Jane and Charlie each own an organization."""
    return world
