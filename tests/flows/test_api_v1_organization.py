"""Flows of api_v1 about an organization: its people, its settings and mail, the way to readiness."""

from typing import Any
from uuid import UUID

import pytest

from tests.flows.test_api_v1 import LOGIN, ME, NOBODY, PASSWORD, founded, login
from tests.support.authenticator import other_than
from tests.support.calls import Caller
from tests.support.live import LiveInstance
from tests.support.office import ADDRESS
from tests.support.portal_http import PortalVisit
from tests.support.second_factor import set_up

pytestmark = pytest.mark.live

USERS, MAIL, SETTINGS, SETUP = (
    "api_v1.users.",
    "api_v1.email_settings.",
    "api_v1.org_settings.",
    "api_v1.setup.",
)
JANES = "janes-password"
SECRET = "s3cret-value"


def someone(slug: str, name: str, password: str) -> dict[str, str]:
    """Return what somebody of an organization signs in with."""
    return {"email": f"{name}@{slug}.example", "password": password, "tenantSlug": slug}


def invited(
    live: LiveInstance, caller: Caller, bearer: str, slug: str, name: str, password: str, **more: Any
) -> int:
    """Invite somebody, who accepts with a password; returns their number."""
    email = f"{name}@{slug}.example"
    person = {"email": email, "firstName": name.title(), "lastName": "Roe", "role": "user", **more}
    number = caller.good(USERS + "create", bearer=bearer, **person)["data"]["id"]
    token = live.mail.token_for(email, subject="invites you")
    caller.good(USERS + "accept_invitation", token=token, password=password)
    return int(number)


def test_member_lifecycle(live: LiveInstance, caller: Caller) -> None:
    """Leaves out chat (api_v1.chat.*), so what is left of the erased person is not seen here."""
    slug = founded(caller, "lifecycle-corp")
    owner, who = login(caller, slug)["accessToken"], someone(slug, "jane", JANES)
    profiles = caller.good(USERS + "profiles", bearer=owner)["data"]
    assert 1 in [profile["id"] for profile in profiles if profile["isSystem"]]
    create, accept = USERS + "create", USERS + "accept_invitation"
    jane = {"email": who["email"], "firstName": "Jane", "lastName": "Doe", "role": "user"}
    made = caller.good(create, bearer=owner, **jane, profileId=1)["data"]
    number = made["id"]
    assert made["status"] == "invited"
    first = live.mail.token_for(who["email"], subject="invites you")
    again = {**jane, "email": who["email"].replace("jane", "JANE")}
    caller.refused(create, "409 member:already_member", bearer=owner, **again)
    caller.good(USERS + "resend_invitation", bearer=owner, id=number)
    second = live.mail.token_for(who["email"], subject="invites you", count=2)
    caller.refused(accept, "404 invitation:not_found", token=first, password=JANES)
    assert caller.good(accept, token=second, password=JANES)["data"]["user"]["status"] == "active"
    opened = caller.good(LOGIN, **who)["data"]
    assert opened["user"]["role"] == "user"
    bearer = opened["accessToken"]
    found = caller.good(USERS + "list", bearer=bearer, search="jane", status="active")
    assert (found["meta"]["total"], found["data"][0]["id"]) == (1, number)
    assert caller.good(USERS + "deactivate", bearer=owner, id=number)["data"]["status"] == "inactive"
    caller.refused(ME, NOBODY, bearer=bearer)
    caller.refused(LOGIN, "403 auth:membership_inactive", **who)
    assert caller.good(USERS + "activate", bearer=owner, id=number)["data"]["status"] == "active"
    bearer = caller.good(LOGIN, **who)["data"]["accessToken"]
    changed = {"lastName": "Roe", "role": "manager"}
    assert caller.good(USERS + "update", bearer=owner, id=number, **changed)["data"]["role"] == "manager"
    seen = caller.good(USERS + "get", bearer=bearer, id=number)["data"]
    assert {name: seen[name] for name in changed} == changed
    erased = caller.good(USERS + "delete_permanent", bearer=owner, id=number)["data"]
    assert (erased["deleted"], erased["personErased"]) == (True, True)
    caller.refused(USERS + "get", "404 member:not_found", bearer=owner, id=number)
    caller.refused(LOGIN, "401 auth:invalid_credentials", **who)
    assert caller.good(create, bearer=owner, **jane)["data"]["id"] != number


def test_guard_rails(live: LiveInstance, caller: Caller) -> None:
    slug, beta = founded(caller, "guarded-corp"), founded(caller, "beta-corp")
    opened = login(caller, slug)
    owner, owner_id = opened["accessToken"], opened["user"]["userId"]
    update, deactivate = USERS + "update", USERS + "deactivate"
    fixed, outranked = "403 member:owner_fixed", "403 member:outranks_you"
    caller.refused(update, fixed, bearer=owner, id=owner_id, role="user")
    caller.refused(deactivate, fixed, bearer=owner, id=owner_id)
    max_id = invited(live, caller, owner, slug, "max", "maxs-password", role="manager")
    manager = caller.good(LOGIN, **someone(slug, "max", "maxs-password"))["data"]["accessToken"]
    above = {"email": f"x@{slug}.example", "firstName": "X", "lastName": "Y", "role": "tenant_admin"}
    caller.refused(USERS + "create", "403 member:role_above_own", bearer=manager, **above)
    caller.refused(update, outranked, bearer=manager, id=owner_id, lastName="Hacked")
    caller.refused(deactivate, "403 auth:role_required", bearer=manager, id=owner_id)
    raised = caller.good(update, bearer=owner, id=max_id, role="tenant_admin")["data"]
    assert (raised["role"], raised["isOwner"]) == ("tenant_admin", False)
    caller.refused(deactivate, fixed, bearer=manager, id=owner_id)
    caller.refused(USERS + "delete_permanent", "409 member:self_forbidden", bearer=manager, id=max_id)
    eve = login(caller, beta)["accessToken"]
    assert caller.good("api_v1.tenants.me", bearer=eve)["data"]["slug"] == beta
    caller.refused(USERS + "get", "404 member:not_found", bearer=eve, id=max_id)
    foreign = {**someone(beta, "admin", PASSWORD), "tenantSlug": slug}
    caller.refused(LOGIN, "401 auth:invalid_credentials", **foreign)


def test_organization_and_email_setup(live: LiveInstance, caller: Caller) -> None:
    slug = founded(caller, "mailing-corp")
    owner = login(caller, slug)["accessToken"]
    settings_of_an_organization(caller, owner, slug)
    own_mail_server(live, caller, owner, f"admin@{slug}.example")
    rules_of_mail(live, caller, owner)
    status = caller.good(MAIL + "status", bearer=owner)["data"]
    ok = {check["code"]: check["ok"] for check in status["checks"]}
    assert (ok["smtp"], ok["sender"], ok["compliance"]) == (True, True, True)
    assert status["sendsThrough"] == "tenant"


def settings_of_an_organization(caller: Caller, owner: str, slug: str) -> None:
    green, colour = "#0a7d4f", "branding.primary_color"
    assert caller.good(SETTINGS + "list", bearer=owner)["data"]["general.company_name"] == "Acme Corp"
    own = caller.good(SETTINGS + "update", bearer=owner, key=colour, value=green)["data"]
    assert (own["value"], own["isDefault"]) == (green, False)
    caller.refused(SETTINGS + "update", "400 validation", bearer=owner, key=colour, value="greenish")
    assert caller.good(SETTINGS + "get", bearer=owner, key=colour)["data"]["value"] == green
    branding = caller.good(SETTINGS + "by_category", bearer=owner, category="branding")["data"]
    assert colour in str(branding)
    assert "general." not in str(branding)
    assert caller.good("api_v1.tenants.by_slug", slug=slug)["data"]["primaryColor"] == green


def own_mail_server(live: LiveInstance, caller: Caller, owner: str, email: str) -> None:
    status = caller.good(MAIL + "status", bearer=owner)["data"]
    ok = {check["code"]: check["ok"] for check in status["checks"]}
    assert (ok["smtp"], ok["compliance"]) == (False, False)
    caller.refused(MAIL + "smtp_test", "409 email:smtp_not_configured", bearer=owner)
    server = {"host": "127.0.0.1", "port": int(live.settings["SMTP_PORT"]), "security": "none"}
    saved = caller.good(MAIL + "smtp_put", bearer=owner, username="mailer", password=SECRET, **server)
    assert saved["data"]["passwordSet"] is True
    assert SECRET not in str(saved)
    shown = caller.good(MAIL + "smtp_get", bearer=owner)["data"]
    assert shown["passwordSet"] is True
    assert "password" not in shown
    moved = caller.refused(MAIL + "smtp_put", "400 validation", bearer=owner, host="smtp.attacker.example")
    assert "password" in moved.json()["error"]["details"]
    tried = caller.good(MAIL + "smtp_test", bearer=owner)["data"]
    assert tried["ok"] is True, tried
    assert [step["name"] for step in tried["steps"]] == ["resolve", "connect", "plain", "auth", "send"]
    live.mail.wait_for(email, subject="Test from")


def rules_of_mail(live: LiveInstance, caller: Caller, owner: str) -> None:
    sender = {"fromName": "Acme", "fromEmail": "hello@acme.com", "replyTo": "support@acme.com"}
    caller.good(MAIL + "sender_put", bearer=owner, **sender)
    assert caller.good(MAIL + "sender_get", bearer=owner)["data"]["replyTo"] == "support@acme.com"
    caller.good(MAIL + "tracking_put", bearer=owner, openTracking=True, clickTracking=True)
    assert caller.good(MAIL + "tracking_get", bearer=owner)["data"]["openTracking"] is True
    law = {"canSpam": {"enabled": True, "companyName": "Acme Corp", "address": ADDRESS}}
    assert caller.good(MAIL + "compliance_put", bearer=owner, **law)["data"]["canSpam"]["complete"] is True
    assert caller.good(MAIL + "compliance_get", bearer=owner)["data"]["unsubscribe"]["oneClick"] is True
    footer = {"enabled": True, "text": "Sent by Acme <script>x</script>"}
    assert "<script" not in caller.good(MAIL + "footer_put", bearer=owner, **footer)["data"]["html"]
    assert caller.good(MAIL + "footer_get", bearer=owner)["data"]["enabled"] is True
    named = caller.call(MAIL + "deliverability_put", bearer=owner, domain="acme.com", dkimSelector="mail")
    assert [record["type"] for record in named.json()["data"]["records"]] == ["SPF", "DKIM", "DMARC"]
    assert "PRIVATE" not in named.text
    live.move_clock(5)
    again = caller.good(MAIL + "deliverability_get", bearer=owner, refresh=True)["data"]
    assert again["checkedAt"] > named.json()["data"]["checkedAt"]
    for call in ("track_open", "track_click", "unsubscribe"):
        caller.refused(f"api_v1.web.{call}", "404 web:link_invalid", token="tampered")


def test_setup_dashboard_health(live: LiveInstance, caller: Caller) -> None:
    """Leaves out the dashboard (api_v1.me.*) and the health of parts (api_v1.health.system, .services)."""
    slug = founded(caller, "setup-corp")
    owner = login(caller, slug)["accessToken"]
    begun = caller.good(SETUP + "get", bearer=owner)["data"]
    assert begun["status"] == "in_progress"
    pending = caller.refused(SETUP + "complete", "409 setup:required_pending", bearer=owner)
    required = pending.json()["error"]["details"]["tasks"]
    assert "company_profile" in required
    update = SETUP + "task_update"
    by_hand = caller.good(update, bearer=owner, taskCode="review_policies", status="completed")
    assert by_hand["data"]["task"]["status"] == "completed"
    skip = {"taskCode": "company_profile", "status": "skipped"}
    caller.refused(update, "409 setup:task_required", bearer=owner, **skip)
    unknown = {"taskCode": "nothing_such", "status": "completed"}
    caller.refused(update, "404 setup:task_not_found", bearer=owner, **unknown)
    caller.good(
        "api_v1.auth.verify_email", token=live.mail.token_for(f"admin@{slug}.example", subject="Confirm")
    )
    told = {"general.website": "https://acme.com", "general.support_email": "support@acme.com"}
    for key, value in told.items():
        caller.good(SETTINGS + "update", bearer=owner, key=key, value=value)
    checked = caller.good(SETUP + "auto_check", bearer=owner)["data"]
    assert {"company_profile", "verify_owner_email"} <= {one["code"] for one in checked["changed"]}
    now = caller.good(SETUP + "get", bearer=owner)["data"]
    assert now["progress"]["percent"] > begun["progress"]["percent"]
    for code in required:
        caller.good(update, bearer=owner, taskCode=code, status="completed")
    assert caller.good(SETUP + "complete", bearer=owner)["data"]["status"] == "completed"
    assert caller.good("api_v1.health.check")["data"]["database"]["status"] == "up"


def test_second_factor_and_disabled_account(live: LiveInstance, caller: Caller) -> None:
    slug, root = founded(caller, "factor-corp"), "root@factor-corp.example"
    who = {"email": f"admin@{slug}.example", "tenantSlug": slug}
    caller.good("api_v1.auth.verify_email", token=live.mail.token_for(who["email"], subject="Confirm"))
    factor = set_up(live, caller, login(caller, slug)["accessToken"])
    caller.refused(LOGIN, "401 auth:invalid_credentials", **who, password="wrong-password")
    for _ in range(11):  # no failed sign-in is counted
        caller.refused(LOGIN, "401 auth:two_factor_required", **who, password=PASSWORD)
    bad = {"password": PASSWORD, "twoFactorCode": other_than(live.totp(factor.secret))}
    caller.refused(LOGIN, "401 two_factor:code_invalid", **who, **bad)
    right = {"password": PASSWORD, "twoFactorCode": live.totp(factor.secret, 1)}
    owner = caller.good(LOGIN, **who, **right)["data"]["accessToken"]
    caller.refused(LOGIN, "401 two_factor:code_invalid", **who, **right)
    caller.good(LOGIN, **who, password=PASSWORD, twoFactorCode=factor.backup_codes[0])
    assert live.mail.wait_for(who["email"], subject="backup code was used")
    caller.good(SETTINGS + "update", bearer=owner, key="auth.mfa_enforced", value=True)
    caller.good(ME, bearer=owner)
    invited(live, caller, owner, slug, "kim", "kims-password")
    kim = someone(slug, "kim", "kims-password")
    caller.refused(LOGIN, "403 two_factor:setup_required", **kim)
    live.flask("create-admin", root, "--password", PASSWORD)
    disable(live, caller, root, kim["email"])
    wrong = {**kim, "password": "wrong-password"}
    caller.refused(LOGIN, "401 auth:invalid_credentials", **wrong)
    caller.refused(LOGIN, "403 auth:account_disabled", **kim)


def disable(live: LiveInstance, caller: Caller, root: str, email: str) -> None:
    """Disable somebody's account on the page of a platform admin."""
    a = caller.good("platform_api.auth.login", email=root, password=PASSWORD)["access_token"]
    (found,) = caller.good("platform_api.admin.list_users", bearer=a, email=email)["items"]
    person = f"/platform/people/{UUID(found['id'].removeprefix('usr_'))}"
    with PortalVisit(live.url) as visit:
        visit.sign_in(root, PASSWORD)
        done = visit.send(f"{person}/disable", {"email": email, "reason": "Asked for"}, on=person)
    assert "The account is disabled" in done.text
