"""Odnoklassniki, as apiok.ru tells: the Graph API of a group's bot, and the REST API for comments."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.fakes.other_side import OtherSide, serve


class Ok(OtherSide):
    """Holds chats and comments, takes messages; tells no repeat from another message."""

    fresh = {
        "token": "", "group": "53400000000217", "chats": [], "messages": [], "sent": [], "subscriptions": [],
        "topics": [], "comments": {}, "added": [], "uploads": [], "files": {}, "refuse": {}, "app_secret": "",
        "admin_token": "", "asked": [],
    }  # fmt: skip

    def answer(self, path: str, given: dict[str, str], body: bytes) -> Any:
        if path.startswith("/files/"):
            return self.file(path)
        if path == "/upload":
            self.state["uploads"].append(self.uploaded(body))
            return {}
        self.state["asked"].append(path + given.get("method", ""))
        if path == "/fb.do":
            return self._rest(given)
        if given.get("access_token") != self.state["token"]:
            return _error(102)
        if code := self.state["refuse"].get(path):
            return _error(code)
        said = json.loads(body) if body else {}
        return self._graph(path.removeprefix("/graph/"), given, said)

    def fails(self, path: str) -> dict[str, Any]:
        return _error(102)

    def _graph(self, path: str, given: dict[str, str], said: dict[str, Any]) -> Any:
        if path == "me/info":
            return {"name": "Департамент", "group_id": f"group:{self.state['group']}"}
        if path == "me/subscriptions":
            return {"subscriptions": [{"time": 1, "url": one} for one in self.state["subscriptions"]]}
        if path == "me/subscribe":
            self.state["subscriptions"].append(said["url"])
            return {"success": True}
        if path == "me/chats":
            return {"chats": sorted(self.state["chats"], key=lambda one: -one["lastEventTime"])}
        if path == "me/fileUploadUrl":
            host, port = self.server.server_address[:2]
            return {
                "url": f"http://{host!s}:{port}/upload",
                "token": f"file-{len(self.state['uploads'])}",
                "file_id": "1",
            }
        if said and path.startswith("me/messages"):
            self.state["sent"].append(said)
            return {"success": True, "message_id": f"mid:Cours.{len(self.state['sent']):x}"}
        if path.startswith("me/messages/"):
            chat = path.removeprefix("me/messages/")
            until, since = int(given["from"]), int(given["to"])
            found = [one for one in self.state["messages"] if one["recipient"]["chat_id"] == chat]
            found = [one for one in found if since <= one["timestamp"] <= until]
            return {"messages": sorted(found, key=lambda one: -one["timestamp"])[: int(given["count"])]}
        return _error(3)

    def _rest(self, given: dict[str, str]) -> Any:
        token, secret = self.state["admin_token"], self.state["app_secret"]
        session = hashlib.md5(f"{token}{secret}".encode()).hexdigest()
        line = "".join(f"{name}={given[name]}" for name in sorted(given) if name not in {"sig", "access_token"})
        if given.get("access_token") != token:
            return _error(102)
        if given["sig"] != hashlib.md5(f"{line}{session}".encode()).hexdigest():
            return _error(104)
        if code := self.state["refuse"].get(given["method"]):
            return _error(code)
        if given["method"] == "group.getStatTopics":
            return {"topics": [{"id": one} for one in self.state["topics"]]}
        if given["method"] == "discussions.getComments":
            return {"comments": self.state["comments"].get(given["discussionId"], []), "has_more": False}
        if given["method"] == "discussions.addDiscussionComment":
            self.state["added"].append(given)
            return {"id": f"c{len(self.state['added'])}"}
        return _error(3)


def _error(code: int) -> dict[str, Any]:
    return {"error_code": code, "error_msg": "as documented", "error_data": None}


if __name__ == "__main__":
    serve(Ok)
