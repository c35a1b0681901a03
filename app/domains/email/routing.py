"""Through which server a mail leaves: an organization's own where one is set up and tested, else ours.

Two kinds of an organization's mail leave through the instance's all the same. What opens something (a code, a
token, a link that acts) proves that somebody reads a mailbox; a server of the organization's would read it on
the way and prove nothing. And what nothing may hold back does not wait for a server that is failing.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.core import lanes
from app.core.db import read
from app.core.outbox import MAIN_LANE, OutboxRow
from app.domains.email.definitions import MAILS
from app.domains.email.settings_models import TenantMailServer
from app.domains.email.smtp_settings import lane_of
from app.domains.email.weight import mandatory_events, weight_of


@dataclass(frozen=True)
class Way:
    """How a mail leaves: its lane in the outbox, and whether that is the organization's own server's."""

    lane: str = MAIN_LANE

    @property
    def is_own(self) -> bool:
        """Say whether it leaves through the organization's own server."""
        return self.lane != MAIN_LANE


def way_of(name: str, tenant_id: int | None) -> Way:
    """Return how a mail of an organization, or of the instance, leaves now."""
    if tenant_id is None or MAILS[name].opens:
        return Way()
    lane = lane_of(tenant_id)
    found = read(
        sa.select(TenantMailServer.enabled, TenantMailServer.test_ok, lanes.rests(lane).label("rests")).where(
            TenantMailServer.tenant_id == tenant_id
        )
    )
    if not found or not (found[0].enabled and found[0].test_ok):
        return Way()
    if found[0].rests and weight_of(MAILS[name].event).mandatory:
        return Way()
    return Way(lane)


@lanes.on_rest
def _take_what_cannot_wait(lane: str) -> None:
    """Let mail that nothing may hold back leave through the instance's server while its own is failing."""
    urgent = OutboxRow.payload["event"].as_string().in_(mandatory_events())
    lanes.move(lane, MAIN_LANE, OutboxRow.kind == "mail", urgent)
