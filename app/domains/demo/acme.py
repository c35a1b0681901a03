"""What happened at Acme: a trail worth reading, and something on every page about the organization."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, ids
from app.core.access import Actor, Origin, working_in
from app.core.db import db
from app.core.environments import Environment
from app.core.ids import Ref
from app.core.permissions import PERMISSIONS, Permission
from app.domains.accounts.models import User
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.billing import invoices
from app.domains.billing.models import Invoice, InvoiceStatus
from app.domains.clients import accounts as clients
from app.domains.clients import service_users
from app.domains.clients.accounts import Change, Newcomer
from app.domains.demo.past import Past, at_work, governing, in_trail
from app.domains.demo.people import ADA, JANE, USER_AGENTS
from app.domains.email.compliance import change_compliance
from app.domains.email.footer import change_footer
from app.domains.email.senders import change_sender
from app.domains.members import access_requests, changing, invitations
from app.domains.members.changing import MemberChanges
from app.domains.members.invitations import Wanted
from app.domains.onboarding.models import TaskStatus
from app.domains.onboarding.operations import update_task
from app.domains.organizations.admitting import note
from app.domains.organizations.models import JoinRequest
from app.domains.permissions import operations as profiles
from app.domains.permissions.models import AccessRequest
from app.domains.permissions.roles import Role
from app.domains.settings.operations import set_value
from app.domains.tenants.models import Membership, Tenant

_STRANGER = Origin(ip="203.0.113.250", user_agent=USER_AGENTS["chrome"], dialect="portal")
_ASKING = timedelta(days=14)
_CUSTOMERS = (
    ("olivia.brandt@kiosk.example", "Olivia", "Brandt"),
    ("ravi.menon@kiosk.example", "Ravi", "Menon"),
    ("eva.lund@kiosk.example", "Eva", "Lund"),
    ("jonas.peters@kiosk.example", "Jonas", "Peters"),
    ("amara.diallo@kiosk.example", "Amara", "Diallo"),
)
_ADDRESS = {"line1": "Lindenstraße 12", "city": "Berlin", "postal_code": "10969", "country": "DE"}

Staff = Mapping[str, Callable[[], Actor]]
"""By first name: the actor as they are when they are asked for."""


def happens(past: Past, acme: Tenant, users: Mapping[str, User]) -> None:
    """Add all of it to the past."""

    def at(user: User) -> Callable[[], Actor]:
        return lambda: at_work(user, acme)

    names = ("jane", "marcus", "priya", "tomas", "hannah", "noah", "lucy")
    people = {name: users[f"{name}@acme.example"] for name in names}
    staff = {name: at(user) for name, user in people.items()}
    _plan(past, acme, users[ADA.email])
    _settings(past, staff)
    _rights(past, acme, staff, people)
    _newcomers(past, staff)
    _guest(past, acme, users["samuel@globex.example"])
    _mail(past, staff)
    _programs(past, staff)
    _setup(past, staff)
    _incidents(past, acme, people)


def _plan(past: Past, acme: Tenant, ada: User) -> None:
    """The month's invoice was paid a few days after it was sent."""

    def pay() -> None:
        found = db.session.scalar(sa.select(Invoice).where(Invoice.tenant_id == acme.id))
        invoices.close(governing(ada), found=found, status=InvoiceStatus.PAID, reason="Bank transfer")

    past.then(past.ago(22.5), pay)


def _settings(past: Past, staff: Staff) -> None:
    changes: tuple[tuple[float, str, str, Any], ...] = (
        (26, "marcus", "branding.primary_color", "#0b6e4f"),
        (24, "jane", "localization.timezone", "Europe/Berlin"),
        (17, "marcus", "branding.primary_color", "#7a3e9d"),
        (16, "jane", "branding.primary_color", "#0f5c8a"),
        (15, "marcus", "invites.expiry_days", 14),
        (14, "marcus", "invites.expiry_days", 7),
        (8, "jane", "auth.password_min_length", 12),
        (7, "jane", "members.join_requests", True),
        (1.5, "marcus", "general.phone", "+49 30 5550 0199"),
    )
    for days, who, key, value in changes:
        _set(past, days, staff[who], key, value)
    for days, environment in ((10.5, Environment.STAGING), (10, Environment.PROD)):
        _set(past, days, staff["marcus"], "clients.enabled", value=True, environment=environment)


def _set(past: Past, days: float, who: Callable[[], Actor], key: str, value: Any, **more: Any) -> None:
    past.then(past.ago(days), lambda: set_value(who(), key=key, value=value, **more))


def _rights(past: Past, acme: Tenant, staff: Staff, people: Mapping[str, User]) -> None:
    """Own profiles, one of them given to Hannah; Priya's new role; what was asked for and answered."""
    made: dict[str, int] = {}

    def profile(name: str, description: str, *permissions: Permission) -> None:
        numbers = [PERMISSIONS[permission].id for permission in permissions]
        created = profiles.create(staff["jane"](), name=name, permissions=numbers, description=description)
        made[name] = created.id

    def change(who: str, whom: str, changes: MemberChanges) -> None:
        changing.update(staff[who](), member=Ref(id=_membership(acme, people[whom])), changes=changes)

    reading = (Permission.AUDIT_VIEW, Permission.ANALYTICS_VIEW)
    past.then(
        past.ago(23), lambda: profile("Controlling", "Reads the audit trail and the figures.", *reading)
    )
    doing = (Permission.CLIENTS_VIEW, Permission.CLIENTS_MANAGE)
    past.then(past.ago(21), lambda: profile("Customer care", "Looks after client accounts.", *doing))
    past.then(past.ago(20), lambda: profile("Launch crew", "For the launch in autumn.", *doing))
    past.then(past.ago(7.5), lambda: profiles.deactivate(staff["jane"](), profile_id=made["Launch crew"]))
    past.then(past.ago(17.5), lambda: change("jane", "hannah", {"profile_id": made["Controlling"]}))
    past.then(past.ago(6.5), lambda: change("marcus", "noah", {"profile_id": made["Customer care"]}))
    past.then(past.ago(22), lambda: change("jane", "priya", {"job_title": "Head of sales"}))
    _asked(
        past, staff, 6, "noah", "role:manager", "I look after the interns now.", answer="Not before spring."
    )
    _asked(past, staff, 0.3, "tomas", str(Permission.AUDIT_VIEW), "Who moved the meeting to Friday?")


def _membership(tenant: Tenant, user: User) -> int:
    here = (Membership.tenant_id == tenant.id, Membership.user_id == user.id)
    return db.session.scalars(sa.select(Membership.id).where(*here)).one()


def _asked(
    past: Past, staff: Staff, days: float, who: str, wanted: str, reason: str, *, answer: str = ""
) -> None:
    uid = ids.new_uid()

    def ask() -> None:
        actor = staff[who]()
        asked = AccessRequest(
            uid=uid,
            tenant_id=actor.tenant_id,
            user_id=actor.user_id,
            wanted=wanted,
            reason=reason,
            expires_at=clock.now() + _ASKING,
        )
        db.session.add(asked)
        db.session.flush()  # generate asked.id
        subject = ("access_request", asked.id)
        record(actor, AuditKind.ACCESS_REQUEST_CREATED, subject=subject, changes={"wanted": wanted})

    past.then(past.ago(days), ask)
    if answer:
        decline = lambda: access_requests.decline(staff["jane"](), uid=uid, answer=answer)  # noqa: E731
        past.then(past.ago(days - 0.2), decline)


def _newcomers(past: Past, staff: Staff) -> None:
    """Sofia may still come; Elena's invitation ran out; Lucy is not at Acme any more."""

    def invite(who: str, wanted: Wanted) -> None:
        actor = staff[who]()
        invitations.send(actor, invitations.checked(actor, wanted))

    elena = Wanted(
        email="elena@partner.example",
        role=Role.VIEWER,
        first_name="Elena",
        last_name="Marin",
        job_title="Consultant",
    )
    sofia = Wanted(
        email="sofia@acme.example",
        role=Role.MEMBER,
        first_name="Sofia",
        last_name="Rossi",
        job_title="Account manager",
    )
    past.then(past.ago(12), lambda: invite("marcus", elena))
    past.then(past.ago(1.2), lambda: invite("priya", sofia))


def _guest(past: Past, acme: Tenant, samuel: User) -> None:
    """Samuel of Globex asks to be taken in."""

    def ask() -> None:
        reason = "We plan the fair in May together."
        asked = JoinRequest(tenant_id=acme.id, user_id=samuel.id, reason=reason, asked_at=clock.now())
        db.session.add(asked)
        db.session.flush()  # generate asked.id
        note(in_trail(samuel, acme), AuditKind.JOIN_REQUEST_CREATED, asked)

    past.then(past.ago(0.6), ask)


def _mail(past: Past, staff: Staff) -> None:
    sender: dict[str, str | None] = {"from_name": "Acme Corp", "reply_to": "help@acme.example"}
    past.then(past.ago(19), lambda: change_sender(staff["marcus"](), changes=sender))
    law = {
        "can_spam": {"enabled": True, "company_name": "Acme Corp GmbH", "address": _ADDRESS},
        "gdpr": {"enabled": True, "contact_email": "privacy@acme.example"},
    }
    past.then(past.ago(18.8), lambda: change_compliance(staff["marcus"](), changes=law))
    footer = {"enabled": True, "text": "Acme Corp GmbH · Lindenstraße 12 · 10969 Berlin"}
    past.then(past.ago(18.6), lambda: change_footer(staff["marcus"](), changes=footer))


def _programs(past: Past, staff: Staff) -> None:
    """A service user in each environment, whose password nobody noted, and some clients' accounts."""

    def program(name: str, environment: Environment) -> None:
        service_users.create(working_in(staff["marcus"](), environment), name=name)

    past.then(past.ago(10.4), lambda: program("shop-staging", Environment.STAGING))
    past.then(past.ago(9.9), lambda: program("shop", Environment.PROD))
    for number, (email, first_name, last_name) in enumerate(_CUSTOMERS):
        environment = Environment.STAGING if number == 0 else Environment.PROD
        _client(past, staff["priya"], 9 - number * 1.7, environment, (email, first_name, last_name))


def _client(
    past: Past,
    who: Callable[[], Actor],
    days: float,
    environment: Environment,
    named: tuple[str, str, str],
) -> None:
    email, first_name, last_name = named
    newcomer = Newcomer(
        external_id=ids.new_uid(),
        email=email,
        first_name=first_name,
        last_name=last_name,
        password=ids.new_token(),  # nobody has it: another can be set
    )
    past.then(past.ago(days), lambda: clients.create(working_in(who(), environment), newcomer=newcomer))
    if first_name == "Jonas":

        def disable() -> None:
            off = Change(status="disabled")
            clients.update(working_in(who(), environment), external_id=newcomer.external_id, change=off)

        past.then(past.ago(days - 2), disable)


def _setup(past: Past, staff: Staff) -> None:
    """What facts do not say of the setup; a good half of it is done."""
    said = ((25, "review_policies", TaskStatus.COMPLETED), (20.5, "first_entity", TaskStatus.SKIPPED))
    for days, code, status in said:
        _task(past, days, staff["jane"], code, status)


def _task(past: Past, days: float, who: Callable[[], Actor], code: str, status: TaskStatus) -> None:
    past.then(past.ago(days), lambda: update_task(who(), code=code, status=status))


def _incidents(past: Past, acme: Tenant, people: Mapping[str, User]) -> None:
    """A lost password, a stranger at the door, an intern who left, a key that came and went."""
    jane, marcus, tomas, lucy = (people[name] for name in ("jane", "marcus", "tomas", "lucy"))
    by_jane, by_marcus = in_trail(jane, acme, JANE.sign_ins[1]), in_trail(marcus, acme)
    gone = ("member", _membership(acme, lucy))
    past.tell(past.ago(13), by_marcus, AuditKind.MEMBER_DEACTIVATED, subject=gone)
    stranger = Actor(kind="anonymous", origin=_STRANGER)
    for hours in (0.0, 0.02):
        wrong = {"subject": ("user", tomas.id), "user_id": tomas.id, "changes": {"reason": "password"}}
        past.tell(past.ago(9.4, hours), stranger, AuditKind.USER_SIGN_IN_FAILED, **wrong)
    itself = {"subject": ("user", tomas.id), "user_id": tomas.id}
    past.tell(past.ago(9.2), in_trail(tomas, acme), AuditKind.USER_PASSWORD_RESET_REQUESTED, **itself)
    past.tell(past.ago(9.1), in_trail(tomas, acme), AuditKind.USER_PASSWORD_RESET, **itself)
    itself = {"subject": ("user", jane.id), "user_id": jane.id}
    past.tell(past.ago(6), by_jane, AuditKind.USER_PASSWORD_CHANGED, **itself)
    zone = {"timezone": jane.timezone}
    past.tell(past.ago(2), by_jane, AuditKind.USER_DETAILS_UPDATED, **itself, changes=zone)
    key = {"name": "Nightly export", "scopes": ["read"], "environment": "prod"}
    past.tell(past.ago(11), by_marcus, AuditKind.API_TOKEN_CREATED, subject=("session", None), changes=key)
    past.tell(past.ago(4), by_marcus, AuditKind.API_TOKEN_REVOKED, subject=("session", None), changes=key)
