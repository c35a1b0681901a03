"""The plans of an organization, as the catalog has them; None means no bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import NotFound


class PlanNotFound(NotFound):
    code, message = "plan:not_found", "There is no such plan."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One plan: prices in whole units of ``billing.currency``, limits that the product enforces."""

    code: str
    name: str
    monthly: int | None
    yearly: int | None
    features: tuple[str, ...]
    purchasable: bool
    limits: Mapping[str, int | None]


def _limits(
    seats: int | None,
    api_tokens: int | None,
    requests_per_month: int | None,
    log_retention_days: int,
    projects: int | None,
    service_users: int | None,
    client_accounts: int | None,
    local_storage_mb: int | None,
) -> Mapping[str, int | None]:
    return {
        "seats": seats,
        "api_tokens": api_tokens,
        "requests_per_month": requests_per_month,
        "log_retention_days": log_retention_days,
        "projects": projects,
        "service_users": service_users,
        "client_accounts": client_accounts,
        "local_storage_mb": local_storage_mb,
    }


DEV = Plan(
    code="dev",
    name="Developer",
    monthly=0,
    yearly=0,
    features=("10,000 req/month", "1 API key", "7-day log retention"),
    purchasable=False,
    limits=_limits(3, 1, 10_000, 7, 5, 1, 100, 1_024),
)
PRO = Plan(
    code="pro",
    name="Pro",
    monthly=299,
    yearly=2_990,
    features=("500,000 req/month", "10 API keys", "90-day log retention", "ML violation detection"),
    purchasable=True,
    limits=_limits(25, 10, 500_000, 90, 100, 10, 10_000, 51_200),
)
ENTERPRISE = Plan(
    code="enterprise",
    name="Enterprise",
    monthly=None,
    yearly=None,
    features=(
        "Unlimited requests",
        "Unlimited keys",
        "365-day retention",
        "Custom ML models",
        "On-premise option",
    ),
    purchasable=False,
    limits=_limits(None, None, None, 365, None, None, None, None),
)

PLANS: Mapping[str, Plan] = {plan.code: plan for plan in (DEV, PRO, ENTERPRISE)}

IN_ORDER: Sequence[Plan] = sorted(
    PLANS.values(), key=lambda plan: (plan.monthly is None, plan.monthly or 0, plan.code)
)
"""Cheapest first, those by agreement last."""


def plan_named(code: str) -> Plan:
    """Return the plan of a code.

    :raises PlanNotFound: if there is none
    """
    if code not in PLANS:
        raise PlanNotFound
    return PLANS[code]
