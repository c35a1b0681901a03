"""A small DNS server on the loopback address: it says what a test puts into it, fails, or is silent."""

import socket
import threading
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class DnsServer:
    """Answers by UDP; a name that nobody put in does not exist."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By name and type: texts are split into strings of 255 bytes as the DNS does."""
    failing: set[str] = field(default_factory=set)
    """Names that are answered with SERVFAIL."""
    silent: set[str] = field(default_factory=set)
    """Names that are never answered."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def put(self, name: str, *texts: str, kind: str = "TXT") -> None:
        """Let a name hold these records and no other of their type."""
        self.records[name, kind] = list(texts)

    def publish(self, records: list[dict[str, str]]) -> None:
        """Put in what a sender domain is asked to publish."""
        for record in records:
            self.put(record["host"], record["expected"])

    def clear(self) -> None:
        """Forget everything."""
        for kept in (self.records, self.failing, self.silent, self.asked):
            kept.clear()

    def stop(self) -> None:
        """Answer no more."""
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                wire, address = self.socket.recvfrom(4096)
                answer = self._answer(dns.message.from_wire(wire))
                if answer is not None:
                    self.socket.sendto(answer.to_wire(), address)
            except OSError:
                return

    def _answer(self, asked: dns.message.Message) -> dns.message.Message | None:
        (question,) = asked.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.records:
            texts = [_written(text, kind) for text in self.records[name, kind]]
            if texts:
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _written(text: str, kind: str) -> str:
    if kind != "TXT":
        return f"{text}."
    parts = [text[at : at + 255] for at in range(0, len(text), 255)]
    return " ".join('"' + part.replace('"', '\\"') + '"' for part in parts)
