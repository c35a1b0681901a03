"""What the platform's admin sees: an admin, an organization that does not pay, the figures of a month."""

from collections.abc import Iterator
from datetime import datetime

from app.core import figures
from app.core.figures import CALLS, MAILS, REFUSED
from app.domains.accounts.models import User
from app.domains.accounts.policies import accept_all
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing.renewing import chase
from app.domains.demo.past import Past, governing
from app.domains.demo.people import ADA
from app.domains.tenants.models import Tenant

_FOUND_LATE, _SUSPENDED = 46, 31
"""Days since the invoice that was not paid was found overdue, and since the organization was shut for it."""
_DAYS = 30
_SHARES = {"services_v1": 9, "api_v1": 14, "platform_api": 4, "client_v1": 6, "v0": 2}
"""How many calls of a busy hour come in through which dialect, in tens."""


def happens(past: Past, ada: User, unpaid: Tenant) -> None:
    """Make Ada the platform's admin, shut who does not pay, and count what went on."""
    came = past.ago(ADA.days)
    accept_all(ada, ip=ADA.sign_ins[0].ip, at=came)
    past.then(came, lambda: _appoint(ada))
    past.then(past.ago(3), lambda: _sign_in(ada))
    for days in (_FOUND_LATE, _SUSPENDED):
        past.then(past.ago(days), lambda: chase(unpaid.id))
    figures.add_all({(hour, name): times for hour, name, times in _figures(past)})


def _appoint(ada: User) -> None:
    itself, changes = ("user", ada.id), {"is_platform_admin": True}
    record(governing(ada), AuditKind.USER_REGISTERED, subject=itself)
    record(governing(ada), AuditKind.USER_DETAILS_UPDATED, subject=itself, changes=changes)


def _sign_in(ada: User) -> None:
    changes = {"method": "password", "factors": 1}
    record(governing(ada), AuditKind.USER_SIGNED_IN, subject=("user", ada.id), changes=changes)


def _figures(past: Past) -> Iterator[tuple[datetime, str, int]]:
    """Yield what was counted in a busy hour of each day; at the weekend it is a third."""
    for back in range(1, _DAYS):
        hour = past.ago(back).replace(hour=10, minute=0, second=0, microsecond=0)
        swing = (7 + back * 5 % 11) * (1 if hour.weekday() >= 5 else 3)
        for dialect, share in _SHARES.items():
            yield hour, f"{CALLS}{dialect}", share * swing
        yield hour, MAILS, swing // 2
        yield hour, f"{REFUSED}rate:limited", swing // 9
        if back % 4 == 0:
            yield hour, f"{REFUSED}auth:permission_denied", 1 + back % 3
    just_now = past.ago(hours=2).replace(minute=0, second=0, microsecond=0)
    yield just_now, f"{CALLS}api_v1", 412
    yield just_now, MAILS, 9
