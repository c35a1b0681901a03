"""The contract's files, read once a process: reading them takes longer than most tests."""

import functools
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).parents[2] / "docs" / "contract"


@functools.cache
def document(name: str) -> Any:
    """Return what a file of the contract says; ``name`` is its path from there. It is not to be changed."""
    text = (CONTRACT / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)
