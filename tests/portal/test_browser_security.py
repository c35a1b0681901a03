"""Second factor, recovery codes, passkeys, the question who it is, and an API token, in a real browser."""

import json
import shlex
import subprocess
from collections.abc import Callable
from html import unescape

import pytest
from playwright.sync_api import CDPSession, Page, expect

from app.domains.twofactor import pictures
from tests.portal.conftest import PASSWORD, Guest
from tests.portal.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

Enter = Callable[..., Guest]

SECURITY = "/account/security"
STALE = 16 * 60


def set_up(guest: Guest) -> str:
    """Set an authenticator up from the security page, up to the recovery codes; returns the secret."""
    page = guest.page
    page.goto(SECURITY)
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/authenticator")
    secret = page.locator("[data-secret]").get_attribute("data-secret") or ""
    page.get_by_label("Code", exact=True).fill(guest.live.totp(secret))
    expect(page.get_by_role("heading", name="Recovery codes", exact=True)).to_be_visible()
    return secret


def sign_out(page: Page) -> None:
    page.goto("/dashboard")
    page.get_by_role("complementary").locator(".switcher").last.locator("summary").click()
    page.get_by_role("complementary").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


def give_password(guest: Guest) -> None:
    page = guest.page
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/sign-in/second-factor")


ONLY_WHEN_ASKED = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


def plug_in(page: Page, *, offers_itself: bool = False) -> tuple[CDPSession, str]:
    """Give the browser an authenticator of its own, which says yes to whatever it is asked.

    It chooses from the browser's list at once as well, so that list is only there where a test wants it.
    """
    if not offers_itself:
        page.add_init_script(ONLY_WHEN_ASKED)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, str(made["authenticatorId"])


def add_passkey(page: Page, name: str) -> None:
    page.goto(SECURITY)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text(f"{name} signs you in from now on.")).to_be_visible()


def test_every_way_to_be_safe_by_hand(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()

    # The QR code is the one of the address, which a phone can open as well.
    page.goto(SECURITY)
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/authenticator")
    address = page.get_by_role("link", name="Open in an app").get_attribute("href") or ""
    shown = page.locator(".qr svg path").get_attribute("d")
    assert shown
    assert f'd="{shown}"' in pictures.svg(address)
    assert f"secret={page.locator('[data-secret]').get_attribute('data-secret')}" in address
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"**{SECURITY}")

    secret = set_up(guest)
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("button", name="I have saved them").click()
    expect(page.get_by_text("Your recovery codes are in force.")).to_be_visible()

    sign_out(page)
    give_password(guest)
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(guest.live.totp(secret, 1))
    page.wait_for_url("**/dashboard")

    sign_out(page)
    give_password(guest)
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("Code", exact=True).fill(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    page.goto(SECURITY)
    expect(page.get_by_text("9 codes are left")).to_be_visible()

    plug_in(page)
    add_passkey(page, "Laptop")
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/dashboard")

    sign_out(page)
    give_password(guest)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/dashboard")

    assert called_with_token(page)["email"] == guest.email


def called_with_token(page: Page) -> dict[str, str]:
    """Make an organization and a token for it, and do what the token's page proposes; returns the person."""
    page.goto("/organizations")
    page.get_by_label("Name", exact=True).fill("Söhne & Töchter")
    page.get_by_role("button", name="Create the organization").click()
    page.wait_for_url("**/dashboard")
    page.goto("/account/tokens/new")
    page.get_by_label("Name", exact=True).fill("Nightly export")
    page.get_by_role("button", name="Create the token").click()
    command = unescape(page.get_by_role("button", name="Copy the example").get_attribute("data-copy") or "")
    assert command.startswith("curl ")
    answer = subprocess.run([*shlex.split(command), "-s"], capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout)["data"])


def test_the_question_is_a_dialog_and_the_form_goes_on_by_itself(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    guest.live.move_clock(STALE)
    page.goto(SECURITY)
    page.get_by_role("button", name="Set up").click()
    dialog = page.get_by_role("dialog", name="Is it you?")
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", name="Security", exact=True)).to_be_visible()

    page.get_by_role("button", name="Set up").click()
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type("not it at all")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("The current password is wrong.")).to_be_visible()
    dialog.get_by_role("button", name="E-mail me a code").click()
    expect(dialog.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(guest.live.mail.code_for(guest.email, subject="code"))
    page.wait_for_url("**/authenticator")


def test_a_passkey_answers_the_question(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    plug_in(page)
    add_passkey(page, "Phone")
    guest.live.move_clock(STALE)
    page.goto(SECURITY)
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("dialog", name="Is it you?").get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/authenticator")


def test_the_browsers_own_list_at_the_address_signs_in(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    plug_in(page, offers_itself=True)
    add_passkey(page, "Phone")
    page.context.clear_cookies()
    page.goto("/sign-in?next=/account/sessions")
    page.wait_for_url("**/account/sessions")


def test_a_device_that_says_no_leaves_the_other_ways(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    session, device = plug_in(page)
    add_passkey(page, "Phone")
    sign_out(page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="No passkey was given.")).to_be_visible()
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")


def test_a_passkey_is_named_anew_and_removed_by_keys_alone(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    plug_in(page)
    add_passkey(page, "Phone")
    page.get_by_role("link", name="Change", exact=True).first.focus()
    page.keyboard.press("Enter")
    name = page.get_by_label("Name")
    name.focus()
    name.fill("Old phone")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is called Old phone now.")).to_be_visible()
    page.get_by_role("link", name="Change", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("None yet")).to_be_visible()


def test_the_second_factor_works_without_scripts_on_a_phone(guest_with: Enter) -> None:
    guest = guest_with(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = guest.page
    guest.sign_up()
    guest.live.move_clock(STALE)
    page.goto(SECURITY)
    page.get_by_role("button", name="Set up").click()
    dialog = page.get_by_role("dialog", name="Is it you?")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Confirm").click()
    secret = page.locator("[data-secret]").get_attribute("data-secret") or ""
    page.get_by_label("Code", exact=True).fill(guest.live.totp(secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("Print this page, or write the codes down.")).to_be_visible()
    page.get_by_role("button", name="I have saved them").click()
    page.context.clear_cookies()
    give_password(guest)
    page.get_by_label("Code", exact=True).fill(guest.live.totp(secret, 1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard")


def test_axe_finds_nothing(guest_with: Enter) -> None:
    guest = guest_with()
    page, found = guest.page, []
    guest.sign_up()
    plug_in(page)
    page.goto(SECURITY)
    found += faults(page, "security, nothing set up")
    page.get_by_role("button", name="Add a passkey").click()
    found += faults(page, "a new passkey")
    add_passkey(page, "Laptop")
    page.get_by_role("link", name="Change", exact=True).first.click()
    found += faults(page, "a passkey")
    page.goto("/account/security")
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/authenticator")
    found += faults(page, "setting up")
    set_up_again = page.get_by_role("button", name="Cancel")
    set_up_again.click()
    page.wait_for_url(f"**{SECURITY}")
    set_up(guest)
    found += faults(page, "recovery codes")
    page.goto(SECURITY)
    found += faults(page, "security, no codes")
    guest.live.move_clock(STALE)
    page.get_by_role("button", name="Make new ones").click()
    expect(page.get_by_role("dialog", name="Is it you?").get_by_role("heading")).to_be_visible()
    found += faults(page, "the question")
    page.goto("/step-up")
    found += faults(page, "the question alone")
    page.context.clear_cookies()
    give_password(guest)
    found += faults(page, "second step")
    page.get_by_role("link", name="Use a recovery code").click()
    found += faults(page, "second step, recovery code")
    assert found == []
