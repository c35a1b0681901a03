"""Runs flask commands that come as JSON lines, one application for all of them: a start takes a second."""

import contextlib
import io
import json
import sys
import traceback

import click
from flask.cli import FlaskGroup

from app.core.db import close_connections


def run(words: list[str]) -> tuple[int, str]:
    """Run one command; return its exit code and what it wrote."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            FlaskGroup().main(args=words, prog_name="flask", standalone_mode=False)
        except click.ClickException as error:
            error.show(out)
            return error.exit_code, out.getvalue()
        except click.exceptions.Exit as error:
            return error.exit_code, out.getvalue()
        except Exception:
            out.write(traceback.format_exc())
            return 1, out.getvalue()
    return 0, out.getvalue()


def let_go() -> None:
    """Close the connections: before the next command the server may have been restarted."""
    loaded = sys.modules.get("wsgi")
    if loaded is not None:
        with loaded.app.app_context():
            close_connections()


def main() -> None:
    """Answer each line with a line."""
    for line in sys.stdin:
        code, text = run(json.loads(line))
        let_go()
        sys.stdout.write(json.dumps([code, text]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
