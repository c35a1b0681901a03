"""The SMTP sandbox: what it keeps, what it refuses on demand, and what its page shows."""

import asyncio
import http.client
import json
import mailbox
import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox import clock, mailbox_page
from sandbox.maildir import MailStore
from sandbox.rules import BadRule, Rules
from sandbox.smtp import Sink, SmtpServer
from tests.support.live import free_port
from tests.support.mail import Mailbox, token_in

pytestmark = pytest.mark.once

TEXT = "Your code is 402913.\nOr open http://127.0.0.1:8000/confirm-email?token=abc-123 now.\n"


@dataclass
class Sandbox:
    folder: Path
    port: int
    page: mailbox_page.MailboxPage

    @property
    def rules(self) -> Rules:
        return self.page.rules

    @property
    def mail(self) -> Mailbox:
        return Mailbox(self.folder / "mail")

    def send(self, *to: str, subject: str = "Hello", html: str = "<p>Hi</p>") -> dict[str, Any]:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "portico@portico.example", ", ".join(to), subject
        mail["Message-ID"] = "<one@portico.example>"
        mail.set_content(TEXT)
        mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.port, timeout=1) as client:
            return client.send_message(mail)

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=5)
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    store = MailStore(tmp_path / "mail")
    store.create()
    rules = Rules(now=partial(clock.now, tmp_path))
    smtp = SmtpServer(port=free_port(), sink=Sink(store, rules, tmp_path))
    page = mailbox_page.MailboxPage(store, rules, portal="http://127.0.0.1:8000", port=free_port())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(smtp.start(), loop).result(5)
    server = mailbox_page.serve(page)
    yield Sandbox(tmp_path, smtp.port, page)
    server.shutdown()
    server.server_close()
    asyncio.run_coroutine_threadsafe(_end(smtp), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def _end(smtp: SmtpServer) -> None:
    await smtp.stop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.1)  # connections that were hung up are closed


def test_a_mail_is_kept_in_a_standard_maildir_with_its_envelope(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example", "lee@acme.example")
    kept = list(mailbox.Maildir(sandbox.folder / "mail", create=False))
    assert [(m["X-Envelope-From"], m["X-Envelope-To"]) for m in kept] == [
        ("portico@portico.example", "kim@acme.example, lee@acme.example")
    ]


def test_a_test_finds_the_code_and_the_token_of_the_newest_mail(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example", subject="Old")
    sandbox.send("kim@acme.example", subject="New")
    mail = sandbox.mail.wait_for("Kim@acme.example", count=2)
    assert (mail.subject, mail.code, token_in(mail)) == ("New", "402913", "abc-123")


def test_waiting_for_a_mail_that_never_comes_says_what_came(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example", subject="Other")
    with pytest.raises(AssertionError, match="Other"):
        sandbox.mail.wait_for("kim@acme.example", subject="Reset", seconds=0.2)


@pytest.mark.parametrize("stage", ["rcpt", "data"])
@pytest.mark.parametrize("code", [421, 450, 550])
def test_a_recipient_or_a_message_is_refused_with_the_code_asked_for(
    sandbox: Sandbox, stage: str, code: int
) -> None:
    sandbox.rules.add(
        {"action": "refuse", "stage": stage, "code": code, "recipient": "*@acme.example", "count": 1}
    )
    with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) as refused:
        sandbox.send("kim@acme.example")
    assert str(code) in str(refused.value)
    sandbox.send("kim@acme.example")
    assert len(sandbox.mail.all()) == 1


def test_only_the_recipients_of_a_rule_are_refused(sandbox: Sandbox) -> None:
    sandbox.rules.add({"action": "refuse", "stage": "rcpt", "code": 550, "recipient": "lee@*"})
    assert list(sandbox.send("kim@acme.example", "lee@acme.example")) == ["lee@acme.example"]
    assert sandbox.mail.all()[0].envelope_to == ["kim@acme.example"]


def test_a_dropped_conversation_leaves_the_mail_but_no_answer(sandbox: Sandbox) -> None:
    sandbox.rules.add({"action": "drop", "count": 1})
    with pytest.raises(smtplib.SMTPServerDisconnected):
        sandbox.send("kim@acme.example")
    assert len(sandbox.mail.all()) == 1


def test_silence_is_no_answer_and_no_mail(sandbox: Sandbox) -> None:
    sandbox.rules.add({"action": "silence", "count": 1})
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        sandbox.send("kim@acme.example")
    assert not sandbox.mail.all()


def test_a_delayed_answer_comes_after_the_mail_is_kept(sandbox: Sandbox) -> None:
    sandbox.rules.add({"action": "delay", "seconds": 0.4})
    sending = threading.Thread(target=sandbox.send, args=["kim@acme.example"])
    sending.start()
    sandbox.mail.wait_for("kim@acme.example", seconds=0.39)
    assert sending.is_alive()
    sending.join()


def test_offline_means_that_nobody_listens_until_the_rule_is_cleared(sandbox: Sandbox) -> None:
    sandbox.rules.add({"action": "offline"})
    threading.Event().wait(0.3)
    with pytest.raises(ConnectionRefusedError):
        sandbox.send("kim@acme.example")
    sandbox.rules.clear()
    threading.Event().wait(0.3)
    assert sandbox.send("kim@acme.example") == {}


def test_a_rule_ends_by_the_instances_own_clock(tmp_path: Path) -> None:
    rules = Rules(now=partial(clock.now, tmp_path))
    rules.add({"action": "silence", "lasts_seconds": 600})
    assert len(rules.all()) == 1
    (tmp_path / "clock").write_text("601")
    assert rules.all() == []
    assert clock.now(tmp_path) - datetime.now(UTC) > timedelta(seconds=600)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"action": "burn"},
        {"action": "refuse", "code": 250},
        {"action": "delay", "seconds": "soon"},
        {"action": "drop", "count": 0},
        {"action": "drop", "colour": "red"},
        {"action": "drop", "seconds": "nan"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(BadRule):
        Rules(now=lambda: datetime.now(UTC)).add(rule)


def test_rules_are_set_read_and_cleared_as_json(sandbox: Sandbox) -> None:
    made = sandbox.ask("POST", "/rules", '{"action": "drop", "count": 2}', content_type="application/json")
    assert made.status == 201
    assert json.loads(sandbox.ask("GET", "/rules").text)[0]["count"] == 2
    assert sandbox.ask("DELETE", "/rules").status == 204
    assert json.loads(sandbox.ask("GET", "/rules").text) == []
    bad = sandbox.ask("POST", "/rules", '{"action": 1}', content_type="application/json")
    assert bad.status == 422


def test_the_form_sets_a_rule_and_comes_back_to_the_page(sandbox: Sandbox) -> None:
    origin = f"http://127.0.0.1:{sandbox.page.port}"
    form = "action=refuse&recipient=&stage=rcpt&code=550&seconds=&count=&lasts_seconds="
    answer = sandbox.ask(
        "POST", "/rules", form, origin=origin, content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status, answer.getheader("Location")) == (303, "/#rules")
    assert "refuse the recipient with 550" in sandbox.ask("GET", "/").text


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}]
)
def test_another_site_changes_nothing(sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert sandbox.ask("POST", "/rules", "action=drop", **headers).status == 403
    assert sandbox.rules.all() == []


def test_another_host_name_is_shown_nothing(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example")
    answer = sandbox.ask("GET", "/messages.json", host=f"evil.example:{sandbox.page.port}")
    assert (answer.status, "kim" in answer.text) == (421, False)


def test_messages_are_found_by_recipient_as_json_and_on_the_page(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example", subject="<b>For Kim</b>")
    sandbox.send("lee@acme.example", subject="For Lee")
    found = json.loads(sandbox.ask("GET", "/messages.json?to=kim").text)
    assert [(m["subject"], m["code"], m["message_id"]) for m in found] == [
        ("<b>For Kim</b>", "402913", "<one@portico.example>")
    ]
    page = sandbox.ask("GET", "/?to=KIM").text
    assert "&lt;b&gt;For Kim&lt;/b&gt;" in page
    assert "For Lee" not in page


def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(sandbox: Sandbox) -> None:
    sandbox.send("kim@acme.example", html="<script>alert(1)</script><p>Hi</p>")
    mail_id = sandbox.page.store.ids()[0]
    page = sandbox.ask("GET", f"/messages/{mail_id}")
    assert "<script>" not in page.text
    assert 'sandbox="allow-popups' in page.text
    frame = sandbox.ask("GET", f"/messages/{mail_id}/html")
    policy = str(frame.getheader("Content-Security-Policy"))
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert (
        sandbox.ask("GET", f"/messages/{mail_id}/raw").getheader("Content-Type", "").startswith("text/plain")
    )


@pytest.mark.parametrize("path", ["/nothing", "/messages/..%2F..%2Fclock", "/messages/x/html", "/messages/"])
def test_what_is_not_there_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert sandbox.ask("GET", path).status == 404


def test_the_list_is_paged(sandbox: Sandbox) -> None:
    for number in range(mailbox_page.PAGE_SIZE + 1):
        sandbox.page.store.keep(
            f"Subject: {number}\n\n".encode(), sender="a@b.example", recipients=["k@b.example"],
            moment=datetime.now(UTC),
        )  # fmt: skip
    assert "Page 1 of 2" in sandbox.ask("GET", "/").text
    assert sandbox.ask("GET", "/?page=2").text.count("<tr><td class") == 1
    assert sandbox.ask("GET", "/?page=99").text.count("<tr><td class") == 1
