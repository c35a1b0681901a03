"""What people do with passkeys in tests of the portal."""

import html
import json
import re
from typing import Any

from tests.portal.conftest import Visitor
from tests.support.passkey import Device

REFUSED = "This passkey was not taken. Try again."


def csrf(visitor: Visitor, on: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(on).text)
    assert found
    return found[1]


def asked(visitor: Visitor, path: str, *, on: str) -> dict[str, Any]:
    """Return the options that a script of a page would get."""
    answered = visitor.client.post(
        path, headers={"X-CSRFToken": csrf(visitor, on), "Accept": "application/json"}
    )
    assert answered.status_code == 200, answered.text
    return dict(answered.get_json())


def new_options(visitor: Visitor) -> dict[str, Any]:
    page = visitor.send("/account/passkeys/new", on="/account/security")
    assert page.status_code == 200, page.status_code
    found = re.search(r'data-passkey-new="([^"]+)"', page.text)
    assert found
    return dict(json.loads(html.unescape(found[1])))


def added(visitor: Visitor, device: Device | None = None, name: str = "Laptop") -> Device:
    """Add a passkey to a signed-in person; returns the device that holds it."""
    device = device or Device()
    credential = device.make(new_options(visitor))
    done = visitor.send("/account/passkeys", {"credential": credential, "name": name}, on="/account/security")
    assert done.status_code == 303, done.text
    return device


def sign_in(visitor: Visitor, device: Device, **how: Any) -> Any:
    options = asked(visitor, "/sign-in/passkey/options", on="/sign-in")
    return visitor.send("/sign-in/passkey", {"credential": device.sign(options, **how)})


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/dashboard").status_code == 200
