"""A browser without scripts on a running instance: pages, their forms, and the proof of origin in them."""

import re
from dataclasses import dataclass, field

import httpx

_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')


@dataclass
class PortalVisit:
    """One visit; it keeps cookies and goes where it is sent."""

    url: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=20, follow_redirects=True)

    def __enter__(self) -> "PortalVisit":
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def sign_in(self, email: str, password: str) -> None:
        """Sign in, and agree to whatever policies are asked for."""
        answer = self.send("/sign-in", {"email": email, "password": password}, on="/sign-in")
        if "/policies/accept" in str(answer.url):
            answer = self.http.post("/policies/accept", data=self._filled(answer.text))
        assert answer.status_code == 200, answer.text

    def send(self, path: str, fields: dict[str, str], *, on: str) -> httpx.Response:
        """Send a form to a path, with what stands hidden on the page ``on``."""
        page = self.http.get(on)
        assert page.status_code == 200, (on, page.status_code)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token
        return self.http.post(path, data={"csrf_token": token[1], **fields})

    @staticmethod
    def _filled(page: str) -> dict[str, str]:
        filled: dict[str, str] = {}
        for found in _INPUT.finditer(page):
            about = dict(_ATTRIBUTE.findall(found[0]))
            if about.get("type") == "hidden":
                filled[about["name"]] = about["value"]
            elif about.get("type") == "checkbox":
                filled[about["name"]] = about.get("value", "on")
        return filled
