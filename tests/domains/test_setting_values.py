"""What may be a setting's value."""

from typing import Any

import pytest

from app.domains.settings.registry import DEFINITIONS
from app.domains.settings.validation import validate

pytestmark = pytest.mark.once


GOOD: list[tuple[str, Any, Any]] = [
    ("general.legal_name", "  Acme GmbH ", "Acme GmbH"),
    ("general.legal_name", None, None),
    ("branding.login_message", "Two\nlines", "Two\nlines"),
    ("branding.primary_color", "#A0B1C2", "#a0b1c2"),
    ("branding.logo_url", "https://acme.example/logo.svg", "https://acme.example/logo.svg"),
    ("general.support_email", "help@acme.example", "help@acme.example"),
    ("localization.timezone", "Europe/Berlin", "Europe/Berlin"),
    ("localization.locale", "de", "de"),
    ("localization.currency", "CHF", "CHF"),
    ("auth.password_min_length", 64, 64),
    ("auth.mfa_enforced", True, True),
    ("members.default_role", "viewer", "viewer"),
    ("auth.ip_allowlist", ["192.0.2.0/24", "2001:db8::1"], ("192.0.2.0/24", "2001:db8::1")),
    ("auth.allowed_email_domains", ["acme.example", "acme.example"], ("acme.example",)),
    ("notifications.digest_default_time", "23:59", "23:59"),
    ("storage.allowed_endpoints", ["s3.acme.example:9000"], ("s3.acme.example:9000",)),
]

BAD: list[tuple[str, Any]] = [
    ("general.legal_name", 7),
    ("general.legal_name", "a\nb"),
    ("general.legal_name", "a" * 256),
    ("general.legal_name", "\x00"),
    ("branding.login_message", "a" * 5_001),
    ("branding.primary_color", "red"),
    ("branding.primary_color", "#12345"),
    ("branding.primary_color", None),
    ("branding.logo_url", "javascript:alert(1)"),
    ("branding.logo_url", "https://user@acme.example/"),
    ("branding.logo_url", "https://[broken"),
    ("general.support_email", "help"),
    ("localization.timezone", "Mars/Olympus"),
    ("localization.timezone", "../../etc/passwd"),
    ("localization.locale", "german"),
    ("localization.currency", "euro"),
    ("auth.password_min_length", 7),
    ("auth.password_min_length", 65),
    ("auth.password_min_length", True),
    ("auth.password_min_length", "10"),
    ("auth.password_min_length", 10.0),
    ("auth.mfa_enforced", 1),
    ("auth.mfa_enforced", "true"),
    ("members.default_role", "owner"),
    ("members.default_role", ["viewer"]),
    ("auth.ip_allowlist", "192.0.2.0/24"),
    ("auth.ip_allowlist", ["192.0.2.0/33"]),
    ("auth.ip_allowlist", [""]),
    ("auth.ip_allowlist", [None]),
    ("auth.ip_allowlist", ["192.0.2.1"] * 201),
    ("auth.allowed_email_domains", ["acme example"]),
    ("auth.allowed_email_domains", ["-acme.example"]),
    ("notifications.digest_default_time", "24:00"),
    ("oauth.redirect_uris", ["ftp://acme.example/back"]),
    ("oauth.redirect_uris", ["https://acme.example/back#part"]),
    ("storage.allowed_endpoints", ["http://169.254.169.254/"]),
    ("instance.languages", ["en-US"]),
    ("instance.name", ""),
]


@pytest.mark.parametrize(("key", "given", "kept"), GOOD)
def test_a_good_value_is_kept_in_its_one_form(key: str, given: Any, kept: Any) -> None:
    assert validate(DEFINITIONS[key], given) == kept


@pytest.mark.parametrize(("key", "given"), BAD)
def test_a_bad_value_is_refused_with_a_sentence(key: str, given: Any) -> None:
    with pytest.raises(ValueError, match=r"^.+\.$"):
        validate(DEFINITIONS[key], given)
