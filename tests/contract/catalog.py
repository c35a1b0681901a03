"""Every shared name: the contract's catalogs, and what docs/additions.yaml adds to them."""

from typing import Any

from tests.contract.documents import document


def _merged() -> dict[str, Any]:
    catalog, additions = document("catalogs.yaml"), document("../additions.yaml")
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
