"""Mail that cannot be written, or that its writer made so, is one organization's loss and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from app.core import clock, mail
from app.core.db import db
from app.domains.email import delivery, mails
from app.domains.email.outgoing import compose
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.smtp import SmtpSandbox
from tests.support.world import World

REAL_SEND = mail.send
ENCODED = [
    "=?utf-8?q?x=0D=0ABcc:_evil=40x.example?=",
    "=?us-ascii?q?=0A?=",
    "a =?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?= b",
    "=?utf-8?q?Your_bank_=3Csafe=40bank.example=3E?=",
]


@pytest.fixture
def instance(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSandbox]:
    """Give the instance's own mail server, and let mail really be sent."""
    sandbox = SmtpSandbox(tmp_path)
    sandbox.start()
    server = mail.MailServer(host="127.0.0.1", port=sandbox.port, security="none")
    monkeypatch.setattr(delivery, "platform_server", lambda: server)
    monkeypatch.setattr(mail, "send", REAL_SEND)
    yield sandbox
    sandbox.stop()


@pytest.mark.parametrize("text", ENCODED)
def test_l06_what_is_typed_stays_as_it_was_typed_in_a_subject(in_app: Flask, text: str) -> None:
    wanted = mail.OutgoingMail(to="kim@example.org", subject=text, text="x", html="x")
    wire = mail.build(wanted, message_id="<1@example.org>").as_bytes()
    read = message_from_bytes(wire, policy=default)
    assert "Bcc" not in read
    assert str(read["Subject"]).replace("= ?", "=?") == text


@pytest.mark.parametrize("name", ENCODED)
def test_l06_a_name_that_hides_a_header_makes_nobody_elses_mail_wait(
    world: World, instance: SmtpSandbox, name: str
) -> None:
    tenant_id = world.organization(world.person())
    with world.app.app_context(), transaction():
        db.session.get_one(Tenant, tenant_id).name = name
    with world.app.app_context(), transaction():
        for number in range(7):
            mails.member_invitation(
                f"poison{number}@example.org",
                first_name="Kim",
                tenant_name=name,
                tenant_id=tenant_id,
                inviter_name=name,
                role="member",
                accept_url="http://localhost/accept-invitation?token=x",
                token="x",
                expires_at=clock.now(),
            )
        mails.signup_code("kim@example.org", first_name="Kim", code="402913", expires_in=timedelta(minutes=9))
    world.keep_promises()
    assert [arrived.code for arrived in instance.mails("kim@example.org")] == ["402913"]
    (arrived,) = instance.mails("poison0@example.org")
    assert "Bcc" not in arrived.message
    (sender,) = arrived.message["From"].addresses
    assert sender.addr_spec == "portico@portico.example"


def test_mails_that_cannot_be_written_are_given_up_and_stop_no_other(
    world: World, instance: SmtpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = mail.build

    def fragile(wanted: mail.OutgoingMail, *, message_id: str) -> object:
        if wanted.to.startswith("poison"):
            raise ValueError("a header that cannot be")
        return build(wanted, message_id=message_id)

    monkeypatch.setattr(mail, "build", fragile)
    with world.app.app_context(), transaction():
        for to in [*(f"poison{number}@example.org" for number in range(7)), "kim@example.org"]:
            mails.signup_code(to, first_name="Kim", code="402913", expires_in=timedelta(minutes=9))
    world.keep_promises()
    assert len(instance.mails("kim@example.org")) == 1


def test_what_cannot_even_be_opened_stops_no_other(
    world: World, instance: SmtpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(payload: dict[str, object], uid: UUID) -> object:
        if str(payload["to"]).startswith("poison"):
            raise KeyError("a template's variable")
        return compose(payload, uid)

    monkeypatch.setattr(delivery, "compose", fragile)
    with world.app.app_context(), transaction():
        for to in [*(f"poison{number}@example.org" for number in range(7)), "kim@example.org"]:
            mails.signup_code(to, first_name="Kim", code="402913", expires_in=timedelta(minutes=9))
    world.keep_promises()
    assert len(instance.mails("kim@example.org")) == 1
