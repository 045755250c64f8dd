"""The channel of ПОС: exports come by a folder or by a page, answers are carried back by a person."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

from otklik.channels.pos import columns, imports, parse
from otklik.core.crashpoints import reach
from otklik.correspondence import connections
from otklik.correspondence.channel import DeliveryError, Parsed, Setting, SourceError, ToSend
from otklik.correspondence.models import ChannelCode

SETTLED: Final = 10.0  # seconds a file must have lain unchanged: one that is still being copied is not taken


class PosChannel:
    """Takes exports from a folder; reads the rows that were kept."""

    code: ClassVar[str] = ChannelCode.POS
    repeats_safely: ClassVar[bool] = False
    settings: ClassVar[Sequence[Setting]] = (
        Setting(
            "folder",
            "Папка с выгрузками",
            "Путь на сервере. Отклик забирает оттуда новые файлы .xlsx и ничего в ней не меняет. "
            "Пусто — выгрузки загружают на странице «ПОС».",
            kind="folder",
            required=False,
        ),
        Setting("opa_id", "opaId организации", "Целое число из ссылки на форму ПОС.", required=False),
        Setting("ogrn", "ОГРН", "13 цифр: для метки utm_campaign в ссылках из сообществ.", required=False),
        Setting("place_code", "utm_medium", "Двузначный код или 111, 711, 7114.", required=False),
    )
    every: ClassVar[int] = 300
    sends: ClassVar[bool] = False
    guide: ClassVar[str] = "pos"

    def fetch(self) -> Iterator[object]:
        """Take the new files of the folder; each becomes an import that workers read and write."""
        connecting = connections.of(self.code)
        if connecting is None or not str(connecting["folder"]).strip():
            return
        seen: dict[str, str] = {}
        before, closed = connecting.cursor.get("files") or {}, ""
        for path in _files(Path(str(connecting["folder"]).strip())):
            try:
                facts = path.stat()
                mark = f"{facts.st_size}:{facts.st_mtime_ns}"
                if before.get(path.name) == mark:
                    seen[path.name] = mark
                    continue
                if time.time() - facts.st_mtime < SETTLED:
                    continue
                with path.open("rb") as file:
                    content = file.read(columns.LIMITS.packed + 1)
            except FileNotFoundError:  # taken away meanwhile
                continue
            except OSError as failure:
                closed = f"Файл из папки выгрузок не читается ({type(failure).__name__}). Проверьте права на него."
                continue
            run = imports.take_from_folder(content, path.name)
            reach("pos.after_fetch")
            seen[path.name] = mark
            connections.remember(self.code, files={**before, **seen})
            if run is not None:
                yield run
        if seen != before:
            connections.remember(self.code, files=seen)
        if closed := closed or imports.trouble_of_folder():
            raise SourceError(closed)

    def parse(self, raw: Path) -> Parsed:
        """Read one kept row."""
        return parse.read(raw.read_bytes())

    def send(self, item: ToSend) -> str:
        """Refuse: nothing but a person in the personal cabinet hands an answer over to ПОС."""
        raise DeliveryError("Ответ в ПОС вносит сотрудник в личном кабинете: скопируйте текст.", permanent=True)

    def try_out(self) -> str:
        """Look whether the folder can be read, and how many exports lie there."""
        folder = str(connections.drafted(self.code)["folder"]).strip()
        if not folder:
            return "Папка не задана: выгрузки загружают на странице «ПОС»."
        return f"Папка читается. Файлов .xlsx в ней: {len(_files(Path(folder)))}."


def _files(folder: Path) -> list[Path]:
    """Return the exports of a folder, the oldest first; raise SourceError where it cannot be looked into."""
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() == ".xlsx" and not path.name.startswith(("~$", ".")) and path.is_file()
        ]
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    except OSError as failure:
        words = f"Папка с выгрузками не читается ({type(failure).__name__}). Проверьте путь и права на неё."
        raise SourceError(words) from None
    return found
