"""E-mail addresses: what may be one, and what two spellings of the same one are compared by."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from app.core.errors import ValidationFailed
from app.core.settings import current_settings

MAX_LENGTH = 254
_KEY_LENGTH = 320
"""The longest key that is kept: some letters become many when they are compared."""


def key_of(email: str) -> str:
    """Return what an address is compared by: one mailbox, one key, whatever case or Unicode form was typed.

    The domain is compared in its ASCII form. Never used to send to.
    """
    text = unicodedata.normalize("NFKC", email.strip()).rstrip(".").casefold()
    local, at, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        pass  # not a domain at all; such an address is refused before it is ever stored
    return unicodedata.normalize("NFKC", local).casefold() + at + domain


def checked(email: str, *, field: str = "email") -> str:
    """Return the address as it is kept and written to.

    :raises ValidationFailed: if it is no address (quoted local parts and address literals are none here)
    """
    text = email.strip().rstrip(".")
    try:
        if len(text) > MAX_LENGTH or any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
            raise EmailNotValidError
        found = validate_email(
            text, check_deliverability=False, test_environment=not current_settings().is_production
        )
        if len(key_of(found.normalized)) > _KEY_LENGTH:
            raise EmailNotValidError
    except EmailNotValidError as error:
        raise ValidationFailed({field: ["This is not an e-mail address."]}) from error
    return found.normalized
