"""The shape of a mail's definition."""

from dataclasses import dataclass

COMMON = ("first_name", "tenant_name", "app_name")
"""Variables that every mail has besides its own."""


@dataclass(frozen=True)
class MailDefinition:
    """One mail: the event it belongs to, its own variables, its subject (Jinja)."""

    name: str
    event: str
    variables: tuple[str, ...]
    subject: str
    optional: tuple[str, ...] = ()
    """Variables that a mail of this kind may have or not."""
    forgotten: bool = False
    """Whether nothing is kept of whom it went to: they are not here any more."""

    @property
    def secret(self) -> frozenset[str]:
        """Return the variables that open something; they are sealed until the mail is written."""
        return frozenset(v for v in self.variables if v in ("code", "token", "link") or v.endswith("_url"))

    @property
    def opens(self) -> bool:
        """Say whether it holds what acts by itself: a code, a token, a link that is more than an address."""
        return bool(self.secret - {"link"})
