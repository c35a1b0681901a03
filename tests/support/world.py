"""A small world for tests within the process: people, an organization, the mail, the trail."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.core import clock, mail
from app.core.access import Actor, system
from app.core.db import db
from app.core.secrets import seal
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.accounts.passwords import hash_password
from app.domains.accounts.policies import accept_all
from app.domains.audit.models import AuditEvent
from app.domains.tenants import operations as tenants
from app.domains.twofactor import factors, recovery_codes, totp
from app.domains.twofactor.models import Authenticator
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.contract.endpoints import ENDPOINTS
from tests.support.authenticator import code_at

PASSWORD = "correct horse battery 7"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class World:
    """What a test does to the product and what it sees of it; people sign in with ``PASSWORD``."""

    app: Flask
    sent: list[mail.OutgoingMail] = field(default_factory=list)
    before: int = 0
    """How many rows the trail had when what a test is about began."""

    # ---- who is there

    def person(
        self,
        email: str = "jane@world.example",
        *,
        verified: bool = True,
        admin: bool = False,
        agreed: bool = True,
    ) -> int:
        """Make a person with a password, who agreed to the policies or did not; returns the id."""
        with self.app.app_context(), transaction():
            user = User(
                email=email,
                email_key=key_of(email),
                email_verified_at=clock.now() if verified else None,
                first_name="Jane",
                last_name="Doe",
                password_hash=hash_password(PASSWORD),
                password_changed_at=clock.now(),
                is_platform_admin=admin,
            )
            db.session.add(user)
            db.session.flush()  # generate user.id
            if agreed:
                accept_all(user, ip=None)
            return user.id

    def organization(self, owner_id: int, slug: str = "world-corp") -> int:
        """Open an organization for a person; returns the id."""
        with self.app.app_context(), transaction():
            owner = db.session.get_one(User, owner_id)
            actor = Actor(
                kind="session",
                user_id=owner.id,
                user_uid=owner.uid,
                email=owner.email,
                email_verified=True,
                factors=1,
                proven_at=clock.now(),
            )
            return tenants.create(actor, name="World Corp", slug=slug).id

    def persons_id(self, email: str) -> int:
        """Return the id of somebody who is there."""
        with self.app.app_context():
            return db.session.scalars(sa.select(User.id).where(User.email == email)).one()

    def unprove(self, user_id: int) -> None:
        """Forget that a person has proven their address."""
        with self.app.app_context(), transaction():
            db.session.get_one(User, user_id).email_verified_at = None

    def authenticator(self, user_id: int) -> str:
        """Switch a person's second factor on and return the secret in their authenticator app."""
        secret = totp.new_secret()
        with self.app.app_context(), transaction():
            db.session.get_one(User, user_id).two_factor_enabled_at = clock.now()
            sealed = seal(secret, factors.seal_context(user_id))
            db.session.merge(Authenticator(user_id=user_id, secret=sealed))
        return secret

    def recovery_codes(self, user_id: int) -> Sequence[str]:
        """Put ten recovery codes of a person in force and return them."""
        with self.app.app_context(), transaction():
            return recovery_codes.replace(system("test"), db.session.get_one(User, user_id))

    # ---- what is done

    def totp(self, secret: str, steps: int = 0) -> str:
        """Return what an authenticator app shows now, or so many steps from now."""
        with self.app.app_context():
            return code_at(secret, clock.now().timestamp(), steps)

    def call(
        self,
        endpoint_id: str,
        *,
        token: str | None = None,
        json: Any = None,
        path: dict[str, str] | None = None,
    ) -> TestResponse:
        """Call an endpoint of the contract at its first address."""
        method, _ = ENDPOINTS[endpoint_id].calls[0]
        address = ENDPOINTS[endpoint_id].path.format(**(path or {}))
        headers = {"User-Agent": BROWSER} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.app.test_client().open(address, method=method, headers=headers, json=json)

    def done(self, endpoint_id: str, **more: Any) -> Any:
        """Call an endpoint and return the body of its good answer."""
        answer = self.call(endpoint_id, **more)
        assert answer.status_code < 300, (endpoint_id, answer.status_code, answer.text)
        return answer.get_json(silent=True)

    def token(
        self,
        dialect: str,
        email: str = "jane@world.example",
        slug: str = "world-corp",
        password: str = PASSWORD,
    ) -> str:
        """Sign a person in through a dialect and return what its calls are made with."""
        who = {"email": email, "password": password}
        if dialect == "services_v1":
            step = self.done("services_v1.auth.login", json=who)["data"]
            opened = {"login_token": step["login_token"], "carrier": "bearer"}
            return str(self.done("services_v1.auth.authenticate", json=opened)["data"]["access_token"])
        if dialect == "api_v1":
            body = self.done("api_v1.auth.login", json={**who, "tenantSlug": slug})
            return str(body["data"]["accessToken"])
        if dialect == "platform_api":
            return str(self.done("platform_api.auth.login", json=who)["access_token"])
        return str(self.done("v0.auth.login", json={**who, "session_mode": "token"})["session"]["token"])

    def scoped_token(self, email: str = "jane@world.example") -> str:
        """Sign a person in through platform_api and select their one organization."""
        token = self.token("platform_api", email)
        (tenant,) = self.done("platform_api.tenants.list", token=token)
        chosen = {"tenant_id": tenant["id"]}
        return str(self.done("platform_api.auth.select_tenant", token=token, json=chosen)["access_token"])

    # ---- what is seen

    def keep_promises(self) -> None:
        """Do what a worker would do now; mails land in ``sent``."""
        with self.app.app_context():
            keeping.drain()

    def mailed(self, pattern: str) -> str:
        """Return what the newest mail says where the pattern's group is."""
        self.keep_promises()
        for message in reversed(self.sent):
            if found := re.search(pattern, message.text, re.MULTILINE):
                return found[1]
        raise AssertionError(f"no mail says {pattern}: {[m.subject for m in self.sent]}")

    def mailed_code(self) -> str:
        return self.mailed(r"^(\d{6})$")

    def mailed_token(self) -> str:
        return self.mailed(r"[?&]token=([\w-]+)")

    def trail(self) -> list[AuditEvent]:
        """Return all rows of the trail, the oldest first."""
        self.keep_promises()
        with self.app.app_context():
            rows = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
            db.session.expunge_all()
            return list(rows)


@contextmanager
def quiet(app: Flask) -> Iterator[World]:
    """Give an empty world, whose mail goes no further than ``sent``."""
    made = World(app)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mail, "send", lambda message, **_: made.sent.append(message))
        yield made


@pytest.fixture
def world(app: Flask, database: sa.Connection) -> Iterator[World]:
    """Give an empty world, for a test alone."""
    with quiet(app) as made:
        yield made
