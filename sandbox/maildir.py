"""The Maildir that keeps what was sent: written by the SMTP sandbox, read by its page and by tests."""

import email
import email.policy
import mailbox
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

_CODE = re.compile(r"(?<![\d#&])\d{6}(?!\d)")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_SUFFIX = ":2,"


@dataclass(frozen=True)
class Mail:
    """One kept message: what the envelope said, and what its reader sees."""

    id: str
    message: EmailMessage

    @property
    def envelope_from(self) -> str:
        """Return the address of MAIL FROM."""
        return str(self.message.get("X-Envelope-From", ""))

    @property
    def envelope_to(self) -> Sequence[str]:
        """Return the addresses of RCPT TO."""
        return [
            part.strip() for part in str(self.message.get("X-Envelope-To", "")).split(",") if part.strip()
        ]

    @property
    def received(self) -> str:
        """Return when the sandbox took it, as RFC 3339 text in UTC."""
        return str(self.message.get("X-Received-At", ""))

    @property
    def subject(self) -> str:
        """Return the decoded subject."""
        return str(self.message.get("Subject", ""))

    @property
    def message_id(self) -> str:
        """Return the Message-ID, which stays the same over a sender's retries."""
        return str(self.message.get("Message-ID", "")).strip()

    @property
    def text(self) -> str:
        """Return the plain text part."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """Return the HTML part."""
        return self._body("html")

    @property
    def code(self) -> str | None:
        """Return the six-digit code that the text shows, if any."""
        found = _CODE.search(_LINK.sub("", self.text))
        return found.group() if found else None

    @property
    def links(self) -> Sequence[str]:
        """Return the addresses in the text, in order."""
        return list(dict.fromkeys(link.rstrip(".,;") for link in _LINK.findall(self.text)))

    def as_json(self) -> dict[str, object]:
        """Return what a test wants to know of it."""
        return {
            "id": self.id,
            "received": self.received,
            "envelope_from": self.envelope_from,
            "envelope_to": self.envelope_to,
            "subject": self.subject,
            "message_id": self.message_id,
            "code": self.code,
            "links": self.links,
            "text": self.text,
        }

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


@dataclass
class MailStore:
    """A Maildir folder (tmp, new, cur), newest message first."""

    folder: Path
    _envelopes: dict[str, str] = field(default_factory=dict, repr=False)

    def create(self) -> None:
        """Make the folder if it is not there."""
        mailbox.Maildir(self.folder, create=True).close()

    def keep(self, content: bytes, *, sender: str, recipients: Sequence[str], moment: datetime) -> str:
        """Store a message with its envelope in extra headers and return its id."""
        envelope = (
            f"X-Envelope-From: {_one_line(sender)}\n"
            f"X-Envelope-To: {', '.join(_one_line(r) for r in recipients)}\n"
            f"X-Received-At: {moment.strftime('%Y-%m-%dT%H:%M:%SZ')}\n"
        )
        box = mailbox.Maildir(self.folder, create=True)
        return box.add(envelope.encode("utf-8", "surrogateescape") + content.replace(b"\r\n", b"\n"))

    def ids(self, to: str = "") -> list[str]:
        """Return the ids of all messages to addresses that contain ``to``, newest first."""
        files = self._files()
        if to:
            self._envelopes = {key: self._envelopes[key] for key in files if key in self._envelopes}
            wanted = to.strip().lower()
            files = {key: file for key, file in files.items() if wanted in self._envelope(key, file)}
        return sorted(files, key=_arrival, reverse=True)

    def read(self, mail_id: str) -> Mail | None:
        """Return one message, or None where there is none of this id."""
        file = self._files().get(mail_id)
        return self._parse(mail_id, file) if file is not None else None

    def latest(self, to: str = "", limit: int = 50, skip: int = 0) -> Iterator[Mail]:
        """Yield messages, newest first."""
        files = self._files()
        for mail_id in self.ids(to)[skip : skip + limit]:
            mail = self._parse(mail_id, files[mail_id]) if mail_id in files else None
            if mail is not None:
                yield mail

    def raw(self, mail_id: str) -> bytes | None:
        """Return the bytes of one message."""
        file = self._files().get(mail_id)
        return file.read_bytes() if file is not None else None

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for part in ("new", "cur"):
            try:
                for file in (self.folder / part).iterdir():
                    found[file.name.partition(_SUFFIX)[0]] = file
            except FileNotFoundError:
                pass  # no mail was kept yet
        return found

    def _envelope(self, key: str, file: Path) -> str:
        if key not in self._envelopes:
            lines = file.read_bytes()[:4000].decode("utf-8", "replace").splitlines()[:3]
            line = next((line for line in lines if line.startswith("X-Envelope-To:")), "")
            self._envelopes[key] = line.removeprefix("X-Envelope-To:").lower()
        return self._envelopes[key]

    def _parse(self, mail_id: str, file: Path) -> Mail | None:
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        return Mail(mail_id, email.message_from_bytes(content, policy=email.policy.default))


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f,]+", " ", text)[:1000]


def _arrival(key: str) -> tuple[int, int, int]:
    """Order the names that the mailbox module gives: seconds.M<microseconds>P<pid>Q<count>.host."""
    found = re.match(r"(\d+)\.M(\d+)P\d+Q(\d+)", key)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)
