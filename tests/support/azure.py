"""A stand-in for Azure Blob: its protocol as far as files go, with the account's key really checked."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

ACCOUNT = "portico"
KEY = base64.b64encode(b"the key of a stand-in account").decode()
CONTAINER = "acme-files"
_SIGNED = (
    *("Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date"),
    *("If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"),
)


@dataclass
class AzureStandIn:
    """What was asked of it and what lies there."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Return host and port, as the operator lists them."""
        return urlsplit(self.address).netloc

    def connection_string(self, key: str = KEY) -> str:
        """Return what an organization pastes."""
        endpoint = f"{self.address}/{ACCOUNT}"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={endpoint};"
        )


@contextmanager
def azure_stand_in() -> Iterator[AzureStandIn]:
    """Run one on a free loopback port."""
    state = AzureStandIn()

    class Handler(_Handler):
        standing = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    standing: AzureStandIn
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if name := self._blob():
            self.standing.blobs[name] = body
            self._answer(201)

    def do_GET(self) -> None:
        if name := self._blob(must_be_there=True):
            content = self.standing.blobs[name]
            more = {
                "Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}",
                "x-ms-blob-type": "BlockBlob",
            }
            self._answer(206, content, more)

    def do_DELETE(self) -> None:
        if name := self._blob(must_be_there=True):
            del self.standing.blobs[name]
            self._answer(202)

    def _blob(self, *, must_be_there: bool = False) -> str:
        """Return the blob's name once the call is signed by the account; else answer and return nothing."""
        _, _, container, name = unquote(urlsplit(self.path).path).split("/", 3)
        if not hmac.compare_digest(
            self.headers.get("Authorization", ""), f"SharedKey {ACCOUNT}:{self._sign()}"
        ):
            self._refuse(403, "AuthenticationFailed")
        elif container != CONTAINER:
            self._refuse(404, "ContainerNotFound")
        elif must_be_there and name not in self.standing.blobs:
            self._refuse(404, "BlobNotFound")
        else:
            return name
        return ""

    def _sign(self) -> str:
        """Sign the call as "Authorize with Shared Key" of the Blob service's reference says."""
        parts = urlsplit(self.path)
        values = [self.headers.get(name, "") for name in _SIGNED]
        values[2] = "" if values[2] == "0" else values[2]
        sent = ((name.lower(), value.strip()) for name, value in self.headers.items())
        own = sorted(f"{name}:{value}" for name, value in sent if name.startswith("x-ms-"))
        query = "".join(f"\n{k.lower()}:{v}" for k, v in sorted(parse_qsl(parts.query)))
        text = "\n".join([self.command, *values, *own, f"/{ACCOUNT}{parts.path}{query}"])
        digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _refuse(self, status: int, code: str) -> None:
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'.encode()
        self._answer(status, body, {"x-ms-error-code": code, "Content-Type": "application/xml"})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        more = {
            "Last-Modified": formatdate(usegmt=True),
            "ETag": '"0x1"',
            **(headers or {}),
        }
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
