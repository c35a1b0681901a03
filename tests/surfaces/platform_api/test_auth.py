"""platform_api: signing up, in and out; passwords; the two kinds of token."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.world import PASSWORD, World

EMAIL = "jane@world.example"
NEW = {
    "email": "ann@world.example",
    "password": "a long new password",
    "first_name": "Ann",
    "last_name": "Roe",
}


def refused(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert set(body) <= {"detail", "code"}
    return body


def wrong_fields(answer: TestResponse) -> list[list[str]]:
    body = refused(answer, 422, "validation")
    assert all(set(row) == {"loc", "msg", "type"} for row in body["detail"])
    return [row["loc"] for row in body["detail"]]


@pytest.fixture
def jane(world: World) -> World:
    """Give a world with Jane, who owns an organization, and Charlie, who belongs to another."""
    world.organization(world.person(EMAIL))
    world.organization(world.person("charlie@other.example"), slug="other-corp")
    return world


def tenant_of(world: World, token: str) -> str:
    return str(world.done("platform_api.tenants.list", token=token)[0]["id"])


def scoped(world: World, email: str = EMAIL, **more: str) -> str:
    token = world.token("platform_api", email)
    body = {"tenant_id": tenant_of(world, token), **more}
    return str(world.done("platform_api.auth.select_tenant", token=token, json=body)["access_token"])


# ---- register


def test_registering_shows_the_account_and_signs_nobody_in(world: World) -> None:
    answer = world.call("platform_api.auth.register", json=NEW)
    assert answer.status_code == 201
    body = answer.get_json()
    assert set(body) == {"id", "email", "first_name", "last_name", "created_at"}
    assert body["id"].startswith("usr_")
    assert datetime.fromisoformat(body["created_at"]).tzinfo is not None
    assert "Set-Cookie" not in answer.headers
    assert world.mailed_token()


def test_a_known_address_is_told_as_the_document_says(world: World) -> None:
    world.done("platform_api.auth.register", json=NEW)
    again = {**NEW, "email": NEW["email"].upper()}
    refused(world.call("platform_api.auth.register", json=again), 400, "user:email_taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "short"), ("password", NEW["email"]), ("email", "no address"), ("first_name", " ")],
)
def test_a_field_at_fault_has_its_place(world: World, field: str, value: str) -> None:
    answer = world.call("platform_api.auth.register", json={**NEW, field: value})
    assert wrong_fields(answer) == [["body", field]]


def test_an_unknown_field_is_refused(world: World) -> None:
    answer = world.call("platform_api.auth.register", json={**NEW, "is_platform_admin": True})
    assert wrong_fields(answer) == [["body", "is_platform_admin"]]


def test_a_missing_field_is_refused(world: World) -> None:
    assert wrong_fields(world.call("platform_api.auth.login", json={"email": EMAIL})) == [
        ["body", "password"]
    ]


# ---- sign in and out


def test_signing_in_gives_a_pair_of_tokens(jane: World) -> None:
    body = jane.done("platform_api.auth.login", json={"email": EMAIL, "password": PASSWORD})
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 1800)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(jane: World) -> None:
    wrong = jane.call("platform_api.auth.login", json={"email": EMAIL, "password": "not it at all"})
    unknown = jane.call("platform_api.auth.login", json={"email": "u@w.example", "password": "not it at all"})
    refused(wrong, 401, "auth:invalid_credentials")
    assert wrong.get_data() == unknown.get_data()


def test_me_shows_the_person_to_either_token(jane: World) -> None:
    for token in (jane.token("platform_api"), scoped(jane)):
        body = jane.done("platform_api.auth.me", token=token)
        assert set(body) == {
            "id",
            "email",
            "first_name",
            "last_name",
            "email_verified",
            "two_factor_enabled",
            "is_platform_admin",
            "created_at",
        }
        assert (body["email"], body["is_platform_admin"]) == (EMAIL, False)


def test_signing_out_ends_every_token_of_the_session(jane: World) -> None:
    who = {"email": EMAIL, "password": PASSWORD}
    pair = jane.done("platform_api.auth.login", json=who)
    body = {"tenant_id": tenant_of(jane, pair["access_token"])}
    inside = jane.done("platform_api.auth.select_tenant", token=pair["access_token"], json=body)
    assert jane.done("platform_api.auth.logout", token=inside["access_token"]) == {"message": "Signed out"}
    for token in (pair["access_token"], inside["access_token"]):
        refused(jane.call("platform_api.auth.me", token=token), 401, "auth:unauthenticated")
    old = {"refresh_token": pair["refresh_token"]}
    refused(jane.call("platform_api.auth.refresh", json=old), 401, "auth:refresh_token_invalid")


def test_a_refresh_token_is_swapped_for_a_pair(jane: World) -> None:
    first = jane.done("platform_api.auth.login", json={"email": EMAIL, "password": PASSWORD})
    second = jane.done("platform_api.auth.refresh", json={"refresh_token": first["refresh_token"]})
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    jane.done("platform_api.auth.me", token=second["access_token"])


def test_a_refresh_token_bound_to_an_organization_is_not_widened(jane: World) -> None:
    who = {"email": EMAIL, "password": PASSWORD, "tenantSlug": "world-corp"}
    bound = jane.done("api_v1.auth.login", json=who)["data"]["refreshToken"]
    answer = jane.call("platform_api.auth.refresh", json={"refresh_token": bound})
    refused(answer, 401, "auth:refresh_token_invalid")
    jane.done("api_v1.auth.refresh", json={"refreshToken": bound})


# ---- by mailed code


def test_a_mailed_code_signs_in_for_half_an_hour(jane: World, move_clock: Callable[[int], None]) -> None:
    asked = jane.done("platform_api.auth.otp_request", json={"email": EMAIL})
    assert asked == {"message": "OTP sent to your email"}
    code = jane.mailed_code()
    body = jane.done("platform_api.auth.otp_verify", json={"email": EMAIL, "code": code})
    assert set(body) == {"access_token", "token_type"}
    used = jane.call("platform_api.auth.otp_verify", json={"email": EMAIL, "code": code})
    refused(used, 401, "auth:otp_invalid")
    move_clock(29 * 60)
    tenant = {"tenant_id": tenant_of(jane, body["access_token"])}
    inside = jane.done("platform_api.auth.select_tenant", token=body["access_token"], json=tenant)
    move_clock(2 * 60)
    refused(jane.call("platform_api.auth.me", token=body["access_token"]), 401, "auth:unauthenticated")
    jane.done("platform_api.tenant.info", token=inside["access_token"])
    move_clock(30 * 60)
    gone = jane.call("platform_api.tenant.info", token=inside["access_token"])
    refused(gone, 401, "auth:unauthenticated")


def test_an_unknown_address_gets_the_same_words_and_no_mail(jane: World) -> None:
    known = jane.call("platform_api.auth.otp_request", json={"email": EMAIL})
    jane.keep_promises()
    before = len(jane.sent)
    unknown = jane.call("platform_api.auth.otp_request", json={"email": "nobody@world.example"})
    jane.keep_promises()
    assert unknown.get_data() == known.get_data()
    assert len(jane.sent) == before


@pytest.mark.parametrize("code", ["12345", "1234567", "12345x", "", "\uff11" * 6])
def test_a_code_is_six_digits(jane: World, code: str) -> None:
    answer = jane.call("platform_api.auth.otp_verify", json={"email": EMAIL, "code": code})
    assert wrong_fields(answer) == [["body", "code"]]


# ---- passwords


def test_a_forgotten_password_is_set_anew_by_mail(jane: World) -> None:
    token = jane.token("platform_api")
    known = jane.call("platform_api.auth.forgot_password", json={"email": EMAIL})
    unknown = jane.call("platform_api.auth.forgot_password", json={"email": "nobody@world.example"})
    assert known.get_json() == {"message": "If that email exists, a reset link has been sent"}
    assert known.get_data() == unknown.get_data()
    reset = jane.mailed_token()
    short = jane.call("platform_api.auth.reset_password", json={"token": reset, "new_password": "short"})
    assert wrong_fields(short) == [["body", "new_password"]]
    new = {"token": reset, "new_password": "quite another password"}
    assert jane.done("platform_api.auth.reset_password", json=new) == {
        "message": "Password updated successfully"
    }
    refused(jane.call("platform_api.auth.reset_password", json=new), 400, "auth:reset_token_invalid")
    refused(jane.call("platform_api.auth.me", token=token), 401, "auth:unauthenticated")
    jane.done("platform_api.auth.login", json={"email": EMAIL, "password": new["new_password"]})


def test_a_changed_password_leaves_the_caller_signed_in_alone(jane: World) -> None:
    mine, other = jane.token("platform_api"), jane.token("platform_api")
    body = {"current_password": "not it", "new_password": "quite another password"}
    wrong = jane.call("platform_api.auth.change_password", token=mine, json=body)
    refused(wrong, 400, "auth:current_password_wrong")
    same = {"current_password": PASSWORD, "new_password": PASSWORD}
    answer = jane.call("platform_api.auth.change_password", token=mine, json=same)
    assert wrong_fields(answer) == [["body", "new_password"]]
    right = {**body, "current_password": PASSWORD}
    done = jane.done("platform_api.auth.change_password", token=mine, json=right)
    assert done == {"message": "Password updated successfully"}
    jane.done("platform_api.auth.me", token=mine)
    refused(jane.call("platform_api.auth.me", token=other), 401, "auth:unauthenticated")


# ---- the two kinds of token


def test_selecting_an_organization_gives_a_token_for_it(jane: World) -> None:
    token = jane.token("platform_api")
    tenant = tenant_of(jane, token)
    body = jane.done("platform_api.auth.select_tenant", token=token, json={"tenant_id": tenant})
    assert set(body) == {"access_token", "token_type", "tenant_id", "role", "environment"}
    assert (body["tenant_id"], body["role"], body["environment"]) == (tenant, "owner", "prod")


@pytest.mark.parametrize(
    "tenant", ["ten_" + "0" * 32, "ten_none", "", "' OR 1=1", "12345678901234567890", "0"]
)
def test_what_is_no_organization_of_yours_is_not_there(jane: World, tenant: str) -> None:
    answer = jane.call(
        "platform_api.auth.select_tenant", token=jane.token("platform_api"), json={"tenant_id": tenant}
    )
    refused(answer, 404, "tenant:not_found")


def test_charlie_does_not_get_into_janes_organization(jane: World) -> None:
    tenant = tenant_of(jane, jane.token("platform_api"))
    stranger = jane.token("platform_api", "charlie@other.example")
    answer = jane.call("platform_api.auth.select_tenant", token=stranger, json={"tenant_id": tenant})
    refused(answer, 404, "tenant:not_found")


def test_each_half_asks_for_its_own_token(jane: World) -> None:
    outside, inside = jane.token("platform_api"), scoped(jane)
    refused(jane.call("platform_api.tenant.info", token=outside), 403, "auth:tenant_token_required")
    refused(jane.call("platform_api.tenants.list", token=inside), 403, "auth:global_token_required")


def test_switching_the_environment_keeps_the_end_of_the_token(
    jane: World, move_clock: Callable[[int], None]
) -> None:
    token = scoped(jane)
    move_clock(1000)
    body = jane.done("platform_api.auth.switch_environment", token=token, json={"environment": "staging"})
    assert set(body) == {"access_token", "environment"}
    assert body["environment"] == "staging"
    jane.done("platform_api.tenant.info", token=body["access_token"])
    move_clock(801)
    gone = jane.call("platform_api.tenant.info", token=body["access_token"])
    refused(gone, 401, "auth:unauthenticated")


def test_an_environment_that_there_is_not_is_refused(jane: World) -> None:
    body = {"environment": "production"}
    answer = jane.call("platform_api.auth.switch_environment", token=scoped(jane), json=body)
    assert wrong_fields(answer) == [["body", "environment"]]


# ---- any call


def test_the_wrong_method_names_the_right_ones(world: World) -> None:
    answer = world.app.test_client().get("/platform/api/global/auth/login")
    refused(answer, 405, "request:method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_what_is_not_there_is_told_in_the_dialects_form(world: World) -> None:
    refused(world.app.test_client().get("/platform/api/nothing"), 404, "route:not_found")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_only_json_is_read(world: World, kind: str) -> None:
    answer = world.app.test_client().post("/platform/api/global/auth/login", data="a=b", content_type=kind)
    refused(answer, 415, "request:unsupported_media_type")


def test_a_body_without_a_kind_is_not_read(world: World) -> None:
    answer = world.app.test_client().post("/platform/api/global/auth/login", data="{}")
    refused(answer, 415, "request:unsupported_media_type")


def test_broken_json_is_told(world: World) -> None:
    answer = world.app.test_client().post(
        "/platform/api/global/auth/login", data='{"email":', content_type="application/json"
    )
    refused(answer, 400, "request:malformed")


def test_a_body_past_two_megabytes_is_not_taken(world: World) -> None:
    answer = world.app.test_client().post(
        "/platform/api/global/auth/login", data=b" " * (2 * 1024**2 + 1), content_type="application/json"
    )
    refused(answer, 413, "request:too_large")
