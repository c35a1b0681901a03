"""The row of an organization's mail rules: read with each mail, changed a part at a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from app.core import clock
from app.core.access import Actor
from app.core.db import db
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email.rules_models import MailRules

Part = Literal["tracking", "compliance", "footer"]

_KINDS: Mapping[Part, AuditKind] = {
    "tracking": AuditKind.EMAIL_SETTINGS_TRACKING_UPDATED,
    "compliance": AuditKind.EMAIL_SETTINGS_COMPLIANCE_UPDATED,
    "footer": AuditKind.EMAIL_SETTINGS_FOOTER_UPDATED,
}


def rules_of(tenant_id: int | None) -> MailRules:
    """Return an organization's rules; empty ones, which are not kept, where it has set none."""
    found = db.session.get(MailRules, tenant_id) if tenant_id is not None else None
    return found or MailRules(tracking={}, compliance={}, footer={})


def held_rules(actor: Actor) -> MailRules:
    """Return the rules of the actor's organization, held until the end of the transaction."""
    found = db.session.get(MailRules, actor.tenant_id or 0, with_for_update=True, populate_existing=True)
    if found is None:
        found = MailRules(tenant_id=actor.tenant_id, tracking={}, compliance={}, footer={})
        db.session.add(found)
        db.session.flush()  # two first changes at once: the second begins anew and sees the first
    return found


def keep(actor: Actor, rules: MailRules, part: Part, values: Mapping[str, Any]) -> None:
    """Keep a part as it is from now on, with its row in the trail; one that is the same leaves none."""
    before: Mapping[str, Any] = getattr(rules, part)
    if dict(before) == dict(values):
        return
    changed = {name: value for name, value in values.items() if before.get(name) != value}
    setattr(rules, part, dict(values))
    setattr(rules, f"{part}_at", clock.now())
    record(actor, _KINDS[part], subject=("tenant", actor.tenant_id), changes=changed)


def changed_at(rules: MailRules, part: Part) -> datetime | None:
    """Return when a part was last changed; None for what nobody has set yet."""
    moment: datetime | None = getattr(rules, f"{part}_at")
    return moment
