"""What people do at the door of the portal, and what each leaves in the trail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.core import clock, jobs
from app.core.db import db
from app.domains.accounts.models import User
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.portal.passkey_steps import added, asked
from tests.portal.trail_own import mailed
from tests.portal.trail_steps import Desk, Story
from tests.support.world import PASSWORD, World

JANE, LEO, PIP, UNA, OLD, NIA, SAM = (
    f"{name}@world.example" for name in ("jane", "leo", "pip", "una", "old", "nia", "sam")
)
NEW_PASSWORD = "quite another password 5"
WAIT = 72 * 3600


def set_up(world: World) -> None:
    world.person(JANE)
    world.person(UNA, verified=False)
    world.person(OLD, agreed=False)
    world.authenticator(world.person(LEO))
    world.authenticator(world.person(PIP))


DOOR = Story(set_up)
step = DOOR.step

# ---- coming

NEWCOMER = {"first_name": "Nia", "last_name": "New", "password": PASSWORD, "accept_policies": "y"}
step("/sign-up", "user.registered", on="/sign-up", who="nobody#new", email=NIA, **NEWCOMER)
step(
    "/sign-up/code/send",
    none="a mail with a code goes out; the code's use is what is noted",
    on="/sign-up/code",
    who="nobody#new",
)
step(
    "/sign-up/code",
    "user.email_verified",
    "user.signed_in",
    on="/sign-up/code",
    who="nobody#new",
    code=lambda desk: desk.world.mailed_code(),
)

IN = {"email": JANE, "password": PASSWORD}
step("/sign-in", "user.signed_in", on="/sign-in", who="nobody#1", **IN)
step("/sign-out", "user.signed_out", on="/dashboard", who="nobody#1")


@DOOR.script("/sign-in/code/send", "user.sign_in_code_requested")
def ask_for_a_code(desk: Desk) -> Any:
    return desk.send("/sign-in/code/send", on="/sign-in", who="nobody#2", typed={"email": JANE})


step(
    "/sign-in/code",
    "user.signed_in",
    on="/sign-in/code",
    who="nobody#2",
    code=lambda desk: desk.world.mailed_code(),
)
step(
    "/policies/accept",
    "user.policy_accepted",
    "user.policy_accepted",
    on="/policies/accept",
    who=OLD,
    agree="y",
)

# ---- the second step


def stand_there(who: str, email: str = LEO) -> Any:
    """Return what leads a browser of somebody's to the second step."""

    def lead(desk: Desk) -> None:
        answer = desk.send("/sign-in", on="/sign-in", who=who, typed={"email": email, "password": PASSWORD})
        assert answer.location.startswith("/sign-in/second-factor"), answer.location

    return lead


SECOND = "/sign-in/second-factor"


def code_of_leo(desk: Desk) -> str:
    return desk.world.totp(desk.kept["secret"])


def sheet(desk: Desk) -> None:
    leo = desk.world.persons_id(LEO)
    desk.kept |= {"secret": desk.world.authenticator(leo), "sheet": desk.world.recovery_codes(leo)}
    stand_there("nobody#3")(desk)


step(SECOND, "user.signed_in", first=sheet, on=SECOND, who="nobody#3", code=code_of_leo)
step(
    f"{SECOND}/recovery-code",
    "two_factor.backup_code_used",
    "user.signed_in",
    first=stand_there("nobody#4"),
    on=f"{SECOND}/recovery-code",
    who="nobody#4",
    code=lambda desk: desk.kept["sheet"][0],
)

# ---- a passkey as the second step

PASSKEY = f"{SECOND}/passkey"


def with_passkey(desk: Desk) -> None:
    desk.kept["device"] = added(Visitor(desk.browser("nobody#3")))  # in there Leo is signed in
    stand_there("nobody#5")(desk)


@DOOR.script(f"{PASSKEY}/options", none="a challenge for the browser")
def second_step_options(desk: Desk) -> Any:
    return desk.post(f"{PASSKEY}/options", on=SECOND, who="nobody#5")


DOOR.steps[-1] = replace(DOOR.steps[-1], first=with_passkey)


@DOOR.script(PASSKEY, "user.signed_in")
def by_passkey(desk: Desk) -> Any:
    options = asked(Visitor(desk.browser("nobody#5")), f"{PASSKEY}/options", on=SECOND)
    return desk.post(PASSKEY, on=SECOND, who="nobody#5", credential=desk.kept["device"].sign(options))


# ---- a second factor that is lost

RECOVER = "/recover-second-factor"


def link(word: str, to: str = LEO) -> Any:
    return mailed(to, rf"({RECOVER}/{word}\?token=[\w-]+)")


def lost(who: str, email: str = LEO) -> Any:
    def ask(desk: Desk) -> None:
        stand_there(who, email)(desk)
        assert desk.send(RECOVER, on=RECOVER, who=who, typed={}).status_code == 200

    return ask


step(RECOVER, "two_factor.recovery_requested", first=stand_there("nobody#6"), on=RECOVER, who="nobody#6")
step(f"{RECOVER}/confirm", "two_factor.recovery_confirmed", on=link("confirm"), who="nobody#6")
step(f"{RECOVER}/cancel", "two_factor.recovery_cancelled", on=link("cancel"), who="nobody#6")

# ---- getting back in

step("/forgot-password", "user.password_reset_requested", on="/forgot-password", who="nobody#7", email=JANE)
step(
    "/reset-password",
    "user.password_reset",
    on=mailed(JANE, r"(/reset-password\?token=[\w-]+)"),
    who="nobody#7",
    password=NEW_PASSWORD,
)


def forgotten(desk: Desk) -> None:
    desk.send("/forgot-password", on="/forgot-password", who="nobody#7", typed={"email": JANE})


def as_path(page: str, to: str) -> Any:
    found = mailed(to, rf"{page}\?token=([\w-]+)")
    return lambda desk: f"{page}/{found(desk)}"


step(
    "/reset-password/<string:token>",
    "user.password_reset",
    first=forgotten,
    on=as_path("/reset-password", JANE),
    through="/reset-password",
    who="nobody#8",
    password=PASSWORD,
)
VERIFY = "/verify-email"
step(
    f"{VERIFY}/send",
    none="a mail with a link goes out; the link's use is what is noted",
    on=VERIFY,
    who="nobody#9",
    email=UNA,
)
step(VERIFY, "user.email_verified", on=mailed(UNA, rf"({VERIFY}\?token=[\w-]+)"), who="nobody#9")
step(
    f"{VERIFY}/<string:token>",
    "user.email_verified",
    first=lambda desk: (
        desk.world.unprove(desk.world.persons_id(UNA))
        or desk.send(f"{VERIFY}/send", on=VERIFY, who="nobody#9", typed={"email": UNA})
    ),
    on=as_path(VERIFY, UNA),
    through=VERIFY,
    who="nobody#9",
)


def somebody_signs_up(desk: Desk) -> None:
    body = {"email": SAM, "password": PASSWORD, "handle": "sam_new", "display_name": "Sam"}
    desk.world.done("v0.users.register", json=body)


step(
    f"{VERIFY}/not-me",
    "user.deleted",
    first=somebody_signs_up,
    on=mailed(SAM, rf"({VERIFY}\?token=[\w-]+)"),
    who="nobody#10",
)
step(
    "/account/second-factor-recovery/stop",
    "two_factor.recovery_cancelled",
    first=lost("nobody#11"),
    on="/dashboard",
    who="nobody#3",
)


def settled(desk: Desk) -> None:
    """Let the second factor be old enough to be the owner's."""
    with desk.world.app.app_context(), transaction():
        leo = db.session.get_one(User, desk.world.persons_id(LEO))
        leo.two_factor_enabled_at = clock.now() - timedelta(days=30)
    lost("nobody#12")(desk)


step(
    f"{RECOVER}/stop",
    "two_factor.backup_code_used",
    "two_factor.recovery_cancelled",
    first=settled,
    on=f"{RECOVER}/stop",
    who="nobody#13",
    email=LEO,
    code=lambda desk: desk.kept["sheet"][1],
)


def waited(desk: Desk) -> None:
    lost("nobody#14", PIP)(desk)
    confirm = desk.send(f"{RECOVER}/confirm", on=link("confirm", PIP)(desk), who="nobody#14", typed={})
    assert confirm.status_code == 200
    clock.move(WAIT)
    with desk.world.app.app_context(), transaction():
        jobs.run(jobs.JOBS["factor_recoveries.advance"])


step(
    f"{RECOVER}/finish",
    "two_factor.disabled",
    "two_factor.recovered",
    first=waited,
    on=link("finish", PIP),
    who="nobody#14",
    password=PASSWORD,
)
