"""Every kind of thing that opens something for Jane: how it comes to be, and whether it still opens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import JANE, NEW_PASSWORD, knock, refresh_token_of, unlimited
from tests.portal.conftest import Visitor
from tests.portal.passkey_steps import added
from tests.support.world import PASSWORD, World

NEW_ADDRESS = "jane.roe@world.example"


@dataclass(frozen=True)
class Held:
    """One credential as whoever holds it has it."""

    value: str
    session_id: int | None = None
    """What services_v1's list calls the sign-in behind it."""


@dataclass(frozen=True)
class Kind:
    """One kind of credential."""

    name: str
    make: Callable[[World], Held]
    opens: Callable[[World, Held], bool]
    """Try it, for good where it can be used once: say whether it opened."""
    traits: frozenset[str] = field(default_factory=frozenset)
    """session: of a sign-in; tenant: works in the organization; refresh: is swapped; step: leads into one."""


def bearer(endpoint: str) -> Callable[[World, Held], bool]:
    return lambda world, held: world.call(endpoint, token=held.value).status_code == 200


def taken(endpoint: str, field: str, **more: Any) -> Callable[[World, Held], bool]:
    """Say whether a call takes the credential out of its body."""

    def opens(world: World, held: Held) -> bool:
        unlimited(world)  # what is asked here is not how often
        return world.call(endpoint, json={field: held.value, **more}).status_code < 300

    return opens


def session_of(world: World, token: str) -> int:
    (current,) = [
        row for row in world.done("services_v1.active_sessions.list", token=token)["data"] if row["current"]
    ]
    return int(current["id"])


def _signed_in(dialect: str) -> Callable[[World], Held]:
    def make(world: World) -> Held:
        token = world.token(dialect)
        return Held(token, session_of(world, token))

    return make


def _scoped(world: World) -> Held:
    token = world.scoped_token()
    return Held(token, session_of(world, token))


def _cookie(world: World) -> Held:
    answer = world.call("v0.auth.login", json={"email": JANE, "password": PASSWORD})
    value = answer.headers["Set-Cookie"].partition("session_id=")[2].partition(";")[0]
    rows = knock(
        world, "/services/platforms/v1/active-sessions/list", headers={"Cookie": f"session_id={value}"}
    ).get_json()
    return Held(value, next(row["id"] for row in rows["data"] if row["current"]))


def _cookie_opens(world: World, held: Held) -> bool:
    return knock(world, "/v0/user/me", headers={"Cookie": f"session_id={held.value}"}).status_code == 200


def _refresh(dialect: str) -> Callable[[World], Held]:
    return lambda world: Held(refresh_token_of(world, dialect))


def _api_token(world: World) -> Held:
    wanted = {"name": "Nightly export", "scopes": ["read"]}
    made = world.done("services_v1.api_tokens.create", token=world.token("services_v1"), json=wanted)["data"]
    return Held(made["token"], made["id"])


def _login_token(world: World) -> Held:
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})
    return Held(step["data"]["login_token"])


def _reset_link(world: World) -> Held:
    world.done("v0.auth.forgot_password", json={"email": JANE})
    return Held(world.mailed_token())


def _sign_in_code(world: World) -> Held:
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    return Held(world.mailed_code())


def _sign_in_code_opens(world: World, held: Held) -> bool:
    return taken("platform_api.auth.otp_verify", "code", email=JANE)(world, held)


def _security_code(world: World) -> Held:
    """Ask for a code in a session; whoever wants to use it needs that session too."""
    token = world.token("services_v1")
    world.done("services_v1.two_factor.email_code", token=token)
    return Held(f"{world.mailed_code()} {token}", session_of(world, token))


def _security_code_opens(world: World, held: Held) -> bool:
    code, _, token = held.value.partition(" ")
    proof = {"method": "email_code", "code": code}
    return (
        world.call("services_v1.two_factor.security_verification", token=token, json=proof).status_code < 300
    )


def _verification_link(world: World) -> Held:
    token = world.token("v0")
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(email_verified_at=None))
    world.done("v0.auth.resend_verification", token=token)
    return Held(world.mailed_token())


def _email_change_token(world: World) -> Held:
    world.done("v0.auth.change_email", token=world.token("v0"), json={"new_email": NEW_ADDRESS})
    return Held(world.mailed_token())


def _passkey_undo(world: World) -> Held:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(JANE, PASSWORD).status_code == 303
    added(visitor)
    return Held(world.mailed(r"/passkeys/undo\?token=([\w-]+)"))


def _passkey_undo_opens(world: World, held: Held) -> bool:
    visitor = Visitor(world.app.test_client())
    return visitor.send("/passkeys/undo", {"token": held.value}).status_code == 200


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("cookie", _cookie, _cookie_opens, frozenset({"session"})),
        Kind("opaque", _signed_in("v0"), bearer("v0.users.me"), frozenset({"session"})),
        Kind(
            "access_of_a_person",
            _signed_in("platform_api"),
            bearer("platform_api.auth.me"),
            frozenset({"session"}),
        ),
        Kind(
            "access_for_the_session",
            _signed_in("services_v1"),
            bearer("services_v1.user.get"),
            frozenset({"session"}),
        ),
        Kind(
            "access_of_a_member",
            _signed_in("api_v1"),
            bearer("api_v1.auth.me"),
            frozenset({"session", "tenant"}),
        ),
        Kind("scoped", _scoped, bearer("platform_api.tenant.info"), frozenset({"session", "tenant"})),
        Kind(
            "refresh_of_a_person",
            _refresh("platform_api"),
            taken("platform_api.auth.refresh", "refresh_token"),
            frozenset({"refresh"}),
        ),
        Kind(
            "refresh_of_a_member",
            _refresh("api_v1"),
            taken("api_v1.auth.refresh", "refreshToken"),
            frozenset({"refresh", "tenant"}),
        ),
        Kind("api_token", _api_token, bearer("services_v1.user.get"), frozenset({"tenant"})),
        Kind(
            "login_token",
            _login_token,
            taken("services_v1.auth.authenticate", "login_token"),
            frozenset({"step"}),
        ),
        Kind(
            "reset_link",
            _reset_link,
            taken("v0.auth.reset_password", "token", new_password=NEW_PASSWORD + " 2"),
            frozenset(),
        ),
        Kind("sign_in_code", _sign_in_code, _sign_in_code_opens, frozenset({"step"})),
        Kind("security_code", _security_code, _security_code_opens, frozenset({"session"})),
        Kind(
            "verification_link",
            _verification_link,
            taken("v0.auth.verify_email", "token"),
            frozenset(),
        ),
        Kind(
            "email_change_token",
            _email_change_token,
            taken("v0.auth.confirm_email_change", "token"),
            frozenset(),
        ),
        Kind("passkey_undo", _passkey_undo, _passkey_undo_opens),
    )
}
