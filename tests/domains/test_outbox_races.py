"""Many who claim promises at once, on connections of their own."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import outbox, redis
from app.core.db import db
from app.core.outbox import OutboxRow
from app.surfaces.shared.transaction import transaction


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)


@pytest.fixture
def real_rows(app: Flask) -> Iterator[Flask]:
    """Let several connections see the rows; they are taken away by hand."""
    yield app
    with app.app_context(), transaction():
        db.session.execute(sa.delete(OutboxRow))


def test_many_claimers_never_hold_the_same_row(real_rows: Flask) -> None:
    with real_rows.app_context(), transaction():
        for _ in range(40):
            outbox.promise("thing", {})
    held: list[int] = []

    def claim_all() -> None:
        with real_rows.app_context():
            while True:
                with transaction():
                    claimed = outbox.claim_next()
                if claimed is None:
                    return
                held.append(claimed.id)

    threads = [threading.Thread(target=claim_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(held) == 40
    assert len(set(held)) == 40
