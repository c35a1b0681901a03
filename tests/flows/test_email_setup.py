"""api_v1's flow organization_and_email_setup, as far as mail is concerned."""

from tests.flows.test_api_v1 import caller, founded, login
from tests.support.calls import Caller
from tests.support.live import LiveInstance

__all__ = ["caller"]

MAIL = "api_v1.email_settings."
SECRET = "s3cret-value"


def test_email_setup(live: LiveInstance, caller: Caller) -> None:
    slug = founded(caller, "mailing-corp")
    owner = login(caller, slug)["accessToken"]
    status = caller.good(MAIL + "status", bearer=owner)["data"]
    ok = {check["code"]: check["ok"] for check in status["checks"]}
    assert (ok["smtp"], ok["compliance"]) == (False, False)
    caller.refused(MAIL + "smtp_test", "409 email:smtp_not_configured", bearer=owner)
    server = {"host": "127.0.0.1", "port": int(live.settings["SMTP_PORT"]), "security": "none"}
    saved = caller.good(MAIL + "smtp_put", bearer=owner, username="mailer", password=SECRET, **server)
    assert saved["data"]["passwordSet"] is True
    assert SECRET not in str(saved)
    assert "password" not in caller.good(MAIL + "smtp_get", bearer=owner)["data"]
    moved = caller.refused(MAIL + "smtp_put", "400 validation", bearer=owner, host="smtp.attacker.example")
    assert "password" in moved.json()["error"]["details"]
    tried = caller.good(MAIL + "smtp_test", bearer=owner)["data"]
    assert tried["ok"] is True, tried
    assert [step["name"] for step in tried["steps"]] == ["resolve", "connect", "plain", "auth", "send"]
    live.mail.wait_for(f"admin@{slug}.example", subject="Test from")
    sender = {"fromName": "Acme", "fromEmail": "hello@acme.com", "replyTo": "support@acme.com"}
    caller.good(MAIL + "sender_put", bearer=owner, **sender)
    assert caller.good(MAIL + "sender_get", bearer=owner)["data"]["replyTo"] == "support@acme.com"
    status = caller.good(MAIL + "status", bearer=owner)["data"]
    ok = {check["code"]: check["ok"] for check in status["checks"]}
    assert (ok["smtp"], ok["sender"], status["sendsThrough"]) == (True, True, "tenant")
