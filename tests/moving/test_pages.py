"""The wizard: columns shown with personal data hidden, the trial, the carrying, the undo; and everything out."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import models
from openpyxl import load_workbook

from otklik.appeals.models import Appeal
from otklik.core import files
from otklik.core.models import AccessEntry
from otklik.moving import leaving
from otklik.moving.models import FullExport, HistoryImport
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.desk import at, desk
from tests.moving.journals import paper_book, worked

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def admin(world: World) -> Employee:
    return world.employee("moves", "Админова", world.hq, ["admin"])


def test_a_journal_goes_through_the_wizard_and_back(world: World) -> None:
    clerk = desk(world.clerk)
    sheet = SimpleUploadedFile("Журнал 2025.xlsx", paper_book())
    answer = clerk.post(at("moving"), {"kind": "appeals", "sheet": sheet})
    run = HistoryImport.objects.get()
    page = at("history_import", run.pk)
    assert answer["Location"] == page
    shown = text(clerk.get(page))
    assert "Рег. №" in shown
    assert "Ив••• М." in shown
    assert "Иванова" not in shown
    columns = {f"column-{place}": run.columns.get(str(place), "") for place in range(len(run.heads))}
    without = {**columns, f"column-{run.heads.index('Рег. №')}": ""}
    refused = clerk.post(page, {**without, "do": "check", "regime": "59fz", "channel": "post"})
    assert refused.status_code == 422
    assert "Покажите столбец: «Номер»" in text(refused)
    clerk.post(page, {**columns, "do": "check", "regime": "59fz", "channel": "post", "need": "lease", "pattern": ""})
    assert "hx-get" in text(clerk.get(page))
    worked(run)
    shown = text(clerk.get(page))
    assert "Верных строк: <strong>6</strong>, с ошибками: <strong>3</strong>" in shown
    assert "уже в строке 8" in shown
    assert "Неизвестный Х. Х." in shown
    book = load_workbook(io.BytesIO(b"".join(clerk.get(at("history_import_errors", run.pk)))))
    assert [row[0] for row in book.active.iter_rows(min_row=2, values_only=True)] == [9, 10, 12]
    place = next(
        place
        for place, (said, _, means) in enumerate(HistoryImport.objects.get().told["words"]["executor"])
        if not means
    )
    clerk.post(page, {"do": "words", f"means-executor-{place}": str(world.helper.pk)})
    worked(run)
    clerk.post(page, {"do": "write"})
    assert clerk.get(at("history_import_progress", run.pk)).status_code == 200
    worked(run)
    shown = text(clerk.get(page))
    assert "Перенесено строк: 6" in shown
    assert Appeal.objects.get(number="О-2025-000002").executor == world.helper
    card = text(clerk.get(at("card", Appeal.objects.get(number="О-2025-000005").pk)))
    assert "перенесено из журнала прежней системы" in card
    clerk.post(page, {"do": "undo"})
    worked(run)
    assert "Перенос отменён. Убрано строк: 6 из 6" in text(clerk.get(page))
    assert not Appeal.objects.exists()


def test_a_file_that_is_no_journal_is_told_in_words(world: World) -> None:
    clerk = desk(world.clerk)
    for name, content, words in (
        ("Журнал.xls", b"\xd0\xcf\x11\xe0", "сохраните как"),
        ("Журнал.xlsx", b"nothing", "не прочитан|не принят"),
        ("Журнал.csv", b"a;b\r\n", "не нашлось строки|нет строк"),
    ):
        answer = clerk.post(at("moving"), {"kind": "appeals", "sheet": SimpleUploadedFile(name, content)})
        assert answer.status_code == 422, name
        assert any(word in text(answer) for word in words.split("|")), name
    assert not HistoryImport.objects.exists()


def test_a_journal_left_alone_is_put_away_with_its_files(world: World) -> None:
    clerk = desk(world.clerk)
    clerk.post(at("moving"), {"kind": "appeals", "sheet": SimpleUploadedFile("Ж.xlsx", paper_book())})
    clerk.post(at("history_import", HistoryImport.objects.get().pk), {"do": "drop"})
    assert not HistoryImport.objects.exists()


def test_the_command_tries_carries_and_takes_back(world: World, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "j.xlsx").write_bytes(paper_book())
    (tmp_path / "map.json").write_text(json.dumps({"столбцы": {"Результат рассмотрения": "-"}, "need": "lease"}))
    also = {"map": tmp_path / "map.json", "by": "clerk", "errors": tmp_path / "wrong.xlsx"}
    call_command("import_history", "appeals", str(tmp_path / "j.xlsx"), dry_run=True, **also)
    assert "верных: 6, с ошибками: 3" in capsys.readouterr().out
    assert not HistoryImport.objects.exists()
    call_command("import_history", "appeals", str(tmp_path / "j.xlsx"), **also)
    assert "Перенесено строк: 6" in capsys.readouterr().out
    assert (tmp_path / "wrong.xlsx").exists()
    call_command("import_history", "undo", str(HistoryImport.objects.get().pk), by="clerk")
    assert "Отменено строк: 6" in capsys.readouterr().out
    (tmp_path / "map.json").write_text(json.dumps({"столбцы": {"Дата": "день"}}))
    with pytest.raises(CommandError, match="Нет полей"):
        call_command("import_history", "appeals", str(tmp_path / "j.xlsx"), **also)


def test_everything_goes_out_with_files_and_a_description(world: World, admin: Employee, tmp_path: Path) -> None:
    world.frozen()
    call_command("export_all", tmp_path / "out", by="moves")
    out = tmp_path / "out"
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest, name
    [appeal] = [json.loads(line) for line in (out / "rows/appeals.appeal.jsonl").open()]
    assert appeal["number"] == Appeal.objects.get().number
    assert "secret" not in appeal
    people = (out / "rows/people.employee.jsonl").read_text()
    assert "password" not in people
    assert "| due_on | ответить до | день, ISO 8601 |" in (out / "README.md").read_text()
    assert (out / "knowledge.zip").exists()
    assert AccessEntry.objects.filter(action="everything.exported", actor=admin).count() == 1
    with pytest.raises(CommandError, match="не пуста"):
        call_command("export_all", out, by="moves")


def test_every_table_of_ours_goes_out_or_is_named(world: World) -> None:
    out = {model._meta.label_lower for model in leaving.kinds()}
    for model in apps.get_models():
        label = model._meta.label_lower
        if model.__module__.startswith("otklik.") and label not in out and label not in leaving.KEPT_BACK:
            assert issubclass(model, models.Model)
            assert "page_ptr" in {one.name for one in model._meta.get_fields()}, label
    named = {f"{model._meta.label_lower}.{field.name}" for model in apps.get_models() for field in model._meta.fields}
    assert set(leaving.HIDDEN) <= named
    assert set(leaving.KEPT_BACK) <= {model._meta.label_lower for model in apps.get_models()}


def test_an_administrator_gets_everything_by_the_page(world: World, admin: Employee) -> None:
    assert desk(world.clerk).get(at("leaving")).status_code == 403
    browser = desk(admin)
    assert "Подготовить выгрузку" in text(browser.get(at("leaving")))
    browser.post(at("leaving"))
    browser.post(at("leaving"))
    assert FullExport.objects.count() == 1
    assert leaving.work_next()
    row = FullExport.objects.get()
    assert row.state == "ready", row.error
    answer = browser.post(at("full_export_file", row.pk))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert {"README.md", "SHA256SUMS", "rows/appeals.appeal.jsonl"} <= set(archive.namelist())
    assert AccessEntry.objects.filter(action="everything.exported").count() == 2
    assert row.stored is not None
    assert files.path_of(row.stored).exists()
