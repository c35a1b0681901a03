"""Browsers of other sites, odd parameters, sockets that lie: O01, O02, O06, O07, O12, O13."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.abuse.ways import JANE, knock
from tests.contract.endpoints import ENDPOINTS
from tests.support.live import LiveInstance
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.once


OURS = "http://localhost"
EVIL = (
    "null",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://sub.localhost",
    "https://localhost",
)


def cookie(town: World) -> str:
    answer = town.call("v0.auth.login", json={"email": JANE, "password": PASSWORD})
    return "session_id=" + answer.headers["Set-Cookie"].partition("session_id=")[2].partition(";")[0]


# ---- O01, O02


@pytest.mark.parametrize("address", ["/v0/user/me", "/services/platforms/v1/user/update-details"])
@pytest.mark.parametrize("origin", EVIL)
def test_o01_another_site_changes_nothing_with_our_cookie(town: World, address: str, origin: str) -> None:
    method, held = ("PATCH" if address.startswith("/v0") else "POST"), cookie(town)
    sent = {"Cookie": held, "Origin": origin}
    body = {"bio": "Builds bridges."} if method == "PATCH" else {"first_name": "Mallory"}
    assert knock(town, address, method=method, headers=sent, json=body).status_code == 403
    assert town.call("v0.users.me", token=town.token("v0")).get_json()["bio"] is None


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "TEXT/PLAIN"],
)
def test_o01_a_form_of_another_site_is_no_json(town: World, kind: str) -> None:
    sent = {"Cookie": cookie(town), "Origin": OURS, "Content-Type": kind}
    answer = knock(
        town, "/v0/user/me", method="PATCH", headers=sent, data=json.dumps({"bio": "Builds bridges."})
    )
    assert answer.status_code == 415


def test_o01_a_media_type_in_capitals_is_json_all_the_same(town: World) -> None:
    sent = {"Cookie": cookie(town), "Origin": OURS, "Content-Type": "APPLICATION/JSON"}
    answer = knock(town, "/v0/user/me", method="PATCH", headers=sent, data='{"bio": "Builds bridges."}')
    assert answer.status_code == 200


@pytest.mark.parametrize("origin", [*EVIL, OURS])
@pytest.mark.parametrize(
    "address", ["/v0/user/me", "/api/v1/auth/me", "/v1/login", "/sign-in", "/health-check"]
)
def test_o02_no_other_site_reads_an_answer(town: World, address: str, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        sent = {"Origin": origin, "Cookie": cookie(town), "Access-Control-Request-Method": "POST"}
        answer = knock(town, address, method=method, headers=sent)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-allow")]


# ---- O06, O12


LISTS = tuple(
    endpoint.id
    for endpoint in ENDPOINTS.values()
    if endpoint.id
    in ("services_v1.active_sessions.list", "services_v1.api_tokens.list", "platform_api.admin.list_tenants")
)
ODD_PAGES = (
    "page=-1",
    "page=0",
    "page=1e9",
    "page=99999999999999999999",
    "per_page=-1",
    "per_page=1000000000",
    "limit=1000000000",
    "offset=1000000000000000000",
    "sort=id;drop table users",
    "order=desc,(select 1)",
    "page[]=1",
    "per_page=NaN",
)


@pytest.mark.parametrize("query", ODD_PAGES)
@pytest.mark.parametrize("endpoint", LISTS)
def test_o06_no_page_is_too_odd_or_too_large(town: World, endpoint: str, query: str) -> None:
    town.person("root@world.example", admin=True)
    who = "root@world.example" if ".admin." in endpoint else JANE
    sent = {"Authorization": f"Bearer {town.token('platform_api', who)}"}
    answer = knock(town, f"{ENDPOINTS[endpoint].path}?{query}", headers=sent)
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        body = answer.get_json()
        assert len(body["data"] if "data" in body else body["items"]) <= 100


def test_o12_of_two_values_of_one_parameter_the_first_counts(town: World) -> None:
    sent = {"Authorization": f"Bearer {town.token('platform_api')}"}
    for query in ("per_page=1&per_page=50", "per_page=1&per_page=x"):
        body = knock(town, f"/services/platforms/v1/active-sessions/list?{query}", headers=sent).get_json()
        assert body["meta"]["per_page"] == 1


def test_o12_what_belongs_into_the_body_is_not_taken_from_the_address(town: World) -> None:
    answer = knock(town, f"/v0/auth/login?email={JANE}&password=x", method="POST", json={})
    assert answer.status_code == 400
    answer = knock(
        town,
        "/v0/auth/login?password=wrong",
        method="POST",
        json={"email": JANE, "password": PASSWORD, "session_mode": "token"},
    )
    assert answer.status_code == 200


def test_o12_a_field_named_twice_is_refused(town: World) -> None:
    raw = f'{{"email": "nobody@world.example", "email": "{JANE}", "password": "{PASSWORD}"}}'
    sent = {"Content-Type": "application/json"}
    assert knock(town, "/v0/auth/login", method="POST", headers=sent, data=raw).status_code == 400


# ---- O13


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,<b>", "//evil.example/x.png", "https://a@evil.example/x"],
)
def test_o13_no_link_of_a_person_leads_into_a_script(town: World, address: str) -> None:
    token = town.token("services_v1")
    answer = town.call("services_v1.user.update_details", token=token, json={"avatar_url": address})
    assert answer.status_code == 422
    answer = town.call("api_v1.auth.me_profile_update", token=town.token("api_v1"), json={"avatar": address})
    assert answer.status_code in (400, 415)


# ---- O07


BODY = json.dumps({"email": JANE, "password": "wrong"})
HIDDEN = "GET /v0/user/me HTTP/1.1\r\nHost: x\r\n\r\n"
LIES = {
    "length_and_chunks": (
        f"Content-Length: {len(BODY)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    ),
    "two_lengths": f"Content-Length: {len(BODY)}\r\nContent-Length: 0\r\n\r\n{BODY}",
    "a_length_that_is_none": f"Content-Length: {len(BODY)}x\r\n\r\n{BODY}",
    "a_negative_length": f"Content-Length: -1\r\n\r\n{BODY}",
    "a_chunk_that_is_none": "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "an_odd_encoding": f"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{HIDDEN}",
    "a_space_before_the_colon": f"Content-Length : {len(BODY)}\r\n\r\n{BODY}",
}


@pytest.mark.live
@pytest.mark.parametrize("lie", LIES)
def test_o07_a_message_with_two_ends_is_one_message_or_none(live_server: LiveInstance, lie: str) -> None:
    where = urlsplit(live_server.url)
    head = "POST /v0/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.settimeout(3)
        connection.sendall((head + LIES[lie]).encode())
        heard = b""
        try:
            while block := connection.recv(65536):
                heard += block
        except TimeoutError:
            pass
    statuses = [int(line.split()[1]) for line in heard.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert len(statuses) <= 1, heard  # what was hidden behind the lie is no message of its own
    assert all(400 <= status < 500 for status in statuses), heard
