"""Nothing secret lies where it need not: all that a person is given or types, searched for afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tests.faults.conftest import Tell
from tests.support.calls import Caller
from tests.support.canaries import CANARIES
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql, fresh_database

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

EMAIL, PASSWORD, NEW_PASSWORD = "kim@secrets.example", "qx4 typed battery 7", "qx5 typed staple 8"


@pytest.fixture(params=["sqlite", "postgresql"])
def searched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveInstance]:
    """Give an instance of its own on each database."""
    server = Postgresql() if request.param == "postgresql" else None
    if server is not None:
        server.start()
    address = fresh_database(server.url(), "secrets") if server else None
    instance = LiveInstance(tmp_path / "searched", database_url=address).start()
    try:
        yield instance
    finally:
        instance.stop()
        if server is not None:
            server.stop()


def sign_up(caller: Caller, instance: LiveInstance) -> str:
    who = {"email": EMAIL, "password": PASSWORD, "password_confirmation": PASSWORD}
    names = {"first_name": "Kim", "last_name": "Low", "accept_policies": True}
    started = caller.good("services_v1.auth.create_account", **who, **names)["data"]
    code = instance.mail.code_for(EMAIL)
    proof = {"email": EMAIL, "otp": code, "verification_token": started["verification_token"]}
    step = caller.good("services_v1.auth.verify_email_otp", **proof)["data"]
    opened = caller.good("services_v1.auth.authenticate", login_token=step["login_token"])["data"]
    return str(opened["access_token"])


def found_organization(caller: Caller, token: str) -> None:
    caller.good("platform_api.tenants.create", bearer=token, name="Secrets", slug="secrets")


def protect(caller: Caller, token: str) -> str:
    """Switch the second factor on, with recovery codes; returns the secret."""
    update = "services_v1.two_factor.authenticator_update"
    secret = str(caller.good(update, bearer=token, action="begin")["data"]["secret"])
    caller.good("services_v1.two_factor.verify_code", bearer=token, code=pyotp.TOTP(secret).now())
    proposed = caller.good("services_v1.two_factor.recovery_regenerate", bearer=token)["data"]
    saved = {"batch_token": proposed["batch_token"]}
    caller.good("services_v1.two_factor.recovery_save", bearer=token, **saved)
    for used in proposed["codes"][:2]:
        step = caller.good("v0.auth.login", email=EMAIL, password=PASSWORD, session_mode="token")
        caller.good("v0.totp.verify", temp_token=step["temp_token"], code=used)
    caller.call("v0.totp.verify", temp_token=step["temp_token"], code=proposed["codes"][0])
    return secret


def come_in_everywhere(caller: Caller, instance: LiveInstance, secret: str) -> None:
    who, moved = {"email": EMAIL, "password": PASSWORD}, 0

    def next_code() -> str:
        nonlocal moved
        moved += 60
        instance.move_clock(60)
        return pyotp.TOTP(secret).at(int(time.time()) + moved)

    caller.good("api_v1.auth.login", **who, tenantSlug="secrets", twoFactorCode=next_code())
    tokens = caller.good("platform_api.auth.login", **who, two_factor_code=next_code())
    caller.good("platform_api.auth.refresh", refresh_token=tokens["refresh_token"])
    caller.call("v0.auth.login", email=EMAIL, password="qx6 mistyped horse 9")
    caller.good("platform_api.auth.otp_request", email=EMAIL)
    code = instance.mail.code_for(EMAIL, subject="signs")
    caller.good("platform_api.auth.otp_verify", email=EMAIL, code=code, two_factor_code=next_code())


def let_a_program_in(caller: Caller, token: str) -> None:
    made = caller.good("services_v1.api_tokens.create", bearer=token, name="Export", scopes=["read"])["data"]
    caller.good("services_v1.user.get", bearer=made["token"])


def move_and_forget(caller: Caller, instance: LiveInstance, token: str) -> None:
    moved = "kim.low@secrets.example"
    caller.good("services_v1.user.update_email_sendtoken", bearer=token, email=moved)
    mailed = {"token": instance.mail.token_for(moved)}
    caller.good("services_v1.user.update_email_via_token", bearer=token, **mailed)
    caller.good("v0.auth.forgot_password", email=moved)
    reset = {"token": instance.mail.token_for(moved, subject="password"), "new_password": NEW_PASSWORD}
    caller.good("v0.auth.reset_password", **reset)


def test_no_secret_lies_where_it_need_not(searched: LiveInstance, tell: Tell) -> None:
    with Caller(searched.url) as caller:
        token = sign_up(caller, searched)
        found_organization(caller, token)
        let_a_program_in(caller, token)
        secret = protect(caller, token)
        come_in_everywhere(caller, searched, secret)
        move_and_forget(caller, searched, token)
    names = sorted(set(CANARIES.seen.values()))
    wanted = {
        "password",
        "secret",
        "codes",
        "token",
        "refresh_token",
        "temp_token",
        "login_token",
        "batch_token",
    }
    assert wanted <= set(names), names
    assert CANARIES.found_in(searched) == []
    tell(f"{len(CANARIES.seen)} secrets of {len(names)} kinds, none found")
