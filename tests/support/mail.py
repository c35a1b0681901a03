"""Reading what was mailed, as the person who waits for it does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sandbox.maildir import Mail, MailStore

WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class Mailbox:
    """The Maildir of an instance."""

    folder: Path

    def all(self, to: str = "") -> Sequence[Mail]:
        """Return every mail to an address, newest first."""
        return [mail for mail in MailStore(self.folder).latest(to, limit=10**6) if _is_to(mail, to)]

    def wait_for(self, to: str, *, subject: str = "", count: int = 1, seconds: float = WAIT_SECONDS) -> Mail:
        """Wait until ``count`` mails have come whose subject holds a word, and return the newest."""
        deadline = time.monotonic() + seconds
        while True:
            found = [mail for mail in self.all(to) if subject.lower() in mail.subject.lower()]
            if len(found) >= count:
                return found[0]
            if time.monotonic() > deadline:
                seen = [mail.subject for mail in self.all(to)]
                raise AssertionError(
                    f"{len(found)} of {count} mails to {to} came in {seconds} s; seen: {seen}"
                )
            time.sleep(0.05)

    def code_for(self, to: str, **how: object) -> str:
        """Wait for a mail and return the six-digit code in it."""
        mail = self.wait_for(to, **how)  # type: ignore[arg-type]
        assert mail.code is not None, f"no code in {mail.subject!r}:\n{mail.text}"
        return mail.code

    def token_for(self, to: str, **how: object) -> str:
        """Wait for a mail and return the token in its link."""
        return token_in(self.wait_for(to, **how))  # type: ignore[arg-type]


def token_in(mail: Mail) -> str:
    """Return the ``token`` parameter of the first link that has one."""
    for link in mail.links:
        token = parse_qs(urlsplit(link).query).get("token")
        if token:
            return token[0]
    raise AssertionError(f"no link with a token in {mail.subject!r}:\n{mail.text}")


def _is_to(mail: Mail, to: str) -> bool:
    return not to or to.lower() in (address.lower() for address in mail.envelope_to)
