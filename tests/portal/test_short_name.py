"""Another short name: the old one goes on leading to the organization, and is nobody else's for a while."""

import re
from datetime import timedelta

import pytest

from app.core import clock
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent
from app.domains.permissions.roles import Role
from tests.portal.conftest import Visitor
from tests.support.invited import member
from tests.support.world import PASSWORD, World

JANE, KIM = "jane@world.example", "kim@world.example"
PAGE = "/organization/short-name"


def visit(world: World, email: str = JANE, *, at: str = "/sign-in") -> Visitor:
    visitor = Visitor(world.app.test_client())
    visitor.get(at)
    assert visitor.send("/sign-in", {"email": email, "password": PASSWORD}, on=at).status_code == 303
    return visitor


def rename(visitor: Visitor, new: str, old: str) -> int:
    return visitor.send(PAGE, {"slug": new, "confirmation": old}, on=PAGE).status_code


def changes(world: World) -> list[AuditEvent]:
    return [event for event in world.trail() if event.kind == AuditKind.TENANT_SLUG_CHANGED]


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    then = clock.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: then)


def answers(world: World, slug: str) -> str | None:
    """Return the short name of the organization that a short name leads to."""
    found = world.call("api_v1.tenants.by_slug", path={"slug": slug})
    return str(found.json["data"]["slug"]) if found.status_code == 200 and found.json else None


def test_the_old_name_leads_to_the_organization_and_is_nobody_elses(world: World) -> None:
    world.organization(world.person(JANE), "old-name")
    jane = visit(world)
    assert rename(jane, " New-Name ", "wrong") == 422
    assert rename(jane, " New-Name ", "old-name") == 303
    (event,) = changes(world)
    assert event.changes["slug"] == ["old-name", "new-name"]
    assert [answers(world, slug) for slug in ("old-name", "new-name")] == ["new-name", "new-name"]
    in_old = {"email": JANE, "password": PASSWORD, "tenantSlug": "old-name"}
    assert world.done("api_v1.auth.login", json=in_old)["data"]["tenant"]["slug"] == "new-name"
    assert "Sign in to World" in Visitor(world.app.test_client()).get("/sign-in?organization=old-name").text
    taken = world.done("api_v1.tenants.check_slug", path={"slug": "old-name"})["data"]
    assert (taken["available"], taken["reason"]) == (False, "taken")
    world.person(KIM)
    wanted = {"name": "Kim's", "slug": "old-name"}
    refused = world.call("platform_api.tenants.create", token=world.token("platform_api", KIM), json=wanted)
    assert refused.status_code == 409
    assert rename(jane, "old-name", "new-name") == 303, "one's own can be had again"
    assert [answers(world, slug) for slug in ("old-name", "new-name")] == ["old-name", "old-name"]


def test_after_three_months_another_may_take_it_and_then_it_leads_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.organization(world.person(JANE), "old-name")
    assert rename(visit(world), "new-name", "old-name") == 303
    later(monkeypatch, 91)
    assert answers(world, "old-name") == "new-name", "it leads on as long as nobody has it"
    world.organization(world.person(KIM), "old-name")
    assert answers(world, "old-name") == "old-name"


def test_no_name_is_held_back_by_changing_again_and_again(world: World) -> None:
    world.organization(world.person(JANE), "name-0")
    jane = visit(world)
    for number in range(3):
        assert rename(jane, f"name-{number + 1}", f"name-{number}") == 303
    refused = jane.send(PAGE, {"slug": "name-4", "confirmation": "name-3"}, on=PAGE)
    assert (refused.status_code, "wait until" in refused.text) == (409, True)
    assert rename(jane, "name-1", "name-3") == 303


def test_a_name_that_cannot_be_had_is_said_beside_its_field(world: World) -> None:
    world.organization(world.person(JANE), "mine-corp")
    world.organization(world.person(KIM), "other-corp")
    jane = visit(world)
    for slug in ("admin", "a", "two--hyphens", "with space", "other-corp", "mine-corp", ""):
        refused = jane.send(PAGE, {"slug": slug, "confirmation": "mine-corp"}, on=PAGE)
        assert refused.status_code in (409, 422), slug
        assert 'id="slug-error"' in refused.text, slug
    assert not changes(world)


def test_only_owner_and_admins_change_it(world: World) -> None:
    tenant_id = world.organization(world.person(JANE), "mine-corp")
    member(world, tenant_id, KIM, Role.MANAGER)
    assert visit(world, KIM).get(PAGE).status_code == 403


def test_who_signs_in_on_an_organizations_page_works_in_it(world: World) -> None:
    person = world.person(JANE)
    world.organization(person, "first-corp")
    world.organization(person, "second-corp")
    world.person(KIM)

    def works_in(visitor: Visitor) -> str:
        found = re.search(r"/brand/([\w-]+)\.css", visitor.get("/dashboard").text)
        return found[1] if found else ""

    for slug in ("first-corp", "second-corp"):
        assert works_in(visit(world, at=f"/sign-in?organization={slug}")) == slug
    assert rename(visit(world, at="/sign-in?organization=first-corp"), "renamed", "first-corp") == 303
    assert works_in(visit(world, at="/sign-in?organization=first-corp")) == "renamed"
    assert works_in(visit(world, KIM, at="/sign-in?organization=second-corp")) == "", "no member of it"
