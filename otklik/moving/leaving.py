"""Everything out in open formats: a line of JSON for each row, files by their SHA-256, a description of every field.

Leaving is as easy as coming. Passwords, keys and what the product makes for itself stay here; the list says why.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone
from wagtail.models import Page

from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.knowledge import transfer
from otklik.moving.models import FullExport
from otklik.people.models import Employee

log = logging.getLogger("otklik.moving")

POWER: Final = "people.manage"
KEPT: Final = timedelta(days=3)
PORTION: Final = 2000
State = FullExport.State
# What stays here, and why.
KEPT_BACK: Final[dict[str, str]] = {
    "people.accesstoken": "ключи доступа программ",
    "people.citizensession": "вход заявителей, действует до выхода",
    "people.signinattempt": "попытки входа",
    "api.keptanswer": "служебная память API",
    "api.requestminute": "служебная память API",
    "core.firing": "расписание этой установки",
    "core.workerbeat": "рабочие процессы этой установки",
    "core.namedlock": "служебные замки",
    "core.backup": "копии этой установки",
    "core.installation": "сведения об этой установке",
    "core.chainhead": "следует из журналов",
    "search.entry": "указатель строится заново из данных",
    "search.change": "указатель строится заново из данных",
    "search.indexhost": "машины этой установки",
    "search.vector": "строится заново из данных",
    "workplace.presence": "кто открыл карточку сейчас",
    "channel_website.formattempt": "попытки отправить форму",
    "moving.fullexport": "сами выгрузки",
}
HIDDEN: Final[dict[str, str]] = {
    "people.employee.password": "пароль",
    "correspondence.connection.secrets": "пароли и ключи каналов",
    "webhooks.webhook.secrets": "ключи подписи",
    "appeals.appeal.secret": "код заявителя для проверки состояния",
    "surveys.invitation.token": "личная ссылка заявителя",
    "surveys.invitation.code": "одноразовый код заявителя",
    "channel_website.receipt.code_hash": "отпечаток кода заявителя",
}
_TYPES: Final[tuple[tuple[type[models.Field[Any, Any]], str], ...]] = (
    (models.ForeignKey, "ссылка"), (models.BooleanField, "да или нет"), (models.DateTimeField, "момент, ISO 8601"),
    (models.DateField, "день, ISO 8601"), (models.TimeField, "время"), (models.IntegerField, "целое число"),
    (models.FloatField, "число"), (models.DecimalField, "число"), (models.JSONField, "JSON"),
    (models.BinaryField, "байты, base64"), (models.TextField, "текст"), (models.CharField, "текст"),
)  # fmt: skip


class ExportRefused(DomainError):
    """Everything cannot be taken out there, or by this person."""

    code = "moving.export_refused"
    text = "Выгрузить нельзя: {why}"


@dataclass
class Tally:
    """How much went out."""

    rows: int = 0
    files: int = 0
    missing: int = 0  # files a row names and nobody has


class _Place(Protocol):
    def put(self, name: str, chunks: Iterable[bytes]) -> str: ...


class _Folder:
    """A folder that everything goes into."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
        return digest.hexdigest()


class _Archive:
    """A ZIP that everything goes into."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        digest = hashlib.sha256()
        with self.archive.open(name, "w", force_zip64=True) as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
        return digest.hexdigest()


def check_may(by: Employee) -> None:
    """Raise where this person may not take everything out."""
    if not by.has_power(POWER):
        raise ExportRefused(why="это делает тот, кто ведёт сотрудников и систему. Обратитесь к администратору.")


def export_to(folder: Path, *, by: Employee, say: Callable[[str], object] = lambda _: None) -> Tally:
    """Write everything into a new or empty folder; who took it is in the access log before the first row leaves."""
    check_may(by)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportRefused(why=f"«{folder}» уже есть и не пуста. Назовите другую папку.")
    folder.mkdir(parents=True, exist_ok=True)
    journal.looked("everything.exported", by=by)
    return _write(_Folder(folder), say)


def kinds() -> list[type[models.Model]]:
    """Return the models whose rows go out, each table once; materials go as the Knowledge Base's own archive."""
    found: dict[str, type[models.Model]] = {}
    for model in apps.get_models(include_auto_created=True):
        maker: Any = model._meta.auto_created
        owner = maker if isinstance(maker, type) else model
        if not owner.__module__.startswith("otklik.") or issubclass(owner, Page):
            continue
        if model._meta.label_lower not in KEPT_BACK and not model._meta.proxy:
            found[model._meta.label_lower] = model
    return [found[name] for name in sorted(found)]


def fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Return the fields of a model that go out."""
    return [one for one in model._meta.concrete_fields if f"{model._meta.label_lower}.{one.name}" not in HIDDEN]


def _write(place: _Place, say: Callable[[str], object]) -> Tally:
    tally, sums, counts = Tally(), dict[str, str](), dict[str, int]()
    with tempfile.TemporaryDirectory(prefix="otklik-kb-") as scratch:
        base = Path(scratch) / "kb.zip"
        transfer.export_to(base)
        sums["knowledge.zip"] = place.put("knowledge.zip", _of_path(base))
    with _snapshot():
        for model in kinds():
            name = f"rows/{model._meta.label_lower}.jsonl"
            before = tally.rows
            sums[name] = place.put(name, _lines(model, tally))
            counts[model._meta.label_lower] = tally.rows - before
            say(f"{model._meta.verbose_name_plural}: {tally.rows - before}")
        stored = list(StoredFile.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(stored), PORTION):
        for row in StoredFile.objects.filter(pk__in=stored[start : start + PORTION]).order_by("pk"):
            name = f"files/{row.sha256[:2]}/{row.sha256}"
            try:
                with files.open_file(row) as content:
                    sums[name] = place.put(name, iter(lambda: content.read(files.CHUNK), b""))
                tally.files += 1
            except OSError:
                tally.missing += 1
    say(f"файлов: {tally.files}")
    sums["README.md"] = place.put("README.md", [description(counts, tally).encode()])
    place.put("SHA256SUMS", (f"{digest}  {name}\n".encode() for name, digest in sums.items()))
    return tally


def _of_path(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        while chunk := content.read(files.CHUNK):
            yield chunk


def _lines(model: type[models.Model], tally: Tally) -> Iterator[bytes]:
    names = [one.attname for one in fields(model)]
    rows = model._base_manager.order_by("pk").values(*names)
    for row in rows.iterator(chunk_size=PORTION):
        tally.rows += 1
        yield json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview | bytearray):
        return base64.b64encode(bytes(value)).decode()
    return DjangoJSONEncoder().default(value)


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read all tables as they are at one moment, and let nobody wait for it."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


# --- what it all means -----------------------------------------------------------------------------------------------


def description(counts: dict[str, int], tally: Tally) -> str:
    """Return the description that lies beside the rows: every kind, every field, what its codes mean."""
    lines = [
        f"# Полная выгрузка «Отклика» от {timezone.localtime():%d.%m.%Y %H:%M}",
        "",
        "- `rows/*.jsonl` — записи: UTF-8, одна строка — одна запись в JSON.",
        "- `files/aa/<SHA-256>` — файлы под своими отпечатками; имена — в записях, которые на них ссылаются.",
        "- `knowledge.zip` — База знаний со всеми версиями, её формат: docs/knowledge-transfer.md.",
        "- `SHA256SUMS` — отпечатки всего; проверка: `sha256sum -c SHA256SUMS`.",
        "",
        f"Записей: {tally.rows}, файлов: {tally.files}, не найдено файлов: {tally.missing}.",
        "",
        "## Что не выгружается",
        "",
        *(f"- `{name}`: {why}" for name, why in {**KEPT_BACK, **HIDDEN}.items()),
    ]
    for model in kinds():
        label = model._meta.label_lower
        lines += ["", f"## {str(model._meta.verbose_name_plural).capitalize()}", ""]
        lines += [f"`rows/{label}.jsonl`, записей: {counts.get(label, 0)}", ""]
        lines += ["| поле | что это | вид | пояснение |", "|---|---|---|---|"]
        lines += [_field(one) for one in fields(model)]
    return "\n".join(lines) + "\n"


def _field(field: models.Field[Any, Any]) -> str:
    what = next((name for kind, name in _TYPES if isinstance(field, kind)), "значение")
    told = [str(field.help_text)] if field.help_text else []
    if isinstance(field, models.ForeignKey):
        told.append(f"`{field.related_model._meta.label_lower}`")
    if field.flatchoices:
        told.append("; ".join(f"{code or 'пусто'} — {label}" for code, label in field.flatchoices))
    words = " ".join(told).replace("|", "/").replace("\n", " ")
    return f"| {field.attname} | {field.verbose_name} | {what} | {words} |"


# --- by the page -----------------------------------------------------------------------------------------------------


def ask(*, by: Employee) -> FullExport:
    """Have a worker put everything into one archive; who asked is in the access log. One at a time."""
    check_may(by)
    if FullExport.objects.filter(state=State.WAITING).exists():
        raise ExportRefused(why="одна выгрузка уже готовится. Дождитесь её.")
    with transaction.atomic():
        journal.looked("everything.exported", by=by)
        return FullExport.objects.create(asked_by=by)


def taken(row: FullExport, *, by: Employee) -> StoredFile:
    """Return the archive that is ready, the look written down."""
    check_may(by)
    if row.stored is None:
        raise ExportRefused(why="она ещё не готова.")
    journal.looked("everything.exported", by=by, id=row.pk)
    return row.stored


def work_next() -> bool:
    """Make the oldest archive that was asked for; return False where none is."""
    row = FullExport.objects.filter(state=State.WAITING).select_related("asked_by").order_by("pk").first()
    if row is None:
        return False
    folder = Path(settings.FILES_ROOT) / ".tmp"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".zip")
    os.close(handle)
    try:
        with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
            tally = _write(_Archive(archive), lambda _: None)
        row.stored = files.store(Path(name), name="otklik.zip")
        row.state, row.rows, row.files = State.READY, tally.rows, tally.files
    except OSError as failure:
        row.state, row.error = State.FAILED, f"Не записано: {failure.strerror}. Проверьте место на диске."[:300]
    except Exception:
        log.exception("full export %s", row.pk)
        row.state, row.error = State.FAILED, "Ошибка системы, она записана. Попробуйте команду otklik export-all."
    finally:
        Path(name).unlink(missing_ok=True)
    row.save(update_fields=["state", "stored", "rows", "files", "error"])
    return True


def forget_old() -> int:
    """Remove archives made more than three days ago: they are everything there is."""
    return files.forget_made(FullExport.objects.filter(asked_at__lt=timezone.now() - KEPT))
