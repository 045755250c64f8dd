"""The API of MAX, as its public documentation tells it: updates with a marker, messages, files, subscriptions.

`python -m tests.fakes.max`. Told: "token", "updates" (whole updates), "files" (name → text, under /file/), "stopped"
(users who stopped the bot), "hooks" (addresses called), "not_ready" (so many times a file is not ready).
"""

from __future__ import annotations

import re
from typing import Any

from tests.fakes import web
from tests.fakes.web import RETRY_AFTER, Answer, Call

LONGEST = 4000


class Max(web.Fake):
    """A bot and its stream of updates."""

    def forget(self) -> None:
        super().forget()
        self.token = "none"
        self.updates: list[dict[str, Any]] = []
        self.given = 0  # how many were told to be read
        self.files: dict[str, str] = {}
        self.stopped: list[int] = []
        self.hooks: list[str] = []
        self.secret = ""
        self.not_ready = 0
        self.asked: list[dict[str, Any]] = []

    def take(self, told: dict[str, Any]) -> None:
        self.updates += told.pop("updates", [])
        self.files |= told.pop("files", {})
        for name, value in told.items():
            setattr(self, name, value)

    def told(self) -> dict[str, Any]:
        left = len(self.updates) - self.given
        return {**super().told(), "asked": self.asked, "left": left, "hooks": self.hooks, "secret": self.secret}

    def answer(self, call: Call) -> Answer | None:
        if call.path.startswith("/file/"):
            name = call.path.removeprefix("/file/")
            lost = name not in self.files or self.trouble == "attachment"
            return Answer({}, 404) if lost else Answer(self.files[name].encode("latin-1"))
        if call.path == "/upload" and call.method == "POST":
            return self._uploaded(call)
        sending = (call.method, call.path) == ("POST", "/messages")
        self.calls.append(f"{call.method} {call.path}")
        trouble = self.fails(sending=sending)
        if call.headers.get("authorization") != self.token or trouble == "expired":
            return _no(401, "verify.token", "Invalid access_token")
        if trouble == "429":
            answer = _no(429, "too.many.requests", "Rate limit")
            return Answer(answer.body, 429, {"Retry-After": str(RETRY_AFTER)})
        if trouble == "5xx":
            return _no(503, "service.unavailable", "")
        if trouble == "timeout":
            web.slow()
        made = self._route(call)
        if trouble == "cut":
            return None if sending else web.cut(made)
        return made

    def _route(self, call: Call) -> Answer:
        routes = {
            ("GET", "/me"): self._me, ("GET", "/updates"): self._updates, ("POST", "/messages"): self._messages,
            ("POST", "/answers"): self._answers, ("POST", "/uploads"): self._uploads,
            ("GET", "/subscriptions"): self._hooks, ("POST", "/subscriptions"): self._hook,
            ("DELETE", "/subscriptions"): self._unhook,
        }  # fmt: skip
        if route := routes.get((call.method, call.path)):
            return route(call)
        if found := re.fullmatch(r"/videos/([\w-]+)", call.path):
            urls = {"mp4_360": self._url(f"{found[1]}-360"), "mp4_720": self._url(f"{found[1]}-720")}
            return Answer({"token": found[1], "urls": urls, "width": 1, "height": 1, "duration": 1})
        return _no(404, "not.found", "")

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/file/{name}"

    def _me(self, _: Call) -> Answer:
        return Answer({"user_id": 5550002, "first_name": "Департамент", "username": "dep_example_bot", "is_bot": True})

    def _updates(self, call: Call) -> Answer:
        self.asked.append(dict(call.query))
        first = int(call.query.get("marker", 0))
        self.given = max(self.given, first)
        last = min(len(self.updates), first + int(call.query.get("limit", 100)))
        return Answer({"updates": self.updates[first:last], "marker": last})

    def _messages(self, call: Call) -> Answer:
        body = call.json
        if int(call.query.get("user_id", 0)) in self.stopped:
            return _no(403, "chat.denied", "Key: error.dialog.suspended, args: [1,].")
        if len(body.get("text") or "") > LONGEST:
            return _no(400, "proto.payload", "text: size must be between 0 and 4000")
        if self.not_ready and any(one["type"] == "file" for one in body.get("attachments") or []):
            self.not_ready -= 1
            return _no(400, "attachment.not.ready", "Key: errors.process.attachment.file.not.processed")
        self.sent.append({**body, "to": dict(call.query)})
        return Answer({"message": {"body": {"mid": f"mid.sent-{len(self.sent)}", **body}, "recipient": {}}})

    def _answers(self, call: Call) -> Answer:
        self.asked.append({"answered": {**call.json, **call.query}})
        return Answer({"success": True})

    def _uploads(self, call: Call) -> Answer:
        return Answer({"url": f"http://127.0.0.1:{self.port}/upload"})

    def _uploaded(self, call: Call) -> Answer:
        if "authorization" in call.headers:
            return _no(400, "leak", "the token went to another server")
        self.asked.append({"uploaded": len(call.body)})
        return Answer({"token": f"up-{len(call.body)}"})

    def _hooks(self, _: Call) -> Answer:
        return Answer({"subscriptions": [{"url": url, "time": 1, "update_types": None} for url in self.hooks]})

    def _hook(self, call: Call) -> Answer:
        self.hooks.append(call.json["url"])
        self.secret = call.json["secret"]
        return Answer({"success": True})

    def _unhook(self, call: Call) -> Answer:
        self.hooks.remove(call.query["url"])
        return Answer({"success": True})


def _no(status: int, code: str, words: str) -> Answer:
    return Answer({"code": code, "message": words}, status)


if __name__ == "__main__":
    web.serve(Max())
