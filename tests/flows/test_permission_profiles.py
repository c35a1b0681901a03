"""Flow permission_profiles of api_v1: an own profile adds to a role, acts at once, rests and comes back."""

from typing import Any

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD, JANES = "secure-password", "janes-password"
SLUG, OWNER, JANE = "profiles-flow", "admin@profiles-flow.example", "jane@profiles-flow.example"


def signed_in(caller: Caller, email: str, password: str) -> str:
    found = caller.good("api_v1.auth.login", email=email, password=password, tenantSlug=SLUG)
    return str(found["data"]["accessToken"])


def refusal(answer: Any) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


def test_permission_profiles(live: LiveInstance, caller: Caller) -> None:
    names = {"companyName": "Acme Corp", "adminFirstName": "John", "adminLastName": "Doe"}
    caller.good("api_v1.tenants.register", slug=SLUG, adminEmail=OWNER, adminPassword=PASSWORD, **names)
    owner = signed_in(caller, OWNER, PASSWORD)
    person = {"email": JANE, "firstName": "Jane", "lastName": "Doe", "role": "user"}
    jane_id = caller.good("api_v1.users.create", bearer=owner, **person)["data"]["id"]
    token = live.mail.token_for(JANE, subject="invites you")
    caller.good("api_v1.users.accept_invitation", token=token, password=JANES)
    jane = signed_in(caller, JANE, JANES)

    def rights() -> dict[str, Any]:
        return dict(caller.good("api_v1.permissions.me", bearer=jane)["data"])

    known = caller.good("api_v1.profiles.permissions", bearer=owner)["data"]
    audit_view = next(one["id"] for one in known if one["code"] == "audit.view")
    assert rights()["role"] == "user"
    assert "audit.view" not in rights()["permissions"]
    create, update = "api_v1.profiles.create", "api_v1.profiles.update"
    nope = caller.call(create, bearer=jane, name="Nope", permissions=[1])
    assert refusal(nope) == "403 auth:role_required"
    wanted = {"name": "Sales Manager", "description": "Full sales access with approval"}
    made = caller.good(create, bearer=owner, permissions=[audit_view, 1, 2, 3], **wanted)["data"]
    taken = caller.call(create, bearer=owner, name="sales manager", permissions=[1])
    assert refusal(taken) == "409 profile:name_taken"
    given = caller.good("api_v1.users.update", bearer=owner, id=jane_id, profileId=made["id"])
    assert given["data"]["profileId"] == made["id"]
    assert rights()["profile"]["id"] == made["id"]
    assert "audit.view" in rights()["permissions"]
    found = caller.good("api_v1.profiles.get", bearer=owner, id=made["id"])["data"]
    assert (found["permissions"], found["userCount"]) == ([1, 2, 3, audit_view], 1)
    assert caller.good(update, bearer=owner, id=made["id"], permissions=[1])["data"]["permissions"] == [1]
    assert "audit.view" not in rights()["permissions"]
    caller.good(update, bearer=owner, id=made["id"], permissions=[1, audit_view])
    rests = caller.good("api_v1.profiles.deactivate", bearer=owner, id=made["id"])["data"]
    assert (rests["isActive"], rests["affectedUsers"]) == (False, 1)
    assert "audit.view" not in rights()["permissions"]
    offered = caller.good("api_v1.users.profiles", bearer=owner)["data"]
    assert made["id"] not in [one["id"] for one in offered]
    listed = {one["id"]: one for one in caller.good("api_v1.profiles.list", bearer=owner)["data"]}
    assert (listed[made["id"]]["isActive"], listed[made["id"]]["userCount"]) == (False, 1)
    assert caller.good("api_v1.profiles.activate", bearer=owner, id=made["id"])["data"]["isActive"] is True
    assert "audit.view" in rights()["permissions"]
    mine = caller.call(update, bearer=owner, id=1, name="Mine")
    assert refusal(mine) == "403 profile:system_readonly"
