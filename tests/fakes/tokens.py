"""An OAuth2 server of a mail provider: gives access tokens, and tells a mail server which of them are good."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Tokens:
    """A running server. `good`: tokens it vouches for; `expires_in`: how long each lasts; `fail`: its answer."""

    url: str = ""
    user: str = "info"
    expires_in: int = 3600
    fail: tuple[int, dict[str, Any]] | None = None
    good: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON for a request."""
        if path == "/introspect":
            return 200, {"active": form.get("token", "") in self.good, "username": self.user}
        self.asked.append(form)
        if self.fail:
            return self.fail
        token = f"token-{len(self.asked)}"
        self.good.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}


@contextmanager
def tokens() -> Iterator[Tokens]:
    """Run the server on a free port."""
    there = Tokens()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, said = there.answer(self.path, {name: values[0] for name, values in parse_qs(body).items()})
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
