"""An export on its way in: shown first, added and never deleted, once whatever happens; what people did survives."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import dispatch, registration
from otklik.channels.pos import columns, dictionary, imports, standing
from otklik.channels.pos.adapter import PosChannel
from otklik.channels.pos.models import PosImport, PosMessage, PosTerm
from otklik.core import journal
from otklik.core.models import JournalEntry, StoredFile
from otklik.core.sheets import BadSheet
from otklik.correspondence import connections, delivery, inbox
from otklik.correspondence.channel import DeliveryError
from otklik.correspondence.models import Connection, IncomingMessage, MessageFacts, OutgoingMessage
from tests.appeals.conftest import World
from tests.channels.pos.exports import ANSWERED, brought, loaded, table, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def of(number: int = 327441806) -> IncomingMessage:
    return IncomingMessage.objects.get(channel="pos", external_id=str(number))


def test_nothing_is_written_before_it_is_agreed_and_then_every_row_stands_in_the_queue(world: World) -> None:
    run = brought(table([{}, {"Номер": 2}, {"Номер": "-"}]), by=world.clerk)
    assert imports.preview(run).counts == {"new": 2, "changed": 0, "same": 0}
    assert run.skipped == 1
    assert not IncomingMessage.objects.filter(channel="pos").exists()
    imports.begin(run, by=world.clerk)
    written(run)
    assert (run.state, run.new, run.changed, run.same, run.skipped) == ("done", 2, 0, 0, 1)
    message = of()
    assert (message.state, message.subject) == ("new", "Земля и имущество / Аренда участка")
    assert timezone.localdate(message.received_at).isoformat() == "2026-01-06"
    assert message.contact_point is not None
    assert message.facts.get().data["fields"]["planned"] == "16.01.2026"
    assert journal.verify() == []


def test_the_same_export_again_changes_nothing(world: World) -> None:
    content = table([{}, {"Номер": 2}])
    loaded(content, by=world.clerk)
    run = loaded(content, by=world.clerk)
    assert (run.new, run.changed, run.same) == (0, 0, 2)
    assert IncomingMessage.objects.filter(channel="pos").count() == 2
    assert MessageFacts.objects.filter(schema="pos/1").count() == 2


def test_a_changed_row_adds_a_version_and_never_a_second_message(world: World) -> None:
    loaded(table([{}, {"Номер": 2}]), by=world.clerk)
    run = brought(table([ANSWERED, {"Номер": 3}]), by=world.clerk)
    [line] = imports.preview(run).changed
    assert [(one.title, one.was, one.now) for one in line.changes] == [
        ("Стадия", "Исполнение", "Завершено"),
        ("Статус", "Назначен исполнитель", "Отправлен ответ заявителю"),
        ("Тип решения", "", "Решено"),
    ]
    imports.begin(run, by=world.clerk)
    written(run)
    assert (run.new, run.changed) == (1, 1)
    assert [one.external_id for one in IncomingMessage.objects.filter(channel="pos").order_by("pk")] == [
        "327441806", "2", "3",
    ]  # fmt: skip
    first, second = of().facts.order_by("version")
    assert (first.data["fields"]["stage"], second.data["fields"]["stage"]) == ("Исполнение", "Завершено")
    assert PosMessage.objects.get(number="327441806").status == "Отправлен ответ заявителю"


def test_a_column_the_export_has_no_longer_is_not_forgotten(world: World) -> None:
    loaded(table([{"Район": "Центральный"}]), by=world.clerk)
    run = loaded(table([ANSWERED], titles=["Номер", "Статус"]), by=world.clerk)
    assert run.changed == 1
    data = of().facts.order_by("version").last().data  # type: ignore[union-attr]
    assert (data["extra"], data["fields"]["planned"]) == ({"Район": "Центральный"}, "16.01.2026")
    assert data["fields"]["status"] == "Отправлен ответ заявителю"


def test_what_people_decided_and_noted_survives_an_import(world: World) -> None:
    loaded(table([{}, {"Номер": 2}]), by=world.clerk)
    imports.mark(of(), "Позвонить в среду", by=world.clerk)
    inbox.reject(of(2), reason="Не к нам", by=world.clerk)
    loaded(table([ANSWERED, {"Номер": 2} | ANSWERED]), by=world.clerk)
    row = PosMessage.objects.get(number="327441806")
    assert (row.mark, row.marked_by) == ("Позвонить в среду", world.clerk)
    assert (of(2).state, of(2).reject_reason) == ("rejected", "Не к нам")


def test_words_nobody_knows_extend_the_dictionaries_and_wait_for_a_meaning(world: World) -> None:
    run = brought(table([{"Статус": "Ждёт звонка", "Стадия": "Проверка", "Тип решения": "Учтено"}]), by=world.clerk)
    theme = ("theme", "Земля и имущество / Аренда участка")
    new = {("decision", "Учтено"), ("stage", "Проверка"), ("status", "Ждёт звонка"), theme}
    assert set(imports.preview(run).words) == new
    imports.begin(run, by=world.clerk)
    written(run)
    assert set(dictionary.waiting().values_list("kind", "value")) == new
    term = PosTerm.objects.get(value="Ждёт звонка")
    dictionary.match(term, "work", by=world.clerk)
    term.refresh_from_db()
    assert (term.matched, term.matched_by) == (True, world.clerk)
    with pytest.raises(dictionary.NoSuchMeaning):
        dictionary.match(term, "solved", by=world.clerk)
    loaded(table([{"Номер": 9, "Статус": "Ждёт звонка"}]), by=world.clerk)
    term.refresh_from_db()
    assert term.matched


def test_a_killed_worker_leaves_a_portion_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "AT_ONCE", 2)
    run = brought(table({"Номер": number} for number in range(1, 6)), by=world.clerk)
    imports.begin(run, by=world.clerk)
    imports.work_next(PosChannel())

    def dies(point: str) -> None:
        raise SystemExit(point)

    with monkeypatch.context() as patched:
        patched.setattr(imports, "reach", dies)
        with pytest.raises(SystemExit):
            imports.work_next(PosChannel())
    run.refresh_from_db()
    assert (run.position, run.new, IncomingMessage.objects.filter(channel="pos").count()) == (2, 2, 2)
    written(run)
    assert (run.state, run.new, IncomingMessage.objects.filter(channel="pos").count()) == ("done", 5, 5)


def test_a_message_nobody_has_read_yet_is_compared_with_what_was_kept_of_it(world: World) -> None:
    [row] = columns.read(io.BytesIO(table([{}])), "a.xlsx").rows
    inbox.accept(imports.parse.arrived(row, now=timezone.now()))
    run = loaded(table([{}]), by=world.clerk)
    assert (run.new, run.same) == (0, 1)
    while inbox.parse_next({"pos": PosChannel()}):
        pass
    assert (of().state, of().facts.count()) == ("new", 1)


def test_a_defect_stops_the_import_and_not_the_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = brought(table([{}]), by=world.clerk)
    imports.begin(run, by=world.clerk)
    monkeypatch.setattr(imports, "compare", lambda rows: 1 / 0)
    assert imports.work_next(PosChannel())
    run.refresh_from_db()
    assert (run.state, "ZeroDivisionError" in run.error) == ("failed", True)
    assert not imports.work_next(PosChannel())


def test_an_import_is_decided_about_once_and_forgotten_after_a_day(world: World) -> None:
    run = brought(table([{}]), by=world.clerk)
    imports.drop(run, by=world.clerk)
    with pytest.raises(imports.NotNow):
        imports.begin(run, by=world.clerk)
    old = brought(table([{}]), by=world.clerk)
    PosImport.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    brought(table([{}]), by=world.clerk)
    assert not PosImport.objects.filter(pk__in=[run.pk, old.pk]).exists()
    assert StoredFile.objects.count() == 2


def test_the_journal_holds_numbers_of_rows_and_no_word_of_an_export(world: World) -> None:
    loaded(table([{"Заявитель": "Примерова Анна"}]), by=world.clerk)
    loaded(table([{"Заявитель": "Примерова Анна"} | ANSWERED]), by=world.clerk)
    said = str(list(JournalEntry.objects.values_list("action", "data")))
    assert "pos.loaded" in said
    assert "message.facts_added" in said
    assert "Примерова" not in said
    assert "Завершено" not in said


# --- the folder ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Path:
    place = tmp_path / "pos"
    place.mkdir()
    connections.configure(PosChannel(), {"folder": str(place)}, by=world.clerk)
    connections.switch(PosChannel(), True, reason="", by=world.clerk)
    return place


def lay(folder: Path, name: str, content: bytes, *, age: float = 60) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def visited() -> str:
    connections.visit(PosChannel())
    while imports.work_next(PosChannel()):
        pass
    return Connection.objects.get(channel="pos").error


def test_a_new_file_of_the_folder_is_taken_once_and_left_where_it_lies(folder: Path) -> None:
    path = lay(folder, "2026-01.xlsx", table([{}]))
    lay(folder, "~$2026-01.xlsx", b"lock")
    lay(folder, "notes.txt", b"text")
    assert (visited(), visited()) == ("", "")
    assert (PosImport.objects.get().state, of().state) == ("done", "new")
    assert path.exists()
    lay(folder, "2026-01.xlsx", table([ANSWERED]), age=30)
    assert visited() == ""
    assert (PosImport.objects.count(), of().facts.count()) == (2, 2)


def test_a_file_that_is_still_being_copied_waits(folder: Path) -> None:
    lay(folder, "a.xlsx", table([{}]), age=0)
    visited()
    assert not PosImport.objects.exists()
    lay(folder, "a.xlsx", table([{}]))
    visited()
    assert PosImport.objects.get().state == "done"


def test_a_file_that_is_no_export_is_told_of_and_delays_no_other(folder: Path) -> None:
    lay(folder, "a.xlsx", b"no table", age=90)
    lay(folder, "b.xlsx", table([{}]), age=60)
    visited()
    visited()
    assert [one.state for one in PosImport.objects.order_by("pk")] == ["failed", "done"]
    assert "не принят" in PosImport.objects.earliest("pk").error


def test_the_channel_is_failing_while_the_last_file_of_its_folder_could_not_be_written(folder: Path) -> None:
    lay(folder, "a.xlsx", b"no table")
    visited()
    assert "не записана" in visited()
    Connection.objects.update(not_before=None)
    lay(folder, "b.xlsx", table([{}]))
    visited()
    Connection.objects.update(not_before=None)
    assert visited() == ""


def test_killed_after_taking_a_file_the_channel_does_not_take_it_twice(folder: Path, monkeypatch: Any) -> None:
    lay(folder, "a.xlsx", table([{}]))

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("otklik.channels.pos.adapter.reach", dies)
        with pytest.raises(SystemExit):
            connections.visit(PosChannel())
    assert visited() == ""
    assert (PosImport.objects.count(), of().state) == (1, "new")


def test_a_folder_that_is_gone_is_told_in_plain_words(folder: Path) -> None:
    assert "Файлов .xlsx в ней: 0" in PosChannel().try_out()
    folder.rmdir()
    assert "Папка с выгрузками не читается" in visited()


def test_without_a_folder_nothing_is_asked(world: World) -> None:
    assert "загружают на странице" in PosChannel().try_out()
    assert list(PosChannel().fetch()) == []


# --- the answer ------------------------------------------------------------------------------------------------------


def answered(world: World) -> OutgoingMessage:
    """Bring a message, answer it and leave the letter for a person to carry."""
    loaded(table([{}]), by=world.clerk)
    entry = world.entry(answer_channel="pos", answer_address="ПОС № 327441806", needs_answer=True)
    appeal = registration.register(of(), entry, by=world.clerk)
    return dispatch.send(world.signed(appeal), by=world.clerk).message


def at_noon(row: PosMessage, days: int) -> None:
    PosMessage.objects.filter(pk=row.pk).update(seen_at=timezone.now() + timedelta(days=days))
    row.refresh_from_db()


def test_the_answer_goes_back_to_pos_and_a_person_carries_it(world: World) -> None:
    loaded(table([{}]), by=world.clerk)
    entry = registration.entry_for(of())
    assert (entry.answer_channel, entry.answer_address) == ("pos", "ПОС № 327441806")
    OutgoingMessage.objects.all().delete()
    with pytest.raises(DeliveryError):
        PosChannel().send(None)  # type: ignore[arg-type]


def test_the_next_export_confirms_an_answer_or_contradicts_it(world: World) -> None:
    letter = answered(world)
    assert letter.state == "by_hand"
    row = PosMessage.objects.get()
    assert standing.of(row, standing.posted(of())).code == ""
    delivery.posted(letter, on=timezone.localdate(), by=world.clerk)
    posted = standing.posted(of())
    assert standing.of(row, posted).code == "waiting"
    at_noon(row, 1)
    assert standing.of(row, posted).code == "contradicted"
    assert list(standing.contradicted()) == [row]
    loaded(table([ANSWERED]), by=world.clerk)
    row.refresh_from_db()
    assert standing.of(row, posted).code == "confirmed"
    assert not standing.contradicted().exists()
    assert not standing.answered_there().exists()


def test_an_answer_that_only_pos_knows_is_a_difference(world: World) -> None:
    answered(world)
    loaded(table([ANSWERED]), by=world.clerk)
    assert standing.of(PosMessage.objects.get(), None).differs
    assert standing.answered_there().count() == 1


def test_an_unknown_status_is_judged_by_the_stage_until_it_is_matched(world: World) -> None:
    loaded(table([{"Стадия": "Завершено", "Статус": "Архив"}]), by=world.clerk)
    row = PosMessage.objects.get()
    assert dictionary.is_answered(row)
    dictionary.match(PosTerm.objects.get(value="Архив"), "closed", by=world.clerk)
    assert not dictionary.is_answered(row)


def test_a_file_too_big_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LIMITS", columns.sheets.Limits(packed=1024 * 1024))
    with pytest.raises(BadSheet, match="больше 1 МБ"):
        imports.upload(io.BytesIO(b"PK" + bytes(2 * 1024 * 1024)), "a.xlsx", by=world.clerk)
    assert not PosImport.objects.exists()
