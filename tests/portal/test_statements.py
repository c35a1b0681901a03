"""What a page costs: its frame takes four statements, whatever may have to stand above it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.portal.conftest import Visitor
from tests.support.members import join, plan
from tests.support.world import PASSWORD, World

JANE = "jane@world.example"
USUAL = (
    "/dashboard",
    "/organizations",
    "/account",
    "/account/preferences",
    "/account/security",
    "/account/sessions",
    "/account/security-log",
    "/account/tokens",
    "/organization",
    "/organization/members",
    "/organization/settings",
    "/organization/permissions",
    "/organization/setup",
)
MOST = 9


@pytest.fixture
def counted(database: sa.Connection) -> Iterator[Callable[[], int]]:
    """Return a function that says how many statements ran since it was asked last."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ran.append(statement)

    sa.event.listen(database, "before_cursor_execute", note)

    def count() -> int:
        so_far = len([s for s in ran if not s.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))])
        ran.clear()
        return so_far

    yield count
    sa.event.remove(database, "before_cursor_execute", note)


def test_no_usual_page_takes_many_statements(world: World, counted: Callable[[], int]) -> None:
    world.organization(world.person(JANE))
    plan(world)
    join(world, "kim@world.example", first_name="Kim", last_name="Lee")
    visitor = Visitor(world.app.test_client())
    visitor.sign_in(JANE, PASSWORD)
    taken = {}
    for path in USUAL:
        counted()
        assert visitor.get(path).status_code == 200
        taken[path] = counted()
    assert {path: number for path, number in taken.items() if number > MOST} == {}
