"""Asking the DNS: what stands at a name, that nothing does, or that nobody could be asked."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.late import Late
from app.core.settings import current_settings

if TYPE_CHECKING:
    from dns import exception, nameserver, resolver
else:
    exception, nameserver, resolver = Late("dns.exception"), Late("dns.nameserver"), Late("dns.resolver")

SECONDS = 3.0
"""How long one look-up takes at most, all its tries together."""
_LARGEST_DATAGRAM = 1_232  # DNS flag day 2020: what is larger is asked for again by TCP
_MOST_ANSWERS, _LONGEST_ANSWER = 20, 2_000


@dataclass(frozen=True)
class Answer:
    """What a name holds, as text; ``known`` is False where the DNS did not say."""

    known: bool
    texts: tuple[str, ...] = ()


UNKNOWN = Answer(known=False)
Question = tuple[str, str]
"""A name and a type of record: ``("acme.com", "TXT")``."""


def look_up(questions: Sequence[Question]) -> Mapping[Question, Answer]:
    """Ask several questions at once, so that together they take no longer than the slowest.

    Not inside a transaction: what does not answer is waited for.
    """
    wanted = list(dict.fromkeys(questions))
    if not wanted:
        return {}
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        asks = _resolver()
        return dict(zip(wanted, pool.map(lambda asked: _ask(asks, *asked), wanted), strict=True))


def _resolver() -> "resolver.Resolver":
    servers = current_settings().dns_servers
    asks = resolver.Resolver(configure=not servers)
    if servers:
        asks.nameservers = [nameserver.Do53Nameserver(host, port) for host, port in servers]
    asks.lifetime = SECONDS
    asks.timeout = SECONDS / 2
    asks.search = []
    asks.use_edns(0, 0, _LARGEST_DATAGRAM)
    return asks


def _ask(asks: "resolver.Resolver", name: str, kind: str) -> Answer:
    try:
        found = asks.resolve(f"{name}.", kind, search=False)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return Answer(known=True)
    except (exception.DNSException, OSError, ValueError):
        return UNKNOWN  # refused, SERVFAIL, no answer in time, an answer that is none
    # Large companies have dozens of proofs at their domain: what says its version is what we look for.
    texts = sorted((_text(row) for row in found), key=lambda text: (not text.lower().startswith("v="), text))
    return Answer(known=True, texts=tuple(texts[:_MOST_ANSWERS]))


def _text(row: object) -> str:
    parts = getattr(row, "strings", None)
    if parts is None:
        return str(row).rstrip(".").lower()
    # A text longer than 255 bytes stands in several strings, joined without a space (RFC 7208, 3.3).
    joined = b"".join(parts).decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "�" for sign in joined)[:_LONGEST_ANSWER]
