"""What a monitor sees of the outbox."""

import re

import pytest
from flask.testing import FlaskClient

from app.core import outbox, redis
from app.surfaces.shared.transaction import transaction

SHOWN = {"Authorization": "Bearer metrics-token-of-the-tests"}


def figure(client: FlaskClient, name: str) -> str:
    found = re.search(rf"^{name} (\S+)$", client.get("/metrics", headers=SHOWN).text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_a_monitor_sees_what_waits_and_what_was_given_up(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "ring", lambda: None)
    with client.application.app_context():
        with transaction():
            outbox.promise("nobody keeps this", {})
            outbox.promise("nor this", {})
        claimed = outbox.claim_next()
        assert claimed is not None
        with transaction():
            outbox.fail(claimed, outbox.Hopeless("no"))
    assert figure(client, "portico_outbox_waiting") == "1.0"
    assert figure(client, "portico_outbox_dead") == "1.0"
    assert float(figure(client, "portico_outbox_oldest_seconds")) >= 0


def test_the_other_figures_are_told_without_a_database(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("no database")

    monkeypatch.setattr(outbox, "backlog", away)
    assert figure(client, "portico_outbox_waiting") == "NaN"
    assert "portico_requests_total" in client.get("/metrics", headers=SHOWN).text
