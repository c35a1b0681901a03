"""What leaves through an organization's own server, what never does, and what is done when it fails."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import jobs, mail
from app.core.db import db
from app.domains.email import delivery
from app.domains.email.definitions import MAILS
from app.domains.email.mails import sender_domain_status, two_factor_demand
from app.domains.email.settings_models import Delivery
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.smtp import SmtpSandbox
from tests.support.world import World
from tests.surfaces.api_v1.test_email_smtp import loopback, save, saved, sink, tenant_id, token, tried

__all__ = ["loopback", "sink", "tenant_id", "token"]

REAL_SEND = mail.send


@pytest.fixture
def instance(tmp_path: Path, loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSandbox]:
    """Give the instance's own mail server, and let mail really be sent."""
    folder = tmp_path / "instance"
    folder.mkdir()
    sandbox = SmtpSandbox(folder)
    sandbox.start()
    server = mail.MailServer(host="127.0.0.1", port=sandbox.port, security="none")
    monkeypatch.setattr(delivery, "platform_server", lambda: server)
    monkeypatch.setattr(mail, "send", REAL_SEND)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def own(world: World, token: str, sink: SmtpSandbox, instance: SmtpSandbox) -> SmtpSandbox:
    """Give the organization's own server, tested."""
    saved(world, token, sink)
    tried(world, token)
    world.keep_promises()
    return sink


def taken(sandbox: SmtpSandbox) -> list[str]:
    """Return to whom of example.org a server took mail, the first first."""
    everybody = [address for arrived in sandbox.mails() for address in arrived.envelope_to]
    return [address.lower() for address in reversed(everybody) if address.endswith("@example.org")]


def promise(world: World, tenant_id: int, to: str = "kim@example.org", *, mandatory: bool = False) -> None:
    with world.app.app_context(), transaction():
        if mandatory:
            two_factor_demand(
                to, first_name="Kim", tenant_name="World", tenant_id=tenant_id, begins="now", link="/x"
            )
        else:
            sender_domain_status(
                to,
                first_name="Kim",
                tenant_name="World",
                tenant_id=tenant_id,
                domain="a",
                status="b",
                link="/x",
            )


def deliveries(world: World) -> list[tuple[str, str, bool]]:
    with world.app.app_context():
        rows = db.session.scalars(
            sa.select(Delivery).where(Delivery.mail != "smtp_test").order_by(Delivery.id)
        )
        return [(row.mail, str(row.state), row.own_server) for row in rows if row.tenant_id]


def test_mail_of_an_organization_leaves_through_its_own_server(
    world: World, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox
) -> None:
    promise(world, tenant_id)
    world.keep_promises()
    assert (taken(own), taken(instance)) == (["kim@example.org"], [])
    assert deliveries(world)[-1] == ("sender_domain_status", "sent", True)


def test_an_untested_server_is_not_used(
    world: World, token: str, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox
) -> None:
    promise(world, tenant_id)
    save(world, token, timeoutSeconds=9)
    world.keep_promises()
    assert (taken(own), taken(instance)) == ([], ["kim@example.org"])
    assert deliveries(world)[-1] == ("sender_domain_status", "sent", False)


def test_a_failing_server_rests_and_only_what_cannot_wait_leaves_without_it(
    world: World, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox, move_clock: Callable[[int], None]
) -> None:
    for number in range(3):
        promise(world, tenant_id, f"kim{number}@example.org")
    promise(world, tenant_id, "urgent@example.org", mandatory=True)
    own.stop()
    world.keep_promises()
    world.keep_promises()
    assert taken(instance) == ["urgent@example.org"]
    assert [state for _, state, _ in deliveries(world)].count("queued") == 3
    status = world.done("api_v1.email_settings.status", token=world.token("api_v1"))["data"]
    assert status["ready"] is False
    assert status["sendsThrough"] == "tenant"


def test_smtp_watch_tells_owner_and_admins_once_through_the_instance(
    world: World, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox, move_clock: Callable[[int], None]
) -> None:
    for _ in range(10):
        promise(world, tenant_id)
    own.rules.add({"action": "refuse", "stage": "data", "code": 554})
    world.keep_promises()
    with world.app.app_context():
        for _ in range(2):
            keeping.run_job(jobs.JOBS["smtp.watch"])
    world.keep_promises()
    (told,) = [arrived for arrived in instance.mails() if "refuses" in arrived.subject]
    assert told.envelope_to == ["jane@world.example"]
    assert "10 messages in a row" in told.text


def test_t21_a_bounce_marks_the_address_for_the_organization_alone(
    world: World, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox
) -> None:
    own.rules.add({"action": "refuse", "stage": "rcpt", "code": 550, "recipient": "kim@*"})
    promise(world, tenant_id)
    world.keep_promises()
    promise(world, tenant_id, "KIM@example.org")
    promise(world, tenant_id, mandatory=True)
    world.keep_promises()
    assert [state for _, state, _ in deliveries(world)][-3:] == ["bounced", "suppressed", "bounced"]
    other = world.organization(world.person("lee@other.example"), slug="other-corp")
    promise(world, other)
    world.keep_promises()
    assert taken(instance) == ["kim@example.org"]
    status = world.done("api_v1.email_settings.status", token=world.token("api_v1"))["data"]
    assert status["ready"] is True
    assert status["last24Hours"]["bounced"] == 2
    assert status["last24Hours"]["suppressed"] == 1


def test_a_mail_that_arrives_clears_the_address(
    world: World, tenant_id: int, own: SmtpSandbox, instance: SmtpSandbox
) -> None:
    own.rules.add({"action": "refuse", "stage": "rcpt", "code": 550, "count": 1})
    promise(world, tenant_id)
    world.keep_promises()
    promise(world, tenant_id, mandatory=True)
    world.keep_promises()
    promise(world, tenant_id)
    world.keep_promises()
    assert [state for _, state, _ in deliveries(world)][-3:] == ["bounced", "sent", "sent"]


def test_what_proves_an_address_never_passes_through_an_organizations_server() -> None:
    opening = {name for name, definition in MAILS.items() if definition.opens}
    assert {"password_reset", "member_invitation", "organization_claim", "security_code"} <= opening
