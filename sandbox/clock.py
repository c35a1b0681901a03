"""The time as this instance sees it: real time plus the offset that the test clock's file holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path


def now(instance: Path) -> datetime:
    """Return the present moment in UTC, moved by ``$INSTANCE/clock`` (whole seconds) where there is one."""
    try:
        offset = int((instance / "clock").read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        offset = 0
    return datetime.now(UTC) + timedelta(seconds=offset)
