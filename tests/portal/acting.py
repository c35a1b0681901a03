"""Support that acts in somebody's name: the admin, the person, and a browser for each."""

from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.platform.models import SupportAccess
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

ROOT, JANE = "root@world.example", "jane@world.example"
PAGE = "/account/support-access"


@dataclass
class Two:
    """An admin of the platform and Jane, each in a browser of their own."""

    world: World
    root: Visitor
    jane: Visitor
    page: str
    """Jane's page in the console."""

    def ask(self) -> int:
        reason = {"reason": "You wrote that your invoices look odd"}
        return self.root.send(f"{self.page}/support", reason, on=self.page).status_code

    def access(self) -> str:
        with self.world.app.app_context():
            newest = sa.select(SupportAccess.uid).order_by(SupportAccess.id.desc()).limit(1)
            return str(db.session.scalars(newest).one())

    def grant(self, minutes: str = "15") -> int:
        return self.jane.send(f"{PAGE}/{self.access()}/grant", {"minutes": minutes}, on=PAGE).status_code

    def stop(self) -> int:
        return self.jane.send(f"{PAGE}/{self.access()}/stop", on=PAGE).status_code

    def start(self, visitor: Visitor | None = None) -> int:
        by = visitor or self.root
        return by.send(f"{self.page}/support/{self.access()}/start", on=self.page).status_code

    def acts(self) -> bool:
        """Say whether the admin's browser is Jane's portal now."""
        return "You act in the name of Jane Doe" in self.root.get("/dashboard").text


def signed_in(world: World, email: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


@pytest.fixture
def two(world: World) -> Two:
    world.person(ROOT, admin=True)
    person = world.person(JANE)
    world.organization(person)
    with world.app.app_context():
        page = f"/platform/people/{db.session.get_one(User, person).uid}"
    return Two(world, signed_in(world, ROOT), signed_in(world, JANE), page)


@pytest.fixture
def acting(two: Two) -> Two:
    """Give both while the admin acts as Jane."""
    assert [two.ask(), two.grant(), two.start()] == [303, 303, 303]
    assert two.acts()
    return two


def changed(world: World, email: str, **values: object) -> None:
    with world.app.app_context(), transaction():
        user = db.session.scalars(sa.select(User).where(User.email == email)).one()
        for name, value in values.items():
            setattr(user, name, value)
