"""Lists that one click narrows to a day, a week or a month (localization.first_day_of_week)."""

import re
from datetime import UTC, date, datetime

import pytest

from app.core import clock
from app.core.calendars import WEEKDAYS, month_of, week_of
from app.domains.settings.registry import DEFINITIONS
from tests.portal.conftest import Visitor
from tests.support.service import put
from tests.support.world import PASSWORD, World

JANE = "jane@world.example"
AUDIT, LOG = "/organization/audit", "/account/security-log"


@pytest.mark.once
def test_a_week_begins_where_the_calendar_says() -> None:
    assert set(WEEKDAYS) == set(DEFINITIONS["localization.first_day_of_week"].options)
    begins = {"monday": date(2026, 11, 16), "sunday": date(2026, 11, 22), "saturday": date(2026, 11, 21)}
    for first, start in begins.items():
        found = week_of(date(2026, 11, 22), first=first)
        assert (found[0], (found[1] - found[0]).days) == (start, 6)
        assert week_of(found[0], first=first) == week_of(found[1], first=first) == found
    assert month_of(date(2024, 2, 29)) == (date(2024, 2, 1), date(2024, 2, 29))


def test_this_week_is_the_organizations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: sunday)
    world.organization(world.person(JANE))
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(JANE, PASSWORD).status_code == 303
    for page in (AUDIT, LOG):
        assert f'href="{page}?from=2026-11-16&amp;to=2026-11-22">This week' in visitor.get(page).text
        put(world, "localization.first_day_of_week", "sunday", environment="")
        text = visitor.get(page).text
        assert f'href="{page}?from=2026-11-22&amp;to=2026-11-28">This week' in text
        assert f'href="{page}?from=2026-11-15&amp;to=2026-11-21">The week before' in text
        shown = visitor.get(f"{page}?from=2026-11-22&to=2026-11-28").text
        assert re.search(r'aria-current="true">This week', shown)
        put(world, "localization.first_day_of_week", "monday", environment="")
