"""The way to the setup: it says how much is left, and goes when nothing is."""

import re
from html import unescape
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.onboarding.models import SetupClosing, SetupTask, TaskStatus
from app.domains.onboarding.tasks import TASKS
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

PAGE = "/organization/setup"


def badge(visitor: Visitor) -> int | None:
    """Return the number beside the link in the sidebar, None where there is no link."""
    sidebar = visitor.get("/account").text.split('<nav class="rail-nav"')[1].split("</nav>")[0]
    found = re.search(rf'href="{PAGE}".*?(\d+) open tasks?<', sidebar, re.DOTALL)
    return int(found[1]) if found else None


def test_tasks_lead_to_their_pages_in_the_readers_language(world: World) -> None:
    person = world.person()
    world.organization(person)
    with world.app.app_context(), transaction():
        db.session.get_one(User, person).locale = "de"
    jane = Visitor(world.app.test_client())
    jane.sign_in("jane@world.example", PASSWORD)
    shown = jane.get(PAGE).text + jane.get("/dashboard").text
    assert [task.label for task in TASKS.values() if task.label in unescape(shown)] == []
    for task in TASKS.values():
        assert (f'class="link" href="{task.link}"' in shown) == task.has_page or task.link == "/account"


def put(world: World, *rows: Any) -> None:
    with world.app.app_context(), transaction():
        db.session.add_all(rows)


def test_the_sidebar_says_how_much_is_left_until_nothing_is(world: World) -> None:
    tenant_id = world.organization(world.person())
    jane = Visitor(world.app.test_client())
    jane.sign_in("jane@world.example", PASSWORD)
    with world.app.app_context(), transaction():
        db.session.execute(sa.delete(SetupTask))
    assert badge(jane) == len(TASKS)
    codes = list(TASKS)
    put(
        world,
        SetupTask(tenant_id=tenant_id, code=codes[0], status=TaskStatus.COMPLETED),
        SetupTask(tenant_id=tenant_id, code=codes[1], status=TaskStatus.SKIPPED),
        SetupTask(tenant_id=tenant_id, code=codes[2], status=TaskStatus.IN_PROGRESS),
    )
    assert badge(jane) == len(TASKS) - 2
    put(world, SetupClosing(tenant_id=tenant_id, closed_at=clock.now()))
    assert badge(jane) is None
    assert f'href="{PAGE}"' in jane.get("/organization").text, "it stays to be looked at"
