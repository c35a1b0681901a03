"""Mail is signed for the organization's own domain, and the domain is watched."""

from typing import Any

import dkim
import pytest

from app.core import clock, jobs, mail
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.email.obeying import with_dkim
from app.domains.email.rules_models import EventChoice, MailRules, SenderDomain
from app.domains.email.settings_models import TenantMailServer, TenantSender
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.dns import DnsServer
from tests.support.office import Office
from tests.support.world import World


@pytest.fixture
def office(world: World, dns: DnsServer) -> Office:
    return Office(world)


@pytest.fixture
def own_server(office: Office) -> Office:
    """Let the organization write through its own server under its own address."""
    with office.world.app.app_context(), transaction():
        at = clock.now()
        db.session.add(
            TenantMailServer(
                tenant_id=office.tenant_id,
                host="127.0.0.1",
                port=2525,
                security="none",
                tested_at=at,
                test_ok=True,
            )
        )
        sender = TenantSender(tenant_id=office.tenant_id, from_name="Acme", from_email="hello@acme.com")
        db.session.add(sender)
    return office


def test_mail_is_signed_once_the_record_is_seen_and_verifies_against_it(
    own_server: Office, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, wire = own_server, []

    def send(message: mail.OutgoingMail, *, message_id: str, sign: Any = None, **_: Any) -> None:
        content = mail.build(message, message_id=message_id).as_bytes()
        wire.append(sign(content) if sign else content)

    monkeypatch.setattr(mail, "send", send)

    def key_of(name: bytes, timeout: int = 5) -> bytes:
        return dns.records[name.decode().rstrip("."), "TXT"][0].encode()

    data = office.put("deliverability", domain="acme.com")
    office.write()
    assert b"DKIM-Signature" not in wire[-1]
    dns.publish(data["records"])
    assert office.put("deliverability", dmarcPolicy="none")["status"] == "ok"
    office.write()
    assert wire[-1].startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.com;")
    assert dkim.verify(wire[-1], dnsfunc=key_of)
    assert not dkim.verify(wire[-1].replace(b"Jane", b"Joan"), dnsfunc=key_of)
    assert not dkim.verify(b"From: x@evil.example\r\n" + wire[-1], dnsfunc=key_of)
    rotated = office.put("deliverability", rotateDkimKey=True)
    assert rotated["dkimSelector"] == "mail2"
    office.write()
    assert b"s=mail;" in wire[-1]
    assert dkim.verify(wire[-1], dnsfunc=key_of)
    dns.publish(rotated["records"])
    office.put("deliverability", dmarcPolicy="none")
    office.write()
    assert b"s=mail2;" in wire[-1]
    assert dkim.verify(wire[-1], dnsfunc=key_of)


def test_mail_under_another_address_is_not_signed(own_server: Office, dns: DnsServer) -> None:
    office = own_server
    with office.world.app.app_context(), transaction():
        db.session.get_one(TenantSender, office.tenant_id).from_email = "hello@acme.com.evil.example"
    dns.publish(office.put("deliverability", domain="acme.com")["records"])
    assert office.put("deliverability", dmarcPolicy="none")["status"] == "ok"
    outgoing: Any = type("Mail", (), {"tenant_id": office.tenant_id, "sender": "A <a@acme.com.evil.example>"})
    with office.world.app.app_context():
        assert with_dkim(outgoing) is None


def test_a_dns_that_does_not_answer_changes_nothing(own_server: Office, dns: DnsServer) -> None:
    office = own_server
    dns.publish(office.put("deliverability", domain="acme.com")["records"])
    office.put("deliverability", dmarcPolicy="none")
    dns.failing.update({"acme.com", "mail._domainkey.acme.com", "_dmarc.acme.com"})
    with office.world.app.app_context():
        keeping.run_job(jobs.JOBS["deliverability.check"])
    office.world.keep_promises()
    (row,) = office.rows(SenderDomain)
    assert {one["status"] for one in row.records} == {"unknown"}
    assert (row.status, row.signs_selector) == ("ok", "mail")


def test_the_job_tells_those_who_want_mail_of_it(office: Office, dns: DnsServer) -> None:
    dns.publish(office.put("deliverability", domain="acme.com")["records"])
    with office.world.app.app_context(), transaction():
        db.session.add(
            EventChoice(
                tenant_id=office.tenant_id,
                user_id=office.jane,
                event="email.domain_status_changed",
                channel="email",
                enabled=True,
            )
        )
    with office.world.app.app_context():
        keeping.run_job(jobs.JOBS["deliverability.check"])
    office.world.keep_promises()
    subjects = [m.subject.replace("\u2060", "") for m in office.world.sent]
    assert subjects == ["acme.com is ok"]


def test_a_domain_for_links_is_one_organizations_and_whoever_proves_it_has_it(
    office: Office, dns: DnsServer
) -> None:
    other = office.world.organization(office.world.person("mallory@other.example"), "other-corp")
    wanted = {"click_tracking": True, "tracking_domain": "links.acme.com"}
    with office.world.app.app_context(), transaction():
        db.session.add(MailRules(tenant_id=other, tracking=wanted, compliance={}, footer={}))
    dns.put("links.acme.com", "localhost", kind="CNAME")

    def has_it() -> list[int]:
        with office.world.app.app_context():
            keeping.run_job(jobs.JOBS["deliverability.check"])
        office.world.keep_promises()
        return [row.tenant_id for row in office.rows(MailRules) if row.tracking_domain_seen_at]

    assert has_it() == [other]
    office.put("tracking", trackingDomain="links.acme.com")
    assert has_it() == [other], "the second to name it writes under its own address"
    dns.publish(office.put("deliverability", domain="acme.com")["records"])
    assert has_it() == [office.tenant_id]
    assert has_it() == [office.tenant_id]


def test_a_domain_full_of_other_texts_fills_no_table(office: Office, dns: DnsServer) -> None:
    dns.publish(office.put("deliverability", domain="acme.com")["records"])
    spf = dns.records["acme.com", "TXT"]
    dns.put("acme.com", *(f"{number:02}" + "x" * 30 for number in range(15)), *spf)
    dns.put("_dmarc.acme.com", *(f"v=DMARC1; p=none; x={number}" for number in range(15)))
    with office.world.app.app_context():
        keeping.run_job(jobs.JOBS["deliverability.check"])
    office.world.keep_promises()
    (row,) = office.rows(SenderDomain)
    assert {one["type"]: one["status"] for one in row.records} == {
        "SPF": "ok",
        "DKIM": "ok",
        "DMARC": "mismatch",
    }
    (promise,) = [one for one in office.rows(OutboxRow) if one.kind == "domain_check"]
    assert "xxx" not in str(promise.payload)
    assert [len(one["found"]) for one in row.records] == [1, 1, 3]


def test_the_private_key_is_sealed_and_nowhere_else(office: Office, dns: DnsServer) -> None:
    office.put("deliverability", domain="acme.com")
    (row,) = office.rows(SenderDomain)
    assert "PRIVATE" not in row.private_key.text
    assert "PRIVATE" not in str([event.changes for event in office.world.trail()])
