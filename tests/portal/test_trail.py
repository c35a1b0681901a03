"""Every form of the portal, sent once, leaves exactly the rows of the trail that it should.

The forms are those of the route table: a new one fails here until a story sends it.
"""

import pytest
from flask import Flask

from tests.contract.endpoints import routes
from tests.portal.trail_door import DOOR
from tests.portal.trail_own import OWN
from tests.portal.trail_people import PEOPLE
from tests.portal.trail_platform import PLATFORM
from tests.portal.trail_steps import Story
from tests.portal.trail_workings import WORKINGS
from tests.support.dns import DnsServer
from tests.support.world import World

STORIES = {"door": DOOR, "own": OWN, "people": PEOPLE, "workings": WORKINGS, "platform": PLATFORM}


@pytest.mark.once  # on both databases what they do is tried through the APIs
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
@pytest.mark.usefixtures("move_clock")
def test_p02_each_form_leaves_its_rows_and_no_other(world: World, dns: DnsServer, story: Story) -> None:
    wrong = story.play(world, dns)
    assert wrong == [], "\n".join(wrong)


def test_every_form_is_sent_in_a_story(app: Flask) -> None:
    posts = {
        rule.rule
        for (method, _), rule in routes(app).items()
        if method == "POST" and rule.endpoint.startswith("portal_")
    }
    sent = {step.rule for story in STORIES.values() for step in story.steps}
    assert len(posts) > 150
    assert sorted(posts - sent) == []
    assert sorted(sent - posts) == []


def test_what_leaves_no_row_says_why() -> None:
    steps = [step for story in STORIES.values() for step in story.steps]
    assert [step.rule for step in steps if bool(step.kinds) == bool(step.none)] == []
