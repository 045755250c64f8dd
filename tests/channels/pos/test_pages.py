"""ПОС at the desk: the preview, progress, words, differences, the panel, the answer to be copied, links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import dispatch, registration
from otklik.channels.pos import imports
from otklik.channels.pos.models import PosImport, PosMessage, PosTerm
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.channels.pos.exports import ANSWERED, brought, loaded, table, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def clerk(world: World) -> Client:
    return signed_in(world.clerk)


def url(name: str, *args: Any) -> str:
    return reverse(f"workplace:{name}", args=args)


def upload(client: Client, content: bytes, name: str = "Выгрузка.xlsx") -> Any:
    return client.post(url("pos"), {"sheet": SimpleUploadedFile(name, content)})


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_an_export_is_shown_before_it_is_written_and_its_progress_afterwards(world: World, clerk: Client) -> None:
    loaded(table([{}, {"Номер": 2}]), by=world.clerk)
    answer = upload(clerk, table([ANSWERED, {"Номер": 2}, {"Номер": 3, "Статус": "Ждёт звонка"}, {"Номер": "-"}]))
    run = PosImport.objects.latest("pk")
    assert answer["Location"] == url("pos_import", run.pk)
    shown = text(clerk.get(answer["Location"]))
    for said in ("Новых сообщений: <strong>1", "изменённых: <strong>1", "без изменений: <strong>1", "Ждёт звонка"):
        assert said in shown
    assert "Статус: Назначен исполнитель → Отправлен ответ заявителю" in shown
    assert "Нет номера сообщения" in shown
    assert IncomingMessage.objects.filter(channel="pos").count() == 2
    clerk.post(url("pos_import", run.pk), {"do": "write"})
    assert "Записано строк: 0 из 3" in text(clerk.get(url("pos_import_progress", run.pk)))
    written(run)
    assert "Новых сообщений: 1, изменено: 1" in text(clerk.get(url("pos_import", run.pk)))
    assert "Выгрузка.xlsx" in text(clerk.get(url("pos")))


def test_what_is_no_export_is_refused_beside_the_field(clerk: Client) -> None:
    answer = upload(clerk, b"not a table")
    assert (answer.status_code, "не принят" in text(answer)) == (422, True)
    answer = upload(clerk, table([{}], titles=["Имя", "Статус"]))
    assert "нет столбца «Номер»" in text(answer)
    assert not PosImport.objects.exists()


def test_an_import_that_is_left_writes_nothing_and_is_decided_once(world: World, clerk: Client) -> None:
    run = brought(table([{}]), by=world.clerk)
    clerk.post(url("pos_import", run.pk), {"do": "drop"})
    assert clerk.post(url("pos_import", run.pk), {"do": "write"}).status_code == 404
    assert not IncomingMessage.objects.filter(channel="pos").exists()


def test_what_an_unknown_column_says_is_not_shown_on_the_preview(world: World, clerk: Client) -> None:
    loaded(table([{"Заявитель": "Примерова Анна"}]), by=world.clerk)
    run = brought(table([{"Заявитель": "Другова Ольга"}]), by=world.clerk)
    shown = text(clerk.get(url("pos_import", run.pk)))
    assert "Заявитель — изменится" in shown
    assert "Другова" not in shown


def test_who_only_reads_brings_nothing(world: World) -> None:
    auditor = signed_in(world.auditor)
    run = brought(table([{}]), by=world.clerk)
    assert auditor.get(url("pos")).status_code == 200
    assert upload(auditor, table([{}])).status_code == 403
    assert auditor.post(url("pos_import", run.pk), {"do": "write"}).status_code == 403
    run.refresh_from_db()
    assert (run.state, PosImport.objects.count()) == ("read", 1)


def test_a_word_is_given_its_meaning_on_its_page(world: World, clerk: Client) -> None:
    loaded(table([{"Статус": "Ждёт звонка"}]), by=world.clerk)
    term = PosTerm.objects.get(value="Ждёт звонка")
    assert "Ждёт звонка" in text(clerk.get(url("pos_terms")))
    clerk.post(url("pos_term", term.pk), {"meaning": "work"})
    term.refresh_from_db()
    assert (term.meaning, term.matched) == ("work", True)
    assert "такого значения нет" in text(clerk.post(url("pos_term", term.pk), {"meaning": "²"}, follow=True))


def test_all_fields_stand_on_the_message_and_a_mark_is_kept(world: World, clerk: Client) -> None:
    loaded(table([{"Район": "Центральный"}]), by=world.clerk)
    message = IncomingMessage.objects.get(channel="pos")
    assert url("pos_of_message", message.pk) in text(clerk.get(url("inbox", message.pk)))
    shown = text(clerk.get(url("pos_of_message", message.pk)))
    for said in ("6668478383", "Фаст-трек", "16.01.2026", "Координаторова Анна Петровна", "Центральный"):
        assert said in shown
    clerk.post(url("pos_mark", message.pk), {"mark": "Позвонить в среду"})
    loaded(table([ANSWERED]), by=world.clerk)
    shown = text(clerk.get(url("pos_of_message", message.pk)))
    assert "Позвонить в среду" in shown
    assert "Стадия: Исполнение → Завершено" in shown
    by_hand = world.message(channel="pos")
    assert "не было в выгрузках" in text(clerk.get(url("pos_of_message", by_hand.pk)))
    assert "не было в выгрузках" in text(clerk.post(url("pos_mark", by_hand.pk), {"mark": "x"}, follow=True))


def answered(world: World) -> Any:
    loaded(table([{}]), by=world.clerk)
    entry = world.entry(answer_channel="pos", answer_address="ПОС № 327441806", needs_answer=True)
    message = IncomingMessage.objects.get(channel="pos")
    return registration.register(message, entry, by=world.clerk)


def test_the_answer_is_copied_and_marked_and_the_next_export_is_compared(world: World, clerk: Client) -> None:
    appeal = answered(world)
    dispatch.send(world.signed(appeal), by=world.clerk)
    shown = text(clerk.get(url("dispatch", appeal.pk)))
    assert "Договор продлён." in shown
    for said in ("Скопировать текст", "Ответ внесён в ПОС", "Дата, когда ответ внесён в ПОС"):
        assert said in shown
    answer = clerk.post(url("posted", appeal.pk), {"posted-on": f"{timezone.localdate():%Y-%m-%d}"}, follow=True)
    assert "Отмечено: ответ внесён в ПОС" in text(answer)
    shown = text(clerk.get(url("pos_of_appeal", appeal.pk)))
    assert "Орлова А. П." in shown.replace("\xa0", " ").replace("&nbsp;", " ")
    assert "Следующая выгрузка покажет" in shown
    PosMessage.objects.update(seen_at=timezone.now() + timedelta(days=1))
    assert "не подтверждает ответ" in text(clerk.get(url("pos_of_appeal", appeal.pk)))
    assert appeal.number in text(clerk.get(url("pos_differences")))
    assert "Выгрузки расходятся" in text(clerk.get(url("pos")))
    loaded(table([ANSWERED]), by=world.clerk)
    assert "подтверждает: «Отправлен ответ заявителю»" in text(clerk.get(url("pos_of_appeal", appeal.pk)))
    assert "Расхождений нет" in text(clerk.get(url("pos_differences")))


def test_the_card_asks_for_the_panel_apart(world: World, clerk: Client, django_assert_max_num_queries: Any) -> None:
    appeal = answered(world)
    clerk.get(url("card", appeal.pk))
    with django_assert_max_num_queries(14):  # session, user and the card's twelve
        shown = text(clerk.get(url("card", appeal.pk)))
    assert url("pos_of_appeal", appeal.pk) in shown
    assert "<html" not in text(clerk.get(url("pos_of_appeal", appeal.pk), headers={"HX-Request": "true"}))


def test_a_stranger_opens_no_panel(world: World) -> None:
    appeal = answered(world)
    assert signed_in(world.executor).get(url("pos_of_appeal", appeal.pk)).status_code in {403, 404}


def test_a_link_is_made_and_a_pasted_one_is_checked(clerk: Client) -> None:
    made = text(clerk.post(url("pos_links"), {"do": "make", "opa_id": "224424", "fz59": "true"}))
    assert "https://pos.gosuslugi.ru/form/?opaId=224424&amp;fz59=true" in made
    refused = clerk.post(url("pos_links"), {"do": "make", "opa_id": "x", "source": "vk"})
    assert refused.status_code == 422
    for said in ("целое положительное", "utm_medium не указан", "utm_campaign не указан"):
        assert said in text(refused)
    checked = text(clerk.post(url("pos_links"), {"do": "check", "pasted": "http://evil.example/?opaId=1"}))
    for said in ("Ошибок: 3", "https://", "evil.example", "Путь"):
        assert said in checked


def test_an_export_of_thousands_is_previewed_by_its_first_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SHOWN", 3)
    run = brought(table({"Номер": number} for number in range(1, 8)), by=world.clerk)
    preview = imports.preview(run)
    assert (preview.counts["new"], len(preview.new)) == (7, 3)
