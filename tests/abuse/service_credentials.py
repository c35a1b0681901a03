"""What an organization's programs and its clients hold: nothing that befalls a person ends it."""

from tests.abuse.credentials import Held, Kind
from tests.support.service import ServiceUser, service_user
from tests.support.world import World


def _service_token(world: World) -> Held:
    return Held(service_user(world).token)


def _service_token_opens(world: World, held: Held) -> bool:
    return ServiceUser(world, "", "", token=held.value).call("account.list").status_code == 200


def _client_token(world: World) -> Held:
    """Sign a client up; what the service user signs in with stands beside the token."""
    user = service_user(world)
    return Held(f"{user.client()[1]} {user.name} {user.password}")


def _client_token_opens(world: World, held: Held) -> bool:
    token, name, password = held.value.split()
    user = ServiceUser(world, name, password)
    answer = user.call("auth.login_password", json={"username": name, "password": password})
    if answer.status_code != 200:
        return False
    user.token = answer.get_json()["api_token"]
    return bool(user.done("session.verify", json={"client_token": token})["active"])


SERVICE_KINDS = {
    kind.name: kind
    for kind in (
        Kind("service_token", _service_token, _service_token_opens),
        Kind("client_token", _client_token, _client_token_opens),
    )
}
