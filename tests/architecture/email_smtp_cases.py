"""What makes the endpoints of an organization's own mail server leave their rows in the trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network

from app.core.settings import current_settings, use_settings
from tests.architecture.audit_cases import act, leaves
from tests.support.world import World

SERVER = {"host": "127.0.0.1", "port": 2525, "security": "none", "timeoutSeconds": 1}


def owner(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


@contextmanager
def loopback() -> Iterator[None]:
    """Let an organization name a server on this machine, on which nobody need listen."""
    before = current_settings()
    use_settings(replace(before, outbound_networks=(ip_network("127.0.0.0/8"),)))
    try:
        yield
    finally:
        use_settings(before)


@leaves("api_v1.email_settings.smtp_put", "email_settings.smtp_updated")
def save_server(world: World) -> None:
    with loopback():
        act(world, "api_v1.email_settings.smtp_put", token=owner(world), json=SERVER)


@leaves("api_v1.email_settings.smtp_test", "email_settings.smtp_tested")
def try_server(world: World) -> None:
    with loopback():
        token = owner(world)
        world.done("api_v1.email_settings.smtp_put", token=token, json=SERVER)
        act(world, "api_v1.email_settings.smtp_test", token=token, json={})


@leaves("api_v1.email_settings.sender_put", "email_settings.sender_updated")
def change_sender(world: World) -> None:
    act(world, "api_v1.email_settings.sender_put", token=owner(world), json={"fromName": "World"})
