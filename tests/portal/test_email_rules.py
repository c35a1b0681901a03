"""The pages on which an organization's owner sets what its mail carries, counts and is signed with."""

import pytest

from tests.portal.conftest import Visitor
from tests.support.dns import DnsServer

EMAIL = "/organization/email"
ADDRESS = {
    "line1": "1 Main St",
    "city": "Springfield",
    "region": "IL",
    "postal_code": "62701",
    "country": "US",
}


@pytest.fixture
def owner(signed_in: Visitor, dns: DnsServer) -> Visitor:
    founded = signed_in.send(
        "/organizations", {"name": "Acme Corp", "slug": "acme-corp"}, on="/organizations"
    )
    assert founded.status_code == 303
    return signed_in


def save(owner: Visitor, page: str, fields: dict[str, str]) -> str:
    """Send a page's form, and return the page as it is then."""
    sent = owner.send(f"{EMAIL}/{page}", fields, on=f"{EMAIL}/{page}")
    assert (sent.status_code, sent.location) == (303, f"{EMAIL}/{page}"), sent.text
    return owner.get(f"{EMAIL}/{page}").text


def test_what_is_counted_is_saved_and_shown(owner: Visitor) -> None:
    fields = {"open_tracking": "y", "tracking_domain": "links.acme.com", "retention_days": "30"}
    page = save(owner, "tracking", fields)
    assert 'id="open_tracking" name="open_tracking" value="y" checked' in page
    assert "Not seen yet" in page
    assert 'value="30"' in page


def test_the_law_is_filled_in_and_what_is_wrong_is_said_at_its_field(owner: Visitor) -> None:
    wrong = owner.send(
        f"{EMAIL}/compliance",
        {"can_spam": "y", "unsubscribe": "y", "line1": "1 Main St"},
        on=f"{EMAIL}/compliance",
    )
    assert wrong.status_code == 422
    assert 'id="city-error"' in wrong.text
    fields = {"can_spam": "y", "unsubscribe": "y", "one_click": "y", "company_name": "Acme Corp", **ADDRESS}
    page = save(owner, "compliance", fields)
    assert "Complete" in page
    assert '<option value="US" selected>United States</option>' in page
    assert "until company and address are complete" not in page


def test_the_footer_is_previewed_as_mails_carry_it(owner: Visitor) -> None:
    fields = {"enabled": "y", "text": "Made **here** <script>x</script>", "links": "Us | https://acme.com\n"}
    page = save(owner, "footer", fields)
    assert page.count("<strong>here</strong>") == 2
    assert "<script>x" not in page
    assert "Us | https://acme.com" in page
    wrong = owner.send(
        f"{EMAIL}/footer", {"links": "a | https://a.co\nb | javascript:x"}, on=f"{EMAIL}/footer"
    )
    assert wrong.status_code == 422
    assert "2: Give an address that begins with https:// or mailto:." in wrong.text


def test_the_records_of_a_domain_are_shown_to_be_copied_and_looked_up(owner: Visitor, dns: DnsServer) -> None:
    page = save(owner, "domain", {"domain": "acme.com", "dmarc_policy": "none"})
    assert "mail._domainkey.acme.com" in page
    assert 'data-copy="v=DMARC1; p=none"' in page
    assert "Add this TXT record at your DNS provider." in page
    dns.put("_dmarc.acme.com", "v=DMARC1; p=reject")
    looked = owner.send(f"{EMAIL}/domain/check", on=f"{EMAIL}/domain")
    assert looked.status_code == 303
    page = owner.get(f"{EMAIL}/domain").text
    assert "Your policy is stricter than the one asked for, which is fine." in page
    assert owner.send(f"{EMAIL}/domain/rotate", on=f"{EMAIL}/domain").status_code == 303
    wrong = owner.send(
        f"{EMAIL}/domain", {"domain": "localhost", "dmarc_policy": "none"}, on=f"{EMAIL}/domain"
    )
    assert wrong.status_code == 422
    assert 'id="domain-error"' in wrong.text


def test_nobody_comes_in_without_an_organization(visitor: Visitor) -> None:
    for page in ("tracking", "compliance", "footer", "domain"):
        assert visitor.get(f"{EMAIL}/{page}").status_code == 303
