"""Passwords: argon2id, bounded in how many are worked on at once; and what may be one."""

import functools
import threading
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Refused, Unavailable, ValidationFailed
from app.core.languages import Sentence
from app.core.settings import current_settings
from app.domains.accounts.models import User
from app.domains.settings import queries as settings

MAX_LENGTH = 128
"""Longer ones are refused before any hashing: work must not grow with what a stranger sends."""

_COMMONEST = 3000
_WAIT_SECONDS = 5


class CurrentPasswordWrong(Refused):
    code, message, commits = "auth:current_password_wrong", "The current password is wrong.", True


class PasswordNotSet(Refused):
    code, message = "auth:password_not_set", "Set a password through the reset link first."


def as_compared(password: str) -> str:
    """Return a password as it is compared: one system types ü as one sign, another as u with a mark after it.

    RFC 8265, 4.2 (OpaqueString): composed letters, any space as the plain one, nothing else changed.
    """
    if password.isascii():
        return password
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password)
    return unicodedata.normalize("NFC", spaced)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with the cost that the settings name."""
    with _turn():
        return _hasher().hash(as_compared(password))


def verify(password_hash: str | None, password: str, *, longest: int = MAX_LENGTH) -> bool:
    """Say whether the password is the one hashed; without a hash it takes as long and says no."""
    plain = as_compared(password)
    if len(plain) > longest:
        return False
    try:
        with _turn():
            _hasher().verify(password_hash or _decoy(), plain)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Say whether the cost was raised since this hash was made."""
    return _hasher().check_needs_rehash(password_hash)


def check_new(
    password: str, *, field: str = "password", about: Collection[str] = (), least: int | None = None
) -> None:
    """Refuse a new password that is too short, too long, common, or the name of the person or the product.

    No rules of composition: length is what counts (NIST SP 800-63B, 5.1.1.2).

    :param about: words an attacker would try first: the address, the person's and organization's names
    :param least: the strictest minimum length of the person's organizations; left out: the platform's
    :raises ValidationFailed: at ``field``
    """
    wanted = settings.values(["auth.password_min_length", "auth.password_block_common", "instance.name"])
    shortest = least or int(str(wanted["auth.password_min_length"]))
    password = as_compared(password)
    problem: str | None = None
    if len(password) < shortest:
        problem = Sentence("Use at least %(least)s characters.", least=shortest)
    elif len(password) > MAX_LENGTH:
        problem = Sentence("Use at most %(most)s characters.", most=MAX_LENGTH)
    elif "\0" in password:
        problem = "A password cannot hold this character."
    elif wanted["auth.password_block_common"] and password.casefold() in _common():
        problem = "This is one of the most used passwords. Choose another."
    elif _names(password, [*about, str(wanted["instance.name"])]):
        problem = "Choose a password that is not your name, your address or ours."
    if problem:
        raise ValidationFailed({field: [problem]})


def about(user: User) -> list[str]:
    """Return the words that a person's password may not simply be."""
    return [user.email, user.first_name, user.last_name, user.handle or "", user.display_name or ""]


def _names(password: str, words: Collection[str]) -> bool:
    plain = password.casefold().strip("0123456789!?.-_ ")
    for word in words:
        whole = word.casefold()
        if whole and password.casefold() == whole:
            return True
        if plain and plain in {whole, whole.partition("@")[0]}:
            return True
    return False


@functools.lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    # Six lists come in with this one, 12 MB in each process: only where a password is chosen at all.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"][:_COMMONEST])


@functools.lru_cache(maxsize=4)
def _make_hasher(memory_kib: int, rounds: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)


def _hasher() -> PasswordHasher:
    settings_now = current_settings()
    return _make_hasher(settings_now.password_memory_kib, settings_now.password_rounds)


@functools.lru_cache(maxsize=4)
def _make_decoy(memory_kib: int, rounds: int) -> str:
    return _make_hasher(memory_kib, rounds).hash("nobody has this password")


def _decoy() -> str:
    settings_now = current_settings()
    return _make_decoy(settings_now.password_memory_kib, settings_now.password_rounds)


_turns: threading.BoundedSemaphore | None = None
_turns_lock = threading.Lock()


@contextmanager
def _turn() -> Iterator[None]:
    """Let only so many hash at once: each takes memory and a core, and a flood must not take them all.

    :raises Unavailable: after five seconds in the queue
    """
    global _turns  # noqa: PLW0603 - made once, when the settings are known
    with _turns_lock:
        if _turns is None:
            _turns = threading.BoundedSemaphore(current_settings().password_concurrency)
    if not _turns.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable(retry_after=5)
    try:
        yield
    finally:
        _turns.release()
