"""The search for secrets finds one that was planted: in the database, in a log, in a mail too many."""

import pytest

from tests.support.canaries import Canaries
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PLANTED = "qx7-planted-qx7"


def test_a_planted_secret_is_found(live: LiveInstance) -> None:
    canaries = Canaries()
    canaries.note({"newPassword": PLANTED})
    assert canaries.found_in(live) == []
    live.flask("settings", "set", "instance.support_email", f"{PLANTED}@planted.example")
    log = live.folder / "log" / "planted.log"
    log.write_text(f'{{"message": "signed in with {PLANTED}"}}')
    try:
        found = canaries.found_in(live)
        assert {"file log/planted.log: new_password", "table setting_values: new_password"} <= set(found)
    finally:
        log.unlink()
        live.flask("settings", "set", "instance.support_email", "null")


def test_what_a_refusal_says_is_no_secret_and_a_short_code_is_looked_for_whole() -> None:
    canaries = Canaries()
    canaries.note({"code": "402913"}, {"data": {"codes": ["k7f2p9xq"], "tasks": [{"code": "branding"}]}})
    assert canaries.seen == {'"402913"': "code", "k7f2p9xq": "codes"}
