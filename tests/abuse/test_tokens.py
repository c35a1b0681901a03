"""Tokens, sessions and whose they are: E01, E02, E04, E08, E12, E13, G07, H04."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt as pyjwt
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.core.settings import Settings
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared.transaction import transaction
from tests.abuse.ways import (
    CHARLIE,
    JANE,
    LOGINS,
    MES,
    REFRESHES,
    Way,
    knock,
    refresh_token_in,
    refresh_token_of,
)
from tests.contract.endpoints import ENDPOINTS
from tests.support.world import World

every_me = pytest.mark.parametrize("dialect", MES)
every_refresh = pytest.mark.parametrize("way", [*REFRESHES.values()], ids=[*REFRESHES])


def coded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return header, claims and signature of a token."""
    head, body, signature = token.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    return header, claims, signature


def made(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """Return a token as someone makes it who has another key."""
    signed_part = f"{coded(header)}.{coded(claims)}"
    return f"{signed_part}.{coded(hmac.digest(key, signed_part.encode(), 'sha256'))}"


def me(world: World, dialect: str, token: str) -> TestResponse:
    return world.call(MES[dialect], token=token)


def tenant_id(world: World, email: str) -> str:
    return str(world.done("platform_api.tenants.list", token=world.token("platform_api", email))[0]["id"])


# ---- E01


def forgeries(token: str) -> Iterator[tuple[str, str]]:
    header, claims, signature = parts(token)
    body = coded(claims)
    for alg in ("none", "None", "nOnE", "", "RS256", "HS512", "ES256"):
        for last in ("", signature):
            yield f"alg {alg}", f"{coded({**header, 'alg': alg})}.{body}.{last}"
    for kid in ("../../../dev/null", "' UNION SELECT 'k", "", "k2", None, 7, ["k1"]):
        yield f"kid {kid}", f"{coded({**header, 'kid': kid})}.{body}.{signature}"
    for key in (b"", b"A" * 32, b"secret"):  # what anybody could think of
        for kid in (header["kid"], "/dev/null"):
            yield "another key", made({**header, "kid": kid}, claims, key)
        for more in ("jwk", "jku", "x5u", "x5c", "crit"):
            yield more, made({**header, more: {"kty": "oct", "k": coded(key)}}, claims, key)
    head = token.split(".")[0]
    yield "no signature", f"{head}.{body}."
    yield "two dots", f"{head}..{signature}"
    yield "one part", head
    yield "four parts", f"{token}.x"
    yield "dots alone", ".."
    yield "other claims", f"{head}.{coded({**claims, 'sub': 'usr_' + '0' * 32})}.{signature}"
    yield "deep claims", f"{head}.{coded(b'[' * 3000)}.{signature}"
    yield "no claims", f"{head}.{coded({})}.{signature}"
    yield "a changed end", token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    yield "a megabyte", f"{head}.{'A' * 2**20}.{signature}"


@every_me
def test_e01_a_forged_token_is_nobodys(town: World, dialect: str) -> None:
    token = town.token("api_v1")
    assert me(town, dialect, token).status_code == 200
    for name, forged in forgeries(token):
        answer = me(town, dialect, forged)
        assert answer.status_code == 401, (name, answer.status_code, answer.text[:200])


# ---- E02


def signed(settings: Settings, claims: dict[str, Any]) -> str:
    key_id, key = settings.signing_keys.newest
    return pyjwt.encode(claims, key, algorithm="HS256", headers={"kid": key_id})


def wrong_claims(claims: dict[str, Any]) -> Iterator[dict[str, Any]]:
    now = int(clock.now().timestamp())
    for exp in (now - 1, now, 0, -1, str(now + 600), now + 600.5, 1e20, 2**63, None, True, [now + 600]):
        yield {**claims, "exp": exp}
    for name in ("exp", "sub", "sid"):
        yield {key: value for key, value in claims.items() if key != name}
    for sid in ("", "x", 1, None, "00000000-0000-0000-0000-000000000000", claims["sub"]):
        yield {**claims, "sid": sid}
    for sub in ("", "usr_" + "0" * 32, claims["tid"], 1, None, claims["sub"].removeprefix("usr_")[:8]):
        yield {**claims, "sub": sub}
    for tid in ("", "ten_" + "0" * 32, claims["sub"], 1, None, []):
        yield {**claims, "tid": tid}
    for env in ("", "production", None, 1, "PROD"):
        yield {**claims, "env": env}
    yield {**claims, "nbf": now + 600}
    yield {**claims, "aud": "another"}


@every_me
def test_e02_claims_are_read_strictly(town: World, dialect: str, settings: Settings) -> None:
    _, claims, _ = parts(town.token("api_v1"))
    assert me(town, dialect, signed(settings, claims)).status_code == 200
    for wrong in wrong_claims(claims):
        try:
            token = signed(settings, wrong)
        except (TypeError, ValueError):  # the signer itself refuses it
            header, _, _ = parts(signed(settings, claims))
            token = f"{coded(header)}.{coded(wrong)}.AAAA"
        answer = me(town, dialect, token)
        assert answer.status_code == 401, (wrong, answer.text[:200])


@every_me
def test_e02_a_token_ends_to_the_second(town: World, dialect: str, move_clock: Callable[[int], None]) -> None:
    token = town.token("api_v1")
    _, claims, _ = parts(token)
    move_clock(claims["exp"] - int(clock.now().timestamp()) - 2)
    assert me(town, dialect, token).status_code == 200
    move_clock(3)
    assert me(town, dialect, token).status_code == 401


def test_e02_what_a_token_says_of_the_role_decides_nothing(town: World, settings: Settings) -> None:
    _, claims, _ = parts(town.token("api_v1"))
    lowered = signed(settings, {**claims, "role": "viewer"})
    rights = town.done("api_v1.permissions.me", token=signed(settings, claims))
    assert town.done("api_v1.permissions.me", token=lowered) == rights


# ---- E04


def test_e04_only_an_active_organization_of_ones_own_is_selected(town: World) -> None:
    select, token = "platform_api.auth.select_tenant", town.token("platform_api")
    foreign, missing = tenant_id(town, CHARLIE), "ten_" + "0" * 32
    answers = [town.call(select, token=token, json={"tenant_id": tenant}) for tenant in (foreign, missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].get_data() == answers[1].get_data()
    own = tenant_id(town, JANE)
    for status in (TenantStatus.SUSPENDED, TenantStatus.ARCHIVED):
        with town.app.app_context(), transaction():
            db.session.execute(sa.update(Tenant).where(Tenant.slug == "world-corp").values(status=status))
        shut = town.call(select, token=token, json={"tenant_id": own})
        assert (shut.status_code, shut.get_json()["code"]) == (403, f"tenant:{status}")
        assert "access_token" not in shut.text


@pytest.mark.parametrize("slug", ["other-corp", "nobody-has-it"])
def test_a17_the_right_password_opens_no_other_organization(town: World, slug: str) -> None:
    who = {**LOGINS["api_v1"].body(), "tenantSlug": slug}
    answer = town.call("api_v1.auth.login", json=who)
    wrong = LOGINS["api_v1"].call(town, password="not it at all")
    assert answer.status_code == 401
    assert answer.get_data() == wrong.get_data()


# ---- E08


@every_refresh
def test_e08_a_refresh_token_shown_again_ends_the_family(
    town: World, way: Way, move_clock: Callable[[int], None]
) -> None:
    first = refresh_token_of(town, way.dialect)
    answer = way.call(town, token=first)
    second = refresh_token_in(way.dialect, answer)
    body = answer.get_json()
    access = body["data"]["accessToken"] if way.dialect == "api_v1" else body["access_token"]
    third = refresh_token_in(way.dialect, way.call(town, token=second))
    other = town.token(way.dialect)
    move_clock(11)
    assert way.code(way.call(town, token=first)) == "auth:refresh_token_reused"
    for token in (second, third, first):
        dead = way.call(town, token=token)
        assert (dead.status_code, way.code(dead)) == (401, "auth:refresh_token_invalid")
    assert me(town, way.dialect, access).status_code == 401
    assert me(town, way.dialect, other).status_code == 200
    kinds = [str(row.kind) for row in town.trail()]
    assert kinds.count("session.reuse_detected") == 1
    assert [mail.to for mail in town.sent if "ended one of your sign-ins" in mail.subject] == [JANE]


@every_refresh
def test_e08_what_is_no_refresh_token_is_refused(town: World, way: Way) -> None:
    token = refresh_token_of(town, way.dialect)
    for wrong in (token[:-1], token + "x", "rft_" + "x" * 43, "x", town.token("platform_api"), "a" * 4000):
        answer = way.call(town, token=wrong)
        assert (answer.status_code, way.code(answer)) == (401, "auth:refresh_token_invalid")
    for me_of in MES.values():  # nor is it an access token
        assert town.call(me_of, token=token).status_code == 401


# ---- E12, E13


def cookie_in(answer: TestResponse) -> str:
    (line,) = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session_id=")]
    return line.partition("=")[2].partition(";")[0]


def by_cookie(
    world: World, token: str, address: str = ENDPOINTS["v0.users.me"].path, **how: Any
) -> TestResponse:
    headers = {"Cookie": f"session_id={token}", **how.pop("headers", {})}
    return knock(world, address, headers=headers, **how)


def test_e12_a_cookie_that_was_there_before_is_not_taken_over(town: World) -> None:
    planted = "v0s_" + "A" * 43
    login = ENDPOINTS["v0.auth.login"].path
    charlies = cookie_in(LOGINS["v0"].call(town, email=CHARLIE))
    for before in (planted, charlies):
        body = LOGINS["v0"].body()
        answer = by_cookie(town, before, login, method="POST", json=body)
        given = cookie_in(answer)
        assert given not in (planted, charlies)
        assert len(given) >= 40
        assert by_cookie(town, given).get_json()["email"] == JANE
    assert by_cookie(town, planted).status_code == 401
    assert by_cookie(town, charlies).get_json()["email"] == CHARLIE


def test_e12_a_cookie_is_dead_after_signing_out(town: World) -> None:
    token = cookie_in(LOGINS["v0"].call(town))
    path, own = ENDPOINTS["v0.auth.logout"].path, {"Origin": "http://localhost"}
    foreign = {"Origin": "https://evil.example"}
    assert by_cookie(town, token, path, method="POST", headers=foreign).status_code == 403
    assert by_cookie(town, token, path, method="POST").status_code == 403
    assert by_cookie(town, token).status_code == 200
    assert by_cookie(town, token, path, method="POST", headers=own).status_code < 300
    assert by_cookie(town, token).status_code == 401
    assert town.call("v0.users.me", token=token).status_code == 401


def test_e12_a_cookie_is_for_browsers_alone(town: World) -> None:
    line = LOGINS["v0"].call(town).headers["Set-Cookie"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Domain" not in line


def test_e12_an_app_session_is_no_cookie(town: World) -> None:
    token = town.token("v0")
    assert town.call("v0.users.me", token=token).status_code == 200
    assert by_cookie(town, token).status_code == 401


def test_e13_nobody_ends_another_persons_session(town: World) -> None:
    janes, charlies = town.token("services_v1"), town.token("services_v1", CHARLIE)
    (row,) = town.done("services_v1.active_sessions.list", token=janes)["data"]
    revoke = "services_v1.active_sessions.revoke"
    answer = town.call(revoke, token=charlies, json={"session_id": row["id"]})
    missing = town.call(revoke, token=charlies, json={"session_id": 2**40})
    assert (answer.status_code, missing.status_code) == (404, 404)
    assert answer.get_data() == missing.get_data()
    town.done("services_v1.active_sessions.revoke_all", token=charlies)
    assert town.call(MES["services_v1"], token=janes).status_code == 200
    assert row["id"] not in [
        other["id"]
        for other in town.done("services_v1.active_sessions.list", token=town.token("services_v1", CHARLIE))[
            "data"
        ]
    ]


# ---- G07


def identities(world: World) -> tuple[str, str]:
    return world.token("v0"), cookie_in(LOGINS["v0"].call(world, email=CHARLIE))


def test_g07_identities_are_never_mixed(town: World) -> None:
    token, cookie = identities(town)
    path = ENDPOINTS["v0.users.me"].path

    def show(*authorization: str, cookie: str = cookie) -> TestResponse:
        headers = [("Cookie", f"session_id={cookie}"), *(("Authorization", value) for value in authorization)]
        return town.app.test_client(use_cookies=False).get(path, headers=headers)

    assert show().get_json()["email"] == CHARLIE
    assert show(f"Bearer {token}").get_json()["email"] == JANE
    assert show(f"bearer {token}").get_json()["email"] == JANE
    for wrong in (
        f"Bearer {token}, Bearer {token}",
        f"Bearer {token},",
        "Bearer",
        "Bearer ",
        f"Basic {token}",
        token,
        f"Bearer {token} {token}",
        f"Bearer  {token}x",
        "Bearer nonsense",
        "",
    ):
        assert show(wrong).status_code in (401, 400), wrong
    assert show(f"Bearer {token}", f"Bearer {cookie}").status_code in (400, 401)


def test_g07_two_cookies_of_one_name_are_one_of_them(town: World) -> None:
    cookie = cookie_in(LOGINS["v0"].call(town))
    other = cookie_in(LOGINS["v0"].call(town, email=CHARLIE))
    headers = {"Cookie": f"session_id={cookie}; session_id={other}"}
    answer = knock(town, ENDPOINTS["v0.users.me"].path, headers=headers)
    assert answer.status_code == 401 or answer.get_json()["email"] in (JANE, CHARLIE)


@every_me
def test_g07_no_token_is_taken_from_an_address(town: World, dialect: str) -> None:
    token = town.token("api_v1")
    for name in ("access_token", "token", "session_id", "authorization", "bearer"):
        path = ENDPOINTS[MES[dialect]].path
        assert knock(town, f"{path}?{name}={token}").status_code == 401


# ---- H04


def test_h04_nothing_but_the_token_names_the_organization(town: World) -> None:
    other, own = tenant_id(town, CHARLIE), tenant_id(town, JANE)
    token = town.token("api_v1")
    path = ENDPOINTS["platform_api.tenant.info"].path
    for headers in (
        {"X-Tenant-Id": other},
        {"X-Tenant": "other-corp"},
        {"X-Tenant-Slug": "other-corp"},
        {"Host": "other-corp.localhost"},
        {"X-Forwarded-Host": "other-corp.localhost"},
    ):
        for query in ("", f"?tenant_id={other}", "?tenant=other-corp&tid=" + other):
            answer = knock(town, path + query, headers={**headers, "Authorization": f"Bearer {token}"})
            assert answer.get_json()["id"] == own
    body = {"environment": "staging", "tenant_id": other}
    refused = town.call("platform_api.auth.switch_environment", token=token, json=body)
    assert refused.status_code == 422


def test_h04_a_token_for_a_foreign_organization_is_dead(town: World, settings: Settings) -> None:
    """Even one that we signed: the membership is read at each call."""
    _, claims, _ = parts(town.token("api_v1"))
    foreign = signed(settings, {**claims, "tid": tenant_id(town, CHARLIE)})
    assert town.call("platform_api.tenant.info", token=foreign).status_code == 401
    assert town.call("api_v1.auth.me", token=foreign).status_code == 401
