"""«ССТУ» at the desk: counters that open lists, reasons that open the page which mends them, volumes, marks."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from otklik.appeals.models import SstuBody, SstuRun
from otklik.appeals.sstu import dictionary, selecting, uploads
from otklik.core.models import AccessEntry
from otklik.people.models import Employee
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.sstu.conftest import OTHERS, OURS, World
from tests.appeals.sstu.test_validator import NAME, question, request


@pytest.fixture
def world(db: None) -> World:
    return World()


def client_of(one: Employee) -> Client:
    client = Client()
    client.force_login(one, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def clerk(world: World) -> Client:
    return client_of(world.clerk)


def page(world: World, rest: str = "") -> str:
    return f"/desk/sstu/{world.month.first}/{rest}"


def test_who_does_not_decide_about_intake_finds_none_of_it(world: World) -> None:
    executor = client_of(world.executor)
    for address in ("/desk/sstu/", "/desk/sstu/settings/", "/desk/sstu/check/", page(world), page(world, "progress/")):
        assert executor.get(address).status_code == 403, address


def test_a_month_from_its_check_list_to_sent(world: World, clerk: Client) -> None:
    ready, bad = world.assigned(), world.registered()
    text = clerk.get(page(world)).content.decode()
    assert "Сформировать готовые: 1" in text
    assert "нет ни одного вопроса с кодом классификатора" in text
    assert f"/desk/appeals/{bad.pk}/classify/" in text
    assert "Иванова Мария Петровна" not in text, "names are masked in lists"
    only = clerk.get(page(world, "?state=mend")).content.decode()
    assert bad.number in only
    assert ready.number not in only
    assert clerk.post(page(world), {"do": "form"}).status_code == 302
    assert "hx-trigger" in clerk.get(page(world)).content.decode()
    assert clerk.get(page(world, "progress/")).status_code == 200
    uploads.work_next()
    assert clerk.get(page(world, "progress/")).headers["HX-Refresh"] == "true"
    volume = SstuRun.objects.get().volumes.get()
    answer = clerk.get(f"/desk/sstu-volumes/{volume.pk}/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:  # type: ignore[attr-defined]
        assert len(archive.namelist()) == 1
    assert AccessEntry.objects.filter(action="sstu.volume_taken", actor=world.clerk).exists()
    marked = clerk.post(page(world), {"do": "sent", "appeal": [ready.pk], "on": str(timezone.localdate())})
    assert marked.status_code == 302
    assert "выгружено: 1" in clerk.get("/desk/sstu/").content.decode()


def test_a_refusal_needs_its_reason_and_keeps_what_was_ticked(world: World, clerk: Client) -> None:
    appeal = world.assigned()
    world.formed()
    answer = clerk.post(page(world), {"do": "refused", "appeal": [appeal.pk], "on": "", "reason": ""})
    assert answer.status_code == 422
    assert "Напишите, почему ССТУ отказал" in answer.content.decode()
    assert f'value="{appeal.pk}" checked' in answer.content.decode()
    clerk.post(page(world), {"do": "refused", "appeal": [appeal.pk], "reason": "Неверный код"})
    assert "Неверный код" in clerk.get(page(world, "?state=refused")).content.decode()
    clerk.post(page(world), {"do": "chosen", "appeal": [appeal.pk]})
    uploads.work_next()
    clerk.post(page(world), {"do": "sent", "all": "1", "state": "formed"})
    assert "исправлено и выгружено снова" in clerk.get(page(world, "?state=mended")).content.decode()


def test_nothing_ticked_and_odd_presses_change_nothing(world: World, clerk: Client) -> None:
    world.assigned()
    for typed in (
        {"do": "sent"},
        {"do": "chosen", "appeal": ["х", "9" * 30]},
        {"do": "нет"},
        {"do": "sent", "on": "х"},
    ):
        assert clerk.post(page(world), typed).status_code == 422, typed
    assert not SstuRun.objects.exists()


def test_an_answer_of_the_portal_is_loaded_from_a_table(world: World, clerk: Client) -> None:
    appeal = world.assigned()
    world.formed()
    content = f"Номер;Результат;Причина\n{appeal.number};отказано;нет вложения\n".encode()
    sheet = SimpleUploadedFile("answer.csv", content)
    assert clerk.post(page(world), {"do": "answer", "sheet": sheet}).status_code == 302
    assert world.upload(appeal).reason == "нет вложения"
    wrong = SimpleUploadedFile("answer.csv", "Номер;Результат;Причина\nнет;принято;".encode())
    answer = clerk.post(page(world), {"do": "answer", "sheet": wrong})
    assert (answer.status_code, "Из файла ничего не взято" in answer.content.decode()) == (422, True)


def rule_typed(**changes: Any) -> dict[str, Any]:
    return {
        "do": "rule", "department_id": OURS, "regimes": ["59fz"], "due_day": 5, "remind_days": 3,
        "attachment_bytes": 10_000_000, "volume_bytes": 50_000_000, "extended": "status", "urog_prefix": "А26",
        "nameless": "", "kept_days": 60, "basis": "письмо Администрации", **changes,
    }  # fmt: skip


def test_what_is_not_confirmed_is_typed_on_a_page(world: World, clerk: Client) -> None:
    address = "/desk/sstu/settings/"
    assert clerk.post(address, rule_typed()).status_code == 302
    assert dictionary.rule().due_day == 5
    bad = clerk.post(address, rule_typed(department_id="123"))
    assert (bad.status_code, "не похоже на идентификатор" in bad.content.decode()) == (422, True)
    assert clerk.post(address, rule_typed(due_day=31)).status_code == 422
    body = {"do": "body", "body-name": "Минтранс", "body-department_id": OTHERS, "body-other_names": ""}
    assert clerk.post(address, body).status_code == 302
    row = SstuBody.objects.get()
    again = clerk.post(address, body)
    assert (again.status_code, "уже стоит у органа" in again.content.decode()) == (422, True)
    clerk.post(address, {**body, "body": row.pk, "body-name": "Министерство транспорта"})
    assert SstuBody.objects.get().name == "Министерство транспорта"
    assert 'value="Мэрия"' in clerk.get(f"{address}?name=Мэрия").content.decode()
    clerk.post(address, {"do": "end", "body": row.pk})
    assert SstuBody.objects.get().valid_to == timezone.localdate()


def test_a_file_is_checked_and_not_kept(world: World, clerk: Client) -> None:
    def checked(said: dict[str, Any]) -> str:
        file = SimpleUploadedFile(NAME, json.dumps(said).encode())
        answer = clerk.post("/desk/sstu/check/", {"file": file})
        assert answer.status_code == 200
        return answer.content.decode()

    assert ">годен<" in checked(request())
    assert "обязательно при статусе Explained" in checked(request(question(attachment="-")))
    assert clerk.post("/desk/sstu/check/", {}).status_code == 422


def test_pages_ask_no_more_for_more_appeals(world: World, clerk: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        world.assigned()
    with django_assert_max_num_queries(70):  # judged at the first look, all of them at once
        clerk.get(page(world))
    with django_assert_max_num_queries(45):
        clerk.get(page(world))


@pytest.mark.parametrize(("day", "told"), [(4, 0), (5, 1), (10, 1), (11, 0)])
def test_clerks_are_reminded_before_the_day(world: World, monkeypatch: pytest.MonkeyPatch, day: int, told: int) -> None:
    world.assigned()
    month = world.month
    on = month.next.first.replace(day=day)
    monkeypatch.setattr(notices.timezone, "localdate", lambda *_: on)
    clerks = {world.clerk.pk, world.clerk2.pk}
    assert notices.tell_of_sstu() == (len(clerks) if told else 0)
    assert notices.tell_of_sstu() == 0, "once a day"
    heard = Notice.objects.filter(kind=Notice.Kind.TERM, path=f"/desk/sstu/{month.first}/")
    assert set(heard.values_list("employee", flat=True)) == (clerks if told else set())


def test_nobody_is_reminded_of_a_month_that_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = world.assigned()
    world.formed()
    uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    on: date = selecting.of(timezone.localdate()).next.first.replace(day=8)
    monkeypatch.setattr(notices.timezone, "localdate", lambda *_: on)
    assert notices.tell_of_sstu() == 0
