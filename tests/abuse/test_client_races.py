"""Many service calls at once, against a running server: G06, and one account for one id."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.flows.test_client_v1 import LOGIN, SIGN_UP, founded, headers, newcomer, service_user, switch_on
from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

LIST = "client_v1.account.list"


@pytest.fixture
def call(live: LiveInstance, caller: Caller, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the calls of a new organization's service user show."""
    slug = f"race-{uuid4().hex[:8]}"
    email = founded(caller, slug)
    switch_on(caller, email, "staging")
    who, where = service_user(live, email, "service", "staging"), headers(slug, "staging")
    other = service_user(live, email, "another", "staging")
    tokens = [caller.good(LOGIN, headers=where, **one)["api_token"] for one in (who, who, other)]
    return {"headers": where, "tokens": tokens}


def test_one_id_is_one_account_however_many_sign_it_up(caller: Caller, call: dict[str, Any]) -> None:
    user = str(uuid4())
    show = {"bearer": call["tokens"][0], "headers": call["headers"]}

    def sign_up(number: int) -> int:
        return caller.call(SIGN_UP, **show, **newcomer(user, f"client{number}@client.com")).status_code

    with ThreadPoolExecutor(30) as pool:
        statuses = sorted(pool.map(sign_up, range(30)))
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 503}
    assert len(caller.good(LIST, **show)["items"]) == 1


def test_g06_of_600_at_once_300_pass_and_others_are_not_held_up(caller: Caller, call: dict[str, Any]) -> None:
    first, second, other = call["tokens"]

    def look(number: int) -> int:
        token = (first, second)[number % 2]  # another token of the same service user is no way round
        return caller.call(LIST, bearer=token, headers=call["headers"]).status_code

    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(look, range(600)))
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) <= 300
    assert statuses.count(200) >= 290  # the window slides
    refused = caller.call(LIST, bearer=first, headers=call["headers"])
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    caller.good(LIST, bearer=other, headers=call["headers"])
    wanted = {"bearer": first, "headers": call["headers"], "client_token": "x"}
    caller.good("client_v1.session.verify", **wanted)
