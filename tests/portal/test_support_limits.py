"""What support never does in somebody's name, whatever was allowed."""

import re

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from app.core.db import db
from app.core.ids import new_token
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.audit.models import AuditEvent
from app.domains.sessions.models import UserSession
from app.surfaces.portal.doors import SUPPORT_COOKIE
from app.surfaces.shared.transaction import transaction
from tests.architecture.test_strangers import address
from tests.contract.endpoints import routes
from tests.portal.acting import JANE, ROOT, Two, acting, changed, two
from tests.support.world import World

__all__ = ["acting", "two"]

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
    refused = send(path, data={"csrf_token": token[1]})
    assert refused.status_code == 403
    assert "You act in the name of" in refused.text
    assert 'action="/support-access/end"' in refused.text


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
