"""What a visitor who is not signed in may know of the instance."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.access import Access, Actor, operation
from app.core.environments import Environment
from app.core.links import public_url
from app.core.settings import current_settings
from app.domains.accounts.passwords import MAX_LENGTH
from app.domains.accounts.policies import Policy, in_force, versions
from app.domains.settings import queries as settings

_KEYS = (
    "instance.name",
    "instance.logo_url",
    "instance.support_email",
    "instance.languages",
    "billing.currencies",
    "auth.registration_open",
    "auth.code_login_enabled",
)


@dataclass(frozen=True)
class PasswordLengths:
    """How short and how long a new password may be."""

    min_length: int
    max_length: int = MAX_LENGTH


@dataclass(frozen=True)
class InstanceFace:
    """An instance as a sign-in page shows it."""

    platform_id: str
    name: str
    environment: Environment
    version: str
    logo_url: str | None
    portal_url: str
    docs_url: str
    support_email: str | None
    languages: Sequence[str]
    currencies: Sequence[str]
    registration_open: bool
    login_methods: Sequence[str]
    """Ways in that are open here: password, email_otp."""
    password_policy: PasswordLengths
    policies: Sequence[Policy]
    """Those that a person is asked to accept."""

    @property
    def default_language(self) -> str:
        """Return the language of those who chose none."""
        return self.languages[0]


@operation(Access.PUBLIC)
def face(actor: Actor) -> InstanceFace:
    """Return name, look, languages and rules of the instance: three queries."""
    wanted, configured = settings.values(_KEYS), current_settings()
    by_code = wanted["auth.code_login_enabled"] is True
    return InstanceFace(
        platform_id=configured.platform_id,
        name=str(wanted["instance.name"]),
        environment=Environment.PROD,
        version=configured.version,
        logo_url=_text(wanted["instance.logo_url"]),
        portal_url=public_url(""),
        docs_url=public_url("/developers"),
        support_email=_text(wanted["instance.support_email"]),
        languages=settings.as_entries(wanted["instance.languages"]) or ("en",),
        currencies=settings.as_entries(wanted["billing.currencies"]),
        registration_open=wanted["auth.registration_open"] is True,
        login_methods=("password", "email_otp") if by_code else ("password",),
        password_policy=PasswordLengths(settings.integer("auth.password_min_length")),
        policies=[policy for policy in in_force(versions()).values() if policy.must_accept],
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
