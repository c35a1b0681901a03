"""When an organization demands the second factor: decided here, wherever it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from app.core import clock
from app.core.languages import zone_of

DEMAND_KEYS = ("auth.mfa_enforced", "auth.mfa_enforced_from", "localization.timezone")
"""The settings that decide it; ask for them together."""

LOCKED_TOGETHER = {"auth.mfa_enforced": "auth.mfa_enforced_from"}
"""Who may not touch the switch may not put its day off either."""


@dataclass(frozen=True)
class FactorDemand:
    """Whether an organization demands the second factor, and from when on."""

    on: bool
    day: date | None = None
    begins_at: datetime | None = None
    """00:00 of that day where the organization is (``localization.timezone``); None: at once."""

    def holds(self, now: datetime | None = None) -> bool:
        """Say whether people without it are refused by now."""
        return self.on and (self.begins_at is None or self.begins_at <= (now or clock.now()))

    def is_announced(self, now: datetime | None = None) -> bool:
        """Say whether it is coming: nobody is refused yet, people are asked to set one up."""
        return self.on and not self.holds(now)


def factor_demand(values: Mapping[Any, Any]) -> FactorDemand:
    """Return what an organization's values of ``DEMAND_KEYS`` come to; None stands for the default."""
    if values["auth.mfa_enforced"] is not True:
        return FactorDemand(on=False)
    day = _day(values["auth.mfa_enforced_from"])
    if day is None:
        return FactorDemand(on=True)
    zone = zone_of(str(values["localization.timezone"] or "UTC"))
    return FactorDemand(on=True, day=day, begins_at=datetime.combine(day, time(), tzinfo=zone))


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None  # nothing but a day is ever stored; whatever else stands there puts nothing off
