"""Support in somebody's name: with their consent, for a while, seen by them, never at their credentials."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from app.core.db import db
from app.core.ids import new_token
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.platform.models import SupportAccess
from app.domains.sessions.models import UserSession
from app.surfaces.portal.doors import SUPPORT_COOKIE
from app.surfaces.shared.transaction import transaction
from tests.architecture.test_strangers import address
from tests.contract.endpoints import routes
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

ROOT, JANE = "root@world.example", "jane@world.example"
PAGE = "/account/support-access"
ALLOWED = {
    "/organization/settings/<string:key>",
    "/organization/settings/<string:key>/reset",
    "/organization/settings/changes/<int:change_id>/revert",
    "/organization/settings/compare",
    "/organization/setup/check",
    "/organization/setup/complete",
    "/organization/setup/tasks/<string:task_code>",
    "/organizations/<uuid:tenant_uid>/select",
    "/support-access/end",
    "/sign-out",
}
"""Every form that is taken from support; all others, those to come included, are refused."""


@dataclass
class Two:
    """An admin of the platform and Jane, each in a browser of their own."""

    world: World
    root: Visitor
    jane: Visitor
    page: str
    """Jane's page in the console."""

    def ask(self) -> int:
        reason = {"reason": "You wrote that your invoices look odd"}
        return self.root.send(f"{self.page}/support", reason, on=self.page).status_code

    def access(self) -> str:
        with self.world.app.app_context():
            newest = sa.select(SupportAccess.uid).order_by(SupportAccess.id.desc()).limit(1)
            return str(db.session.scalars(newest).one())

    def grant(self, minutes: str = "15") -> int:
        return self.jane.send(f"{PAGE}/{self.access()}/grant", {"minutes": minutes}, on=PAGE).status_code

    def stop(self) -> int:
        return self.jane.send(f"{PAGE}/{self.access()}/stop", on=PAGE).status_code

    def start(self, visitor: Visitor | None = None) -> int:
        by = visitor or self.root
        return by.send(f"{self.page}/support/{self.access()}/start", on=self.page).status_code

    def acts(self) -> bool:
        """Say whether the admin's browser is Jane's portal now."""
        return "You act in the name of Jane Doe" in self.root.get("/dashboard").text


def signed_in(world: World, email: str) -> Visitor:
    visitor = Visitor(world.app.test_client())
    assert visitor.sign_in(email, PASSWORD).status_code == 303
    return visitor


@pytest.fixture
def two(world: World) -> Two:
    world.person(ROOT, admin=True)
    person = world.person(JANE)
    world.organization(person)
    with world.app.app_context():
        page = f"/platform/people/{db.session.get_one(User, person).uid}"
    return Two(world, signed_in(world, ROOT), signed_in(world, JANE), page)


@pytest.fixture
def acting(two: Two) -> Two:
    """Give both while the admin acts as Jane."""
    assert [two.ask(), two.grant(), two.start()] == [303, 303, 303]
    assert two.acts()
    return two


def kinds(two: Two) -> list[str]:
    return [str(row.kind) for row in two.world.trail() if str(row.kind).startswith("support_access.")]


def test_it_is_asked_allowed_begun_and_ended(two: Two) -> None:
    assert two.ask() == 303
    assert two.world.mailed(r"(You wrote that your invoices look odd)")
    assert "asks to act in your name" in two.jane.get("/dashboard").text
    assert two.ask() == 409
    assert two.start() == 409
    assert two.grant() == 303
    assert "may act in your name until" in two.jane.get("/dashboard").text
    assert two.start() == 303
    assert two.world.mailed(r"(acts in your name since)")
    assert two.acts()
    assert "World Corp" in two.root.get("/dashboard").text
    assert two.root.send("/support-access/end", on="/dashboard").status_code == 303
    assert not two.acts()
    assert two.root.get("/platform").status_code == 200
    assert two.start() == 409
    assert kinds(two) == [f"support_access.{word}" for word in ("requested", "granted", "started", "ended")]


def test_every_row_has_both_names_and_the_person_sees_them(acting: Two) -> None:
    with acting.world.app.app_context():
        organization = acting.world.organization(acting.world.persons_id(JANE), "second-corp")
    select = re.search(r'action="(/organizations/[0-9a-f-]+/select)"', acting.root.get("/organizations").text)
    assert organization
    assert select
    assert acting.root.send(select[1], on="/organizations").status_code == 303
    row = acting.world.trail()[-1]
    assert str(row.kind) == "session.tenant_selected"
    assert row.actor_user_id == acting.world.persons_id(JANE)
    assert row.impersonator_user_id == acting.world.persons_id(ROOT)
    log = acting.jane.get("/account/security-log").text
    assert "Support acted in your name from here on" in log
    assert log.count("By support, in your name") == 1
    assert "Support: Jane Doe" in acting.jane.get("/account/sessions").text  # everybody is Jane here


def test_the_person_ends_it_at_any_time(acting: Two) -> None:
    assert acting.stop() == 303
    assert not acting.acts()
    assert acting.start() == 409
    assert kinds(acting)[-1] == "support_access.withdrawn"


def test_the_person_ends_it_among_their_sessions_too(acting: Two) -> None:
    ended = acting.jane.send("/account/sessions/end-others", on="/account/sessions")
    assert ended.status_code == 303
    assert not acting.acts()
    assert acting.start() == 409


def test_what_is_declined_cannot_be_begun(two: Two) -> None:
    two.ask()
    assert two.stop() == 303
    assert (two.start(), two.grant()) == (409, 409)
    assert two.ask() == 303


def test_signing_out_ends_it_and_not_the_admins_own_sign_in(acting: Two) -> None:
    assert acting.root.send("/sign-out", on="/dashboard").status_code == 303
    assert not acting.acts()
    assert acting.root.get("/platform").status_code == 200
    assert acting.jane.get("/dashboard").status_code == 200


@pytest.mark.parametrize(("minutes", "seconds"), [("15", 15 * 60 + 1), ("60", 60 * 60 + 1)])
def test_it_ends_when_its_time_is_over(
    two: Two, move_clock: Callable[[int], None], minutes: str, seconds: int
) -> None:
    two.ask()
    two.grant(minutes)
    two.start()
    assert two.acts()
    move_clock(seconds)
    assert not two.acts()


def test_a_request_lapses_after_three_days(two: Two, move_clock: Callable[[int], None]) -> None:
    two.ask()
    move_clock(72 * 3600 + 1)
    again = signed_in(two.world, JANE)
    two.jane = again
    assert two.grant() == 409
    two.root = signed_in(two.world, ROOT)
    assert two.ask() == 303


@pytest.mark.parametrize("minutes", ["0", "14", "600", "-15", "x", ""])
def test_nobody_lets_support_in_for_another_time(two: Two, minutes: str) -> None:
    two.ask()
    assert two.grant(minutes) == 422
    assert two.start() == 409


def test_consent_needs_a_fresh_proof_and_so_does_the_beginning(
    two: Two, move_clock: Callable[[int], None]
) -> None:
    two.ask()
    move_clock(15 * 60 + 1)
    assert two.grant() == 403
    two.jane = signed_in(two.world, JANE)
    assert two.grant("60") == 303
    assert two.start() == 403


# ---- what takes it away


def changed(world: World, email: str, **values: object) -> None:
    with world.app.app_context(), transaction():
        user = db.session.scalars(sa.select(User).where(User.email == email)).one()
        for name, value in values.items():
            setattr(user, name, value)


def test_it_ends_with_the_admins_right(acting: Two) -> None:
    changed(acting.world, ROOT, is_platform_admin=False)
    assert not acting.acts()


def test_it_ends_with_the_admins_sign_in(acting: Two) -> None:
    with acting.world.app.app_context(), transaction():
        root = acting.world.persons_id(ROOT)
        own = sa.update(UserSession).where(UserSession.user_id == root)
        db.session.execute(own.values(revoked_at=sa.func.current_timestamp()))
    assert acting.root.get("/dashboard").status_code == 303


def test_it_does_not_come_back_with_the_admins_next_sign_in(acting: Two) -> None:
    cookie = acting.root.client.get_cookie(SUPPORT_COOKIE)
    assert cookie
    again = signed_in(acting.world, ROOT)
    again.client.set_cookie(SUPPORT_COOKIE, cookie.value)
    assert "You act in the name of" not in again.get("/dashboard").text


def test_its_token_is_worth_nothing_to_anybody_else(acting: Two) -> None:
    cookie = acting.root.client.get_cookie(SUPPORT_COOKIE)
    assert cookie
    world, token = acting.world, cookie.value
    acting.world.person("second@world.example", admin=True)
    for email in (JANE, "second@world.example"):
        thief = signed_in(world, email)
        thief.client.set_cookie(SUPPORT_COOKIE, token)
        assert "You act in the name of" not in thief.get("/dashboard").text
    nobody = world.app.test_client()
    nobody.set_cookie(SUPPORT_COOKIE, token)
    assert nobody.get("/dashboard").status_code == 303
    nobody.set_cookie("session_id", token)
    assert nobody.get("/dashboard").status_code == 303
    assert nobody.get("/services/platforms/v1/user/get").status_code == 401
    for dialect in ("services_v1.user.get", "v0.users.me", "platform_api.auth.me"):
        assert world.call(dialect, token=token).status_code == 401, dialect


def test_other_admins_begin_nothing_under_anothers_consent(two: Two) -> None:
    two.ask()
    two.grant()
    two.world.person("second@world.example", admin=True)
    assert two.start(signed_in(two.world, "second@world.example")) == 404


def test_other_people_answer_nothing_that_jane_was_asked(two: Two) -> None:
    two.ask()
    two.world.person("charlie@world.example")
    charlie = signed_in(two.world, "charlie@world.example")
    on = "/account/password"
    grant = charlie.send(f"{PAGE}/{two.access()}/grant", {"minutes": "15"}, on=on)
    stop = charlie.send(f"{PAGE}/{two.access()}/stop", on=on)
    assert (grant.status_code, stop.status_code) == (404, 404)


def test_a_form_sent_once_it_is_over_changes_nothing_of_the_admins(acting: Two) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', acting.root.get("/dashboard").text)
    assert token
    acting.stop()
    sent = {"csrf_token": token[1], "name": "Meant for Jane", "slug": "meant-for-jane"}
    assert acting.root.client.post("/organizations", data=sent).status_code == 409
    assert acting.root.get("/dashboard").status_code == 200


def test_the_apis_know_nothing_of_it(acting: Two) -> None:
    answer = acting.root.client.get("/services/platforms/v1/user/get")
    if answer.status_code == 200:  # the cookie beside it is the admin's own
        assert answer.get_json()["data"]["email"] == ROOT


# ---- what it never does


def forms(world: World) -> list[Rule]:
    return [
        rule
        for (method, _), rule in routes(world.app).items()
        if method != "GET" and rule.endpoint.startswith("portal_")
        if getattr(world.app.view_functions[rule.endpoint], "level", "public") != "public"
    ]


def test_no_form_is_taken_but_those_that_are_listed(acting: Two) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', acting.root.get("/dashboard").text)
    assert token
    before = len(acting.world.trail())
    tried = [rule for rule in forms(acting.world) if rule.rule not in ALLOWED]
    assert len(tried) == len(forms(acting.world)) - len(ALLOWED) > 70
    for rule in tried:
        fields = {"csrf_token": token[1], "minutes": "15", "password": "a new password 77"}
        answer = acting.root.client.post(address(rule), data=fields)
        assert answer.status_code == 403, (rule.rule, answer.status_code)
    assert len(acting.world.trail()) == before
    assert acting.acts()


@pytest.mark.parametrize(
    "path",
    [
        "/organization/tokens/00000000-0000-0000-0000-000000000001/revoke",
        "/account/security-log/csv",
        "/account/security-log/json",
        "/account/tokens/new",
        "/account/support-access",
        "/platform",
        "/platform/people",
    ],
)
def test_nothing_leads_to_credentials_exports_or_the_console(acting: Two, path: str) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', acting.root.get("/dashboard").text)
    assert token
    send = acting.root.client.post if path.endswith("revoke") else acting.root.client.get
    assert send(path, data={"csrf_token": token[1]}).status_code == 403


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("auth.ip_allowlist", "127.0.0.0/8"),
        ("invites.expiry_days", "30"),
        ("data.audit_retention_days", "30"),
    ],
)
def test_no_setting_of_who_may_enter_is_taken(acting: Two, key: str, value: str) -> None:
    before = len(acting.world.trail())
    page = f"/organization/settings/{key}"
    assert acting.root.send(page, {"value": value}, on=page).status_code == 403
    assert len(acting.world.trail()) == before


def test_other_settings_are_with_both_names(acting: Two) -> None:
    page = "/organization/settings/general.website"
    sent = acting.root.send(page, {"value": "https://acme.example"}, on=page)
    assert sent.status_code == 303
    row = acting.world.trail()[-1]
    assert str(row.kind) == "setting.updated"
    assert row.impersonator_user_id == acting.world.persons_id(ROOT)


def test_every_page_opens_or_is_refused(acting: Two) -> None:
    asked = [
        rule
        for (method, _), rule in routes(acting.world.app).items()
        if method == "GET" and rule.endpoint.startswith("portal_")
        if getattr(acting.world.app.view_functions[rule.endpoint], "level", "public") != "public"
    ]
    answers = {rule.rule: acting.root.get(address(rule)).status_code for rule in asked}
    assert {path: code for path, code in answers.items() if code not in (200, 303, 403, 404)} == {}
    assert acting.acts()


def test_an_admin_whom_support_represents_lends_no_admins_right(two: Two) -> None:
    changed(two.world, JANE, is_platform_admin=True)
    two.ask()
    two.grant()
    two.start()
    assert two.acts()
    assert two.root.get("/platform").status_code == 403


def test_nobody_asks_themselves_nor_a_disabled_account(two: Two) -> None:
    with two.world.app.app_context():
        own = db.session.scalars(sa.select(User.uid).where(User.email == ROOT)).one()
    page = f"/platform/people/{own}"
    reason = {"reason": "A good reason"}
    assert two.root.send(f"{page}/support", reason, on=two.page).status_code == 400
    changed(two.world, JANE, disabled_at=sa.func.current_timestamp())
    assert two.root.send(f"{two.page}/support", reason, on=two.page).status_code == 404


def test_a_made_up_session_of_the_kind_opens_nothing(two: Two) -> None:
    """Whoever could write a row of sessions would still lack the consent."""
    token = new_token("sup")
    with two.world.app.app_context(), transaction():
        own = db.session.scalars(
            sa.select(UserSession).where(UserSession.user_id == two.world.persons_id(JANE))
        ).first()
        assert own
        own.kind, own.token_hash = "support", token_hash(token)
    two.root.client.set_cookie(SUPPORT_COOKIE, token)
    assert not two.acts()


def test_what_it_did_is_exported_with_the_persons_data_and_nothing_names_the_admin(acting: Two) -> None:
    from app.core.personal import PARTS  # noqa: PLC0415 - the parts register when the application is there

    with acting.world.app.app_context():
        rows = PARTS["support-access"].read(acting.world.persons_id(JANE), 0, 10)
    assert [facts["reason"] for _, facts in rows] == ["You wrote that your invoices look odd"]
    with acting.world.app.app_context():
        kept = db.session.scalars(
            sa.select(AuditEvent).where(AuditEvent.impersonator_user_id.is_not(None))
        ).all()
    assert all(row.actor_user_id == acting.world.persons_id(JANE) for row in kept)
