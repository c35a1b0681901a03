"""From a promised mail to a mailbox: through the outbox to a real SMTP server that misbehaves."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.core import mail, outbox, redis
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.email import delivery, mails
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.smtp import SmtpSandbox


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSandbox]:
    sandbox = SmtpSandbox(tmp_path)
    sandbox.start()
    server = mail.MailServer(host="127.0.0.1", port=sandbox.port, security="none")
    monkeypatch.setattr(delivery, "platform_server", lambda: server)
    yield sandbox
    sandbox.stop()


def promise_code(to: str = "kim@example.org", code: str = "402913") -> None:
    with transaction():
        mails.signup_code(to, first_name="Kim", code=code, expires_in=timedelta(minutes=10))


def only_row() -> OutboxRow:
    db.session.expire_all()
    (row,) = db.session.query(OutboxRow).all()
    return row


def test_a_code_lies_in_no_row_before_or_after_it_is_sent(in_app: Flask, sink: SmtpSandbox) -> None:
    promise_code()
    assert "402913" not in str(only_row().payload)
    assert keeping.drain() == 1
    (arrived,) = sink.mails("kim@example.org")
    assert arrived.code == "402913"
    row = only_row()
    assert row.done_at is not None
    assert row.payload == {
        "mail": "signup_code",
        "event": "account.signup_code",
        "to": "kim@example.org",
        "message_id": f"<{row.uid}@portico.example>",
    }


@pytest.mark.parametrize("rule", [{"action": "refuse", "code": 451}, {"action": "drop"}])
def test_a_mail_keeps_its_message_id_over_retries(
    in_app: Flask, sink: SmtpSandbox, move_clock: Callable[[int], None], rule: dict[str, object]
) -> None:
    sink.rules.add({**rule, "count": 1})
    promise_code()
    assert keeping.drain() == 0
    assert only_row().attempts == 1
    assert keeping.drain() == 0, "it waits"
    move_clock(20)
    assert keeping.drain() == 1
    assert {arrived.message_id for arrived in sink.mails()} == {f"<{only_row().uid}@portico.example>"}


def test_a_mail_that_is_refused_for_good_is_kept_with_the_reason(in_app: Flask, sink: SmtpSandbox) -> None:
    sink.rules.add({"action": "refuse", "code": 550, "stage": "rcpt"})
    promise_code()
    assert keeping.drain() == 0
    assert only_row().dead_at is not None
    assert "550" in (only_row().last_error or "")
    sink.rules.clear()
    with transaction():
        outbox.revive([only_row().id])
    assert keeping.drain() == 1
    assert sink.mails()[0].code == "402913"


def test_a_server_that_is_away_costs_no_try_and_no_mail(
    in_app: Flask, sink: SmtpSandbox, move_clock: Callable[[int], None]
) -> None:
    for number in range(6):
        promise_code(f"kim{number}@example.org")
    sink.stop()
    for _ in range(10):
        assert keeping.drain() == 0
        move_clock(65)
    assert {row.attempts for row in outbox.waiting()} == {0}


def test_a_mail_whose_key_is_gone_is_given_up_with_the_reason(in_app: Flask, sink: SmtpSandbox) -> None:
    with transaction():
        outbox.promise("mail", {"mail": "welcome", "to": "kim@example.org", "sealed": "gone.AAAA"})
    assert keeping.drain() == 0
    assert "sealing key" in (only_row().last_error or "")
