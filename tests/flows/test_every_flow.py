"""Every flow of the contract is a test of its name, or waits for endpoints that are not there yet."""

import ast
from functools import cache
from pathlib import Path

from tests.architecture.source import Source
from tests.contract.documents import CONTRACT, document
from tests.contract.endpoints import ENDPOINTS

HERE = Path(__file__).parent
BUILT = frozenset((HERE.parent / "architecture" / "built.txt").read_text().split())

WAITING: dict[str, str] = {
    "one_list_of_notices": "api_v1.notifications.list",
    "one_entity_registry": "api_v1.entities.register",
    "tracked_mail_to_analytics": "api_v1.entities.register",
    "preferences_dnd_digest": "api_v1.notification_preferences.catalog",
    "template_customization": "api_v1.notification_templates.list",
    "chat_between_two": "api_v1.chat.direct",
    "billing_cycle": "api_v1.billing.status",
    "entity_registry_and_events": "api_v1.entities.register",
    "project_invitation": "services_v1.projects.create",
    "project_transfer": "services_v1.projects.transfer",
    "trial_to_paid": "services_v1.subscriptions.subscribe_tool",
    "domain_upgrade": "services_v1.domain_upgrade.checkout",
    "support": "services_v1.support.ticket_store",
    "notifications": "services_v1.notifications.all",
    "oauth_newcomer": "v0.oauth.google_authorize",
    "oauth_link": "v0.oauth.github_authorize",
    "pictures_and_stream": "v0.stream.actions",
}
"""Flows that cannot be walked yet, each with the endpoint that it turns upon."""

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "register_and_appear": ("v0.logs.list", "v0.search.users"),
    "one_invitation": ("services_v1.notifications.all",),
    "suspended_in_every_dialect": (
        "services_v1.projects.all",
        "services_v1.projects.get",
        "services_v1.projects.tools_access",
    ),
    "one_settings_registry": ("services_v1.projects.invite",),
    "removed_from_a_tenant": (
        "services_v1.projects.all",
        "services_v1.projects.get",
        "services_v1.projects.get_users",
    ),
    "feature_and_token": ("services_v1.notifications.all",),
    "member_lifecycle": ("api_v1.chat.direct", "api_v1.chat.messages", "api_v1.chat.send"),
    "setup_dashboard_health": (
        "api_v1.health.services",
        "api_v1.health.system",
        "api_v1.me.action_items",
        "api_v1.me.unread_counts",
    ),
    "sign_up": ("services_v1.funnel.state", "services_v1.funnel.track"),
    "tokens_and_sessions": ("services_v1.projects.all", "services_v1.projects.create"),
    "profile_and_operations": (
        "services_v1.feature_usage.track_click",
        "services_v1.smart_filters.delete",
        "services_v1.smart_filters.get",
        "services_v1.smart_filters.save",
    ),
}
"""What tests of flows do not call, since it is not there."""


@cache
def flows() -> tuple[tuple[str, list[str]], ...]:
    """Return every flow's id with the endpoints that it calls."""
    files = sorted((CONTRACT / "flows").glob("*.yaml"))
    found = [flow for path in files for flow in document(f"flows/{path.name}")["flows"]]
    return tuple((flow["id"], [s["call"] for s in flow["steps"] if "call" in s]) for flow in found)


def walks() -> frozenset[str]:
    """Return the names of all tests of flows."""
    trees = [Source(path).tree for path in HERE.glob("test_*.py")]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return frozenset(node.name for node in functions)


def test_every_flow_is_walked_or_waits() -> None:
    ids = [flow_id for flow_id, _ in flows()]
    assert len(ids) == len(set(ids)) > 50
    there = walks()
    assert {flow_id for flow_id in ids if f"test_{flow_id}" not in there} == set(WAITING)


def test_no_flow_waits_for_what_is_there() -> None:
    assert {endpoint for endpoint in WAITING.values() if endpoint not in ENDPOINTS} == set()
    assert {flow_id for flow_id, endpoint in WAITING.items() if endpoint in BUILT} == set()
    calls = dict(flows())
    assert {flow_id for flow_id, endpoint in WAITING.items() if endpoint not in calls[flow_id]} == set()


def test_what_a_walk_leaves_out_is_what_is_not_there() -> None:
    missing = {
        flow_id: tuple(sorted({call for call in calls if call not in BUILT})) for flow_id, calls in flows()
    }
    found = {flow_id: out for flow_id, out in missing.items() if out and flow_id not in WAITING}
    assert found == LEFT_OUT
