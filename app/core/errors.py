"""What can go wrong, by kind; the codes and sentences stand where they are raised.

No HTTP in here: a kind is turned into a status by the dialect that words it (catalog: error_kinds).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

FieldErrors = Mapping[str, Sequence[str]]


LAYERS = frozenset(
    {
        "account",
        "environment",
        "limit",
        "organization",
        "plan",
        "platform",
        "role",
        "scope",
        "session",
        "status",
        "token",
    }
)
"""What can refuse: the state of the account or the sign-in, the kind of credential and its scopes, the role
with its profile, the environment, the organization's status, its rules and plan, the platform, a limit."""


class AppError(Exception):
    """Base of every expected failure: a kind, a code of the catalog and a sentence a person may read."""

    kind: ClassVar[str]
    code: ClassVar[str]
    message: str
    """The catalog's sentence; ``says`` gives one of several that a code may say."""
    layer: str | None = None
    """Which layer refused, one of ``LAYERS``."""
    remedy: str | None = None
    """Who can change it or what to do next, in a sentence."""
    commits: bool = False
    """Whether what was written before it stays (a counted failure, an audit row)."""

    def __init__(
        self,
        *,
        fields: FieldErrors | None = None,
        retry_after: int | None = None,
        layer: str | None = None,
        remedy: str | None = None,
        says: str | None = None,
        needs: str | None = None,
    ) -> None:
        if says is not None:
            self.message = says
        super().__init__(self.message)
        self.fields = fields or {}
        self.retry_after = retry_after
        if layer is not None:
            self.layer = layer
        if remedy is not None:
            self.remedy = remedy
        self.needs = needs
        """What would have let it pass and can be asked for: a permission's code, or ``role:`` and a role."""


class Malformed(AppError):
    kind = "malformed"


class Invalid(AppError):
    kind = "invalid"


class Refused(AppError):
    kind = "refused"


class Unauthenticated(AppError):
    kind = "unauthenticated"


class OverPlan(AppError):
    kind = "over_plan"


class Forbidden(AppError):
    kind = "forbidden"


class NotFound(AppError):
    kind = "not_found"


class BadMethod(AppError):
    kind = "bad_method"


class Conflict(AppError):
    kind = "conflict"


class TooLarge(AppError):
    kind = "too_large"


class BadMedia(AppError):
    kind = "bad_media"


class TooMany(AppError):
    kind = "too_many"


class Broken(AppError):
    kind = "broken"


class Upstream(AppError):
    kind = "upstream"


class Down(AppError):
    kind = "down"


class ValidationFailed(Invalid):
    """Fields that the request alone shows to be wrong: names by the operation's keywords."""

    code, message = "validation", "Some fields need your attention."

    def __init__(self, fields: FieldErrors) -> None:
        super().__init__(fields=fields)


class NothingHere(NotFound):
    code, message = "route:not_found", "There is nothing at this address."


class BadCursor(Invalid):
    code, message = "pagination:bad_cursor", "This cursor does not belong to this list."


class Internal(Broken):
    code, message = "internal", "Something went wrong on our side."


class Unavailable(Down):
    code, message = "unavailable", "The service is not available right now."

    def __init__(self, retry_after: int = 2) -> None:
        super().__init__(retry_after=retry_after)


class DatabaseDown(Down):
    code, message = "health:database_down", "The database does not answer."

    def __init__(self) -> None:
        super().__init__(retry_after=2)


class RateLimited(TooMany):
    """A bucket is full; ``limit`` and ``period`` describe the fullest of its rules."""

    code, message = "rate:limited", "Too many calls. Try again later."

    def __init__(self, *, bucket: str, limit: int, period: int, retry_after: int) -> None:
        super().__init__(retry_after=max(1, retry_after), layer="limit")
        self.bucket, self.limit, self.period = bucket, limit, period
