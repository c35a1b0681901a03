"""Whether an organization's mail is set up and working, in one look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.core import lanes
from app.core.access import Access, Actor, operation
from app.core.db import db
from app.domains.email import bounces, compliance, deliverability, deliveries, footer
from app.domains.email.deliveries import Figures
from app.domains.email.server_watch import FAILURES
from app.domains.email.settings_models import TenantMailServer, TenantSender
from app.domains.email.smtp_settings import lane_of

Severity = Literal["error", "warning", "info"]

_SAYS = {
    "unset": "No sender domain is set.",
    "missing": "The sender domain's records were not found.",
    "partial": "Some of the sender domain's records are missing or wrong.",
    "ok": "The sender domain is proven.",
    "no_server": "Mail leaves through the instance's server: no mail server of your own is set.",
    "off": "Your mail server is switched off; mail leaves through the instance's.",
    "untested": "Test the mail server: until then mail leaves through the instance's.",
    "test_failed": "The mail server failed its last test; mail leaves through the instance's.",
    "fails": "The mail server does not take messages now.",
    "works": "The mail server passed its last test.",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing to look at."""

    code: str
    ok: bool
    severity: Severity
    message: str

    @property
    def link(self) -> str:
        """Return where it is changed, as the document has it."""
        return f"/settings/email/{'deliverability' if self.code == 'domain' else self.code}"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether a message sent now would leave, through which server, and what is left to do."""

    ready: bool
    sends_through: Literal["tenant", "instance"]
    checks: Sequence[Check]
    last_day: Figures


@operation(Access.TENANT)
def standing(actor: Actor) -> Standing:
    """Sum up how the organization's mail stands."""
    tenant_id = actor.tenant_id or 0
    server = db.session.get(TenantMailServer, tenant_id)
    through: Literal["tenant", "instance"] = "tenant" if server is not None and server.is_used else "instance"
    fails = server is not None and through == "tenant" and _fails(server)
    checks = (
        _server(server, fails=fails),
        _sender(db.session.get(TenantSender, tenant_id), through=through),
        _compliance(compliance.is_complete(tenant_id)),
        _footer(footer.is_on(tenant_id)),
        _domain(deliverability.status_of(tenant_id)),
    )
    return Standing(
        ready=not fails, sends_through=through, checks=checks, last_day=deliveries.last_day(tenant_id)
    )


@operation(Access.SIGNED_IN)
def comes_back(actor: Actor) -> bool:
    """Say whether mail to the actor's address comes back, the instance's or their organization's."""
    return bounces.reason_for(actor.email, actor.tenant_id) is not None


def _fails(server: TenantMailServer) -> bool:
    """Say whether a server that passed its test takes nothing any more."""
    return server.failures >= FAILURES or lanes.is_resting(lane_of(server.tenant_id))


def _server(server: TenantMailServer | None, *, fails: bool) -> Check:
    message, severity = _said_of(server, fails=fails)
    return Check(code="smtp", ok=not severity, severity=severity or "error", message=message)


def _said_of(server: TenantMailServer | None, *, fails: bool) -> tuple[str, Severity | None]:
    """Return what there is to say of the server; without one the instance's does, and no mail is lost."""
    if server is None:
        return _SAYS["no_server"], "info"
    if not server.enabled:
        return _SAYS["off"], "info"
    if server.test_ok is None:
        return _SAYS["untested"], "warning"
    if not server.test_ok:
        return _SAYS["test_failed"], "warning"
    if fails:
        return _SAYS["fails"], "error"
    return _SAYS["works"], None


def _sender(sender: TenantSender | None, *, through: str) -> Check:
    named = sender is not None and bool(sender.from_name) and bool(sender.reply_to)
    addressed = through == "instance" or (sender is not None and bool(sender.from_email))
    message = "The sender is set." if named else "Give the sender a name and an address for answers."
    if named and not addressed:
        message = "Give the sender an address of your own: your server may refuse the instance's."
    return Check(code="sender", ok=named and addressed, severity="warning", message=message)


def _compliance(complete: bool) -> Check:
    message = "The postal address is complete." if complete else "The postal address is not complete."
    return Check(code="compliance", ok=complete, severity="warning", message=message)


def _footer(on: bool) -> Check:
    message = "The footer is on." if on else "The footer is off."
    return Check(code="footer", ok=on, severity="info", message=message)


def _domain(status: str) -> Check:
    return Check(code="domain", ok=status == "ok", severity="warning", message=_SAYS.get(status, status))
