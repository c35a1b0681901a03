"""The records that let others trust an organization's mail: what each has to say, and how what is there does.

SPF: RFC 7208. DKIM: RFC 6376. DMARC: RFC 7489.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network

from app.core.dns import Answer, Question
from app.core.languages import Sentence

POLICIES = ("none", "quarantine", "reject")
"""What DMARC may ask of receivers, the mildest first."""


class RecordStatus(StrEnum):
    OK = "ok"
    MISSING = "missing"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    """The DNS did not answer."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a sender domain is to prove, in plain values."""

    domain: str
    selector: str
    public_key: str
    policy: str
    report_email: str | None
    spf: str
    """The mechanism that names whoever sends: ``include:…``, ``a:…`` or ``ip4:…``."""


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How one record stands, with what to paste and what to do."""

    type: str
    host: str
    expected: str
    found: tuple[str, ...]
    status: RecordStatus
    guidance: Sentence | None
    record_type: str = "TXT"


_MOST_SHOWN = 3
Verdict = tuple[RecordStatus, Sentence | None]

_ADD = Sentence("Add this TXT record at your DNS provider. It can take some hours to be seen.")
_ASK_AGAIN = Sentence("The DNS did not answer. Check again in some minutes.")


def expected(wanted: Wanted) -> Mapping[str, tuple[Question, str]]:
    """Return for SPF, DKIM and DMARC where the record stands and what it says."""
    reports = f"; rua=mailto:{wanted.report_email}" if wanted.report_email else ""
    return {
        "SPF": ((wanted.domain, "TXT"), f"v=spf1 {wanted.spf} ~all"),
        "DKIM": (
            (f"{wanted.selector}._domainkey.{wanted.domain}", "TXT"),
            f"v=DKIM1; k=rsa; p={wanted.public_key}",
        ),
        "DMARC": ((f"_dmarc.{wanted.domain}", "TXT"), f"v=DMARC1; p={wanted.policy}{reports}"),
    }


def grades(wanted: Wanted, answers: Mapping[Question, Answer]) -> Sequence[Grade]:
    """Say of each record how it stands."""
    judges = {"SPF": _spf, "DKIM": _dkim, "DMARC": _dmarc}
    made = []
    for kind, (question, text) in expected(wanted).items():
        answer = answers[question]
        theirs = relevant(kind, answer.texts)
        if not answer.known:
            verdict: Verdict = (RecordStatus.UNKNOWN, _ASK_AGAIN)
        elif not theirs:
            verdict = (RecordStatus.MISSING, _ADD)
        elif len(theirs) > 1:
            verdict = (RecordStatus.MISMATCH, _several(kind))
        else:
            verdict = judges[kind](wanted, theirs[0])
        host, record_type = question
        made.append(
            Grade(
                type=kind,
                host=host,
                record_type=record_type,
                expected=text,
                found=theirs,
                status=verdict[0],
                guidance=verdict[1],
            )
        )
    return made


def relevant(kind: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return what was meant as a record of a kind: with two of them nobody cares how many more there are."""
    return tuple(text for text in texts if _is_of_kind(kind, text))[:_MOST_SHOWN]


def _is_of_kind(kind: str, text: str) -> bool:
    """Say whether a text is meant as the record; others share the name, above all at the domain itself."""
    if kind == "SPF":
        return re.match(r"v=spf1( |$)", text, re.IGNORECASE) is not None
    if kind == "DMARC":
        return re.match(r"v\s*=\s*DMARC1\s*(;|$)", text) is not None
    return True  # nothing else belongs at a selector's name


def _several(kind: str) -> Sentence:
    return Sentence(
        "There are several %(type)s records. Keep one: with more, receivers take none.", type=kind
    )


def _spf(wanted: Wanted, found: str) -> Verdict:
    terms = found.lower().split()[1:]
    ours = wanted.spf.lower()
    if {"+all", "all"} & set(terms):
        text = Sentence("This record lets anybody send in your name. End it with ~all or -all.")
        return RecordStatus.MISMATCH, text
    bare = [term.lstrip("+") for term in terms]
    if (
        ours in bare
        or f"redirect={ours.partition(':')[2]}" in bare
        or _in_a_network(ours, bare)
        or _same_provider(ours, bare)
    ):
        return RecordStatus.OK, None
    text = Sentence("Add %(mechanism)s to the record that is there, before its “all”.", mechanism=wanted.spf)
    return RecordStatus.MISMATCH, text


def mechanism_of(host: str) -> str:
    """Return the SPF mechanism that names a mail server, by its address if it has no name (RFC 7208 5.6)."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return f"a:{host}"
    return f"ip{address.version}:{address}"


def _in_a_network(ours: str, terms: Sequence[str]) -> bool:
    """Say whether a server named by its address lies in a network that the record names."""
    kind, _, host = ours.partition(":")
    if kind not in ("ip4", "ip6"):
        return False
    return any(_holds(term.partition(":")[2], host) for term in terms if term.startswith(f"{kind}:"))


def _holds(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _same_provider(ours: str, terms: Sequence[str]) -> bool:
    """Say whether a server of one's own is covered by what its provider publishes under the same domain."""
    kind, _, host = ours.partition(":")
    if kind != "a":
        return False
    home = ".".join(host.split(".")[-2:])
    included = [term.partition(":")[2] for term in terms if term.startswith("include:")]
    return any(name == home or name.endswith(f".{home}") for name in included)


def _dkim(wanted: Wanted, found: str) -> Verdict:
    said = tags(found)
    key = re.sub(r"\s", "", said.get("p", "?"))
    if not key:
        return RecordStatus.MISMATCH, Sentence(
            "This record takes the key back. Replace it with the one here."
        )
    if key != wanted.public_key or said.get("k", "rsa").lower() != "rsa" or said.get("v", "DKIM1") != "DKIM1":
        return RecordStatus.MISMATCH, Sentence(
            "Another key stands there. Replace the record with the one here."
        )
    if "y" in said.get("t", "").split(":"):
        return RecordStatus.OK, Sentence("It says t=y: receivers may take it for a test. Leave that out.")
    return RecordStatus.OK, None


def _dmarc(wanted: Wanted, found: str) -> Verdict:
    said = tags(found)
    policy = said.get("p", "").lower()
    if policy not in POLICIES:
        return RecordStatus.MISMATCH, Sentence("It has no policy. Replace the record with the one here.")
    if POLICIES.index(policy) < POLICIES.index(wanted.policy):
        text = Sentence("It asks for less than you chose: set p=%(policy)s.", policy=wanted.policy)
        return RecordStatus.MISMATCH, text
    if POLICIES.index(policy) > POLICIES.index(wanted.policy):
        return RecordStatus.OK, Sentence("Your policy is stricter than the one asked for, which is fine.")
    if wanted.report_email and f"mailto:{wanted.report_email}".lower() not in said.get("rua", "").lower():
        text = Sentence(
            "Reports do not go to %(email)s: its rua names another address.", email=wanted.report_email
        )
        return RecordStatus.OK, text
    return RecordStatus.OK, None


def tags(text: str) -> dict[str, str]:
    """Read a list of tags (RFC 6376, 3.2): ``v=DKIM1; p=…``."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, is_pair, value in pairs if is_pair}
