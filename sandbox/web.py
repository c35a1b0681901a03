"""The web server's process: granian with one worker that cannot outlive it."""

import os
import signal
import sys

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from sandbox.processes import die_with_parent


def main(port: int, target: str = "wsgi:app") -> None:
    """Serve the application on a loopback port; another target only to be measured beside it."""
    parent = os.getpid()
    os.register_at_fork(after_in_child=lambda: die_with_parent(signal.SIGKILL, parent))
    Server(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=16,
        backpressure=128,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        websockets=False,
        log_access=False,  # the application writes a line for each answer, without what a path may hold
        workers_kill_timeout=5,
        respawn_failed_workers=True,
        respawn_interval=0.2,
    ).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
