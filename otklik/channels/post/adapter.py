"""The channel «почта»: a folder the scanner writes to, and letters that people carry to the post office."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from django.utils import timezone

from otklik.channels.handover.reader import HandoverReader
from otklik.channels.post import letter, reading, station
from otklik.channels.post.models import ScanBatch
from otklik.core import files
from otklik.core.crashpoints import reach
from otklik.core.errors import told_of_outage
from otklik.core.models import StoredFile
from otklik.correspondence import connections
from otklik.correspondence.channel import (
    DeliveryError,
    Parsed,
    ParsedFile,
    ParseError,
    Setting,
    SourceError,
    ToSend,
)

TAKEN: Final = "принято"  # where the scanner's files go once they are kept
AT_ONCE: Final = 20  # files of one visit
_OURS: Final = frozenset({TAKEN, "$recycle.bin", "system volume information"})
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".crdownload", ".filepart")


class PostChannel:
    """Takes scans out of a folder; what they say is read by `otklik.channels.post.station`."""

    code: ClassVar[str] = "post"
    repeats_safely: ClassVar[bool] = False
    sends: ClassVar[bool] = False
    every: ClassVar[int] = 15
    guide: ClassVar[str] = "post"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("folder", "Папка сканера", "Путь на сервере. Принятое переносится в папку «принято» в ней.", "folder"),
        Setting(
            "blanks",
            "Пустая страница разделяет письма",
            "Если писем на двух сторонах листа нет. Разделение тогда проверяет делопроизводитель.",
            "yes",
            required=False,
        ),
        Setting(
            "sheet",
            "Код на своём листе-разделителе",
            "Если сканер печатает свои разделители: что закодировано в их штрихкоде.",
            required=False,
        ),
        Setting("languages", "Языки распознавания", "Как их называет Tesseract.", required=False, default="rus"),
    )

    def fetch(self) -> Iterable[object]:
        """Keep every file that has not changed since the last visit, then move it away; yield what became of each."""
        there = connections.of(self.code)
        if there is None:
            return
        folder = _folder(str(there["folder"]))
        seen, ready = {}, []
        for path, mark in _waiting(folder):
            seen[path.name] = mark
            if there.cursor.get("seen", {}).get(path.name) == mark:
                ready.append(path)
        connections.remember(self.code, seen=seen)
        troubles: list[str] = []
        for path in ready[:AT_ONCE]:
            try:
                yield _take(path, there)
                reach("post.before_move")
                _move(path, folder / TAKEN)
            except OSError as failure:
                outage = told_of_outage(failure)
                troubles.append(f"{outage[:1].lower()}{outage[1:]}" or "файл не читается или не переносится")
            except station.NotAScan as refusal:
                troubles.append(str(refusal).split(": ", 1)[-1])
        if troubles:
            raise SourceError(f"В папке сканера остались файлы ({len(troubles)}): {troubles[0]}")

    def parse(self, raw: Path) -> Parsed:
        """Read a scanned letter, or what another system handed over as a letter."""
        with raw.open("rb") as file:
            begins = file.read(1)
        if begins != b"{":
            raise ParseError(_why_not(raw))
        try:
            said = letter.from_bytes(raw.read_bytes())
        except ValueError as exc:
            raise ParseError("Запись о письме со скана повреждена. Откройте оригинал.") from exc
        if said is None:
            return HandoverReader().parse(raw)
        stored = StoredFile.objects.filter(sha256=said.sha256).first()
        if stored is None:
            raise ParseError("Нет файла письма: " + said.name)
        applicant = dict(said.applicant or {})
        address = applicant.get("address", "")
        return Parsed(
            text=said.text,
            subject=said.subject,
            sender_name=said.sender,
            sender_address=address[:320],
            files=(ParsedFile(said.name, stored.content_type, files.path_of(stored)),),
            notes=said.notes,
            facts={
                "applicant": applicant,
                "answer": {"channel": self.code, "address": address},
                "identified": False,
                "scan": {"pages": list(said.pages), "written_on": said.written_on},
                "envelope": {"postmark": "", "register_number": "", "track": said.track},
            },
            facts_schema=letter.SCHEMA,
        )

    def send(self, item: ToSend) -> str:
        """Refuse: a letter is carried to the post office by a person, who says so."""
        raise DeliveryError("Письмо на бумаге отправляет сотрудник: распечатайте и отметьте отправку.", permanent=True)

    def try_out(self) -> str:
        """Look into the folder and for the programs of recognition; say what is there."""
        folder = _folder(str(connections.drafted(self.code)["folder"]))
        number = sum(1 for _ in _waiting(folder))
        lacking = reading.tools()
        told = f"Папка доступна, файлов ждёт: {number}."
        if "tesseract" in lacking:
            raise SourceError(f"{told} На сервере нет Tesseract: письма принимаются без текста. Установите его.")
        if lacking:
            return f"{told} OCRmyPDF не установлен: текст распознаётся, но в PDF не вписывается."
        return f"{told} Распознавание готово."


def _folder(named: str) -> Path:
    folder = Path(named)
    if not named or not folder.is_absolute():
        raise SourceError("Укажите полный путь к папке сканера.")
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SourceError("Папки сканера нет, или у программы нет права читать её и переносить в ней файлы.")
    return folder


def _waiting(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield what lies in the folder, the oldest first, each with a mark of how it looks: size and time."""
    found: list[tuple[float, Path, str]] = []
    try:
        entries = list(os.scandir(folder))
    except OSError as exc:
        raise SourceError("Папка сканера не читается.") from exc
    for one in entries:
        if one.name.startswith((".", "~")) or one.name.lower().endswith(_UNFINISHED) or one.name.lower() in _OURS:
            continue
        with suppress(OSError):  # gone since
            about = one.stat(follow_symlinks=False)
            if one.is_file(follow_symlinks=False) and about.st_size:
                found.append((about.st_mtime, Path(one.path), f"{about.st_size}:{about.st_mtime_ns}"))
    yield from ((path, mark) for _, path, mark in sorted(found))


def _take(path: Path, there: Any) -> ScanBatch | int:
    """Keep one file: a scan as a batch, anything else as a message that cannot be read."""
    if not station.kind_of(path):
        stored = files.store(path, name=path.name)
        return station.to_quarantine(files.path_of(stored), stored.sha256, timezone.now()).pk
    blanks = bool(there["blanks"])
    taken = station.take_in(
        path,
        path.name,
        source=ScanBatch.Source.FOLDER,
        split=ScanBatch.Split.BLANKS if blanks else ScanBatch.Split.SHEETS,
        received_on=timezone.localdate(),
        by=None,
        languages=str(there["languages"] or "rus"),
        sheet=str(there["sheet"] or "")[:100],
    )
    return taken.batch


def _move(path: Path, to: Path) -> None:
    """Move a file that is ours now; one of the same name is not overwritten."""
    to.mkdir(exist_ok=True)
    free, number = to / path.name, 1
    while free.exists():
        number += 1
        free = to / f"{path.stem}-{number}{path.suffix}"
    path.rename(free)


def _why_not(raw: Path) -> str:
    kind = station.kind_of(raw)
    if not kind:
        return "Из папки сканера пришёл файл, который не похож на скан. Откройте оригинал."
    if why := station.why_unread(raw):
        return f"Скан не читается: {why}. Отсканируйте письмо ещё раз."
    return "Скан не удалось прочитать. Повторите сканирование или зарегистрируйте письмо по оригиналу."
