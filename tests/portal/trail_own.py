"""What people do with their own account in the portal, and what each leaves in the trail."""

import io
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from PIL import Image

from tests.portal.conftest import Visitor
from tests.portal.passkey_steps import added, asked
from tests.portal.trail_steps import Desk, Story
from tests.support.passkey import Device
from tests.support.world import PASSWORD, World

JANE, LEO, MIA, UNA, EVA, EMA = (
    f"{name}@world.example" for name in ("jane", "leo", "mia", "una", "eva", "ema")
)
MOVED, NEW_PASSWORD = "jane.roe@world.example", "quite another password 5"


def set_up(world: World) -> None:
    for email in (JANE, LEO, MIA, EVA, EMA):
        world.person(email)
    world.person(UNA, verified=False)
    world.organization(world.persons_id(JANE))


OWN = Story(set_up)
step = OWN.step


def mailed(to: str, pattern: str) -> Callable[[Desk], str]:
    """Return what finds a link in the newest mail to an address."""

    def find(desk: Desk) -> str:
        desk.world.keep_promises()
        for mail in reversed(desk.world.sent):
            if mail.to == to and (found := re.search(pattern, mail.text)):
                return found[1]
        raise AssertionError(f"no mail to {to} says {pattern}")

    return find


# ---- who one is

step("/account", "user.details_updated", on="/account", who=JANE, first_name="Janet")
step("/account/preferences", "user.preferences_updated", on="/account/preferences", who=JANE, theme="dark")


def picture() -> tuple[io.BytesIO, str]:
    drawn = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(drawn, "PNG")
    drawn.seek(0)
    return drawn, "me.png"


step(
    "/account/picture", "user.profile_image_changed", on="/account", who=JANE, picture=lambda _desk: picture()
)
step("/account/picture/remove", "user.profile_image_removed", on="/account", who=JANE)


@OWN.script("/account/preferences/theme", "user.preferences_updated")
def theme(desk: Desk) -> Any:
    return desk.post("/account/preferences/theme", on="/account", who=JANE, theme="light")


step(
    "/account/verification",
    none="a mail with a link goes out; the link's use is what is noted",
    on="/account",
    who=UNA,
)
step(
    "/account/email/resend",
    none="a mail with a link goes out; the link's use is what is noted",
    on="/account/email",
    who=UNA,
)

# ---- another address

EMAIL = "/account/email"
step(EMAIL, "user.email_change_requested", on=EMAIL, who=EVA, email=MOVED)
step(f"{EMAIL}/cancel", "user.email_change_cancelled", on=EMAIL, who=EVA)


def ask_for(desk: Desk, who: str = EVA) -> None:
    assert desk.send(EMAIL, on=EMAIL, who=who, typed={"email": MOVED}).status_code == 303


CONFIRM, STOP, UNDO = (rf"(/email/{word}\?token=[\w-]+)" for word in ("confirm", "stop", "undo"))
step(
    "/email/confirm",
    "user.email_changed",
    "user.email_verified",
    first=ask_for,
    on=mailed(MOVED, CONFIRM),
    who=EVA,
)
step("/email/undo", "user.email_change_undone", on=mailed(EVA, UNDO), who="nobody")
step(
    "/email/stop",
    "user.email_change_cancelled",
    first=lambda desk: ask_for(desk, EMA),
    on=mailed(EMA, STOP),
    who="nobody",
)

# ---- the second factor, passkeys

SECURITY, AUTHENTICATOR = "/account/security", "/account/security/authenticator"


def shown_code(desk: Desk) -> str:
    found = re.search(r'data-secret="(\w+)"', desk.browser(LEO).get(AUTHENTICATOR).text)
    assert found
    desk.kept["secret"] = found[1]
    return desk.world.totp(found[1])


step(AUTHENTICATOR, "two_factor.setup_started", on=SECURITY, who=LEO)
step(
    f"{AUTHENTICATOR}/cancel",
    none="what was begun in this browser is forgotten; nothing was in force",
    on=AUTHENTICATOR,
    who=LEO,
)
step(
    f"{AUTHENTICATOR}/confirm",
    "two_factor.enabled",
    first=lambda desk: desk.send(AUTHENTICATOR, on=SECURITY, who=LEO, typed={}),
    on=AUTHENTICATOR,
    who=LEO,
    code=shown_code,
)
step(f"{SECURITY}/recovery-codes", "two_factor.codes_proposed", on=SECURITY, who=LEO)


def proposed(desk: Desk) -> Any:
    page = desk.send(f"{SECURITY}/recovery-codes", on=SECURITY, who=LEO, typed={}).text
    return desk.send_from(page, f"{SECURITY}/recovery-codes/save", who=LEO)


OWN.script(f"{SECURITY}/recovery-codes/save", "two_factor.codes_proposed", "two_factor.codes_replaced")(
    proposed
)
step(f"{AUTHENTICATOR}/disable", "two_factor.disabled", on=SECURITY, who=LEO)


def visitor(desk: Desk, who: str) -> Visitor:
    return Visitor(desk.browser(who))


@OWN.script("/account/passkeys/new", none="options for the browser; nothing is kept of them but a challenge")
def begin_passkey(desk: Desk) -> Any:
    page = desk.send("/account/passkeys/new", on=SECURITY, who=LEO, typed={})
    found = re.search(r'data-passkey-new="([^"]+)"', page.text)
    assert found
    desk.kept["device"] = Device()
    desk.kept["credential"] = desk.kept["device"].make(json.loads(unescape(found[1])))
    return page


@OWN.script("/account/passkeys", "passkey.added")
def add_passkey(desk: Desk) -> Any:
    return desk.post(
        "/account/passkeys", on=SECURITY, who=LEO, credential=desk.kept["credential"], name="Laptop"
    )


def passkey(desk: Desk) -> str:
    found = re.search(r'href="(/account/passkeys/[0-9a-f-]+)"', desk.browser(LEO).get(SECURITY).text)
    assert found
    return found[1]


ONE = "/account/passkeys/<uuid:passkey_uid>"
step(f"{ONE}/rename", "passkey.renamed", on=passkey, who=LEO, name="Phone")


@OWN.script("/step-up/passkey/options", none="a challenge for the browser")
def step_up_options(desk: Desk) -> Any:
    return desk.post("/step-up/passkey/options", on="/step-up", who=LEO)


@OWN.script("/sign-in/passkey/options", none="a challenge for the browser")
def sign_in_options(desk: Desk) -> Any:
    return desk.post("/sign-in/passkey/options", on="/sign-in", who="nobody#passkey")


@OWN.script("/sign-in/passkey", "user.signed_in")
def sign_in_by_passkey(desk: Desk) -> Any:
    options = asked(visitor(desk, "nobody#passkey"), "/sign-in/passkey/options", on="/sign-in")
    credential = desk.kept["device"].sign(options)
    return desk.post("/sign-in/passkey", on="/sign-in", who="nobody#passkey", credential=credential)


step("/step-up", "session.stepped_up", on="/step-up", who=MIA, step_up_password=PASSWORD)
step("/step-up/code", "user.security_code_requested", on="/step-up", who=MIA)
step(f"{ONE}/remove", "passkey.removed", on=passkey, who=LEO)
step(
    "/passkeys/undo",
    "passkey.removed",
    first=lambda desk: added(visitor(desk, LEO)),
    on=mailed(LEO, r"(/passkeys/undo\?token=[\w-]+)"),
    who="nobody",
)

# ---- tokens, sessions, the password

step(
    "/account/tokens/new",
    "api_token.created",
    on="/account/tokens/new",
    who=JANE,
    name="A script",
    scopes=["read"],
)
step("/account/tokens/<uuid:token_uid>/revoke", "api_token.revoked", on="/account/tokens", who=JANE)
SESSIONS = "/account/sessions"
step(
    f"{SESSIONS}/<uuid:session_uid>/end",
    "session.revoked",
    first=lambda desk: desk.browser(f"{JANE}#2"),
    on=SESSIONS,
    who=JANE,
)
step(
    f"{SESSIONS}/end-others",
    "user.signed_out_everywhere",
    first=lambda desk: desk.browser(f"{JANE}#3"),
    on=SESSIONS,
    who=JANE,
)
step(f"{SESSIONS}/end-all", "user.signed_out_everywhere", on=SESSIONS, who=JANE)
step(
    "/account/password",
    "user.password_changed",
    on="/account/password",
    who=f"{JANE}#4",
    current_password=PASSWORD,
    new_password=NEW_PASSWORD,
)

# ---- one's data, the way out

PRIVACY = "/account/privacy"
step(f"{PRIVACY}/exports", "user.export_requested", on=PRIVACY, who=MIA)


def made(desk: Desk) -> None:
    desk.world.keep_promises()


step(
    f"{PRIVACY}/exports/<uuid:export_uid>/download", "user.export_downloaded", first=made, on=PRIVACY, who=MIA
)
step(f"{PRIVACY}/leave", "user.deletion_requested", on=PRIVACY, who=MIA, email=MIA)
step(f"{PRIVACY}/stay", "user.deletion_cancelled", on="/dashboard", who=MIA)
step(
    "/keep-account",
    "user.deletion_cancelled",
    first=lambda desk: desk.send(f"{PRIVACY}/leave", on=PRIVACY, who=MIA, typed={"email": MIA}),
    on=mailed(MIA, r"(/keep-account\?token=[\w-]+)"),
    who="nobody",
)
