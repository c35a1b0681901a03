"""api_v1's flow ``organization_and_email_setup``, the rules of its mail, against a running server."""

from collections.abc import Iterator

import pytest

from tests.support.calls import Caller
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

EMAIL = "api_v1.email_settings"
PASSWORD = "secure-password"
ADDRESS = {
    "line1": "1 Main St",
    "city": "Springfield",
    "region": "IL",
    "postalCode": "62701",
    "country": "US",
}


@pytest.fixture
def caller(live: LiveInstance) -> Iterator[Caller]:
    with Caller(live.url) as made:
        yield made


def test_rules_of_mail(live: LiveInstance, caller: Caller) -> None:
    slug, email = "mailing-corp", "admin@mailing-corp.example"
    names = {"companyName": "Acme Corp", "adminFirstName": "John", "adminLastName": "Doe"}
    founder = {"slug": slug, "adminEmail": email, "adminPassword": PASSWORD, **names}
    caller.good("api_v1.tenants.register", **founder)
    signed_in = caller.good("api_v1.auth.login", email=email, password=PASSWORD, tenantSlug=slug)
    owner = {"bearer": signed_in["data"]["accessToken"]}
    caller.good(f"{EMAIL}.tracking_put", openTracking=True, clickTracking=True, **owner)
    assert caller.good(f"{EMAIL}.tracking_get", **owner)["data"]["openTracking"] is True
    law = {"canSpam": {"enabled": True, "companyName": "Acme Corp", "address": ADDRESS}}
    assert caller.good(f"{EMAIL}.compliance_put", **law, **owner)["data"]["canSpam"]["complete"] is True
    assert caller.good(f"{EMAIL}.compliance_get", **owner)["data"]["unsubscribe"]["oneClick"] is True
    footer = {"enabled": True, "text": "Sent by Acme <script>x</script>"}
    assert "<script" not in caller.good(f"{EMAIL}.footer_put", **footer, **owner)["data"]["html"]
    assert caller.good(f"{EMAIL}.footer_get", **owner)["data"]["enabled"] is True
    named = caller.call(f"{EMAIL}.deliverability_put", domain="acme.com", dkimSelector="mail", **owner)
    assert [record["type"] for record in named.json()["data"]["records"]] == ["SPF", "DKIM", "DMARC"]
    assert "PRIVATE" not in named.text
    live.move_clock(5)
    again = caller.good(f"{EMAIL}.deliverability_get", refresh=True, **owner)["data"]
    assert again["checkedAt"] > named.json()["data"]["checkedAt"]
    for call in ("track_open", "track_click", "unsubscribe"):
        caller.refused(f"api_v1.web.{call}", "404 web:link_invalid", token="tampered")
