"""What mails say, and what names cannot make them say."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.domains.email import mails
from app.domains.email.definitions import MAILS
from app.domains.email.readers import Reader
from app.domains.email.rendering import render
from app.domains.email.wording import harmless, kept, written
from app.domains.tenants.readers import of_person

pytestmark = pytest.mark.once


VALUES = {
    "app_name": "Steering",
    "tenant_name": "Acme Corp",
    "code": "402913",
    "token": "tok",
    "expires_in": "10 minutes",
    "verify_url": "https://portico.example/confirm-email?token=tok",
    "confirm_url": "https://portico.example/account/email/confirm?token=tok",
    "new_email": "roe@acme.example",
    "email": "jane@acme.example",
    "reset_url": "https://portico.example/reset-password?token=tok",
    "sign_in_url": "https://portico.example/login",
    "link": "https://portico.example/account/sessions",
    "device": "Firefox on macOS",
    "ip_address": "192.0.2.1",
    "service_user": "web-shop",
    "environment": "prod",
    "failures": "50",
    "signed_in_at": "21 November 2026 at 22:12 UTC",
    "changed_at": "21 November 2026 at 22:12 UTC",
    "detected_at": "21 November 2026 at 22:12 UTC",
    "at": "21 November 2026 at 22:12 UTC",
    "trial_ends_at": "5 December 2026 at 10:00 UTC",
    "sessions": "3",
    "tokens": "1",
    "status": "suspended",
    "reason": "Payment overdue",
    "row_count": "12",
    "day": "2026-11-21",
    "due_at": "6 December 2026 at 10:00 UTC",
    "cancel_url": "https://portico.example/keep-account?token=tok",
    "token_name": "Nightly export",
    "scopes": "read, write",
    "expires_at": "19 February 2027 at 22:12 UTC",
    "found_at": "code.example/acme/config.yml",
    "revoked_by": "Jane Doe",
    "member_name": "Kim Lee",
    "from": "1 December 2026",
    "waits": "3 days",
    "finish_url": "https://portico.example/recover-second-factor/finish?token=tok",
    "remaining": "7",
    "passkey_name": "Laptop",
    "admin_name": "Robin Root",
    "person_name": "Jane Doe",
    "answer": "Not now.",
    "given": "The role manager",
    "until": "21 November 2026 at 23:12 UTC",
    "inviter_name": "Jane Doe",
    "wanted": "Change the plan and pay",
    "smtp_host": "mail.acme.example",
    "decided_by": "Jane Doe",
    "plan_name": "Pro",
    "interval": "monthly",
    "period_end": "21 December 2026",
    "days_left": "3",
    "ends_at": "24 November 2026",
    "amount": "299.00 EUR",
    "failed_at": "21 November 2026",
    "number": "INV-2026-000001",
    "pay_url": "https://portico.example/invoices/tok",
    "sent_at": "21 November 2026 at 22:12 UTC",
    "last_error": "550 5.7.1 relaying denied",
    "role": "member",
    "actor_name": "Jane Doe",
    "profile_name": "Standard",
    "contact_email": "help@acme.example",
    "accept_url": "https://portico.example/accept-invitation?token=tok",
    "domain": "acme.com",
    "used": "24",
    "total": "25",
    "setting_label": "Shortest password",
    "value": "12",
}
NASTY = '<a href="https://evil.example">x</a> www.evil.example evil.example\r\nBcc: all@evil.example\x1b[2J'


@pytest.mark.parametrize("name", MAILS)
def test_l07_what_people_type_is_neither_markup_nor_a_link_nor_a_header(name: str) -> None:
    mail = render(name, {**VALUES, "first_name": NASTY, "tenant_name": NASTY, "device": NASTY})
    for part in (mail.subject, mail.html, mail.text):
        assert "evil.example" not in part
        assert "\x1b" not in part
        assert "\r" not in part
    assert "\n" not in mail.subject
    assert 'href="https://evil' not in mail.html
    assert "<a href=&" not in mail.html


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_greets_people_without_a_name_too(name: str) -> None:
    mail = render(name, {**VALUES, "first_name": "", "tenant_name": ""})
    assert mail.text.startswith("Hello there, ")


@pytest.mark.parametrize("name", MAILS)
def test_styles_are_inlined_and_dark_mode_is_kept(name: str) -> None:
    html = render(name, {**VALUES, "first_name": "Jane"}).html
    assert "prefers-color-scheme: dark" in html
    assert 'class="card"' in html
    assert html.count(' style="') > 5


@pytest.mark.parametrize("name", MAILS)
def test_every_link_of_a_mail_is_in_both_its_parts(name: str) -> None:
    mail = render(name, {**VALUES, "first_name": "Jane"})
    for variable in MAILS[name].variables:
        if variable == "link" or variable.endswith("_url"):
            assert VALUES[variable] in mail.text
            assert f'href="{VALUES[variable]}"' in mail.html


def test_a_mail_is_given_what_its_words_ask_for() -> None:
    everywhere = {"to", "first_name", "tenant_name", "tenant_id"}
    written_by_hand = {"two_factor_demand", "member_invitation"}
    given = {name: set(inspect.signature(getattr(mails, name)).parameters) - everywhere for name in MAILS}
    asked = {name: set(mail.variables) for name, mail in MAILS.items()}
    assert {name for name in MAILS if given[name] != asked[name]} == written_by_hand


def test_names_stay_as_they_are() -> None:
    for name in ("Jane", "Zoë Müller-Lüdenscheidt", "J. R. R. Tolkien", "O'Neill & Sons", "李小龍"):
        assert harmless(name) == name


def test_a_very_long_name_is_cut() -> None:
    assert len(harmless("a" * 10_000)) == 120


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(days=7), "7 days"),
        (timedelta(seconds=1), "1 minute"),
    ],
)
def test_a_span_reads_in_its_largest_whole_unit(span: timedelta, words: str) -> None:
    assert written(kept(span), Reader()) == words


def test_a_moment_reads_in_utc_where_nobody_is_known() -> None:
    moment = kept(datetime(2026, 11, 2, 9, 5, tzinfo=UTC))
    assert written(moment, Reader()) == "2 November 2026 at 09:05 UTC"


def test_a_moment_reads_as_its_reader_writes_it() -> None:
    moment = kept(datetime(2026, 11, 2, 9, 5, tzinfo=UTC))
    assert written(moment, Reader("de", "Europe/Berlin")) == "2. November 2026 um 10:05 MEZ"
    house = Reader("en-US", "UTC", "MM/DD/YYYY", "12h")
    assert written(moment, house).replace("\u202f", " ") == "11/02/2026 at 9:05 AM UTC"


def test_how_somebody_reads_is_found_by_indexes(in_app: Flask, database: sa.Connection) -> None:
    plans: list[tuple[str, Any]] = []
    note: Any = lambda *call: plans.append((call[2], call[3]))  # noqa: E731 - listened to, and no more
    sa.event.listen(database, "before_cursor_execute", note)
    of_person("jane@world.example")
    sa.event.remove(database, "before_cursor_execute", note)
    statement, parameters = plans[0]
    explain = "EXPLAIN QUERY PLAN" if database.dialect.name == "sqlite" else "EXPLAIN"
    if explain == "EXPLAIN":
        database.exec_driver_sql("SET LOCAL enable_seqscan = off")  # an empty table is read whole otherwise
    plan = " ".join(str(row) for row in database.exec_driver_sql(f"{explain} {statement}", parameters))
    assert "ix_users_pending_email" in plan, plan
    assert "SCAN users" not in plan, plan
    assert "Seq Scan" not in plan, plan
