"""The Bot API of Telegram, as its documentation tells it: updates by asking, files, messages out, webhooks set.

`python -m tests.fakes.telegram`. Told: "token", "updates" (whole updates), "files" (file_id → text), "blocked",
"moved" (chat → new chat), "webhook" (what getWebhookInfo says), "busy_after" (so many messages, then 429).
"""

from __future__ import annotations

import re
from typing import Any

from tests.fakes import web
from tests.fakes.web import RETRY_AFTER, Answer, Call

SENDING = {"sendMessage", "sendDocument"}
LONGEST = 4096


class Telegram(web.Fake):
    """A bot and its queue of updates."""

    def forget(self) -> None:
        super().forget()
        self.token = "1:none"
        self.updates: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}
        self.blocked: list[int] = []
        self.moved: dict[str, int] = {}
        self.webhook: dict[str, Any] = {"url": ""}
        self.busy_after = 0  # so many messages taken, then «wait»
        self.asked: list[dict[str, Any]] = []

    def take(self, told: dict[str, Any]) -> None:
        self.updates += told.pop("updates", [])
        self.files |= told.pop("files", {})
        for name, value in told.items():
            setattr(self, name, value)

    def told(self) -> dict[str, Any]:
        return {**super().told(), "asked": self.asked, "left": len(self.updates), "webhook": self.webhook}

    def answer(self, call: Call) -> Answer | None:
        if found := re.fullmatch(r"/file/bot([^/]+)/documents/(.+)", call.path):
            return self._file(found[1], found[2])
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", call.path)
        if not found:
            return _no(404, "Not Found")
        token, method = found[1].replace("%3A", ":"), found[2]
        self.calls.append(method)
        trouble = self.fails(sending=method in SENDING)
        if token != self.token or trouble == "expired":
            return _no(401, "Unauthorized")
        if trouble == "429":
            said = f"Too Many Requests: retry after {RETRY_AFTER}"
            return _no(429, said, parameters={"retry_after": RETRY_AFTER})
        if trouble == "5xx":
            return _no(502, "Bad Gateway")
        if trouble == "timeout":
            web.slow()
        made = getattr(self, f"_{method}", self._unknown)(_told(call))
        if trouble == "cut":
            return None if method in SENDING else web.cut(made)
        return made

    def _file(self, token: str, name: str) -> Answer:
        if token.replace("%3A", ":") != self.token or name not in self.files or self.trouble == "attachment":
            return _no(404, "Not Found")
        return Answer(self.files[name].encode("latin-1"))

    def _getMe(self, _: dict[str, Any]) -> Answer:
        return _yes({"id": 5550001, "is_bot": True, "first_name": "Департамент", "username": "dep_example_bot"})

    def _getUpdates(self, told: dict[str, Any]) -> Answer:
        if self.webhook["url"]:
            return _no(409, "Conflict: can't use getUpdates method while webhook is active")
        self.asked.append(told)
        if "offset" in told:
            self.updates = [one for one in self.updates if one.get("update_id", 0) >= told["offset"]]
        return _yes(self.updates[: told.get("limit", 100)])

    def _getFile(self, told: dict[str, Any]) -> Answer:
        if told.get("file_id") not in self.files:
            return _no(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        return _yes({"file_id": told["file_id"], "file_path": f"documents/{told['file_id']}"})

    def _sendMessage(self, told: dict[str, Any]) -> Answer:
        if not 0 < len(told["text"].encode("utf-16-le")) // 2 <= LONGEST:
            return _no(400, "Bad Request: message is too long")
        return self._sent(told)

    def _sendDocument(self, told: dict[str, Any]) -> Answer:
        return self._sent({**told, "chat_id": int(told["chat_id"])})

    def _sent(self, told: dict[str, Any]) -> Answer:
        chat = told["chat_id"]
        if self.busy_after and len(self.sent) >= self.busy_after:
            return _no(429, "Too Many Requests", parameters={"retry_after": RETRY_AFTER})
        if str(chat) in self.moved:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            return _no(400, said, parameters={"migrate_to_chat_id": self.moved[str(chat)]})
        if chat in self.blocked:
            return _no(403, "Forbidden: bot was blocked by the user")
        self.sent.append(told)
        kind = "private" if chat > 0 else "supergroup"
        return _yes({"message_id": 1000 + len(self.sent), "chat": {"id": chat, "type": kind}, "date": 1795489200})

    def _editMessageText(self, told: dict[str, Any]) -> Answer:
        self.asked.append({"edited": told})
        return _yes({"message_id": told["message_id"]})

    def _answerCallbackQuery(self, told: dict[str, Any]) -> Answer:
        self.asked.append({"answered": told})
        return _yes(True)

    def _setWebhook(self, told: dict[str, Any]) -> Answer:
        self.webhook = {"url": told["url"], "pending_update_count": 0, "secret": told["secret_token"]}
        return _yes(True)

    def _getWebhookInfo(self, _: dict[str, Any]) -> Answer:
        return _yes({name: value for name, value in self.webhook.items() if name != "secret"})

    def _unknown(self, _: dict[str, Any]) -> Answer:
        return _no(404, "Not Found: method not found")


def _told(call: Call) -> dict[str, Any]:
    """Return the parameters of a call; of a form with a file, its fields and the file's name and size."""
    if not call.headers.get("content-type", "").startswith("multipart/form-data"):
        return call.json
    told: dict[str, Any] = {}
    edge = call.headers["content-type"].partition("boundary=")[2].encode()
    for piece in call.body.split(b"--" + edge)[1:-1]:
        head, _, content = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="([^"]+)"', head)
        if name and b"filename" in head:
            told["file"] = {"size": len(content), "named": head.decode("utf-8", "replace").split("filename")[1][:80]}
        elif name:
            told[name[1].decode()] = content.decode()
    return told


def _yes(result: Any) -> Answer:
    return Answer({"ok": True, "result": result})


def _no(code: int, words: str, **more: Any) -> Answer:
    return Answer({"ok": False, "error_code": code, "description": words, **more}, code)


if __name__ == "__main__":
    web.serve(Telegram())
