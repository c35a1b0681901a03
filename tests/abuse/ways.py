"""The ways in that are tried with abuse: what each dialect calls the same thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.limits import RateCounter
from app.surfaces.shared.transaction import transaction
from tests.contract.endpoints import ENDPOINTS
from tests.support.calls import code_of
from tests.support.world import BROWSER, PASSWORD, World

JANE = "jane@world.example"
CHARLIE = "charlie@other.example"
SLUG = "world-corp"
NEW_PASSWORD = "quite another password"

Body = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One dialect's call for something that several dialects have."""

    id: str
    body: Callable[..., Body]

    @property
    def dialect(self) -> str:
        return self.id.partition(".")[0]

    @property
    def address(self) -> str:
        return ENDPOINTS[self.id].path

    def call(self, world: World, /, **values: Any) -> TestResponse:
        return world.call(self.id, json=self.body(**values))

    def code(self, answer: TestResponse) -> str:
        return code_of(self.dialect, answer.get_json())


def _login(email: Any = JANE, password: Any = PASSWORD) -> Body:
    return {"email": email, "password": password}


def _email(email: Any = JANE) -> Body:
    return {"email": email}


LOGINS: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way("services_v1.auth.login", _login),
        Way("api_v1.auth.login", lambda **who: {**_login(**who), "tenantSlug": SLUG}),
        Way("platform_api.auth.login", _login),
        Way("v0.auth.login", _login),
    )
}

REGISTRATIONS: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way(
            "services_v1.auth.create_account",
            lambda email, password=PASSWORD: {
                **_login(email, password),
                "password_confirmation": password,
                "first_name": "Kim",
                "last_name": "Low",
                "accept_policies": True,
            },
        ),
        Way(
            "api_v1.tenants.register",
            lambda email, password=PASSWORD: {
                "companyName": "Kim Corp",
                "slug": "kim-corp",
                "adminEmail": email,
                "adminPassword": password,
                "adminFirstName": "Kim",
                "adminLastName": "Low",
            },
        ),
        Way(
            "platform_api.auth.register",
            lambda email, password=PASSWORD: {
                **_login(email, password),
                "first_name": "Kim",
                "last_name": "Low",
            },
        ),
        Way(
            "v0.users.register",
            lambda email, password=PASSWORD: {
                **_login(email, password),
                "handle": "kim_low",
                "display_name": "Kim",
            },
        ),
    )
}

FORGETTINGS: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way("services_v1.auth.forgot_password", _email),
        Way("api_v1.auth.password_forgot", lambda email=JANE: {"email": email, "tenantSlug": SLUG}),
        Way("platform_api.auth.forgot_password", _email),
        Way("v0.auth.forgot_password", _email),
    )
}

RESETS: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way(
            "services_v1.auth.reset_password",
            lambda token, password=NEW_PASSWORD: {
                "token": token,
                "password": password,
                "password_confirmation": password,
            },
        ),
        Way(
            "api_v1.auth.password_reset",
            lambda token, password=NEW_PASSWORD: {"token": token, "password": password},
        ),
        Way(
            "platform_api.auth.reset_password",
            lambda token, password=NEW_PASSWORD: {"token": token, "new_password": password},
        ),
        Way(
            "v0.auth.reset_password",
            lambda token, password=NEW_PASSWORD: {"token": token, "new_password": password},
        ),
    )
}

CHANGES: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way(
            "services_v1.user.update_password",
            lambda old=PASSWORD, new=NEW_PASSWORD: {
                "current_password": old,
                "password": new,
                "password_confirmation": new,
            },
        ),
        Way(
            "api_v1.auth.password_change",
            lambda old=PASSWORD, new=NEW_PASSWORD: {"currentPassword": old, "newPassword": new},
        ),
        Way(
            "platform_api.auth.change_password",
            lambda old=PASSWORD, new=NEW_PASSWORD: {"current_password": old, "new_password": new},
        ),
        Way(
            "v0.auth.change_password",
            lambda old=PASSWORD, new=NEW_PASSWORD: {"current_password": old, "new_password": new},
        ),
    )
}

MES: Mapping[str, str] = {
    "services_v1": "services_v1.user.get",
    "api_v1": "api_v1.auth.me",
    "platform_api": "platform_api.auth.me",
    "v0": "v0.users.me",
}
"""What shows a caller who they are."""

REFRESHES: Mapping[str, Way] = {
    way.dialect: way
    for way in (
        Way("api_v1.auth.refresh", lambda token: {"refreshToken": token}),
        Way("platform_api.auth.refresh", lambda token: {"refresh_token": token}),
    )
}


def refresh_token_of(world: World, dialect: str) -> str:
    """Sign Jane in and return the refresh token."""
    body = world.done(LOGINS[dialect].id, json=LOGINS[dialect].body())
    return str(body["data"]["refreshToken"] if dialect == "api_v1" else body["refresh_token"])


def refresh_token_in(dialect: str, answer: TestResponse) -> str:
    body = answer.get_json()
    return str(body["data"]["refreshToken"] if dialect == "api_v1" else body["refresh_token"])


def signed_in(answer: TestResponse) -> bool:
    """Say whether an answer lets anybody in: a token, a cookie, a next step."""
    return answer.status_code < 300 or "session_id=" in answer.headers.get("Set-Cookie", "")


def knock(
    world: World,
    address: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> TestResponse:
    """Call any address in any way."""
    sent = {"User-Agent": BROWSER, **(headers or {})}
    return world.app.test_client(use_cookies=False).open(
        address, method=method, headers=sent, environ_overrides=dict(environ or {}), **more
    )


def unlimited(world: World, buckets: str = "%") -> None:
    """Forget what was counted, all of it or in buckets of a name, where a test is about something else."""
    with world.app.app_context(), transaction():
        db.session.execute(sa.delete(RateCounter).where(RateCounter.bucket.like(buckets)))
