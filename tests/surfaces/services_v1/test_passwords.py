"""Forgotten, reset and changed passwords."""

from collections.abc import Callable

from tests.support.world import PASSWORD, World
from tests.surfaces.services_v1.conftest import JANE, at_fault, refused

NEW = "a longer horse battery 8"
UPDATE = "services_v1.user.update_password"


def twice(password: str = NEW, **more: str) -> dict[str, str]:
    return {"password": password, "password_confirmation": password, **more}


def opens(world: World, password: str) -> bool:
    """Say whether Jane gets in with a password."""
    return world.call("services_v1.auth.login", json={"email": JANE, "password": password}).status_code == 200


def reset_token(world: World) -> str:
    world.done("services_v1.auth.forgot_password", json={"email": JANE})
    return world.mailed_token()


def test_known_and_unknown_addresses_are_answered_alike(world: World, jane: int) -> None:
    unknown = world.call("services_v1.auth.forgot_password", json={"email": "nobody@world.example"})
    known = world.call("services_v1.auth.forgot_password", json={"email": JANE})
    assert known.get_json() == unknown.get_json()
    assert known.get_json()["data"] == {"expires_in": 3600}
    world.keep_promises()
    assert [message.to for message in world.sent] == [JANE]


def test_a_reset_ends_every_sign_in_and_opens_none(world: World, token: str) -> None:
    body = twice(token=reset_token(world))
    answer = world.call("services_v1.auth.reset_password", json=body)
    assert answer.get_json()["data"] == {"email": JANE, "sessions_revoked": 1}
    assert "Set-Cookie" not in answer.headers
    refused(world.call("services_v1.user.get", token=token), 401, "auth:unauthenticated")
    old = {"email": JANE, "password": PASSWORD}
    refused(world.call("services_v1.auth.login", json=old), 401, "auth:invalid_credentials")
    assert opens(world, NEW)
    refused(world.call("services_v1.auth.reset_password", json=body), 422, "auth:reset_token_invalid")


def test_a_refused_password_does_not_use_the_token_up(world: World, jane: int) -> None:
    token = reset_token(world)
    for bad in (twice("short", token=token), twice("password123", token=token), twice(JANE, token=token)):
        assert at_fault(world.call("services_v1.auth.reset_password", json=bad)) == {"password"}
    different = {**twice(token=token), "password_confirmation": "another one"}
    assert at_fault(world.call("services_v1.auth.reset_password", json=different)) == {
        "password_confirmation"
    }
    world.done("services_v1.auth.reset_password", json=twice(token=token))


def test_a_newer_link_ends_the_older_and_an_hour_ends_both(
    world: World, jane: int, move_clock: Callable[[int], None]
) -> None:
    old, new = reset_token(world), reset_token(world)
    dead = world.call("services_v1.auth.reset_password", json=twice(token=old))
    refused(dead, 422, "auth:reset_token_invalid")
    move_clock(3601)
    late = world.call("services_v1.auth.reset_password", json=twice(token=new))
    refused(late, 422, "auth:reset_token_invalid")


def test_a_reset_proves_the_mailbox_and_lifts_a_lock(world: World, jane: int) -> None:
    world.unprove(jane)
    for _ in range(10):
        world.call("services_v1.auth.login", json={"email": JANE, "password": "not the password"})
    world.done("services_v1.auth.reset_password", json=twice(token=reset_token(world)))
    assert opens(world, NEW)


def test_login_tokens_die_with_the_old_password(world: World, jane: int) -> None:
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    world.done("services_v1.auth.reset_password", json=twice(token=reset_token(world)))
    answer = world.call("services_v1.auth.authenticate", json={"login_token": step["login_token"]})
    refused(answer, 401, "auth:login_token_invalid")


def test_a_changed_password_ends_the_other_sign_ins(world: World, token: str) -> None:
    other = world.token("services_v1", JANE)
    changed = world.done(UPDATE, token=token, json=twice(current_password=PASSWORD))
    assert set(changed["data"]) == {"password_changed_at", "sessions_revoked"}
    assert changed["data"]["sessions_revoked"] == 1
    refused(world.call("services_v1.user.get", token=other), 401, "auth:unauthenticated")
    world.done("services_v1.user.get", token=token)
    world.keep_promises()
    assert world.sent[-1].subject == "Your password was changed"


def test_a_wrong_current_password_is_refused_and_counted(world: World, token: str) -> None:
    for body in (twice(current_password="not it"), twice()):
        refused(world.call(UPDATE, token=token, json=body), 422, "auth:current_password_wrong")
    for _ in range(3):
        world.call(UPDATE, token=token, json=twice(current_password="not it"))
    answer = world.call(UPDATE, token=token, json=twice(current_password=PASSWORD))
    refused(answer, 429, "rate:limited")


def test_a_refused_new_password_is_no_failed_proof(world: World, token: str) -> None:
    for bad in ("short", PASSWORD, "password123", JANE, "short", "short"):
        body = twice(bad, current_password=PASSWORD)
        assert at_fault(world.call(UPDATE, token=token, json=body)) == {"password"}
    world.done(UPDATE, token=token, json=twice(current_password=PASSWORD))


def test_a_person_without_a_password_needs_a_fresh_sign_in(
    world: World, jane: int, token: str, change: Callable[..., None], move_clock: Callable[[int], None]
) -> None:
    change(jane, password_hash=None)
    move_clock(15 * 60 + 1)
    for _ in range(6):
        refused(world.call(UPDATE, token=token, json=twice()), 403, "auth:step_up_required")
    move_clock(-(15 * 60 + 1))
    world.done(UPDATE, token=token, json=twice())
    assert opens(world, NEW)
