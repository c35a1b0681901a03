"""The development supervisor: the order in which an instance comes up, stays up and goes down."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from wsgiref.simple_server import WSGIServer

from sandbox import clock, mailbox_page, valkey
from sandbox.instance import DEFAULT_PORT, CannotStart, Instance
from sandbox.maildir import MailStore
from sandbox.preparation import ROOT, Preparation
from sandbox.processes import Child, describe
from sandbox.rules import Rules
from sandbox.smtp import Sink, SmtpServer

DOCUMENTED = ("services-v1", "api-v1", "platform-api", "v0")
DEMO_PEOPLE = {
    "jane@acme.example": "owner",
    "marcus@acme.example": "admin",
    "priya@acme.example": "manager",
    "tomas@acme.example": "member",
}
DEMO_ADMIN = "ada@portico.example"
DEMO_PASSWORD = "portico-demo-2026"
_SECONDS_TO_ANSWER = 60


class Supervisor:
    """Starts Valkey, the SMTP sandbox with its page, the web server and the worker of one instance."""

    def __init__(self, instance: Instance, environment: Mapping[str, str]) -> None:
        """Take an instance that is open and the environment that was given."""
        self.instance = instance
        self.port_given = bool(environment.get("PORT"))
        self.own_valkey = not environment.get("REDIS_URL")
        self.socket = valkey.socket_path(instance.folder)
        if self.own_valkey:
            instance.values["REDIS_URL"] = f"unix://{self.socket}"
            instance.save()
        self.settings = {**instance.values, **{k: v for k, v in environment.items() if v}}
        self.environment = {
            **environment,
            "INSTANCE": str(instance.folder),
            "FLASK_SKIP_DOTENV": "1",
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",  # threads that wait for one lock need no heaps of their own
        }
        self.children: list[Child] = []
        self.stop_asked = asyncio.Event()
        self.ready = False
        self.smtp: SmtpServer | None = None
        self.page: WSGIServer | None = None

    async def run(self) -> int:
        """Bring the instance up, keep it up until told to stop, take it down; return the exit code."""
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sign, self.stop_asked.set)
        coming_up = asyncio.create_task(self._come_up())
        stopping = asyncio.create_task(self.stop_asked.wait())
        try:
            await asyncio.wait({coming_up, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if coming_up.done():
                coming_up.result()
                self._greet(time.monotonic() - started)
                await stopping
            return 0
        except (CannotStart, OSError) as error:
            _say(f"\nPortico did not start. {error}", problem=True)
            return 1
        finally:
            coming_up.cancel()
            await asyncio.gather(coming_up, return_exceptions=True)
            await self._go_down()

    async def _come_up(self) -> None:
        preparation = Preparation(self.instance, self.environment)
        due = preparation.is_due()
        if due:
            _say("Preparing the database …")
        await asyncio.gather(self._start_valkey(), self._start_mail())
        web = self._child("web", "sandbox.web", self.settings["PORT"])
        worker = self._child("worker", "flask", "worker")
        await web.start()  # it takes a second to load and asks the database nothing before its first request
        if due:
            await preparation.carry_out()
        await worker.start()
        await self._wait_for_an_answer(web)
        for child in self.children:
            child.watch(_say)
        self.ready = True
        self._write_state()

    async def _start_valkey(self) -> None:
        if not self.own_valkey:
            return
        child = Child(
            name="valkey",
            command=valkey.command(self.instance.folder, self.socket),
            environment=self.environment,
            log=self.instance.logs / "valkey.log",
            folder=self.instance.folder,
            dies_by=signal.SIGKILL,  # what it acknowledged is in its append-only file already
            changed=self._write_state,
        )
        self.children.append(child)
        await child.start()
        if not await valkey.wait_until_ready(self.socket):
            raise CannotStart(f"Valkey does not answer:\n{child.last_lines()}")

    async def _start_mail(self) -> None:
        store = MailStore(self.instance.mail)
        store.create()
        rules = Rules(now=partial(clock.now, self.instance.folder))
        self.smtp = SmtpServer(
            port=int(self.instance.values["SMTP_PORT"]), sink=Sink(store, rules, self.instance.folder)
        )
        await self.smtp.start()
        port = int(self.instance.values["SANDBOX_URL"].rpartition(":")[2])
        page = mailbox_page.MailboxPage(
            store=store, rules=rules, portal=self.settings["PUBLIC_URL"], port=port
        )
        self.page = mailbox_page.serve(page)

    def _child(self, name: str, module: str, *words: str) -> Child:
        child = Child(
            name=name,
            command=[sys.executable, "-m", module, *words],
            environment=self.environment,
            log=self.instance.logs / f"{name}.log",
            folder=ROOT,
            changed=self._write_state,
        )
        self.children.append(child)
        return child

    async def _wait_for_an_answer(self, web: Child) -> None:
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        while time.monotonic() < deadline:
            if await _answers(int(self.settings["PORT"])):
                return
            for child in self.children:
                if child.process is not None and child.process.returncode is not None:
                    how = describe(child.process.returncode)
                    raise CannotStart(f"The {child.name} process ended ({how}):\n{child.last_lines()}")
            await asyncio.sleep(0.03)
        raise CannotStart(f"No page answered within {_SECONDS_TO_ANSWER} s:\n{web.last_lines()}")

    async def _go_down(self) -> None:
        if self.children:
            _say("Stopping …")
        self.instance.state_file.unlink(missing_ok=True)
        await asyncio.gather(*(child.stop() for child in self.children if child.name != "valkey"))
        if self.smtp is not None:
            await self.smtp.stop()
        if self.page is not None:
            await asyncio.to_thread(self.page.shutdown)
        await asyncio.gather(*(child.stop() for child in self.children if child.name == "valkey"))

    def _write_state(self) -> None:
        pids = {child.name: child.process.pid for child in self.children if child.process is not None}
        self.instance.write_state(
            {
                "ready": self.ready,
                "portal": self.settings["PUBLIC_URL"],
                "mailbox": self.instance.values["SANDBOX_URL"],
                "pids": {"supervisor": os.getpid(), **pids},
            }
        )

    def _greet(self, seconds: float) -> None:
        portal = self.settings["PUBLIC_URL"]
        port = int(self.settings["PORT"])
        moved = "" if self.port_given or port == DEFAULT_PORT else f" Port {DEFAULT_PORT} was taken."
        docs = "\n".join(f"            {portal}/developers/{name}" for name in DOCUMENTED).lstrip()
        people = ",\n            ".join(f"{email} ({role})" for email, role in DEMO_PEOPLE.items())
        _say(
            f"\nPortico is ready ({seconds:.1f} s).{moved}\n\n"
            f"  Portal    {portal}/\n"
            f"  Mailbox   {self.instance.values['SANDBOX_URL']}/   every mail that is sent ends here\n"
            f"  API docs  {docs}\n\n"
            f"  Sign in   as {people}\n"
            f"            of Acme Corp, or as {DEMO_ADMIN} (admin of the platform)\n"
            f"            password {DEMO_PASSWORD}\n"
            f"  Data      {self.instance.folder} (logs in log/)\n\n"
            "Ctrl-C stops everything."
        )


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
        return status.startswith(b"HTTP/1.1 ") and status[9:10] in b"234"
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def _say(text: str, *, problem: bool = False) -> None:
    print(text, file=sys.stderr if problem else sys.stdout, flush=True)
