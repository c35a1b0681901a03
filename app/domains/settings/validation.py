"""What a setting's value may be: the rule of each type, and what single keys ask for beyond their type."""

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from app.core.languages import Sentence
from app.domains.settings.registry import Definition, Type, Value

_MAX_STRING = 255
_MAX_TEXT = 5_000
_MAX_ENTRIES = 200

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_HOST = r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*"


def validate(definition: Definition, value: Any) -> Value:
    """Return the value as it is kept: null (no value) for all but numbers and switches, lists as tuples.

    :raises ValueError: with a sentence for the person who set it
    """
    if value is None:
        if definition.default is None:
            return None
        raise ValueError(Sentence("This setting needs a value."))
    checked = _TYPE_RULES[definition.type](definition, value)
    rule = _KEY_RULES.get(definition.key)
    if rule is not None:
        for entry in checked if isinstance(checked, tuple) else (checked,):
            rule(str(entry))
    return checked


def _string(_definition: Definition, value: Any) -> str:
    text = _text_of(value, _MAX_STRING)
    _need(all(sign >= " " for sign in text), "Use one line.")
    return text


def _text(_definition: Definition, value: Any) -> str:
    return _text_of(value, _MAX_TEXT)


def _text_of(value: Any, longest: int) -> str:
    _need(isinstance(value, str), "Give a text.")
    text = str(value).strip()
    _need(len(text) <= longest, Sentence("Use at most %(most)s characters.", most=longest))
    _need("\x00" not in text, "This text holds a character that cannot be kept.")
    return text


def _integer(definition: Definition, value: Any) -> int:
    _need(isinstance(value, int) and not isinstance(value, bool), "Give a whole number.")
    number = int(value)
    _need(
        definition.min is None or number >= definition.min,
        Sentence("Give %(least)s or more.", least=definition.min),
    )
    _need(
        definition.max is None or number <= definition.max,
        Sentence("Give %(most)s or less.", most=definition.max),
    )
    return number


def _boolean(_definition: Definition, value: Any) -> bool:
    _need(isinstance(value, bool), "Say true or false.")
    return bool(value)


def _enum(definition: Definition, value: Any) -> str:
    _need(
        value in definition.options, Sentence("Choose one of %(types)s.", types=", ".join(definition.options))
    )
    return str(value)


def _color(definition: Definition, value: Any) -> str:
    return _matching(_COLOR, _string(definition, value), "Give a colour such as #2457d6.").lower()


def _url(definition: Definition, value: Any) -> str:
    text = _string(definition, value)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or " " in text:
        raise ValueError(Sentence("Give an address that begins with https:// or http://."))
    return text


def _email(definition: Definition, value: Any) -> str:
    try:
        return validate_email(_string(definition, value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(Sentence("Give an e-mail address.")) from error


def _timezone(definition: Definition, value: Any) -> str:
    text = _string(definition, value)
    _need(text in zoneinfo.available_timezones(), "Give a time zone such as Europe/Berlin.")
    return text


def _locale(definition: Definition, value: Any) -> str:
    return _matching(_LOCALE, _string(definition, value), "Give a language such as en-US.")


def _list(definition: Definition, value: Any) -> tuple[str, ...]:
    _need(isinstance(value, list | tuple), "Give a list.")
    _need(len(value) <= _MAX_ENTRIES, Sentence("Give at most %(most)s entries.", most=_MAX_ENTRIES))
    entries = tuple(dict.fromkeys(_string(definition, entry) for entry in value))
    _need("" not in entries, "An entry is empty.")
    return entries


_TYPE_RULES: Mapping[Type, Callable[[Definition, Any], Value]] = {
    Type.STRING: _string,
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.BOOLEAN: _boolean,
    Type.ENUM: _enum,
    Type.COLOR: _color,
    Type.URL: _url,
    Type.EMAIL: _email,
    Type.TIMEZONE: _timezone,
    Type.LOCALE: _locale,
    Type.LIST: _list,
    Type.SECRET: _string,
}


def _need(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


def _matching(pattern: re.Pattern[str], text: str, sentence: str) -> str:
    _need(pattern.fullmatch(text) is not None, sentence)
    return text


def _form(pattern: str, sentence: str) -> Callable[[str], object]:
    compiled = re.compile(pattern)
    return lambda text: _matching(compiled, text, sentence)


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            Sentence("%(text)s is no address or network such as 192.0.2.0/24.", text=text)
        ) from error


def _return_address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError(Sentence("%(text)s is no address that begins with https:// or http://.", text=text))


def _day(text: str) -> None:
    try:
        valid = date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    _need(valid, "Give a day such as 2026-12-31.")


_KEY_RULES: Mapping[str, Callable[[str], object]] = {
    "auth.allowed_email_domains": _form(_HOST, "Give domains such as acme.com."),
    "auth.ip_allowlist": _network,
    "auth.mfa_enforced_from": _day,
    "billing.currencies": _form("[A-Z]{3}", "Give currencies such as EUR."),
    "billing.seller_country": _form("[A-Z]{2}", "Give a country such as DE."),
    "instance.languages": _form("[a-z]{2,3}", "Give languages such as en."),
    "instance.name": _form(".+", "Give a name."),
    "localization.currency": _form("[A-Z]{3}", "Give a currency such as EUR."),
    "notifications.digest_default_time": _form("([01][0-9]|2[0-3]):[0-5][0-9]", "Give a time such as 08:00."),
    "oauth.redirect_uris": _return_address,
    "storage.allowed_endpoints": _form(rf"{_HOST}(:[0-9]{{1,5}})?", "Give hosts such as s3.example.com:443."),
}
