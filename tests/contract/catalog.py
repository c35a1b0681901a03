"""Every shared name: the contract's catalogs, and what docs/additions.yaml adds to them."""

from typing import Any

import yaml

from tests.contract.endpoints import CONTRACT


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONTRACT / name).read_text(encoding="utf-8"))
    return found


def _merged() -> dict[str, Any]:
    catalog, additions = _read("catalogs.yaml"), _read("../additions.yaml")
    catalog["audit_kinds"]["private"] += additions["audit_kinds"]["private"]
    for name in ("errors", "rate_limits"):
        assert not catalog[name].keys() & additions[name].keys()
        catalog[name] |= additions[name]
    for name in ("jobs", "notification_events", "mail_templates"):
        catalog[name] += additions[name]
    for setting in additions["settings"]:
        before = setting.pop("after")
        keys = [entry["key"] for entry in catalog["settings"]]
        catalog["settings"].insert(keys.index(before) + 1, setting)
    return catalog


CATALOG = _merged()
