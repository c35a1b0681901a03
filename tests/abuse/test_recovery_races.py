"""Finishing and stopping the removal of a second factor at the same moment, against a running server."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.calls import BROWSER, Caller
from tests.support.live import LiveInstance
from tests.support.mail import token_in
from tests.support.second_factor import set_up

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
START = "/recover-second-factor"
WAIT = 72 * 3600


@pytest.fixture
def browser(live: LiveInstance) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.url, timeout=20, headers={"User-Agent": BROWSER}) as made:
        yield made


def proof_of_origin(browser: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found, path
    return found[1]


def send(browser: httpx.Client, path: str, csrf: str, **fields: str) -> httpx.Response:
    return browser.post(path, data={"csrf_token": csrf, **fields})


def protected(live: LiveInstance, caller: Caller, email: str) -> None:
    """Register somebody with a second factor."""
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    caller.good("v0.auth.verify_email", token=live.mail.token_for(email, subject="onfirm"))
    opened = caller.good("v0.auth.login", email=email, password=PASSWORD, session_mode="token")
    set_up(live, caller, opened["session"]["token"])


def cancel_token(live: LiveInstance, email: str) -> str:
    mail = live.mail.wait_for(email, subject="can be removed now")
    (link,) = {link for link in mail.links if "/cancel" in link}
    return parse_qs(urlsplit(link).query)["token"][0]


def test_of_finishing_and_stopping_at_once_one_counts(
    live: LiveInstance, caller: Caller, browser: httpx.Client
) -> None:
    email = "jane@race-recovery.example"
    protected(live, caller, email)
    csrf = proof_of_origin(browser, "/sign-in")
    send(browser, "/sign-in", csrf, email=email, password=PASSWORD)
    csrf = proof_of_origin(browser, START)
    with ThreadPoolExecutor(3) as pool:
        asked = list(pool.map(lambda _: send(browser, START, csrf).status_code, range(3)))
    assert 200 in asked
    assert set(asked) <= {200, 429}
    confirm = live.mail.wait_for(email, subject="asks to remove", count=asked.count(200))
    confirmed = confirm_all(
        browser, csrf, {token_in(m) for m in live.mail.all(email) if m.subject == confirm.subject}
    )
    assert confirmed == 1
    live.move_clock(WAIT + 60)
    live.flask("jobs", "run", "factor_recoveries.advance")
    finish = {"token": live.mail.token_for(email, subject="can be removed now"), "password": PASSWORD}
    stop = {"token": cancel_token(live, email)}
    calls = [("finish", finish), ("cancel", stop)]
    shown = dict(
        browser.cookies
    )  # a form is sent with what its page came with: the first answer changes that

    def try_it(one: tuple[str, dict[str, str]]) -> tuple[str, int]:
        step, fields = one
        with httpx.Client(base_url=live.url, timeout=20, headers=browser.headers, cookies=shown) as tab:
            return step, send(tab, f"{START}/{step}", csrf, **fields).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(try_it, islice(cycle(calls), 8)))
    finished = answers.count(("finish", 303))
    assert {status for _, status in answers} <= {303, 400, 429}
    assert finished <= 1
    mails = [mail.subject for mail in live.mail.all(email)]
    live.flask("outbox", "sweep")
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    assert (step["next"] == "two_factor") is (finished == 0), mails


def confirm_all(browser: httpx.Client, csrf: str, tokens: set[str]) -> int:
    """Confirm with every link three times at once; returns how many links led on."""

    def try_it(token: str) -> tuple[str, int]:
        return token, send(browser, f"{START}/confirm", csrf, token=token).status_code

    with ThreadPoolExecutor(9) as pool:
        answers = pool.map(try_it, [token for token in sorted(tokens) for _ in range(3)])
        return len({token for token, status in answers if status == 200})
