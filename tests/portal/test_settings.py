"""The pages of settings: what each viewer may do on them, and that what is saved is in force."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.domains.accounts.models import User
from app.domains.settings import queries
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor

PAGE = "/organization/settings"


@pytest.fixture
def owner(signed_in: Visitor) -> Visitor:
    """Return Jane's visit to the organization that she has founded."""
    signed_in.send("/organizations", {"name": "Acme Corp", "slug": "acme-set"}, on="/organizations")
    return signed_in


def run(app: Flask, *statements: sa.Executable) -> None:
    with app.app_context(), transaction():
        for statement in statements:
            db.session.execute(statement)


def viewer(app: Flask) -> None:
    run(app, sa.update(Membership).values(role="viewer"))


def save(owner: Visitor, key: str, value: str, environment: str = "prod") -> int:
    path = f"{PAGE}/{key}?environment={environment}"
    return owner.send(path, {"value": value}, on=path).status_code


def test_the_tree_shows_all_and_is_searched_by_label_key_and_place(owner: Visitor) -> None:
    everything = owner.get(PAGE).text
    assert "Company name" in everything
    assert "chat.max_group_size" in everything
    assert "smtp.host" not in everything  # the platform's own
    found = owner.get(f"{PAGE}?q=COLOUR").text
    assert "branding.primary_color" in found
    assert "chat.max_group_size" not in found
    assert "No setting is called so." in owner.get(f"{PAGE}?q=zzz").text


@pytest.mark.parametrize(
    ("key", "typed", "kept"),
    [
        ("invites.expiry_days", "12", 12),
        ("chat.enabled", "off", False),
        ("localization.first_day_of_week", "sunday", "sunday"),
        ("auth.allowed_email_domains", "acme.com\r\n\r\nacme.example\r\n", ("acme.com", "acme.example")),
        ("branding.login_message", "Welcome.\nHere.", "Welcome.\nHere."),
        ("branding.primary_color", "#0A7D4F", "#0a7d4f"),
        ("localization.timezone", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_what_is_saved_is_in_force(owner: Visitor, app: Flask, key: str, typed: str, kept: object) -> None:
    assert save(owner, key, typed) == 303
    with app.app_context():
        tenant_id = db.session.scalar(sa.select(Tenant.id))
        found = queries.value(key, tenant_id=tenant_id)
    assert str(found).replace("\r\n", "\n") == str(kept)
    assert "Own" in owner.get(f"{PAGE}/{key}").text


@pytest.mark.parametrize(
    ("key", "typed", "says"),
    [
        ("invites.expiry_days", "many", "Give a whole number."),
        ("invites.expiry_days", "31", "Give 30 or less."),
        ("localization.timezone", "Berlin", "Give a time zone such as Europe/Berlin."),
        ("general.website", "javascript:alert(1)", "begins with https:// or http://"),
        ("auth.ip_allowlist", "192.0.2.0/24", "Your own address would be locked out."),
        ("general.company_name", "", "Give a name of 1 to 200 characters"),
    ],
)
def test_what_is_refused_stands_at_the_field_as_typed(
    owner: Visitor, key: str, typed: str, says: str
) -> None:
    path = f"{PAGE}/{key}?environment=prod"
    answer = owner.send(path, {"value": typed}, on=path)
    assert answer.status_code in (400, 403, 422)
    assert says in answer.text
    assert 'id="value-error"' in answer.text
    assert typed in answer.text


def test_a_value_goes_back_to_the_default_and_to_an_earlier_one(owner: Visitor) -> None:
    for value in ("12", "20"):
        save(owner, "invites.expiry_days", value)
    page = owner.get(f"{PAGE}/invites.expiry_days").text
    assert "From 12 to 20" in page
    newest, first = re.findall(r"/changes/(\d+)/revert", page)
    address = f"{PAGE}/invites.expiry_days"
    owner.send(f"{PAGE}/changes/{newest}/revert?environment=prod", on=address)
    assert "From 20 to 12" in owner.get(address).text
    owner.send(f"{address}/reset?environment=prod", on=address)
    assert "From 12 to nothing" in owner.get(address).text
    assert int(first) < int(newest)


def test_each_environment_has_its_own_where_it_says_so(owner: Visitor) -> None:
    assert save(owner, "clients.enabled", "on", "staging") == 303
    assert "On" in owner.get(f"{PAGE}/clients.enabled?environment=staging").text
    page = owner.get(f"{PAGE}/compare?source=staging&target=prod").text
    assert "1 setting differs" in page
    address = f"{PAGE}/compare?source=staging&target=prod"
    assert owner.send(address, {"keys": "clients.enabled"}, on=address).status_code == 303
    assert "0 settings differ" in owner.get(address).text
    assert "Choose at least one" in owner.send(address, {}, on=address).text


def test_what_is_locked_says_so_and_cannot_be_taken_over(owner: Visitor, app: Flask) -> None:
    save(owner, "clients.enabled", "on", "staging")
    run(
        app,
        sa.insert(SettingValue).values(key="clients.enabled", environment="prod", value=False, locked=True),
    )
    page = owner.get(f"{PAGE}/clients.enabled").text
    assert "Set by the platform" in page
    assert 'name="value"' not in page
    address = f"{PAGE}/compare?source=staging&target=prod"
    owner.send(address, {"keys": "clients.enabled"}, on=address)
    assert "has locked this setting" in owner.get(address).text


def test_a_viewer_reads_and_changes_nothing(owner: Visitor, app: Flask) -> None:
    viewer(app)
    assert "You can look at the settings." in owner.get(PAGE).text
    page = owner.get(f"{PAGE}/chat.enabled").text
    assert 'name="value"' not in page
    path = f"{PAGE}/chat.enabled?environment=prod"
    assert owner.send(path, {"value": "off"}, on="/account/privacy").status_code == 403
    assert owner.get(f"{PAGE}?environment=staging").status_code == 403


def test_another_organizations_change_is_not_there(owner: Visitor, app: Flask) -> None:
    save(owner, "invites.expiry_days", "12")
    with app.app_context(), transaction():
        other = Tenant(slug="other-set", name="Other")
        db.session.add(other)
        db.session.flush()
        db.session.execute(sa.text("UPDATE setting_changes SET tenant_id = :id"), {"id": other.id})
        change = db.session.execute(sa.text("SELECT max(id) FROM setting_changes")).scalar()
    assert owner.send(f"{PAGE}/changes/{change}/revert", on=PAGE).status_code == 404
    assert "Never changed" in owner.get(f"{PAGE}/invites.expiry_days").text


def test_a_platform_admin_sets_locks_and_frees(owner: Visitor, app: Flask) -> None:
    assert owner.get("/platform/settings").status_code == 403
    run(app, sa.update(User).values(is_platform_admin=True, two_factor_enabled_at=None))
    assert "smtp.host" in owner.get("/platform/settings").text
    path = "/platform/settings/invites.expiry_days?environment=prod"
    assert owner.send(path, {"value": "14", "is_locked": "y"}, on=path).status_code == 303
    assert "Set by the platform" in owner.get(f"{PAGE}/invites.expiry_days").text
    assert owner.send(path, {"value": "14"}, on=path).status_code == 303
    assert "Set by the platform" not in owner.get(f"{PAGE}/invites.expiry_days").text
    with app.app_context():
        uid = db.session.scalar(sa.select(Tenant.uid))
    one = f"/platform/settings/chat.enabled?environment=prod&tenant={uid}"
    assert owner.send(one, {"value": "off", "is_locked": "y"}, on=one).status_code == 303
    assert "Set by the platform" in owner.get(f"{PAGE}/chat.enabled").text
