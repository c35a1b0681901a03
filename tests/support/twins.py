"""Two organizations that have the same of everything, for tests that one never reaches the other's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import Base, db
from app.core.environments import Environment
from app.core.stepwise import ExportState
from app.domains.accounts.models import User
from app.domains.archiving.models import AuditExport
from app.domains.billing.models import Invoice
from app.domains.organizations.models import JoinRequest, TenantDomain, TenantExport
from app.domains.permissions.models import AccessRequest
from app.domains.permissions.roles import Role
from app.domains.settings.models import SettingChange
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.members import join, plan
from tests.support.service import ServiceUser, newcomer, service_user
from tests.support.world import PASSWORD, World

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Twin:
    """One organization, its owner's credentials and an id of each kind of thing that it has."""

    slug: str
    tenant_id: int
    owner: str
    ids: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    service: ServiceUser | None = None
    browser: FlaskClient | None = None
    proof: str = ""
    """Of origin, for the forms of that browser."""


def twin(world: World, slug: str) -> Twin:
    """Open an organization and give it one of everything."""
    owner = f"owner@{slug}.example"
    made = Twin(slug, world.organization(world.person(owner), slug), owner)
    plan(world, slug=slug)
    membership_id = join(world, f"sam@{slug}.example", slug=slug)
    made.tokens = {
        "api_v1": world.token("api_v1", owner, slug),
        "platform_api": world.scoped_token(owner),
        "services_v1": world.token("services_v1", owner),
    }
    api, scoped = made.tokens["api_v1"], made.tokens["platform_api"]
    invited = {"email": f"new@{slug}.example", "role": "member"}
    invitation = world.done("platform_api.invites.create", token=scoped, json=invited)["id"]
    people = world.done("api_v1.users.list", token=api)["data"]
    profile = {"name": "Sales", "permissions": [1]}
    change = {"value": "https://acme.example"}
    world.done("api_v1.org_settings.update", token=api, path={"key": "general.website"}, json=change)
    api_token = {"name": "A token", "scopes": ["read"]}
    made.ids = {
        "membership": membership_id,
        "invited": next(one["id"] for one in people if one["status"] == "invited"),
        "person": next(one["uuid"] for one in people if one["id"] == membership_id),
        "invitation": invitation.removeprefix("inv_"),
        "profile": world.done("api_v1.profiles.create", token=api, json=profile)["data"]["id"],
        "api_token": world.done(
            "services_v1.api_tokens.create", token=made.tokens["services_v1"], json=api_token
        )["data"]["uid"],
    }
    _with_clients(world, made)
    _with_rows(world, made)
    return made


def _with_clients(world: World, made: Twin) -> None:
    made.service = service_user(world, slug=made.slug)
    client_id = str(uuid4())
    token = made.service.done("account.signup", json=newcomer(client_id))["client_token"]
    made.ids["client"] = client_id
    made.ids["client_session"] = made.service.done("session.verify", json={"client_token": token})[
        "session_id"
    ]
    made.ids["client_token"] = token


def _with_rows(world: World, made: Twin) -> None:
    """Note the ids that no answer shows, and put in what no call of a test makes."""
    with world.app.app_context(), transaction():
        member = db.session.get_one(Membership, made.ids["membership"])
        asked = AccessRequest(
            tenant_id=made.tenant_id,
            user_id=member.user_id,
            wanted="billing.manage",
            expires_at=clock.now() + timedelta(days=1),
        )
        db.session.add(asked)
        joining = JoinRequest(tenant_id=made.tenant_id, user_id=_somebody(made), asked_at=clock.now())
        domain = TenantDomain(tenant_id=made.tenant_id, domain=f"{made.slug}.com", token=made.slug)
        export = TenantExport(
            tenant_id=made.tenant_id,
            state=ExportState.READY,
            folder=made.slug,
            size=1,
            requested_at=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )
        trail = AuditExport(
            user_id=_owner_id(made),
            tenant_id=made.tenant_id,
            environment=Environment.PROD,
            form="csv",
            state=ExportState.READY,
            size=0,
            requested_at=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )
        db.session.add_all((joining, domain, export, trail))
        db.session.flush()  # generate its uid
        change = sa.select(SettingChange.id).where(SettingChange.tenant_id == made.tenant_id).limit(1)
        made.ids |= {
            "membership_uid": str(member.uid),
            "access_request": str(asked.uid),
            "join_request": str(joining.uid),
            "domain": str(domain.uid),
            "tenant_export": str(export.uid),
            "audit_export": str(trail.uid),
            "setting_change": db.session.scalar(change),
            "tenant": str(db.session.get_one(Tenant, made.tenant_id).uid),
            "service_user": str(_service_user_uid(made)),
            "invoice": str(_invoice_uid(made)),
        }


def _owner_id(made: Twin) -> int:
    owner = sa.select(Membership.user_id).where(
        Membership.tenant_id == made.tenant_id, Membership.role == Role.OWNER
    )
    return db.session.scalars(owner).one()


def _invoice_uid(made: Twin) -> UUID:
    now = clock.now()
    written = Invoice(
        tenant_id=made.tenant_id,
        number=f"INV-{made.slug}",
        year=now.year,
        sequence=made.tenant_id,
        subscription_uid=uuid4(),
        plan_code="pro",
        period_start=now,
        period_end=now,
        currency="USD",
        lines=[],
        total=1,
        credited=0,
        customer={"name": made.slug, "address": []},
        issued_at=now,
        due_at=now,
    )
    db.session.add(written)
    db.session.flush()  # generate its uid
    return written.uid


def _somebody(made: Twin) -> int:
    """Make somebody who is no member; returns the id."""
    email = f"eve@{made.slug}.example"
    person = User(email=email, email_key=email, email_verified_at=clock.now())
    db.session.add(person)
    db.session.flush()  # generate its id
    return person.id


def _service_user_uid(made: Twin) -> UUID:
    assert made.service is not None
    query = sa.text("SELECT uid FROM service_users WHERE id = :id").columns(uid=sa.Uuid())
    return UUID(str(db.session.scalar(query, {"id": made.service.id})))


def browse(world: World, made: Twin) -> None:
    """Sign the owner in to the portal, with a proof of who they are."""
    made.browser = world.app.test_client()
    token = _TOKEN.search(made.browser.get("/sign-in").text)
    assert token
    fields = {"csrf_token": token[1], "email": made.owner, "password": PASSWORD}
    answer = made.browser.post("/sign-in", data=fields)
    assert answer.status_code == 303
    found = _TOKEN.search(made.browser.get("/account/password").text)
    assert found
    made.proof = found[1]


def send(made: Twin, method: str, path: str, fields: Mapping[str, str]) -> TestResponse:
    """Ask for a page, or send a form from one of our own."""
    assert made.browser is not None
    if method == "GET":
        return made.browser.get(path)
    return made.browser.post(path, data={"csrf_token": made.proof, **fields})


def belongings(world: World, made: Twin) -> Mapping[str, Sequence[str]]:
    """Return every row of an organization, table by table."""
    with world.app.app_context():
        found = {}
        for table in Base.metadata.sorted_tables:
            if "tenant_id" in table.c and table.name not in _COUNTED:
                rows = db.session.execute(sa.select(table).where(table.c.tenant_id == made.tenant_id))
                found[table.name] = sorted(str(tuple(row)) for row in rows)
        return found


_COUNTED = frozenset({"call_counts", "audit_events"})
"""Calls are counted; the trail is looked at by itself."""
