"""Legal texts in versions: which one is in force, in which language, and how an operator publishes one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from app.core.access import Origin, anonymous, system
from app.core.errors import ValidationFailed
from app.domains.accounts import policies, publishing
from app.domains.accounts.policies import Policy
from app.domains.accounts.publishing import Draft
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

VISITOR = anonymous(Origin())
TEXT = "<h1>Terms of <em>service</em></h1><p>Newer.</p>"


def publish(**more: Any) -> Policy:
    draft = Draft(**{"type": "terms", "version": "2026-11", "content_html": TEXT, **more})
    with transaction():
        publishing.publish(system("test"), draft=draft)
    return next(policy for policy in reversed(policies.versions()) if policy.version == draft.version)


@pytest.mark.usefixtures("in_app")
def test_the_newest_version_that_has_come_into_force_is_shown(move_clock: Callable[[int], None]) -> None:
    ahead = clock.now() + timedelta(days=2)
    publish(version="2026-12", effective_at=ahead)
    assert policies.policy_in_force(VISITOR).version == "2026-01"
    move_clock(3 * 86_400)
    assert policies.policy_in_force(VISITOR).version == "2026-12"
    assert policies.policy_in_force(VISITOR).title == "Terms of service"


@pytest.mark.usefixtures("in_app")
def test_each_reader_gets_their_language_and_else_the_instances_own() -> None:
    assert policies.policy_in_force(VISITOR, language="de-CH").title == "Nutzungsbedingungen"
    assert policies.policy_in_force(VISITOR, language="fr").language == "en"
    publish()
    assert policies.policy_in_force(VISITOR, language="de").language == "en"
    publish(language="de", content_html="<h1>Bedingungen</h1>")
    shown = policies.policy_in_force(VISITOR, language="de")
    assert (shown.version, shown.content_html) == ("2026-11", "<h1>Bedingungen</h1>")
    assert shown.sha256 == policies.hash_of("<h1>Bedingungen</h1>")
    assert policies.policy_in_force(VISITOR, language="en").content_html == TEXT


def test_a_title_is_plain_text(app: Flask, world: World) -> None:
    with app.app_context():
        title = publish(content_html="<h1>Terms &amp; <b>fees</b> &lt;2027&gt;</h1><p>Newer.</p>").title
    assert title == "Terms & fees <2027>"
    shown = app.test_client().get("/policies/terms").text
    assert "<title>Terms &amp; fees &lt;2027&gt;" in shown


@pytest.mark.usefixtures("in_app")
def test_what_a_browser_would_run_is_taken_out() -> None:
    publish(
        content_html="<h1>T</h1><p onclick='x()'>a<script>alert(1)</script>"
        "<a href='javascript:x()'>b</a><a href='https://a.example'>c</a><img src=x onerror=x()></p>"
    )
    made = policies.policy_in_force(VISITOR)
    assert "script" not in made.content_html
    assert "onclick" not in made.content_html
    assert "<img" not in made.content_html
    assert 'href="https://a.example"' in made.content_html


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"type": "manners"}, "type"),
        ({"version": "a b"}, "version"),
        ({"version": "2026-01"}, "version"),
        ({"language": "tlh"}, "language"),
        ({"content_html": " "}, "file"),
        ({"content_html": "<p>no heading</p>"}, "title"),
        ({"effective_at": datetime(2025, 1, 1, tzinfo=UTC)}, "effective"),
        ({"effective_at": datetime(2026, 1, 1, tzinfo=UTC)}, "effective"),
    ],
)
@pytest.mark.usefixtures("in_app")
def test_what_cannot_be_published_is_refused(draft: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        publish(**draft)
    assert set(refused.value.fields) == {field}


@pytest.mark.usefixtures("in_app")
def test_a_text_that_is_published_is_never_changed_again() -> None:
    publish()
    with pytest.raises(ValidationFailed):
        publish(content_html="<h1>Other</h1>")


def test_publishing_leaves_its_row(app: Flask, world: World) -> None:
    with app.app_context():
        publish()
    assert [str(row.kind) for row in world.trail()] == ["policy.published"]


def test_a_notice_that_nobody_is_asked_about_stays_so(app: Flask, world: World) -> None:
    with app.app_context():
        assert publish(type="cookies").must_accept is False
        assert publish(type="privacy").must_accept is True


def test_an_operator_publishes_and_lists(app: Flask, world: World, tmp_path: Path) -> None:
    text = tmp_path / "terms.html"
    text.write_text("<h1>Neue Bedingungen</h1>", encoding="utf-8")
    runner = app.test_cli_runner()
    args = [
        "policies",
        "publish",
        "terms",
        "2027-01",
        str(text),
        "--language",
        "de",
        "--effective",
        "2027-01-01",
    ]
    done = runner.invoke(args=args)
    assert (done.exit_code, "2027-01 (de) is in force from 2027-01-01" in done.output) == (0, True), (
        done.output
    )
    again = runner.invoke(args=args)
    assert (again.exit_code, "version: It is published already" in again.output) == (1, True), again.output
    listed = runner.invoke(args=["policies", "list"]).output.splitlines()
    assert any(line.startswith("* terms  2026-01  en") for line in listed)
    assert any(line.startswith("  terms  2027-01  de  from 2027-01-01  Neue Bedingungen") for line in listed)
    assert any(line.startswith("* cookies") and line.endswith("not asked for") for line in listed)
