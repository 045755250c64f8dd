"""An encoder of a few notions, and a server that speaks OpenAI's embeddings protocol and can be told to fail."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTIONS = (
    ("гараж", "бокс", "железный домик для машины"),
    ("аренд", "снять", "внаём"),
    ("межев", "забор", "сосед"),
    ("ларёк", "павильон", "торговый объект"),
)


def meaning(text: str) -> list[float]:
    """Return how much of each notion a text has, and a little of everything."""
    numbers = [float(sum(text.lower().count(word) for word in notion)) for notion in NOTIONS] + [0.1]
    length = math.hypot(*numbers)
    return [one / length for one in numbers]


class Notions:
    """An encoder without a model. `encoded`: what it was asked for."""

    def __init__(self, name: str = "notions/1") -> None:
        self.name = name
        self.encoded: list[str] = []

    def is_ready(self) -> bool:
        return True

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        self.encoded += texts
        return [meaning(text) for text in texts]


@dataclass
class Server:
    """A running server. `fails`: what it answers instead of vectors; `asked`: bodies and headers of the requests."""

    url: str = ""
    fails: str = ""
    scale: float = 3.0
    asked: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [text for body, _ in self.asked for text in body["input"]]

    def answer(self, texts: Sequence[str]) -> tuple[int, bytes]:
        rows = [
            {"object": "embedding", "index": at, "embedding": [self.scale * one for one in meaning(text)]}
            for at, text in enumerate(texts)
        ]
        rows.reverse()  # the protocol promises no order
        good = {"object": "list", "data": rows, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        match self.fails:
            case "status":
                return 500, b'{"error": {"message": "no"}}'
            case "key":
                return 401, b'{"error": {"message": "no key"}}'
            case "elsewhere":
                return 302, b""
            case "html":
                return 200, b"<html>hello</html>"
            case "fewer":
                good["data"] = rows[1:]
            case "crooked":
                rows[0]["embedding"] = rows[0]["embedding"][1:] if len(rows) > 1 else []
            case "zeroes":
                rows[0]["embedding"] = [0.0] * 5
            case "words":
                rows[0]["embedding"] = ["a"] * 5
            case "infinite":
                rows[0]["embedding"] = [math.inf] * 5
            case "nothing":
                good = {"data": None}
        return 200, json.dumps(good).encode()


@contextmanager
def embeddings() -> Iterator[Server]:
    """Run a server on a free port."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((body, dict(self.headers.items())))
            if server.fails == "silence":
                time.sleep(1)
            if server.fails == "torn":
                self.connection.close()
                return
            status, content = server.answer(body["input"])
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{server.url}/elsewhere/embeddings")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.handle_error = lambda *args: None  # type: ignore[method-assign]
        server.url = f"http://127.0.0.1:{http.server_port}/v1"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
