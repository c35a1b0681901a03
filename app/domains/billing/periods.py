"""Months that are paid: counted from one moment on, so that the end of a month is kept."""

from calendar import monthrange
from datetime import datetime


def after_months(start: datetime, months: int) -> datetime:
    """Return the moment so many months on: 31 January, 28 February, 31 March."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def next_month(anchor: datetime, after: datetime) -> datetime:
    """Return the first end, after a moment, of the months that roll on from ``anchor``."""
    months = max(1, (after.year - anchor.year) * 12 + after.month - anchor.month)
    ends = after_months(anchor, months)
    return ends if ends > after else after_months(anchor, months + 1)


def part_of(amount: int, part: tuple[datetime, datetime], whole: tuple[datetime, datetime]) -> int:
    """Return what a part of a paid time costs, rounded down to the smallest unit."""
    return int(amount * ((part[1] - part[0]) / (whole[1] - whole[0])))
