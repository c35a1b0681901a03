"""The commands: what they do, what they say, and what they refuse in production."""

import dataclasses
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app.core import clock, outbox, redis
from app.core.db import db
from app.core.settings import Settings, use_settings
from app.domains.accounts.models import PolicyAcceptance, User
from app.domains.audit.models import AuditEvent
from app.domains.demo.people import ORGANIZATIONS, PASSWORD
from app.domains.sessions.models import UserSession
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction


class Shell:
    """Runs commands as a terminal would."""

    def __init__(self, app: Flask) -> None:
        self._runner = app.test_cli_runner()

    def __call__(self, *words: str) -> str:
        result = self._run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *words: str) -> str:
        """Run a command that is to fail with a sentence."""
        result = self._run(*words)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit), result.exception
        return result.output

    def _run(self, *words: str) -> Result:
        return self._runner.invoke(args=list(words))


@pytest.fixture
def shell(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(redis, "ring", lambda: None)
    return Shell(in_app)


@pytest.fixture
def production(settings: Settings) -> Iterator[None]:
    use_settings(dataclasses.replace(settings, app_env="production"))
    yield
    use_settings(settings)


def user(email: str) -> User:
    db.session.expire_all()
    return db.session.scalars(sa.select(User).where(User.email == email)).one()


def test_an_admin_is_made_with_a_link_to_choose_a_password(shell: Shell) -> None:
    said = shell("create-admin", "root@ops.example")
    assert "/reset-password?token=" in said
    assert user("root@ops.example").is_platform_admin
    assert user("root@ops.example").email_verified
    kinds = set(db.session.scalars(sa.select(AuditEvent.kind)))
    assert {"user.registered", "user.email_verified", "user.details_updated"} <= {str(kind) for kind in kinds}


def test_a_person_is_promoted_and_keeps_their_password(shell: Shell) -> None:
    shell("create-admin", "root@ops.example", "--password", "a long enough sentence")
    kept = user("root@ops.example").password_hash
    said = shell("create-admin", "ROOT@ops.example", "--password", "another long sentence")
    assert "token" not in said
    assert user("root@ops.example").password_hash == kept


def test_what_cannot_be_done_is_said_in_a_sentence(shell: Shell) -> None:
    assert "not an e-mail address" in shell.refused("create-admin", "nonsense")
    assert "at least" in shell.refused("create-admin", "root@ops.example", "--password", "short")
    assert "no such setting" in shell.refused("settings", "get", "nope")
    assert "no such organization" in shell.refused("settings", "get", "general.website", "--tenant", "nope")
    assert "There is no job" in shell.refused("jobs", "run", "nope")
    assert "+601s" in shell.refused("clock", "soon")


def test_the_demo_organizations_are_planted_once_with_a_past(shell: Shell) -> None:
    shell("seed")
    first = {
        table: db.session.scalar(sa.select(sa.func.count(table.id)))
        for table in (User, UserSession, AuditEvent)
    }
    assert "already" in shell("seed")
    db.session.expire_all()
    again = {
        table: db.session.scalar(sa.select(sa.func.count(table.id)))
        for table in (User, UserSession, AuditEvent)
    }
    assert again == first
    assert {"acme-corp", "globex", "initech"} == set(db.session.scalars(sa.select(Tenant.slug)))
    jane = user("jane@acme.example")
    assert {
        str(role)
        for role in db.session.scalars(sa.select(Membership.role).where(Membership.user_id == jane.id))
    } == {"owner", "member"}
    assert (
        db.session.scalar(
            sa.select(sa.func.count(PolicyAcceptance.id)).where(PolicyAcceptance.user_id == jane.id)
        )
        == 2
    )
    moments = list(db.session.scalars(sa.select(AuditEvent.at).order_by(AuditEvent.id)))
    assert moments == sorted(moments)
    assert (clock.now() - moments[0]).days >= 28
    assert moments[-1] <= clock.now()
    devices = set(db.session.scalars(sa.select(UserSession.name).where(UserSession.user_id == jane.id)))
    assert len(devices) >= 3
    assert outbox.backlog().waiting == 0, "demo people get no mail"
    assert all(person.email.endswith(".example") for o in ORGANIZATIONS for person in o.people)


def test_demo_people_sign_in_with_the_password_that_is_told(shell: Shell) -> None:
    from app.domains.accounts import passwords  # noqa: PLC0415

    shell("seed")
    assert passwords.verify(user("jane@acme.example").password_hash, PASSWORD)


def test_settings_are_read_and_set_for_the_platform_and_one_organization(shell: Shell) -> None:
    shell("seed")
    assert shell("settings", "get", "limits.per_ip_factor").strip() == "1"
    assert shell("settings", "set", "limits.per_ip_factor", "50").strip() == "50"
    assert shell("settings", "set", "auth.registration_open", "off").strip() == "false"
    site = ("general.website", "--tenant", "globex")
    shell("settings", "set", "general.website", "https://new.example", "--tenant", "globex")
    assert shell("settings", "get", *site).strip() == '"https://new.example"'
    assert shell("settings", "get", "general.website").strip() == "null"
    shell("settings", "set", "smtp.password", "hunter2")
    assert shell("settings", "get", "smtp.password").strip() == "(set)"
    assert "whole number" in shell.refused("settings", "set", "limits.per_ip_factor", "x")


def test_the_clock_is_moved_and_put_right(shell: Shell) -> None:
    try:
        before = clock.now()
        shell("clock", "+1d")
        shell("clock", "-5m")
        assert 85_000 <= (clock.now() - before).total_seconds() <= 86_200
    finally:
        shell("clock", "reset")
    assert (clock.now() - before).total_seconds() < 60


def test_the_outbox_is_shown_and_its_dead_revived(shell: Shell) -> None:
    with transaction():
        outbox.promise("nobody keeps this", {})
    assert "1 waiting, 0 given up." in shell("outbox")
    claimed = outbox.claim_next()
    assert claimed is not None
    with transaction():
        outbox.fail(claimed, outbox.Hopeless("550 no"))
    assert "Hopeless: 550 no" in shell("outbox", "dead")
    assert "1 of 2" in shell("outbox", "revive", str(claimed.id), "999999")
    assert "0 done." in shell("outbox", "sweep")


def test_jobs_are_listed_and_run(shell: Shell) -> None:
    assert "retention.prune" in shell("jobs", "list")
    assert "retention.prune: 0 changed." in shell("jobs", "run", "retention.prune")
    assert "mail.send: 0 sent." in shell("jobs", "run", "mail.send")


@pytest.mark.parametrize("words", [["seed"], ["clock"], ["clock", "+601s"], ["limits", "reset"]])
def test_what_is_for_testers_is_refused_in_production(
    shell: Shell, production: None, words: list[str]
) -> None:
    assert "production" in shell.refused(*words)


def test_a_lost_second_factor_is_asked_for_and_nothing_is_skipped(shell: Shell) -> None:
    shell("create-admin", "lost@cli.example", "--password", "violet harbour 29 anchor")
    assert "No second factor is on" in shell.refused("recover-second-factor", "lost@cli.example")
    assert "no such person" in shell.refused("recover-second-factor", "nobody@cli.example")
    user("lost@cli.example").two_factor_enabled_at = clock.now()
    db.session.flush()
    said = shell("recover-second-factor", "lost@cli.example")
    assert "72 hours have to pass" in said
    assert user("lost@cli.example").two_factor_enabled


def test_the_trail_is_verified_from_the_command_line(shell: Shell) -> None:
    shell("seed")
    for _ in range(3):
        shell("jobs", "run", "audit.seal")
    assert "BROKEN" not in shell("audit", "verify")
    head = shell("audit", "head", "--tenant", ORGANIZATIONS[0].slug).split()[1]
    assert "whole" in shell("audit", "verify", "--tenant", ORGANIZATIONS[0].slug, "--head", head)
    newest = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.tenant_id.is_not(None))).first()
    assert newest is not None
    changed = newest.id
    with transaction():
        db.session.execute(sa.update(AuditEvent).where(AuditEvent.id == changed).values(subject_id=4711))
    assert f"row {changed}" in shell.refused("audit", "verify")
    assert "There is no chain" in shell.refused("audit", "head", "--tenant", "nobody")
