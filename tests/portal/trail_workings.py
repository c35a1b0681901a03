"""What its owner sets of how an organization works in the portal, and what each leaves in the trail."""

import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from app.core.db import db
from app.core.environments import Environment
from app.core.secrets import seal
from app.core.settings import current_settings, use_settings
from app.domains.storage import stores
from app.domains.storage.models import Provider, StoragePlace
from app.domains.tenants.models import Tenant
from app.surfaces.shared.transaction import transaction
from tests.portal.trail_steps import Desk, Story
from tests.support.members import join
from tests.support.service import put, service_user
from tests.support.world import World

OWNER, SAM = "jane@world.example", "sam@world.example"
HOME = "/organization"


def set_up(world: World) -> None:
    world.organization(world.person(OWNER))
    join(world, SAM)
    put(world, "clients.enabled", True)


WORKINGS = Story(set_up)
step = WORKINGS.step

# ---- settings

SETTINGS = f"{HOME}/settings"
SETTING = f"{SETTINGS}/<string:key>"
WEBSITE = f"{SETTINGS}/general.website"
step(SETTING, "setting.updated", on=WEBSITE, who=OWNER, value="https://acme.example")
step(f"{SETTING}/reset", "setting.updated", on=WEBSITE, who=OWNER)
step(f"{SETTINGS}/changes/<int:change_id>/revert", "setting.updated", on=WEBSITE, who=OWNER)
COMPARE = f"{SETTINGS}/compare"
step(
    COMPARE,
    "setting.updated",
    first=lambda desk: put(desk.world, "clients.session_hours", 24, environment="staging"),
    on=f"{COMPARE}?source=staging&target=prod",
    who=OWNER,
    keys=["clients.session_hours"],
)
step(
    f"{HOME}/security",
    "setting.updated",
    "setting.updated",
    on=f"{HOME}/security",
    who=OWNER,
    demand="day",
    day="2099-01-01",
)

# ---- set-up

SETUP = f"{HOME}/setup"
step(f"{SETUP}/tasks/<string:task_code>", "setup.task_updated", on=SETUP, who=OWNER)
step(f"{SETUP}/check", "setup.auto_checked", on=SETUP, who=OWNER)


def everything(desk: Desk) -> None:
    text = desk.browser(OWNER).get(SETUP).text
    for path in sorted(set(re.findall(rf'action="({SETUP}/tasks/\w+)"', text))):
        desk.post(path, on=SETUP, who=OWNER, status="completed")


step(f"{SETUP}/complete", "setup.completed", first=everything, on=SETUP, who=OWNER)

# ---- mail

EMAIL = f"{HOME}/email"
SERVER = {"host": "127.0.0.1", "port": "9", "security": "none", "timeout_seconds": "5"}


def within_reach(_desk: Desk) -> None:
    networks = (ip_network("127.0.0.0/8"),)
    use_settings(replace(current_settings(), outbound_networks=networks, outbound_ports="any"))


step(
    f"{EMAIL}/server",
    "email_settings.smtp_updated",
    first=within_reach,
    on=f"{EMAIL}/server",
    who=OWNER,
    **SERVER,
)
step(f"{EMAIL}/server/test", "email_settings.smtp_tested", on=f"{EMAIL}/server", who=OWNER)
step(f"{EMAIL}/sender", "email_settings.sender_updated", on=f"{EMAIL}/sender", who=OWNER, from_name="Acme")
step(
    f"{EMAIL}/tracking",
    "email_settings.tracking_updated",
    on=f"{EMAIL}/tracking",
    who=OWNER,
    open_tracking="y",
)
step(
    f"{EMAIL}/compliance",
    "email_settings.compliance_updated",
    on=f"{EMAIL}/compliance",
    who=OWNER,
    company_name="Acme",
)
step(
    f"{EMAIL}/footer",
    "email_settings.footer_updated",
    on=f"{EMAIL}/footer",
    who=OWNER,
    enabled="y",
    text="Acme Corp",
)
DOMAIN = f"{EMAIL}/domain"
step(DOMAIN, "email_settings.deliverability_updated", on=DOMAIN, who=OWNER, domain="acme.example")
step(f"{DOMAIN}/check", none="looks the records up again, which their age would do too", on=DOMAIN, who=OWNER)
step(f"{DOMAIN}/rotate", "email_settings.deliverability_updated", on=DOMAIN, who=OWNER)


def elsewhere(desk: Desk) -> None:
    """Let files be kept in a bucket, so that they can come back."""
    with desk.world.app.app_context(), transaction():
        tenant_id = db.session.scalars(sa.select(Tenant.id)).one()
        place = {"tenant_id": tenant_id, "environment": Environment.PROD, "provider": Provider.S3}
        db.session.add(
            StoragePlace(**place, bucket="acme-files", credentials=seal("{}", stores.seal_context(tenant_id)))
        )


step(f"{HOME}/storage", "storage.updated", first=elsewhere, on=f"{HOME}/storage", who=OWNER, provider="LOCAL")

# ---- programs and clients

USERS, CLIENTS = f"{HOME}/service-users", f"{HOME}/clients"
USER = f"{USERS}/<uuid:service_user_uid>"
step(USERS, "service_user.created", on=USERS, who=OWNER, name="web-shop")


def rotating(desk: Desk) -> str:
    found = re.search(rf'href="({USERS}/[0-9a-f-]+/rotate)', desk.browser(OWNER).get(USERS).text)
    assert found
    return found[1]


step(f"{USER}/rotate", "service_user.password_rotated", on=rotating, who=OWNER)
step(f"{USER}/disable", "service_user.disabled", on=USERS, who=OWNER)
step(f"{USER}/enable", "service_user.enabled", on=USERS, who=OWNER)
step(f"{USER}/delete", "service_user.deleted", on=USERS, who=OWNER)
NEW_CLIENT = {
    "email": "new_client@client.com",
    "first_name": "New",
    "last_name": "Client",
    "external_id": str(uuid4()),
    "password": "new_client",
}
ONE = f"{CLIENTS}/{NEW_CLIENT['external_id']}"
CLIENT = f"{CLIENTS}/<uuid:external_id>"
step(f"{CLIENTS}/new", "client.created", on=f"{CLIENTS}/new", who=OWNER, **NEW_CLIENT)


def client_with_a_session(name: str) -> Any:
    """Return what lets a client sign up by a program, which opens a session of theirs."""

    def sign_up(desk: Desk) -> None:
        user = service_user(desk.world)
        desk.kept[name], _token = user.client(f"{name}@client.com")

    return sign_up


def page_of(name: str) -> Any:
    return lambda desk: f"{CLIENTS}/{desk.kept[name]}"


step(
    f"{CLIENT}/sessions/<uuid:session_uid>/end",
    "client.session_revoked",
    first=client_with_a_session("ana"),
    on=page_of("ana"),
    who=OWNER,
)
step(
    f"{CLIENT}/sessions/end",
    "client.sessions_revoked",
    first=client_with_a_session("ben"),
    on=page_of("ben"),
    who=OWNER,
)
step(f"{CLIENT}/status/<string:status>", "client.disabled", on=ONE, who=OWNER)
step(f"{CLIENT}/delete", "client.deleted", on=ONE, who=OWNER)

# ---- tokens of members, the trail, the plan


def token_of_sam(desk: Desk) -> None:
    new = "/account/tokens/new"
    assert desk.send(new, on=new, who=SAM, typed={"name": "Mine", "scopes": ["read"]}).status_code < 400


step(
    f"{HOME}/tokens/<uuid:token_uid>/revoke",
    "api_token.revoked",
    first=token_of_sam,
    on=f"{HOME}/tokens",
    who=OWNER,
)
AUDIT = f"{HOME}/audit"
step(f"{AUDIT}/exports", "audit.export_requested", on=AUDIT, who=OWNER)
step(f"{AUDIT}/exports/<uuid:export_uid>/download", "audit.export_downloaded", on=AUDIT, who=OWNER)
PLAN = f"{HOME}/plan"
step(f"{PLAN}/billing-email", "setting.updated", on=PLAN, who=OWNER, value="invoices@acme.example")
step(f"{PLAN}/<string:code>", "subscription.changed", "invoice.issued", on=f"{PLAN}/pro", who=OWNER)

# ---- more organizations, and the end of one

step(
    "/organizations",
    "tenant.created",
    "subscription.trial_started",
    "session.tenant_selected",
    on="/organizations",
    who=SAM,
    name="Sam's own",
)
step("/organizations/<uuid:tenant_uid>/select", "session.tenant_selected", on="/organizations", who=SAM)
SHORT_NAME = f"{HOME}/short-name"
step(SHORT_NAME, "tenant.slug_changed", on=SHORT_NAME, who=OWNER, slug="acme-corp", confirmation="world-corp")
CLOSING = f"{HOME}/closing"
step(f"{CLOSING}/exports", "tenant.export_requested", on=CLOSING, who=OWNER)
step(f"{CLOSING}/exports/<uuid:export_uid>/download", "tenant.export_downloaded", on=CLOSING, who=OWNER)
step(f"{CLOSING}/close", "tenant.closing_requested", on=CLOSING, who=OWNER, name="World Corp")
step(f"{CLOSING}/keep", "tenant.closing_cancelled", on=CLOSING, who=OWNER)
