"""Every setting is obeyed: a test here or elsewhere shows it, or what it governs is not there yet."""

import ast
import json
from base64 import urlsafe_b64decode as b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock
from app.core.buckets import INVITATION_TOKENS, SIGN_IN_FAILURES
from app.core.db import db
from app.core.environments import Environment
from app.core.errors import ValidationFailed
from app.domains.accounts import passwords
from app.domains.auth import codes, links
from app.domains.auth.models import LinkPurpose
from app.domains.billing.models import Subscription
from app.domains.email.delivery import platform_server
from app.domains.members.models import Invitation
from app.domains.sessions import operations as sessions
from app.domains.sessions import tokens
from app.domains.sessions.models import RefreshToken, UserSession
from app.domains.settings import budgets, queries
from app.domains.settings.models import SettingValue
from app.domains.settings.registry import DEFINITIONS
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.architecture.source import ROOT
from tests.contract.endpoints import built
from tests.support.office import Office
from tests.support.service import service_user
from tests.support.world import PASSWORD, World

Check = Callable[[World], None]
HERE: dict[str, Check] = {}

ELSEWHERE = {
    "auth.allowed_email_domains": "tests/surfaces/platform_api/test_invites.py",
    "auth.code_login_enabled": "tests/abuse/test_standing_rules.py",
    "auth.email_verification_required": "tests/abuse/test_standing_rules.py",
    "auth.factor_recovery_hours": "tests/abuse/test_recovery.py",
    "auth.ip_allowlist": "tests/surfaces/api_v1/test_auth.py",
    "auth.lockout_ip_attempts": "tests/abuse/test_guessing.py",
    "auth.mfa_enforced": "tests/abuse/test_enforcement.py",
    "auth.mfa_enforced_from": "tests/abuse/test_enforcement.py",
    "auth.registration_open": "tests/surfaces/v0/test_users.py",
    "auth.session_lifetime": "tests/abuse/test_standing_rules.py",
    "auth.social_login_enabled": "tests/abuse/test_api_tokens.py",
    "account.deletion_days": "tests/domains/test_erasure.py",
    "branding.accent_color": "tests/portal/test_brand.py",
    "branding.favicon_url": "tests/portal/test_brand.py",
    "branding.login_message": "tests/portal/test_brand.py",
    "branding.logo_url": "tests/portal/test_brand.py",
    "branding.primary_color": "tests/portal/test_brand.py",
    "billing.currency": "tests/domains/test_invoices.py",
    "billing.grace_days": "tests/domains/test_invoices.py",
    "billing.invoice_due_days": "tests/domains/test_invoices.py",
    "billing.payment_instructions": "tests/domains/test_invoices.py",
    "billing.purchase_order": "tests/domains/test_invoices.py",
    "billing.seller": "tests/domains/test_invoices.py",
    "billing.tax_id": "tests/domains/test_invoices.py",
    "clients.enabled": "tests/surfaces/client_v1/test_instances.py",
    "clients.session_hours": "tests/surfaces/client_v1/test_sessions.py",
    "clients.vouched_sessions": "tests/surfaces/client_v1/test_sessions.py",
    "data.api_tokens_enabled": "tests/surfaces/services_v1/test_api_tokens.py",
    "general.legal_name": "tests/domains/test_invoices.py",
    "general.phone": "tests/domains/test_mail_rules.py",
    "general.support_email": "tests/domains/test_mail_rules.py",
    "general.website": "tests/portal/test_brand.py",
    "instance.languages": "tests/surfaces/services_v1/test_person.py",
    "instance.name": "tests/surfaces/services_v1/test_person.py",
    "localization.currency": "tests/portal/test_plan.py",
    "localization.first_day_of_week": "tests/portal/test_spans.py",
    "localization.locale": "tests/surfaces/api_v1/test_auth.py",
    "data.audit_retention_days": "tests/portal/test_audit.py",
    "storage.archive_audit": "tests/portal/test_audit.py",
    "storage.allowed_endpoints": "tests/surfaces/platform_api/test_storage.py",
    "support.staff_tenant": "tests/surfaces/services_v1/test_person.py",
    "members.domain_joining": "tests/portal/test_joining.py",
    "members.join_requests": "tests/portal/test_joining.py",
    "tenants.deletion_days": "tests/portal/test_closing.py",
    "tenants.max_owned": "tests/abuse/test_planted.py",
}
"""Where the behaviour of a key is tried, beside its neighbours."""

NOT_THERE_YET = {
    "chat.enabled": ("chat", "api_v1.chat.group"),
    "chat.max_group_size": ("chat", "api_v1.chat.group"),
    "chat.retention_days": ("chat", "api_v1.chat.group"),
    "notifications.digest_default": ("digests", "api_v1.notifications.list"),
    "notifications.digest_default_time": ("digests", "api_v1.notifications.list"),
    "notifications.retention_days": ("notices", "api_v1.notifications.list"),
    "billing.seller_country": ("taxes", "services_v1.checkout.calculate_tax"),
    "support.auto_close_days": ("support tickets", "services_v1.support.channels"),
    "support.channels": ("support tickets", "services_v1.support.channels"),
    "entities.auto_register_members": ("the entity registry", "api_v1.entities.register"),
    "entities.event_retention_days": ("platform events", "api_v1.events.write"),
    "oauth.redirect_uris": ("Google and GitHub", "v0.oauth.google_authorize"),
}
"""What a key governs, and an endpoint of that feature: once it is built, the key needs its test."""

OTHERS_FILL_IN = {}


def obeys(*keys: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        HERE.update(dict.fromkeys(keys, check))
        return check

    return register


def put(world: World, key: str, value: Any, *, slug: str | None = None) -> None:
    with world.app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug)) if slug else None
        place = str(Environment.PROD) if DEFINITIONS[key].env else ""
        db.session.add(SettingValue(key=key, value=value, tenant_id=tenant_id, environment=place))


@obeys("auth.password_min_length", "auth.password_block_common")
def new_passwords(world: World) -> None:
    common = next(word for word in sorted(passwords._common()) if len(word) >= 8)
    with world.app.app_context(), pytest.raises(ValidationFailed):
        passwords.check_new(common, least=8)
    put(world, "auth.password_block_common", False)
    put(world, "auth.password_min_length", 30)
    with world.app.app_context():
        passwords.check_new(common, least=8)
        with pytest.raises(ValidationFailed):
            passwords.check_new("a violet harbour in fog")


@obeys("auth.otp_expiry_minutes", "auth.otp_max_attempts")
def mailed_codes(world: World) -> None:
    put(world, "auth.otp_expiry_minutes", 7)
    put(world, "auth.otp_max_attempts", 3)
    with world.app.app_context():
        rules = codes.rules()
    assert rules.expires_in == timedelta(minutes=7)
    assert rules.tries == 3


@obeys("auth.session_hours", "auth.remember_days")
def sign_ins(world: World) -> None:
    world.person()
    put(world, "auth.session_hours", 2)
    put(world, "auth.remember_days", 5)
    who = {"email": "jane@world.example", "password": PASSWORD}
    for remember, wanted in ((False, timedelta(hours=2)), (True, timedelta(days=5))):
        world.done("v0.auth.login", json={**who, "remember_me": remember})
        with world.app.app_context():
            newest = sa.select(UserSession).order_by(UserSession.id.desc()).limit(1)
            made = db.session.scalars(newest).one()
            assert abs(made.expires_at - clock.now() - wanted) < timedelta(minutes=1)


@obeys("auth.refresh_days")
def refresh_tokens(world: World) -> None:
    world.person()
    put(world, "auth.refresh_days", 3)
    world.token("platform_api")
    with world.app.app_context():
        made = db.session.scalars(sa.select(UserSession)).one()
        assert made.expires_at - clock.now() < timedelta(days=3, minutes=1)


@obeys("tenants.self_service")
def opening_organizations(world: World) -> None:
    world.person()
    token = world.token("platform_api")
    put(world, "tenants.self_service", False)
    refused = world.call("platform_api.tenants.create", token=token, json={"name": "A", "slug": "a-corp"})
    assert refused.json["code"] == "tenant:self_service_off"


@obeys("billing.trial_days", "billing.trial_plan")
def trials(world: World) -> None:
    put(world, "billing.trial_days", 3)
    put(world, "billing.trial_plan", "enterprise")
    world.organization(world.person())
    with world.app.app_context():
        made = db.session.scalars(sa.select(Subscription)).one()
        assert made.plan_code == "enterprise"
        assert made.trial_ends_at is not None
        assert abs(made.trial_ends_at - clock.now() - timedelta(days=3)) < timedelta(minutes=5)


@obeys("billing.billing_email")
def invoices_address(world: World) -> None:
    world.organization(world.person())
    token, key = world.scoped_token(), {"key": "billing.billing_email"}
    world.done("platform_api.configs.update", token=token, path=key, json={"value": "pay@world.example"})
    assert world.done("platform_api.tenant.info", token=token)["billing_email"] == "pay@world.example"


@obeys("localization.timezone", "localization.date_format", "localization.time_format")
def dates(world: World) -> None:
    world.organization(world.person())
    put(world, "localization.date_format", "DD/MM/YYYY", slug="world-corp")
    put(world, "localization.time_format", "12h", slug="world-corp")
    put(world, "localization.timezone", "Asia/Tokyo", slug="world-corp")
    with world.app.app_context():
        tenant_id = db.session.scalar(sa.select(Tenant.id)) or 0
        assert queries.house_style(tenant_id) == ("DD/MM/YYYY", "12h")
    me = world.done("api_v1.tenants.me", token=world.scoped_token())["data"]
    assert me["timezone"] == "Asia/Tokyo"


@obeys("instance.logo_url", "instance.support_email", "billing.currencies")
def the_instance(world: World) -> None:
    put(world, "instance.logo_url", "https://host.example/logo.png")
    put(world, "instance.support_email", "help@host.example")
    put(world, "billing.currencies", ["CHF"])
    told = world.call("services_v1.platforms.info").text
    assert "https://host.example/logo.png" in told
    assert "help@host.example" in told
    assert "CHF" in told


@obeys("limits.requests_per_minute")
def calls(world: World) -> None:
    put(world, "limits.requests_per_minute", 777)
    world.organization(world.person())
    answer = world.call("platform_api.tenant.info", token=world.scoped_token())
    assert "777" in " ".join(value for name, value in answer.headers if name.startswith("RateLimit"))


@obeys("general.industry", "general.company_size")
def shown_to_admins(world: World) -> None:
    world.organization(world.person())
    put(world, "general.industry", "Shipbuilding", slug="world-corp")
    put(world, "general.company_size", "51-200", slug="world-corp")
    values = world.done("api_v1.org_settings.list", token=world.scoped_token())["data"]
    assert (values["general.industry"], values["general.company_size"]) == ("Shipbuilding", "51-200")


@obeys("invites.expiry_days")
def invitations(world: World) -> None:
    world.organization(world.person())
    put(world, "invites.expiry_days", 3, slug="world-corp")
    body = {"email": "kim@world.example", "role": "member"}
    world.done("platform_api.invites.create", token=world.scoped_token(), json=body)
    with world.app.app_context():
        ends = db.session.scalar(sa.select(Invitation.expires_at))
        assert ends is not None
        assert abs(ends - clock.now() - timedelta(days=3)) < timedelta(minutes=5)


@obeys("auth.lockout_attempts")
def guesses(world: World) -> None:
    world.person()
    put(world, "auth.lockout_attempts", 3)
    who = {"email": "jane@world.example", "password": "wrong"}
    told = [world.call("v0.auth.login", json=who).status_code for _ in range(4)]
    assert told == [401, 401, 401, 429]


@obeys("limits.per_ip_factor")
def calls_from_one_address(world: World) -> None:
    put(world, "limits.per_ip_factor", 7)
    with world.app.app_context():
        rules = budgets.rules_of(INVITATION_TOKENS)
    assert [rule.limit for rule in rules] == [7 * rule.limit for rule in INVITATION_TOKENS.rules]


@obeys("general.company_name")
def names(world: World) -> None:
    world.organization(world.person())
    token, key = world.scoped_token(), {"key": "general.company_name"}
    world.done("platform_api.configs.update", token=token, path=key, json={"value": "Other Corp"})
    assert world.done("platform_api.tenant.info", token=token)["name"] == "Other Corp"
    assert world.done("api_v1.tenants.me", token=token)["data"]["name"] == "Other Corp"


@obeys("auth.lockout_minutes")
def pauses(world: World) -> None:
    put(world, "auth.lockout_minutes", 2)
    with world.app.app_context():
        assert {rule.seconds for rule in budgets.rules_of(SIGN_IN_FAILURES)} == {120}


@obeys("auth.step_up_minutes")
def proofs(world: World) -> None:
    put(world, "auth.step_up_minutes", 3)
    with world.app.app_context():
        assert sessions.step_up_window() == timedelta(minutes=3)


@obeys("auth.refresh_reuse_seconds")
def second_uses(world: World) -> None:
    rotated = RefreshToken(rotated_at=clock.now() - timedelta(seconds=20))
    with world.app.app_context():
        assert tokens.is_reuse(rotated, clock.now())
    put(world, "auth.refresh_reuse_seconds", 30)
    with world.app.app_context():
        assert not tokens.is_reuse(rotated, clock.now())


@obeys("auth.reset_expiry_minutes", "auth.verification_expiry_hours")
def mailed_links(world: World) -> None:
    put(world, "auth.reset_expiry_minutes", 11)
    put(world, "auth.verification_expiry_hours", 2)
    with world.app.app_context():
        assert links.life(LinkPurpose.PASSWORD_RESET) == timedelta(minutes=11)
        assert links.life(LinkPurpose.VERIFY_EMAIL) == timedelta(hours=2)


@obeys("auth.new_sign_in_alerts")
def alerts(world: World) -> None:
    world.person()
    world.token("v0")  # the first device of all is no news
    put(world, "auth.new_sign_in_alerts", False)
    who = {"email": "jane@world.example", "password": PASSWORD}
    elsewhere = {"User-Agent": "Mozilla/5.0 (Macintosh) Safari/605"}
    world.app.test_client().post("/v0/auth/login", json=who, headers=elsewhere)
    world.keep_promises()
    assert [mail.subject for mail in world.sent if "sign-in" in mail.subject.lower()] == []


@obeys("members.default_role", "members.default_profile_id")
def new_people(world: World) -> None:
    world.organization(world.person())
    put(world, "members.default_role", "viewer", slug="world-corp")
    put(world, "members.default_profile_id", 7, slug="world-corp")
    body = {"email": "kim@world.example", "firstName": "Kim", "lastName": "Low"}
    made = world.done("api_v1.users.create", token=world.token("api_v1"), json=body)["data"]
    assert (made["role"], made["profileId"]) == ("viewer", 7)


@obeys("instance.region")
def places(world: World) -> None:
    put(world, "instance.region", "Moon")
    _, payload, _ = service_user(world).token.split(".")
    assert json.loads(b64decode(payload + "=="))["reg"] == "moon"


@obeys("smtp.host", "smtp.port", "smtp.security", "smtp.username", "smtp.password")
def the_instances_server(world: World) -> None:
    values = {"host": "mail.acme.example", "port": 2525, "security": "tls", "username": "portico"}
    for name, value in values.items():
        put(world, f"smtp.{name}", value)
    world.person(admin=True)
    secret = {"value": "a mail password"}
    token = world.token("platform_api")
    world.done("platform_api.admin.update_config", token=token, path={"key": "smtp.password"}, json=secret)
    with world.app.app_context():
        server = platform_server()
    assert (server.host, server.port, server.security) == ("mail.acme.example", 2525, "tls")
    assert (server.username, server.password) == ("portico", "a mail password")


@obeys("notifications.email_enabled")
def optional_mail(world: World) -> None:
    office = Office(world)
    put(world, "notifications.email_enabled", False, slug="world-corp")
    office.write()
    assert world.sent == []
    office.write_what_must_be()
    assert len(world.sent) == 1


@pytest.mark.parametrize("check", dict.fromkeys(HERE.values()), ids=lambda check: check.__name__)
def test_the_value_changes_what_happens(world: World, check: Check) -> None:
    check(world)


def test_every_key_is_tried_or_governs_what_is_not_there_yet() -> None:
    known = [HERE, ELSEWHERE, NOT_THERE_YET, OTHERS_FILL_IN]
    told = [key for table in known for key in table]
    assert sorted(told) == sorted(set(told)), "in two tables"
    assert set(told) == set(DEFINITIONS)


def words(path: Path) -> frozenset[str]:
    """Return the texts that a file's code names; a docstring tries nothing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return frozenset(str(node.value) for node in texts)


def test_what_is_tried_elsewhere_is_tried_there() -> None:
    named = {path: words(ROOT / path) for path in set(ELSEWHERE.values())}
    assert {key: path for key, path in ELSEWHERE.items() if key not in named[path]} == {}


def test_what_is_not_there_yet_is_not_built(app: Flask) -> None:
    there = built(app)
    assert {key: feature for key, (feature, endpoint) in NOT_THERE_YET.items() if endpoint in there} == {}
