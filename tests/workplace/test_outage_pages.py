"""Paper and outage: blanks, later entry with the true time, marks, terms by the law, control lists of Monday."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from otklik.appeals import late, registration
from otklik.appeals.models import Appeal
from otklik.appeals.registration import entry_for
from otklik.core.models import AccessEntry, Downtime, JournalEntry, LateEntry
from otklik.correspondence.models import IncomingMessage
from otklik.hotline import defaults as hotline
from otklik.hotline.models import Call, Line
from otklik.people.models import Employee
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.reception import people as reception

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def local(text: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(text))


def downtime(world: World, days: float = 6, hours: float = 48) -> Downtime:
    began = (timezone.now() - timedelta(days=days)).replace(second=0, microsecond=0)
    return late.write(began_at=began, ended_at=began + timedelta(hours=hours), what="Отключили свет", by=world.clerk)


def typed(at: datetime, **changes: Any) -> dict[str, Any]:
    here = timezone.localtime(at)
    return {
        "channel": "post", "received_on": f"{here:%Y-%m-%d}", "came_at": f"{here:%H:%M}", "subject": "О границах",
        "text": "Прошу установить границы участка.", "kind": "person", "last_name": "Иванова", "first_name": "Вера",
        "address": "630000, г. Примерск, ул. Образцовая, д. 1", "once": "abc", **changes,
    }  # fmt: skip


def words_of(content: bytes) -> str:
    return " ".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


@pytest.mark.parametrize(
    ("kind", "words"),
    [("appeal", "Суть обращения"), ("call", "Журнал звонков во время сбоя"), ("missed", "Перезвонили")],
)
def test_blanks_are_printed_beforehand(kind: str, words: str, world: World) -> None:
    answer = signed_in(world.clerk).get(f"/desk/outages/blanks/{kind}/")
    assert answer["Content-Type"] == "application/pdf"
    assert words in words_of(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    assert signed_in(world.clerk).get("/desk/outages/blanks/none/").status_code == 404


def test_a_downtime_is_written_down_and_ends(world: World) -> None:
    clerk = signed_in(world.clerk)
    began = timezone.localtime(timezone.now() - timedelta(hours=5))
    given = {"began_on": f"{began:%Y-%m-%d}", "began_at": f"{began:%H:%M}", "what": "Пропала сеть"}
    answer = clerk.post("/desk/outages/", given)
    row = Downtime.objects.get()
    assert answer.status_code == 302
    assert row.ended_at is None
    ended = timezone.localtime(timezone.now() - timedelta(hours=1))
    early = timezone.localtime(row.began_at - timedelta(hours=2))
    wrong = clerk.post(f"/desk/outages/{row.pk}/", {"ended_on": f"{early:%Y-%m-%d}", "ended_at": f"{early:%H:%M}"})
    assert "Конец раньше начала" in wrong.content.decode()
    clerk.post(f"/desk/outages/{row.pk}/", {"ended_on": f"{ended:%Y-%m-%d}", "ended_at": f"{ended:%H:%M}"})
    row.refresh_from_db()
    assert row.ended_at is not None
    actions = set(JournalEntry.objects.values_list("action", flat=True))
    assert {"system.downtime_written", "system.downtime_ended"} <= actions


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"began_on": "2099-01-01"}, "ещё не наступило"),
        ({"began_on": "2020-01-01"}, "больше года назад"),
        ({"ended_on": "2026-01-01"}, "И день, и время конца|и день, и время конца"),
        ({"what": " "}, "field-error"),
    ],
)
def test_a_downtime_that_cannot_have_been_is_refused_and_what_was_typed_stays(
    changes: dict[str, str], words: str, world: World
) -> None:
    today = timezone.localdate()
    given = {"began_on": f"{today:%Y-%m-%d}", "began_at": "00:00", "what": "Свет", **changes}
    answer = signed_in(world.clerk).post("/desk/outages/", given)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert any(one in page for one in words.split("|"))
    assert not Downtime.objects.exists()
    assert 'value="00:00"' in page


def test_an_appeal_of_a_downtime_has_its_true_time_its_mark_and_the_term_of_the_law(world: World) -> None:
    row, clerk = downtime(world, days=25), signed_in(world.clerk)
    came = row.began_at + timedelta(hours=3)
    answer = clerk.post(f"/desk/outages/{row.pk}/appeal/", typed(came))
    message = IncomingMessage.objects.get()
    assert answer.url == f"/desk/inbox/{message.pk}/"
    assert message.received_at == came
    clerk.post(f"/desk/outages/{row.pk}/appeal/", typed(came))
    assert IncomingMessage.objects.count() == LateEntry.objects.count() == 1, "a form pressed twice"
    entry = entry_for(message)
    appeal = registration.register(message, entry, by=world.clerk)
    assert appeal.received_on == timezone.localdate(came)
    lawful = timezone.localdate(came) + timedelta(days=3)
    # By the law within three days; here three days later it is long over, so the term runs from the last of them.
    assert appeal.registered_on <= timezone.localdate() - timedelta(days=1)
    assert timezone.localdate(came) < appeal.registered_on <= lawful + timedelta(days=12)
    page = clerk.get(f"/desk/appeals/{appeal.pk}/").content.decode()
    assert "внесено позже" in page
    rows = clerk.get("/desk/prints/registration/pdf/?view=all")
    assert "внесенопозже" in words_of(rows.content).replace(" ", "").replace("-", "")
    assert "сообщение №" in clerk.get(f"/desk/outages/{row.pk}/").content.decode()
    assert JournalEntry.objects.filter(action="system.entered_late").count() == 1


def test_what_paper_registered_counts_from_that_day(world: World) -> None:
    row, clerk = downtime(world), signed_in(world.clerk)
    came = row.began_at + timedelta(hours=1)
    on = timezone.localdate(came) + timedelta(days=1)
    clerk.post(f"/desk/outages/{row.pk}/appeal/", typed(came, on_paper=f"{on:%Y-%m-%d}"))
    message = IncomingMessage.objects.get()
    assert registration.register(message, entry_for(message), by=world.clerk).registered_on == on


def test_any_other_message_is_registered_today(world: World) -> None:
    assert world.registered_email().registered_on == timezone.localdate()


@pytest.mark.parametrize(
    ("hours", "changes", "words"),
    [
        (-5, {}, "внутри сбоя"),
        (60, {}, "внутри сбоя"),
        (3, {"on_paper": "2020-01-01"}, "не раньше поступления"),
        (3, {"text": ""}, "Введите текст или приложите скан"),
        (3, {"came_at": ""}, "field-error"),
    ],
)
def test_what_was_not_then_is_not_entered(hours: int, changes: dict[str, str], words: str, world: World) -> None:
    row = downtime(world)
    given = typed(row.began_at + timedelta(hours=hours), **changes)
    answer = signed_in(world.clerk).post(f"/desk/outages/{row.pk}/appeal/", given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Иванова" in answer.content.decode()
    assert not IncomingMessage.objects.exists()
    assert not LateEntry.objects.exists()


def test_a_call_of_a_downtime_is_marked_and_a_missed_one_is_to_be_called_back(world: World) -> None:
    hotline.load()
    line = Line.objects.filter(ours=True).first()
    assert line is not None
    row, client = downtime(world), signed_in(world.clerk)
    came = timezone.localtime(row.began_at + timedelta(hours=2))
    given = {"line": line.pk, "number": "8 913 123-45-67", "came_on": f"{came:%Y-%m-%d}", "came_at": f"{came:%H:%M}"}
    answer = client.post(f"/desk/outages/{row.pk}/call/", {**given, "waited": "0"})
    assert answer.status_code == 302, answer.content.decode()
    call = Call.objects.get()
    assert call.came_at == came
    assert call.missed_id is not None
    assert "внесён позже" in client.get("/desk/line/calls/").content.decode()
    outside = came + timedelta(days=4)
    late_one = {**given, "came_on": f"{outside:%Y-%m-%d}", "waited": "0", "another": "on"}
    refused = client.post(f"/desk/outages/{row.pk}/call/", late_one)
    assert "внутри сбоя" in refused.content.decode()
    assert Call.objects.count() == 1


def test_who_only_reads_sees_the_page_and_writes_nothing(world: World) -> None:
    row = downtime(world)
    auditor = signed_in(world.auditor)
    assert auditor.get("/desk/outages/").status_code == 200
    assert auditor.post("/desk/outages/", {"what": "x"}).status_code == 403
    assert auditor.post(f"/desk/outages/{row.pk}/", {}).status_code == 403
    assert auditor.get(f"/desk/outages/{row.pk}/appeal/").status_code == 403


def test_on_monday_the_heads_get_the_control_list_of_their_unit(world: World) -> None:
    appeal = world.registered_email()
    monday = date(2026, 11, 30)
    long_ago = {"received_on": date(2026, 10, 20), "registered_on": date(2026, 10, 21)}
    Appeal.objects.filter(pk=appeal.pk).update(unit=world.land, due_on=date(2026, 12, 2), status="assigned", **long_ago)
    other = registration.register(world.message(), world.entry(), by=world.clerk)
    Appeal.objects.filter(pk=other.pk).update(unit=world.land, due_on=date(2026, 11, 20), status="assigned", **long_ago)
    assert notices.tell_of_control(date(2026, 12, 1)) == 0, "on Tuesday it is too late"
    assert notices.tell_of_control(monday) >= 1
    assert notices.tell_of_control(monday) == 0
    [told] = Notice.objects.filter(employee=world.head, kind="term", source__startswith="control:")
    assert told.text == "Контрольный лист недели: на контроле 2, срок на этой неделе 1, просрочено 1"
    listed = signed_in(world.head).get(told.path)
    assert listed["Content-Type"] == "application/pdf"
    words = words_of(listed.content)
    assert appeal.number in words
    assert other.number in words
    Appeal.objects.filter(pk=other.pk).update(status="closed")
    assert other.number not in words_of(signed_in(world.head).get(told.path).content)


def test_after_a_holiday_the_list_comes_on_the_first_working_day(world: World) -> None:
    appeal = world.registered_email()
    day = date(2026, 12, 20)
    facts = {"received_on": day, "registered_on": day, "due_on": date(2027, 1, 20)}
    Appeal.objects.filter(pk=appeal.pk).update(unit=world.land, status="assigned", **facts)
    assert notices.tell_of_control(date(2027, 1, 4)) == 0  # holidays of the New Year


def test_the_guard_gets_who_comes_on_a_day_and_no_more(world: World) -> None:
    desk = world.employee("desk", "Секретарёва", world.hq, ["receptionist"])
    official = world.employee("official", "Приёмова", world.hq, ["signer"])
    row = reception.appointment(official, reception.room("Кабинет 214"), by=desk)
    reception.appointment(official, reception.room(), row.starts_at, by=desk, state="cancelled", last_name="Отменова")
    on = timezone.localdate(row.starts_at)
    answer = signed_in(desk).get(f"/desk/visitors/?on={on:%Y-%m-%d}")
    words = words_of(answer.content)
    assert "Иванова Мария Петровна" in words
    assert "Кабинет 214" in words
    assert "Отменова" not in words
    assert AccessEntry.objects.filter(action="visitors.printed", actor=desk).count() == 1
    assert signed_in(world.executor).get("/desk/visitors/").status_code == 403
    assert "Никто не записан" in words_of(signed_in(desk).get("/desk/visitors/?on=2026-01-12").content)
