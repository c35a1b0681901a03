"""Calls of the contract over HTTP, each by its id, and what they were answered, whatever the dialect."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.contract.endpoints import ENDPOINTS, METHODS
from tests.support.canaries import CANARIES

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


_NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)
"""Threads share it: a pool that closes what it has too many of does so under one of them now and then."""


@dataclass
class Caller:
    """One device that calls the product; it keeps no cookies and sends only what a call names."""

    url: str
    user_agent: str = BROWSER
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, limits=_NO_LIMITS))

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def call(
        self,
        endpoint_id: str,
        *,
        bearer: str | None = None,
        cookie: str | None = None,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """Make a call: its fields go into the path where it names them, else into query or body."""
        endpoint = ENDPOINTS[endpoint_id]
        sent = {"User-Agent": self.user_agent, **(headers or {})}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        if cookie is not None:
            sent["Cookie"] = f"session_id={cookie}"
        path = re.sub(r"\{(\w+)\}", lambda part: str(fields.pop(part[1])), endpoint.path)
        method = str(endpoint.entry["method"])
        assert method in METHODS
        answer = self._send(method, self.url + path, sent, "body" in endpoint.entry, fields)
        CANARIES.note(fields, _json_of(answer))
        CANARIES.note_cookie(answer.headers.get("Set-Cookie", ""))
        return answer

    def _send(
        self, method: str, address: str, headers: dict[str, str], has_body: bool, fields: dict[str, Any]
    ) -> httpx.Response:
        if method in ("GET", "DELETE"):
            return self.http.request(method, address, headers=headers, params=fields or None)
        body = {"json": fields} if fields or has_body else {}
        return self.http.request(method, address, headers=headers, **body)  # type: ignore[arg-type]

    def good(self, endpoint_id: str, **how: Any) -> Any:
        """Make a call that succeeds with its own status and return the body, None where there is none."""
        answer = self.call(endpoint_id, **how)
        entry = ENDPOINTS[endpoint_id].entry
        expected = {entry["returns"]["status"], *(other["status"] for other in entry.get("also", []))}
        assert answer.status_code in expected, (endpoint_id, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(self, endpoint_id: str, expected: str, **how: Any) -> httpx.Response:
        """Make a call that is refused as a flow says it: ``"401 auth:unauthenticated"``."""
        answer = self.call(endpoint_id, **how)
        found = f"{answer.status_code} {code_of(ENDPOINTS[endpoint_id].dialect, answer.json())}"
        assert found == expected, (endpoint_id, answer.text)
        return answer


def _json_of(answer: httpx.Response) -> Any:
    """Return what a good answer says; a refusal's ``code`` is no secret."""
    said_well = answer.is_success and answer.content and "json" in answer.headers.get("Content-Type", "")
    return answer.json() if said_well else None


def code_of(dialect: str, body: Any) -> str:
    """Return the error's word from the place where the dialect has it."""
    inner = body["error"] if dialect in ("api_v1", "client_v1") else body
    return str(inner["code"])


def at_once(times: int, call: Callable[[int], httpx.Response]) -> list[int]:
    """Make so many calls at the same time and return their statuses, the good ones first."""
    with ThreadPoolExecutor(times) as pool:
        return sorted(answer.status_code for answer in pool.map(call, range(times)))
