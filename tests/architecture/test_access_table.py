"""I06: every route of every dialect, by every kind of caller, against the published access table.

The table is the contract: an entry's ``auth`` word, its ``needs perm:CODE``, the scopes and roles of the
catalogs. Each cell is one call with an empty body, rolled back: whoever may not is refused for who they are,
before anything of the call itself is looked at.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock
from app.core.db import db
from app.core.permissions import Permission
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared import throttles
from app.surfaces.shared.transaction import transaction
from tests.architecture.test_strangers import address
from tests.contract.endpoints import BY_CALL, ENDPOINTS, Call, Endpoint, routes
from tests.support.service import SLUG, service_user
from tests.support.world import World

OWNER = "olga@world.example"
UNAUTHENTICATED = "auth:unauthenticated"
INTERACTIVE = "auth:interactive_session_required"
SCOPE, ROLE, PERMISSION = "auth:scope_missing", "auth:role_required", "auth:permission_denied"
GLOBAL, SCOPED, ADMIN = (
    "auth:global_token_required",
    "auth:tenant_token_required",
    "auth:platform_admin_required",
)
DOOR = {UNAUTHENTICATED, INTERACTIVE, SCOPE, ROLE, PERMISSION, GLOBAL, SCOPED, ADMIN}
NEEDS = re.compile(r"needs perm:([a-z_.]+)")
ROLES = {"viewer": Role.VIEWER, "member": Role.MEMBER, "manager": Role.MANAGER, "admin": Role.ADMIN}
TENANT_ADMINS = frozenset({"admin"})
BY_ROLE = {
    "role:tenant_admin": TENANT_ADMINS,
    "role:tenant_admin,manager": TENANT_ADMINS | {"manager"},
    "role:owner,admin": TENANT_ADMINS,
}
"""Who passes where a role is asked for; the read token is an owner's, so that only its scope stops it."""

MINE_TOO = {"platform_api.members.remove"}
"""Calls that everybody may make about themselves: who they are about is looked at first."""


# ---- who calls


def person(world: World, name: str, role: Role) -> str:
    email = f"{name}@world.example"
    user_id = world.person(email)
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id)).one()
        made = Membership(tenant_id=tenant_id, user_id=user_id, role=role, status=MembershipStatus.ACTIVE)
        made.joined_at = clock.now()
        db.session.add(made)
    return world.token("api_v1", email)


def reading_token(world: World) -> str:
    body = {"name": "Sweeper", "scopes": ["read"]}
    made = world.done("services_v1.api_tokens.create", token=world.token("services_v1", OWNER), json=body)
    return str(made["data"]["token"])


def platform_admin(world: World) -> str:
    world.person("pia@platform.example", admin=True)
    return world.token("platform_api", "pia@platform.example")


PRINCIPALS: dict[str, Callable[[World], str | None]] = {
    "anonymous": lambda world: None,
    **{name: lambda world, name=name, role=role: person(world, name, role) for name, role in ROLES.items()},  # type: ignore[misc]
    "token": reading_token,
    "global": lambda world: world.token("platform_api", OWNER),
    "platform_admin": platform_admin,
    "service": lambda world: service_user(world).token,
}
"""By name: what makes the caller and returns the bearer token that they show."""


# ---- what the table says


def needed(endpoint: Endpoint) -> set[Permission]:
    told = f"{endpoint.entry['auth']} {endpoint.entry.get('note', '')}"
    named = set(NEEDS.findall(told)) | set(re.findall(r"perm:([a-z_.]+)", str(endpoint.entry["auth"])))
    return {Permission(code.rstrip(".")) for code in named}


def expected(endpoint: Endpoint, who: str, view: Any) -> set[str]:
    """Return the codes of which one must be answered; empty where the caller must pass."""
    auth = str(endpoint.entry["auth"]).partition(" ")[0]
    if auth == "public" or auth == who == "service":
        return set()
    if who in ("anonymous", "service") or auth == "service":
        return {UNAUTHENTICATED}
    in_tenant = who in ROLES or who == "token"
    if refusal := of_credential(endpoint, auth, who, in_tenant=in_tenant):
        return {refusal}
    if who == "token":
        return token_stopped(endpoint, view)
    if role := next((word for word in str(endpoint.entry["auth"]).split() if word in BY_ROLE), None):
        return set() if who in BY_ROLE[role] else {ROLE}
    lacks = in_tenant and not needed(endpoint) <= ROLES[who].base
    return {PERMISSION} if lacks and endpoint.id not in MINE_TOO else set()


def of_credential(endpoint: Endpoint, auth: str, who: str, *, in_tenant: bool) -> str:
    """Return what is said to this kind of credential, nothing where it is one that is taken."""
    by_auth = {
        "tenant": (in_tenant, UNAUTHENTICATED),
        "role:tenant_admin": (in_tenant, UNAUTHENTICATED),
        "role:tenant_admin,manager": (in_tenant, UNAUTHENTICATED),
        "scoped": (in_tenant, SCOPED),
        "global": (not in_tenant, GLOBAL),
        "platform_admin": (who == "platform_admin", ADMIN),
    }
    taken, refusal = by_auth.get(auth, (True, ""))
    if who == "token" and endpoint.id.startswith("api_v1.auth."):
        return UNAUTHENTICATED
    return "" if taken else refusal


def token_stopped(endpoint: Endpoint, view: Any) -> set[str]:
    if getattr(view, "interactive", False):
        return {INTERACTIVE}
    scope = getattr(view, "scope", None) or ("read" if endpoint.entry["method"] == "GET" else "write")
    return set() if scope == "read" else {SCOPE}


# ---- what is answered


def code_of(body: Any) -> str:
    if not isinstance(body, Mapping):
        return ""
    error = body.get("error")
    return str(error.get("code") if isinstance(error, Mapping) else body.get("code") or "")


def own_codes(endpoint: Endpoint) -> set[str]:
    named = endpoint.entry.get("errors", {}).values()
    return {code for codes in named for code in ([codes] if isinstance(codes, str) else codes)}


def cells(app: Flask) -> Iterator[tuple[Call, Endpoint, Any, str]]:
    """Yield each endpoint once, at the first of its addresses that is there."""
    there = routes(app)
    for endpoint in ENDPOINTS.values():
        call = next((call for call in endpoint.calls if call in there), None)
        if call is not None:
            rule = there[call]
            yield call, endpoint, app.view_functions[rule.endpoint], address(rule)


def knock(
    world: World, database: sa.Connection, method: str, path: str, token: str | None
) -> tuple[int, str]:
    """Make one call with an empty body, and take back whatever it did."""
    body = {} if method == "GET" else {"json": {}}
    headers = {"X-Platform-Id": SLUG} | ({"Authorization": f"Bearer {token}"} if token else {})
    throttles.forget()
    savepoint = database.begin_nested()
    try:
        answer = world.app.test_client().open(path, method=method, headers=headers, **body)
        return answer.status_code, code_of(answer.get_json(silent=True))
    finally:
        savepoint.rollback()


@pytest.mark.parametrize("who", PRINCIPALS)
def test_i06_every_route_answers_as_the_table_says(world: World, database: sa.Connection, who: str) -> None:
    world.organization(world.person(OWNER))
    token = PRINCIPALS[who](world)
    wrong = []
    for call, endpoint, view, path in cells(world.app):
        wanted = expected(endpoint, who, view)
        status, code = knock(world, database, call[0], path, token)
        own = own_codes(endpoint)
        if wanted and code not in wanted:
            wrong.append(f"{endpoint.id}: {status} {code}, not one of {sorted(wanted)}")
        elif not wanted and code in DOOR - own:
            wrong.append(f"{endpoint.id}: {status} {code}, but {who} may")
        elif status >= 500:
            wrong.append(f"{endpoint.id}: {status}")
    assert wrong == [], "\n" + "\n".join(wrong)


def test_the_table_has_all_that_the_product_has(app: Flask) -> None:
    assert {endpoint.id for _, endpoint, _, _ in cells(app)} == {
        BY_CALL[call].id for call in routes(app) if call in BY_CALL
    }
