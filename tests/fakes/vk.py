"""VKontakte, as dev.vk.com tells: `/method/<name>`, JSON with `response` or `error`, files apart."""

from __future__ import annotations

from typing import Any

from tests.fakes.other_side import OtherSide, serve


class Vk(OtherSide):
    """Holds dialogues, takes messages and comments, knows a repeat by random_id and guid."""

    fresh = {
        "token": "", "group": 217, "messages": [], "sent": [], "comments": [], "documents": [], "files": {},
        "people": {"501": {"first_name": "Анна", "last_name": "Примерова"}}, "asked": [],
        "refuse": {}, "forgets": False,
        "rights": ["messages", "docs", "wall"],
    }  # fmt: skip

    def answer(self, path: str, given: dict[str, str], body: bytes) -> Any:
        if path.startswith("/files/moved/"):
            return path.replace("/moved", "")
        if path.startswith("/files/"):
            return self.file(path)
        if path == "/upload":
            return {"file": self.uploaded(body)}
        method = path.removeprefix("/method/")
        self.state["asked"].append({"method": method, **{k: v for k, v in given.items() if k != "access_token"}})
        if given.get("access_token") != self.state["token"]:
            return _error(5)
        if given.get("v") != "5.199":
            return _error(8)
        if code := self.state["refuse"].get(method):
            return _error(code)
        handler = getattr(self, "on_" + method.replace(".", "_"), None)
        return _error(3) if handler is None else {"response": handler(given)}

    def fails(self, path: str) -> dict[str, Any]:
        return _error(5)

    def on_users_get(self, given: dict[str, str]) -> Any:
        there = self.state["people"].get(given["user_ids"])
        return [{"id": int(given["user_ids"]), **there}] if there else []

    def on_groups_getById(self, given: dict[str, str]) -> Any:
        known = given["group_id"] == str(self.state["group"])
        return {"groups": [{"id": self.state["group"], "name": "Департамент"}] if known else [], "profiles": []}

    def on_groups_getTokenPermissions(self, given: dict[str, str]) -> Any:
        return {"mask": 1, "permissions": [{"name": one, "setting": 1} for one in self.state["rights"]]}

    def on_messages_getConversations(self, given: dict[str, str]) -> Any:
        last = {one["peer_id"]: one for one in sorted(self.state["messages"], key=lambda one: one["date"])}
        found = [
            {"conversation": {"peer": {"id": peer, "type": "user"}}, "last_message": one} for peer, one in last.items()
        ]
        found.sort(key=lambda one: -one["last_message"]["date"])
        return {"count": len(found), "items": _page(found, given)}

    def on_messages_getHistory(self, given: dict[str, str]) -> Any:
        peer = int(given["peer_id"])
        ours = [] if self.state["forgets"] else [{"date": 2**31, "out": 1, **one} for one in self.state["sent"]]
        found = [one for one in self.state["messages"] + ours if one["peer_id"] == peer]
        found.sort(key=lambda one: -one["date"])
        return {"count": len(found), "items": _page(found, given)}

    def on_messages_send(self, given: dict[str, str]) -> Any:
        once = int(given["random_id"])
        peer = int(given["peer_id"])
        for number, one in enumerate(self.state["sent"], start=1):
            if (one["random_id"], one["peer_id"]) == (once, peer):
                return number
        self.state["sent"].append(
            {
                "peer_id": peer,
                "random_id": once,
                "text": given.get("message", ""),
                "from_id": -self.state["group"],
                "attachment": given.get("attachment", ""),
            }
        )
        return len(self.state["sent"])

    def on_wall_createComment(self, given: dict[str, str]) -> Any:
        guids = [one["guid"] for one in self.state["comments"]]
        if given["guid"] not in guids:
            self.state["comments"].append(given)
            guids.append(given["guid"])
        return {"comment_id": 1000 + guids.index(given["guid"]), "parents_stack": []}

    def on_docs_getMessagesUploadServer(self, given: dict[str, str]) -> Any:
        host, port = self.server.server_address[:2]
        return {"upload_url": f"http://{host!s}:{port}/upload"}

    def on_docs_save(self, given: dict[str, str]) -> Any:
        self.state["documents"].append(given["title"])
        return {"type": "doc", "doc": {"id": len(self.state["documents"]), "owner_id": -self.state["group"]}}


def _page(found: list[Any], given: dict[str, str]) -> list[Any]:
    first = int(given.get("offset", "0"))
    return found[first : first + int(given["count"])]


def _error(code: int) -> dict[str, Any]:
    return {"error": {"error_code": code, "error_msg": "as documented", "request_params": []}}


if __name__ == "__main__":
    serve(Vk)
