"""A client that keeps several connections busy and costs little itself: plain sockets, one thread."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Exchange:
    """One connection with one call under way."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0

    def send(self, call: bytes) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(call)

    def is_complete(self) -> bool:
        """Read what is there and say whether the answer is whole."""
        self.received += self.socket.recv(65536)
        head, parted, body = bytes(self.received).partition(b"\r\n\r\n")
        if not parted:
            return False
        lower = head.lower()
        at = lower.find(b"content-length:")
        return len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else True

    @property
    def status(self) -> int:
        return int(self.received[9:12])

    @property
    def body(self) -> bytes:
        return bytes(self.received).partition(b"\r\n\r\n")[2]


def call(method: str, url: str, *, body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    """Return the bytes of a call."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def connect(url: str) -> Exchange:
    """Open a connection to the server of an address."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Exchange(sock)


def rate(url: str, calls: Iterator[bytes], *, seconds: float, connections: int = 8) -> float:
    """Keep connections busy for a while and return the answers a second; each must be a 200."""
    selector = selectors.DefaultSelector()
    exchanges = [connect(url) for _ in range(connections)]
    try:
        for exchange in exchanges:
            selector.register(exchange.socket, selectors.EVENT_READ, exchange)
            exchange.send(next(calls))
        started = time.perf_counter()
        answers = 0
        while (passed := time.perf_counter() - started) < seconds:
            for key, _ in selector.select(timeout=5):
                exchange = key.data
                if exchange.is_complete():
                    if exchange.status != 200:
                        raise RuntimeError(f"{exchange.status}: {exchange.body[:500]!r}")
                    answers += 1
                    exchange.send(next(calls))
        return answers / passed
    finally:
        selector.close()
        for exchange in exchanges:
            exchange.socket.close()


def one(exchange: Exchange, request: bytes) -> tuple[float, int, bytes]:
    """Make one call on an open connection and return its seconds, status and body."""
    exchange.send(request)
    while not exchange.is_complete():
        pass
    return time.perf_counter() - exchange.sent_at, exchange.status, exchange.body
