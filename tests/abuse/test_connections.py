"""A refusal that comes before the body was looked at leaves the connection good for the next call."""

import socket
import time
from urllib.parse import urlsplit

from tests.support.live import LiveInstance

BODY = b'{"session_id": 1}'
HEAD = (
    "POST /services/platforms/v1/active-sessions/revoke HTTP/1.1\r\nHost: localhost\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


def answer(connection: socket.socket) -> bytes:
    """Read one answer: its head, and as much body as that says."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(4096)
        if not piece:
            return got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.lower().split(b"\r\n") if b"content-length" in line).split(b":")[1]
    )
    while len(body) < length:
        body += connection.recv(4096)
    return head


def test_a_refused_call_does_not_take_the_next_one_with_it(live_server: LiveInstance) -> None:
    where = urlsplit(live_server.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        for _ in range(5):
            connection.sendall(HEAD)
            time.sleep(0.05)  # the body comes in a packet of its own, later than the refusal could
            connection.sendall(BODY)
            assert answer(connection).startswith(b"HTTP/1.1 401"), "the server closed the connection"
