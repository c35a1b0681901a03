"""``python -m sandbox.commands "db upgrade" seed``: several flask commands for the price of one start."""

import sys

from flask.cli import FlaskGroup


def main() -> None:
    """Run each argument as a flask command; the application is loaded once."""
    for command in sys.argv[1:]:
        FlaskGroup().main(args=command.split(), prog_name="flask", standalone_mode=False)


if __name__ == "__main__":
    main()
