"""Refusals that several parts of the second factor share."""

from app.core.errors import Conflict, Refused


class CodeInvalid(Refused):
    """Wrong, late, taken already, of another person: nobody is told which."""

    code, message, commits = "two_factor:code_invalid", "The code of the second factor is wrong.", True


class TwoFactorNotEnabled(Conflict):
    code, message = "two_factor:not_enabled", "No second factor is on."


class PasskeyRefused(Refused):
    """Unknown, of another person or place, signed wrongly, late, answered already: nobody is told which."""

    code, message, commits = "passkey:refused", "This passkey was not taken. Try again.", True
