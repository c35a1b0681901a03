"""Many at once upon the people of one organization: always exactly one active owner, nobody half gone."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
HEADS = [f"head{number}@race-members.example" for number in range(4)]
OWNER = "owner@race-members.example"
SLUG = "race-members"


def token(caller: Caller, email: str) -> str:
    who = {"email": email, "password": PASSWORD, "tenantSlug": SLUG}
    return str(caller.good("api_v1.auth.login", **who)["data"]["accessToken"])


def founded(live: LiveInstance, caller: Caller) -> dict[str, int]:
    """Found an organization with an owner and admins; returns their numbers by address."""
    who = {"password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", email=OWNER, **who)
    person = caller.good("platform_api.auth.login", email=OWNER, password=PASSWORD)["access_token"]
    caller.good("platform_api.tenants.create", bearer=person, name="Race", slug=SLUG)
    bearer = token(caller, OWNER)
    numbers = {OWNER: int(caller.good("api_v1.users.me", bearer=bearer)["data"]["id"])}
    for email in HEADS:
        wanted = {"email": email, "firstName": "Ada", "lastName": "Moss", "role": "tenant_admin"}
        numbers[email] = int(caller.good("api_v1.users.create", bearer=bearer, **wanted)["data"]["id"])
        invite = live.mail.token_for(email, subject="invites you")
        caller.good("api_v1.users.accept_invitation", token=invite, password=PASSWORD)
    return numbers


def test_thirty_at_once_leave_one_active_owner(live: LiveInstance, caller: Caller) -> None:
    numbers = founded(live, caller)
    bearers = [token(caller, email) for email in (OWNER, *HEADS)]
    chance = random.Random(20261122)

    def strike(turn: int) -> int:
        target = chance.choice(list(numbers.values()))
        bearer = bearers[turn % len(bearers)]
        call = (
            ("api_v1.users.update", {"role": "user"}),
            ("api_v1.users.update", {"status": "inactive"}),
            ("api_v1.users.deactivate", {}),
            ("api_v1.users.activate", {}),
            ("api_v1.users.delete_permanent", {}),
        )[turn % 5]
        return caller.call(call[0], bearer=bearer, id=target, **call[1]).status_code

    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(strike, range(30)))
    assert set(statuses) <= {200, 401, 402, 403, 404, 409}, sorted(statuses)
    bearer = token(caller, OWNER)
    rows = caller.good("api_v1.users.list", bearer=bearer)["data"]
    assert [(row["email"], row["status"]) for row in rows if row["isOwner"]] == [(OWNER, "active")]
    total = caller.good("api_v1.users.list", bearer=bearer)["meta"]["total"]
    assert total == len(rows)


def test_a_removal_is_done_once_however_many_ask(live: LiveInstance, caller: Caller) -> None:
    email = "once@race-members.example"
    who = {"password": PASSWORD, "first_name": "Kim", "last_name": "Lee"}
    caller.good("platform_api.auth.register", email="once-owner@race-members.example", **who)
    login = {"email": "once-owner@race-members.example", "password": PASSWORD}
    person = caller.good("platform_api.auth.login", **login)["access_token"]
    caller.good("platform_api.tenants.create", bearer=person, name="Once", slug="race-once")
    bearer = caller.good("api_v1.auth.login", **login, tenantSlug="race-once")["data"]["accessToken"]
    wanted = {"email": email, "firstName": "Ada", "lastName": "Moss"}
    caller.good("api_v1.users.create", bearer=bearer, **wanted)
    invite = live.mail.token_for(email, subject="invites you")
    user = caller.good("api_v1.users.accept_invitation", token=invite, password=PASSWORD)["data"]["user"]
    remove = "platform_api.members.remove"
    with ThreadPoolExecutor(12) as pool:
        uid = "usr_" + user["uuid"].replace("-", "")
        answers = list(pool.map(lambda _: caller.call(remove, bearer=bearer, user_id=uid), range(12)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [404] * 11
