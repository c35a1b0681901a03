"""The security log: what a person sees of their own account, narrowed, paged and taken away."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.access import Actor, Origin
from app.core.db import db
from app.core.paging import CursorWindow
from app.domains.accounts.models import User
from app.domains.audit.groups import GROUP_OF
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.audit.queries import security_events
from app.surfaces.portal.happenings import SENTENCES
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor

PAGE = "/account/security-log"
TITLE = re.compile(r'<p class="title">\s*([^<\n]*)')


def titles(visitor: Visitor, address: str = PAGE) -> list[str]:
    log = visitor.get(address).text.partition('id="log"')[2].partition('id="not-me"')[0]
    return [found.strip() for found in TITLE.findall(log)]


@pytest.fixture
def happened(app: Flask, jane: str) -> Callable[..., None]:
    """Return a function that writes rows about Jane into the trail."""

    def write(kind: AuditKind, times: int = 1, *, by: int | None = None, agent: str = "") -> None:
        with app.app_context(), transaction():
            user_id = db.session.scalars(sa.select(User.id).where(User.email == jane)).one()
            origin = Origin(ip="192.0.2.9", user_agent=agent, dialect="portal")
            actor = Actor(kind="session", user_id=by or user_id, origin=origin)
            for _ in range(times):
                record(actor, kind, subject=("user", user_id))

    return write


def test_it_says_what_happened_from_which_device_and_where(signed_in: Visitor) -> None:
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    Visitor(signed_in.client.application.test_client()).sign_in("jane@portal.example", "wrong")
    shown = signed_in.get(PAGE, headers=browser)
    assert shown.status_code == 200
    assert titles(signed_in)[:2] == ["A sign-in failed", "Signed in with the password"]
    assert "127.0.0.1" in shown.text
    assert "This session" in shown.text
    assert "Refused" in shown.text


def test_every_kind_about_a_person_has_a_sentence() -> None:
    assert set(GROUP_OF) - set(SENTENCES) == set()
    about = ("user.", "session.", "two_factor.", "passkey.", "api_token.", "support_access.")
    assert {kind for kind in AuditKind if kind.startswith(about)} == set(GROUP_OF)


def test_what_others_did_is_told_without_their_device_and_place(
    signed_in: Visitor, happened: Callable[..., None]
) -> None:
    happened(AuditKind.USER_DETAILS_UPDATED, by=4711, agent="Evil/1.0")
    shown = signed_in.get(PAGE).text
    assert "By somebody else" in shown
    assert "192.0.2.9" not in shown
    assert "Evil" not in shown


def test_another_persons_log_is_not_in_it(signed_in: Visitor, app: Flask) -> None:
    with app.app_context(), transaction():
        record(Actor(kind="session", user_id=4711), AuditKind.PASSKEY_ADDED, subject=("user", 4711))
    assert "A passkey was added" not in titles(signed_in)


def test_it_is_narrowed_by_group_and_day(
    signed_in: Visitor, happened: Callable[..., None], move_clock: Callable[[int], None]
) -> None:
    happened(AuditKind.PASSKEY_ADDED)
    move_clock(3 * 24 * 3600)
    signed_in.sign_in("jane@portal.example")
    happened(AuditKind.PASSKEY_REMOVED)
    factors = f"{PAGE}?group=password-and-factors"
    assert titles(signed_in, factors) == ["A passkey was removed", "A passkey was added"]
    today, later = datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=2)
    assert titles(signed_in, f"{factors}&to={today}") == ["A passkey was added"]
    assert titles(signed_in, f"{factors}&from={later}") == ["A passkey was removed"]
    for odd in ("?group=nonsense", "?from=0001-01-01&to=9999-12-31", "?from=x", "?cursor=x"):
        assert signed_in.get(PAGE + odd).status_code in (200, 303), odd


def test_pages_hang_together_without_gap_or_repetition(
    signed_in: Visitor, happened: Callable[..., None]
) -> None:
    for number in range(3):
        happened([AuditKind.PASSKEY_ADDED, AuditKind.PASSKEY_RENAMED, AuditKind.PASSKEY_REMOVED][number], 20)
    address, seen = f"{PAGE}?group=password-and-factors", []
    while address:
        text = signed_in.get(address).text
        seen += titles(signed_in, address)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == 60
    assert [seen.count(f"A passkey was {did}") for did in ("added", "renamed", "removed")] == [20, 20, 20]


def test_it_costs_as_many_queries_for_a_full_page_as_for_one_line(
    signed_in: Visitor, happened: Callable[..., None], database: sa.Connection
) -> None:
    def queries() -> int:
        ran: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
            ran.append(statement)

        sa.event.listen(database, "before_cursor_execute", note)
        signed_in.get(PAGE)
        sa.event.remove(database, "before_cursor_execute", note)
        return len([s for s in ran if s.startswith("SELECT")])

    few = queries()
    happened(AuditKind.PASSKEY_ADDED, 100)
    assert queries() == few


def test_each_half_walks_its_index(in_app: Flask, database: sa.Connection) -> None:
    plans: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
        plans.append((statement, parameters))

    sa.event.listen(database, "before_cursor_execute", note)
    security_events(Actor(kind="session", user_id=1), window=CursorWindow(limit=5))
    sa.event.remove(database, "before_cursor_execute", note)
    ((statement, parameters),) = [plan for plan in plans if plan[0].startswith("SELECT")]
    explain = "EXPLAIN QUERY PLAN" if database.dialect.name == "sqlite" else "EXPLAIN"
    if explain == "EXPLAIN":
        database.exec_driver_sql("SET LOCAL enable_seqscan = off")  # an empty table is read whole otherwise
    plan = " ".join(str(row) for row in database.exec_driver_sql(f"{explain} {statement}", parameters))
    assert "actor" in plan
    assert "subject" in plan
    assert "SCAN audit_events" not in plan
    assert "Seq Scan" not in plan
    assert plan.count("Limit") in (0, 4), plan


def test_m08_it_is_taken_away_as_csv_without_formulas(
    signed_in: Visitor, happened: Callable[..., None]
) -> None:
    happened(AuditKind.PASSKEY_ADDED, agent="=cmd|' /C calc'!A0")
    answer = signed_in.get(f"{PAGE}/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="security-log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0]["what"] == "A passkey was added"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_it_is_taken_away_as_json(signed_in: Visitor) -> None:
    body = signed_in.get(f"{PAGE}/json?group=sign-in").get_json()
    assert body["complete"] is True
    assert [event["kind"] for event in body["events"]] == ["user.signed_in"]
    assert PASSWORD not in str(body)


def test_what_nobody_signed_in_did_is_not_said_to_be_ones_own(signed_in: Visitor) -> None:
    Visitor(signed_in.client.application.test_client()).sign_in("jane@portal.example", "wrong")
    events = signed_in.get(f"{PAGE}/json").get_json()["events"]
    assert [(event["kind"], event["by"]) for event in events] == [
        ("user.sign_in_failed", "unknown"),
        ("user.signed_in", "you"),
    ]


def test_that_somebody_else_ended_a_token_is_in_its_owners_log(app: Flask, signed_in: Visitor) -> None:
    wanted = {"name": "Nightly export", "scopes": "read", "environment": "prod", "expires_in_days": "30"}
    made = signed_in.send("/account/tokens/new", {**wanted, "organization": ""}, on="/account/tokens/new")
    value = re.search(r"pat_\w{32}", made.text)
    assert value, made.text
    found = {"tokens": [{"token": value[0], "source": "a gist"}]}
    assert app.test_client().post("/api-tokens/leaks", json=found).status_code == 200
    (ended, begun, *_) = signed_in.get(f"{PAGE}/json?group=api-tokens").get_json()["events"]
    assert (ended["kind"], ended["by"]) == ("api_token.revoked", "unknown")
    assert (begun["kind"], begun["by"]) == ("api_token.created", "you")
