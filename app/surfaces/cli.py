"""The command line."""

from flask import Flask


def mount(app: Flask) -> None:
    """Add the commands."""
