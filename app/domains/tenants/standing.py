"""What follows where an organization is suspended, closed or opened again, whoever does it."""

from collections.abc import Callable

from app.domains.tenants.models import Tenant, TenantStatus

Follower = Callable[[Tenant, TenantStatus], None]
_FOLLOWERS: list[Follower] = []


def on_change(follower: Follower) -> Follower:
    """Register what follows, in the same transaction: it gets the organization, and its status before."""
    _FOLLOWERS.append(follower)
    return follower


def changed(tenant: Tenant, before: TenantStatus) -> None:
    """Let all that follows from a change of status happen."""
    for follower in _FOLLOWERS:
        follower(tenant, before)
