"""The portal in a real browser against a running instance: by mouse, by keys alone, without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.portal.conftest import PASSWORD, Guest
from tests.portal.looking import faults

pytestmark = [pytest.mark.browser, pytest.mark.live]

Enter = Callable[..., Guest]


def test_one_signs_up_by_mail_out_and_in_and_finds_the_session(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    expect(page.get_by_role("heading", name="Welcome, Kim")).to_be_visible()

    page.get_by_role("complementary").get_by_text(guest.email).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")

    guest.sign_in()
    page.locator(".rail-group summary", has_text="Account").first.click()
    page.get_by_role("link", name="Sessions", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="This device")).to_have_count(1)
    expect(page.get_by_role("listitem").filter(has_text="This device")).to_contain_text("Chrome on Linux")


def test_a_pasted_code_signs_in_by_itself(guest_with: Enter) -> None:
    guest = guest_with(permissions=["clipboard-read", "clipboard-write"])
    page = guest.page
    guest.sign_up()
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_role("button", name="E-mail me a code").click()
    page.wait_for_url("**/sign-in/code")
    code = guest.live.mail.code_for(guest.email, subject="signs you in")
    page.evaluate("text => navigator.clipboard.writeText(text)", f"Your code is {code[:3]} {code[3:]}.")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.press("Control+v")
    page.wait_for_url("**/dashboard")


def test_a_wrong_code_can_be_typed_anew_at_once(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_role("button", name="E-mail me a code").click()
    page.wait_for_url("**/sign-in/code")
    code = guest.live.mail.code_for(guest.email, subject="signs you in")
    page.keyboard.type("000000" if code != "000000" else "111111")
    expect(page.get_by_text("This code is not valid.")).to_be_visible()
    expect(page).to_have_title(re.compile("^Error: "))
    page.keyboard.type(code)
    page.wait_for_url("**/dashboard")


def test_another_device_is_ended_from_the_list(guest_with: Enter) -> None:
    guest, other = (
        guest_with(),
        guest_with(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
    )
    guest.sign_up()
    other.email = guest.email
    other.sign_in()

    page = guest.page
    page.goto("/account/sessions")
    row = page.get_by_role("listitem").filter(has_text="Firefox on Linux")
    row.get_by_role("button", name="End").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("status").first).to_contain_text("Firefox on Linux is signed out.")

    other.page.goto("/account/sessions")
    other.page.wait_for_url("**/sign-in?next=/account/sessions")


def test_a_forgotten_password_is_set_anew_by_the_mailed_link(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    guest.sign_up()
    page.context.clear_cookies()
    page.goto("/forgot-password")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()
    token = guest.live.mail.token_for(guest.email, subject="new password")
    page.goto(f"/reset-password?token={token}")
    assert faults(page, "a link that is good") == []
    page.get_by_label("New password", exact=True).fill("quiet lantern 58")
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/sign-in")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("These details do not match.")
    page.get_by_label("Password", exact=True).fill("quiet lantern 58")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")


def test_everything_can_be_done_by_keys_alone(guest_with: Enter) -> None:
    guest = guest_with()
    page, keys = guest.page, guest.page.keyboard
    guest.sign_up()
    page.context.clear_cookies()

    page.goto("/sign-in")
    keys.type(guest.email)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/dashboard")

    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()

    keys.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("sess")
    keys.press("Enter")
    page.wait_for_url("**/account/sessions")

    keys.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    keys.type("nothing of that name")
    expect(page.get_by_text("Nothing by that name.")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("combobox")).not_to_be_visible()

    keys.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    keys.press("g")
    keys.press("o")
    page.wait_for_url("**/organizations")

    keys.press("Control+k")
    keys.type("dark")
    keys.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    keys.press("Control+k")
    keys.type("sign out")
    keys.press("Enter")
    page.wait_for_url("**/sign-in")


def test_the_focus_stays_in_a_dialog_and_comes_back(guest_with: Enter) -> None:
    guest = guest_with()
    page, keys = guest.page, guest.page.keyboard
    guest.sign_up()
    page.goto("/account/sessions")
    opener = page.get_by_role("main").get_by_role("button", name="Sign out everywhere").first
    opener.focus()
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Sign out everywhere?")
    expect(dialog.get_by_role("heading")).to_be_visible()
    for _ in range(6):
        keys.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    keys.press("Escape")
    expect(opener).to_be_focused()


def test_everything_works_without_scripts_on_a_phone(guest_with: Enter) -> None:
    guest = guest_with(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = guest.page
    guest.sign_up()
    page.get_by_label("Menu").click()
    page.get_by_role("link", name="Organizations").click()
    page.get_by_label("Name", exact=True).fill("Söhne & Töchter")
    page.get_by_role("button", name="Create the organization").click()
    expect(page.get_by_text("You work in Söhne & Töchter.")).to_be_visible()

    page.goto("/account/password")
    page.get_by_label("Current password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("quiet lantern 58")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")

    page.goto("/account/sessions")
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/sign-in")
    page.goto("/dashboard")
    page.wait_for_url("**/sign-in?next=/dashboard")


def test_a_button_pressed_twice_sends_once(guest_with: Enter) -> None:
    guest = guest_with()
    page = guest.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/forgot-password")
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_role("button", name="Send the link").dblclick()
    expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()
    assert len(sent) == 1


def test_times_are_relative_with_the_exact_one_on_hover(guest_with: Enter) -> None:
    guest = guest_with()
    guest.sign_up()
    time = guest.page.locator("time").first
    expect(time).to_have_text("just now")
    assert re.search(r"20\d\d", time.get_attribute("title") or "")
