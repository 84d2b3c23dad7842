"""Serves the page and plays Gmail's server: keeps drafts as they come, sends what is sent through the stand-in."""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.extension.gmail_page.certificate import make_certificate
from tests.extension.gmail_page.wire import Mail, answer_update, read_update

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PROXY_AGENT = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


class GmailServer:
    """What the page talks to, and what arrived: `drafts` and `sent` as they came, `proxied` image addresses."""

    def __init__(self, folder: Path) -> None:
        self.drafts: list[Mail] = []
        self.sent: list[Mail] = []
        self.proxied: list[str] = []
        self.unknown: list[str] = []
        self.threads: list[dict[str, Any]] = []
        self.deliver: Callable[[Mail], None] = lambda _mail: None
        make_certificate(folder / "gmail.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "gmail.pem")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    @property
    def chromium_arguments(self) -> list[str]:
        """What leads a Chromium to this server when it wants Gmail or Google's image proxy."""
        here = f"127.0.0.1:{self.port}"
        rules = f"MAP mail.google.com:443 {here}, MAP *.googleusercontent.com:443 {here}"
        return [f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]

    def stop(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def update(self, body: bytes) -> Any:
        """Take a draft or a sent mail, and answer as Gmail does."""
        mail = read_update(json.loads(body))
        (self.sent if mail.is_sent else self.drafts).append(mail)
        if mail.is_sent:
            self.deliver(mail)
        return answer_update(mail)

    def fetch_image(self, path: str) -> bytes:
        """Play Google's image proxy, whose path names the original in base64."""
        original = base64.urlsafe_b64decode(path.rsplit("/", 1)[1].split("=s0")[0] + "==").decode()
        self.proxied.append(original)
        return requests.get(original, headers={"User-Agent": PROXY_AGENT}, timeout=60).content


def proxy_image(address: str) -> str:
    """Return how Gmail's page shows the image at `address`: through its proxy, the original in the fragment."""
    name = base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")
    return f"https://ci3.googleusercontent.com/meips/{name}=s0-d-e1-ft#{address}"


def _handler_of(gmail: GmailServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if self.headers["Host"].endswith("googleusercontent.com"):
                self._answer("image/gif", gmail.fetch_image(path))
            elif path == "/mail/u/0/" and not urlsplit(self.path).query:
                self._answer("text/html", (PAGE / "index.html").read_bytes())
            elif path.startswith("/page/threads/"):
                self._answer_json(next(one for one in gmail.threads if one["id"] == path.rsplit("/", 1)[1]))
            elif path.startswith("/page/") and (file := PAGE / Path(path).name).is_file():
                self._answer(KINDS[file.suffix], file.read_bytes())
            else:
                gmail.unknown.append(self.path)
                self._answer("text/plain", b"", 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if "/i/s?" in self.path:
                self._answer_json(gmail.update(body))
            elif "/i/bv?" in self.path:
                self._answer_json({"threads": gmail.threads})
            else:
                gmail.unknown.append(self.path)
                self._answer("text/plain", b"", 404)

        def _answer_json(self, value: Any) -> None:
            self._answer("application/json", json.dumps(value).encode())

        def _answer(self, kind: str, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: what arrived stands in the lists."""

    return Handler
