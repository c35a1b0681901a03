"""Every case of abuse that applies is a test named after it; of features to come the groups are told here."""

import re

import pytest

from tests.architecture.source import ROOT

pytestmark = pytest.mark.once

CASES = {
    "a": "01 03 04 05 06 07 09 10 11 12 13 14 15 17",
    "b": "01 02 03 05 06 07 08 11",
    "c": "01 02 05 06 08 09 10 11 12 13 14",
    "d": "01 03 04 06 07 08 09 10 12 13",
    "e": "01 02 04 05 06 07 08 11 12 13 14 15",
    "f": "01 02 03 04 05 06 08 09 10",
    "g": "01 02 03 04 05 06 07",
    "h": "01 03 04 05 07 08 09 10 11",
    "i": "01 02 03 05 06 07 08 09 10 11",
    "j": "01 02 04 05 06 08 09 10 11 12",
    "k": "01 02 03 05 06 07 09 10 11 12",
    "l": "01 02 04 06 07 08 09 10 11",
    "m": "01 02 03 04 05 06 07 08 09 10",
    "n": "01 02 03 05 06 07 08 10 11 12 13 14",
    "o": "01 02 03 04 06 07 08 09 10 11 12 13",
    "p": "01 02 03 04 05",
}
LATER = {
    "f": "Google and GitHub",
    "k": "checkout and webhooks",
    "n": "notices, chat, streams, the entity registry",
}
"""Groups whose feature is not there yet."""


def named() -> frozenset[str]:
    """Return the cases that names of tests begin with."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for cases in re.findall(r"^def test((?:_[a-p]\d\d|_t\d\d)+)_", path.read_text("utf-8"), re.MULTILINE):
            found.update(cases.strip("_").split("_"))
    return frozenset(found)


def test_every_case_has_a_test_of_its_name() -> None:
    cases = {group + number for group, numbers in CASES.items() for number in numbers.split()}
    there = named()
    assert sorted(case for case in cases - there if case[0] not in LATER) == []
    assert sorted(case for case in there - cases if case[0] != "t") == []
    assert sorted({case[0] for case in there} & LATER.keys()) == [], "they are not to come any more"
