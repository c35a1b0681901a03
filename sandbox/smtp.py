"""A real SMTP server on the loopback address that keeps every message, and misbehaves when a rule says so."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox import clock
from sandbox.maildir import MailStore
from sandbox.rules import Action, Rule, Rules, Stage

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns at each sign-in of a name of its own

_LARGEST_MESSAGE = 12_000_000
_MOST_RECIPIENTS = 100
_SILENCE_SECONDS = 3600


@dataclass
class Sink:
    """What is done with each recipient and each message (the hooks of aiosmtpd)."""

    store: MailStore
    rules: Rules
    instance: Path

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        rule = self.rules.take(address, Action.REFUSE, stage=Stage.RCPT)
        if rule is not None:
            return _refusal(server, rule)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a message unless it is refused, then answer as the rules say."""
        refusal = self._rule(envelope, Action.REFUSE, stage=Stage.DATA)
        if refusal is not None:
            return _refusal(server, refusal)
        silence = self._rule(envelope, Action.SILENCE)
        if silence is not None:
            await asyncio.sleep(_SILENCE_SECONDS)
            return "421 4.4.2 Silent for an hour"
        content = envelope.original_content or b""
        self.store.keep(
            content,
            sender=envelope.mail_from or "",
            recipients=envelope.rcpt_tos,
            moment=clock.now(self.instance),
        )
        if self._rule(envelope, Action.DROP) is not None:
            _hang_up(server)
            return "421 4.4.2 Dropped"
        delay = self._rule(envelope, Action.DELAY)
        if delay is not None:
            await asyncio.sleep(delay.seconds)
        return "250 OK kept"

    def sign_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, shown: object
    ) -> AuthResult:
        """Let any user in, unless a rule for the name says otherwise."""
        name = shown.login.decode(errors="replace") if isinstance(shown, LoginPassword) else ""
        refused = self.rules.take(name, Action.REFUSE, stage=Stage.AUTH)
        if refused is not None:
            return AuthResult(success=False, handled=False, message="535 5.7.8 Authentication failed")
        return AuthResult(success=True)

    def _rule(self, envelope: Envelope, action: Action, stage: Stage | None = None) -> Rule | None:
        found = (self.rules.take(recipient, action, stage=stage) for recipient in envelope.rcpt_tos)
        return next((rule for rule in found if rule is not None), None)


@dataclass
class SmtpServer:
    """The listening socket, closed while a rule says that nobody is there."""

    port: int
    sink: Sink
    _server: asyncio.Server | None = field(default=None, repr=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _checking: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Listen, and do or stop doing so whenever a rule changes."""
        loop = asyncio.get_running_loop()

        def wake() -> None:  # called by the page, whose thread is another
            loop.call_soon_threadsafe(self._changed.set)

        self.sink.rules.changed = wake
        await self._settle()
        self._checking = asyncio.create_task(self._check())

    async def stop(self) -> None:
        """Stop listening."""
        if self._checking is not None:
            self._checking.cancel()
        self._close()

    async def _check(self) -> None:
        while True:
            try:
                # A rule may end by itself; that is looked for only while one keeps the server away.
                await asyncio.wait_for(self._changed.wait(), 0.1 if self._server is None else None)
            except TimeoutError:
                pass
            self._changed.clear()
            await self._settle()

    async def _settle(self) -> None:
        if self.sink.rules.offline():
            self._close()
        elif self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._conversation, "127.0.0.1", self.port)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _conversation(self) -> SMTP:
        return SMTP(
            self.sink,
            data_size_limit=_LARGEST_MESSAGE,
            enable_SMTPUTF8=True,
            authenticator=self.sink.sign_in,
            auth_require_tls=False,
            hostname="sandbox.portico.example",
            ident="Portico sandbox",
            loop=asyncio.get_running_loop(),
        )


def _refusal(server: SMTP, rule: Rule) -> str:
    kind = {Stage.AUTH: "7.8", Stage.RCPT: "1.1", Stage.DATA: "7.1"}[rule.stage]
    kind = f"{rule.code // 100}.{kind}"
    if rule.code == 421:  # RFC 5321 section 3.8: the channel is closed after it
        asyncio.get_running_loop().call_later(0.05, _hang_up, server)
    return f"{rule.code} {kind} Refused by a rule of the sandbox"


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
