"""People's e-mail addresses: refusing unproven ones, and masking them for who need not know."""

from app.core.addresses import MAX_LENGTH, checked, key_of
from app.core.errors import Forbidden

__all__ = ["MAX_LENGTH", "EmailUnverified", "checked", "key_of", "masked"]


class EmailUnverified(Forbidden):
    code, message, commits = "auth:email_unverified", "Confirm your e-mail address first.", True


def masked(email: str) -> str:
    """Return an address that its owner recognises and nobody else learns: ``j***@acme.example``."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}***{at}{domain}"
