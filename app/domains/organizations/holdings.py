"""Every table that holds something of an organization: what its export shows of it, and whether it is erased.

A table with a ``tenant_id`` that is not named here fails a test (``tests/architecture/test_holdings.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import Base
from app.core.personal import Part, Row, rows_of
from app.domains.outlines.tables import USERS
from app.domains.settings.registry import DEFINITIONS, Type

KEPT_SETTING = "data.audit_retention_days"
"""Outlives the organization: by it the trail is pruned."""


@dataclass(frozen=True)
class Holding:
    """One table."""

    about: str = ""
    """What the export says it is; empty where it is no part of it."""
    shows: tuple[str, ...] = ()
    """Columns of the export; those that point at people show their address."""
    part: str = ""
    """The file's name, where it is not the table's."""
    hidden_because: str = ""
    kept_because: str = ""
    """Why it outlives the organization; empty for what is erased."""


_COUNTED = "counts, of which the rows themselves are in the export"
_LAW = "what was bought and paid is kept as tax law asks"
_CREDENTIAL = "only hashes of credentials are kept"
_MARKS = "marks of what was done already, of no use elsewhere"

HOLDINGS: Mapping[str, Holding] = {
    "memberships": Holding(
        "People and what they may do.",
        (
            "user_id",
            "first_name",
            "last_name",
            "job_title",
            "role",
            "profile_id",
            "status",
            "joined_at",
            "last_login_at",
            "created_at",
        ),
        part="members",
    ),
    "invitations": Holding(
        "Invitations.",
        (
            "email",
            "role",
            "profile_id",
            "status",
            "message",
            "times_sent",
            "sent_at",
            "expires_at",
            "accepted_at",
            "invited_by_id",
        ),
    ),
    "former_slugs": Holding("Short names it had before.", ("slug", "given_up_at"), part="former-short-names"),
    "access_requests": Holding(
        "What members asked for.",
        ("user_id", "wanted", "reason", "state", "asked_at", "decided_at", "decided_by_user_id", "answer"),
        part="access-requests",
    ),
    "join_requests": Holding(
        "Who asked to join.",
        ("user_id", "reason", "state", "asked_at", "decided_at", "decided_by_user_id", "answer"),
        part="join-requests",
    ),
    "ownership_offers": Holding(
        "Offers of ownership.",
        ("from_user_id", "to_user_id", "state", "offered_at", "expires_at", "answered_at"),
        part="ownership",
    ),
    "permission_profiles": Holding(
        "Permission profiles.",
        ("id", "name", "description", "permission_ids", "is_active", "created_at", "updated_at"),
        part="profiles",
    ),
    "setting_values": Holding(
        "Settings; secrets are left out.", ("key", "environment", "value", "updated_at"), part="settings"
    ),
    "setting_changes": Holding(
        "The history of settings.",
        ("key", "environment", "at", "by_id", "dialect", "before", "after"),
        part="settings-history",
    ),
    "service_users": Holding(
        "Service users.",
        ("uid", "environment", "name", "created_at", "disabled_at", "last_used_at"),
        part="service-users",
    ),
    "client_accounts": Holding(
        "Client accounts.",
        (
            "external_id",
            "environment",
            "email",
            "first_name",
            "last_name",
            "created_at",
            "disabled_at",
            "last_login_at",
        ),
        part="clients",
    ),
    "sessions": Holding(
        "Sign-ins and API tokens bound to the organization.",
        (
            "user_id",
            "kind",
            "name",
            "environment",
            "scopes",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        ),
    ),
    "tenant_domains": Holding(
        "Domains.", ("domain", "created_at", "verified_at", "checked_at"), part="domains"
    ),
    "mail_senders": Holding("The sender of mails.", ("from_name", "from_email", "reply_to"), part="sender"),
    "mail_servers": Holding(
        "The mail server, without its password.",
        ("enabled", "host", "port", "security", "username", "timeout_seconds", "tested_at", "test_ok"),
        part="mail-server",
    ),
    "mail_rules": Holding("Rules of mails.", ("tracking", "compliance", "footer"), part="mail-rules"),
    "sender_domains": Holding(
        "The sender's domain, without its private key.",
        ("domain", "dkim_selector", "dmarc_policy", "report_email", "public_key", "status", "checked_at"),
        part="sender-domain",
    ),
    "mail_deliveries": Holding(
        "Mails that were sent.",
        ("mail", "event", "address", "state", "reason", "own_server", "created_at", "ended_at"),
        part="mails",
    ),
    "mail_engagements": Holding(
        "Mails that were opened.",
        ("user_id", "event", "first_at", "opened_at", "clicked_at"),
        part="mails-opened",
    ),
    "bounced_addresses": Holding(
        "Addresses that mail came back from.", ("address_key", "reason", "at"), part="bounces"
    ),
    "storage_places": Holding(
        "Storages, without what opens them.",
        ("environment", "provider", "bucket", "region", "endpoint_url", "created_at", "replaced_at"),
        part="storages",
        kept_because="until the files in it are deleted; then storage.forget_places takes it",
    ),
    "stored_files": Holding(
        "Files, where they lie.", ("environment", "key", "size", "created_at"), part="files"
    ),
    "setup_tasks": Holding("Setup.", ("code", "status", "completed_at", "completed_by_id"), part="setup"),
    "subscriptions": Holding(
        "The plan.",
        ("plan_code", "status", "trial_started_at", "trial_ends_at", "period_start", "period_end"),
        part="subscription",
        kept_because=_LAW,
    ),
    "invoices": Holding(
        "Invoices.",
        (
            "number",
            "plan_code",
            "period_start",
            "period_end",
            "currency",
            "lines",
            "total",
            "status",
            "issued_at",
            "due_at",
        ),
        kept_because=_LAW,
    ),
    "credits": Holding("Credits.", ("currency", "amount", "at"), kept_because=_LAW),
    "audit_events": Holding(
        "The trail of what happened.",
        (
            "at",
            "kind",
            "actor_kind",
            "actor_user_id",
            "subject_type",
            "subject_id",
            "dialect",
            "ip",
            "ok",
            "changes",
        ),
        part="activity",
        kept_because="the trail is kept for data.audit_retention_days and pruned by its own job",
    ),
    "audit_exports": Holding(hidden_because="copies of the trail, which is in the export"),
    "audit_archives": Holding(
        hidden_because="which files hold the trail's days; the files are in the export"
    ),
    "call_counts": Holding(hidden_because="counts of calls, which the page about the plan shows"),
    "membership_counts": Holding(hidden_because=_COUNTED),
    "event_choices": Holding(hidden_because="each member's own choice, which is in their own export"),
    "factor_demand_notices": Holding(hidden_because=_MARKS),
    "setup_closings": Holding(hidden_because=_MARKS),
    "mailed_links": Holding(hidden_because=_CREDENTIAL),
    "tenant_exports": Holding(hidden_because="the export itself, and those before it"),
    "tenant_closings": Holding(
        hidden_because="that it is being closed is in the trail",
        kept_because="it names the step that erasing has come to, and goes with the last one",
    ),
}

_EXPORT_PARTS = sa.table("tenant_export_parts", sa.column("file_id"))
"""No file of the organization's: a copy of what is in here."""


def erased_tables() -> Sequence[sa.Table]:
    """Return what is erased, so that nothing is left pointing at what has gone."""
    known = Base.metadata.sorted_tables
    return [t for t in reversed(known) if t.name in HOLDINGS and not HOLDINGS[t.name].kept_because]


def own_rows(table: sa.Table, tenant_id: int) -> Sequence[sa.ColumnElement[bool]]:
    """Return which rows of a table are an organization's and go with it."""
    conditions = [table.c.tenant_id == tenant_id]
    if table.name == "setting_values":
        conditions.append(table.c.key != KEPT_SETTING)
    return conditions


def parts() -> Sequence[Part]:
    """Return the parts of an organization's export, in the order in which they are written."""
    return [_part(name, holding) for name, holding in HOLDINGS.items() if holding.shows]


def _part(name: str, holding: Holding) -> Part:
    table = Base.metadata.tables[name]
    single = "id" not in table.c

    def read(tenant_id: int, after: int, limit: int) -> Sequence[Row]:
        columns = [_shown(table, column) for column in holding.shows]
        query = sa.select(*columns).where(table.c.tenant_id == tenant_id)
        if name == "setting_values":
            secret = [key for key, one in DEFINITIONS.items() if one.type is Type.SECRET]
            query = query.where(table.c.key.not_in(secret))
        if name == "stored_files":
            ours = sa.case((table.c.place_id.is_(None), table.c.key))
            query = query.add_columns(ours.label("_file"), table.c.key.label("file"))
            query = query.where(table.c.id.not_in(sa.select(_EXPORT_PARTS.c.file_id)))
        if single:
            return rows_of(query, table.c.tenant_id * 0 + 1, after, limit)
        return rows_of(query, table.c.id, after, limit)

    return Part(holding.part or name, holding.about, (name,), read, single and name != "setup_tasks")


def _shown(table: sa.Table, name: str) -> sa.ColumnElement[object]:
    """Return a column as the export shows it: a person by their address."""
    if not name.endswith(("user_id", "by_id")):
        return table.c[name]
    address = sa.select(USERS.c.email).where(USERS.c.id == table.c[name]).scalar_subquery()
    return address.label(name.removesuffix("_id").removesuffix("_user") if name != "user_id" else "person")
