"""Getting a lost second factor removed: nothing makes it shorter, and whoever has the factor stops it."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core import jobs
from app.core.access import Actor, Origin, PlatformAdminRequired, anonymous, system
from app.core.db import db
from app.core.errors import RateLimited
from app.domains.accounts.models import User
from app.domains.accounts.passwords import CurrentPasswordWrong
from app.domains.audit.kinds import AuditKind
from app.domains.auth import assisted_recovery
from app.domains.auth.assisted_recovery import RecoveryLinkInvalid, RecoveryPending
from app.domains.auth.login_tokens import LoginTokenInvalid
from app.domains.sessions.models import UserSession
from app.domains.twofactor.passkey_models import Passkey
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

HOUR = 3600
WAIT = 72 * HOUR
JANE = "jane@world.example"
NEW_PASSWORD = "violet anchor 77 harbour"
NOBODY = anonymous(Origin(ip="192.0.2.7", dialect="portal"))
CONFIRM = r"/recover-second-factor/confirm\?token=([\w-]+)"
CANCEL = r"/recover-second-factor/cancel\?token=([\w-]+)"
FINISH = r"/recover-second-factor/finish\?token=([\w-]+)"
Moves = Callable[[int], None]


@pytest.fixture
def secret(world: World) -> str:
    """Return the secret in Jane's authenticator."""
    return world.authenticator(world.person(JANE))


def login_token(world: World, password: str = PASSWORD) -> str:
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": password})
    return str(step["data"]["login_token"])


def call(world: World, function: Callable[..., object], actor: Actor = NOBODY, **keywords: str) -> object:
    with world.app.app_context(), transaction():
        return function(actor, **keywords)


def asked(world: World) -> str:
    """Ask for the removal; returns the link that confirms it."""
    call(world, assisted_recovery.request, login_token=login_token(world))
    return world.mailed(CONFIRM)


def confirmed(world: World) -> None:
    call(world, assisted_recovery.confirm, token=asked(world))


def advance(world: World) -> None:
    with world.app.app_context(), transaction():
        jobs.run(jobs.JOBS["factor_recoveries.advance"])


def ready(world: World, move_clock: Moves) -> str:
    """Wait until it can be finished; returns the link that does."""
    confirmed(world)
    move_clock(WAIT)
    advance(world)
    return world.mailed(FINISH)


def has_factor(world: World) -> bool:
    with world.app.app_context():
        return db.session.scalars(sa.select(User).where(User.email == JANE)).one().two_factor_enabled


def kinds(world: World) -> list[str]:
    return [str(row.kind) for row in world.trail() if str(row.kind).startswith("two_factor.recover")]


def subjects(world: World) -> list[str]:
    world.keep_promises()
    return [message.subject for message in world.sent]


STOPPED = "The removal of your second factor was stopped"


def test_after_the_wait_the_factor_goes_and_everything_that_was_signed_in(
    world: World, secret: str, move_clock: Moves
) -> None:
    token = ready(world, move_clock)
    call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    assert not has_factor(world)
    with world.app.app_context():
        live = db.session.scalars(sa.select(UserSession).where(UserSession.revoked_at.is_(None))).all()
    assert live == []
    assert kinds(world) == [
        AuditKind.TWO_FACTOR_RECOVERY_REQUESTED,
        AuditKind.TWO_FACTOR_RECOVERY_CONFIRMED,
        AuditKind.TWO_FACTOR_RECOVERED,
    ]
    assert "Two-factor authentication is off" in subjects(world)
    assert world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]


def test_passkeys_go_with_it(world: World, secret: str, move_clock: Moves) -> None:
    token = ready(world, move_clock)
    with world.app.app_context(), transaction():
        owner = db.session.scalars(sa.select(User.id).where(User.email == JANE)).one()
        db.session.add(
            Passkey(
                user_id=owner,
                user_handle=b"handle",
                credential_id=b"credential",
                public_key=b"key",
                sign_count=0,
                name="Old phone",
                transports=[],
                backed_up=False,
            )
        )
    call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    with world.app.app_context():
        assert db.session.scalars(sa.select(Passkey)).all() == []
    assert "A passkey was removed" in subjects(world)


def test_nothing_comes_before_the_wait_is_over(world: World, secret: str, move_clock: Moves) -> None:
    confirmed(world)
    move_clock(WAIT - 1)
    advance(world)
    assert "Your second factor can be removed now" not in subjects(world)
    move_clock(1)
    advance(world)
    advance(world)
    assert subjects(world).count("Your second factor can be removed now") == 1


def test_a_second_click_on_confirm_moves_nothing(world: World, secret: str, move_clock: Moves) -> None:
    link = asked(world)
    first = call(world, assisted_recovery.confirm, token=link)
    move_clock(5 * HOUR)
    assert call(world, assisted_recovery.confirm, token=link) == first
    with pytest.raises(RecoveryPending):
        call(world, assisted_recovery.request, login_token=login_token(world))


def test_asked_for_again_only_the_newest_link_confirms(world: World, secret: str) -> None:
    first = asked(world)
    second = asked(world)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.confirm, token=first)
    call(world, assisted_recovery.confirm, token=second)


def test_three_a_day_can_be_asked_for(world: World, secret: str) -> None:
    for _ in range(3):
        asked(world)
    with pytest.raises(RateLimited):
        call(world, assisted_recovery.request, login_token=login_token(world))


def test_a_request_is_good_for_a_day(world: World, secret: str, move_clock: Moves) -> None:
    link = asked(world)
    move_clock(25 * HOUR)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.confirm, token=link)


def test_a_sign_in_with_the_factor_stops_it_and_says_so(world: World, secret: str, move_clock: Moves) -> None:
    token = ready(world, move_clock)
    opened = {"login_token": login_token(world), "code": world.totp(secret, 1), "carrier": "bearer"}
    world.done("services_v1.auth.authenticate", json=opened)
    assert STOPPED in subjects(world)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    assert has_factor(world)


@pytest.mark.parametrize("step", ["asked", "waiting", "ready"])
def test_the_link_in_each_mail_stops_it_for_good(
    world: World, secret: str, move_clock: Moves, step: str
) -> None:
    {"asked": asked, "waiting": confirmed, "ready": lambda world: ready(world, move_clock)}[step](world)
    link = world.mailed(CANCEL)
    call(world, assisted_recovery.cancel, token=link)
    call(world, assisted_recovery.cancel, token=link)
    assert subjects(world).count(STOPPED) == 1
    move_clock(WAIT)
    advance(world)
    assert has_factor(world)
    assert kinds(world)[-1] == AuditKind.TWO_FACTOR_RECOVERY_CANCELLED


def test_an_old_way_to_stop_is_good_for_a_newer_removal_too(world: World, secret: str) -> None:
    asked(world)
    old = world.mailed(CANCEL)
    opened = {"login_token": login_token(world), "code": world.totp(secret, 1), "carrier": "bearer"}
    world.done("services_v1.auth.authenticate", json=opened)
    newer = asked(world)
    call(world, assisted_recovery.cancel, token=old)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.confirm, token=newer)


@pytest.mark.parametrize("waited", [0, WAIT - 1])
def test_a_new_password_begins_the_wait_anew(
    world: World, secret: str, move_clock: Moves, waited: int
) -> None:
    confirmed(world)
    move_clock(waited)
    reset(world)
    move_clock(WAIT - 1)
    advance(world)
    assert "Your second factor can be removed now" not in subjects(world)
    move_clock(1)
    advance(world)
    call(world, assisted_recovery.finish, token=world.mailed(FINISH), password=NEW_PASSWORD)
    assert not has_factor(world)


def test_a_new_password_ends_the_last_link_too(world: World, secret: str, move_clock: Moves) -> None:
    token = ready(world, move_clock)
    reset(world)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.finish, token=token, password=NEW_PASSWORD)


def test_a_new_password_ends_what_nobody_confirmed(world: World, secret: str) -> None:
    link = asked(world)
    reset(world)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.confirm, token=link)


def reset(world: World) -> None:
    world.done("v0.auth.forgot_password", json={"email": JANE})
    token = world.mailed(r"/reset-password\?token=([\w-]+)")
    world.done("v0.auth.reset_password", json={"token": token, "new_password": NEW_PASSWORD})


def test_a_wrong_password_finishes_nothing_and_is_counted(
    world: World, secret: str, move_clock: Moves
) -> None:
    token = ready(world, move_clock)
    for _ in range(5):
        with pytest.raises(CurrentPasswordWrong):
            call(world, assisted_recovery.finish, token=token, password="wrong horse 11")
    with pytest.raises(RateLimited):
        call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    move_clock(HOUR)
    call(world, assisted_recovery.finish, token=token, password=PASSWORD)


def test_a_link_finishes_once(world: World, secret: str, move_clock: Moves) -> None:
    token = ready(world, move_clock)
    call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.finish, token=token, password=PASSWORD)


def test_the_last_link_is_good_for_a_week(world: World, secret: str, move_clock: Moves) -> None:
    token = ready(world, move_clock)
    move_clock(7 * 24 * HOUR)
    with pytest.raises(RecoveryLinkInvalid):
        call(world, assisted_recovery.finish, token=token, password=PASSWORD)
    advance(world)
    asked(world)  # and it can be asked for anew


@pytest.mark.parametrize("kind", ["confirm", "cancel", "finish"])
def test_a_link_of_one_step_opens_no_other(world: World, secret: str, move_clock: Moves, kind: str) -> None:
    finish = ready(world, move_clock)
    cancel = world.mailed(CANCEL)
    wrong = {"confirm": finish, "cancel": finish, "finish": cancel}[kind]
    more = {"password": PASSWORD} if kind == "finish" else {}
    with pytest.raises(RecoveryLinkInvalid):
        call(world, getattr(assisted_recovery, kind), token=wrong, **more)
    assert has_factor(world)


def test_a_code_out_of_the_mailbox_is_no_right_password(world: World, secret: str) -> None:
    with pytest.raises(LoginTokenInvalid):
        call(world, assisted_recovery.request, login_token="lgt_" + "0" * 43)


def test_whoever_runs_the_machine_begins_it_and_skips_nothing(
    world: World, secret: str, move_clock: Moves
) -> None:
    with pytest.raises(PlatformAdminRequired):
        call(
            world,
            assisted_recovery.request_for,
            actor=Actor(kind="session", user_id=1),
            email=JANE,
        )
    call(world, assisted_recovery.request_for, actor=system("cli"), email=JANE)
    move_clock(2 * WAIT)
    advance(world)
    assert has_factor(world)
    assert "Your second factor can be removed now" not in subjects(world)
