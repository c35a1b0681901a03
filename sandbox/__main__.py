"""``python -m sandbox``: start an instance of Portico with all it needs, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.instance import CannotStart, open_instance
from sandbox.processes import die_with_parent
from sandbox.supervisor import Supervisor


def main() -> int:
    """Run the supervisor and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--follow-parent", action="store_true", help="stop when the starting process is gone")
    if parser.parse_args().follow_parent:
        die_with_parent(signal.SIGTERM, os.getppid())
    environment = dict(os.environ)
    try:
        instance = open_instance(Path(environment.get("INSTANCE") or "instance"), environment)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        return asyncio.run(Supervisor(instance, environment).run())
    finally:
        instance.close()


if __name__ == "__main__":
    sys.exit(main())
