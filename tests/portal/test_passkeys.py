"""One's own passkeys: making, naming and removing them; and what is not taken for one."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.twofactor.passkey_models import Passkey
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor
from tests.portal.passkey_steps import REFUSED, added, new_options, sign_in
from tests.portal.test_step_up import answer
from tests.support.passkey import Device, raw
from tests.support.world import World

# ---- Making, naming, removing


def test_a_passkey_is_made_listed_and_told_of(signed_in: Visitor, world: World) -> None:
    added(signed_in, Device(backed_up=True))
    page = signed_in.get("/account/security").text
    assert "Laptop" in page
    assert "Kept on several devices" in page
    assert "Never used" in page
    world.keep_promises()
    assert [mail.subject for mail in world.sent if "passkey" in mail.subject] == ["A passkey was added"]
    assert str(world.trail()[-1].kind) == "passkey.added"


def test_one_begun_before_the_second_factor_was_on_waits_for_it(signed_in: Visitor, world: World) -> None:
    credential = Device().make(new_options(signed_in))
    with world.app.app_context():
        person = db.session.scalars(sa.select(User.id)).one()
    world.authenticator(person)  # in another browser
    refused = signed_in.send(
        "/account/passkeys", {"credential": credential, "name": "Thief"}, on="/account/security"
    )
    assert refused.status_code == 403
    assert "Thief" not in signed_in.get("/account/security").text


def test_the_options_say_what_we_need_and_nothing_of_the_person(signed_in: Visitor, jane: str) -> None:
    device = added(signed_in)
    options = new_options(signed_in)
    assert options["rp"]["id"] == "localhost"
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert [raw(known["id"]) for known in options["excludeCredentials"]] == [device.credential_id]
    handle = raw(options["user"]["id"])
    assert len(handle) == 32
    assert handle == device.handle
    assert jane.encode() not in handle


def test_a_passkey_without_a_name_is_called_after_the_browser(signed_in: Visitor) -> None:
    added(signed_in, name=" ")
    assert "None yet" not in signed_in.get("/account/security").text


def test_it_is_renamed_and_removed(signed_in: Visitor, other: Visitor, world: World) -> None:
    device = added(signed_in)
    found = re.search(r'href="(/account/passkeys/[0-9a-f-]{36})"', signed_in.get("/account/security").text)
    assert found
    assert 'value="Laptop"' in signed_in.get(found[1]).text
    assert signed_in.send(f"{found[1]}/rename", {"name": ""}, on=found[1]).status_code == 422
    signed_in.send(f"{found[1]}/rename", {"name": "Old <laptop>"}, on=found[1])
    assert "Old &lt;laptop&gt;" in signed_in.get("/account/security").text
    signed_in.send(f"{found[1]}/remove", on=found[1])
    assert "None yet" in signed_in.get("/account/security").text
    assert sign_in(other, device).status_code == 400
    kinds = [str(row.kind) for row in world.trail()]
    assert {"passkey.added", "passkey.renamed", "passkey.removed"} <= set(kinds)


def test_anothers_passkey_is_not_there(signed_in: Visitor, other: Visitor, world: World) -> None:
    added(signed_in)
    found = re.search(r'href="(/account/passkeys/[0-9a-f-]{36})"', signed_in.get("/account/security").text)
    assert found
    world.person("charlie@world.example")
    other.sign_in("charlie@world.example", "correct horse battery 7")
    assert other.get(found[1]).status_code == 404
    for path in (f"{found[1]}/rename", f"{found[1]}/remove"):
        assert other.send(path, {"name": "Mine"}, on="/account/security").status_code == 404
    assert "Laptop" in signed_in.get("/account/security").text


def test_twenty_are_enough(signed_in: Visitor, world: World, jane: str) -> None:
    device = added(signed_in)
    with world.app.app_context(), transaction():
        user_id = db.session.scalars(sa.select(User.id).where(User.email == jane)).one()
        for number in range(19):
            db.session.add(
                Passkey(
                    user_id=user_id,
                    user_handle=device.handle,
                    credential_id=bytes([number] * 16),
                    public_key=b"x",
                    sign_count=0,
                    name=f"Key {number}",
                    transports=[],
                    backed_up=False,
                )
            )
    refused = signed_in.send("/account/passkeys/new", on="/account/security")
    assert refused.status_code == 409
    assert "You have as many passkeys as one person can have." in refused.text


def test_making_one_asks_for_a_fresh_proof(signed_in: Visitor, move_clock: Callable[[int], None]) -> None:
    move_clock(16 * 60)
    question = signed_in.send("/account/passkeys/new", on="/account/security")
    assert question.status_code == 403
    assert "data-passkey-new" in answer(signed_in, question, step_up_password=PASSWORD).text


def test_who_has_not_proven_the_address_makes_none(signed_in: Visitor, world: World, jane: str) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).where(User.email == jane).values(email_verified_at=None))
    assert signed_in.send("/account/passkeys/new", on="/account/security").status_code == 403


def test_a_new_passkey_counts_only_in_the_session_that_asked(
    signed_in: Visitor, other: Visitor, jane: str
) -> None:
    credential = Device().make(new_options(signed_in))
    other.sign_in(jane)
    stolen = other.send("/account/passkeys", {"credential": credential}, on="/account/security")
    assert (stolen.status_code, REFUSED in stolen.text) == (400, True)


@pytest.mark.parametrize(
    "device",
    [
        Device(origin="https://evil.example"),
        Device(origin="http://localhost.evil.example"),
        Device(party="evil.example"),
        Device(verifies=False),
    ],
    ids=["origin", "origin-suffix", "party", "unverified"],
)
def test_a_new_passkey_of_elsewhere_is_refused(signed_in: Visitor, device: Device) -> None:
    credential = device.make(new_options(signed_in))
    refused = signed_in.send("/account/passkeys", {"credential": credential}, on="/account/security")
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "credential",
    ["", "{}", "[]", "null", '{"id": 1}', "{" * 5000, "x" * 30_000, '{"response": {"clientDataJSON": "AA"}}'],
)
def test_nonsense_is_refused(signed_in: Visitor, credential: str, other: Visitor) -> None:
    refused = signed_in.send("/account/passkeys", {"credential": credential}, on="/account/security")
    assert refused.status_code == 400
    assert other.send("/sign-in/passkey", {"credential": credential}).status_code == 400
