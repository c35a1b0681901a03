"""HTTP itself: I08, O03, O04, O08, O10, O11."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from app.core.errors import DatabaseDown
from app.domains.accounts import queries as accounts
from app.domains.auth import credentials
from app.surfaces.shared.logs import Formatter, RequestFilter
from tests.abuse.ways import JANE, LOGINS, MES, knock
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once


# ---- I08

CLOSED = ["platform_api.tenant.info", *MES.values()]


def disguises(path: str) -> Iterator[str]:
    head, _, last = path.rpartition("/")
    yield from (
        path + "/",
        path + "//",
        "/" + path,
        path + ".json",
        path + ";x=1",
        path + "%00",
        path + "%20",
    )
    yield from (
        f"{head}//{last}",
        f"{head}/./{last}",
        f"{head}/x/../{last}",
        f"{head}%2f{last}",
        f"{head}/%2e/{last}",
    )
    yield from (
        f"{head}/{last.upper()}",
        path.upper(),
        f"{head}/{last}%0a",
        f"{head}\\{last}",
        f"{head}/;/{last}",
    )


@pytest.mark.parametrize("endpoint_id", CLOSED)
def test_i08_no_disguise_opens_a_closed_door(town: World, endpoint_id: str) -> None:
    path = ENDPOINTS[endpoint_id].path
    assert knock(town, path).status_code == 401
    for address in disguises(path):
        answer = knock(town, address, follow_redirects=False)
        assert answer.status_code in (400, 401, 404, 405), (address, answer.status_code)
    head = knock(town, path, method="HEAD")
    assert (head.status_code, head.get_data()) == (401, b"")


@pytest.mark.parametrize("endpoint_id", CLOSED)
def test_i08_no_header_or_field_makes_another_method(town: World, endpoint_id: str) -> None:
    path, token = ENDPOINTS[endpoint_id].path, town.token("api_v1")
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        sent = {header: "GET", "Authorization": f"Bearer {token}"}
        answer = knock(town, path, method="POST", headers=sent, json={"_method": "GET"})
        assert answer.status_code == 405
        sent[header] = "DELETE"
        assert knock(town, f"{path}?_method=DELETE", headers=sent).status_code == 200
    for method in ("TRACE", "CONNECT", "PROPFIND", "GETT", "get"):
        answer = knock(town, path, method=method, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200 if method == "get" else 405, 405), method
        assert "Bearer" not in answer.text


def test_i08_a_changing_call_is_not_made_by_get(town: World) -> None:
    for way in LOGINS.values():
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
            answer = knock(town, way.address, method=method, json=way.body())
            assert answer.status_code == 405, (way.id, method)
            assert "POST" in answer.headers["Allow"]


# ---- O03

ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:///evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "//localhost@evil.example",
    "https://localhost@evil.example",
    "/\r\nLocation: https://evil.example",
    "/\n/evil.example",
    "///evil.example",
    "/.//evil.example",
    "evil.example",
    "\u2028//evil.example",
    "//\uff0fevil.example",
]
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.mark.parametrize("address", ELSEWHERE)
def test_o03_a_sign_in_leads_nowhere_else(town: World, address: str) -> None:
    client = town.app.test_client()
    page = client.get("/sign-in", query_string={"next": address})
    found = _CSRF.search(page.text)
    assert found
    fields = {"csrf_token": found[1], "email": JANE, "password": PASSWORD, "next": address}
    for query in ({}, {"next": address}):
        answer = client.post("/sign-in", data=fields, query_string=query)
        assert answer.status_code == 303, answer.text[:300]
        going = answer.headers["Location"]
        assert going.startswith("/")
        assert not going.startswith(("//", "/\\"))
        assert re.fullmatch(r"[!-~]+", going)
        client.delete_cookie("session_id")
        found = _CSRF.search(client.get("/sign-in").text)
        assert found
        fields["csrf_token"] = found[1]


# ---- O04


def everywhere(world: World) -> list[str]:
    """Return the address of every route without a parameter, and some that are not there."""
    plain = {rule.rule for rule in world.app.url_map.iter_rules() if "<" not in rule.rule}
    return [
        *sorted(plain),
        "/nothing",
        "/platform/api/nothing",
        "/api/v1/nothing",
        "/v0/nothing",
        "/v1/nothing",
    ]


def test_o04_every_answer_is_protected(town: World) -> None:
    assert len(everywhere(town)) > 60
    for address in everywhere(town):
        for method in ("GET", "POST", "OPTIONS"):
            answer = knock(town, address, method=method)
            headers, policy = answer.headers, answer.headers["Content-Security-Policy"]
            assert answer.status_code < 500, (method, address, answer.text[:300])
            assert "unsafe-inline" not in policy
            assert "unsafe-eval" not in policy
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] in ("no-referrer", "same-origin", "strict-origin")
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "Access-Control-Allow-Origin" not in headers
            assert "Server" not in headers
            assert "X-Powered-By" not in headers


def test_o04_https_is_asked_for_where_there_is_https(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Strict-Transport-Security" not in knock(town, "/sign-in").headers
    monkeypatch.setattr("app.core.settings.Settings.https", property(lambda _: True))
    answer = knock(town, "/sign-in")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    line = LOGINS["v0"].call(town).headers["Set-Cookie"]
    assert "Secure" in line


# ---- O08

TELLING = re.compile(
    r"Traceback|File \"|/site-packages/|sqlalchemy|sqlite|psycopg|SELECT .+ FROM |INSERT INTO "
    r"|werkzeug|flask|\.py\b",
    re.IGNORECASE,
)


class Told(Exception):
    """What no caller may read."""


def broken(*_args: Any, **_kwargs: Any) -> None:
    raise Told("SELECT password_hash FROM users; /srv/portico/app/secret.py")


@pytest.mark.parametrize("dialect", MES)
def test_o08_a_failure_of_ours_tells_nothing(
    town: World, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "prove", broken)
    for module in ("sign_in", "tenant_sign_in"):
        monkeypatch.setattr(f"app.domains.auth.{module}.prove", broken)
    answer = LOGINS[dialect].call(town)
    assert answer.status_code == 500
    assert LOGINS[dialect].code(answer) == "internal"
    assert not TELLING.search(answer.text), answer.text
    assert answer.headers["X-Request-Id"]


def test_o08_a_page_that_fails_tells_nothing(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.domains.auth.sign_in.prove", broken)
    monkeypatch.setattr(accounts, "me", broken)
    client = town.app.test_client()
    found = _CSRF.search(client.get("/sign-in").text)
    assert found
    answer = client.post("/sign-in", data={"csrf_token": found[1], "email": JANE, "password": PASSWORD})
    assert answer.status_code == 500
    assert "password_hash" not in answer.text
    assert "Traceback" not in answer.text


def test_o08_a_dead_database_is_told_as_one(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: Any, **_kwargs: Any) -> None:
        raise DatabaseDown

    monkeypatch.setattr("app.domains.auth.sign_in.prove", down)
    answer = LOGINS["platform_api"].call(town)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert not TELLING.search(answer.text)


def test_o08_refusals_tell_nothing(town: World) -> None:
    for way in LOGINS.values():
        for method, more in (
            ("GET", {}),
            ("POST", {"data": b"{", "content_type": "application/json"}),
            ("POST", {"data": b"x", "content_type": "text/plain"}),
            ("POST", {"json": {"email": 1}}),
            ("POST", {"json": way.body(email="' OR 1=1 --")}),
            ("POST", {"data": b" " * (2 * 1024**2 + 1), "content_type": "application/json"}),
        ):
            answer = knock(town, way.address, method=method, **more)
            assert 400 <= answer.status_code < 500
            assert not TELLING.search(answer.text), answer.text


# ---- O10


@pytest.mark.parametrize(
    "address",
    [
        "/metrics",
        "/.git/config",
        "/.env",
        "/instance.env",
        "/instance/portico.db",
        "/console",
        "/debug",
        "/server-status",
        "/wsgi.py",
        "/static/../wsgi.py",
        "/static/..%2fwsgi.py",
        "/static/%2e%2e/wsgi.py",
        "/static//etc/passwd",
        "/static/",
        "/admin",
        "/phpinfo.php",
    ],
)
def test_o10_what_is_inside_is_not_shown(town: World, address: str) -> None:
    answer = knock(town, address)
    assert answer.status_code in (400, 404), (address, answer.status_code)
    assert "import" not in answer.text
    # The way back to this address, in another language, is on the page.
    shown = answer.text.replace(address, "").replace(unquote(address), "")
    assert not TELLING.search(shown), answer.text[:500]


def test_o10_figures_are_for_whoever_has_the_token(town: World) -> None:
    for header in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "x"},
    ):
        assert knock(town, "/metrics", headers=header).status_code == 404
    right = {"Authorization": "Bearer metrics-token-of-the-tests"}
    assert knock(town, "/metrics", headers=right).status_code == 200
    assert knock(town, "/metrics?token=metrics-token-of-the-tests").status_code == 404


def test_o10_documents_and_health_name_no_parts(town: World) -> None:
    for address in (
        "/docs",
        "/swagger.json",
        "/health-check",
        "/api/v1/health",
        "/openapi/platform_api.json",
    ):
        text = knock(town, address).text
        assert not re.search(r"sqlite:|postgresql:|redis:|unix:|127\.0\.0\.1|/tmp/|/home/|/usr/lib/", text), (
            address
        )


# ---- O11

BREAKERS = [
    'x\r\n{"levelname": "FORGED"}',
    "x\n\nFORGED line",
    "\x1b[31mred\x1b[0m",
    '"}, {"levelname": "FORGED", "x": "',
    "\\",
    "\u2028\u2029\x85FORGED",
    "a\tb\x0b\x0c",
    "x" * 20_000,
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Give what is written to the log, as it is written."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter("%(levelname)s %(name)s %(message)s %(request_id)s"))
    handler.addFilter(RequestFilter())
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.mark.parametrize("breaker", BREAKERS, ids=range(len(BREAKERS)))
def test_o11_nobody_writes_lines_into_the_log(town: World, lines: io.StringIO, breaker: str) -> None:
    way = LOGINS["platform_api"]
    environ = {
        "HTTP_USER_AGENT": breaker,
        "HTTP_X_REQUEST_ID": breaker,
        "HTTP_X_FORWARDED_FOR": breaker,
        "HTTP_REFERER": breaker,
        "REMOTE_ADDR": breaker,
    }
    environ = {name: value.encode().decode("latin1") for name, value in environ.items()}
    answer = knock(town, way.address, method="POST", json=way.body(email=breaker), environ=environ)
    assert answer.status_code in (401, 422)
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-Id"])
    written = lines.getvalue().splitlines()
    events = [json.loads(line) for line in lines.getvalue().split("\n") if line]
    assert len(events) == len(written)
    assert [event["message"] for event in events if event["name"] == "portico.access"] == ["request"]
    assert all(event["levelname"] != "FORGED" for event in events)
    assert "\x1b" not in lines.getvalue()
    assert all(len(line) < 4000 for line in written)


def test_o11_a_log_line_has_no_address_and_no_secret(town: World, lines: io.StringIO) -> None:
    token = town.token("platform_api")
    town.done("platform_api.auth.me", token=token)
    knock(town, "/reset-password?token=secret-of-a-link")
    knock(town, "/reset-password/secret-of-a-link")
    for word in (JANE, PASSWORD, token, "secret-of-a-link"):
        assert word not in lines.getvalue()
