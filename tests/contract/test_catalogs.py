"""The names of the catalogs and their homes in the code are the same, both ways."""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import jinja2
import pytest
from flask import Flask

import app as product
from app.core import jobs
from app.core.buckets import BUCKETS
from app.core.environments import Environment
from app.core.errors import AppError
from app.core.permissions import PERMISSIONS, Permission
from app.core.reserved_words import RESERVED_WORDS
from app.domains.accounts import handles
from app.domains.audit.kinds import PUBLIC, AuditKind
from app.domains.email import definitions, mails
from app.domains.email.definition import COMMON
from app.domains.email.rendering import render
from app.domains.notifications.events import AREAS, EVENTS
from app.domains.permissions.roles import (
    PROJECT_PERMISSIONS,
    SYSTEM_PROFILES,
    ProjectPermission,
    Role,
)
from app.domains.settings.registry import CATEGORIES, DEFINITIONS, Type
from app.domains.settings.validation import validate
from app.domains.tenants import slugs
from tests.contract.catalog import CATALOG

pytestmark = pytest.mark.once


MAILS = {mail["name"]: mail for mail in CATALOG["mail_templates"]}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


# ---- rights ----


def test_permissions_have_the_catalogs_numbers_and_words() -> None:
    ours = [
        {"id": d.id, "code": str(code), "module": d.module, "label": d.label, "portal": d.portal}
        for code, d in PERMISSIONS.items()
    ]
    assert ours == [{"portal": False, **entry} for entry in CATALOG["permissions"]]
    assert set(PERMISSIONS) == set(Permission)


def test_roles_have_the_catalogs_rank_and_base() -> None:
    everything = {entry["code"] for entry in CATALOG["permissions"]}
    wanted = {
        entry["role"]: (entry["rank"], everything if entry["base"] == "*" else set(entry["base"]))
        for entry in CATALOG["roles"]
    }
    assert {str(role): (role.rank, {str(p) for p in role.base}) for role in Role} == wanted


def test_system_profiles_are_the_catalogs() -> None:
    ours = [
        {
            "id": profile.id,
            "code": profile.code,
            "name": profile.name,
            "description": profile.description,
            "permissions": {str(p) for p in profile.permissions},
        }
        for profile in SYSTEM_PROFILES.values()
    ]
    assert ours == [{**p, "permissions": set(p["permissions"])} for p in CATALOG["permission_profiles"]]


def test_project_permissions_are_the_catalogs() -> None:
    ours = [
        {"code": str(code), "name": d.name, "description": d.description}
        for code, d in PROJECT_PERMISSIONS.items()
    ]
    assert ours == CATALOG["project_permissions"]
    assert set(PROJECT_PERMISSIONS) == set(ProjectPermission)


def test_environments_are_the_catalogs() -> None:
    assert [str(e) for e in Environment] == CATALOG["environments"]


# ---- what happens ----


def test_audit_kinds_are_the_catalogs() -> None:
    public = CATALOG["audit_kinds"]["public"]
    private = [kind for row in CATALOG["audit_kinds"]["private"] for kind in row]
    assert sorted(str(kind) for kind in AuditKind) == sorted(public + private)
    assert {str(kind) for kind in PUBLIC} == set(public)


def test_notification_events_are_the_catalogs_in_every_field() -> None:
    ours = [
        {
            "number": event.number,
            "key": key,
            "label": event.label,
            "priority": str(event.priority),
            "mandatory": event.mandatory,
            "kind": str(event.kind),
            "channels": {str(channel): on for channel, on in event.channels.items()},
            "short": event.short,
            "external": event.external,
        }
        for key, event in EVENTS.items()
    ]
    assert ours == [{"short": None, "external": False, **e} for e in CATALOG["notification_events"]]
    assert CATALOG["notification_areas"] == AREAS
    assert {event.area for event in EVENTS.values()} == set(AREAS)


# ---- limits ----


def test_buckets_are_the_catalogs() -> None:
    def rule(keys: str, words: int | str) -> tuple[tuple[str, ...], int, int | None]:
        if isinstance(words, int):
            return tuple(keys.split("+")), words, None
        limit, period = words.split("/")
        return tuple(keys.split("+")), int(limit), int(period[:-1]) * SECONDS[period[-1]]

    wanted = {
        name: (
            [rule(keys, words) for keys, words in bucket["by"].items()],
            bucket.get("counts") == "failures",
            bucket.get("stated", False),
        )
        for name, bucket in CATALOG["rate_limits"].items()
    }
    ours = {
        name: ([(r.keys, r.limit, r.seconds) for r in bucket.rules], bucket.counts_failures, bucket.stated)
        for name, bucket in BUCKETS.items()
    }
    assert ours == wanted


def test_buckets_that_count_failures_are_kept_in_the_database() -> None:
    assert [b.name for b in BUCKETS.values() if b.counts_failures and not b.durable] == []


# ---- settings ----


def test_settings_are_the_catalogs_in_every_field() -> None:
    assert list(DEFINITIONS) == [entry["key"] for entry in CATALOG["settings"]]
    optional = {"category": None, "options": [], "min": None, "max": None, "public": False, "bound": None}
    for entry in CATALOG["settings"]:
        definition = DEFINITIONS[entry["key"]]
        ours = {field: getattr(definition, field) for field in {**optional, **entry}}
        plain = {field: list(value) if isinstance(value, tuple) else value for field, value in ours.items()}
        assert plain == {**optional, **entry}
    assert CATALOG["setting_categories"] == CATEGORIES
    assert [str(t) for t in Type] == CATALOG["setting_types"]


@pytest.mark.parametrize("key", [key for key, d in DEFINITIONS.items() if d.bound is None])
def test_a_settings_default_is_a_value_that_may_be_set(key: str) -> None:
    assert validate(DEFINITIONS[key], DEFINITIONS[key].default) == DEFINITIONS[key].default


# ---- mail ----


def sample(name: str) -> dict[str, str]:
    """Return a value for each variable of a mail, by the catalog's names."""
    own = {variable: f"<{variable}>" for variable in MAILS[name]["variables"]}
    return {**own, "firstName": "Jane", "tenantName": "Acme Corp", "appName": "Steering"}


@pytest.mark.parametrize("name", definitions.MAILS)
def test_a_mail_is_the_catalogs(name: str) -> None:
    definition, entry = definitions.MAILS[name], MAILS[name]
    assert definition.event == entry["event"]
    assert list(definition.variables) == [snake(variable) for variable in entry["variables"]]
    assert not set(definition.variables) & set(COMMON)
    values = sample(name)
    rendered = render(name, {snake(key): value for key, value in values.items()})
    assert rendered.subject == jinja2.Template(entry["subject"]).render(values)
    assert jinja2.Template(entry["body"]).render(values) in rendered.text.splitlines()[0]


@pytest.mark.parametrize("name", definitions.MAILS)
def test_a_mail_has_a_function_of_its_name_and_an_event(name: str) -> None:
    assert callable(getattr(mails, name))
    assert definitions.MAILS[name].event in EVENTS


@pytest.mark.parametrize(
    "name", [name for name, mail in definitions.MAILS.items() if "code" in mail.variables]
)
def test_a_code_stands_on_a_line_of_its_own_in_both_parts(name: str) -> None:
    values = {**sample(name), "code": "402913"}
    rendered = render(name, {snake(key): value for key, value in values.items()})
    assert "402913" in rendered.text.splitlines()
    assert "402913" in rendered.html.splitlines()


# ---- jobs ----


def test_a_job_has_a_code_of_the_catalog_and_its_period(app: Flask) -> None:
    units = {"minute": "minutes", "minutes": "minutes", "hour": "hours", "hours": "hours", "day": "days"}
    wanted = {entry["code"]: entry["every"].split(" ") for entry in CATALOG["jobs"]}
    assert jobs.JOBS
    for code, found in jobs.JOBS.items():
        number, unit = wanted[code]
        assert found.every == timedelta(**{units[unit]: int(number)}), code


# ---- errors ----


def error_classes() -> Iterator[type[AppError]]:
    """Yield every class of ours that carries a code, after importing all of the product."""
    for module in pkgutil.walk_packages(product.__path__, "app."):
        importlib.import_module(module.name)
    waiting = [AppError]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found.__module__.startswith("app.") and "code" in vars(found):
            yield found


def test_an_error_has_the_catalogs_kind_and_sentence() -> None:
    for found in error_classes():
        entry = CATALOG["errors"].get(found.code)
        assert entry is not None, f"{found.__qualname__}: {found.code} is not in the catalog"
        assert (found.kind, found.message) == (entry["kind"], entry["says"]), found.__qualname__


def test_a_code_is_defined_by_one_class_alone() -> None:
    counted = Counter(found.code for found in set(error_classes()))
    assert [code for code, classes in counted.items() if classes > 1] == []


def test_every_error_kind_has_a_class() -> None:
    kinds = {found.kind for found in AppError.__subclasses__()}
    assert kinds == set(CATALOG["error_kinds"])


# ---- names ----


def test_reserved_words_are_the_catalogs() -> None:
    assert sorted(RESERVED_WORDS) == sorted(CATALOG["reserved_slugs"])


@pytest.mark.parametrize("slug", CATALOG["reserved_slugs"])
def test_nobody_gets_a_reserved_slug(slug: str) -> None:
    assert slugs.check(slug) == "reserved"


@pytest.mark.parametrize("slug", ["acme", "acme-corp", "a1b", "1-2-3", "a" * 50])
def test_a_well_formed_slug_can_be_had(slug: str) -> None:
    assert slugs.check(slug) is None


@pytest.mark.parametrize(
    "slug", ["", "ab", "a" * 51, "-acme", "acme-", "a--b", "a_b", "acmé", "a b", "acme\n", "a.b", "WWW"]
)
def test_an_ill_formed_slug_is_invalid(slug: str) -> None:
    assert slugs.check(slug) == "invalid"


@pytest.mark.parametrize("handle", ["jane", "jane_doe", "j123", "a" * 15])
def test_a_well_formed_handle_can_be_had(handle: str) -> None:
    assert handles.check(handle) is None


@pytest.mark.parametrize(
    "handle", ["", "jan", "a" * 16, "1jane", "_jane", "jane-doe", "jané", "jane doe", "jane\n"]
)
def test_an_ill_formed_handle_is_invalid(handle: str) -> None:
    assert handles.check(handle) == "invalid"


@pytest.mark.parametrize("handle", ["admin", "ADMIN", "support"])
def test_nobody_gets_a_reserved_handle(handle: str) -> None:
    assert handles.check(handle) == "reserved"
