"""An organization's rules at work on its mail: held back, dressed, counted, left, signed."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from app.core import jobs
from app.core.db import db
from app.core.outbox import OutboxRow
from app.domains.accounts.models import User
from app.domains.email.rules_models import EventChoice, MailEngagement, MailRules
from app.domains.tenants.models import Tenant, TenantStatus
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.support.dns import DnsServer
from tests.support.office import ADDRESS, LINK, Office
from tests.support.world import World


@pytest.fixture
def office(world: World, dns: DnsServer) -> Office:
    return Office(world)


def path_in(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1].replace("&amp;", "&")


def pixel(office: Office) -> str:
    return path_in(r'src="http://localhost(/t/o/[^"]+\.gif)"', office.last.html)


def click(office: Office) -> str:
    return path_in(r'href="http://localhost(/t/c/[^"]+)"', office.last.html)


def way_out(office: Office) -> str:
    return path_in(r"<http://localhost(/unsubscribe/[^>]+)>", office.last.headers["List-Unsubscribe"])


# ---- counted


def test_an_opening_counts_once_and_a_click_leads_on(
    office: Office, move_clock: Callable[[int], None]
) -> None:
    office.put("tracking", openTracking=True, clickTracking=True)
    office.write()
    picture, link = pixel(office), click(office)
    shown = office.open(picture)
    assert (shown.status_code, shown.content_type) == (200, "image/gif")
    assert shown.headers["Cache-Control"] == "no-store"
    (row,) = office.rows(MailEngagement)
    assert (row.tenant_id, row.user_id, row.event) == (office.tenant_id, office.jane, "billing.seats_low")
    assert (row.clicked_at, row.ip) == (None, "127.0.0.0")
    move_clock(60)
    office.open(picture)
    led = office.open(link)
    assert (led.status_code, led.location) == (302, LINK)
    (later,) = office.rows(MailEngagement)
    assert later.opened_at == row.opened_at
    assert later.last_opened_at > row.last_opened_at
    assert later.clicked_at is not None


def test_a_click_is_an_opening(office: Office) -> None:
    office.put("tracking", clickTracking=True)
    office.write()
    assert "/t/o/" not in office.last.html
    office.open(click(office))
    (row,) = office.rows(MailEngagement)
    assert row.opened_at == row.clicked_at


def test_who_only_looks_ahead_is_not_counted(office: Office) -> None:
    office.put("tracking", openTracking=True, clickTracking=True)
    office.write()
    for path in (pixel(office), click(office)):
        assert office.open(path, "HEAD").status_code in {200, 302}
        office.open(path, **{"Sec-Purpose": "prefetch"})
        office.open(path, **{"User-Agent": "Barracuda Sentinel (EE)"})
    assert office.rows(MailEngagement) == []


ODD = (
    "tampered",
    "...",
    "%00",
    "%ff",
    "%0A.a.b",
    "k1..",
    "k1.%C3%A4.x",
    "k1.====.====",
    "k1.bnVsbA.AAAA",
    "a" * 5000,
)


def test_l08_what_was_tampered_with_leads_nowhere_and_counts_nothing(office: Office) -> None:
    office.put("tracking", openTracking=True, clickTracking=True)
    office.write()
    link, picture, leave = click(office), pixel(office), way_out(office)
    key, body, tag = link.removeprefix("/t/c/").split(".")
    bad = [
        f"/t/c/{key}.{body}.{tag[:-2]}AA",
        f"/t/c/{key}.{body}x.{tag}",
        f"/t/c/other.{body}.{tag}",
        "/t/c/tampered?url=https://evil.example",
        "/t/c/" + picture.removeprefix("/t/o/").removesuffix(".gif"),
        "/t/c/" + leave.removeprefix("/unsubscribe/"),
        "/t/o/" + link.removeprefix("/t/c/") + ".gif",
        "/unsubscribe/" + link.removeprefix("/t/c/"),
        "/unsubscribe/" + leave.removeprefix("/unsubscribe/").replace(".", ".A", 1),
        "/t/c/a.b.c",
    ]
    for path in bad:
        answer = office.open(path, Accept="application/json")
        assert answer.status_code == 404, path
        if path.startswith("/t/"):  # a way out is a page, whoever asks
            assert answer.get_json()["error"]["code"] == "web:link_invalid", path
        assert "Location" not in answer.headers
    assert office.rows(MailEngagement) == []
    assert office.open(link + "?url=https://evil.example").location == LINK


def test_l08_what_nobody_ever_mailed_is_not_there(office: Office) -> None:
    for odd in ODD:
        for path in (f"/t/o/{odd}.gif", f"/t/c/{odd}", f"/unsubscribe/{odd}"):
            assert office.open(path).status_code == 404, path


def test_l08_our_address_leads_nowhere_for_an_organization_that_is_suspended(office: Office) -> None:
    office.put("tracking", clickTracking=True)
    office.write()
    link = click(office)
    for status, led in ((TenantStatus.SUSPENDED, 404), (TenantStatus.ACTIVE, 302)):
        with office.world.app.app_context(), transaction():
            db.session.get_one(Tenant, office.tenant_id).status = status
        assert office.open(link).status_code == led


def test_l08_an_address_too_long_to_be_led_through_stays_as_it_is(office: Office) -> None:
    long = "https://acme.example/" + "\u00e9" * 1900
    office.put("tracking", clickTracking=True)
    office.put("footer", enabled=True, links=[{"label": "Long", "url": long}])
    office.write()
    assert long in unescape(unquote(office.last.html))
    for path in re.findall(r'href="http://localhost(/t/c/[^"]+)"', office.last.html):
        assert office.open(path).status_code == 302


def test_mail_that_must_be_carries_neither_picture_nor_led_links_nor_a_way_out(office: Office) -> None:
    office.put("tracking", openTracking=True, clickTracking=True)
    office.put("compliance", canSpam={"enabled": True}, gdpr={"consentRequired": True})
    office.write_what_must_be()
    assert "/t/" not in office.last.html.replace("/t/html", "")
    assert "unsubscribe" not in office.last.html.lower()
    assert "List-Unsubscribe" not in office.last.headers


def test_what_was_counted_is_deleted_in_time(office: Office, move_clock: Callable[[int], None]) -> None:
    office.put("tracking", openTracking=True, retentionDays=3)
    office.write()
    office.open(pixel(office))
    for days, left in ((2, 1), (4, 0)):
        move_clock(days * 86_400)
        with office.world.app.app_context():
            keeping.run_job(jobs.JOBS["retention.prune"])
        assert len(office.rows(MailEngagement)) == left


def test_links_lead_through_the_own_domain_once_it_points_here(office: Office, dns: DnsServer) -> None:
    office.put("tracking", clickTracking=True, trackingDomain="links.acme.com")
    office.write()
    assert click(office)
    for target, host in (("localhost", "links.acme.com"), ("elsewhere.example", "localhost")):
        dns.put("links.acme.com", target, kind="CNAME")
        with office.world.app.app_context():
            keeping.run_job(jobs.JOBS["deliverability.check"])
        office.write()
        office.write()
        assert f'href="http://{host}/t/c/' in office.last.html


def test_a_new_domain_for_links_is_looked_up_at_once(office: Office, dns: DnsServer) -> None:
    dns.put("links.acme.com", "localhost", kind="CNAME")
    office.put("tracking", clickTracking=True, trackingDomain="links.acme.com")
    office.world.keep_promises()
    office.put("tracking", openTracking=True, trackingDomain="links.acme.com")
    (asked,) = [one for one in office.rows(OutboxRow) if one.kind == "domain_check"]
    assert asked.done_at, "the same one is not looked up again"
    office.write()
    assert 'href="http://links.acme.com/t/c/' in office.last.html


# ---- held back


@pytest.mark.parametrize(
    ("body", "consents"),
    [
        ({"canSpam": {"enabled": True}}, True),
        ({"gdpr": {"consentRequired": True}}, False),
    ],
)
def test_optional_mail_waits_for_address_and_consent(office: Office, body: Any, consents: bool) -> None:
    office.put("compliance", **body)
    if consents:
        agree(office)
    office.write()
    assert office.world.sent == []
    agree(office)
    office.put("compliance", canSpam={"companyName": "Acme Corp", "address": ADDRESS})
    office.write()
    assert len(office.world.sent) == 1


def agree(office: Office, **more: Any) -> None:
    said = {"notifications": {"emailConsent": True, **more}}
    office.world.done("api_v1.auth.me_preferences_update", token=office.token, json=said)


def test_the_master_switch_is_obeyed(office: Office) -> None:
    agree(office, emailEnabled=False)
    office.write()
    assert office.world.sent == []


# ---- the way out


def test_one_click_without_cookie_or_form_switches_the_mail_of_the_event_off(office: Office) -> None:
    office.write()
    assert office.last.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = way_out(office)
    before = len(office.world.trail())
    page = office.open(leave)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "World Corp" in page.text
    assert "Stop these mails" in page.text
    assert office.rows(EventChoice) == []
    for _ in range(2):
        done = office.world.app.test_client().post(leave, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert "unsubscribed" in done.text
    (choice,) = office.rows(EventChoice)
    assert (choice.event, choice.channel, choice.enabled) == ("billing.seats_low", "email", False)
    (row,) = office.world.trail()[before:]
    assert (str(row.kind), row.actor_user_id, row.tenant_id) == (
        "user.unsubscribed",
        office.jane,
        office.tenant_id,
    )
    office.world.sent.clear()
    office.write()
    assert office.world.sent == []
    office.write_what_must_be()
    assert len(office.world.sent) == 1


def test_the_way_out_goes_as_the_rules_say(office: Office) -> None:
    office.put("compliance", unsubscribe={"oneClick": False, "text": "Leave us"})
    office.write()
    assert "List-Unsubscribe-Post" not in office.last.headers
    assert ">Leave us</a>" in office.last.html
    assert "Leave us: http://localhost/unsubscribe/" in office.last.text
    office.put("compliance", unsubscribe={"enabled": False})
    office.write()
    assert "List-Unsubscribe" not in office.last.headers
    assert "/unsubscribe/" not in office.last.html


def test_a_choice_in_one_organization_holds_there_alone(office: Office) -> None:
    office.write()
    office.open(way_out(office), "POST")
    twin = office.world.organization(office.jane, "twin-corp")
    office.world.sent.clear()
    office.tenant_id = twin
    office.write()
    assert [m.subject for m in office.world.sent if "seats" in m.subject] == ["24 of 25 seats are taken"]


# ---- dressed


def test_what_the_law_demands_stands_below_whatever_the_switches_say(office: Office) -> None:
    office.put("compliance", canSpam={"enabled": True, "companyName": "Acme Corp", "address": ADDRESS})
    office.put("footer", enabled=False, includeAddress=False, includeUnsubscribe=False)
    office.write()
    for part in (office.last.html, office.last.text):
        assert "Acme Corp, 1 Main St, Springfield IL 62701, United States" in part
        assert "/unsubscribe/" in part


def test_footer_look_and_ways_to_reach_them_are_in_the_mail(office: Office) -> None:
    office.put(
        "footer",
        enabled=True,
        text="Made **here**",
        links=[{"label": "Us & you", "url": "https://acme.com/?a=1&b=2"}],
    )
    office.put("compliance", gdpr={"enabled": True, "privacyPolicyUrl": "https://acme.com/privacy"})
    for key, value in {
        "branding.primary_color": "#0a7d4f",
        "branding.logo_url": "https://acme.com/logo.png",
        "general.website": "https://acme.com",
        "general.phone": "+1 202 555 0143",
        "general.support_email": "help@acme.com",
    }.items():
        path = {"key": key}
        office.world.done("api_v1.org_settings.update", token=office.token, path=path, json={"value": value})
    office.write()
    html, text = office.last.html, office.last.text
    for said in (
        "<strong>here</strong>",
        "Us &amp; you",
        "https://acme.com/privacy",
        "+1 202 555 0143",
        "#0a7d4f",
    ):
        assert said in html
    assert 'src="https://acme.com/logo.png"' in html
    for said in (
        "Made **here**",
        "Us & you: https://acme.com/?a=1&b=2",
        "help@acme.com",
        "https://acme.com/privacy",
    ):
        assert said in text
    assert "cannot be switched off" not in html


def test_l07_what_was_typed_into_the_rules_is_neither_markup_nor_a_header(office: Office) -> None:
    nasty = '<img src=x onerror=alert(1)>"><b>'
    office.put("footer", enabled=True, text=nasty, links=[{"label": nasty[:80], "url": "https://acme.com"}])
    office.put(
        "compliance",
        canSpam={"enabled": True, "companyName": nasty, "address": {**ADDRESS, "line1": nasty}},
        unsubscribe={"text": nasty},
        gdpr={"enabled": True, "consentRequired": True, "consentText": nasty},
    )
    agree(office)
    office.write()
    assert "<img" not in office.last.html
    assert "<b>" not in office.last.html


def test_what_is_kept_of_people_goes_with_them(office: Office) -> None:
    office.put("tracking", openTracking=True)
    office.write()
    picture = pixel(office)
    office.open(picture)
    office.open(way_out(office), "POST")
    kim = office.world.person("kim@world.example")
    with office.world.app.app_context(), transaction():
        for model in (MailEngagement, EventChoice):
            db.session.execute(sa.update(model).values(user_id=kim))
        db.session.execute(sa.delete(User).where(User.id == kim))
    assert office.rows(MailEngagement) == office.rows(EventChoice) == []
    assert office.rows(MailRules)
