"""Every kind of credential, and everything that should end it: dead at the next call, and nothing else is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.credentials import KINDS as PERSONAL_KINDS
from tests.abuse.credentials import Held, Kind
from tests.abuse.service_credentials import SERVICE_KINDS
from tests.abuse.ways import JANE, NEW_PASSWORD
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once

ADMIN = "root@platform.example"
OTHER_ADDRESS = "jane.poe@world.example"


KINDS = {**PERSONAL_KINDS, **SERVICE_KINDS}


@dataclass(frozen=True)
class Event:
    """Something that happens to Jane or to what she holds."""

    name: str
    happens: Callable[[World, Held], None]
    ends: Collection[str]
    """Kinds that it ends, by name; all others still open."""
    concerns: Collection[str] = frozenset(KINDS)
    """Kinds that it can happen to."""


def with_traits(*wanted: str) -> frozenset[str]:
    return frozenset(name for name, kind in KINDS.items() if kind.traits & set(wanted))


SESSIONS = with_traits("session")
"""Sign-ins of a person, whatever carries them; a security code is one's own session's."""
SIGN_INS = with_traits("session", "refresh")
MEMBERS = with_traits("tenant")
STEPS = with_traits("step")
ASKED = frozenset({"email_change_token"})
"""What was asked for in a session: whoever ends all of them ends what a stranger may have asked for."""
NAMED = frozenset({*SESSIONS, "api_token"})
PROVEN = frozenset(KINDS) - {"verification_link"}
"""Kinds of someone whose address is proven, as these events ask for."""
PERSONAL = frozenset(PERSONAL_KINDS)
ORGANIZATIONS = frozenset(SERVICE_KINDS)
"""The organization's own: they work as long as it does."""
EVERYTHING = frozenset(KINDS)


def change(world: World, *statements: sa.Update | sa.Delete | sa.Insert) -> None:
    with world.app.app_context(), transaction():
        for statement in statements:
            db.session.execute(statement)


def nothing(_world: World, _held: Held) -> None:
    """Let it be: the proof that the others are the reason."""


def sign_out_everywhere(world: World, _held: Held) -> None:
    world.done("services_v1.active_sessions.revoke_all", token=world.token("services_v1"), json={})


def sign_out_of_all_but_tokens(world: World, _held: Held) -> None:
    world.done("api_v1.auth.logout_all", token=world.token("api_v1"))


def name_its_session(world: World, held: Held) -> None:
    named = {"session_id": held.session_id}
    world.done("services_v1.active_sessions.revoke", token=world.token("services_v1"), json=named)


def revoke_the_token(world: World, held: Held) -> None:
    named = {"token_id": held.session_id}
    world.done("services_v1.api_tokens.revoke", token=world.token("services_v1"), json=named)


def change_the_password(world: World, _held: Held) -> None:
    new = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    world.done("v0.auth.change_password", token=world.token("v0"), json=new)


def reset_the_password(world: World, _held: Held) -> None:
    world.done("platform_api.auth.forgot_password", json={"email": JANE})
    new = {"token": world.mailed_token(), "new_password": NEW_PASSWORD}
    world.done("platform_api.auth.reset_password", json=new)


def change_the_address(world: World, _held: Held) -> None:
    token = world.token("services_v1")
    world.done("services_v1.user.update_email_sendtoken", token=token, json={"email": OTHER_ADDRESS})
    mailed = {"token": world.mailed_token()}
    world.done("services_v1.user.update_email_via_token", token=token, json=mailed)


def disable_the_account(world: World, _held: Held) -> None:
    change(world, sa.update(User).where(User.email == JANE).values(disabled_at=clock.now()))


def erase_the_account(world: World, _held: Held) -> None:
    change(world, sa.delete(User).where(User.email == JANE))


def end_the_membership(world: World, _held: Held) -> None:
    mine = sa.select(User.id).where(User.email == JANE)
    ended = {"status": MembershipStatus.INACTIVE}
    change(world, sa.update(Membership).where(Membership.user_id.in_(mine)).values(**ended))


def remove_the_membership(world: World, _held: Held) -> None:
    change(
        world,
        sa.delete(Membership).where(Membership.user_id.in_(sa.select(User.id).where(User.email == JANE))),
    )


def give_status(status: str) -> Callable[[World, Held], None]:
    def happens(world: World, _held: Held) -> None:
        tenant = world.done("platform_api.tenants.list", token=world.token("platform_api"))[0]["id"]
        world.person(ADMIN, admin=True)
        world.done(
            "platform_api.admin.set_tenant_status",
            token=world.token("platform_api", ADMIN),
            path={"tenant_id": tenant},
            json={"status": status, "reason": "Payment overdue"},
        )

    return happens


def put(key: str, value: object) -> Callable[[World, Held], None]:
    def happens(world: World, _held: Held) -> None:
        row = {"key": key, "value": value, "environment": "", "tenant_id": None, "locked": True}
        change(world, sa.insert(SettingValue).values(**row, updated_at=clock.now()))

    return happens


def half_a_year_passes(_world: World, _held: Held) -> None:
    clock.move(200 * 24 * 3600)


EVENTS = (
    Event("nothing", nothing, frozenset()),
    Event(
        "signing_out_everywhere", sign_out_everywhere, SIGN_INS | ASKED | {"login_token", "api_token"}, PROVEN
    ),
    Event("signing_out_of_all_but_tokens", sign_out_of_all_but_tokens, SIGN_INS | ASKED | {"login_token"}),
    Event("naming_its_session", name_its_session, NAMED, NAMED),
    Event("revoking_the_token", revoke_the_token, {"api_token"}, {"api_token"}),
    Event("another_password", change_the_password, SIGN_INS | STEPS | ASKED | {"reset_link"}),
    Event("a_password_reset", reset_the_password, SIGN_INS | STEPS | ASKED | {"reset_link"}),
    Event(
        "another_address",
        change_the_address,
        SIGN_INS | STEPS | ASKED | {"reset_link", "passkey_undo"},
        PROVEN,
    ),
    Event("a_disabled_account", disable_the_account, PERSONAL),
    Event("an_erased_account", erase_the_account, PERSONAL),
    Event("an_ended_membership", end_the_membership, MEMBERS),
    Event("a_removed_membership", remove_the_membership, MEMBERS),
    Event("a_suspended_organization", give_status("suspended"), MEMBERS | ORGANIZATIONS),
    Event("a_closed_organization", give_status("archived"), MEMBERS | ORGANIZATIONS),
    Event("a_second_factor_demanded", put("auth.mfa_enforced", True), MEMBERS),
    Event("no_tokens_here", put("data.api_tokens_enabled", False), {"api_token"}, {"api_token"}),
    Event("half_a_year", half_a_year_passes, EVERYTHING),
)
CASES = [
    pytest.param(KINDS[name], event, id=f"{name}-{event.name}")
    for event in EVENTS
    for name in KINDS
    if name in event.concerns
]


@pytest.mark.parametrize(("kind", "event"), CASES)
def test_e07_what_should_end_a_credential_ends_it_at_the_next_call(
    town: World, kind: Kind, event: Event, move_clock: Callable[[int], None]
) -> None:
    held = kind.make(town)
    event.happens(town, held)
    assert kind.opens(town, held) == (kind.name not in event.ends)


def test_no_kind_of_credential_is_left_out() -> None:
    """Everything with a hash of a token or a code is of a kind that is tried here, or says why not."""
    elsewhere = {
        "sign_ups": "opens nothing without its mailed code, which is tried in test_codes",
        "outbox": "a lease of a worker",
        "invitations": "opens a membership, once: tried in test_invitations",
        "recovery_batches": "opens nothing: it puts codes in force, in a session with a fresh proof",
        "recovery_codes": "nothing without a login token",
    }
    ours = {"sessions", "refresh_tokens", "login_tokens", "mailed_links", "mailed_codes"}
    hashed = {
        table.name
        for table in db.metadatas[None].tables.values()
        for column in table.columns
        if column.name in ("token_hash", "code_hash")
    }
    assert hashed <= ours | set(elsewhere)
