"""Buckets as the instance's settings have them; domains count through here."""

from collections.abc import Sequence
from dataclasses import replace

from app.core import limits
from app.core.buckets import MINUTE, SIGN_IN_FAILURES, Bucket, Rule
from app.core.limits import Spent
from app.domains.settings import queries as settings

_LOCKOUT = ("auth.lockout_attempts", "auth.lockout_ip_attempts", "auth.lockout_minutes")
_FACTOR = "limits.per_ip_factor"


def spend(bucket: Bucket, **keys: str | int | None) -> Spent:
    """Count one call against a bucket; see ``core.limits.spend``.

    :raises RateLimited: if one of its rules is used up
    """
    return limits.spend(bucket, rules_of(bucket), **keys)


def require_room(bucket: Bucket, **keys: str | int | None) -> None:
    """Refuse a call whose bucket is used up, without counting it (for buckets that count failures).

    :raises RateLimited: if one of its rules is used up
    """
    limits.require_room(bucket, rules_of(bucket), **keys)


def rules_of(bucket: Bucket) -> Sequence[Rule]:
    """Return a bucket's rules with the settings that govern them put in: one query, or none."""
    by_ip = not bucket.stated and any("ip" in rule.keys for rule in bucket.rules)
    keys = [*(_LOCKOUT if bucket is SIGN_IN_FAILURES else ()), *([_FACTOR] if by_ip else [])]
    if not keys:
        return bucket.rules
    wanted = settings.integers(keys)
    rules: list[Rule] = list(bucket.rules)
    if bucket is SIGN_IN_FAILURES:
        seconds = wanted["auth.lockout_minutes"] * MINUTE
        most = {"email": wanted["auth.lockout_attempts"], "ip": wanted["auth.lockout_ip_attempts"]}
        rules = [replace(rule, limit=most[rule.keys[0]], seconds=seconds) for rule in rules]
    if by_ip:
        rules = [
            replace(rule, limit=rule.limit * wanted[_FACTOR]) if "ip" in rule.keys else rule for rule in rules
        ]
    return rules
