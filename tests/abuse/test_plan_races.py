"""K07 for plans on account: many at once begin one subscription and write one invoice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
DAY = 24 * 3600


def founded(caller: Caller, slug: str) -> tuple[str, str]:
    """Open an organization; returns the scoped token of its owner and the owner's address."""
    email = f"owner@{slug}.example"
    who = {"password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", email=email, **who)
    person = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    caller.good("platform_api.tenants.create", bearer=person, name=slug, slug=slug)
    return scoped(caller, email), email


def scoped(caller: Caller, email: str) -> str:
    person = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    (tenant,) = caller.good("platform_api.tenants.list", bearer=person)
    chosen = caller.good("platform_api.auth.select_tenant", bearer=person, tenant_id=tenant["id"])
    return str(chosen["access_token"])


def test_many_at_once_buy_once(live: LiveInstance, caller: Caller) -> None:
    bearer, email = founded(caller, "race-plan")

    def buy(_: int) -> tuple[int, str]:
        answer = caller.call("platform_api.billing.subscribe", bearer=bearer, plan_id="plan_pro")
        return answer.status_code, str(answer.json().get("id"))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(buy, range(20)))
    bought = {uid for status, uid in answers if status == 201}
    assert {status for status, _ in answers} <= {201, 429}
    assert len(bought) == 1
    live.mail.wait_for(email, subject="Invoice INV-")
    assert len(invoices(live, email)) == 1


def invoices(live: LiveInstance, email: str) -> list[str]:
    """Return the subjects of the invoices mailed once nothing waits any more."""
    live.flask("outbox", "sweep")
    return [mail.subject for mail in live.mail.all(email) if mail.subject.startswith("Invoice INV-")]


def test_schedulers_side_by_side_write_one_invoice_a_month(live: LiveInstance, caller: Caller) -> None:
    bearer, email = founded(caller, "race-collect")
    caller.good("platform_api.billing.subscribe", bearer=bearer, plan_id="plan_pro")
    live.mail.wait_for(email, subject="Invoice INV-")
    live.move_clock(32 * DAY)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: live.flask("jobs", "run", "billing.collect"), range(4)))
    live.mail.wait_for(email, subject="Invoice INV-", count=2)
    assert len(set(invoices(live, email))) == len(invoices(live, email)) == 2
