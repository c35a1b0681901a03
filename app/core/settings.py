"""The instance's configuration: read once from the environment, typed, refused at start when wrong."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from dotenv import dotenv_values
from environs import Env, EnvError, ValidationError, validate

AppEnv = Literal["production", "development", "test"]
SmtpSecurity = Literal["none", "starttls", "tls"]

DEVELOPMENT_PUBLIC_URL = "http://127.0.0.1:8000"


_LOOPBACK = "127.0.0.0/8,::1/128"
_LEAST_WORKER_MIB = 256
_LEAST_DIFFERENT_BYTES = 16
"""Of 32 random bytes fewer than 16 differ about once in 10^14 keys: such a key was typed, not drawn."""


class SettingsError(Exception):
    """A variable of the environment is missing or cannot be used; the text names it."""


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Keys by their id, the first for what is made from now on, all for what was made before.

    Rotation is: put a new key in front, drop the old one when nothing made with it is good any more.
    """

    keys: Mapping[str, bytes]

    @property
    def newest(self) -> tuple[str, bytes]:
        """Return id and key for new values."""
        return next(iter(self.keys.items()))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that the environment decides; what an admin decides in the product is in ``domains.settings``."""

    app_env: AppEnv
    instance: Path
    database_url: str
    redis_url: str
    public_url: str
    secret_key: str
    signing_keys: Keyring
    sealing_keys: Keyring
    smtp_host: str
    smtp_port: int
    smtp_security: SmtpSecurity
    smtp_username: str | None
    smtp_password: str | None
    smtp_timeout_seconds: float
    mail_from: str
    spf_include: str
    dns_servers: tuple[tuple[str, int], ...]
    outbound_networks: tuple[IPv4Network | IPv6Network, ...]
    """Addresses that organizations may name though they are not public."""
    outbound_ports: frozenset[int] | Literal["any"]
    """Ports that organizations may name besides those of the protocol."""
    trusted_proxies: int
    metrics_token: str | None
    password_memory_kib: int
    password_rounds: int
    password_concurrency: int
    db_pool_size: int
    worker_memory_mib: int
    """What a child of the worker may have of its own; 0: as much as there is."""
    log_level: str
    platform_id: str
    geoip_database: Path | None
    sandbox_url: str | None
    version: str = "1.0.0"

    @property
    def is_production(self) -> bool:
        """Say whether test aids (moved clock, cleared limits) are out of reach."""
        return self.app_env == "production"

    @property
    def debug(self) -> bool:
        """Say whether v0 shows details of errors and its documentation."""
        return self.app_env == "development"

    @property
    def https(self) -> bool:
        """Say whether people reach the instance over TLS, so that cookies are Secure and HSTS is sent."""
        return self.public_url.startswith("https://")


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration from the environment and, below it, from ``$INSTANCE/instance.env``.

    :raises SettingsError: naming the variable that is missing or wrong
    """
    given = dict(os.environ if environ is None else environ)
    instance = Path(given.get("INSTANCE") or "instance").resolve()
    stored = {k: v for k, v in dotenv_values(instance / "instance.env").items() if v is not None}
    merged = {**stored, **{k: v for k, v in given.items() if v != ""}}
    previous = dict(os.environ)
    try:
        # environs reads os.environ alone; what is merged stands there for the time of the reading only.
        os.environ.clear()
        os.environ.update(merged)
        return _parse(Env(expand_vars=False), instance)
    except EnvError as error:
        raise SettingsError(str(error)) from error
    finally:
        os.environ.clear()
        os.environ.update(previous)


def _parse(env: Env, instance: Path) -> Settings:
    app_env = cast(
        "AppEnv",
        env.str("APP_ENV", "production", validate=validate.OneOf(["production", "development", "test"])),
    )
    lax = app_env != "production"
    return Settings(
        app_env=app_env,
        instance=instance,
        database_url=_database_url(env.str("DATABASE_URL", f"sqlite:///{instance / 'portico.db'}")),
        redis_url=env.str("REDIS_URL", "redis://127.0.0.1:6379/0"),
        public_url=_public_url(env.str("PUBLIC_URL", *([DEVELOPMENT_PUBLIC_URL] if lax else []))),
        secret_key=env.str("SECRET_KEY", validate=validate.Length(min=32)),
        signing_keys=_keyring("SIGNING_KEYS", env.str("SIGNING_KEYS")),
        sealing_keys=_keyring("SEALING_KEYS", env.str("SEALING_KEYS")),
        smtp_host=env.str("SMTP_HOST", "127.0.0.1"),
        smtp_port=env.int("SMTP_PORT", 25, validate=validate.Range(1, 65535)),
        smtp_security=cast(
            "SmtpSecurity",
            env.str(
                "SMTP_SECURITY",
                "none" if lax else "starttls",
                validate=validate.OneOf(["none", "starttls", "tls"]),
            ),
        ),
        smtp_username=env.str("SMTP_USERNAME", None),
        smtp_password=env.str("SMTP_PASSWORD", None),
        smtp_timeout_seconds=env.float("SMTP_TIMEOUT_SECONDS", 15.0, validate=validate.Range(0.1, 30)),
        mail_from=env.str("MAIL_FROM", *(["Portico <portico@portico.example>"] if lax else [])),
        spf_include=env.str("SPF_INCLUDE", ""),
        dns_servers=_servers(env.list("DNS_SERVERS", [])),
        outbound_networks=_networks(
            env.str("OUTBOUND_NETWORKS", _LOOPBACK if app_env == "development" else "")
        ),
        outbound_ports=_ports(env.str("OUTBOUND_PORTS", "any" if app_env == "development" else "")),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 8)),
        metrics_token=env.str("METRICS_TOKEN", None),
        password_memory_kib=env.int("PASSWORD_MEMORY_KIB", 19456, validate=validate.Range(8)),
        password_rounds=env.int("PASSWORD_ROUNDS", 2, validate=validate.Range(1)),
        password_concurrency=env.int("PASSWORD_CONCURRENCY", os.cpu_count() or 2, validate=validate.Range(1)),
        db_pool_size=env.int("DB_POOL_SIZE", 20, validate=validate.Range(1)),
        worker_memory_mib=env.int("WORKER_MEMORY_MIB", 1024, validate=_worker_memory),
        log_level=env.str(
            "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
        ),
        platform_id=env.str("PLATFORM_ID", "portico"),
        geoip_database=_optional_path(env.str("GEOIP_DATABASE", None)),
        sandbox_url=env.str("SANDBOX_URL", None),
    )


def _worker_memory(value: int) -> None:
    if value and value < _LEAST_WORKER_MIB:
        raise ValidationError(f"must be 0 or at least {_LEAST_WORKER_MIB}")


def _database_url(value: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if value.startswith(prefix):
            return "postgresql+psycopg://" + value.removeprefix(prefix)
    if not value.startswith(("sqlite:", "postgresql+psycopg:")):
        raise SettingsError("DATABASE_URL: only sqlite and postgresql are supported")
    return value


def _public_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise SettingsError("PUBLIC_URL: must begin with http:// or https://")
    return value.rstrip("/")


def _keyring(name: str, value: str) -> Keyring:
    keys: dict[str, bytes] = {}
    for part in value.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError) as error:
            raise SettingsError(f"{name}: the key {key_id!r} is not base64url") from error
        if not key_id or len(key) != 32:
            raise SettingsError(f"{name}: needs id:key pairs with keys of 32 bytes in base64url")
        if len(set(key)) < _LEAST_DIFFERENT_BYTES:
            raise SettingsError(f"{name}: the key {key_id!r} is not random")
        keys[key_id] = key
    return Keyring(keys=keys)


def _servers(values: list[str]) -> tuple[tuple[str, int], ...]:
    """Read ``192.0.2.1``, ``192.0.2.1:5353`` or ``[2001:db8::1]:53``."""
    found = []
    for value in values:
        parts = urlsplit(f"//{value.strip()}")
        try:
            found.append((str(ip_address(parts.hostname or "")), parts.port or 53))
        except ValueError as error:
            raise SettingsError(f"DNS_SERVERS: {value!r} is no address[:port]") from error
    return tuple(found)


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"OUTBOUND_NETWORKS: {error}") from error


def _ports(value: str) -> frozenset[int] | Literal["any"]:
    if value.strip() == "any":
        return "any"
    try:
        return frozenset(int(part) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError("OUTBOUND_PORTS: needs numbers with commas between, or any") from error


def _optional_path(value: str | None) -> Path | None:
    return Path(value) if value else None


_current: Settings | None = None


def use_settings(settings: Settings) -> None:
    """Make these the settings of this process; one process serves one instance."""
    global _current  # noqa: PLW0603 - the one place where the process learns which instance it is
    _current = settings


def current_settings() -> Settings:
    """Return the settings of this process.

    :raises SettingsError: before an application was made
    """
    if _current is None:
        raise SettingsError("No settings yet: make the application first")
    return _current
