"""Packages of the Governor's public reception, as a clerk brings them: the page keeps them, the adapter reads them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from otklik.channels.governor import cover, package
from tests.channels import contract
from tests.channels.contract import Letter


class Governor(contract.Case):
    """Tried by what `intake.take_in` keeps."""

    code = "governor_reception"
    name = "governor"
    does_not_apply = {
        **contract.NEVER_ASKED,
        **contract.NOT_CALLED,
        **contract.SENDS_NOTHING,
        **contract.NO_XML,
        "clock": "the clerk types the day, and a day to come is refused (tests/channels/governor/test_governor.py)",
    }

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.appeals.conftest import World

        self.clerk = World().clerk

    def raw(self, letter: Letter) -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "one.zip"
            files = [(name, io.BytesIO(content)) for name, content in letter.files]
            package.write(self._told(letter), files, path)
            return path.read_bytes()

    def broken(self, case: str) -> Iterable[bytes]:
        whole = self.raw(Letter(files=[("план.pdf", b"%PDF")]))
        if case == "attachment":
            return [self.raw(Letter(files=[("план.zip", contract.archive("a.txt", "b.txt")[:-30])]))]
        if case in {"empty", "noise"}:
            return [*super().broken(case), whole[:100], whole[:-10]]
        if case in {"missing", "types", "unknown", "charset"}:
            return [_with_fields(whole, fields) for fields in contract.broken_json(case, self._fields)]
        return super().broken(case) if case == "huge" else ()

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        from django.utils import timezone

        from otklik.channels.governor import intake

        for letter in [*letters] * times:
            intake.take_in(
                self._cover(letter),
                [(name, io.BytesIO(content)) for name, content in letter.files],
                text=letter.text,
                subject="Аренда участка",
                sender_address="op@governor.example",
                received_at=timezone.now(),
                by=self.clerk,
            )

    def _cover(self, letter: Letter) -> cover.Cover:
        return cover.Cover(
            f"А26-00-{letter.number}", letter.sent_at.date(), None, "Приёмная", {"last_name": "Примерова"}
        )

    def _told(self, letter: Letter) -> dict[str, object]:
        return {"facts": self._cover(letter).facts(), "text": letter.text, "subject": "Аренда участка"}

    def _fields(self, letter: Letter) -> bytes:
        with zipfile.ZipFile(io.BytesIO(self.raw(letter))) as there:
            return there.read(package.FIELDS)


def _with_fields(whole: bytes, fields: bytes) -> bytes:
    """Return a package whose files are the same and whose fields are these bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as there, zipfile.ZipFile(made, "w") as out:
        for one in there.namelist():
            out.writestr(one, fields if one == package.FIELDS else there.read(one))
    return made.getvalue()


CASE = Governor()
