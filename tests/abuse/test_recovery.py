"""Abuse of the removal of a lost second factor: nothing shortens it, and nothing of another's moves it."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from app.core.access import Actor
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.auth import assisted_recovery, sign_in
from app.domains.auth.assisted_recovery import RecoveryLinkInvalid
from app.domains.auth.login_tokens import IssuedLoginToken, LoginTokenInvalid
from app.domains.sessions.operations import Plan
from app.domains.settings.models import SettingValue
from app.domains.twofactor.models import FactorRecovery
from app.surfaces.shared.transaction import transaction
from tests.abuse.credentials import KINDS, Kind
from tests.abuse.ways import CHARLIE, JANE
from tests.domains.test_assisted_recovery import (
    CANCEL,
    HOUR,
    STOPPED,
    advance,
    asked,
    call,
    confirmed,
    has_factor,
    login_token,
    ready,
    subjects,
)
from tests.support.world import PASSWORD, World

Moves = Callable[[int], None]
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = sorted(name for name, kind in KINDS.items() if kind.traits & {"session", "refresh", "tenant", "step"})
"""What somebody may still hold when the second factor goes."""


def user_id(world: World, email: str = JANE) -> int:
    with world.app.app_context():
        return db.session.scalars(sa.select(User.id).where(User.email == email)).one()


def protect(world: World) -> str:
    return world.authenticator(user_id(world))


@pytest.fixture
def secret(town: World) -> str:
    """Return the secret in Jane's authenticator; she was signed in before she had it."""
    return protect(town)


# ---- what would shorten it


def test_a_shorter_setting_shortens_no_wait_that_has_begun(
    town: World, secret: str, move_clock: Moves
) -> None:
    confirmed(town)
    with town.app.app_context(), transaction():
        db.session.add(SettingValue(key="auth.factor_recovery_hours", value=24))
    move_clock(25 * HOUR)
    advance(town)
    assert "Your second factor can be removed now" not in subjects(town)


def test_confirming_again_or_asking_again_shortens_nothing(
    town: World, secret: str, move_clock: Moves
) -> None:
    link = asked(town)
    first = call(town, assisted_recovery.confirm, token=link)
    for _ in range(3):
        move_clock(HOUR)
        assert call(town, assisted_recovery.confirm, token=link) == first


def test_a_mailed_code_is_no_password(town: World, secret: str) -> None:
    """Whoever has the mailbox alone gets as far as the second step, and asks for nothing there."""
    town.done("platform_api.auth.otp_request", json={"email": JANE})
    code = town.mailed_code()
    step = call(town, sign_in.begin_by_code, email=JANE, code=code, plan=Plan(kind="browser", opaque=True))
    assert isinstance(step, IssuedLoginToken)
    with pytest.raises(LoginTokenInvalid):
        call(town, assisted_recovery.request, login_token=step.token)


def test_a_spent_sign_in_asks_for_nothing(town: World, secret: str) -> None:
    token = login_token(town)
    opened = {"login_token": token, "code": town.totp(secret), "carrier": "bearer"}
    town.done("services_v1.auth.authenticate", json=opened)
    with pytest.raises(LoginTokenInvalid):
        call(town, assisted_recovery.request, login_token=token)


def test_another_address_ends_it(town: World, move_clock: Moves) -> None:
    protect(town)
    token = ready(town, move_clock)
    session = session_without_factor(town)
    town.done("v0.auth.change_email", token=session, json={"new_email": "jane.roe@world.example"})
    town.done("v0.auth.confirm_email_change", json={"token": town.mailed(r"/email/confirm\?token=([\w-]+)")})
    with pytest.raises(RecoveryLinkInvalid):
        call(town, assisted_recovery.finish, token=token, password=PASSWORD)
    assert STOPPED in subjects(town)


def test_the_mail_of_an_earlier_attempt_stops_a_later_one(
    town: World, secret: str, move_clock: Moves
) -> None:
    asked(town)
    earlier = town.mailed(CANCEL)
    move_clock(HOUR)
    confirmed(town)
    call(town, assisted_recovery.cancel, token=earlier)
    assert STOPPED in subjects(town)


def test_nobody_is_told_that_a_used_link_stopped_what_began_after_it(
    town: World, secret: str, move_clock: Moves
) -> None:
    confirmed(town)
    used = town.mailed(CANCEL)
    call(town, assisted_recovery.cancel, token=used)
    call(town, assisted_recovery.cancel, token=used)
    move_clock(HOUR)
    confirmed(town)
    with pytest.raises(RecoveryLinkInvalid):
        call(town, assisted_recovery.cancel, token=used)


def test_a_new_authenticator_is_not_what_was_lost(town: World, secret: str) -> None:
    signed_in = {"email": JANE, "password": PASSWORD, "two_factor_code": town.totp(secret)}
    session = town.done("platform_api.auth.login", json=signed_in)["access_token"]
    confirmed(town)
    address = town.done("v0.totp.setup", token=session, json={})["qr_code_uri"]
    new = parse_qs(urlsplit(address).query)["secret"][0]
    town.done("v0.totp.enable", token=session, json={"code": town.totp(new)})
    assert STOPPED in subjects(town)


def session_without_factor(world: World) -> str:
    """Sign Jane in as somebody may have done before she had a second factor."""
    switch(world, on=False)
    token = world.token("v0")
    switch(world, on=True)
    return token


def switch(world: World, *, on: bool) -> None:
    since = _LONG_AGO if on else None
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(two_factor_enabled_at=since))


# ---- who else


def test_another_person_stops_nothing_and_sees_nothing(town: World, secret: str) -> None:
    confirmed(town)
    charlie = Actor(kind="session", user_id=user_id(town, CHARLIE))
    call(town, assisted_recovery.stop, actor=charlie)
    with town.app.app_context():
        assert assisted_recovery.under_way(charlie) is None
        assert db.session.scalars(sa.select(FactorRecovery)).one().ended_at is None


def test_a_link_of_another_persons_moves_only_theirs(town: World, secret: str, move_clock: Moves) -> None:
    finish = ready(town, move_clock)
    town.authenticator(user_id(town, CHARLIE))
    step = town.done("services_v1.auth.login", json={"email": CHARLIE, "password": PASSWORD})
    call(town, assisted_recovery.request, login_token=step["data"]["login_token"])
    call(town, assisted_recovery.cancel, token=town.mailed(CANCEL))
    call(town, assisted_recovery.finish, token=finish, password=PASSWORD)
    assert not has_factor(town)


def test_a_stranger_is_told_nothing_by_the_pages(town: World, secret: str) -> None:
    """The page looks the same to everybody, whatever is under way for whom."""
    client = town.app.test_client()
    before = strip(client.get("/recover-second-factor").text)
    confirmed(town)
    assert strip(client.get("/recover-second-factor").text) == before


def strip(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if "csrf_token" not in line)


# ---- what ends with it


@pytest.mark.parametrize("name", ENDED)
def test_everything_that_was_open_is_closed_with_it(town: World, name: str, move_clock: Moves) -> None:
    kind: Kind = KINDS[name]
    protect(town)
    token = ready(town, move_clock)
    switch(town, on=False)  # as somebody got hold of it before there was a second factor
    held = kind.make(town)
    switch(town, on=True)
    call(town, assisted_recovery.finish, token=token, password=PASSWORD)
    assert not kind.opens(town, held)


def test_who_demands_a_second_factor_asks_for_a_new_one(town: World, secret: str, move_clock: Moves) -> None:
    token = ready(town, move_clock)
    with town.app.app_context(), transaction():
        db.session.add(SettingValue(key="auth.mfa_enforced", value=True))
    call(town, assisted_recovery.finish, token=token, password=PASSWORD)
    body = {"email": JANE, "password": PASSWORD, "tenantSlug": "world-corp"}
    refused = town.call("api_v1.auth.login", json=body)
    assert (refused.status_code, "two_factor:setup_required" in refused.text) == (403, True)


def test_a_disabled_account_gets_nothing_removed(town: World, secret: str, move_clock: Moves) -> None:
    token = ready(town, move_clock)
    with town.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == JANE).values(disabled_at=_LONG_AGO))
    with pytest.raises(RecoveryLinkInvalid):
        call(town, assisted_recovery.finish, token=token, password=PASSWORD)
    assert has_factor(town)
