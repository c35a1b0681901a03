"""Workers told to start anew while there is work: nothing is lost, nothing is done twice."""

import time

import pytest

from tests.faults.conftest import Tell
from tests.faults.test_workers import sign_up
from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.load import Arrivals

pytestmark = [pytest.mark.faults, pytest.mark.timeout(200)]

PASSWORD = "correct horse battery 7"


def admins_token(caller: Caller, email: str) -> str:
    step = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]
    opened = caller.good("services_v1.auth.authenticate", login_token=step["login_token"])
    return str(opened["data"]["access_token"])


def starts_of(instance: LiveInstance) -> int:
    """Return how often the worker has begun anew, as its log tells."""
    return (instance.folder / "log" / "worker.log").read_text().count("worker: starting anew")


def test_workers_start_anew_with_100_mails_waiting(
    whole: LiveInstance, arrivals: Arrivals, tell: Tell
) -> None:
    whole.flask("create-admin", "root@restarts.example", "--password", PASSWORD)
    worker, before = whole.pids["worker"], starts_of(whole)
    with Caller(whole.url) as caller:
        token = admins_token(caller, "root@restarts.example")
        whole.add_rule(action="delay", seconds=0.1)
        addresses, generations = sign_up(whole, 100), []
        for kind in ("workers", "daemons"):
            told = caller.good(f"services_v1.admin.{kind}_restart_all", bearer=token)["data"]
            generations.append(told["generation"])
            assert told["signalled"] == 1
            deadline = time.monotonic() + 60
            while starts_of(whole) < before + len(generations):
                assert time.monotonic() < deadline, "the worker did not start anew"
                time.sleep(0.1)
            time.sleep(3)
    whole.clear_rules()
    arrivals.wait_for(addresses, 60)
    time.sleep(1)
    assert arrivals.repeats(addresses) == 0
    assert whole.pids["worker"] == worker, "it starts anew in its own place"
    tell(f"100 of 100, 0 twice; started anew {len(generations)} times, as process {worker} all the time")
