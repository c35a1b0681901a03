"""Weeks and months as a calendar has them: where a week begins is a matter of where one lives."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

WEEKDAYS: Mapping[str, int] = {"monday": 0, "sunday": 6, "saturday": 5}
"""The days that a week can begin with (``localization.first_day_of_week``), counted as Python counts them."""

Span = tuple[date, date]
"""From a day to another, both included."""


def week_of(day: date, *, first: str) -> Span:
    """Return the week that a day is in.

    :param first: one of ``WEEKDAYS``
    """
    start = day - timedelta(days=(day.weekday() - WEEKDAYS[first]) % 7)
    return start, start + timedelta(days=6)


def month_of(day: date) -> Span:
    """Return the month that a day is in."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
