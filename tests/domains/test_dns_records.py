"""How the records of a sender domain are graded, whatever stands in the DNS."""

import pytest

from app.core.dns import UNKNOWN, Answer
from app.domains.email.dns_records import Grade, Wanted, expected, grades, mechanism_of

pytestmark = pytest.mark.once


KEY = "MIIBIjANBgkqTEST"
SPF = "v=spf1 include:_spf.portico.example ~all"


def wanted(**more: str) -> Wanted:
    values = {"spf": "include:_spf.portico.example", "policy": "quarantine", **more}
    return Wanted(domain="acme.com", selector="mail", public_key=KEY, report_email="d@acme.com", **values)


def graded(kind: str, *texts: str, known: bool = True, **more: str) -> Grade:
    asked = wanted(**more)
    answers = {question: UNKNOWN for question, _ in expected(asked).values()}
    answers[expected(asked)[kind][0]] = Answer(known, texts)
    return next(grade for grade in grades(asked, answers) if grade.type == kind)


@pytest.mark.parametrize(
    ("kind", "texts", "status"),
    [
        ("SPF", (), "missing"),
        ("SPF", ("google-site-verification=x",), "missing"),
        ("SPF", (SPF,), "ok"),
        ("SPF", (SPF, "google-site-verification=x"), "ok"),
        ("SPF", ("V=SPF1 A +include:_SPF.portico.example -ALL",), "ok"),
        ("SPF", ("v=spf1 redirect=_spf.portico.example",), "ok"),
        ("SPF", (SPF, "v=spf1 -all"), "mismatch"),
        ("SPF", ("v=spf1 include:_spf.other.example ~all",), "mismatch"),
        ("SPF", ("v=spf1 ?include:_spf.portico.example ~all",), "mismatch"),
        ("SPF", ("v=spf1 include:_spf.portico.example.evil.example ~all",), "mismatch"),
        ("SPF", ("v=spf1 include:_spf.portico.example +all",), "mismatch"),
        ("SPF", ("v=spf10 include:_spf.portico.example",), "missing"),
        ("DKIM", (), "missing"),
        ("DKIM", (f"v=DKIM1; k=rsa; p={KEY}",), "ok"),
        ("DKIM", (f"p={KEY[:8]} {KEY[8:]}",), "ok"),
        ("DKIM", (f"v=DKIM1; t=y; p={KEY}",), "ok"),
        ("DKIM", ("v=DKIM1; p=",), "mismatch"),
        ("DKIM", ("v=DKIM1; k=rsa; p=OTHER",), "mismatch"),
        ("DKIM", (f"v=DKIM1; k=ed25519; p={KEY}",), "mismatch"),
        ("DKIM", ("hello",), "mismatch"),
        ("DKIM", (f"p={KEY}", f"v=DKIM1; p={KEY}"), "mismatch"),
        ("DMARC", (), "missing"),
        ("DMARC", ("v=spf1 -all",), "missing"),
        ("DMARC", ("v=DMARC1; p=quarantine; rua=mailto:d@acme.com",), "ok"),
        ("DMARC", ("v=DMARC1;p=reject",), "ok"),
        ("DMARC", ("v=DMARC1; p=quarantine; rua=mailto:x@other.example",), "ok"),
        ("DMARC", ("v=DMARC1; p=none",), "mismatch"),
        ("DMARC", ("v=DMARC1",), "mismatch"),
        ("DMARC", ("v=DMARC1; p=reject", "v=DMARC1; p=none"), "mismatch"),
    ],
)
def test_a_record_is_graded(kind: str, texts: tuple[str, ...], status: str) -> None:
    assert graded(kind, *texts).status == status


@pytest.mark.parametrize("kind", ["SPF", "DKIM", "DMARC"])
def test_no_answer_is_no_verdict(kind: str) -> None:
    found = graded(kind, known=False)
    assert (found.status, found.found) == ("unknown", ())
    assert found.guidance


def test_a_stricter_policy_is_fine_and_said_so() -> None:
    found = graded("DMARC", "v=DMARC1; p=reject", policy="none")
    assert (found.status, found.guidance) == (
        "ok",
        "Your policy is stricter than the one asked for, which is fine.",
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("v=spf1 a:smtp.mailer.example ~all", "ok"),
        ("v=spf1 include:_spf.mailer.example ~all", "ok"),
        ("v=spf1 include:_spf.notmailer.example ~all", "mismatch"),
        ("v=spf1 include:_spf.portico.example ~all", "mismatch"),
    ],
)
def test_a_server_of_ones_own_is_covered_by_its_name_or_its_provider(text: str, status: str) -> None:
    assert graded("SPF", text, spf="a:smtp.mailer.example").status == status


@pytest.mark.parametrize(
    ("host", "text", "status"),
    [
        ("198.51.100.7", "v=spf1 ip4:198.51.100.7 ~all", "ok"),
        ("198.51.100.7", "v=spf1 ip4:nonsense ip4:198.51.100.0/24 ~all", "ok"),
        ("198.51.100.7", "v=spf1 ip4:203.0.113.0/24 ~all", "mismatch"),
        ("198.51.100.7", "v=spf1 a:198.51.100.7 ~all", "mismatch"),
        ("[2001:db8::7]", "v=spf1 ip6:2001:db8::/32 ~all", "ok"),
    ],
)
def test_a_server_without_a_name_is_named_by_its_address(host: str, text: str, status: str) -> None:
    assert graded("SPF", text, spf=mechanism_of(host)).status == status
