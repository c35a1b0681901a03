"""Invitations in a crowd, against a running server: J06, and the last seat."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"


def person(caller: Caller, email: str) -> str:
    """Open an account; returns its global token."""
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)
    return str(caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"])


def organization(caller: Caller, slug: str) -> str:
    """Open an account and an organization; returns a token for it."""
    bearer = person(caller, f"owner@{slug}.example")
    tenant = caller.good("platform_api.tenants.create", bearer=bearer, name="Race Corp", slug=slug)
    chosen = caller.good("platform_api.auth.select_tenant", bearer=bearer, tenant_id=tenant["id"])
    return str(chosen["access_token"])


def at_once(times: int, call: Callable[[int], httpx.Response]) -> list[tuple[int, str]]:
    """Make so many calls at the same time; returns statuses and codes."""
    with ThreadPoolExecutor(times) as pool:
        answers = list(pool.map(call, range(times)))
    return sorted((answer.status_code, answer.json().get("code", "")) for answer in answers)


def test_j06_of_many_who_take_one_invitation_one_joins(live: LiveInstance) -> None:
    email = "sam@race-invite.example"
    with Caller(live.url) as caller:
        owner = organization(caller, "race-invite")
        caller.good("platform_api.invites.create", bearer=owner, email=email, role="member")
        token = live.mail.token_for(email, subject="invites you")
        sam = person(caller, email)
        said = at_once(30, lambda _: caller.call("platform_api.invites.accept", bearer=sam, token=token))
        assert said == [(200, "")] + [(409, "invitation:used")] * 29
        members = caller.good("platform_api.members.list", bearer=owner)
        assert [row["email"] for row in members].count(email) == 1
        assert len([mail for mail in live.mail.all(email) if "invites you" in mail.subject]) == 1


def test_of_many_who_invite_one_address_one_sends(live: LiveInstance) -> None:
    with Caller(live.url) as caller:
        owner = organization(caller, "race-address")
        sent = {"email": "kim@race-address.example", "role": "viewer"}
        said = at_once(8, lambda _: caller.call("platform_api.invites.create", bearer=owner, **sent))
        assert said == [(201, "")] + [(409, "invitation:already_pending")] * 7


def test_the_last_seat_is_taken_once(live: LiveInstance) -> None:
    with Caller(live.url) as caller:
        owner = organization(caller, "race-seat")
        live.move_clock(20 * 86400)  # the trial is over: three seats
        login = {"email": "owner@race-seat.example", "password": PASSWORD}
        bearer = caller.good("platform_api.auth.login", **login)["access_token"]
        (tenant,) = caller.good("platform_api.tenants.list", bearer=bearer)
        chosen = {"tenant_id": tenant["id"]}
        owner = caller.good("platform_api.auth.select_tenant", bearer=bearer, **chosen)["access_token"]
        invite = "platform_api.invites.create"
        said = at_once(
            10, lambda n: caller.call(invite, bearer=owner, email=f"n{n}@race-seat.example", role="viewer")
        )
        assert said == [(201, "")] * 2 + [(402, "plan:seat_limit")] * 8
