"""What a person sets of their own, on a running server: flow profile_and_operations, and much at once."""

import base64
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.flows.test_api_v1 import founded, login
from tests.flows.test_services_v1 import NEW_PASSWORD, PASSWORD, person, signed_in
from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

USER = "services_v1.user."
AT_ONCE = 20


def picture(size: int) -> str:
    out = io.BytesIO()
    Image.frombytes("RGB", (size, size), os.urandom(size * size * 3)).save(out, "JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_profile_and_operations(live: LiveInstance, caller: Caller) -> None:
    """Leaves out services_v1.feature_usage.* and .smart_filters.*: a row is looked for by what is asked."""
    old, new, root = "kim@own-things.example", "kim@anew.example", "root@own-things.example"
    token = person(live, caller, old)
    other = signed_in(caller, old)
    ones_own(caller, token)
    logs = caller.good("services_v1.audit_logs.list", bearer=token, action="user.details_updated")["data"]
    assert {row["action"] for row in logs} == {"user.details_updated"}
    proof = {"method": "password", "password": PASSWORD}
    caller.good("services_v1.two_factor.security_verification", bearer=token, **proof)
    asked = caller.good(f"{USER}update_email_sendtoken", bearer=token, email=new)
    assert set(asked["data"]) == {"pending_email", "expires_in"}
    mailed = live.mail.token_for(new, subject="Bestätige deine neue")
    assert live.mail.wait_for(old, count=2)  # its sign-up code, and that this was asked for
    changed = caller.good(f"{USER}update_email_via_token", bearer=token, token=mailed)
    assert changed["data"]["email"] == new
    caller.refused(f"{USER}get", "401 auth:unauthenticated", bearer=other)
    words = {"password": NEW_PASSWORD, "password_confirmation": NEW_PASSWORD}
    update, wrong = f"{USER}update_password", {"current_password": "wrong", **words}
    caller.refused(update, "422 auth:current_password_wrong", bearer=token, **wrong)
    caller.good(update, bearer=token, current_password=PASSWORD, **words)
    caller.good(f"{USER}get", bearer=token)
    stale = {"email": old, "password": PASSWORD}
    caller.refused("services_v1.auth.login", "401 auth:invalid_credentials", **stale)
    assert signed_in(caller, new, NEW_PASSWORD)
    live.flask("create-admin", root, "--password", PASSWORD)
    restarts_are_the_platform_admins(caller, token, signed_in(caller, root))


def ones_own(caller: Caller, token: str) -> None:
    me = {"bearer": token}
    caller.good(f"{USER}update_details", first_name="x", **me)
    said = caller.good(f"{USER}update_language", language="de", **me)
    assert said["message"] == "Sprache gespeichert."
    caller.good(f"{USER}update_timezone", timezone="Europe/Berlin", **me)
    caller.refused(f"{USER}update_timezone", "422 validation", timezone="Mars/Base", **me)
    caller.good(f"{USER}update_editor_mode", editor_mode="advanced", **me)
    caller.good(f"{USER}update_editor_settings", settings={"autosave": True}, **me)
    caller.good(f"{USER}update_sidebar_layout_mode", sidebar_layout_mode="collapsed", **me)
    caller.good(f"{USER}dismiss_widget_teaser", widget="calendar", **me)
    shown = caller.good(f"{USER}get", **me)["data"]
    assert (shown["first_name"], shown["language"], shown["timezone"]) == ("x", "de", "Europe/Berlin")
    assert shown["preferences"] == {
        "editor_mode": "advanced",
        "editor_settings": {"autosave": True},
        "sidebar_layout_mode": "collapsed",
        "dismissed_teasers": ["calendar"],
    }


def restarts_are_the_platform_admins(caller: Caller, own: str, a: str) -> None:
    restart = "services_v1.admin.workers_restart_all"
    caller.refused(restart, "403 auth:platform_admin_required", bearer=own)
    caller.refused(restart, "401 auth:unauthenticated")
    generation = caller.good(restart, bearer=a)["data"]["generation"]
    caller.good("services_v1.admin.daemons_restart_all", bearer=a)
    assert caller.good(restart, bearer=a)["data"]["generation"] == generation + 1
    everywhere = {"scope": "all", "action": "workers.restarted"}
    caller.refused(
        "services_v1.audit_logs.list", "403 auth:platform_admin_required", bearer=own, **everywhere
    )
    rows = caller.good("services_v1.audit_logs.list", bearer=a, **everywhere)["data"]
    assert rows[0]["actor"]["email"] == "root@own-things.example"
    assert caller.good("services_v1.platforms.list", bearer=own)["data"][0]["code"] == "website"


def test_at_once_every_merge_survives(live: LiveInstance, caller: Caller) -> None:
    token = person(live, caller, "kim@merges.example")

    def change(number: int) -> None:
        with Caller(live.url) as own:
            own.good(f"{USER}update_editor_settings", bearer=token, settings={f"key{number}": number})
            own.good(f"{USER}dismiss_widget_teaser", bearer=token, widget=f"widget-{number}")

    with ThreadPoolExecutor(AT_ONCE) as crew:
        list(crew.map(change, range(AT_ONCE)))
    kept = caller.good(f"{USER}get", bearer=token)["data"]["preferences"]
    assert kept["editor_settings"] == {f"key{number}": number for number in range(AT_ONCE)}
    assert set(kept["dismissed_teasers"]) == {f"widget-{number}" for number in range(AT_ONCE)}


def test_at_once_one_acceptance_is_kept(live: LiveInstance, caller: Caller) -> None:
    token = person(live, caller, "kim@acceptances.example")
    version = caller.good("services_v1.auth.get_policy", type="cookies")["data"]["version"]

    def accept(_: int) -> str:
        with Caller(live.url) as own:
            body = {"type": "cookies", "version": version}
            return str(own.good(f"{USER}policy_acceptance", bearer=token, **body)["data"]["accepted_at"])

    with ThreadPoolExecutor(8) as crew:
        assert len(set(crew.map(accept, range(8)))) == 1


def test_a_picture_is_at_its_address_until_the_next_one(live: LiveInstance, caller: Caller) -> None:
    slug = founded(caller, "picture-corp")
    token = str(login(caller, slug)["accessToken"])

    def put(avatar: str | None) -> str | None:
        with Caller(live.url) as own:
            found = own.good("api_v1.auth.me_profile_update", bearer=token, avatar=avatar)["data"]["avatar"]
            return None if found is None else str(found)

    first = put(picture(300))
    assert first is not None
    shown = httpx.get(first)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(shown.content)).size == (512, 512)
    with ThreadPoolExecutor(6) as crew:
        addresses = set(crew.map(lambda _: put(picture(200)), range(6)))
    answers = {address: httpx.get(str(address)).status_code for address in addresses}
    assert sorted(answers.values()) == [200, *[404] * 5]
    assert httpx.get(first).status_code == 404
    assert files_left(live, 1) == 1
    put(None)
    assert files_left(live, 0) == 0


def files_left(live: LiveInstance, wanted: int) -> int:
    """Return how many files of pictures are there, once the worker has deleted what it is to delete."""
    deadline = time.monotonic() + 20
    while True:
        found = sum(path.is_file() for path in (live.folder / "files" / "pictures").rglob("*"))
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)
