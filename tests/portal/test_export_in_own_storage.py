"""The export of an organization that has a storage of its own: it lies there, and opens through us alone."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import jobs, object_stores
from app.core.db import db
from app.core.settings import current_settings
from app.core.storage import StoreFailed
from app.domains.organizations import export_parts, exports
from app.domains.organizations.holdings import parts
from app.domains.organizations.models import TenantExport, TenantExportPart
from app.domains.settings.models import SettingValue
from app.domains.storage.models import StoredFile
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.azure import CONTAINER, AzureStandIn, azure_stand_in
from tests.support.world import PASSWORD, World

PAGE = "/organization/closing"
OWNER = "jane@world.example"
DAY = 24 * 3600
SMALL = 300


@pytest.fixture
def azure(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureStandIn]:
    """Give the storage that the organization has named, and let parts be so small that there are some."""
    monkeypatch.setattr(export_parts, "PART_BYTES", SMALL)
    monkeypatch.setattr(exports, "parts", lambda: parts()[:1])
    world.organization(world.person(OWNER))
    with azure_stand_in() as standing:
        with world.app.app_context(), transaction():
            db.session.add(SettingValue(key="storage.allowed_endpoints", value=[standing.host]))
        named = {"azure_connection_string": standing.connection_string(), "container_name": CONTAINER}
        body = {"provider": "AZURE", **named}
        world.done("platform_api.storage.update", token=world.scoped_token(), json=body)
        world.keep_promises()
        yield standing


def visit(world: World) -> Visitor:
    owner = Visitor(world.app.test_client())
    assert owner.sign_in(OWNER, PASSWORD).status_code == 303
    return owner


def ask(world: World) -> Visitor:
    owner = visit(world)
    assert owner.send(f"{PAGE}/exports", on=PAGE).status_code == 303
    world.keep_promises()
    return owner


def rows(world: World, model: Any) -> list[Any]:
    with world.app.app_context():
        return list(db.session.scalars(sa.select(model).order_by(model.id)))


def download(owner: Visitor) -> Any:
    found = re.search(rf"{PAGE}/exports/[0-9a-f-]+/download", owner.get(PAGE).text)
    assert found, "there is none to download"
    return owner.send(found[0], on=PAGE)


def test_it_lies_in_their_storage_where_nobody_reads_it_and_opens_through_us(
    world: World, azure: AzureStandIn, move_clock: Callable[[int], None]
) -> None:
    owner = visit(world)
    assert owner.send("/account/privacy/exports", on="/account/privacy").status_code == 303
    world.keep_promises()
    assert azure.blobs == {}, "somebody's own copy is no business of an organization's storage"
    owner = ask(world)
    (export,) = rows(world, TenantExport)
    assert len(azure.blobs) == -(-export.size // SMALL) > 3
    assert all(name.startswith("portico/") and len(blob) <= SMALL + 28 for name, blob in azure.blobs.items())
    held = b"".join(azure.blobs.values())
    assert b"PK" not in held[:2]
    assert b"README.txt" not in held
    assert not (current_settings().instance / "files" / "exports" / export.folder).exists()
    answer = download(owner)
    assert (answer.status_code, answer.content_length) == (200, export.size)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert OWNER.encode() in archive.read("members.json")
    move_clock(8 * DAY)
    with world.app.app_context():
        keeping.run_job(jobs.JOBS["tenant_exports.prune"])
    (export,) = rows(world, TenantExport)
    assert (str(export.state), export.parts_key) == ("expired", None)
    world.keep_promises()
    assert azure.blobs == {}
    assert rows(world, StoredFile) == rows(world, TenantExportPart) == []


def test_a_storage_that_is_away_for_a_moment_costs_a_moment(
    world: World, azure: AzureStandIn, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that it did take, though it said nothing, is written again under the same name."""
    put, calls = object_stores.AzureStore.put, []

    def fails_twice(store: object_stores.AzureStore, key: str, content: bytes) -> None:
        calls.append(key)
        if len(calls) != 2:
            put(store, key, content)
        if len(calls) in (2, 3):
            raise StoreFailed("timeout")

    monkeypatch.setattr(object_stores.AzureStore, "put", fails_twice)
    owner = ask(world)
    for _ in range(3):
        move_clock(200)
        world.keep_promises()
    assert calls[1] == calls[2] == calls[3] != calls[4]
    (export,) = rows(world, TenantExport)
    assert len(azure.blobs) == -(-export.size // SMALL) == len(calls) - 2
    with zipfile.ZipFile(io.BytesIO(download(owner).data)) as archive:
        assert archive.testzip() is None


def test_a_storage_that_takes_nothing_leaves_nothing_and_is_named(
    world: World, azure: AzureStandIn, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = object_stores.AzureStore.put

    def takes_one(store: object_stores.AzureStore, key: str, content: bytes) -> None:
        if azure.blobs:
            raise StoreFailed("access_denied")
        put(store, key, content)

    monkeypatch.setattr(object_stores.AzureStore, "put", takes_one)
    ask(world)
    for _ in range(8):
        move_clock(7200)
        world.keep_promises()
    (export,) = rows(world, TenantExport)
    assert (str(export.state), export.why) == ("failed", "storage:unreachable")
    assert "The storage did not take it." in visit(world).get(PAGE).text
    assert azure.blobs == {}
    assert not (current_settings().instance / "files" / "exports" / export.folder).exists()


def test_what_was_done_to_a_part_is_found_out(world: World, azure: AzureStandIn) -> None:
    owner = ask(world)
    keys = [file.key for file in rows(world, StoredFile)]
    first, second = (next(name for name in azure.blobs if name.endswith(key)) for key in keys[:2])
    whole = dict(azure.blobs)
    for harm in ({first: whole[first][:-1] + b"\0"}, {first: b""}, {first: whole[second]}, None):
        azure.blobs |= {**whole, **(harm or {})}
        if harm is None:
            del azure.blobs[first]
        answer = download(owner)
        assert (answer.status_code, answer.location) == (303, PAGE)
        assert "The storage did not give the file." in owner.get(PAGE).text
