"""Closing an organization, keeping it, and what is left when it is gone; the export of all that is in it."""

import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import Base, db
from app.domains.audit.models import AuditEvent
from app.domains.billing.models import Invoice
from app.domains.organizations.holdings import HOLDINGS, KEPT_SETTING
from app.domains.organizations.models import TenantClosing
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.members import join
from tests.support.service import put
from tests.support.twins import Twin, twin
from tests.support.world import PASSWORD, World

PAGE = "/organization/closing"


def visit(world: World, who: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(who, PASSWORD).status_code == 303
    return visitor


@pytest.fixture
def acme(world: World) -> Twin:
    made = twin(world, "acme-corp")
    join(world, "ada@acme-corp.example", "admin", slug="acme-corp")
    world.keep_promises()
    world.sent.clear()
    return made


def asked(world: World, acme: Twin) -> Visitor:
    owner = visit(world, acme.owner)
    answer = owner.send(f"{PAGE}/close", {"name": "World Corp"}, on=PAGE)
    assert answer.status_code == 303, answer.text
    return owner


def put_platform(world: World, key: str, value: int) -> None:
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(key=key, value=value, environment=""))


def run(world: World, name: str) -> None:
    with world.app.app_context(), transaction():
        jobs.run(jobs.JOBS[name])
    world.keep_promises()


def move_due(world: World, by: timedelta) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(
            sa.update(TenantClosing).values(
                due_at=clock.now() + by, requested_at=clock.now() - timedelta(days=9)
            )
        )


def rows_left(world: World, tenant_id: int) -> dict[str, int]:
    with world.app.app_context():
        found = {}
        for table in Base.metadata.sorted_tables:
            if "tenant_id" in table.c:
                query = sa.select(sa.func.count()).where(table.c.tenant_id == tenant_id)
                found[table.name] = db.session.scalar(query) or 0
        return {name: number for name, number in found.items() if number}


def test_closing_is_asked_for_by_name_and_told_and_kept(world: World, acme: Twin) -> None:
    owner = visit(world, acme.owner)
    assert owner.send(f"{PAGE}/close", {"name": "Another"}, on=PAGE).status_code == 422
    put_platform(world, "tenants.deletion_days", 12)
    asked(world, acme)
    with world.app.app_context():
        closing = db.session.scalars(sa.select(TenantClosing)).one()
        assert closing.due_at - closing.requested_at == timedelta(days=12)
    world.keep_promises()
    told = [m.to for m in world.sent if "will be closed" in m.subject]
    assert told == [acme.owner, "ada@acme-corp.example"]
    assert "will be closed and erased" in visit(world, "sam@acme-corp.example").get("/dashboard").text
    assert owner.send(f"{PAGE}/close", {"name": "World Corp"}, on=PAGE).status_code == 409
    assert visit(world, "ada@acme-corp.example").send(f"{PAGE}/keep", on=PAGE).status_code == 403
    assert owner.send(f"{PAGE}/keep", on=PAGE).status_code == 303
    assert owner.send(f"{PAGE}/keep", on=PAGE).status_code == 409
    world.keep_promises()
    assert "stays" in world.sent[-1].subject
    move_due(world, -timedelta(days=1))
    run(world, "tenants.erase")
    assert rows_left(world, acme.tenant_id)["memberships"] == 3 + 1


def test_only_the_owner_closes(world: World, acme: Twin) -> None:
    admin = visit(world, "ada@acme-corp.example")
    assert admin.send(f"{PAGE}/close", {"name": "World Corp"}, on=PAGE).status_code == 403
    member = visit(world, "sam@acme-corp.example")
    assert member.get(PAGE).status_code == 403


def test_a_day_ahead_they_are_reminded_once(world: World, acme: Twin) -> None:
    asked(world, acme)
    move_due(world, timedelta(hours=20))
    for _ in range(2):
        run(world, "tenants.erase")
    assert [m.to for m in world.sent if "about to be closed" in m.subject] == [
        acme.owner,
        "ada@acme-corp.example",
    ]
    with world.app.app_context():
        assert db.session.get_one(Tenant, acme.tenant_id).erased_at is None


def test_when_the_time_has_come_nothing_of_it_is_left_but_what_has_to_be(world: World, acme: Twin) -> None:
    put(world, KEPT_SETTING, 90, slug="acme-corp")
    other = twin(world, "other-corp")
    before = rows_left(world, other.tenant_id)
    on_paper = {"name": "World Corp Ltd", "address": ["High Street 1"], "tax_id": None, "email": acme.owner}
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Invoice).values(customer=on_paper))
    asked(world, acme)
    move_due(world, -timedelta(seconds=1))
    run(world, "tenants.erase")
    for _ in range(30):
        world.keep_promises()
    kept = {name for name, holding in HOLDINGS.items() if holding.kept_because}
    left = rows_left(world, acme.tenant_id)
    assert set(left) <= kept | {"setting_values"}, left
    with world.app.app_context():
        tenant = db.session.get_one(Tenant, acme.tenant_id)
        assert (tenant.name, str(tenant.status)) == ("Closed organization", "archived")
        assert tenant.slug.startswith("closed-")
        assert tenant.billing_email is None
        customers = {one.tenant_id: one.customer for one in db.session.scalars(sa.select(Invoice))}
        assert customers[acme.tenant_id] == {**on_paper, "email": None}
        assert customers[other.tenant_id] == on_paper
        keys = db.session.scalars(
            sa.select(SettingValue.key).where(SettingValue.tenant_id == acme.tenant_id)
        ).all()
        assert list(keys) == [KEPT_SETTING]
        kinds = db.session.scalars(
            sa.select(AuditEvent.kind).where(AuditEvent.tenant_id == acme.tenant_id)
        ).all()
        assert [str(kind) for kind in kinds].count("tenant.erased") == 1
    told = [m.to for m in world.sent if "is closed" in m.subject]
    assert sorted(told) == sorted([acme.owner, "ada@acme-corp.example", "sam@acme-corp.example"])
    assert rows_left(world, other.tenant_id) == before
    assert visit(world, acme.owner).get("/organizations").status_code == 200


def test_h09_whoever_takes_the_short_name_next_finds_nothing(world: World, acme: Twin) -> None:
    asked(world, acme)
    owner = visit(world, world_person(world, "next@corp.example"))
    taken = owner.send("/organizations", {"name": "Acme", "slug": "acme-corp"}, on="/organizations")
    assert taken.status_code == 409
    move_due(world, -timedelta(seconds=1))
    run(world, "tenants.erase")
    for _ in range(30):
        world.keep_promises()
    made = owner.send("/organizations", {"name": "Acme", "slug": "acme-corp"}, on="/organizations")
    assert made.status_code == 303, made.text
    assert acme.service is not None
    for token in acme.tokens.values():
        headers = {"Authorization": f"Bearer {token}"}
        answer = world.app.test_client().get("/api/v1/users", headers=headers)
        assert answer.status_code in (401, 403)
    refused = acme.service.call("session.verify", json={"client_token": acme.ids["client_token"]})
    assert refused.status_code == 401
    people = owner.get("/organization/members").text
    assert "sam@acme-corp.example" not in people
    assert "TENANT" not in people


def world_person(world: World, email: str) -> str:
    world.person(email)
    return email


def test_the_export_holds_all_of_it_and_nothing_that_opens(world: World, acme: Twin) -> None:
    admin = visit(world, "ada@acme-corp.example")
    assert admin.send(f"{PAGE}/exports", on=PAGE).status_code == 303
    for _ in range(5):
        world.keep_promises()
    assert "is ready" in world.sent[-1].subject
    found = re.search(rf"{PAGE}/exports/([0-9a-f-]+)/download", admin.get(PAGE).text)
    assert found
    answer = admin.send(f"{PAGE}/exports/{found[1]}/download", on=PAGE)
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = archive.namelist()
        people = json.loads(archive.read("members.json"))
        texts = "".join(archive.read(name).decode() for name in names)
    assert {"members.csv", "clients.json", "settings.json", "activity.json", "README.txt"} <= set(names)
    assert acme.owner in {one["person"] for one in people}
    assert "argon2" not in texts
    assert acme.tokens["api_v1"] not in texts
    kinds = [str(row.kind) for row in world.trail()]
    assert kinds.count("tenant.export_requested") == kinds.count("tenant.export_downloaded") == 1
    stranger = visit(world, "sam@acme-corp.example")
    assert stranger.send(f"{PAGE}/exports/{found[1]}/download", on="/account").status_code == 403
