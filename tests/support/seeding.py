"""Putting things into a running instance by a program of its own: what no call makes, or not as fast."""

import json
import subprocess
import sys
from typing import Any

from tests.support.live import ROOT, LiveInstance

_BEGIN = """
import json
import wsgi
from tests.support.world import World
world = World(wsgi.app)
given = json.loads({given!r})
told = None
"""
_END = """
print("told:" + json.dumps(told))
"""


def seed(instance: LiveInstance, program: str, **given: Any) -> Any:
    """Run a program on an instance, with ``world`` and ``given``; return what it puts in ``told``."""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN.format(given=json.dumps(given)) + program + _END],
        cwd=ROOT,
        env=instance.full_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.rpartition("told:")[2])
