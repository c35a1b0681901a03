"""Mail: headers nobody can add to, and what each answer of a server means for the message."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.core import mail
from app.core.mail import MailDeferred, MailRefused, MailServer, OutgoingMail, ServerAway
from app.core.outbox import Hopeless, NotNow, Unreachable
from app.core.settings import Settings, use_settings
from tests.support.live import free_port
from tests.support.smtp import SmtpSandbox

UID = UUID("0196f2a4-7c1e-7d3a-9b52-3f6c8e1a4d70")
ID = "<0196f2a4-7c1e-7d3a-9b52-3f6c8e1a4d70@portico.example>"


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    use_settings(settings)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSandbox]:
    sandbox = SmtpSandbox(tmp_path)
    sandbox.start()
    yield sandbox
    sandbox.stop()


def message(to: str = "kim@example.org", subject: str = "Hello", text: str = "Hello") -> OutgoingMail:
    return OutgoingMail(to=to, subject=subject, text=text, html=f"<p>{text}</p>")


def send(sink: SmtpSandbox, what: OutgoingMail) -> None:
    mail.send(what, message_id=ID, server=MailServer(host="127.0.0.1", port=sink.port, security="none"))


def test_a_mail_arrives_with_both_parts_and_its_own_name(sink: SmtpSandbox) -> None:
    send(sink, message(subject="Grüße", text="Für Žofia: 123456"))
    (arrived,) = sink.mails()
    assert arrived.message_id == mail.message_id(UID) == ID
    assert arrived.subject == "Grüße"
    assert "Für Žofia: 123456" in arrived.text
    assert "Für Žofia" in arrived.html
    assert arrived.message["Auto-Submitted"] == "auto-generated"
    assert arrived.message["Date"].datetime.tzinfo is not None


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\u2028", "\u2029", "\x85", "\x00", "\x0b"])
def test_a_subject_cannot_begin_another_header(sink: SmtpSandbox, sign: str) -> None:
    send(sink, message(subject=f"Hello{sign}Bcc: all@evil.example"))
    (arrived,) = sink.mails()
    assert arrived.message["Bcc"] is None
    assert arrived.envelope_to == ["kim@example.org"]
    assert arrived.subject == "Hello Bcc: all@evil.example"


@pytest.mark.parametrize(
    "address",
    [
        "kim@example.org\r\nBcc: all@evil.example",
        "kim@example.org\r\nRCPT TO:<all@evil.example>",
        "kim@example.org, all@evil.example",
        "kim",
        "",
        "kim@example.org>",
        "žofia, all@evil.example",
        "žofia\r\nBcc: all@evil.example",
    ],
)
def test_an_address_that_is_none_is_never_sent_to(sink: SmtpSandbox, address: str) -> None:
    with pytest.raises(MailRefused):
        send(sink, message(to=address))
    assert sink.mails() == []


@pytest.mark.parametrize("stage", ["rcpt", "data"])
@pytest.mark.parametrize(
    ("code", "kind"), [(450, NotNow), (451, NotNow), (421, Unreachable), (550, Hopeless), (554, Hopeless)]
)
def test_each_answer_means_one_thing(sink: SmtpSandbox, stage: str, code: int, kind: type[Exception]) -> None:
    sink.rules.add({"action": "refuse", "code": code, "stage": stage})
    with pytest.raises(kind, match=str(code)):
        send(sink, message())
    assert sink.mails() == []


def test_an_answer_that_never_came_is_tried_again_under_the_same_name(sink: SmtpSandbox) -> None:
    sink.rules.add({"action": "drop", "count": 1})
    with pytest.raises(MailDeferred):
        send(sink, message())
    send(sink, message())
    assert [arrived.message_id for arrived in sink.mails()] == [ID, ID]


def test_a_server_that_is_not_there_is_away() -> None:
    with pytest.raises(ServerAway):
        mail.send(
            message(), message_id=ID, server=MailServer(host="127.0.0.1", port=free_port(), security="none")
        )


def test_a_server_without_tls_is_not_given_mail_that_wants_it(sink: SmtpSandbox) -> None:
    server = MailServer(host="127.0.0.1", port=sink.port, security="starttls", username="u", password="p")
    with pytest.raises(ServerAway):
        mail.send(message(), message_id=ID, server=server)
    assert sink.mails() == []


def test_an_international_address_is_sent_to_as_it_is(sink: SmtpSandbox) -> None:
    send(sink, message(to="žofia@example.org"))
    assert sink.mails()[0].envelope_to == ["žofia@example.org"]


def test_an_international_domain_travels_in_ascii(sink: SmtpSandbox) -> None:
    send(sink, message(to="kim@bücher.example"))
    assert sink.mails()[0].envelope_to == ["kim@xn--bcher-kva.example"]


def test_a_password_is_not_shown_by_what_holds_it() -> None:
    assert "hunter2" not in repr(MailServer(host="h", port=25, security="none", password="hunter2"))


@pytest.mark.parametrize(
    "said", ["{plain}", "AUTH PLAIN {plain}", "{password}", "{encoded}", "{user} {password}"]
)
def test_l04_a_server_that_says_the_password_again_tells_nobody(said: str) -> None:
    server = MailServer(host="mx.example", port=25, security="none", username="jane", password="s3cret pass")
    words = said.format(
        user="jane",
        password="s3cret pass",
        plain=b64encode(b"\0jane\0s3cret pass").decode(),
        encoded=b64encode(b"s3cret pass").decode(),
    )
    told = mail.cleaned(f"535 no: {words}", server)
    assert "…" in told
    for secret in ("s3cret", "czNjcmV0", b64encode(b"\0jane\0s3cret pass").decode()):
        assert secret not in told
