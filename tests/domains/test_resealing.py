"""After a change of SEALING_KEYS everything can be sealed anew, and the old key be taken away."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import access, clock, outbox, sealing
from app.core.db import db
from app.core.secrets import SealBroken, Sealed, seal, unseal
from app.core.settings import Keyring, current_settings, use_settings
from app.domains.accounts.models import User
from app.domains.audit import chain, digests, verifying
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.email import dkim_keys, promising, smtp_settings
from app.domains.email.rules_models import SenderDomain
from app.domains.email.settings_models import TenantMailServer
from app.domains.organizations import export_parts
from app.domains.organizations.models import TenantExport
from app.domains.settings import queries as settings
from app.domains.settings.models import SettingValue
from app.domains.storage import stores
from app.domains.storage.models import Provider, StoragePlace
from app.domains.tenants.models import Tenant
from app.domains.twofactor import factors
from app.domains.twofactor.models import Authenticator
from tests.support.world import World

SOURCES = Path(__file__).resolve().parents[2] / "app"
OLD, NEW = ("k1", bytes(range(32))), ("k2", bytes(range(32, 64)))
SECRET = "what nobody may read"

Reader = Callable[[], str]


@dataclass(frozen=True)
class Scene:
    """Somebody and their organization."""

    user_id: int
    tenant_id: int

    def authenticator(self, column: str) -> Reader:
        context = factors.seal_context(self.user_id)
        row = db.session.get(Authenticator, self.user_id) or Authenticator(user_id=self.user_id)
        setattr(row, column, seal(SECRET, context))
        db.session.add(row)
        return lambda: unseal(getattr(db.session.get_one(Authenticator, self.user_id), column), context)

    def domain(self, column: str) -> Reader:
        row = db.session.get(SenderDomain, self.tenant_id) or SenderDomain(tenant_id=self.tenant_id)
        setattr(row, column, dkim_keys.KeyPair("", SECRET).sealed(self.tenant_id))
        db.session.add(row)
        context = dkim_keys._context(self.tenant_id)
        return lambda: unseal(getattr(db.session.get_one(SenderDomain, self.tenant_id), column), context)

    def server(self) -> Reader:
        password = smtp_settings._sealed(SECRET, self.tenant_id)
        server = TenantMailServer(
            tenant_id=self.tenant_id, host="mail.example", port=587, security="starttls", password=password
        )
        db.session.add(server)
        db.session.flush()
        before = server.updated_at

        def read() -> str:
            row = db.session.get_one(TenantMailServer, self.tenant_id)
            assert row.updated_at == before, "nobody changed it"
            return smtp_settings.server_of(row).password or ""

        return read

    def storage(self) -> Reader:
        credentials = {"access_key_id": "A", "secret_access_key": SECRET}
        place = StoragePlace(
            tenant_id=self.tenant_id,
            environment="prod",
            provider=Provider.S3,
            bucket="theirs",
            region="eu-central-1",
            credentials=seal(json.dumps(credentials), stores.seal_context(self.tenant_id)),
        )
        db.session.add(place)

        def read() -> str:
            columns = [getattr(StoragePlace, name) for name in stores._COLUMNS]
            row = db.session.execute(
                sa.select(*columns).where(StoragePlace.tenant_id == self.tenant_id)
            ).one()
            return stores._opened(row).credentials["secret_access_key"]

        return read

    def export(self) -> Reader:
        export = TenantExport(tenant_id=self.tenant_id, folder="f", requested_at=clock.now())
        export_parts.begin(export, place_id=1, size=1)
        db.session.add(export)
        context = export_parts._context(export)
        made = unseal(export.parts_key or Sealed(""), context)

        def read() -> str:
            kept = db.session.scalars(sa.select(TenantExport.parts_key)).one()
            return SECRET if kept and unseal(kept, context) == made else "another"

        return read

    def setting(self) -> Reader:
        definition = settings.DEFINITIONS["smtp.password"]
        for tenant_id in (None, self.tenant_id):
            kept = seal(SECRET, settings.seal_context("smtp.password", tenant_id)).inside()
            row = SettingValue(tenant_id=tenant_id, key="smtp.password", environment="prod", value=kept)
            db.session.add(row)
        db.session.add(SettingValue(tenant_id=self.tenant_id, key="general.phone", value="k1.no secret"))

        def read() -> str:
            query = sa.select(SettingValue.key, SettingValue.tenant_id, SettingValue.value)
            rows = db.session.execute(query.where(SettingValue.key == "smtp.password")).all()
            (found,) = {settings.opened(definition, row) for row in rows}
            return str(found)

        return read

    def promise(self) -> Reader:
        sealed = seal(SECRET, promising.SEAL_CONTEXT).inside()
        row = outbox.promise("mail", {"to": "x@y.example", "sealed": sealed})
        db.session.flush()
        row_id = row.id

        def read() -> str:
            payload = db.session.get_one(outbox.OutboxRow, row_id).payload
            assert payload["to"] == "x@y.example"
            return unseal(Sealed(payload["sealed"]), promising.SEAL_CONTEXT)

        return read

    def trail(self) -> Reader:
        """Seal some rows of the trail; what they are checked with is kept by the command itself."""
        for _ in range(3):
            actor, subject = access.system("a test"), ("tenant", self.tenant_id)
            record(actor, AuditKind.SETTING_UPDATED, subject=subject, tenant_id=self.tenant_id)
            chain.seal_what_is_new()
            db.session.flush()

        def read() -> str:
            verdict = verifying.verify(access.system("cli"), tenant_key=self.tenant_id)
            assert verdict.checked, "nothing was sealed"
            return SECRET if verdict.is_whole else str(verdict.faults)

        return read


MADE: dict[str, Callable[[Scene], Reader]] = {
    "authenticators.secret": lambda scene: scene.authenticator("secret"),
    "authenticators.pending_secret": lambda scene: scene.authenticator("pending_secret"),
    "sender_domains.private_key": lambda scene: scene.domain("private_key"),
    "sender_domains.signs_key": lambda scene: scene.domain("signs_key"),
    "mail_servers.password": Scene.server,
    "storage_places.credentials": Scene.storage,
    "tenant_exports.parts_key": Scene.export,
    "setting_values.value": Scene.setting,
    "outbox.payload": Scene.promise,
    "audit_keys.derived": Scene.trail,
}
"""How something is sealed in each place, by what the product seals it with, and how the product reads it."""


@pytest.fixture
def scene(world: World, in_app: Flask) -> Scene:
    user = User(
        email="jane@sealed.example", email_key="jane@sealed.example", first_name="Jane", last_name="S"
    )
    tenant = Tenant(name="Sealed", slug="sealed")
    db.session.add_all([user, tenant])
    db.session.flush()
    return Scene(user.id, tenant.id)


@pytest.fixture
def keys() -> Iterator[Callable[..., None]]:
    """Give what puts sealing keys in force, the newest first."""
    real = current_settings()

    def use(*pairs: tuple[str, bytes]) -> None:
        db.session.commit()
        use_settings(replace(real, sealing_keys=Keyring(keys=dict(pairs))))
        db.session.info.pop(digests._KEPT, None)

    yield use
    use_settings(real)


def run(app: Flask) -> Any:
    return app.test_cli_runner().invoke(args=["secrets", "reseal"])


def test_every_place_of_secrets_is_known_and_tried_here() -> None:
    """A new sealed column is a place by its type; say above how something comes to be there."""
    assert {place.name for place in sealing.places()} == set(MADE)


def test_what_takes_a_sealed_text_out_of_its_wrapping_says_where_it_is_kept() -> None:
    """Only where it becomes a part of JSON; that column is a place by ``sealed_inside``."""
    taken = {p.relative_to(SOURCES).as_posix() for p in SOURCES.rglob("*.py") if ".inside()" in p.read_text()}
    promised = {"domains/email/promising.py", "domains/audit/person_data.py", "core/outbox_rows.py"}
    assert taken == promised | {"domains/settings/changing.py", "domains/settings/queries.py"}


def test_the_old_key_can_go_once_all_is_sealed_anew(
    scene: Scene, keys: Callable[..., None], in_app: Flask
) -> None:
    keys(OLD)
    readers = {name: make(scene) for name, make in MADE.items()}
    keys(NEW, OLD)
    told = run(in_app)
    assert told.exit_code == 0, told.output
    assert "All is sealed with k2." in told.output
    assert "needs k1 no more" in told.output
    assert all(name in told.output for name in set(MADE) - {"audit_keys.derived"})
    keys(NEW)
    assert {name: read() for name, read in readers.items()} == dict.fromkeys(MADE, SECRET)
    again = run(in_app)
    assert again.output == "All is sealed with k2.\n"


def test_what_the_trail_is_checked_with_goes_on_to_the_next_key(
    scene: Scene, keys: Callable[..., None], in_app: Flask
) -> None:
    keys(OLD)
    read = scene.trail()
    keys(NEW, OLD)
    assert run(in_app).exit_code == 0
    newer = ("k3", b"third" + bytes(range(27)))
    keys(newer, NEW)
    assert "audit_keys.derived" in run(in_app).output
    keys(newer)
    assert read() == SECRET


def test_stopped_in_the_middle_it_goes_on_and_a_stranger_is_named(
    scene: Scene, keys: Callable[..., None], in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys(OLD)
    read, domain = scene.authenticator("secret"), scene.domain("signs_key")
    keys(("lost", bytes(range(64, 96))))
    scene.domain("private_key")
    keys(NEW, OLD)
    monkeypatch.setattr(sealing, "BATCH", 1)
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "_write", _dies_at_second(sealing._write))
        assert isinstance(run(in_app).exception, KeyboardInterrupt | SystemExit)
    told = run(in_app)
    assert told.exit_code == 1
    assert f"sender_domains.private_key {scene.tenant_id}: the key lost does not open it" in told.output
    keys(NEW)
    assert (read(), domain()) == (SECRET, SECRET)


def _dies_at_second(write: Callable[..., None]) -> Callable[..., None]:
    done = []

    def dies(*args: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(args)
        write(*args)

    return dies


def test_a_sealed_text_goes_into_no_other_column(scene: Scene) -> None:
    user = db.session.get_one(User, scene.user_id)
    user.first_name = seal(SECRET, "x")  # type: ignore[assignment]
    with pytest.raises(sa.exc.SQLAlchemyError):
        db.session.flush()
    db.session.rollback()


def test_what_is_no_sealed_text_opens_with_nothing(in_app: Flask) -> None:
    for text in ("", "k1", "k1.", "k1.%%%", "k9.AAAA", "k1.ä"):
        with pytest.raises(SealBroken):
            unseal(Sealed(text), "x")
