"""What of a plan is in use, told by those who count it, and whether a smaller plan would hold it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import Conflict
from app.core.languages import Sentence
from app.domains.billing.plans import Plan

Counter = Callable[[int], int]
_COUNTERS: dict[str, Counter] = {}

_SAYS: Mapping[str, str] = {
    "seats": "Seats: %(used)s in use, %(most)s included, %(over)s too many.",
    "api_tokens": "API tokens in one environment: %(used)s in use, %(most)s included, %(over)s too many.",
    "projects": "Projects: %(used)s in use, %(most)s included, %(over)s too many.",
    "service_users": (
        "Service users in one environment: %(used)s in use, %(most)s included, %(over)s too many."
    ),
    "client_accounts": (
        "Client accounts in one environment: %(used)s in use, %(most)s included, %(over)s too many."
    ),
    "local_storage_mb": "Files with us: %(used)s MB in use, %(most)s MB included, %(over)s MB too many.",
}
"""What is refused for, by the limits that a smaller plan can be too small for."""


class OverLimit(Conflict):
    code, message = "plan:over_limit", "More is in use than this plan allows."


@dataclass(frozen=True)
class InUse:
    """One limit of a plan and what is in use against it; ``most`` None is no bound."""

    name: str
    used: int
    most: int | None

    @property
    def over(self) -> int:
        """Return by how much the limit is passed."""
        return 0 if self.most is None else max(0, self.used - self.most)

    @property
    def percent(self) -> int:
        """Return how full it is, 100 at most; 0 where there is no bound."""
        return min(100, -(-self.used * 100 // self.most)) if self.most else 0


def counts(name: str) -> Callable[[Counter], Counter]:
    """Register who counts what an organization has of what a plan limits (the catalog's plan_limits)."""

    def register(counter: Counter) -> Counter:
        _COUNTERS[name] = counter
        return counter

    return register


def in_use(tenant_id: int) -> Mapping[str, int]:
    """Return what an organization has of everything that is counted."""
    return {name: _COUNTERS[name](tenant_id) for name in _SAYS if name in _COUNTERS}


def against(used: Mapping[str, int], plan: Plan) -> Sequence[InUse]:
    """Return what is in use beside the limits of a plan."""
    return [InUse(name, number, plan.limits[name]) for name, number in used.items()]


def require_room(tenant_id: int, plan: Plan) -> None:
    """Refuse a plan that is too small for what an organization has.

    :raises OverLimit: it says what is too much, and by how much
    """
    over = [use for use in against(in_use(tenant_id), plan) if use.over]
    if over:
        raise OverLimit(
            layer="plan", remedy="Remove what is too much, or keep the larger plan.", says=_said(over)
        )


def _said(over: Sequence[InUse]) -> Sentence:
    said = {use.name: Sentence(_SAYS[use.name], used=use.used, most=use.most, over=use.over) for use in over}
    whole = " ".join(["%(first)s", *(f"%({name})s" for name in said)])
    return Sentence(whole, first=Sentence(OverLimit.message), **said)
