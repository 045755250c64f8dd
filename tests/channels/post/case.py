"""Scans: the folder a scanner writes to. Pages come with a text layer: what recognition does is tried elsewhere."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import typst
from PIL import Image

from tests.channels import contract
from tests.channels.contract import Letter


class Post(contract.Case):
    """Tried through the folder, its files read in processes of their own as the station does."""

    code = "post"
    name = "post (scans)"
    carries_files = False
    does_not_apply = {
        **dict.fromkeys(contract.ASKING, "a folder of this machine: one that is away is tried in tests/channels/post"),
        **contract.NOT_CALLED,
        **contract.SENDS_NOTHING,
        **contract.NO_XML,
        "dots": "a scan has no files inside, and names in a folder have no folders in them",
    }

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from otklik.channels.post.adapter import PostChannel
        from otklik.correspondence import connections

        self.folder = Path(tempfile.mkdtemp(prefix="otklik-scanner-"))
        connections.configure(PostChannel(), {"folder": str(self.folder), "blanks": False}, by=None)
        connections.switch(PostChannel(), on=True, reason="", by=None)

    def raw(self, letter: Letter) -> bytes:
        from otklik.channels.post.letter import Scanned
        from otklik.core import files

        pdf = files.store(b"%PDF-1.7 a scanned letter", name="scan.pdf")
        return Scanned(
            batch="0" * 64, pages=(letter.number,), sha256=pdf.sha256, name="pismo.pdf", text=letter.text,
            subject="Аренда", sender="Примерова Анна", applicant={"last_name": "Примерова", "address": "г. Бердск"},
            notes=("Страница 1 скана: повреждена.",),
        ).to_bytes()  # fmt: skip

    def broken(self, case: str) -> Iterable[bytes]:
        if case == "attachment":
            return [json.dumps(json.loads(self.raw(Letter())) | {"sha256": "1" * 64}).encode()]
        if case == "bomb":
            spool = io.BytesIO()
            Image.new("1", (16_000, 16_000)).save(spool, "PNG")
            return [spool.getvalue()]
        return super().broken(case)

    def put(self, *letters: Letter) -> None:
        for letter in letters:
            path = self.folder / f"scan-{letter.number}.pdf"
            body = (
                f'#set page(width: 70cm)\n#set text(font: "Libertinus Serif")\nПисьмо {letter.number}.\n\n{letter.text}'
            )
            path.write_bytes(typst.compile(body.encode(), ignore_system_fonts=True, timestamp=1_700_000_000))
            os.utime(path, (letter.sent_at.timestamp(),) * 2)

    def visit(self) -> str:
        from otklik.channels.post import station
        from otklik.channels.post.models import ScanBatch

        said = super().visit() or super().visit()  # a file is taken once it has stopped growing
        ScanBatch.objects.filter(state="waiting").update(split="whole")
        while station.work_next():
            pass
        return said


CASE = Post()
