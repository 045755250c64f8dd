"""ПОС tried by the contract: its other side is a folder in which exports lie."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.channels import contract
from tests.channels.contract import Letter

NO_SERVER = "the source is a folder of this machine; one that cannot be looked into is told (tests/channels/pos)"
WHOLE_SHEET = "an export is refused as a whole before a row of it is kept (tests/channels/pos/test_columns.py)"


class Pos(contract.Case):
    """Tried through its folder: every letter is an export of one row."""

    code = "pos"
    name = "ПОС"
    carries_files = False
    does_not_apply = {
        **dict.fromkeys(contract.ASKING, NO_SERVER),
        **contract.NOT_CALLED,
        **contract.SENDS_NOTHING,
        **contract.NO_XML,
        "bomb": WHOLE_SHEET,
        "dots": WHOLE_SHEET,
        "attachment": "an export has no files",
    }

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from otklik.channels.pos.adapter import PosChannel
        from otklik.correspondence import connections

        self.folder, self.files = Path(tempfile.mkdtemp(prefix="otklik-pos-")), 0
        connections.configure(PosChannel(), {"folder": str(self.folder)}, by=None)
        connections.switch(PosChannel(), True, reason="", by=None)

    def raw(self, letter: Letter) -> bytes:
        import io

        from otklik.channels.pos import columns, parse
        from tests.channels.pos.exports import table

        [row] = columns.read(io.BytesIO(table([self._said(letter) | {"Текст сообщения": "…"}])), "a.xlsx").rows
        return parse.raw(
            columns.PosRow(row.line, row.number, row.fields, {**row.extra, "Текст сообщения": letter.text})
        )

    def put(self, *letters: Letter) -> None:
        from tests.channels.pos.exports import table

        self.files += 1
        path = self.folder / f"{self.files}.xlsx"
        path.write_bytes(table(map(self._said, letters)))
        os.utime(path, (time.time() - 60, time.time() - 60))

    def visit(self) -> str:
        from otklik.channels.pos import imports
        from otklik.channels.pos.adapter import PosChannel

        said = super().visit()
        while imports.work_next(PosChannel()):
            pass
        return said

    def _said(self, letter: Letter) -> dict[str, Any]:
        day = f"{letter.sent_at:%d.%m.%Y}"
        return {"Номер": letter.number, "Текст сообщения": letter.text, "Дата поступления": day}


CASE = Pos()
