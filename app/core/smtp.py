"""A conversation with a mail server, step by step: resolve, connect, tls, auth, and what follows.

A server that somebody else named is connected to at addresses that were checked (``core.outbound``), within a
bound of time that holds also where it says a byte now and then.
"""

import smtplib
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field

from app.core import outbound
from app.core.settings import SmtpSecurity, current_settings


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mail leaves."""

    host: str
    port: int
    security: SmtpSecurity
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float | None = None
    """Seconds for each step; None for what the environment says."""
    named_by_others: bool = False
    """Whether an organization named it, and not the operator: then only public addresses are connected to."""


class Conversation:
    """One connection to a mail server; its steps are taken in the order in which they stand here."""

    def __init__(self, server: MailServer, *, greeting: str) -> None:
        self.server = server
        self.timeout = server.timeout or current_settings().smtp_timeout_seconds
        self._addresses: tuple[str, ...] = (server.host,)
        self._closing = ExitStack()
        self._smtp = _Smtp(local_hostname=greeting, timeout=self.timeout)

    @property
    def smtp(self) -> smtplib.SMTP:
        """Return the connection; there is one after ``connect``."""
        return self._smtp

    def resolve(self) -> None:
        """Find the server's addresses.

        :raises HostRefused, HostUnknown: see ``core.outbound``
        """
        if self.server.named_by_others:
            self._addresses = outbound.checked_addresses(
                self.server.host, self.server.port, seconds=min(self.timeout, outbound.RESOLVE_SECONDS)
            )

    def connect(self, *, at_most: float | None = None) -> None:
        """Connect, and exchange greetings where they are not behind TLS.

        :param at_most: seconds after which everything that follows is cut off
        """
        connection = outbound.connect(self._addresses, self.server.port, seconds=self.timeout)
        self._closing.callback(connection.close)
        connection.settimeout(self.timeout)
        if at_most is not None:
            self._closing.enter_context(outbound.cut_off(connection, seconds=at_most))
        self._smtp.take_over(connection, self.server.host)
        if self.server.security != "tls":
            with outbound.cut_off(connection, seconds=self.timeout):
                self._smtp.greet()

    def tls(self) -> str:
        """Encrypt if that is asked for; returns the protocol's name, empty for plain."""
        if self.server.security == "none":
            return ""
        context = ssl.create_default_context()
        if self.server.security == "starttls":
            self.smtp.starttls(context=context)
            self.smtp.ehlo_or_helo_if_needed()
        else:
            self._smtp.wrap(context)
            self._smtp.greet()
        return str(getattr(self.smtp.sock, "version", lambda: "")() or "")

    def auth(self) -> None:
        """Sign in if a user is named."""
        if self.server.username:
            self.smtp.login(self.server.username, self.server.password or "")

    @property
    def socket(self) -> socket.socket | None:
        """Return the connection's socket, for whoever bounds its time."""
        return self._smtp.sock

    def close(self) -> None:
        """Say goodbye and hang up; whatever goes wrong then does not matter."""
        try:
            if self._smtp.sock is not None:
                self._smtp.quit()
        except (OSError, smtplib.SMTPException, ValueError):
            pass
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """End the connection without a word."""
        self._smtp.close()
        self._closing.close()


class _Smtp(smtplib.SMTP):
    """smtplib's SMTP on a connection that was made already."""

    _host: str

    def take_over(self, connection: socket.socket, host: str) -> None:
        self.sock = connection
        self.file = None
        self._host = host  # by which the certificate is checked

    def wrap(self, context: ssl.SSLContext) -> None:
        if self.sock is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=self._host)

    def greet(self) -> None:
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self.ehlo_or_helo_if_needed()
