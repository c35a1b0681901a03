"""The domain that an organization writes from: its records, looked up and graded, and the key that signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from app.core import clock, dns
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.dns import Answer, Question
from app.core.errors import ValidationFailed
from app.core.languages import Sentence
from app.core.settings import current_settings
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email.announcing import announce
from app.domains.email.dkim_keys import KeyPair, new_key
from app.domains.email.dns_records import Grade, RecordStatus, Wanted, expected, grades, mechanism_of
from app.domains.email.rule_values import domain_of, email_of, selector_of
from app.domains.email.rules_models import SenderDomain
from app.domains.email.settings_models import TenantMailServer

KEPT_FOR = timedelta(minutes=10)
_FIELDS = ("domain", "dkim_selector", "dmarc_policy", "report_email")


@dataclass(frozen=True, kw_only=True)
class Deliverability:
    """How the sender domain stands, as far as the last look-up says."""

    domain: str | None
    dkim_selector: str
    dmarc_policy: str
    report_email: str | None
    status: str
    records: Sequence[Grade]
    checked_at: datetime | None
    updated_at: datetime | None
    signs: bool
    """Whether messages are signed now."""
    rotating: bool
    """Whether the key before this one still signs, until the new record is seen."""


# ---- what is asked


@operation(Access.TENANT)
def deliverability(actor: Actor) -> Deliverability:
    """Return the records that the sender domain needs and how they stood last."""
    return _shown(domain_row(actor.tenant_id))


@operation(Access.TENANT)
def to_look_up(actor: Actor, *, refresh: bool = False) -> Wanted | None:
    """Return what to ask the DNS now; None while what is known is fresh, or where there is no domain."""
    row = domain_row(actor.tenant_id)
    wanted = wanted_of(row)
    if wanted is None or refresh:
        return wanted
    known = {grade["type"]: grade["expected"] for grade in row.records}
    same = known == {kind: text for kind, (_, text) in expected(wanted).items()}
    fresh = row.checked_at is not None and clock.now() < row.checked_at + KEPT_FOR
    return None if same and fresh else wanted


@operation(Access.TENANT)
def look_up(actor: Actor, *, wanted: Wanted) -> Mapping[Question, Answer]:
    """Ask the DNS for all records at once; not inside a transaction."""
    return dns.look_up([question for question, _ in expected(wanted).values()])


def status_of(tenant_id: int) -> str:
    """Return unset, missing, partial or ok."""
    return domain_row(tenant_id).status


def domain_row(tenant_id: int | None) -> SenderDomain:
    """Return an organization's row; an empty one, which is not kept, where there is none."""
    found = db.session.get(SenderDomain, tenant_id) if tenant_id is not None else None
    return found or SenderDomain(
        tenant_id=tenant_id, dkim_selector="mail", dmarc_policy="none", records=[], status="unset"
    )


# ---- what is done


@operation(Access.TENANT_ADMIN)
def prepared_key(actor: Actor, *, domain: str | None, rotate: bool) -> KeyPair | None:
    """Make the key that a change will want, before the change holds anything; None where it wants none."""
    wants = rotate or (bool(domain) and domain_row(actor.tenant_id).private_key is None)
    return new_key() if wants else None


@operation(Access.TENANT_ADMIN)
def change_deliverability(
    actor: Actor, *, changes: Mapping[str, Any], rotate: bool = False, key: KeyPair | None = None
) -> Wanted | None:
    """Set the sender domain and how it is to be proven; returns what to ask the DNS now.

    :param changes: of domain, dkim_selector, dmarc_policy and report_email those that change
    :param rotate: take a new key; the one before signs until the new record is seen
    :raises ValidationFailed: for a value that is none, or a rotation where there is no domain
    """
    row = _held(actor)
    before = {name: getattr(row, name) for name in _FIELDS}
    after = {**before, **_checked(changes)}
    if rotate and not after["domain"]:
        raise ValidationFailed({"domain": [Sentence("Name the domain first.")]})
    fresh = bool(after["domain"]) and (rotate or row.private_key is None)
    if fresh and row.signs_selector == after["dkim_selector"]:
        after["dkim_selector"] = _next_selector(after["dkim_selector"])
    if after == before and not fresh:
        return wanted_of(row)
    if fresh:
        made = key or new_key()
        row.public_key, row.private_key = made.public, made.sealed(row.tenant_id)
    if after["domain"] != before["domain"]:
        row.signs_selector = row.signs_key = None
        row.records, row.status, row.checked_at = [], "missing" if after["domain"] else "unset", None
    for name, value in after.items():
        setattr(row, name, value)
    row.updated_at = clock.now()
    told = {name: value for name, value in after.items() if value != before[name]}
    _record(actor, {**told, **({"dkim_key": "new"} if fresh else {})})
    return wanted_of(row)


def _record(actor: Actor, changes: Mapping[str, Any]) -> None:
    kind = AuditKind.EMAIL_SETTINGS_DELIVERABILITY_UPDATED
    record(actor, kind, subject=("tenant", actor.tenant_id), changes=changes)


@operation(Access.TENANT)
def keep_findings(actor: Actor, *, wanted: Wanted, answers: Mapping[Question, Answer]) -> Deliverability:
    """Keep what a look-up found and return how the domain stands; a change of its status is told."""
    keep(actor.tenant_id or 0, wanted, answers)
    return _shown(domain_row(actor.tenant_id))


def keep(tenant_id: int, wanted: Wanted, answers: Mapping[Question, Answer]) -> bool:
    """Keep what a look-up found, unless the domain was changed meanwhile; say whether the status changed."""
    row = db.session.get(SenderDomain, tenant_id, with_for_update=True, populate_existing=True)
    if row is None or wanted_of(row) != wanted:
        return False
    last = {grade["type"]: grade.get("last_known") for grade in row.records}
    found = grades(wanted, answers)
    row.records = [_kept(grade, last.get(grade.type)) for grade in found]
    row.checked_at = clock.now()
    if any(grade.type == "DKIM" and grade.status is RecordStatus.OK for grade in found):
        row.signs_selector, row.signs_key = row.dkim_selector, row.private_key
    elif row.signs_selector == row.dkim_selector and _dkim_gone(found):
        row.signs_selector = row.signs_key = None
    before, row.status = row.status, _status([grade["last_known"] for grade in row.records])
    if before == row.status:
        return False
    announce(tenant_id, domain=wanted.domain, status=row.status)
    return True


def _dkim_gone(found: Sequence[Grade]) -> bool:
    """Say whether the DNS said that the record is not there (any more): no answer at all changes nothing."""
    bad = (RecordStatus.MISSING, RecordStatus.MISMATCH)
    return any(grade.type == "DKIM" and grade.status in bad for grade in found)


def _kept(grade: Grade, last: str | None) -> dict[str, Any]:
    guidance = grade.guidance
    return {
        "type": grade.type,
        "host": grade.host,
        "record_type": grade.record_type,
        "expected": grade.expected,
        "found": list(grade.found),
        "status": str(grade.status),
        "guidance": guidance and [guidance.pattern, guidance.values],
        "last_known": last if grade.status is RecordStatus.UNKNOWN else str(grade.status),
    }


def _status(known: Sequence[str | None]) -> str:
    """Sum up; a record that nobody could ask for counts as it was last."""
    good = sum(status == RecordStatus.OK for status in known)
    if good == len(known):
        return "ok"
    return "partial" if good else "missing"


def _shown(row: SenderDomain) -> Deliverability:
    return Deliverability(
        domain=row.domain,
        dkim_selector=row.dkim_selector,
        dmarc_policy=row.dmarc_policy,
        report_email=row.report_email,
        status=row.status,
        records=_grades(row),
        checked_at=row.checked_at,
        updated_at=row.updated_at,
        signs=row.signs_key is not None,
        rotating=row.signs_selector not in (None, row.dkim_selector),
    )


def _grades(row: SenderDomain) -> Sequence[Grade]:
    """Return the records as they stood last, those that nobody has asked for yet as unknown."""
    wanted = wanted_of(row)
    if wanted is None:
        return []
    kept = {(one["type"], one["host"], one["expected"]): one for one in row.records}
    shown = []
    for kind, ((host, record_type), text) in expected(wanted).items():
        one = kept.get((kind, host, text), {})
        said = one.get("guidance")
        shown.append(
            Grade(
                type=kind,
                host=host,
                record_type=record_type,
                expected=text,
                found=tuple(one.get("found", ())),
                status=RecordStatus(one.get("status", "unknown")),
                guidance=Sentence(said[0], **said[1]) if said else None,
            )
        )
    return shown


def _held(actor: Actor) -> SenderDomain:
    row = db.session.get(SenderDomain, actor.tenant_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = domain_row(actor.tenant_id)
        db.session.add(row)
        db.session.flush()  # two first changes at once: the second begins anew and sees the first
    return row


def wanted_of(row: SenderDomain) -> Wanted | None:
    """Return what an organization's domain is to prove; None where it has no domain."""
    if not row.domain or not row.public_key:
        return None
    return Wanted(
        domain=row.domain,
        selector=row.dkim_selector,
        public_key=row.public_key,
        policy=row.dmarc_policy,
        report_email=row.report_email,
        spf=_spf(row.tenant_id),
    )


def _spf(tenant_id: int) -> str:
    """Return the mechanism that names whoever sends the organization's mail."""
    server = db.session.get(TenantMailServer, tenant_id)
    if server is not None and server.is_used:
        return mechanism_of(server.host)
    configured = current_settings()
    ours = parseaddr(configured.mail_from)[1].rpartition("@")[2]
    return f"include:{configured.spf_include or f'_spf.{ours}'}"


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    rules = {"domain": domain_of, "dkim_selector": selector_of, "report_email": email_of}
    checked = dict(changes)
    for name, rule in rules.items():
        if isinstance(checked.get(name), str):
            text = checked[name].strip()
            try:
                checked[name] = rule(text) if text or name == "dkim_selector" else None
            except ValueError as error:
                raise ValidationFailed({name: [error.args[0]]}) from error
    return checked


def _next_selector(selector: str) -> str:
    """Return the name for the next key: the DNS holds both until the old one is not needed any more."""
    stem = selector.rstrip("0123456789")
    number = int(selector[len(stem) :] or "1") + 1
    return f"{stem[:50]}{number}"
