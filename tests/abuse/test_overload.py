"""Work that could not be done for want of room: it is nobody's failure."""

from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from app.core.buckets import PROOF_FAILURES, SIGN_IN_FAILURES
from app.core.db import db
from app.core.errors import Unavailable
from app.core.limits import RateCounter
from app.domains.accounts import passwords
from tests.abuse.ways import CHANGES, JANE, LOGINS, Way
from tests.support.world import World


def busy(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise Unavailable(retry_after=5)


def failures(world: World) -> int:
    with world.app.app_context():
        of_failures = RateCounter.bucket.in_([SIGN_IN_FAILURES.name, PROOF_FAILURES.name])
        return sum(len(hits) for hits in db.session.scalars(sa.select(RateCounter.hits).where(of_failures)))


@pytest.mark.parametrize("way", LOGINS.values(), ids=LOGINS)
def test_a_password_that_nobody_looked_at_is_no_failed_sign_in(
    town: World, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify", busy)
    for _ in range(12):
        assert way.call(town, email=JANE).status_code == 503
    assert failures(town) == 0
    monkeypatch.undo()
    assert way.call(town, email=JANE).status_code < 300


def test_nor_is_a_present_password_nobody_looked_at(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token, way = town.token("platform_api"), CHANGES["platform_api"]
    monkeypatch.setattr(passwords, "verify", busy)
    for _ in range(6):
        assert town.call(way.id, token=token, json=way.body()).status_code == 503
    assert failures(town) == 0
