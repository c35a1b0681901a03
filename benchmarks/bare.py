"""The floor of the authenticated read: the same one SELECT, psycopg with its pool, and nothing else."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

_asked: dict[str, Any] = json.loads(Path(os.environ["BARE_QUERY"]).read_text())
_pool = ConnectionPool(
    os.environ["BARE_DATABASE"], min_size=16, max_size=16, kwargs={"autocommit": True}, open=False
)


def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer any request with the one row."""
    if _pool.closed:
        _pool.open(wait=True)
    with _pool.connection() as connection:
        row = connection.execute(_asked["sql"], _asked["parameters"]).fetchone()
    body = json.dumps({"success": True, "data": row}, default=str).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
