"""What a setting's value may be: the rule of each type, and what single keys ask for beyond their type."""

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

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
        raise ValueError("This setting needs a value.")
    checked = _TYPE_RULES[definition.type](definition, value)
    rule = _KEY_RULES.get(definition.key)
    if rule is not None:
        for entry in checked if isinstance(checked, tuple) else (checked,):
            rule(str(entry))
    return checked


def _string(definition: Definition, value: Any) -> str:
    text = _text_of(value, _MAX_STRING)
    if any(ord(sign) < ord(" ") for sign in text):
        raise ValueError("Use one line.")
    return text


def _text(definition: Definition, value: Any) -> str:
    return _text_of(value, _MAX_TEXT)


def _text_of(value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise ValueError("Give a text.")  # noqa: TRY004 - one kind of failure for whoever set it
    text = value.strip()
    if len(text) > longest:
        raise ValueError(f"Use at most {longest} characters.")
    if "\x00" in text:
        raise ValueError("This text holds a character that cannot be kept.")
    return text


def _integer(definition: Definition, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("Give a whole number.")  # noqa: TRY004 - as above
    if definition.min is not None and value < definition.min:
        raise ValueError(f"Give {definition.min} or more.")
    if definition.max is not None and value > definition.max:
        raise ValueError(f"Give {definition.max} or less.")
    return value


def _boolean(definition: Definition, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Say true or false.")  # noqa: TRY004 - as above
    return value


def _enum(definition: Definition, value: Any) -> str:
    if value not in definition.options:
        raise ValueError(f"Choose one of {', '.join(definition.options)}.")
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
        raise ValueError("Give an address that begins with https:// or http://.")
    return text


def _email(definition: Definition, value: Any) -> str:
    try:
        return validate_email(_string(definition, value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError("Give an e-mail address.") from error


def _timezone(definition: Definition, value: Any) -> str:
    text = _string(definition, value)
    if text not in zoneinfo.available_timezones():
        raise ValueError("Give a time zone such as Europe/Berlin.")
    return text


def _locale(definition: Definition, value: Any) -> str:
    return _matching(_LOCALE, _string(definition, value), "Give a language such as en-US.")


def _list(definition: Definition, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("Give a list.")  # noqa: TRY004 - as above
    if len(value) > _MAX_ENTRIES:
        raise ValueError(f"Give at most {_MAX_ENTRIES} entries.")
    entries = tuple(dict.fromkeys(_string(definition, entry) for entry in value))
    if "" in entries:
        raise ValueError("An entry is empty.")
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


def _matching(pattern: re.Pattern[str], text: str, sentence: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(sentence)
    return text


def _form(pattern: str, sentence: str) -> Callable[[str], object]:
    compiled = re.compile(pattern)
    return lambda text: _matching(compiled, text, sentence)


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{text} is no address or network such as 192.0.2.0/24.") from error


def _return_address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError(f"{text} is no address that begins with https:// or http://.")


_KEY_RULES: Mapping[str, Callable[[str], object]] = {
    "auth.allowed_email_domains": _form(_HOST, "Give domains such as acme.com."),
    "auth.ip_allowlist": _network,
    "billing.currencies": _form("[A-Z]{3}", "Give currencies such as EUR."),
    "billing.seller_country": _form("[A-Z]{2}", "Give a country such as DE."),
    "instance.languages": _form("[a-z]{2,3}", "Give languages such as en."),
    "instance.name": _form(".+", "Give a name."),
    "localization.currency": _form("[A-Z]{3}", "Give a currency such as EUR."),
    "notifications.digest_default_time": _form("([01][0-9]|2[0-3]):[0-5][0-9]", "Give a time such as 08:00."),
    "oauth.redirect_uris": _return_address,
    "storage.allowed_endpoints": _form(rf"{_HOST}(:[0-9]{{1,5}})?", "Give hosts such as s3.example.com:443."),
}
