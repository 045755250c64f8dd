"""The other side of a channel as a process of its own: it speaks HTTP, fails as it is told, and says what it was given.

Knows nothing of the product. `POST /_tell` changes it (JSON: "forget", "trouble", or what the fake takes),
`GET /_told` returns everything it was given.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

SLOW = 0.7  # longer than an adapter waits in a test
RETRY_AFTER = 7


@dataclass
class Answer:
    """What is said back."""

    body: Any
    status: int = 200
    headers: dict[str, str] | None = None


class Fake:
    """What a service remembers. `trouble` is one of the contract's: asking, sending with «send_», «attachment»."""

    def __init__(self) -> None:
        self.port = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.trouble = ""
        self.sent: list[dict[str, Any]] = []
        self.calls: list[str] = []

    def take(self, told: dict[str, Any]) -> None:
        """Take what a test says."""

    def told(self) -> dict[str, Any]:
        """Return what was given."""
        return {"sent": self.sent, "calls": self.calls}

    def answer(self, call: Call) -> Answer | None:
        """Answer a call; None hangs up without a word."""
        raise NotImplementedError

    def fails(self, *, sending: bool) -> str:
        """Return the trouble of a call of this kind, without its «send_»."""
        kind = self.trouble
        if sending:
            return kind.removeprefix("send_") if kind.startswith("send_") else ""
        return "" if kind.startswith("send_") else kind


@dataclass
class Call:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Return the body as an object."""
        said = json.loads(self.body or b"{}")
        return said if isinstance(said, dict) else {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: ClassVar[Fake]

    def _do(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        call = Call(self.command, parts.path, query, headers, body)
        if call.path == "/_tell":
            told = call.json
            if told.pop("forget", False):
                self.fake.forget()
            self.fake.trouble = told.pop("trouble", self.fake.trouble)
            self.fake.take(told)
            self._say(Answer({}))
        elif call.path == "/_told":
            self._say(Answer(self.fake.told()))
        else:
            self._say(self.fake.answer(call))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _do

    def _say(self, answer: Answer | None) -> None:
        if answer is None:
            self.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in (answer.headers or {}).items():
            self.send_header(name, value)
        if not (answer.headers or {}).get("Content-Length"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if answer.headers and "Content-Length" in answer.headers:
            self.close_connection = True  # cut in the middle

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def cut(answer: Answer) -> Answer:
    """Return an answer that breaks off in the middle."""
    body = json.dumps(answer.body).encode()
    return Answer(body[: len(body) // 2], answer.status, {"Content-Length": str(len(body))})


def slow() -> None:
    """Keep the other side waiting longer than it does."""
    time.sleep(SLOW)


def serve(fake: Fake) -> None:
    """Serve until the process ends; its first line says the port."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.port = server.server_port
    print(fake.port, flush=True)  # noqa: T201
    server.serve_forever()


@dataclass
class Running:
    """A fake that runs, as a test speaks with it."""

    url: str

    def tell(self, **what: Any) -> None:
        """Change it."""
        asked = urllib.request.Request(f"{self.url}/_tell", json.dumps(what).encode(), method="POST")
        urllib.request.urlopen(asked, timeout=5).read()

    def told(self) -> dict[str, Any]:
        """Return what it was given."""
        with urllib.request.urlopen(f"{self.url}/_told", timeout=5) as answer:
            return dict(json.load(answer))


@contextmanager
def running(module: str) -> Iterator[Running]:
    """Start a fake in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield Running(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait(5)
        if process.stdout:
            process.stdout.close()
