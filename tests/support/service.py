"""An organization with service users, for tests within the process: what they call and what is seen of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.core.environments import Environment
from app.core.ids import Ref
from app.core.permissions import Permission
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.clients import service_users
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import World

SLUG = "world-corp"
PASSWORD = "new_client"
"""Of clients: as short as the source's sample."""


def put(world: World, key: str, value: Any, *, slug: str = SLUG, environment: str = "prod") -> None:
    """Give a setting an organization's value in one environment."""
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug))
        found = db.session.scalar(
            sa.select(SettingValue).where(
                SettingValue.tenant_id == tenant_id,
                SettingValue.key == key,
                SettingValue.environment == environment,
            )
        )
        if found is None:
            found = SettingValue(tenant_id=tenant_id, key=key, environment=environment)
            db.session.add(found)
        found.value = value


def keeper(world: World, *, slug: str = SLUG, environment: str = "prod") -> Actor:
    """Return a person who has just signed in and keeps an organization's service users and clients."""
    with world.app.app_context(), transaction(read_only=True):
        tenant = db.session.scalars(sa.select(Tenant).where(Tenant.slug == slug)).one()
        user = db.session.scalars(sa.select(User).order_by(User.id).limit(1)).one()
        return Actor(
            kind="session",
            user_id=user.id,
            user_uid=user.uid,
            factors=2,
            proven_at=clock.now(),
            tenant_id=tenant.id,
            tenant_uid=tenant.uid,
            tenant_slug=tenant.slug,
            tenant_name=tenant.name,
            permissions=frozenset(Permission),
            environment=Environment(environment),
        )


@dataclass
class ServiceUser:
    """A program that calls client_v1 for one organization and environment."""

    world: World
    name: str
    password: str
    slug: str = SLUG
    environment: str = "prod"
    id: int = 0
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Platform-Id": self.slug, "X-Platform-Env": self.environment}

    @property
    def keeper(self) -> Actor:
        return keeper(self.world, slug=self.slug, environment=self.environment)

    @property
    def ref(self) -> Ref:
        return Ref(id=self.id)

    def call(
        self,
        endpoint_id: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        query: Mapping[str, str] | None = None,
        **path: str,
    ) -> TestResponse:
        """Call an endpoint of client_v1, its name without the dialect, with the token that is held."""
        endpoint = ENDPOINTS[f"client_v1.{endpoint_id}"]
        sent = dict(self.headers if headers is None else headers)
        shown = self.token if token is None else token
        if shown:
            sent["Authorization"] = f"Bearer {shown}"
        method, _ = endpoint.calls[0]
        address = endpoint.path.format(**path)
        client = self.world.app.test_client()
        return client.open(address, method=method, headers=sent, json=json, query_string=query)

    def done(self, endpoint_id: str, **more: Any) -> Any:
        """Call an endpoint and return the body of its good answer."""
        answer = self.call(endpoint_id, **more)
        wanted = ENDPOINTS[f"client_v1.{endpoint_id}"].entry["returns"]["status"]
        assert answer.status_code == wanted, (endpoint_id, answer.status_code, answer.text)
        return answer.get_json(silent=True)

    def refused(self, endpoint_id: str, expected: str, **more: Any) -> TestResponse:
        """Call an endpoint that is refused as ``"401 auth:unauthenticated"``."""
        answer = self.call(endpoint_id, **more)
        body = answer.get_json()
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message"}
        assert f"{answer.status_code} {body['error']['code']}" == expected, answer.text
        return answer

    def sign_in(self) -> "ServiceUser":
        """Get a new token and hold it."""
        who = {"username": self.name, "password": self.password}
        self.token = str(self.done("auth.login_password", token="", json=who)["api_token"])
        return self

    def client(self, email: str = "new_client@client.com", password: str = PASSWORD) -> tuple[str, str]:
        """Sign a client up; returns the integrator's id and the client's token."""
        user_id = str(uuid4())
        body = newcomer(user_id, email, password)
        return user_id, str(self.done("account.signup", json=body)["client_token"])


def newcomer(user_id: str, email: str = "new_client@client.com", password: str = PASSWORD) -> dict[str, Any]:
    name = {"first_name": "new", "last_name": "client"}
    return {"user_id": user_id, "email": email, "name": name, "password": password}


def service_user(
    world: World, *, slug: str = SLUG, environment: str = "prod", enabled: bool = True
) -> ServiceUser:
    """Make a service user, and its organization where it is not there; it has signed in."""
    with world.app.app_context(), transaction(read_only=True):
        there = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug)) is not None
        owner = db.session.scalar(
            sa.select(User.id).where(User.email_key == key_of(f"{slug}@owners.example"))
        )
    if not there:
        world.organization(owner or world.person(f"{slug}@owners.example"), slug)
    if enabled:
        put(world, "clients.enabled", True, slug=slug, environment=environment)
    name = f"service-{secrets.token_hex(4)}"
    with world.app.app_context(), transaction():
        made = service_users.create(keeper(world, slug=slug, environment=environment), name=name)
        found = ServiceUser(world, name, made.password, slug, environment, made.service_user.id)
    return found.sign_in()


def rotate(user: ServiceUser, *, overlap: timedelta = timedelta(0)) -> None:
    """Give a service user a new password as its keeper does."""
    actor = user.keeper
    with user.world.app.app_context(), transaction():
        user.password = service_users.rotate(actor, service_user=user.ref, overlap=overlap).password


def keep(user: ServiceUser, operation: Any, **how: Any) -> Any:
    """Do something to a service user as its keeper does."""
    actor = user.keeper
    with user.world.app.app_context(), transaction():
        return operation(actor, service_user=user.ref, **how)
