"""Opens client_v1: its addresses answer in its own words."""

from flask import Flask

from app.domains.clients import models as _models  # noqa: F401 - tables of sessions refer to its tables
from app.surfaces.client_v1.dialect import DIALECT

__all__ = ["DIALECT", "mount"]


def mount(app: Flask) -> None:
    """Open the way in; no endpoint of this document is there yet."""
