"""Invitations under attack: J01 to J12, a table of rows (M09), and another organization's ids."""

import io
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.members import bulk_invites
from app.domains.members.models import Invitation
from app.domains.permissions.roles import Role
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared.transaction import transaction
from tests.support.invited import SAM, accept, found, invite, mailed, member, rows
from tests.support.world import PASSWORD, World

NEW = {
    "first_name": "Sam",
    "last_name": "Roe",
    "password": "another good phrase",
    "password_confirmation": "another good phrase",
    "accept_policies": True,
}
PEOPLE = sa.select(Membership.role, Membership.status).order_by(Membership.id)


def code(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    return answer.status_code, body.get("code") or body.get("error", {}).get("code", "")


def tries(world: World, link: str) -> list[tuple[int, str]]:
    """Show a token at all four doors; nobody is signed in at three of them."""
    signed_in = world.token("platform_api", SAM)
    return [
        code(world.call("platform_api.invites.accept", token=signed_in, json={"token": link})),
        code(world.call("services_v1.projects.join_invitation", json={"token": link})),
        code(world.call("api_v1.users.accept_invitation", json={"token": link, "password": PASSWORD})),
        code(world.app.test_client().get(f"/v1/validate-invitation?token={link}")),
    ]


@pytest.mark.parametrize("how", ["used", "expired", "revoked", "replaced"])
def test_j01_a_token_that_is_over_opens_nothing_anywhere(
    world: World, move_clock: Callable[[int], None], how: str
) -> None:
    token = found(world)
    world.person(SAM)
    one = invite(world, token)
    link = mailed(world)
    if how == "used":
        assert accept(world, SAM, link).status_code == 200
    if how == "expired":
        move_clock(7 * 86400)
    if how == "revoked":
        world.call("platform_api.invites.revoke", token=token, path={"invite_id": one})
    if how == "replaced":
        world.done("platform_api.invites.resend", token=token, path={"invite_id": one})
    before = rows(world, PEOPLE)
    said = {"used": (409, "invitation:used"), "expired": (409, "invitation:expired")}
    expected = said.get(how, (404, "invitation:not_found"))
    assert set(tries(world, link)) == {expected}
    assert rows(world, PEOPLE) == before


def test_j02_another_account_cannot_take_it(world: World) -> None:
    token = found(world)
    world.person(SAM)
    world.person("mallory@world.example")
    invite(world, token)
    link = mailed(world)
    assert code(accept(world, "mallory@world.example", link)) == (403, "invitation:wrong_account")
    mallory = world.token("services_v1", "mallory@world.example")
    joined = world.call("services_v1.projects.join_invitation", token=mallory, json={"token": link})
    assert code(joined) == (403, "invitation:wrong_account")
    assert accept(world, SAM, link).status_code == 200
    assert code(accept(world, SAM, link)) == (409, "invitation:used")


@pytest.mark.parametrize("field", ["role", "tenant_id", "project_id", "email", "user_id", "status"])
def test_j04_a_body_says_nothing_but_the_token(world: World, field: str) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token, role="viewer")
    link = mailed(world)
    signed_in = world.token("platform_api", SAM)
    body = {"token": link, field: "admin"}
    assert world.call("platform_api.invites.accept", token=signed_in, json=body).status_code == 422
    assert world.call("services_v1.projects.join_invitation", token=signed_in, json=body).status_code == 422
    assert accept(world, SAM, link).get_json()["role"] == "viewer"


def test_j04_another_organizations_invitations_are_not_there(world: World) -> None:
    mine = invite(world, found(world))
    theirs = found(world, "eve@world.example", "twin-corp")
    for endpoint in ("platform_api.invites.resend", "platform_api.invites.revoke"):
        tried = world.call(endpoint, token=theirs, path={"invite_id": mine})
        made_up = world.call(endpoint, token=theirs, path={"invite_id": f"inv_{'0' * 32}"})
        assert code(tried) == (404, "invitation:not_found")
        assert tried.data == made_up.data
    assert world.done("platform_api.invites.list", token=theirs) == []
    (membership,) = rows(world, sa.select(Membership.id).where(Membership.status == MembershipStatus.INVITED))
    api = world.token("api_v1", "eve@world.example", "twin-corp")
    path = {"id": str(membership[0])}
    assert code(world.call("api_v1.users.resend_invitation", token=api, path=path)) == (
        404,
        "member:not_found",
    )
    assert rows(world, sa.select(Invitation.times_sent)) == [(1,)]


def manager_invites(world: World) -> tuple[int, int, str]:
    """Let a manager invite Sam as a member; returns organization, manager and token."""
    tenant_id = world.organization(world.person())
    manager = member(world, tenant_id, "max@world.example", Role.MANAGER)
    world.person(SAM)
    invite(world, world.scoped_token("max@world.example"))
    return tenant_id, manager, mailed(world)


@pytest.mark.parametrize(
    "change", [{"role": Role.MEMBER}, {"role": Role.VIEWER}, {"status": MembershipStatus.INACTIVE}]
)
def test_j05_an_invitation_stands_on_what_its_inviter_may_give_now(
    world: World, change: dict[str, object]
) -> None:
    _, manager, link = manager_invites(world)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Membership).where(Membership.user_id == manager).values(**change))
    assert code(accept(world, SAM, link)) == (404, "invitation:not_found")
    owner = world.scoped_token()
    (one,) = world.done("platform_api.invites.list", token=owner)
    world.done("platform_api.invites.resend", token=owner, path={"invite_id": one["id"]})
    assert accept(world, SAM, mailed(world)).status_code == 200, "an admin has stood in for it"


def test_j05_a_role_raised_behind_the_inviters_back_is_not_given(world: World) -> None:
    _, _, link = manager_invites(world)
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Invitation).values(role=Role.ADMIN))
    assert code(accept(world, SAM, link)) == (404, "invitation:not_found")


def test_j08_a_member_is_not_invited_again_with_another_role(world: World) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token, role="viewer")
    pending = world.call("platform_api.invites.create", token=token, json={"email": SAM, "role": "admin"})
    assert code(pending) == (409, "invitation:already_pending")
    assert accept(world, SAM, mailed(world)).status_code == 200
    for email in (SAM, "SAM@World.Example", "jane@world.example"):
        again = world.call("platform_api.invites.create", token=token, json={"email": email, "role": "admin"})
        assert code(again) == (409, "member:already_member")
    assert rows(world, PEOPLE) == [(Role.OWNER, "active"), (Role.VIEWER, "active")]


def test_j09_an_account_keeps_its_password_and_its_names(world: World) -> None:
    token = found(world)
    world.person(SAM)
    kept = sa.select(User.password_hash, User.first_name, User.last_name).where(User.email == SAM)
    before = rows(world, kept)
    invite(world, token)
    link = mailed(world)
    joined = world.call("services_v1.projects.join_invitation", json={"token": link, **NEW})
    assert code(joined) == (401, "invitation:login_required")
    other = {"token": link, "password": "another good phrase", "firstName": "X", "lastName": "Y"}
    wrong = world.call("api_v1.users.accept_invitation", json=other)
    assert code(wrong) == (401, "auth:invalid_credentials")
    signed_in = world.token("services_v1", SAM)
    said = world.call("services_v1.projects.join_invitation", token=signed_in, json={"token": link, **NEW})
    assert code(said) == (422, "validation")
    right = world.done("api_v1.users.accept_invitation", json={**other, "password": PASSWORD})
    assert right["data"]["user"]["status"] == "active"
    assert "accessToken" not in str(right)
    assert rows(world, kept) == before


def test_j09_a_password_guessed_at_an_invitation_counts_as_a_failed_sign_in(world: World) -> None:
    token = found(world)
    world.person(SAM)
    invite(world, token)
    link = mailed(world)
    body = {"token": link, "password": "not the password"}
    for _ in range(10):
        assert world.call("api_v1.users.accept_invitation", json=body).status_code == 401
    locked = world.call("api_v1.users.accept_invitation", json={**body, "password": PASSWORD})
    assert locked.status_code == 429


def test_j09_a_second_factor_is_not_passed_by(world: World) -> None:
    token = found(world)
    world.authenticator(world.person(SAM))
    invite(world, token)
    link = mailed(world)
    joined = world.done("api_v1.users.accept_invitation", json={"token": link, "password": PASSWORD})
    assert set(joined["data"]) == {"user", "tenant"}


def test_j10_names_are_neither_markup_nor_links_nor_headers(world: World) -> None:
    token = found(world)
    nasty = '<a href="https://evil.example">x</a> www.evil.example\r\nBcc: all@evil.example'
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(User).values(first_name=nasty[:90], last_name="evil.example"))
        db.session.execute(sa.update(Tenant).values(name=nasty))
    invite(world, token)
    mailed(world)
    (mail,) = [one for one in world.sent if one.to == SAM]
    for part in (mail.subject, mail.text, mail.html):
        assert "evil.example" not in part
        assert "\r" not in part
    assert "\n" not in mail.subject


def test_j11_a_free_organization_invites_so_many_a_day(
    world: World, move_clock: Callable[[int], None]
) -> None:
    found(world)
    move_clock(20 * 86400)  # the trial is over
    statuses = []
    for number in range(60):
        if number % 20 == 0:
            move_clock(3601)
            token = world.scoped_token()
        body = {"email": f"n{number}@world.example", "role": "viewer"}
        made = world.call("platform_api.invites.create", token=token, json=body)
        statuses.append(made.status_code)
        if made.status_code == 201:
            world.call("platform_api.invites.revoke", token=token, path={"invite_id": made.get_json()["id"]})
    assert statuses == [201] * 50 + [429] * 10


def test_j11_nobodys_mailbox_is_filled_by_inviting_and_taking_back(world: World) -> None:
    token = found(world)
    statuses = []
    for _ in range(12):
        made = world.call("platform_api.invites.create", token=token, json={"email": SAM, "role": "viewer"})
        statuses.append(made.status_code)
        if made.status_code == 201:
            world.call("platform_api.invites.revoke", token=token, path={"invite_id": made.get_json()["id"]})
    assert statuses == [201] * 10 + [429] * 2


def test_j12_wrong_tokens_look_alike_and_are_counted(world: World) -> None:
    found(world)
    client = world.app.test_client()
    answers = [client.get(f"/v1/validate-invitation?token=wrong-{number}") for number in range(31)]
    assert {answer.status_code for answer in answers[:30]} == {404}
    assert len({answer.data for answer in answers[:30]}) == 1
    assert answers[30].status_code == 429


def test_j12_what_a_token_shows(world: World) -> None:
    token = found(world)
    invite(world, token)
    link = mailed(world)
    shown = world.app.test_client().get(f"/v1/validate-invitation?token={link}").get_json()["data"]
    assert shown.pop("expires_at").endswith("Z")
    assert shown == {
        "kind": "tenant",
        "email": "s***@world.example",
        "account_exists": False,
        "project": None,
        "tenant": {"name": "World Corp", "slug": "world-corp"},
        "role": "member",
        "permissions": [],
        "invited_by": {"name": "Jane Doe"},
    }


def test_a_new_person_joins_with_a_login_token_and_a_proven_address(world: World) -> None:
    invite(world, found(world))
    joined = world.done("services_v1.projects.join_invitation", json={"token": mailed(world), **NEW})["data"]
    assert (joined["account_created"], joined["next"], joined["role"]) == (True, "authenticate", "member")
    opened = {"login_token": joined["login_token"], "carrier": "bearer"}
    assert world.done("services_v1.auth.authenticate", json=opened)["data"]["access_token"]
    assert rows(world, sa.select(User.email_verified_at.is_not(None)).where(User.email == SAM)) == [(True,)]


def test_a_registration_that_is_closed_lets_the_invited_in_alone(world: World) -> None:
    token = found(world)
    invite(world, token)
    with world.app.app_context(), transaction():
        db.session.add(
            SettingValue(key="auth.registration_open", tenant_id=None, environment="", value=False)
        )
    who = {"password": PASSWORD, "first_name": "Sam", "last_name": "Roe"}
    other = world.call("platform_api.auth.register", json={**who, "email": "kim@world.example"})
    assert code(other) == (403, "auth:registration_closed")
    assert world.call("platform_api.auth.register", json={**who, "email": SAM}).status_code == 201


def test_nothing_but_its_invitation_is_mailed_to_a_placeholder(world: World) -> None:
    invite(world, found(world))
    mailed(world)
    before = len(world.sent)
    for path, body in (
        ("/v1/forgot-password", {"email": SAM}),
        ("/v1/send-verification-email", {"email": SAM}),
        ("/platform/api/global/auth/otp/request", {"email": SAM}),
    ):
        assert world.app.test_client().post(path, json=body).status_code < 300
    world.keep_promises()
    assert len(world.sent) == before


# ---- M09


def invited_from(world: World, table: bytes) -> list[tuple[str, str]]:
    found(world)
    browser = signed_in(world)
    page = "/organization/invitations/bulk"
    proof = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)
    assert proof
    data = {"csrf_token": proof[1], "table": "", "file": (io.BytesIO(table), "people.csv")}
    answer = browser.post(page, data=data, content_type="multipart/form-data")
    assert answer.status_code < 500
    if answer.status_code != 200:
        return [("", str(answer.status_code))]
    row = r'<td class="who">([^<]*)</td><td[^>]*>\d+</td><td><span class="badge"[^>]*>([^<]*)</span>'
    return re.findall(row, answer.text)


def signed_in(world: World) -> FlaskClient:
    browser = world.app.test_client()
    proof = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)
    assert proof
    data = {"csrf_token": proof[1], "email": "jane@world.example", "password": PASSWORD}
    assert browser.post("/sign-in", data=data).status_code == 303
    return browser


def test_m09_good_rows_go_out_and_bad_ones_are_told(world: World) -> None:
    table = (
        "email;first name;last name;role\n"
        "sam@world.example;Sam;Roe;member\n"
        "SAM@world.example;Sam;Again;viewer\n"
        "no address;A;B;member\n"
        "kim@world.example;=1+1;Kim;member\n"
        "lee@world.example;Lee;Low;owner\n"
        "max@world.example;Max;Mö;tenant_admin\n"
        "jane@world.example;Jane;Doe;viewer\n"
    ).encode("cp1252")
    assert invited_from(world, table) == [
        ("sam@world.example", "Invited"),
        ("SAM@world.example", "Refused"),
        ("no address", "Refused"),
        ("kim@world.example", "Refused"),
        ("lee@world.example", "Refused"),
        ("max@world.example", "Invited"),
        ("jane@world.example", "Here already"),
    ]
    world.keep_promises()
    assert sorted(mail.to for mail in world.sent if "invites you" in mail.subject) == [
        "max@world.example",
        "sam@world.example",
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"a," * 1_000_000, [("", "400")]),
        (b"sam@world.example" + b"," * 30_000, [("sam@world.example", "Refused")]),
        (b"\xff\xfe" + "sam@world.example,Sam\n".encode("utf-16-le"), [("sam@world.example", "Invited")]),
        (b'\x00\xfe\xff\x80garbage\n\n\n"open quote', None),
        (b"", [("", "400")]),
        (b"x@world.example\n" * (bulk_invites.MOST_ROWS + 1), [("", "400")]),
    ],
)
def test_m09_a_strange_table_breaks_nothing(
    world: World, table: bytes, said: list[tuple[str, str]] | None
) -> None:
    found_rows = invited_from(world, table)
    assert said is None or found_rows == said
