"""How values are said: times, names, waits, slugs, addresses of our own."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import app
from app.core import clock
from app.core.languages import Manner
from app.domains.audit.kinds import AuditKind
from app.surfaces.portal.base import internal
from app.surfaces.portal.happenings import SENTENCES
from app.surfaces.portal.organizations import slug_from
from app.surfaces.portal.presentation import ago, exact, icon, initials, iso
from app.surfaces.portal.problems import spell
from app.surfaces.portal.trail_words import WORDS

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (44, "just now"),
        (60, "1 minute ago"),
        (125, "2 minutes ago"),
        (3600, "1 hour ago"),
        (86_400, "yesterday"),
        (3 * 86_400, "3 days ago"),
        (8 * 86_400, "last week"),
        (400 * 86_400, "last year"),
        (-7200, "in 2 hours"),
    ],
)
def test_how_long_ago(in_app: Flask, seconds: int, said: str) -> None:
    assert ago(clock.now() - timedelta(seconds=seconds)) == said


def test_a_moment_is_written_out_for_people_and_for_machines(
    in_app: Flask, move_clock: Callable[[int], None]
) -> None:
    moment = clock.now().replace(year=2026, month=3, day=4, hour=9, minute=5, second=7, microsecond=9)
    assert exact(moment) == "4 March 2026, 09:05:07 UTC"
    assert iso(moment) == "2026-03-04T09:05:07Z"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Jane Doe", "JD"), ("Jane van den Berg", "JB"), ("acme", "A"), ("kim@new.example", "KE"), ("", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 second"), (45, "45 seconds"), (61, "2 minutes"), (900, "15 minutes"), (3600, "1 hour")],
)
def test_a_wait_is_never_said_too_short(in_app: Flask, seconds: int, said: str) -> None:
    assert spell(seconds) == said


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Corp", "acme-corp"),
        ("  Söhne & Töchter  AG ", "sohne-tochter-ag"),
        ("株式会社", ""),
        ("x" * 80, "x" * 50),
    ],
)
def test_a_slug_from_a_name(name: str, slug: str) -> None:
    assert slug_from(name) == slug


@pytest.mark.parametrize("address", ["/", "/dashboard", "/account/sessions?page=2", "/a/b-c_d~e%20f"])
def test_addresses_of_our_own(address: str) -> None:
    assert internal(address) == address


@pytest.mark.parametrize(
    ("locale", "octets", "said"),
    [
        ("en", 1, "1 byte"),
        ("en", 999, "999 bytes"),
        ("en", 53_700_000_000, "53.7 GB"),
        ("de", 53_700_000_000, "53,7 GB"),
        ("de", 0, "0 Byte"),
    ],
)
def test_a_size_as_its_reader_writes_it(locale: str, octets: int, said: str) -> None:
    assert Manner.of(locale, "UTC").size(octets).replace("\xa0", " ") == said


def test_an_icon_is_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in icon("check")
    assert "<script" not in icon("check")


def test_the_next_page_keeps_what_narrows_a_list(in_app: Flask) -> None:
    lists: Any = in_app.jinja_env.get_template("portal/macros/lists.html").module
    assert 'href="/there?show=answered&amp;page=3"' in lists.pagination(2, 3, 60, "/there?show=answered")
    assert 'href="/there?page=1"' in lists.pagination(2, 3, 60, "/there")


def test_whatever_is_recorded_is_told_in_words_that_can_be_translated() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in Path(app.__path__[0]).rglob("domains/**/*.py")
    )
    recorded = {AuditKind[name] for name in re.findall(r"\bAuditKind\.([A-Z_]+)\b", sources)}
    assert recorded
    assert [str(kind) for kind in recorded if kind not in WORDS and kind not in SENTENCES] == []
