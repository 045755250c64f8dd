"""A server of another side, in a process of its own: it answers as its documentation says, and fails when told to.

`python -m tests.fakes.<name> PORT`. A test tells it what to hold and how to fail at `/_control`, and reads there what
it got.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

TIMEOUT = 0.8  # seconds after which a silent fake hangs up: longer than anybody waits in a test


class OtherSide(BaseHTTPRequestHandler):
    """Answers requests; `answer` says what to whom. State lives as long as the process."""

    protocol_version = "HTTP/1.1"
    state: dict[str, Any] = {}
    fresh: dict[str, Any] = {}
    lock = threading.Lock()

    def answer(self, path: str, given: dict[str, str], body: bytes) -> Any:
        """Return what a request gets: a JSON value, or bytes as they are."""
        raise NotImplementedError

    def fails(self, path: str) -> dict[str, Any] | None:
        """Return the JSON of expired credentials, as this side says it."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/_control":
            return self._give(200, self._control(body))
        trouble = self.state.get("trouble") or {}
        kind = trouble.get("kind") if trouble.get("on", "") in parts.path else None
        if kind == "429":
            return self._give(429, {"error": "wait"}, {"Retry-After": str(trouble["after"])})
        if kind == "5xx":
            return self._give(502, {"error": "bad gateway"})
        if kind == "expired":
            return self._give(200, self.fails(parts.path))
        if kind == "timeout":
            time.sleep(TIMEOUT)
            return self._hang_up()
        given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            given |= {name: one[-1] for name, one in parse_qs(body.decode(), keep_blank_values=True).items()}
        with self.lock:
            said = self.answer(parts.path, given, body)
        if kind == "cut":  # it has happened, and nobody hears of it
            return self._hang_up()
        if isinstance(said, str):
            return self._give(302, {}, {"Location": said})
        return self._give(404 if said is None else 200, {} if said is None else said)

    def _give(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _control(self, body: bytes) -> dict[str, Any]:
        with self.lock:
            for name, value in json.loads(body or b"{}").items():
                if name == "reset":
                    self.state.clear()
                    self.state.update(json.loads(json.dumps(self.fresh)))
                else:
                    self.state[name] = value
            return self.state

    def file(self, path: str) -> bytes | None:
        """Return a file laid down by a test."""
        there = self.state["files"].get(path.removeprefix("/files/"))
        return None if there is None else base64.b64decode(there)

    def uploaded(self, body: bytes) -> str:
        """Return the name of the file in a form's upload."""
        head = body.split(b"\r\n\r\n", 1)[0].decode()
        return head.split('filename="', 1)[-1].split('"', 1)[0]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(handler: type[OtherSide]) -> None:
    """Answer on the port named on the command line until killed."""
    handler.state = json.loads(json.dumps(handler.fresh))
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler)
    server.daemon_threads = True
    server.serve_forever()


@dataclass
class Fake:
    """A running other side, as a test sees it."""

    url: str
    process: subprocess.Popen[bytes]

    def told(self, **what: Any) -> dict[str, Any]:
        """Tell it something; return what it holds now."""
        request = Request(f"{self.url}/_control", json.dumps(what).encode(), method="POST")
        with urlopen(request, timeout=5) as answer:
            said: dict[str, Any] = json.loads(answer.read())
            return said

    def holds(self, name: str) -> Any:
        """Return what it holds under a name."""
        return self.told()[name]

    def lay(self, name: str, content: bytes) -> str:
        """Lay a file down there; return its address."""
        files = self.holds("files")
        self.told(files={**files, name: base64.b64encode(content).decode()})
        return f"{self.url}/files/{name}"

    @contextmanager
    def trouble(self, kind: str, *, on: str = "", after: int = 0) -> Iterator[None]:
        """Let it fail at addresses that contain `on`."""
        self.told(trouble={"kind": kind, "on": on, "after": after})
        try:
            yield
        finally:
            self.told(trouble=None)


def start(name: str) -> Fake:
    """Start `tests.fakes.<name>` and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-m", f"tests.fakes.{name}", str(port)], cwd=root)
    fake = Fake(f"http://127.0.0.1:{port}", process)
    for _ in range(200):
        try:
            fake.told()
        except OSError:
            time.sleep(0.05)
        else:
            return fake
    raise RuntimeError(name)


def stop(fake: Fake) -> None:
    """End it."""
    fake.process.kill()
    fake.process.wait()
