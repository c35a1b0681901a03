"""Settings through both dialects: one value, the platform's locks, twin organizations, many writers."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.domains.settings.models import SettingChange, SettingValue
from app.domains.tenants.models import Membership, Tenant
from app.surfaces.shared.transaction import transaction
from tests.architecture.setting_cases import ADMIN, admins_token
from tests.support.world import World

KEY = "invites.expiry_days"
KIM = "kim@world.example"


@pytest.fixture
def owner(world: World) -> str:
    world.organization(world.person())
    return world.scoped_token()


@pytest.fixture
def admin(world: World) -> str:
    return admins_token(world)


def configs(tree: Any) -> dict[str, dict[str, Any]]:
    return {
        config["key"]: {**config, "type": group["type"]}
        for resource in tree["resources"]
        for group in resource["config_groups"]
        for section in group["sections"]
        for config in section["configs"]
    }


def shown(world: World, token: str, key: str = KEY) -> dict[str, Any]:
    return configs(world.done("platform_api.configs.get", token=token))[key]


def put(world: World, token: str, value: Any, key: str = KEY) -> Any:
    return world.call("platform_api.configs.update", token=token, path={"key": key}, json={"value": value})


def flat(world: World, token: str, key: str = KEY) -> Any:
    return world.done("api_v1.org_settings.get", token=token, path={"key": key})["data"]


def impose(world: World, token: str, key: str = KEY, **body: Any) -> Any:
    return world.call("platform_api.admin.update_config", token=token, path={"key": key}, json=body)


def tenant_of(world: World, slug: str = "world-corp") -> str:
    with world.app.app_context():
        return str(db.session.scalar(sa.select(Tenant.uid).where(Tenant.slug == slug)))


def test_a_value_is_one_in_both_dialects_until_the_platform_locks_it_and_again_afterwards(
    world: World, owner: str, admin: str
) -> None:
    path, body = {"key": KEY}, {"value": 3}
    set_flat = world.done("api_v1.org_settings.update", token=owner, path=path, json=body)["data"]
    assert (set_flat["value"], set_flat["isDefault"], set_flat["updatedBy"]["name"]) == (3, False, "Jane Doe")
    assert shown(world, owner)["val"] == 3
    assert shown(world, owner)["mod"] is True
    locked = impose(world, admin, value=14, scope="GLOBAL", is_locked=True)
    assert locked.json["scope"] == "GLOBAL"
    refused = world.call("api_v1.org_settings.update", token=owner, path=path, json={"value": 5})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "setting:locked")
    assert put(world, owner, 5).status_code == 403
    assert (flat(world, owner)["value"], flat(world, owner)["isLocked"]) == (14, True)
    assert (shown(world, owner)["mod"], shown(world, owner)["is_locked"]) == (False, True)
    impose(world, admin, value=14, is_locked=False)
    assert (flat(world, owner)["value"], flat(world, owner)["isLocked"]) == (3, False)
    assert put(world, owner, None).json["val"] == 14


def test_i10_a_lock_on_one_organization_holds_there_alone_and_is_told(
    world: World, owner: str, admin: str
) -> None:
    world.organization(world.person(KIM), slug="twin-corp")
    twin = world.scoped_token(KIM)
    body = {"value": False, "scope": "TENANT", "tenant_id": tenant_of(world), "is_locked": True}
    assert impose(world, admin, "chat.enabled", **body).json["scope"] == "TENANT"
    assert put(world, owner, True, "chat.enabled").json["code"] == "setting:locked"
    assert put(world, twin, True, "chat.enabled").json["val"] is True
    world.keep_promises()
    (mail,) = [one for one in world.sent if "locked" in one.text]
    assert "Use chat" in mail.subject
    assert flat(world, owner, "chat.enabled")["updatedBy"]["name"] == "Platform"  # not the admin's own


def test_twins_do_not_see_each_other(world: World, owner: str) -> None:
    world.organization(world.person(KIM), slug="twin-corp")
    twin = world.scoped_token(KIM)
    put(world, owner, 3)
    assert shown(world, twin)["val"] == 7
    assert world.done("api_v1.org_settings.list", token=twin)["data"][KEY] == 7


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        (KEY, "many", 422),
        (KEY, "3", 422),
        (KEY, True, 422),
        (KEY, 31, 422),
        (KEY, [3], 422),
        (KEY, {"a": 1}, 422),
        ("chat.enabled", "true", 422),
        ("chat.enabled", 1, 422),
        ("localization.time_format", "25h", 422),
        ("branding.primary_color", "greenish", 422),
        ("general.company_name", None, 422),
        ("general.company_name", "Acme\r\nBcc: all@evil.example", 422),
        ("auth.ip_allowlist", ["192.0.2.0/24"], 400),
        ("smtp.host", "x", 404),
        ("no.such_key", 1, 404),
    ],
)
def test_i10_what_cannot_be_set(world: World, owner: str, key: str, value: Any, status: int) -> None:
    answer = put(world, owner, value, key)
    assert answer.status_code == status
    if status == 422:
        assert answer.json["detail"][0]["loc"] == ["body", "value"]
    with world.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SettingChange)) == 0


def test_a_bound_key_is_the_organizations_own_name(world: World, owner: str) -> None:
    assert put(world, owner, "Nova", "general.company_name").json["val"] == "Nova"
    assert world.done("platform_api.tenant.info", token=owner)["name"] == "Nova"
    assert world.trail()[-1].changes["value"] == {"from": "World Corp", "to": "Nova"}


def test_a_role_that_is_not_admin_is_refused_flat_and_one_without_the_right_in_the_tree(
    world: World, owner: str
) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Membership).values(role="viewer"))
    assert put(world, owner, 3).json["code"] == "auth:permission_denied"
    refused = world.call("api_v1.org_settings.update", token=owner, path={"key": KEY}, json={"value": 3})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "auth:role_required")
    assert shown(world, owner)["mod"] is False


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        (KEY, {"value": 3, "scope": "TENANT"}, 422),
        (KEY, {"value": 3, "tenant_id": "ten_none"}, 422),
        (KEY, {"value": 3, "scope": "TENANT", "tenant_id": "ten_none"}, 404),
        (KEY, {"value": 3, "is_locked": "yes"}, 422),
        (KEY, {"is_locked": True}, 422),
        ("instance.name", {"value": "X", "is_locked": True}, 400),
        ("general.company_name", {"value": "X"}, 400),
        ("no.such_key", {"value": "X"}, 404),
    ],
)
def test_what_the_platforms_admin_cannot_set(
    world: World, admin: str, key: str, body: dict[str, Any], status: int
) -> None:
    assert impose(world, admin, key, **body).status_code == status


def test_without_an_environment_all_three_are_set_in_one_row_of_the_trail(
    world: World, owner: str, admin: str
) -> None:
    impose(world, admin, "clients.enabled", value=True)
    listed = configs(
        world.app.test_client()
        .get(
            "/platform/api/admin/configs?environment=dev",
            headers={"Authorization": f"Bearer {admin}"},
        )
        .json
    )
    assert listed["clients.enabled"]["val"] is True
    assert listed["clients.enabled"]["scope"] == "GLOBAL"
    assert {one["type"] for one in listed.values()} == {"GLOBAL", "TENANT"}
    assert [str(row.kind) for row in world.trail()].count("setting.updated") == 1


def test_a_secret_is_masked_and_its_mask_changes_nothing(world: World, admin: str) -> None:
    first = impose(world, admin, "smtp.password", value="hunter2 hunter2")
    assert first.json["val"] == "********"
    count = len(world.trail())
    assert impose(world, admin, "smtp.password", value="********").json["val"] == "********"
    assert len(world.trail()) == count
    assert "hunter2" not in str([row.changes for row in world.trail()])
    with world.app.app_context():
        kept = db.session.scalars(sa.select(SettingChange)).all()
        assert [(row.before, row.after) for row in kept] == [(None, None)]


def test_an_option_that_is_no_more_counts_as_none(world: World, owner: str) -> None:
    with world.app.app_context(), transaction():
        db.session.add(SettingValue(key="localization.time_format", value="metric"))
    assert shown(world, owner, "localization.time_format")["val"] == "24h"


def test_categories_and_their_absence(world: World, owner: str) -> None:
    found = world.done("api_v1.org_settings.by_category", token=owner, path={"category": "branding"})["data"]
    assert {key.partition(".")[0] for key in found} == {"branding"}
    lost = world.call("api_v1.org_settings.by_category", token=owner, path={"category": "x"})
    assert (lost.status_code, lost.json["error"]["code"]) == (404, "setting:category_not_found")


def test_the_role_member_is_called_user_in_api_v1(world: World, owner: str) -> None:
    key = {"key": "members.default_role"}
    assert flat(world, owner, "members.default_role")["value"] == "user"
    world.done("api_v1.org_settings.update", token=owner, path=key, json={"value": "viewer"})
    again = world.done("api_v1.org_settings.update", token=owner, path=key, json={"value": "user"})["data"]
    assert again["value"] == "user"
    assert shown(world, owner, "members.default_role")["val"] == "member"


def test_the_list_costs_the_same_with_and_without_values(world: World, owner: str, app: Flask) -> None:
    counted: list[str] = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    world.done("api_v1.org_settings.list", token=owner)
    few = len(counted)
    for key, value in ((KEY, 3), ("chat.enabled", False), ("general.phone", "1"), ("general.industry", "x")):
        put(world, owner, value, key)
    counted.clear()
    world.done("api_v1.org_settings.list", token=owner)
    assert len(counted) == few


def test_an_admins_own_address_is_nobodys_platform_business(world: World, admin: str) -> None:
    assert ADMIN not in str(impose(world, admin, value=9).json)
