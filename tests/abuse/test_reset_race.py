"""A reset while somebody signs in with the old password: whoever is first, nothing of the old lives on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

OLD = "correct horse battery 7"


def sign_in_on(caller: Caller, email: str, over: threading.Event) -> list[str]:
    """Sign in with the old password until it is no good or the time is over; return the tokens."""
    tokens = []
    while not over.is_set():
        answer = caller.call("platform_api.auth.login", email=email, password=OLD)
        if answer.status_code != 200:
            break
        tokens.append(str(answer.json()["access_token"]))
    return tokens


@pytest.mark.parametrize("number", range(5))
def test_d08_no_sign_in_slips_past_a_reset(live: LiveInstance, number: int) -> None:
    email, over = f"jane@reset-{number}.example", threading.Event()
    with Caller(live.url) as caller:
        person = {"email": email, "password": OLD, "first_name": "Jane", "last_name": "Doe"}
        caller.good("platform_api.auth.register", **person)
        caller.good("platform_api.auth.forgot_password", email=email)
        token = live.mail.token_for(email, subject="new password")
        with ThreadPoolExecutor(4) as pool:
            signing_in = [pool.submit(sign_in_on, caller, email, over) for _ in range(4)]
            caller.good("platform_api.auth.reset_password", token=token, new_password="what follows it")
            over.set()
        tokens = [token for done in signing_in for token in done.result()]
        alive = [t for t in tokens if caller.call("platform_api.auth.me", bearer=t).status_code == 200]
        assert alive == []
