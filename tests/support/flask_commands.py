"""Runs flask commands that come as JSON lines, one application for all of them: a start takes a second."""

import contextlib
import io
import json
import sys
import traceback

import click
from flask.cli import FlaskGroup


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


def main() -> None:
    """Answer each line with a line."""
    for line in sys.stdin:
        code, text = run(json.loads(line))
        sys.stdout.write(json.dumps([code, text]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
