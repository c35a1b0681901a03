"""Erasing people from an organization for good, under a tombstone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock, touches
from app.core.access import Access, Actor, operation
from app.core.db import db, is_named, rows_changed
from app.core.ids import Ref
from app.core.touches import KEPT, Ending
from app.domains.audit import departures as _departures  # noqa: F401 - registers what stays
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth.erasure import erase
from app.domains.members.changing import departure_of
from app.domains.members.models import Invitation
from app.domains.members.ranks import Case, hold
from app.domains.tenants.models import Membership

TOMBSTONE = "Deleted user"


@dataclass(frozen=True)
class Erased:
    """Who is gone, whether their account went too, and how much of what others rely on stays."""

    membership_id: int
    person_erased: bool
    kept: Mapping[str, int]
    deleted_at: datetime
    name: str = TOMBSTONE


@operation(Access.TENANT_ADMIN)
def erase_member(actor: Actor, *, member: Ref) -> Erased:
    """Erase a member: membership, sign-ins and API tokens here; the account too if nothing else needs it.

    :raises MemberNotFound: another organization's, removed, or not there
    :raises OwnerFixed, SelfForbidden: by who it is
    """
    case = hold(actor, Access.TENANT_ADMIN, is_named(Membership, member), for_good=True)
    case.require_not_owner()
    case.require_not_self()
    membership_id, person_too = case.membership.id, _is_last(case)
    departure = departure_of(case.membership, Ending.ERASURE)
    kept = {name: count(departure) for name, count in KEPT.items()}
    touched = touches.carry_out(case.actor, departure)
    record(
        case.actor,
        AuditKind.MEMBER_ERASED,
        subject=("member", membership_id),
        tenant_id=case.tenant.id,
        changes={"person_erased": person_too, **{one.name: one.number for one in touched}},
    )
    db.session.flush()  # what was recorded so far is part of what is looked through
    if person_too:
        erase(case.actor, case.user, reason="member erased", ended=case.membership)
    else:
        _erase_part(case)
    return Erased(membership_id, person_too, kept, clock.now())


def _is_last(case: Case) -> bool:
    """Say whether nothing but this membership needs the account.

    An account that somebody merely invited had before is theirs, and so is a platform admin's.
    """
    others = sa.select(Membership.id).where(
        Membership.user_id == case.user.id, Membership.id != case.membership.id
    )
    has_account = case.user.has_password or case.user.email_verified
    mine_to_keep = case.user.is_platform_admin or (not case.membership.has_joined and has_account)
    return not mine_to_keep and db.session.scalar(others.limit(1)) is None


def _erase_part(case: Case) -> None:
    """Erase what this organization holds; the trail holds numbers, and names come from memberships alone."""
    membership = case.membership
    gone = sa.delete(Invitation).where(
        Invitation.tenant_id == case.tenant.id, Invitation.user_id == membership.user_id
    )
    rows_changed(gone)
    rows_changed(sa.delete(Membership).where(Membership.id == membership.id))
