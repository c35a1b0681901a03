"""An organization that mails one of its people, for tests of the rules of its mail."""

from typing import Any

import sqlalchemy as sa

from app.core import clock, mail
from app.core.db import db
from app.domains.email import mails
from app.surfaces.shared.transaction import transaction
from tests.support.world import BROWSER, World

JANE = "jane@world.example"
LINK = "http://localhost/organization/members?a=1&b=2"

ADDRESS = {
    "line1": "1 Main St",
    "city": "Springfield",
    "region": "IL",
    "postalCode": "62701",
    "country": "US",
}
"""Where it sits, as the law of commercial mail wants it told."""


class Office:
    """An organization that mails one of its people."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.jane = world.person(JANE)
        self.tenant_id = world.organization(self.jane)
        self.token = world.token("api_v1")
        world.keep_promises()
        world.sent.clear()

    def put(self, part: str, **body: Any) -> Any:
        return self.world.done(f"api_v1.email_settings.{part}_put", token=self.token, json=body)["data"]

    def write(self, to: str = JANE) -> None:
        """Promise an optional mail and keep the promise."""
        with self.world.app.app_context(), transaction():
            mails.seat_shortage(
                to,
                first_name="Jane",
                tenant_name="World Corp",
                tenant_id=self.tenant_id,
                used=24,
                total=25,
                link=LINK,
            )
        self.world.keep_promises()

    def write_what_must_be(self) -> None:
        """Promise a transactional mail of the organization and keep the promise."""
        with self.world.app.app_context(), transaction():
            mails.member_invitation(
                JANE,
                first_name="Jane",
                tenant_name="World Corp",
                tenant_id=self.tenant_id,
                inviter_name="Jane",
                role="Member",
                accept_url="http://localhost/accept-invitation?token=x",
                token="x",
                expires_at=clock.now(),
            )
        self.world.keep_promises()

    @property
    def last(self) -> mail.OutgoingMail:
        return self.world.sent[-1]

    def open(self, path: str, method: str = "GET", **headers: str) -> Any:
        client = self.world.app.test_client()
        return client.open(path, method=method, headers={"User-Agent": BROWSER, **headers})

    def rows(self, model: Any) -> list[Any]:
        with self.world.app.app_context():
            found = db.session.scalars(sa.select(model)).all()
            db.session.expunge_all()
            return list(found)
