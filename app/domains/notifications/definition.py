"""The shape of a notification event's definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Kind(StrEnum):
    """Transactional mail is never tracked and cannot be unsubscribed from."""

    TRANSACTIONAL = "transactional"
    OPTIONAL = "optional"


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"


Channels = Mapping[Channel, bool]


@dataclass(frozen=True)
class NotificationEvent:
    """One event; a channel that is absent cannot carry it, the others say whether they are on by default."""

    number: int
    key: str
    label: str
    priority: Priority
    channels: Channels
    short: str | None = None
    mandatory: bool = False
    """No preference, Do Not Disturb, digest or consent holds it back."""
    kind: Kind = Kind.OPTIONAL
    external: bool = False
    """Whether a module may raise it from outside."""

    @property
    def area(self) -> str:
        """Return the part of the product it belongs to."""
        return self.key.partition(".")[0]
