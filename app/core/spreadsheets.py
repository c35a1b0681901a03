"""Cells that no spreadsheet takes for a formula, whoever wrote what is in them (OWASP, CSV injection)."""

import json
from typing import Any

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with; some programs take the full-width forms for the plain ones."""


def harmless(value: Any) -> Any:
    """Return a value for a cell: what would be a formula is a text."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULAS):
        return f"'{value}"
    return value
