"""The pages about an organization's own mail server: how it stands, saving, trying, the sender."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.core.settings import Settings, use_settings
from tests.portal.conftest import Visitor
from tests.support.smtp import SmtpSandbox

EMAIL = "/organization/email"
SECRET = "s3cret-value-of-the-page"


@pytest.fixture
def sink(tmp_path: Path, settings: Settings) -> Iterator[SmtpSandbox]:
    use_settings(replace(settings, outbound_networks=(ip_network("127.0.0.0/8"),), outbound_ports="any"))
    sandbox = SmtpSandbox(tmp_path)
    sandbox.start()
    yield sandbox
    sandbox.stop()
    use_settings(settings)


def test_how_mail_stands_is_told(owner: Visitor) -> None:
    page = owner.get(EMAIL).text
    assert "no mail server of your own is set" in page
    assert f'href="{EMAIL}/server"' in page


def test_a_server_is_saved_tried_and_used(owner: Visitor, sink: SmtpSandbox) -> None:
    server = {
        "host": "127.0.0.1",
        "port": str(sink.port),
        "security": "none",
        "username": "mailer",
        "password": SECRET,
        "timeout_seconds": "5",
        "enabled": "y",
    }
    sent = owner.send(f"{EMAIL}/server", server, on=f"{EMAIL}/server")
    assert (sent.status_code, sent.location) == (303, f"{EMAIL}/server"), sent.text
    page = owner.get(f"{EMAIL}/server").text
    assert "Not tested since it was saved" in page
    assert SECRET not in page
    tried = owner.send(f"{EMAIL}/server/test", {}, on=f"{EMAIL}/server")
    assert tried.status_code == 200
    assert "The test has passed" in tried.text
    assert len(sink.mails()) == 1
    assert "through your own server" in owner.get(EMAIL).text
    moved = owner.send(
        f"{EMAIL}/server", {**server, "username": "other", "password": ""}, on=f"{EMAIL}/server"
    )
    assert moved.status_code == 422
    assert 'id="password-error"' in moved.text


def test_a_host_that_cannot_be_used_is_said_at_its_field(owner: Visitor) -> None:
    server = {"host": "169.254.169.254", "port": "25", "security": "none"}
    refused = owner.send(f"{EMAIL}/server", server, on=f"{EMAIL}/server")
    assert refused.status_code == 400
    assert 'id="host-error"' in refused.text


def test_a_sender_is_saved_and_a_break_in_its_name_refused(owner: Visitor) -> None:
    sender = {"from_name": "Acme", "from_email": "hello@acme.com", "reply_to": "support@acme.com"}
    assert owner.send(f"{EMAIL}/sender", sender, on=f"{EMAIL}/sender").status_code == 303
    assert "Acme &lt;portico@portico.example&gt;" in owner.get(f"{EMAIL}/sender").text
    broken = {**sender, "from_name": "Acme\r\nBcc: all@evil.example"}
    refused = owner.send(f"{EMAIL}/sender", broken, on=f"{EMAIL}/sender")
    assert refused.status_code == 422
    assert 'id="from_name-error"' in refused.text
