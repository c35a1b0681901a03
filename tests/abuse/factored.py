"""The ways in as someone with a second factor goes through them: first factor, then a code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.accounts.models import User
from tests.abuse.ways import JANE, LOGINS, SLUG
from tests.portal.conftest import Visitor
from tests.support.calls import code_of
from tests.support.world import PASSWORD, World

CODE_INVALID = {
    "services_v1": (422, "two_factor:code_invalid"),
    "v0": (401, "totp:invalid_code"),
    "portal": (400, ""),
}
"""What a wrong code is called where it is not 401 two_factor:code_invalid."""
TOKEN_INVALID = (401, "auth:login_token_invalid")


@dataclass(frozen=True)
class Factor:
    """A person's second factor, as they hold it."""

    world: World
    secret: str
    codes: Sequence[str]

    def now(self, steps: int = 0) -> str:
        return self.world.totp(self.secret, steps)


def factor_of(world: World, email: str = JANE) -> Factor:
    """Switch a person's second factor on."""
    with world.app.app_context():
        person = db.session.scalars(sa.select(User.id).where(User.email == email)).one()
    return Factor(world, world.authenticator(person), world.recovery_codes(person))


# ---- the two that take a token in between


def login_token(world: World, email: str = JANE, password: str = PASSWORD) -> str:
    body = LOGINS["services_v1"].call(world, email=email, password=password).get_json()
    return str(body["data"]["login_token"])


def temp_token(world: World, email: str = JANE, password: str = PASSWORD) -> str:
    answer = LOGINS["v0"].call(world, email=email, password=password)
    assert answer.status_code == 202
    return str(answer.get_json()["temp_token"])


def authenticate(world: World, token: str, code: str) -> TestResponse:
    method = "authenticator" if code.isdigit() and len(code) == 6 else "recovery_code"
    body = {"login_token": token, "method": method, "code": code}
    return world.call("services_v1.auth.authenticate", json=body)


def verify(world: World, token: str, code: str) -> TestResponse:
    return world.call("v0.totp.verify", json={"temp_token": token, "code": code})


STEPS: Mapping[str, tuple[Callable[..., str], Callable[..., TestResponse]]] = {
    "services_v1": (login_token, authenticate),
    "v0": (temp_token, verify),
}


# ---- all of them


def _by_steps(dialect: str) -> Callable[..., TestResponse]:
    first, second = STEPS[dialect]
    return lambda world, code, **who: second(world, first(world, **who), code)


def _by_password(endpoint_id: str, field: str, **more: str) -> Callable[..., TestResponse]:
    def sign_in(world: World, code: str, email: str = JANE, password: str = PASSWORD) -> TestResponse:
        body = {"email": email, "password": password, **more, field: code}
        return world.call(endpoint_id, json=body)

    return sign_in


def _by_mailed_code(world: World, code: str, email: str = JANE) -> TestResponse:
    world.done("platform_api.auth.otp_request", json={"email": email})
    body = {"email": email, "code": world.mailed_code(), "two_factor_code": code}
    return world.call("platform_api.auth.otp_verify", json=body)


def _by_pages(world: World, code: str, email: str = JANE, password: str = PASSWORD) -> TestResponse:
    """Go through the portal's two pages; answers the last page that says something."""
    visitor = Visitor(world.app.test_client())
    first = visitor.sign_in(email, password)
    if first.status_code != 303:
        return first
    kind = "" if code.isdigit() and len(code) == 6 else "/recovery-code"
    page = f"/sign-in/second-factor{kind}"
    second = visitor.send(page, {"code": code}, on=page)
    return visitor.get("/account/sessions") if second.status_code == 303 else second


@dataclass(frozen=True)
class FactoredWay:
    """A way in with both factors in one go."""

    dialect: str
    sign_in: Callable[..., TestResponse]
    mailed: bool = False

    @property
    def code_invalid(self) -> tuple[int, str]:
        return CODE_INVALID.get(self.dialect, (401, "two_factor:code_invalid"))

    def said(self, answer: TestResponse) -> tuple[int, str]:
        if self.dialect == "portal":
            return answer.status_code, ""
        return answer.status_code, code_of(self.dialect, answer.get_json())


WAYS: Mapping[str, FactoredWay] = {
    "services_v1": FactoredWay("services_v1", _by_steps("services_v1")),
    "api_v1": FactoredWay("api_v1", _by_password("api_v1.auth.login", "twoFactorCode", tenantSlug=SLUG)),
    "platform_api": FactoredWay("platform_api", _by_password("platform_api.auth.login", "two_factor_code")),
    "mailed code": FactoredWay("platform_api", _by_mailed_code, mailed=True),
    "v0": FactoredWay("v0", _by_steps("v0")),
    "portal": FactoredWay("portal", _by_pages),
}
