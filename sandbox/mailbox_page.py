"""The sandbox's page and its JSON: what was sent, and the rules for what goes wrong. No JavaScript."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, unquote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sandbox import mailbox_html
from sandbox.maildir import MailStore
from sandbox.rules import BadRule, Rules

PAGE_SIZE = 50
_MOST_JSON = 200
_LARGEST_BODY = 100_000
_PAGE_CSP = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# The mail itself is a stranger: no script, no request to anywhere, an origin of its own.
_MAIL_CSP = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Answer:
    """What goes back to the browser."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    csp: str = _PAGE_CSP


@dataclass(frozen=True)
class Request:
    """The parts of a WSGI environ that the page looks at."""

    method: str
    path: str
    query: Mapping[str, str]
    environ: Mapping[str, Any]

    @property
    def is_json(self) -> bool:
        """Say whether the body is JSON."""
        return str(self.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip() == "application/json"

    def values(self) -> Mapping[str, object]:
        """Read the body, a form or a JSON object.

        :raises BadRule: if it is neither
        """
        size = str(self.environ.get("CONTENT_LENGTH") or "0")
        if not size.isdigit() or int(size) > _LARGEST_BODY:
            raise BadRule("The body is too large.")
        body: bytes = self.environ["wsgi.input"].read(int(size))
        if not self.is_json:
            return {name: found[-1] for name, found in parse_qs(body.decode("utf-8", "replace")).items()}
        try:
            values = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRule("The body is no JSON.") from error
        if not isinstance(values, dict):
            raise BadRule("The body is no JSON object.")
        return values


@dataclass(frozen=True)
class MailboxPage:
    """The WSGI application."""

    store: MailStore
    rules: Rules
    portal: str
    port: int

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Answer one request."""
        query = {name: found[-1] for name, found in parse_qs(environ.get("QUERY_STRING", "")).items()}
        request = Request(environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/", query, environ)
        answer = self._answer(request)
        start_response(
            f"{answer.status} {HTTPStatus(answer.status).phrase}",
            [
                ("Content-Type", answer.kind),
                ("Content-Length", str(len(answer.body))),
                ("Content-Security-Policy", answer.csp),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"),
                ("Cache-Control", "no-store"),
                *answer.headers,
            ],
        )
        return [answer.body]

    def _answer(self, request: Request) -> Answer:
        if not self._is_our_host(request):
            return _plain("This page answers on the loopback address only.", HTTPStatus.MISDIRECTED_REQUEST)
        if request.method in {"GET", "HEAD"}:
            return self._get(request)
        if not self._is_our_origin(request):
            return _plain("This came from another site.", HTTPStatus.FORBIDDEN)
        try:
            return self._change(request)
        except BadRule as error:
            if request.is_json:
                return _json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
            return self._list(request, problem=str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _get(self, request: Request) -> Answer:
        match request.path.strip("/").split("/"):
            case [""]:
                return self._list(request)
            case ["style.css"]:
                return Answer(mailbox_html.STYLE, kind="text/css; charset=utf-8")
            case ["messages.json"]:
                limit = min(_MOST_JSON, _whole(request.query.get("limit"), PAGE_SIZE))
                found = self.store.latest(request.query.get("to", ""), limit)
                return _json([mail.as_json() for mail in found])
            case ["rules"]:
                return _json([rule.as_json() for rule in self.rules.all()])
            case ["messages", mail_id, *shape]:
                return self._message(unquote(mail_id), "/".join(shape))
        return _not_found()

    def _change(self, request: Request) -> Answer:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["rules"]:
                rule = self.rules.add(request.values())
                return _json(rule.as_json(), HTTPStatus.CREATED) if request.is_json else _back()
            case "POST", ["rules", "clear"]:
                self.rules.clear()
                return _back()
            case "POST", ["rules", rule_id, "clear"]:
                self.rules.clear(_whole(rule_id, 0))
                return _back()
            case "DELETE", ["rules"]:
                self.rules.clear()
                return Answer(status=HTTPStatus.NO_CONTENT)
            case "DELETE", ["rules", rule_id]:
                self.rules.clear(_whole(rule_id, 0))
                return Answer(status=HTTPStatus.NO_CONTENT)
        return _not_found()

    def _list(self, request: Request, *, problem: str = "", status: int = HTTPStatus.OK) -> Answer:
        to = request.query.get("to", "")
        total = len(self.store.ids(to))
        last = max(1, -(-total // PAGE_SIZE))
        page = min(last, max(1, _whole(request.query.get("page"), 1)))
        page_of_mails = mailbox_html.Listing(
            mails=list(self.store.latest(to, PAGE_SIZE, (page - 1) * PAGE_SIZE)),
            to=to,
            total=total,
            page=page,
            last=last,
            rules=self.rules.all(),
            problem=problem,
            portal=self.portal,
        )
        return Answer(mailbox_html.listing(page_of_mails).encode(), status)

    def _message(self, mail_id: str, shape: str) -> Answer:
        mail = self.store.read(mail_id)
        if mail is None:
            return _not_found()
        if shape == "":
            return Answer(mailbox_html.message(mail, self.portal).encode())
        if shape == "raw":
            return Answer(self.store.raw(mail_id) or b"", kind="text/plain; charset=utf-8")
        if shape == "html" and mail.html:
            # Links open beside the page: within the frame the portal refuses to be shown.
            return Answer(b'<base target="_blank">' + mail.html.encode(), csp=_MAIL_CSP)
        return _not_found()

    def _is_our_host(self, request: Request) -> bool:
        return request.environ.get("HTTP_HOST", "") in {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}

    def _is_our_origin(self, request: Request) -> bool:
        origin = request.environ.get("HTTP_ORIGIN")
        site = request.environ.get("HTTP_SEC_FETCH_SITE", "same-origin")
        ours = origin is None or origin == f"http://{request.environ.get('HTTP_HOST', '')}"
        return ours and site in {"same-origin", "none"}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # WSGIServer asks the resolver for the machine's name here, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing: the terminal belongs to the supervisor."""

    def address_string(self) -> str:
        return "127.0.0.1"


def serve(page: MailboxPage) -> WSGIServer:
    """Serve the page on its port in a thread; ``shutdown()`` ends it."""
    server = make_server("127.0.0.1", page.port, page, server_class=_Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.25}, daemon=True).start()
    return server


def _json(values: object, status: int = HTTPStatus.OK) -> Answer:
    return Answer(json.dumps(values, indent=1).encode() + b"\n", status, "application/json")


def _plain(text: str, status: int) -> Answer:
    return Answer(text.encode() + b"\n", status, "text/plain; charset=utf-8")


def _back() -> Answer:
    return Answer(status=HTTPStatus.SEE_OTHER, headers=(("Location", "/#rules"),))


def _not_found() -> Answer:
    return _plain("There is nothing here.", HTTPStatus.NOT_FOUND)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and len(text) < 10 else default
