"""What organizations name and we wait for: a server that hangs holds few threads, and of nobody else's."""

from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from app.core.errors import Unavailable
from app.core.outbound import turn
from tests.support.world import World

WAITS: dict[str, tuple[str, dict[str, Any]]] = {
    "a host is looked up": (
        "api_v1.email_settings.smtp_put",
        {"host": "mail.acme.example", "port": 587, "security": "starttls"},
    ),
    "a domain is looked up": ("api_v1.email_settings.deliverability_put", {"domain": "acme.com"}),
    "a storage is tried": (
        "platform_api.storage.update",
        {
            "provider": "AZURE",
            "azure_connection_string": "AccountName=acme;AccountKey=YQ==",
            "container_name": "abc",
        },
    ),
}


def test_few_wait_at_once_and_fewer_of_one_organization(in_app: Flask) -> None:
    with ExitStack() as held:
        for tenant_id in (1, 1, 2, 2):
            held.enter_context(turn(tenant_id))
        with pytest.raises(Unavailable):
            held.enter_context(turn(1))
        held.enter_context(turn(3))
        held.enter_context(turn(4))
        with pytest.raises(Unavailable):
            held.enter_context(turn(5))
    for tenant_id in (1, 2, 3, 4, 5):
        with turn(tenant_id):
            pass


@pytest.mark.parametrize("what", WAITS)
def test_whoever_waits_twice_already_is_asked_to_come_again(world: World, what: str) -> None:
    tenant_id = world.organization(world.person())
    endpoint_id, body = WAITS[what]
    token = world.token("api_v1") if endpoint_id.startswith("api_v1") else world.scoped_token()
    with turn(tenant_id), turn(tenant_id):
        answer = world.call(endpoint_id, token=token, json=body)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0


def test_a_test_of_a_mail_server_waits_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant_id = world.organization(world.person())
    token = world.token("api_v1")
    named = {"host": "192.0.2.1", "port": 587, "security": "starttls"}
    monkeypatch.setattr("app.core.outbound._require", lambda address: None)
    world.done("api_v1.email_settings.smtp_put", token=token, json=named)
    with turn(tenant_id), turn(tenant_id):
        answer = world.call("api_v1.email_settings.smtp_test", token=token, json={})
    assert answer.status_code == 503, answer.text
