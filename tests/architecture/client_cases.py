"""For service users and client accounts: what makes a call leave its row."""

from typing import Any

from tests.architecture.audit_cases import leaves
from tests.support.service import PASSWORD, ServiceUser, newcomer, put, service_user
from tests.support.world import World

USER_ID = "80491f93-1eb1-42c2-b5e1-d2e94dac5ab9"
EMAIL = "new_client@client.com"


def act(user: ServiceUser, endpoint: str, **call: Any) -> None:
    user.world.before = len(user.world.trail())
    user.call(endpoint, **call)


def with_client(world: World) -> tuple[ServiceUser, str, str]:
    """Return a service user, a client's id and the client's token."""
    user = service_user(world)
    return (user, *user.client())


@leaves("client_v1.auth.login_password", "service_user.signed_in")
def signs_in(world: World) -> None:
    user = service_user(world)
    act(user, "auth.login_password", token="", json={"username": user.name, "password": user.password})


@leaves("client_v1.auth.login_password", "service_user.sign_in_failed")
def fails_to_sign_in(world: World) -> None:
    user = service_user(world)
    act(user, "auth.login_password", token="", json={"username": user.name, "password": "wrong"})


@leaves("client_v1.auth.revoke", "service_user.signed_out")
def signs_out(world: World) -> None:
    act(service_user(world), "auth.revoke")


@leaves("client_v1.account.signup", "client.created", "client.signed_in")
def signs_up(world: World) -> None:
    act(service_user(world), "account.signup", json=newcomer(USER_ID))


CHANGES: dict[str, dict[str, Any]] = {
    "client.updated": {"name": {"first_name": "Nia"}},
    "client.password_changed": {"password": "another one"},
    "client.disabled": {"status": "disabled"},
}


def _changing(kind: str) -> None:
    @leaves("client_v1.account.update", kind)
    def case(world: World) -> None:
        user, client, _ = with_client(world)
        act(user, "account.update", user_id=client, json=CHANGES[kind])


for _kind in CHANGES:
    _changing(_kind)


@leaves("client_v1.account.update", "client.enabled")
def is_switched_on(world: World) -> None:
    user, client, _ = with_client(world)
    user.done("account.update", user_id=client, json={"status": "disabled"})
    act(user, "account.update", user_id=client, json={"status": "active"})


@leaves("client_v1.account.delete", "client.deleted")
def is_deleted(world: World) -> None:
    user, client, _ = with_client(world)
    act(user, "account.delete", user_id=client)


@leaves("client_v1.session.login", "client.signed_in")
def client_signs_in(world: World) -> None:
    user, _, _ = with_client(world)
    act(user, "session.login", json={"email": EMAIL, "password": PASSWORD})


@leaves("client_v1.session.login", "client.sign_in_failed")
def client_fails_to_sign_in(world: World) -> None:
    user, _, _ = with_client(world)
    act(user, "session.login", json={"email": EMAIL, "password": "wrong"})


@leaves("client_v1.session.create", "client.signed_in")
def client_is_vouched_for(world: World) -> None:
    user, client, _ = with_client(world)
    put(world, "clients.vouched_sessions", True)
    act(user, "session.create", user_id=client, json={})


@leaves("client_v1.session.logout", "client.session_revoked")
def client_signs_out(world: World) -> None:
    user, _, token = with_client(world)
    act(user, "session.logout", json={"client_token": token})


@leaves("client_v1.session.revoke", "client.session_revoked")
def session_is_ended(world: World) -> None:
    user, client, _ = with_client(world)
    (session,) = user.done("session.list", user_id=client)["items"]
    act(user, "session.revoke", user_id=client, session_id=session["session_id"])


@leaves("client_v1.session.revoke_all", "client.sessions_revoked")
def sessions_are_ended(world: World) -> None:
    user, client, _ = with_client(world)
    act(user, "session.revoke_all", user_id=client)
