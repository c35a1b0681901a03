"""Who the demo people are and where they signed in from; all addresses are reserved for examples."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domains.permissions.roles import Role
from app.domains.tenants.models import MembershipStatus

PASSWORD = "portico-demo-2026"
"""Everybody's password here."""
SUSPENDED = "initech"
"""The organization that does not pay."""

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0)"

USER_AGENTS: Mapping[str, str] = {
    "chrome": f"{_WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "edge": f"{_WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "safari": f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15",
    "firefox": f"{_LINUX} Gecko/20100101 Firefox/145.0",
    "iphone": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
    "android": "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "curl": "curl/8.17.0",
}


@dataclass(frozen=True)
class SignIn:
    """One sign-in: so many days ago, last used so many hours ago; ended ones tell how."""

    client: str
    ip: str
    country: str
    days: float
    idle_hours: float
    dialect: str = "portal"
    ended: str = ""
    """signed_out, or empty while it lasts."""


@dataclass(frozen=True)
class Person:
    """Someone in a demo organization."""

    email: str
    first_name: str
    last_name: str
    role: Role
    title: str
    days: float
    """How long ago they came."""
    zone: str
    handle: str | None = None
    status: MembershipStatus = MembershipStatus.ACTIVE
    sign_ins: tuple[SignIn, ...] = ()
    every: int = 0
    """They came back every so many days; 0 for what their sign-ins say alone."""


@dataclass(frozen=True)
class Organization:
    """A demo organization with its people, the owner first."""

    slug: str
    name: str
    days: float
    settings: Mapping[str, str]
    people: tuple[Person, ...]
    paid_days: float = 0
    """How long ago its owner chose the paid plan; 0 for one on trial."""


JANE = Person(
    "jane@acme.example",
    "Jane",
    "Doe",
    Role.OWNER,
    "Managing director",
    41,
    "Europe/Berlin",
    "janedoe",
    every=2,
    sign_ins=(
        SignIn("safari", "203.0.113.24", "DE", 33, 690, ended="signed_out"),
        SignIn("safari", "203.0.113.24", "DE", 6.2, 1.4),
        SignIn("iphone", "198.51.100.71", "DE", 2.3, 9),
        SignIn("firefox", "192.0.2.140", "FR", 0.9, 20, dialect="services_v1"),
    ),
)

ACME = Organization(
    "acme-corp",
    "Acme Corp",
    41,
    paid_days=27,
    settings={"general.support_email": "help@acme.example", "general.website": "https://www.acme.example"},
    people=(
        JANE,
        Person(
            "marcus@acme.example",
            "Marcus",
            "Lindqvist",
            Role.ADMIN,
            "Head of IT",
            39,
            "Europe/Stockholm",
            "marcusl",
            every=3,
            sign_ins=(
                SignIn("firefox", "192.0.2.17", "SE", 25, 480, ended="signed_out"),
                SignIn("firefox", "192.0.2.17", "SE", 4.1, 3),
                SignIn("curl", "192.0.2.18", "SE", 1.6, 5, dialect="api_v1"),
            ),
        ),
        Person(
            "priya@acme.example",
            "Priya",
            "Raman",
            Role.MANAGER,
            "Sales manager",
            36,
            "Asia/Kolkata",
            "priyar",
            every=4,
            sign_ins=(
                SignIn("chrome", "198.51.100.8", "IN", 12, 190, ended="signed_out"),
                SignIn("chrome", "198.51.100.8", "IN", 3.4, 6),
                SignIn("android", "198.51.100.93", "IN", 1.1, 2),
            ),
        ),
        Person(
            "tomas@acme.example",
            "Tomás",
            "Herrera",
            Role.MEMBER,
            "Account manager",
            30,
            "Europe/Madrid",
            "tomas_h",
            every=5,
            sign_ins=(
                SignIn("edge", "203.0.113.88", "ES", 9, 31),
                SignIn("iphone", "203.0.113.190", "ES", 5, 50),
            ),
        ),
        Person(
            "hannah@acme.example",
            "Hannah",
            "Weiss",
            Role.VIEWER,
            "Tax adviser",
            18,
            "Europe/Vienna",
            sign_ins=(SignIn("chrome", "192.0.2.201", "AT", 7, 70),),
        ),
        Person(
            "noah@acme.example",
            "Noah",
            "Adeyemi",
            Role.MEMBER,
            "Designer",
            11,
            "Europe/London",
            "noahade",
            sign_ins=(SignIn("safari", "198.51.100.150", "GB", 2.8, 12),),
        ),
        Person(
            "lucy@acme.example",
            "Lucy",
            "Chen",
            Role.MEMBER,
            "Intern",
            35,
            "Europe/Berlin",
            status=MembershipStatus.INACTIVE,
            sign_ins=(SignIn("chrome", "203.0.113.61", "DE", 20, 330, ended="signed_out"),),
        ),
    ),
)

GLOBEX = Organization(
    "globex",
    "Globex",
    9,
    settings={"general.website": "https://globex.example"},
    people=(
        Person(
            "greta@globex.example",
            "Greta",
            "Olsen",
            Role.OWNER,
            "Founder",
            9,
            "Europe/Oslo",
            "gretaolsen",
            sign_ins=(SignIn("safari", "198.51.100.210", "NO", 8.9, 4),),
        ),
        Person(
            "samuel@globex.example",
            "Samuel",
            "Okafor",
            Role.ADMIN,
            "Operations",
            8,
            "Europe/Oslo",
            sign_ins=(SignIn("firefox", "198.51.100.211", "NO", 1.5, 8),),
        ),
    ),
)

INITECH = Organization(
    SUSPENDED,
    "Initech",
    75,
    paid_days=61,
    settings={"general.website": "https://initech.example"},
    people=(
        Person(
            "bill@initech.example",
            "Bill",
            "Adams",
            Role.OWNER,
            "Director",
            75,
            "America/Chicago",
            sign_ins=(SignIn("edge", "198.51.100.33", "US", 38, 900, ended="signed_out"),),
        ),
        Person(
            "petra@initech.example",
            "Petra",
            "Novak",
            Role.MEMBER,
            "Engineer",
            70,
            "Europe/Prague",
            sign_ins=(SignIn("firefox", "198.51.100.34", "CZ", 12, 4, dialect="api_v1"),),
        ),
    ),
)

ADA = Person(
    "ada@portico.example",
    "Ada",
    "Byron",
    Role.OWNER,
    "Platform operations",
    80,
    "Europe/London",
    sign_ins=(SignIn("firefox", "192.0.2.9", "GB", 3, 30, ended="signed_out"),),
)
"""The admin of the platform, who belongs to no organization."""

ORGANIZATIONS = (ACME, GLOBEX, INITECH)
