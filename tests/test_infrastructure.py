"""The fixtures that all other tests stand on."""

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.domains.tenants.models import Tenant
from tests.support.live import LiveInstance
from tests.support.mail import Mailbox

SLUG = "left-behind"


def plant() -> None:
    db.session.add(Tenant(slug=SLUG, name="Left behind", billing_email="left@acme.example"))
    db.session.commit()


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Tenant).where(Tenant.slug == SLUG)) or 0


def test_what_a_test_commits_is_there_in_the_same_test(in_app: Flask) -> None:
    plant()
    db.session.rollback()
    assert count() == 1


def test_what_another_test_committed_is_gone(in_app: Flask) -> None:
    assert count() == 0


def test_a_client_is_answered(client: FlaskClient) -> None:
    assert client.get("/nowhere").status_code == 404


def test_the_clock_can_be_moved(in_app: Flask, move_clock) -> None:  # type: ignore[no-untyped-def]
    before = clock.now()
    move_clock(601)
    assert (clock.now() - before).total_seconds() >= 601


def test_a_running_instance_takes_commands_and_mails(live: LiveInstance, mailbox: Mailbox) -> None:
    assert "waiting" in live.flask("outbox")
    assert mailbox.all("nobody@acme.example") == []
