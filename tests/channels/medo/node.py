"""The folders of a node and what is found in them."""

from __future__ import annotations

import uuid
from pathlib import Path

from otklik.channels.medo.adapter import MedoChannel
from otklik.correspondence import connections, delivery, inbox
from otklik.correspondence.models import Connection, IncomingMessage
from tests.channels.medo.packages import NODE, OTHER_NODE, OUR_UID, SENDER, THEIR_UID, Made, Sent, made


class Node:
    """Two folders; `give` lays a package down, `visit` lets the worker come until it has been taken."""

    def __init__(self, folder: Path, **values: str) -> None:
        self.inbox, self.outbox = folder / "in", folder / "out"
        self.inbox.mkdir(parents=True)
        self.outbox.mkdir()
        self.channel = MedoChannel()
        self.connect(**values)

    def connect(self, **values: str) -> None:
        said = {
            "inbox": str(self.inbox),
            "outbox": str(self.outbox),
            "node": NODE,
            "uid": OUR_UID,
            "organization": "Департамент имущества",
            "partners": f"{THEIR_UID}; {OTHER_NODE}; {SENDER}",
            **values,
        }
        connections.configure(self.channel, said, by=None)
        connections.switch(self.channel, True, reason="", by=None)

    def give(self, package: Made | Sent, name: str = "") -> Path:
        whole = made(package) if isinstance(package, Sent) else package
        return whole.write(self.inbox / (name or uuid.uuid4().hex))

    def visit(self, times: int = 2) -> str:
        """Visit the folder; return the error of the last visit."""
        for _ in range(times):
            connections.visit(self.channel)
        return Connection.objects.get(channel="medo").error

    def take(self, package: Made | Sent, name: str = "") -> IncomingMessage:
        """Give a package, let it be taken, return its message."""
        self.give(package, name)
        assert self.visit() == ""
        return IncomingMessage.objects.filter(channel="medo").latest("pk")

    def send(self) -> None:
        """Let everything that waits be sent."""
        while delivery.send_next({"medo": self.channel}):
            pass

    def sent(self) -> list[dict[str, bytes]]:
        """Return the packages in the folder of outgoing ones."""
        return [
            {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
            for folder in sorted(self.outbox.iterdir())
            if not folder.name.startswith(".")
        ]

    def forget_sent(self) -> None:
        for folder in self.outbox.iterdir():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def read_all() -> None:
    while inbox.parse_next({"medo": MedoChannel()}):
        pass
