"""Looking sender domains up again every few hours: asked outside any transaction, kept in one."""

from dataclasses import asdict
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, dns, outbox
from app.core.db import db, rows_changed
from app.core.dns import Answer, Question
from app.core.jobs import job
from app.domains.email.deliverability import domain_row, keep, wanted_of
from app.domains.email.dns_records import Wanted, expected, relevant
from app.domains.email.rules import rules_of
from app.domains.email.rules_models import MailRules, SenderDomain
from app.domains.email.tracking import DOMAIN_CHECK, points_here, question_of


@job("deliverability.check", every=timedelta(hours=6))
def check_all() -> int:
    """Promise a look-up for each organization that has a domain to look up."""
    named = sa.select(SenderDomain.tenant_id).where(SenderDomain.domain.is_not(None))
    linked = sa.select(MailRules.tenant_id).where(
        MailRules.tracking["tracking_domain"].as_string().is_not(None)
    )
    tenant_ids = db.session.scalars(named.union(linked)).all()
    for tenant_id in sorted(tenant_ids):
        outbox.promise(DOMAIN_CHECK, {"tenant_id": tenant_id})
    return len(tenant_ids)


@outbox.handler(DOMAIN_CHECK)
def look_up(row: outbox.Claimed) -> outbox.Act:
    """Read what to ask, then ask it; what the DNS said is kept by the sequel."""
    tenant_id = int(row.payload["tenant_id"])
    wanted, link = wanted_of(domain_row(tenant_id)), question_of(rules_of(tenant_id))
    asked = {question: kind for kind, (question, _) in expected(wanted).items()} if wanted else {}

    def ask() -> outbox.Payload:
        answers = dns.look_up([*asked, *([link] if link else [])])
        return {
            "tenant_id": tenant_id,
            "wanted": asdict(wanted) if wanted else None,
            "link": link,
            "answers": [
                [
                    *question,
                    answer.known,
                    relevant(asked[question], answer.texts) if question in asked else answer.texts,
                ]
                for question, answer in answers.items()
            ],
        }

    return ask


@outbox.sequel(DOMAIN_CHECK)
def keep_answers(_row: outbox.Claimed, said: outbox.Payload) -> None:
    """Keep what the DNS said, unless somebody changed what it was asked meanwhile."""
    answers: dict[Question, Answer] = {
        (name, kind): Answer(known, tuple(texts)) for name, kind, known, texts in said["answers"]
    }
    if said["wanted"]:
        keep(said["tenant_id"], Wanted(**said["wanted"]), answers)
    rules = db.session.get(MailRules, said["tenant_id"], with_for_update=True)
    link = question_of(rules) if rules else None
    if rules is None or link is None or list(link) != list(said["link"] or ()):
        return
    answer = answers[link]
    if answer.known:
        seen = rules.tracking_domain_seen_at or clock.now()
        theirs = points_here(answer) and _is_theirs(rules.tenant_id, link[0])
        rules.tracking_domain_seen_at = seen if theirs else None


def _is_theirs(tenant_id: int, name: str) -> bool:
    """Say whether an organization has a domain for its links; a CNAME to us does not say whose it is.

    Whoever signs for the domain has proven it, and takes it from others; else the first to name it has it.
    """
    others = sa.and_(
        MailRules.tenant_id != tenant_id,
        MailRules.tracking["tracking_domain"].as_string() == name,
        MailRules.tracking_domain_seen_at.is_not(None),
    )
    proven = domain_row(tenant_id)
    if proven.domain and proven.signs_selector and f".{name}".endswith(f".{proven.domain}"):
        rows_changed(sa.update(MailRules).where(others).values(tracking_domain_seen_at=None))
        return True
    return not db.session.scalar(sa.select(sa.exists().where(others)))
