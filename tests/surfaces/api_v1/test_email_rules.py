"""What an organization wants of its mail, as api_v1 shows and changes it."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.domains.permissions.roles import Role
from app.domains.tenants.models import Membership
from app.surfaces.shared.transaction import transaction
from tests.support.dns import DnsServer
from tests.support.office import ADDRESS
from tests.support.world import World

EMAIL = "api_v1.email_settings"


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


def get(world: World, token: str, part: str, **more: Any) -> Any:
    return world.done(f"{EMAIL}.{part}_get", token=token, **more)["data"]


def put(world: World, token: str, part: str, **body: Any) -> Any:
    return world.done(f"{EMAIL}.{part}_put", token=token, json=body)["data"]


def refused(world: World, token: str, part: str, **body: Any) -> Any:
    answer = world.call(f"{EMAIL}.{part}_put", token=token, json=body)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "validation"), answer.text
    return answer.get_json()["error"]["details"]


# ---- tracking


def test_nothing_is_counted_until_it_is_switched_on(world: World, token: str) -> None:
    assert get(world, token, "tracking") == {
        "openTracking": False,
        "clickTracking": False,
        "trackingDomain": None,
        "anonymizeIp": True,
        "retentionDays": 90,
        "updatedAt": None,
    }
    changed = put(world, token, "tracking", openTracking=True, trackingDomain="Links.Acme.com")
    assert (changed["openTracking"], changed["clickTracking"]) == (True, False)
    assert changed["trackingDomain"] == "links.acme.com"
    assert changed["updatedAt"]
    assert get(world, token, "tracking") == changed


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"retentionDays": 0},
        {"retentionDays": 731},
        {"openTracking": "yes"},
        {"openTracking": None},
        {"trackingDomain": "http://x"},
        {"trackingDomain": "127.0.0.1"},
        {"trackingDomain": "localhost"},
        {"tenantId": 7},
    ],
)
def test_tracking_takes_nothing_odd(world: World, token: str, body: Any) -> None:
    assert refused(world, token, "tracking", **body)


# ---- compliance


def test_parts_are_merged_field_by_field_and_completeness_is_worked_out(world: World, token: str) -> None:
    first = get(world, token, "compliance")
    assert (first["canSpam"]["complete"], first["unsubscribe"]["oneClick"]) == (False, True)
    put(world, token, "compliance", canSpam={"enabled": True, "companyName": "Acme Corp"})
    assert get(world, token, "compliance")["canSpam"]["complete"] is False
    done = put(world, token, "compliance", canSpam={"address": ADDRESS}, gdpr={"consentText": " I agree. "})
    assert done["canSpam"] == {
        "enabled": True,
        "companyName": "Acme Corp",
        "address": {**ADDRESS, "line2": None},
        "complete": True,
    }
    assert done["gdpr"]["consentText"] == "I agree."
    assert put(world, token, "compliance", canSpam={"address": None})["canSpam"]["complete"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"canSpam": {"address": {**ADDRESS, "country": "XX"}}}, "canSpam.address.country"),
        ({"canSpam": {"address": {**ADDRESS, "country": "EU"}}}, "canSpam.address.country"),
        ({"canSpam": {"address": {**ADDRESS, "line1": "  "}}}, "canSpam.address.line1"),
        ({"canSpam": {"companyName": "A\r\nBcc: x@y.example"}}, "canSpam.companyName"),
        ({"gdpr": {"privacyPolicyUrl": "javascript:alert(1)"}}, "gdpr.privacyPolicyUrl"),
        ({"gdpr": {"contactEmail": "nobody"}}, "gdpr.contactEmail"),
        ({"canSpam": {"enabled": True}, "unsubscribe": {"enabled": False}}, "unsubscribe.enabled"),
        ({"canSpam": {"complete": True}}, "canSpam.complete"),
    ],
)
def test_compliance_says_where_it_is_wrong(world: World, token: str, body: Any, field: str) -> None:
    details = refused(world, token, "compliance", **body)
    assert field in details, details


# ---- footer


def test_a_footers_text_is_made_harmless(world: World, token: str) -> None:
    text = (
        "Sent by **Acme** <script>alert(1)</script> [site](https://acme.com) [x](javascript:alert(1))"
        " [d](data:text/html,x) [r](/etc) ![i](http://x.example/i.png) <a href=https://y onclick=z>y</a>"
    )
    made = put(
        world, token, "footer", enabled=True, text=text, links=[{"label": "Us", "url": "mailto:a@b.co"}]
    )
    assert made["text"] == text
    assert "<strong>Acme</strong>" in made["html"]
    assert made["html"].count("<a ") == 1
    for bad in ("<script", "<img", 'href="javascript', 'href="data', 'href="/etc'):
        assert bad not in made["html"]
    assert get(world, token, "footer") == made


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x" * 4001},
        {"links": [{"label": "x", "url": "https://x.example"}] * 11},
        {"links": [{"label": "x", "url": "javascript:alert(1)"}]},
        {"links": [{"label": "x", "url": "data:text/html,x"}]},
        {"links": [{"label": "x", "url": "http://x.example"}]},
        {"links": [{"label": "x", "url": "https://user:pw@x.example"}]},
        {"links": [{"label": " ", "url": "https://x.example"}]},
    ],
)
def test_o13_a_footer_takes_nothing_odd(world: World, token: str, body: Any) -> None:
    assert refused(world, token, "footer", **body)


# ---- sender domain


def test_a_domain_gets_a_key_and_its_records_are_looked_up(world: World, token: str, dns: DnsServer) -> None:
    assert get(world, token, "deliverability")["status"] == "unset"
    made = world.call(f"{EMAIL}.deliverability_put", token=token, json={"domain": "acme.com"})
    assert "PRIVATE" not in made.text
    data = made.get_json()["data"]
    assert [(r["type"], r["host"], r["status"]) for r in data["records"]] == [
        ("SPF", "acme.com", "missing"),
        ("DKIM", "mail._domainkey.acme.com", "missing"),
        ("DMARC", "_dmarc.acme.com", "missing"),
    ]
    assert data["status"] == "missing"
    dns.publish(data["records"][:1])
    kept = get(world, token, "deliverability")
    assert kept["records"][0]["status"] == "missing"  # for ten minutes
    asked = world.app.test_client().get(
        "/api/v1/settings/email/deliverability?refresh=true", headers={"Authorization": f"Bearer {token}"}
    )
    assert asked.get_json()["data"]["status"] == "partial"
    dns.publish(data["records"])
    assert put(world, token, "deliverability", dmarcPolicy="none")["status"] == "ok"


def test_look_ups_are_bounded_for_the_organization(world: World, token: str, dns: DnsServer) -> None:
    answers = [world.call(f"{EMAIL}.deliverability_get", token=token).status_code for _ in range(8)]
    assert answers == [200] * 6 + [429] * 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"domain": "127.0.0.1"},
        {"domain": "acme"},
        {"domain": "a..b.com"},
        {"domain": "x" * 64 + ".com"},
        {"domain": "server.local"},
        {"domain": "acme.com/x"},
        {"dkimSelector": "a.b"},
        {"dkimSelector": ""},
        {"dmarcPolicy": "all"},
        {"reportEmail": "x"},
        {"rotateDkimKey": True},
    ],
)
def test_a_domain_takes_nothing_odd(world: World, token: str, dns: DnsServer, body: Any) -> None:
    assert refused(world, token, "deliverability", **body)


def test_a_domain_in_its_own_script_is_kept_as_the_dns_writes_it(
    world: World, token: str, dns: DnsServer
) -> None:
    assert put(world, token, "deliverability", domain="Bücher.example")["domain"] == "xn--bcher-kva.example"


def test_a_new_key_gets_a_new_name_once_the_old_one_is_in_use(
    world: World, token: str, dns: DnsServer
) -> None:
    first = put(world, token, "deliverability", domain="acme.com")["records"][1]
    again = put(world, token, "deliverability", rotateDkimKey=True)
    assert again["dkimSelector"] == "mail"  # nobody had published the first
    assert again["records"][1]["expected"] != first["expected"]
    dns.publish(again["records"])
    put(world, token, "deliverability", reportEmail="d@acme.com")
    rotated = put(world, token, "deliverability", rotateDkimKey=True)
    assert rotated["dkimSelector"] == "mail2"
    assert rotated["records"][1]["status"] == "missing"


# ---- who


def test_members_see_and_only_owner_and_admins_change(world: World, token: str, dns: DnsServer) -> None:
    with world.app.app_context(), transaction():
        db.session.execute(sa.update(Membership).values(role=Role.MANAGER))
    changes: dict[str, Any] = {"tracking": {"openTracking": True}, "compliance": {"gdpr": {"enabled": True}}}
    changes |= {"footer": {"enabled": True}, "deliverability": {"domain": "acme.com"}}
    for part, body in changes.items():
        assert get(world, token, part)
        answer = world.call(f"{EMAIL}.{part}_put", token=token, json=body)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "auth:role_required")
        assert world.call(f"{EMAIL}.{part}_get").status_code == 401


def test_twins_see_nothing_of_each_other(world: World, token: str, dns: DnsServer) -> None:
    world.organization(world.person("charlie@world.example"), "twin-corp")
    twin = world.token("api_v1", "charlie@world.example", "twin-corp")
    put(world, token, "footer", enabled=True, text="Ours")
    put(world, token, "tracking", openTracking=True)
    put(world, token, "compliance", canSpam={"companyName": "Ours"})
    ours = put(world, token, "deliverability", domain="acme.com")
    assert get(world, twin, "footer")["text"] is None
    assert get(world, twin, "tracking")["openTracking"] is False
    assert get(world, twin, "compliance")["canSpam"]["companyName"] is None
    theirs = put(world, twin, "deliverability", domain="acme.com")
    assert theirs["records"][1]["expected"] != ours["records"][1]["expected"]
