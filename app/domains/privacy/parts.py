"""All parts of an export, in the order in which they are written, and what is in none."""

from collections.abc import Sequence

from app.core.personal import PARTS, Part, not_exported
from app.domains.accounts import person_data as _accounts  # noqa: F401 - each registers its part by itself
from app.domains.audit import person_data as _audit  # noqa: F401
from app.domains.auth import erasure as _auth  # noqa: F401
from app.domains.email import person_data as _email  # noqa: F401
from app.domains.email import rules_person_data as _mail_rules  # noqa: F401
from app.domains.members import person_data as _members  # noqa: F401
from app.domains.onboarding import person_data as _onboarding  # noqa: F401
from app.domains.permissions import person_data as _permissions  # noqa: F401
from app.domains.platform import person_data as _platform  # noqa: F401
from app.domains.sessions import person_data as _sessions  # noqa: F401
from app.domains.tenants import person_data as _tenants  # noqa: F401
from app.domains.twofactor import passkey_data as _passkeys  # noqa: F401
from app.domains.twofactor import person_data as _twofactor  # noqa: F401

not_exported("data_exports", "the export itself, and those before it")
not_exported("deletion_requests", "that somebody waits to be erased is in their activity")
not_exported("setting_values", "an organization's settings; that the person changed one is in their activity")


def of_a_person() -> Sequence[Part]:
    """Return the parts of a person's export."""
    return list(PARTS.values())
