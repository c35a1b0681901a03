"""A pytest plugin: how many statements each answer of the application took, written down as JSON.

The test suite calls every endpoint as it is meant to be called, so that nothing needs to be listed here.
"""

import json
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context, request
from sqlalchemy import event

FOLDER = "STATEMENT_COUNTS"
"""Variable of the environment: where each test process puts its file."""

_NOT_COUNTED = re.compile(r"SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|PRAGMA", re.IGNORECASE)
_counts: dict[str, list[int]] = defaultdict(list)


def pytest_configure() -> None:
    """Count from now on."""
    from app import App  # noqa: PLC0415 - after pytest has set the path

    event.listen(sa.Engine, "before_cursor_execute", _note)
    dispatch = App.full_dispatch_request

    def counted(self: App) -> Any:
        g.statements = 0
        answer = dispatch(self)
        if answer.status_code < 400 and request.url_rule is not None:
            _counts[f"{request.method} {request.url_rule.rule}"].append(g.statements)
        return answer

    App.full_dispatch_request = counted  # type: ignore[method-assign]


def _note(_connection: Any, _cursor: Any, sql: str, *_more: Any) -> None:
    if has_request_context() and "statements" in g and not _NOT_COUNTED.match(sql):
        g.statements += 1


def pytest_sessionfinish() -> None:
    """Write down what this process counted."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    (Path(os.environ[FOLDER]) / f"{name}.json").write_text(json.dumps(_counts))
