"""The source's tutorial within the process."""

from tests.support.service import newcomer, service_user
from tests.support.world import World


def test_the_documented_walk(world: World) -> None:
    user = service_user(world, environment="staging")
    client_id, token = user.client()
    found = user.done("session.verify", json={"client_token": token})
    assert (found["active"], found["user_id"]) == (True, client_id)
    account = user.done("account.get", user_id=client_id)
    assert set(account) == {
        *("user_id", "email", "name", "status", "environment", "created_at", "updated_at", "last_login_at")
    }
    assert account["name"] == {"first_name": "new", "last_name": "client"}
    (item,) = user.done("account.list", query={"email": "NEW_CLIENT@client.com"})["items"]
    assert item == account
    user.refused("account.signup", "409 client:user_id_taken", json=newcomer(client_id))
