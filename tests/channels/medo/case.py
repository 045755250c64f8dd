"""МЭДО in the contract of channels: a node's two folders in place of a server."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels import contract
from tests.channels.contract import Letter
from tests.channels.medo import packages
from tests.channels.medo.packages import DOCUMENT_UID, PDF, THEIR_UID, Made, Sent

NO_SERVER = "the other side is a folder of this machine: it is there or not (see the case of credentials)"
WRITTEN_WHOLE = "a package is written aside and renamed: it is there whole or not at all"


class Medo(contract.Case):
    """Tried through the folders."""

    code = "medo"
    name = "medo"
    threads = False
    goes_to: Mapping[str, Any] = {"kind": "answer", "recipient": THEIR_UID, "files": [("письмо.pdf", PDF)]}
    does_not_apply = {
        **contract.NOT_CALLED,
        **dict.fromkeys(("429", "5xx", "timeout", "send_429", "send_5xx", "send_timeout"), NO_SERVER),
        "cut": "a package that is not whole waits: tests/channels/medo/test_folder.py",
        "send_cut": WRITTEN_WHOLE,
    }

    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="otklik-contract-medo-"))
        self.opened = 0

    def stop(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.channels.medo.node import Node

        self.opened += 1
        self.laid = 0
        self.node = Node(self.root / str(self.opened))

    def package(self, letter: Letter) -> Made:
        version = "2.7" if letter.files else "2.6"
        number = letter.number
        sent = Sent(
            version,
            annotation=letter.text,
            files=tuple(letter.files),
            created=letter.sent_at.isoformat(),
            uid=f"0a1b2c3d-0000-4000-8000-{number:012d}",
            link=DOCUMENT_UID % letter.reply_to if letter.reply_to else "",
        )
        return frozen(sent, number)

    def raw(self, letter: Letter) -> bytes:
        return packages.zipped(self.package(letter).all())

    def broken(self, case: str) -> Iterable[bytes]:
        if case == "empty":
            return [b"", packages.zipped({}), packages.zipped({"document.xml": b"", "envelope.ini": b""})]
        if case == "noise":
            return [*contract.noise(), *(packages.zipped({"document.xml": one}) for one in contract.noise(4))]
        if case == "huge":
            long = self.package(Letter(text="Очень длинно. " * 100_000))
            return [packages.zipped(long.all())]
        if case == "xxe":
            return [self._with("document.xml", contract.xxe()), contract.xxe()]
        if case == "bomb":
            return [contract.bomb(), self._with("document.xml", bytes(30 * 1024 * 1024))]
        if case == "dots":
            return [contract.archive(*contract.TRICKY)]
        if case == "attachment":
            made = self.package(Letter(files=[("план.pdf", PDF)]))
            made.inside.pop("план.pdf")
            return [packages.zipped(made.all())]
        return [self._with("document.xml", xml) for xml in _broken_xml(case, self.package(Letter()))]

    def _with(self, name: str, content: bytes) -> bytes:
        return packages.zipped({**self.package(Letter()).all(), name: content})

    def put(self, *sent: Letter) -> None:
        for letter in sent:
            self.laid += 1
            self.package(letter).write(self.node.inbox / f"{self.laid:06d}")

    def visit(self) -> str:
        return self.node.visit(2)

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        folder = self.node.outbox if kind.startswith("send") else self.node.inbox
        away = folder.with_name("away")
        folder.rename(away)
        yield
        away.rename(folder)

    def send(self) -> str:
        from otklik.channels.medo.adapter import MedoChannel
        from otklik.correspondence.channel import ToSend

        path = self.root / "letter.pdf"
        path.write_bytes(PDF)
        return MedoChannel().send(
            ToSend(
                kind="answer", message_id="<a.0123456789abcdef0123456789abcdef@department.example>", token="abc",
                sender="", sender_name="", recipient=THEIR_UID, recipient_name="Правительство", subject="Ответ № 1",
                text=contract.TEXT, files=[("письмо.pdf", path, "application/pdf")],
            )
        )  # fmt: skip

    def held(self) -> list[tuple[str, str]]:
        papers = [package["document.xml"].decode("cp1251") for package in self.node.sent()]
        return [(paper, _OUR_UID.search(paper)[1]) for paper in papers]  # type: ignore[index]


_OUR_UID = re.compile(r"uid=\"([0-9a-f-]+)\"")

_made: dict[tuple[Any, int], Made] = {}


def frozen(sent: Sent, number: int) -> Made:
    """Make a package once: a repeat has the very same bytes."""
    if (sent, number) not in _made:
        _made[sent, number] = packages.made(sent)
    made = _made[sent, number]
    return Made(dict(made.files), dict(made.inside))


def _broken_xml(case: str, made: Made) -> Iterator[bytes]:
    text = made.files["document.xml"].decode("cp1251")
    places = list(re.finditer(r"<xdms:(\w+)[^>]*>[^<]*</xdms:\1>", text))
    if case == "charset":
        yield text.encode("utf-8")
        yield text.replace("windows-1251", "x-unknown").encode("cp1251")
        yield text.replace("windows-1251", "utf-8").encode("cp1251")
        yield text.replace("windows-1251", "koi8-r").encode("koi8-r", "replace")
        return
    for at, place in enumerate(places):
        if case == "missing":
            yield (text[: place.start()] + text[place.end() :]).encode("cp1251")
        elif case == "types":
            for other in ("", "9" * 400, "не то"):
                inner = re.sub(r">[^<]*<", f">{other}<", place[0])
                yield (text[: place.start()] + inner + text[place.end() :]).encode("cp1251")
        elif case == "unknown" and at < 12:
            more = "<xdms:nobodyKnows>1</xdms:nobodyKnows>"
            yield (text[: place.end()] + more + text[place.end() :]).encode("cp1251")
    if case == "missing":
        for found in re.finditer(r' xdms:\w+="[^"]*"', text):
            yield (text[: found.start()] + text[found.end() :]).encode("cp1251")


CASE = Medo()
