"""API tokens in the portal: made, shown once, listed, revoked; and an organization's inventory of them."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import db
from app.domains.accounts.emails import key_of
from app.domains.accounts.models import User
from app.domains.accounts.passwords import hash_password
from app.domains.accounts.policies import accept_all
from app.domains.audit.models import AuditEvent
from app.domains.permissions.roles import Role
from app.domains.sessions import api_token_values
from app.domains.tenants.models import Membership, MembershipStatus, Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor

NEW = "/account/tokens/new"
A_TOKEN = re.compile(r"pat_[0-9A-Za-z]{32}")


def organization(visitor: Visitor) -> str:
    """Return the organization that the form for a new token proposes."""
    found = re.search(r'<option value="([0-9a-f-]{36})" selected', visitor.get(NEW).text)
    assert found
    return found[1]


def make(visitor: Visitor, **more: str) -> str:
    """Make a token and return its value."""
    wanted = {"name": "Nightly export", "scopes": "read", "environment": "prod", "expires_in_days": "90"}
    answer = visitor.send(NEW, {**wanted, "organization": organization(visitor), **more}, on=NEW)
    assert answer.status_code == 200, answer.text
    found = A_TOKEN.search(answer.text)
    assert found, answer.text
    return found[0]


def uid_of(text: str) -> str:
    found = re.search(r"/tokens/([0-9a-f-]{36})/revoke", text)
    assert found
    return found[1]


def test_who_has_none_is_told_what_they_are_for(signed_in: Visitor) -> None:
    text = signed_in.get("/account/tokens").text
    assert "No token yet" in text
    assert NEW in text


def test_a_token_is_shown_once_and_works(corp: Visitor, client: FlaskClient) -> None:
    value = make(corp)
    assert api_token_values.is_well_formed(value)
    listed = corp.get("/account/tokens").text
    assert value not in listed
    assert value[:8] in listed
    assert "Never used" in listed
    answer = client.application.test_client().get(
        "/services/platforms/v1/user/get",
        headers={"Authorization": f"Bearer {value}", "User-Agent": "curl/8"},
    )
    assert answer.get_json()["data"]["email"] == "jane@portal.example"
    used = corp.get("/account/tokens").text
    assert "Never used" not in used
    assert "curl/8" in used


def test_what_was_typed_is_kept_when_it_is_refused(corp: Visitor) -> None:
    make(corp)
    chosen = {"name": "Nightly export", "scopes": "write", "organization": organization(corp)}
    answer = corp.send(NEW, {**chosen, "environment": "staging", "expires_in_days": "30"}, on=NEW)
    assert answer.status_code == 409
    assert "You have a token of this name." in answer.text
    assert 'value="staging" selected' in answer.text
    assert 'value="30" selected' in answer.text
    assert re.search(r'value="write" checked', answer.text)
    assert not re.search(r'value="read" checked', answer.text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("scopes", ""), ("scopes", "admin"), ("organization", "x"), ("expires_in_days", "1000")],
)
def test_what_cannot_be_is_refused(corp: Visitor, field: str, value: str) -> None:
    wanted = {"name": "X", "scopes": "read", "environment": "prod", "expires_in_days": "90"}
    wanted["organization"] = organization(corp)
    answer = corp.send(NEW, {**wanted, field: value}, on=NEW)
    assert answer.status_code == 422
    assert not A_TOKEN.search(answer.text)


def test_one_without_an_organization_gets_one(signed_in: Visitor) -> None:
    wanted = {
        "name": "X",
        "scopes": "read",
        "organization": "",
        "environment": "prod",
        "expires_in_days": "90",
    }
    answer = signed_in.send(NEW, wanted, on=NEW)
    assert answer.status_code == 200
    assert "organization" in answer.text


def test_a_revoked_token_is_dead(corp: Visitor, client: FlaskClient) -> None:
    value = make(corp)
    uid = uid_of(corp.get("/account/tokens").text)
    assert corp.send(f"/account/tokens/{uid}/revoke", on="/account/tokens").status_code == 303
    assert "No token yet" in corp.get("/account/tokens").text
    bearer = {"Authorization": f"Bearer {value}"}
    answer = client.application.test_client().get("/v0/user/me", headers=bearer)
    assert answer.status_code == 401
    assert corp.send(f"/account/tokens/{uid}/revoke", on="/account/tokens").status_code == 404


# ---- the organization's inventory


def test_an_owner_sees_and_ends_everyones(corp: Visitor, app: Flask) -> None:
    member = another(app, Role.MEMBER)
    theirs = Visitor(app.test_client())
    assert theirs.sign_in(member).location == "/dashboard"
    value = make(theirs, name="Kim's script")
    shown = corp.get("/organization/tokens").text
    assert "Kim&#39;s script" in shown
    assert value not in shown
    uid = uid_of(shown)
    assert theirs.get("/organization/tokens").status_code == 403
    assert theirs.send(f"/organization/tokens/{uid}/revoke", on="/account/tokens").status_code == 403
    assert corp.send(f"/organization/tokens/{uid}/revoke", on="/organization/tokens").status_code == 303
    answer = app.test_client().get("/v0/user/me", headers={"Authorization": f"Bearer {value}"})
    assert answer.status_code == 401
    with app.app_context():
        kinds = db.session.scalars(sa.select(AuditEvent.kind).order_by(AuditEvent.id.desc())).all()
    assert str(kinds[0]) == "api_token.revoked"


def test_another_organizations_tokens_are_not_there(corp: Visitor, app: Flask) -> None:
    make(corp)
    uid = uid_of(corp.get("/account/tokens").text)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Membership).values(role=Role.OWNER))
    stranger = Visitor(app.test_client())
    assert stranger.sign_in(another(app, None)).location == "/dashboard"
    stranger.send("/organizations", {"name": "Elsewhere", "slug": "elsewhere"}, on="/organizations")
    assert "No token yet" in stranger.get("/organization/tokens").text
    for path in (f"/organization/tokens/{uid}/revoke", f"/account/tokens/{uid}/revoke"):
        assert stranger.send(path, on="/organizations").status_code == 404


def test_the_lists_ask_the_same_whatever_their_length(corp: Visitor, database: sa.Connection) -> None:
    asked: list[str] = []
    sa.event.listen(database, "before_cursor_execute", lambda *call: asked.append(call[2]))

    def cost(path: str) -> int:
        corp.get(path)
        asked.clear()
        corp.get(path)
        return len(asked)

    make(corp)
    paths = ("/account/tokens", "/organization/tokens")
    one = [cost(path) for path in paths]
    for number in range(5):
        make(corp, name=f"Token {number}")
    assert [cost(path) for path in paths] == one


def another(app: Flask, role: Role | None) -> str:
    """Make Kim, who works in the portal's organization in a role; returns the address."""
    email = "kim@portal.example"
    with app.app_context(), transaction():
        user = User(email=email, email_key=key_of(email), first_name="Kim", last_name="Lee")
        user.email_verified_at = user.password_changed_at = clock.now()
        user.password_hash = hash_password(PASSWORD)
        db.session.add(user)
        db.session.flush()
        accept_all(user, ip=None)
        tenant = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "portal-corp"))
        if role is not None:
            db.session.add(
                Membership(tenant_id=tenant, user_id=user.id, role=role, status=MembershipStatus.ACTIVE)
            )
    return email
