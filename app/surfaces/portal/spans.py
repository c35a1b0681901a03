"""Days, weeks and months that one click narrows a list to, as the organization's calendar has them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.calendars import Span, month_of, week_of
from app.domains.settings import queries as settings
from app.surfaces.shared.actor import current_actor


@dataclass(frozen=True)
class Offered:
    """A span with what it is called."""

    label: Any
    span: Span

    @property
    def asked(self) -> dict[str, str]:
        """Return it as it stands in an address."""
        first, last = self.span
        return {"from": first.isoformat(), "to": last.isoformat()}

    def is_in(self, asked: dict[str, str]) -> bool:
        """Say whether a list is narrowed to it."""
        return self.asked == {name: asked.get(name) for name in ("from", "to")}


def offered(tenant_id: int | None) -> list[Offered]:
    """Return the spans that end with today's, in the reader's time zone."""
    today = clock.now().astimezone(ZoneInfo(current_actor().particulars.timezone or "UTC")).date()
    first = settings.first_day_of_week(tenant_id)
    week = week_of(today, first=first)
    return [
        Offered(_l("Today"), (today, today)),
        Offered(_l("This week"), week),
        Offered(_l("The week before"), week_of(week[0] - timedelta(days=1), first=first)),
        Offered(_l("This month"), month_of(today)),
    ]
