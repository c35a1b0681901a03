"""An organization's own mail server: saved, tried for real, and used; its password never leaves again."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.core import outbound
from app.core.db import db
from app.core.settings import Settings, use_settings
from app.domains.email.settings_models import TenantMailServer
from tests.support.smtp import SmtpSandbox
from tests.support.world import World

SECRET = "s3cret-value-of-the-server"


@pytest.fixture
def loopback(settings: Settings) -> Iterator[None]:
    """Let organizations name servers on this machine, as development does."""
    use_settings(replace(settings, outbound_networks=(ip_network("127.0.0.0/8"),), outbound_ports="any"))
    yield
    use_settings(settings)


@pytest.fixture
def sink(tmp_path: Path, loopback: None) -> Iterator[SmtpSandbox]:
    sandbox = SmtpSandbox(tmp_path)
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def tenant_id(world: World) -> int:
    return world.organization(world.person())


@pytest.fixture
def token(world: World, tenant_id: int) -> str:
    return world.token("api_v1")


def save(world: World, token: str, **fields: Any) -> Any:
    return world.call("api_v1.email_settings.smtp_put", token=token, json=fields)


def saved(world: World, token: str, sink: SmtpSandbox, **fields: Any) -> Any:
    body = {"host": "127.0.0.1", "port": sink.port, "security": "none", **fields}
    answer = save(world, token, **body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def tried(world: World, token: str, **body: Any) -> Any:
    return world.done("api_v1.email_settings.smtp_test", token=token, json=body)["data"]


def error(answer: Any) -> tuple[int, str, set[str]]:
    told = answer.get_json()["error"]
    return answer.status_code, told["code"], set(told["details"])


def test_nothing_saved_is_an_answer(world: World, token: str) -> None:
    got = world.done("api_v1.email_settings.smtp_get", token=token)["data"]
    assert got == {
        "configured": False,
        "enabled": None,
        "host": None,
        "port": None,
        "security": None,
        "username": None,
        "passwordSet": False,
        "timeoutSeconds": None,
        "usesInstanceServer": True,
        "lastTest": None,
        "updatedAt": None,
    }
    answer = world.call("api_v1.email_settings.smtp_test", token=token, json={})
    assert error(answer)[:2] == (409, "email:smtp_not_configured")


def test_the_first_save_needs_host_port_and_security(world: World, token: str) -> None:
    assert error(save(world, token, username="mailer")) == (400, "validation", {"host", "port", "security"})


def test_l04_a_password_is_sealed_and_never_shown(
    world: World, token: str, sink: SmtpSandbox, tenant_id: int
) -> None:
    body = {"host": "127.0.0.1", "port": sink.port, "security": "none", "username": "m", "password": SECRET}
    told = save(world, token, **body).text
    told += world.call("api_v1.email_settings.smtp_get", token=token).text
    told += world.call("api_v1.email_settings.smtp_test", token=token, json={}).text
    told += "".join(str(row.changes) for row in world.trail())
    assert SECRET not in told
    with world.app.app_context():
        kept = db.session.get_one(TenantMailServer, tenant_id).password
    assert kept is not None
    assert SECRET not in kept.text


@pytest.mark.parametrize(
    "change",
    [
        {"host": "8.8.8.8"},
        {"port": 2525},
        {"security": "starttls"},
        {"username": "other"},
        {"username": None},
    ],
)
def test_a_stored_password_goes_to_no_other_place(
    world: World, token: str, sink: SmtpSandbox, change: dict[str, Any]
) -> None:
    saved(world, token, sink, username="mailer", password=SECRET)
    assert error(save(world, token, **change)) == (400, "validation", {"password"})
    assert save(world, token, **change, password="again").status_code == 200


def test_what_does_not_move_the_password_is_saved_without_it(
    world: World, token: str, sink: SmtpSandbox
) -> None:
    saved(world, token, sink, username="mailer", password=SECRET)
    got = save(world, token, timeoutSeconds=5, enabled=False).get_json()["data"]
    assert (got["passwordSet"], got["timeoutSeconds"], got["enabled"]) == (True, 5, False)
    assert save(world, token, password=None).get_json()["data"]["passwordSet"] is False
    assert save(world, token, host="8.8.8.8").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "localhost.",
    ],
)
def test_l01_private_hosts_are_refused_before_a_connection(world: World, token: str, host: str) -> None:
    """The same text whether something listens there or not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        wanted = {"host": host, "security": "none"}
        answers = [save(world, token, **wanted, port=port) for port in (25, 587)]
        assert {answer.status_code for answer in answers} == {400}
        assert len({answer.text for answer in answers}) == 1
        assert error(answers[0])[1] == "email:host_not_allowed"
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("port", [1, 22, 80, 443, 6379, 65535])
def test_l01_ports_of_others_are_refused(world: World, token: str, port: int) -> None:
    assert (
        error(save(world, token, host="8.8.8.8", port=port, security="none"))[1] == "email:host_not_allowed"
    )


def test_l02_a_name_that_leads_elsewhere_at_the_test_is_refused_then(
    world: World, token: str, sink: SmtpSandbox, settings: Settings
) -> None:
    saved(world, token, sink)
    use_settings(replace(settings, outbound_ports="any"))  # what was allowed is not any more
    answer = world.call("api_v1.email_settings.smtp_test", token=token, json={})
    assert error(answer)[:2] == (400, "email:host_not_allowed")
    assert sink.mails() == []


def test_a_test_signs_in_and_sends_one_message(world: World, token: str, sink: SmtpSandbox) -> None:
    saved(world, token, sink, username="mailer", password=SECRET)
    got = tried(world, token)
    assert [step["name"] for step in got["steps"]] == ["resolve", "connect", "plain", "auth", "send"]
    assert all(step["ok"] for step in got["steps"])
    assert (got["ok"], got["error"], got["sentTo"]) == (True, None, "jane@world.example")
    (arrived,) = sink.mails()
    assert arrived.subject == "Test from World Corp"
    shown = world.done("api_v1.email_settings.smtp_get", token=token)["data"]
    assert shown["lastTest"]["ok"] is True
    assert shown["usesInstanceServer"] is False
    assert save(world, token, enabled=True).get_json()["data"]["lastTest"] is None


def test_a_refused_sign_in_is_told_without_the_secret(world: World, token: str, sink: SmtpSandbox) -> None:
    sink.rules.add({"action": "refuse", "stage": "auth", "recipient": "mailer"})
    saved(world, token, sink, username="mailer", password=SECRET)
    got = tried(world, token)
    assert got["error"] == {"step": "auth", "message": "The server refused user name or password."}
    assert got["steps"][-1]["detail"].startswith("535")
    assert sink.mails() == []
    assert got["ok"] is False
    shown = world.done("api_v1.email_settings.smtp_get", token=token)["data"]
    assert shown["usesInstanceServer"] is True


def test_a_server_that_drips_is_cut_off_in_time(world: World, token: str, loopback: None) -> None:
    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                for sign in b"220 slow" * 100:
                    connection.sendall(bytes([sign]))
                    if stop.wait(0.2):
                        return
            except OSError:
                return

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, daemon=True).start()
        port = listening.getsockname()[1]
        save(world, token, host="127.0.0.1", port=port, security="none", timeoutSeconds=1)
        got = tried(world, token)
        stop.set()
    assert got["error"] == {"step": "connect", "message": "The server did not answer in time."}
    assert got["steps"][-1]["ms"] < 3000


def test_a_test_goes_to_members_only(world: World, token: str, sink: SmtpSandbox) -> None:
    world.organization(world.person("kim@other.example"), slug="other-corp")
    saved(world, token, sink)
    for to in ("kim@other.example", "nobody@world.example", "jane@world.example\r\nRCPT TO:<x@y.example>"):
        answer = world.call("api_v1.email_settings.smtp_test", token=token, json={"to": to})
        assert error(answer)[:2] == (400, "email:recipient_not_member")
    assert tried(world, token, to="Jane@World.example")["ok"] is True


def test_another_organization_sees_and_changes_nothing(world: World, token: str, sink: SmtpSandbox) -> None:
    saved(world, token, sink, username="mailer", password=SECRET)
    world.organization(world.person("kim@other.example"), slug="other-corp")
    theirs = world.token("api_v1", "kim@other.example", "other-corp")
    assert world.done("api_v1.email_settings.smtp_get", token=theirs)["data"]["configured"] is False
    saved(world, theirs, sink, username="kim")
    assert world.done("api_v1.email_settings.smtp_get", token=token)["data"]["username"] == "mailer"


# ---- the sender


def test_a_sender_is_used_on_the_own_server_and_only_its_name_on_the_instances(
    world: World, token: str, sink: SmtpSandbox
) -> None:
    wanted = {"fromName": "Acme", "fromEmail": "hello@acme.com", "replyTo": "support@acme.com"}
    got = world.done("api_v1.email_settings.sender_put", token=token, json=wanted)["data"]
    assert {name: got[name] for name in wanted} == wanted
    assert got["effectiveFrom"] == "Acme <portico@portico.example>"
    saved(world, token, sink)
    tried(world, token)
    got = world.done("api_v1.email_settings.sender_get", token=token)["data"]
    assert got["effectiveFrom"] == "Acme <hello@acme.com>"
    assert sink.mails()[0].message["From"] == "Acme <hello@acme.com>"
    assert sink.mails()[0].message["Reply-To"] == "support@acme.com"


@pytest.mark.parametrize(
    "change",
    [
        {"fromName": "Acme\r\nBcc: all@evil.example"},
        {"fromName": "Acme\u2028Bcc: all@evil.example"},
        {"fromName": "Acme\u202egro"},
        {"fromName": "x" * 101},
        {"fromEmail": "a@b.example\r\nRCPT TO:<c@d.example>"},
        {"fromEmail": '"a b"@c.example'},
        {"fromEmail": "a@[127.0.0.1]"},
        {"fromEmail": "a" * 4096 + "@b.example"},
        {"fromEmail": "a\u2028@b.example"},
        {"replyTo": "a@b.example, c@d.example"},
        {"replyTo": "not an address"},
    ],
)
def test_l06_what_would_begin_another_header_is_refused(
    world: World, token: str, change: dict[str, str]
) -> None:
    answer = world.call("api_v1.email_settings.sender_put", token=token, json=change)
    assert error(answer) == (400, "validation", set(change))


def test_a_connection_is_made_where_the_name_led_at_the_check(
    world: World, token: str, sink: SmtpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(world, token, sink)
    asked: list[str] = []
    real = outbound.checked_addresses

    def once(host: str, port: int, **how: Any) -> tuple[str, ...]:
        asked.append(host)
        return real(host, port, **how)

    monkeypatch.setattr(outbound, "checked_addresses", once)
    tried(world, token)
    assert asked == ["127.0.0.1"]
