"""Whom we may connect to: no disguise of a private address passes, and a name is resolved once."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from app.core import outbound
from app.core.outbound import HostRefused, HostUnknown
from app.core.settings import Settings, use_settings

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> Iterator[None]:
    use_settings(settings)
    yield
    use_settings(settings)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Return what the DNS says, to be filled; each look-up takes one answer of a list, the last for ever."""
    known: dict[str, list[str]] = {}

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror
        answer = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [(0, 0, 0, "", (address, port)) for address in answer.split()]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.1",
        "192.0.0.192",
        "3221225664",
        "::ffff:192.0.0.192",
        "64:ff9b::192.0.0.192",
        "198.18.0.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "::1",
        "::",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:0a00:0001::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "127.0.0.1.",
        "1.2.3.4.5",
        "",
        ".",
        " ",
        "a b",
        "a/b",
        "a:25",
        "user@host",
        "a\r\nb",
        "a\0b",
        "-a.example",
        "a..b",
        "x" * 64 + ".example",
        "a." * 130 + "example",
        "\u2460\u2461\u2466.0.0.1",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
def test_l01_no_form_of_a_private_address_and_nothing_that_is_no_host_passes(host: str) -> None:
    with pytest.raises(HostRefused):
        outbound.checked_addresses(host, 25)


@pytest.mark.parametrize(
    ("host", "address"),
    [("8.8.8.8", "8.8.8.8"), ("[2606:4700::1111]", "2606:4700::1111"), ("134744072", "8.8.8.8")],
)
def test_public_addresses_pass(host: str, address: str) -> None:
    assert outbound.checked_addresses(host, 25) == (address,)


@pytest.mark.parametrize("bad", ["127.0.0.1", "8.8.8.8 10.0.0.1", "::1", "8.8.8.8 ::ffff:169.254.169.254"])
def test_l01_a_name_passes_only_if_each_of_its_addresses_does(names: dict[str, list[str]], bad: str) -> None:
    names["mail.evil.example"] = [bad]
    with pytest.raises(HostRefused):
        outbound.checked_addresses("mail.evil.example", 25)


def test_l01_localhost_with_a_dot_is_localhost() -> None:
    with pytest.raises(HostRefused):
        outbound.checked_addresses("localhost.", 25)


def test_l02_a_name_is_resolved_once_and_connected_to_as_it_was_checked(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names["mail.evil.example"] = ["8.8.8.8", "127.0.0.1"]
    addresses = outbound.checked_addresses("mail.evil.example", 25)
    assert addresses == ("8.8.8.8",)
    tried: list[Any] = []

    def refuse(place: Any, **_: Any) -> None:
        tried.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(ConnectionRefusedError):
        outbound.connect(addresses, 25, seconds=1)
    assert tried == [("8.8.8.8", 25)]


def test_a_name_that_leads_nowhere_is_unknown(names: dict[str, list[str]]) -> None:
    with pytest.raises(HostUnknown):
        outbound.checked_addresses("nowhere.example", 25)


@pytest.mark.parametrize("port", [0, -1, 22, 80, 6379, 65536])
def test_ports_of_other_protocols_are_refused(port: int) -> None:
    with pytest.raises(HostRefused):
        outbound.checked_port(port, [25, 587])
    assert outbound.checked_port(587, [25, 587]) == 587


def test_the_operator_may_allow_networks_and_ports(settings: Settings) -> None:
    allowed = replace(
        settings, outbound_networks=(ip_network("127.0.0.0/8"),), outbound_ports=frozenset({1025})
    )
    use_settings(allowed)
    assert outbound.checked_addresses("127.0.0.1", 25) == ("127.0.0.1",)
    assert outbound.checked_addresses("::ffff:127.0.0.1", 25)
    assert outbound.checked_port(1025) == 1025
    with pytest.raises(HostRefused):
        outbound.checked_addresses("10.0.0.1", 25)
    with pytest.raises(HostRefused):
        outbound.checked_port(1026)
