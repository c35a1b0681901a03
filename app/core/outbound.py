"""Whom we may connect to when somebody else names the host: public addresses, and what the operator allows.

A name is resolved once, each of its addresses is checked, and the connection is made to those very addresses,
the name kept for TLS: whatever the DNS says a moment later changes nothing. A refusal comes before any
connection, so it tells nobody what listens where.

A call to somewhere else takes seconds. In a request it belongs before the first statement of the session
(``before_the_transaction`` holds it): look up with ``core.db.read``, call, then write.
"""

import ipaddress
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

from app.core.db import db, serves_call
from app.core.errors import Unavailable
from app.core.settings import current_settings

Address = IPv4Address | IPv6Address

RESOLVE_SECONDS = 5.0
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NEVER = tuple(
    ip_network(network)
    for network in (
        "192.88.99.0/24",  # relays of 6to4, which lead anywhere (RFC 7526)
        "168.63.129.16/32",  # a cloud's own service, at an address that looks public
        "192.0.0.0/24",  # for protocols (RFC 6890); another cloud's own service among them
        "::/96",  # IPv4 in disguise, long given up (RFC 4291 section 2.5.5.1)
        "64:ff9b:1::/48",  # somebody's own translation (RFC 8215)
    )
)
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64 (RFC 6052)


class HostRefused(Exception):
    """This host or port must not be connected to."""


class HostUnknown(Exception):
    """The name leads nowhere, or the DNS did not answer in time."""


class BegunTooSoon(Exception):
    """The session has begun: others would wait for its lock as long as the other side takes."""


def checked_host(host: str) -> str:
    """Return a host as it is connected to: a name in ASCII, or an address.

    :raises HostRefused: if it is neither, or is an address that is refused
    """
    text = host.strip().removesuffix(".").lower()
    literal = _literal(text.removeprefix("[").removesuffix("]"))
    if literal is not None:
        _require(literal)
        return str(literal)
    try:
        name = text.encode("idna").decode() if not text.isascii() else text
    except UnicodeError as error:
        raise HostRefused(host) from error
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise HostRefused(host)  # what ends with digits is an address, and this is none
    return name


def checked_port(port: int, ports: Sequence[int] = ()) -> int:
    """Return a port if it is one of those that its protocol uses, or one that the operator allows.

    :raises HostRefused: if it is not
    """
    allowed = current_settings().outbound_ports
    if port in ports or (1 <= port <= 65535 and (allowed == "any" or port in allowed)):
        return port
    raise HostRefused(f"port {port}")


def checked_addresses(host: str, port: int, *, seconds: float = RESOLVE_SECONDS) -> tuple[str, ...]:
    """Resolve a host once and return its addresses, every one of which may be connected to.

    :raises HostRefused: if one of them may not
    :raises HostUnknown: if there are none, or not in time
    """
    found = _resolve(checked_host(host), port, seconds)
    for address in found:
        _require(ipaddress.ip_address(address.partition("%")[0]))
    return found


def connect(addresses: Sequence[str], port: int, *, seconds: float) -> socket.socket:
    """Connect to the first of some checked addresses that answers.

    :raises OSError: the last one's, if none does
    """
    end = time.monotonic() + seconds
    failure = OSError("no address")
    for address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            failure = error
    raise failure


@contextmanager
def cut_off(connection: socket.socket, *, seconds: float) -> Iterator[None]:
    """End a conversation that goes on for too long, also one that says a byte now and then.

    Whoever reads sees the connection closed.
    """
    # Of the plain socket: that of TLS would say goodbye first, and wait for the answer.
    timer = threading.Timer(seconds, _close, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _close(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass  # it was closed meanwhile


@contextmanager
def before_the_transaction(tenant_id: int | None) -> Iterator[None]:
    """Do something slow with the outside world in a request that has not begun to write.

    :raises BegunTooSoon: if its session has asked the database for something
    :raises Unavailable: if too many do already, as for ``turn``
    """
    if serves_call.get() and db.session.registry.has() and db.session().in_transaction():
        raise BegunTooSoon
    with turn(tenant_id):
        yield


_WAITING_AT_ONCE, _WAITING_OF_ONE = 6, 2
"""How many calls in this process, and of them of one organization, may wait for others' servers at a time."""
_waiting: Counter[int | None] = Counter()
_waiting_lock = threading.Lock()


@contextmanager
def turn(tenant_id: int | None) -> Iterator[None]:
    """Wait for a server that an organization named, in a call: a server that hangs must not hold all threads.

    :raises Unavailable: if too many wait already; nothing was done then
    """
    with _waiting_lock:
        if _waiting[tenant_id] >= _WAITING_OF_ONE or _waiting.total() >= _WAITING_AT_ONCE:
            raise Unavailable(retry_after=5)
        _waiting[tenant_id] += 1
    try:
        yield
    finally:
        with _waiting_lock:
            _waiting[tenant_id] -= 1
            if not _waiting[tenant_id]:
                del _waiting[tenant_id]


def _literal(text: str) -> Address | None:
    """Read an address in any form that resolvers take: 2130706433, 0x7f.1 and 0177.1 are 127.0.0.1."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if not text.isascii() or ":" in text:
        return None
    try:
        return IPv4Address(socket.inet_aton(text)) if text[:1].isdigit() and " " not in text else None
    except OSError:
        return None


def _resolve(host: str, port: int, seconds: float) -> tuple[str, ...]:
    found: list[str] = []

    def ask() -> None:
        try:
            for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                if str(place[0]) not in found:
                    found.append(str(place[0]))
        except (OSError, UnicodeError):
            pass

    # The system's resolver knows no limit of time; a thread that is late is left to itself.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if asking.is_alive() or not found:
        raise HostUnknown(host)
    return tuple(found)


def _require(address: Address) -> None:
    inner = _inside(address)
    if any(address in network or inner in network for network in current_settings().outbound_networks):
        return
    if not _is_public(address) or not _is_public(inner):
        raise HostRefused(str(address))


def _inside(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in _TRANSLATED):
        return True  # what is inside decides
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return not any(address in network for network in _NEVER)
