"""«Звонки»: the log, a call by hand, files of the exchange with a preview, the month's reconciliation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.hotline import calls
from otklik.hotline.models import Call, CallEvent, Line
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.hotline.conftest import NUMBER
from tests.hotline.test_calls import ABANDONED, ANSWERED, log

pytestmark = pytest.mark.django_db
LOG, NEW, FILE, MONTH = (
    "/desk/line/calls/",
    "/desk/line/calls/new/",
    "/desk/line/calls/file/",
    "/desk/line/reconciliation/",
)


@pytest.fixture
def line(line: Line) -> Line:
    Line.objects.filter(pk=line.pk).update(known_as="support")
    return line


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def desk(consultant: Employee, line: Line) -> Client:
    return signed_in(consultant)


def master(uid: str, *, number: str = "+79130000001", human: bool = False, day: str = "24", at: str = "12:00") -> str:
    agent = "PJSIP/101-00000001" if human else ""
    when = f"2026-11-{day} {at}"
    return (
        f'"","{number}","2386002","from-trunk","","PJSIP/trunk-1","{agent}","Queue","support,t",'
        f'"{when}:00","{when}:00","{when}:40",40,40,"ANSWERED","DOCUMENTATION","{uid}",""'
    )


def brought(desk: Client, text: str, name: str = "Master.csv") -> Any:
    return desk.post(FILE, {"file": SimpleUploadedFile(name, text.encode()), "zone": "local"})


def confirmed(desk: Client, plan: Any) -> Any:
    found = re.search(r'name="read" value="([^"]+)"', plan.content.decode())
    assert found is not None
    return desk.post(FILE, {"read": found.group(1)}, follow=True)


def test_the_log_masks_numbers_and_filters(desk: Client) -> None:
    calls.take(log(*ABANDONED, *(told.replace(".1|", ".2|") for told in ANSWERED)))
    page = desk.get(LOG).content.decode()
    assert "2 звонка" in page.replace("\u00a0", " ")
    assert "+7 ••• 01" in page
    assert "0000001" not in page
    missed = desk.get(LOG, {"state": "missed", "hours": "in", "from": "2026-11-24", "to": "2026-11-24"})
    assert "1 звонок" in missed.content.decode().replace("\u00a0", " ")
    assert "Таких звонков нет" in desk.get(LOG, {"line": "none"}).content.decode()


def test_the_log_takes_a_fixed_number_of_queries(desk: Client, django_assert_max_num_queries: Any) -> None:
    calls.take([one for n in range(30) for one in log(*(told.replace(".1|", f".{n}|") for told in ANSWERED))])
    with django_assert_max_num_queries(16):
        desk.get(LOG)


def test_who_does_not_keep_the_line_sees_no_calls(world: World, line: Line) -> None:
    assert signed_in(world.executor).get(LOG).status_code == 403
    assert signed_in(world.executor).post(f"{MONTH}restore/").status_code == 403


def test_a_call_is_written_down_by_hand(desk: Client, line: Line) -> None:
    came = timezone.localtime() - timedelta(minutes=20)
    typed = {"line": line.pk, "number": NUMBER, "came_on": f"{came:%Y-%m-%d}", "came_at": f"{came:%H:%M}", "waited": 15}
    assert desk.post(NEW, typed).status_code == 302
    call = Call.objects.get()
    assert (call.state, call.source, call.waited) == ("missed", "hand", 15)
    entry = JournalEntry.objects.get(action="call.written_down")
    assert "913" not in str(entry.data)
    again = desk.post(NEW, typed)
    assert again.status_code == 422
    assert "уже есть в журнале" in again.content.decode()
    assert f'value="{NUMBER}"' in again.content.decode()
    assert desk.post(NEW, typed | {"another": "on"}).status_code == 302


def test_a_queue_log_is_shown_before_it_is_added(desk: Client) -> None:
    plan = brought(desk, "\n".join(["1|broken", *ABANDONED, ABANDONED[1][:-20]]), "queue_log")
    page = plan.content.decode()
    assert "Это журнал очереди" in page
    assert "звонков: 1" in page
    assert "Не прочитано строк: 2" in page
    assert not CallEvent.objects.exists()
    confirmed(desk, plan)
    assert Call.objects.get().state == "missed"
    again = brought(desk, "\n".join(ABANDONED), "queue_log").content.decode()
    assert "Добавлять нечего" in again


def test_a_queue_that_is_no_line_is_named(desk: Client) -> None:
    plan = brought(desk, "\n".join(told.replace("support", "novaya") for told in ABANDONED), "queue_log")
    assert "novaya" in plan.content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("просто текст", "не похож на учёт"),
        ("call_id;number\n1;2", "нет столбцов came_at, ended_at"),
        ("\x00\x01", "это не текст"),
        ("  \n", "он пустой"),
    ],
)
def test_a_file_that_is_something_else_says_so(desk: Client, content: str, words: str) -> None:
    answer = brought(desk, content)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_month_is_reconciled_call_by_call_and_what_we_lack_is_restored(
    desk: Client, line: Line, consultant: Employee
) -> None:
    same, gone, state = (f"u{n}" for n in range(3))
    calls.take(log(*(told.replace(told.split("|")[1], same) for told in ABANDONED)))
    calls.take(log(*(told.replace(told.split("|")[1], state) for told in ABANDONED)))
    calls.take(log(*(told.replace(told.split("|")[1], "only-ours") for told in ANSWERED)))
    plan = brought(
        desk,
        "\n".join(
            [
                master(same),
                master(gone, number="+79130000002"),
                master(state, human=True),
                master("x").replace("Queue", "Dial"),
            ]
        ),
    )
    page = confirmed(desk, plan).content.decode()
    assert Call.objects.count() == 3, "an account alone adds nothing"
    for words in ("Нет у нас: 1", "Отвечен или нет — расходится: 1", "Нет в учёте станции: 1", "Восстановить"):
        assert words in page, words
    assert "0000002" not in page
    desk.post(f"{MONTH}restore/", {"month": "2026-11"})
    assert Call.objects.get(uid=gone).state == "missed"
    page = desk.get(MONTH, {"month": "2026-11"}).content.decode()
    assert "Нет у нас" not in page
    assert "Восстановить" not in page
    assert JournalEntry.objects.get(action="calls.restored").data["calls"] == 1


def test_an_account_of_a_line_nobody_has_named_says_how_it_is_called_and_is_compared_once_it_is_named(
    desk: Client, line: Line
) -> None:
    plan = brought(
        desk, "\n".join(master(uid).replace("support", "novaya").replace("2386002", "999") for uid in ("u1", "u2"))
    )
    page = confirmed(desk, plan).content.decode()
    assert "которых мы не знаем: 2 (999, novaya)" in page
    assert "Учёта станции за этот месяц нет" not in page
    Line.objects.filter(pk=line.pk).update(known_as=f"{line.known_as}, novaya")
    page = desk.get(MONTH, {"month": "2026-11"}).content.decode()
    assert "Нет у нас: 2" in page
    assert "не знаем" not in page


def test_a_call_written_by_hand_is_not_restored_a_second_time(desk: Client, line: Line, consultant: Employee) -> None:
    came = (timezone.localtime() - timedelta(hours=1)).replace(second=0, microsecond=0)
    calls.write_down(line=line, number=NUMBER, came_at=came, waited=20, by=consultant)
    head = "call_id;came_at;ended_at;line;number"
    ended = came + timedelta(seconds=20)
    row = f"one;{came:%Y-%m-%d %H:%M:%S};{ended:%Y-%m-%d %H:%M:%S};support;{NUMBER}"
    page = confirmed(desk, brought(desk, f"{head}\n{row}")).content.decode()
    assert "У нас записан вручную" in page
    assert "Восстановить" not in page
