"""What may stand in the rules of mail: hosts, addresses, countries, links."""

import functools
import re
from urllib.parse import urlsplit

import idna
from babel import Locale
from email_validator import EmailNotValidError, validate_email

from app.core.languages import Sentence

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NOT_OF_THE_INTERNET = frozenset({"arpa", "internal", "invalid", "lan", "local", "localhost", "onion"})
_NO_COUNTRIES = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
"""Two letters that CLDR names a territory by and ISO 3166-1 gives to no country."""
_LONGEST_ADDRESS = 2_000


def domain_of(text: str) -> str:
    """Return a domain of the internet in ASCII (IDNA 2008).

    :raises ValueError: with a sentence for whoever typed it
    """
    wrong = Sentence("Give a domain such as acme.com.")
    typed = text.strip().rstrip(".").lower()
    try:
        name = typed if typed.isascii() else idna.encode(typed, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(wrong) from error
    labels = name.split(".")
    plain = all(_LABEL.fullmatch(label) and "_" not in label for label in labels)
    if not plain or len(labels) < 2 or len(name) > 200 or labels[-1].isdigit():
        raise ValueError(wrong)
    if labels[-1] in _NOT_OF_THE_INTERNET:
        raise ValueError(Sentence("This domain is not one of the internet."))
    return name


def selector_of(text: str) -> str:
    """Return a DKIM selector: one label of a host's name.

    :raises ValueError: with a sentence for whoever typed it
    """
    name = text.strip().lower()
    if not _LABEL.fullmatch(name) or "_" in name:
        raise ValueError(Sentence("Use letters, digits and hyphens, such as mail."))
    return name


def email_of(text: str) -> str:
    """Return an e-mail address as it is kept.

    :raises ValueError: with a sentence for whoever typed it
    """
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(Sentence("Give an e-mail address.")) from error


def link_of(text: str, *, mail_too: bool = False) -> str:
    """Return an address that a reader may be led to: https, http, and mailto where it is taken.

    :raises ValueError: with a sentence for whoever typed it
    """
    typed = text.strip()
    if not is_link(typed, mail_too=mail_too) or len(typed) > _LONGEST_ADDRESS:
        said = "Give an address that begins with https:// or mailto:." if mail_too else _BEGINS
        raise ValueError(Sentence(said))
    return typed


_BEGINS = "Give an address that begins with https:// or http://."


def is_link(text: str, *, mail_too: bool = False) -> bool:
    """Say whether an address leads to a page (or, with ``mail_too``, over TLS or to a mailbox only)."""
    if not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if mail_too and parts.scheme == "mailto":
        return "@" in parts.path
    schemes = ("https",) if mail_too else ("https", "http")
    return parts.scheme in schemes and bool(parts.hostname) and parts.username is None


@functools.cache
def countries(language: str) -> dict[str, str]:
    """Return the names of all countries in one language by their two letters (ISO 3166-1), by name."""
    names = Locale.parse(language).territories
    found = {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}
    kept = {code: str(name) for code, name in found.items() if code not in _NO_COUNTRIES}
    return dict(sorted(kept.items(), key=lambda one: one[1]))


def country_of(text: str) -> str:
    """Return a country's code.

    :raises ValueError: with a sentence for whoever typed it
    """
    code = text.strip().upper()
    if code not in countries("en"):
        raise ValueError(Sentence("Give a country of two letters such as US."))
    return code
