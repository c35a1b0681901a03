"""Every change leaves a row of the trail of the kind that the contract names, and none that it does not."""

from datetime import timedelta

import pytest
from flask import Flask

from tests.architecture import billing_cases as _billing  # noqa: F401
from tests.architecture import client_cases as _clients  # noqa: F401
from tests.architecture import email_smtp_cases as _email_smtp  # noqa: F401
from tests.architecture import invitation_cases as _invitations  # noqa: F401
from tests.architecture import mail_rule_cases as _mail_rules  # noqa: F401
from tests.architecture import member_cases as _members  # noqa: F401
from tests.architecture import own_things_cases as _own_things  # noqa: F401 - each registers its cases
from tests.architecture import permission_cases as _permissions  # noqa: F401
from tests.architecture import platform_cases as _platform  # noqa: F401
from tests.architecture import second_factor_cases as _second_factor  # noqa: F401
from tests.architecture import setting_cases as _settings  # noqa: F401
from tests.architecture import setup_cases as _setup  # noqa: F401
from tests.architecture import storage_cases as _storage  # noqa: F401
from tests.architecture import token_cases as _tokens  # noqa: F401
from tests.architecture.audit_cases import CASES, NEW_PASSWORD, changing, signing_in
from tests.contract.endpoints import ENDPOINTS, built
from tests.support.world import PASSWORD, World


def with_them(endpoint_id: str) -> frozenset[str]:
    """Return what comes with a kind of the call's: a new organization's trial, a paid plan's invoice."""
    kinds = ENDPOINTS[endpoint_id].audit_kinds
    founds, changes = "tenant.created" in kinds, "subscription.changed" in kinds
    return frozenset({"subscription.trial_started"} if founds else {"invoice.issued"} if changes else ())


LATER = {("services_v1.projects.join_invitation", "project.member_joined")}
"""What an endpoint leaves once there are projects; its organization's part is here."""


def wanted(app: Flask) -> set[tuple[str, str]]:
    return {(e.id, kind) for e in built(app).values() for kind in e.audit_kinds}


def test_every_kind_that_a_built_endpoint_may_leave_has_a_case(app: Flask) -> None:
    lacking = sorted(wanted(app) - set(CASES) - LATER)
    assert lacking == [], "\n".join(map(str, lacking))


def test_cases_are_of_the_contract() -> None:
    assert [case for case in CASES if case[1] not in ENDPOINTS[case[0]].audit_kinds] == []


@pytest.mark.parametrize(("endpoint_id", "kind"), CASES, ids=[" ".join(case) for case in CASES])
def test_p02_a_call_leaves_its_row_once_and_no_other(world: World, endpoint_id: str, kind: str) -> None:
    CASES[endpoint_id, kind](world)
    left = [str(row.kind) for row in world.trail()[world.before :]]
    assert left.count(kind) == 1, left
    assert set(left) <= ENDPOINTS[endpoint_id].audit_kinds | with_them(endpoint_id)
    (row,) = [row for row in world.trail()[world.before :] if str(row.kind) == kind]
    assert row.at.utcoffset() == timedelta(0)
    assert row.dialect == endpoint_id.partition(".")[0]
    assert row.ip == "127.0.0.1"
    assert row.request_id


def test_a_row_says_who_where_from_and_by_which_way_in(world: World) -> None:
    signing_in("platform_api.auth.login", PASSWORD)(world)
    row = world.trail()[-1]
    assert row.actor_user_id is not None
    assert (row.ip, row.dialect, row.ok) == ("127.0.0.1", "platform_api", True)
    assert "Firefox" in row.user_agent
    assert row.request_id


def test_no_row_holds_a_password_or_a_token(world: World) -> None:
    changing("platform_api.auth.change_password", "current_password", "new_password")(world)
    forgetting_and_more = " ".join(str(row.changes) for row in world.trail())
    assert PASSWORD not in forgetting_and_more
    assert NEW_PASSWORD not in forgetting_and_more
