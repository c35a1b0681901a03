"""Flows with API tokens against a running server: what people, programs and scanners see of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"
A_WHILE = 15 * 60 + 1
DAY = 24 * 3600
CREATE, LIST, REVOKE = (f"services_v1.api_tokens.{name}" for name in ("create", "list", "revoke"))
PROVE = "services_v1.two_factor.security_verification"


@pytest.fixture
def program(live: LiveInstance) -> Iterator[Caller]:
    with Caller(live.url, user_agent="curl/8.9.1") as made:
        yield made


def signed_in(caller: Caller, email: str) -> str:
    token = caller.good("services_v1.auth.login", email=email, password=PASSWORD)["data"]["login_token"]
    return str(caller.good("services_v1.auth.authenticate", login_token=token)["data"]["access_token"])


def person(live: LiveInstance, caller: Caller, email: str) -> str:
    """Sign a person up who proves the address; returns an access token."""
    names = {"first_name": "Jane", "last_name": "Doe", "accept_policies": True}
    account = {"email": email, "password": PASSWORD, "password_confirmation": PASSWORD, **names}
    started = caller.good("services_v1.auth.create_account", **account)["data"]
    proof = {"email": email, "otp": live.mail.code_for(email)}
    proven = caller.good(
        "services_v1.auth.verify_email_otp", verification_token=started["verification_token"], **proof
    )
    opened = caller.good("services_v1.auth.authenticate", login_token=proven["data"]["login_token"])
    return str(opened["data"]["access_token"])


def made(caller: Caller, bearer: str, **more: object) -> dict[str, object]:
    wanted = {"name": "Nightly export", "scopes": ["read"], **more}
    return dict(caller.good(CREATE, bearer=bearer, **wanted)["data"])


def test_tokens_and_sessions(live: LiveInstance, caller: Caller, program: Caller) -> None:
    email = "jane@tokens.example"
    person(live, caller, email)
    here, there = signed_in(caller, email), signed_in(caller, email)
    live.move_clock(A_WHILE)
    caller.refused(CREATE, "403 auth:step_up_required", bearer=here, name="Nightly export", scopes=["read"])
    caller.good(PROVE, bearer=here, method="password", password=PASSWORD)
    token = made(caller, here)
    pat, pat_id = str(token["token"]), token["id"]
    mail = live.mail.wait_for(email, subject="A new API token: Nightly export")
    assert pat not in mail.text
    listed = caller.good(LIST, bearer=here)
    assert [row["id"] for row in listed["data"]] == [pat_id]
    assert pat not in str(listed)
    assert program.good("services_v1.user.get", bearer=pat)["data"]["email"] == email
    program.refused("services_v1.user.update_timezone", "403 auth:scope_missing", bearer=pat, timezone="UTC")
    alone = "403 auth:interactive_session_required"
    changed = {"password": "another battery 9", "password_confirmation": "another battery 9"}
    program.refused("services_v1.user.update_password", alone, bearer=pat, **changed)
    rows = caller.good("services_v1.active_sessions.list", bearer=here)["data"]
    assert {row["kind"] for row in rows if row["id"] == pat_id} == {"api_token"}
    assert {row["user_agent"] for row in rows if row["id"] == pat_id} == {"curl/8.9.1"}
    others = [row["id"] for row in rows if row["kind"] == "app" and not row["current"]]
    for other in others:
        caller.good("services_v1.active_sessions.revoke", bearer=here, session_id=other)
    caller.refused("services_v1.user.get", "401 auth:unauthenticated", bearer=there)
    caller.good(REVOKE, bearer=here, token_id=pat_id)
    program.refused("services_v1.user.get", "401 auth:unauthenticated", bearer=pat)
    caller.good("services_v1.active_sessions.revoke_all", bearer=here)
    live.mail.wait_for(email, subject="You are signed out everywhere")
    caller.refused("services_v1.active_sessions.list", "401 auth:unauthenticated", bearer=here)


def test_a_suspended_organizations_token_is_refused_until_it_is_back(
    live: LiveInstance, caller: Caller, program: Caller
) -> None:
    """What suspended_in_every_dialect says of $pat."""
    jane = person(live, caller, "jane@suspended-tokens.example")
    token = made(caller, jane)
    pat, tenant = str(token["token"]), dict(token["tenant"])  # type: ignore[call-overload]
    live.flask("create-admin", "jane@suspended-tokens.example")
    root = caller.good("platform_api.auth.login", email="jane@suspended-tokens.example", password=PASSWORD)[
        "access_token"
    ]
    rows = caller.good("platform_api.admin.list_tenants", bearer=root, search=tenant["slug"])["items"]
    (found,) = rows
    status = {"bearer": root, "tenant_id": found["id"]}
    caller.good("platform_api.admin.set_tenant_status", status="suspended", reason="Unpaid", **status)
    for endpoint_id in (
        "services_v1.user.get",
        "api_v1.tenants.me",
        "platform_api.tenant.info",
        "v0.users.me",
    ):
        program.refused(endpoint_id, "403 tenant:suspended", bearer=pat)
    caller.good("platform_api.admin.set_tenant_status", status="active", reason="Paid", **status)
    assert program.good("api_v1.tenants.me", bearer=pat)["data"]["slug"] == tenant["slug"]


def test_at_once_no_more_tokens_are_made_than_the_plan_allows(live: LiveInstance, caller: Caller) -> None:
    jane = person(live, caller, "jane@token-race.example")
    for number in range(7):
        made(caller, jane, name=f"Token {number}")

    def one_more(number: int) -> int:
        with Caller(live.url) as own:
            return own.call(CREATE, bearer=jane, name=f"Late {number}", scopes=["read"]).status_code

    with ThreadPoolExecutor(12) as crew:
        statuses = sorted(crew.map(one_more, range(12)))
    assert statuses == [201] * 3 + [402] * 9
    assert caller.good(LIST, bearer=jane)["meta"]["total"] == 10


def test_at_once_one_name_is_taken_once(live: LiveInstance, caller: Caller) -> None:
    jane = person(live, caller, "jane@token-names.example")

    def the_same(_: int) -> int:
        with Caller(live.url) as own:
            return own.call(CREATE, bearer=jane, name="Nightly export", scopes=["read"]).status_code

    with ThreadPoolExecutor(8) as crew:
        assert sorted(crew.map(the_same, range(8))) == [201] + [409] * 7


def test_a_token_that_runs_out_soon_is_told_once(live: LiveInstance, caller: Caller) -> None:
    email = "jane@ending-tokens.example"
    jane = person(live, caller, email)
    made(caller, jane, expires_in_days=30)
    made(caller, jane, name="Short", expires_in_days=3)
    live.flask("jobs", "run", "api_tokens.remind")
    live.move_clock(24 * DAY)
    for _ in range(2):
        live.flask("jobs", "run", "api_tokens.remind")
    live.mail.wait_for(email, subject="The API token Nightly export runs out soon")
    live.flask("outbox", "sweep")
    soon = [mail.subject for mail in live.mail.all(email) if "runs out soon" in mail.subject]
    assert soon == ["The API token Nightly export runs out soon"]


def test_a_leaked_token_is_ended_by_whoever_shows_it(
    live: LiveInstance, caller: Caller, program: Caller
) -> None:
    email = "jane@leaked-tokens.example"
    pat = str(made(caller, person(live, caller, email))["token"])
    program.good("v0.users.me", bearer=pat)
    found = {"tokens": [{"token": pat, "url": "https://code.example/acme/config.yml"}]}
    answer = httpx.post(f"{live.url}/api-tokens/leaks", json=found)
    assert answer.json() == {"results": [{"label": "true_positive"}]}
    program.refused("v0.users.me", "401 auth:unauthenticated", bearer=pat)
    mail = live.mail.wait_for(email, subject="Your API token Nightly export was found in public")
    assert "acme/config" in mail.text
    assert pat not in mail.text
