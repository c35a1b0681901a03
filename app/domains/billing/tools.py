"""The products of the instance beside the portal, as the catalog has them, and what projects have of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.access import Access, Actor, operation
from app.core.errors import NotFound
from app.core.links import public_url
from app.core.paging import Page, Window


class ProjectNotFound(NotFound):
    code, message = "project:not_found", "There is no such project."


class ToolStatus(StrEnum):
    AVAILABLE = "available"
    BETA = "beta"
    RETIRED = "retired"


@dataclass(frozen=True)
class ToolPrice:
    """What a plan costs for an interval, in the smallest unit of the currency."""

    interval: str
    amount: int
    currency: str


@dataclass(frozen=True)
class ToolPlan:
    """One plan of a product."""

    code: str
    name: str
    trial_days: int
    prices: Sequence[ToolPrice]
    features: Sequence[str]


@dataclass(frozen=True)
class Tool:
    """One product of the instance."""

    code: str
    name: str
    description: str
    status: ToolStatus
    plans: Sequence[ToolPlan]
    url: str | None = None
    """Where it runs; None while the instance has no address for it."""

    @property
    def icon_url(self) -> str:
        """Return the address of its picture."""
        return public_url("/static/img/portico.svg")

    @property
    def project(self) -> None:
        """Return what the caller's project has of it: nobody has a project."""
        return None


def _plan(code: str, name: str, monthly: int, yearly: int, features: Sequence[str]) -> ToolPlan:
    prices = (ToolPrice("month", monthly, "EUR"), ToolPrice("year", yearly, "EUR"))
    return ToolPlan(code, name, 14, prices, features)


TOOLS: Sequence[Tool] = (
    Tool(
        code="website",
        name="Website",
        description="Build and publish a site on your own domain.",
        status=ToolStatus.AVAILABLE,
        plans=(
            _plan("basic", "Basic", 900, 9_000, ("Own domain", "Ten pages")),
            _plan("pro", "Pro", 1_900, 19_000, ("Own domain", "Unlimited pages")),
        ),
    ),
)


@operation(Access.SIGNED_IN)
def catalogue(
    actor: Actor, *, window: Window, project_id: int | None = None, status: ToolStatus | None = None
) -> Page[Tool]:
    """Return the products of the instance.

    :raises ProjectNotFound: if a project is named, for there is none
    """
    if project_id is not None:
        raise ProjectNotFound
    found = [tool for tool in TOOLS if status in (None, tool.status)]
    return Page(found[window.offset : window.offset + window.limit], len(found), window)
