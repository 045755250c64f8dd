"""Pages of a reception: what the official does by them, and what nobody gets round by them (п. 35.1, 35.3)."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import fixed
from otklik.appeals.models import Appeal, FixedSigner
from otklik.core.models import AccessEntry, JournalEntry
from otklik.people.models import Employee, Substitution
from otklik.reception import holding, promised_answers
from otklik.reception.models import Authority, CardQuestion, ReceptionCard, Room
from otklik.reports import compliance
from tests.reception import people
from tests.reception.test_holding import Day

pytestmark = pytest.mark.django_db
S = ReceptionCard.State


@pytest.fixture
def day() -> Day:
    return Day()


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def press(client: Client, card: ReceptionCard, step: str, **typed: object):
    return client.post(reverse("workplace:hold_step", args=[card.pk]), {"step": step, **typed})


def text_of(answer) -> str:
    return answer.content.decode()


def test_the_official_sees_his_day_and_holds_the_reception_to_the_printed_card(day):
    client = signed_in(day.official)
    assert "ждёт вас" in text_of(client.get(reverse("workplace:hold_day")))
    screen = reverse("workplace:hold", args=[day.card.pk])
    assert "Начать приём" in text_of(client.get(screen))
    assert press(client, day.card, "start").status_code == 302
    said = text_of(client.get(screen))
    assert "Меня зовут Волкова Анна Петровна" in said
    assert "Не хватает отметок" in said
    press(client, day.card, "introduce")
    assert press(client, day.card, "before", before="yes", where=" ").status_code == 422
    press(client, day.card, "before", before="no")
    press(
        client, day.card, "add", **{"new-text": "Когда продлят?", "new-topic": str(day.topic), "new-need": day.need.pk}
    )
    one = CardQuestion.objects.get()
    refused = press(client, day.card, "outcome", question=one.pk, outcome="oral", answer="Продлят в мае")
    assert refused.status_code == 422
    assert "очевидны" in text_of(refused)
    assert "Продлят в мае" in text_of(refused)
    press(
        client, day.card, "outcome", question=one.pk, outcome="oral", answer="Продлят в мае", facts_evident="1",
        oral_consent="1",
    )  # fmt: skip
    done = press(client, day.card, "finish")
    assert done["Location"] == reverse("workplace:reception_card", args=[day.card.pk])
    pdf = client.get(reverse("workplace:reception_pdf", args=[day.card.pk]))
    printed = pypdf.PdfReader(BytesIO(b"".join(pdf.streaming_content))).pages[0].extract_text()
    assert "Продлят в мае" in printed
    again = client.post(reverse("workplace:hold_step", args=[day.card.pk]), {"step": "finish"}, follow=True)
    assert "уже завершён" in text_of(again)
    assert AccessEntry.objects.filter(action="reception.card_seen", data__card=day.card.pk).count() == 1


def test_another_official_is_refused_by_the_page_and_it_stays_in_the_journal(day):
    today = timezone.localdate()
    Substitution.objects.create(deputy=day.other, absent=day.official, starts_on=today, ends_on=today)
    for who in (day.other, day.without):
        client = signed_in(who)
        answer = press(client, day.card, "start")
        assert answer.status_code == 403
        assert "записана в журнал" in text_of(answer)
    assert JournalEntry.objects.filter(action="reception.start_refused").count() == 2
    holding.start(day.card, by=day.official)
    for step in ("introduce", "before", "add", "finish", "instruct", "change", "remove", "outcome"):
        assert press(signed_in(day.other), day.card, step, before="no").status_code in (403, 422), step
    card = ReceptionCard.objects.get()
    assert (card.introduced_at, card.applied_before, card.state) == (None, None, S.OPEN)
    assert not card.questions.exists()


def test_a_step_of_another_shows_him_nothing_of_the_card_whatever_he_leaves_out(day):
    """What a form lacks is told to who may fill it in: to nobody else is the card shown on the way."""
    holding.start(day.card, by=day.official)
    holding.add_question(day.card, "Тайна заявителя", by=day.official)
    name = day.card.appointment.last_name
    client = signed_in(day.other)
    for step in ("outcome", "change", "remove", "hand-over", "withdraw", "paper", "add", "resume"):
        answer = press(client, day.card, step)
        assert answer.status_code in (403, 422), step
        said = text_of(answer)
        assert "Тайна заявителя" not in said, step
        assert name not in said, step
    assert ReceptionCard.objects.get().state == S.OPEN
    assert JournalEntry.objects.filter(action="reception.decision_refused").count() >= 6


def test_his_day_refreshes_itself_and_leads_to_days_of_reception(day):
    client = signed_in(day.official)
    today = timezone.localdate()
    part = client.get(reverse("workplace:hold_rows"))
    assert day.card.number in part.content.decode()
    assert "<html" not in part.content.decode()
    assert day.card.number not in signed_in(day.other).get(reverse("workplace:hold_rows")).content.decode()
    monday = people.next_weekday(0, after=today + timedelta(days=2))  # the Sunday before is not today
    people.rule(day.official, people.room(), weekday=0)
    page = client.get(reverse("workplace:hold_day") + f"?on={monday - timedelta(days=2)}").content.decode()
    assert f"?on={monday}" in page, "Sunday is passed over"


def test_an_interrupted_reception_goes_on_only_where_a_room_without_video_is_chosen(day):
    card = day.card
    holding.start(card, by=day.official)
    if not card.room.has_video:
        Room.objects.filter(pk=card.room_id).update(has_video=True)
        ReceptionCard.objects.filter(pk=card.pk).update(room_video=True, video="given")
        card.refresh_from_db()
    holding.withdraw_consent(card, "video", by=day.official)
    client = signed_in(day.official)
    said = text_of(client.get(reverse("workplace:hold", args=[card.pk])))
    assert "Выбрать помещение" in said
    assert "Продолжить в помещении" not in said
    assert press(client, card, "resume").status_code == 422 or ReceptionCard.objects.get().state == S.PAUSED
    plain = people.room("Кабинет без системы")
    ReceptionCard.objects.filter(pk=card.pk).update(room=plain, room_video=False)
    said = text_of(client.get(reverse("workplace:hold", args=[card.pk])))
    assert "Продолжить в помещении «Кабинет без системы»" in said


def test_without_the_power_no_page_of_it_opens(day):
    client = signed_in(people.employee("plain", "Простова", "executor"))
    for name in ("hold", "reception_card", "reception_pdf"):
        assert client.get(reverse(f"workplace:{name}", args=[day.card.pk])).status_code == 403
    assert press(client, day.card, "start").status_code == 403


def test_powers_that_ended_are_told_on_his_own_screen(day):
    Authority.objects.filter(official=day.official).update(valid_to=timezone.localdate() - timedelta(days=1))
    answer = press(signed_in(day.official), day.card, "start")
    assert answer.status_code == 403
    assert "полномочия не действуют" in text_of(answer)


def _written(day: Day) -> Appeal:
    day.asked()
    one = day.question()
    client = signed_in(day.official)
    assert press(client, day.card, "outcome", question=one.pk, outcome="written", way="post").status_code == 422
    press(client, day.card, "outcome", question=one.pk, outcome="written", way="post", address="630000, Дом 1")
    return Appeal.objects.get()


def test_a_written_answer_promised_by_the_page_is_signed_by_him_and_listed(day):
    appeal = _written(day)
    assert FixedSigner.objects.get(appeal=appeal).signer == day.official
    client = signed_in(day.official)
    listed = text_of(client.get(reverse("workplace:promised_answers")))
    assert appeal.number in listed
    assert "исключение" not in listed
    assert appeal.number in text_of(client.get(reverse("workplace:hold_day")))
    his_day = text_of(signed_in(day.other).get(reverse("workplace:hold_day")))
    assert appeal.number not in his_day, "what another has promised is not his to sign"
    screen = text_of(client.get(reverse("workplace:hold", args=[day.card.pk])))
    assert "Подписать его можете только вы" in screen


def test_the_head_decides_on_a_ground_only_and_compliance_shows_the_exception(day):
    appeal = _written(day)
    head = signed_in(day.other)
    page = reverse("workplace:signer", args=[appeal.pk])
    assert "Основания передать подпись сейчас нет" in text_of(head.get(page))
    typed = {"to": day.other.pk, "ground": "powers_ended", "note": "Приказ № 5"}
    assert head.post(page, typed).status_code == 422
    assert signed_in(people.employee("plain", "Простова", "head")).post(page, typed).status_code == 403
    Authority.objects.filter(official=day.official).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert promised_answers.grounds(Appeal.objects.get()) == ["powers_ended"]
    assert head.post(page, {**typed, "note": ""}).status_code == 422
    assert head.post(page, typed).status_code == 302
    assert fixed.of(Appeal.objects.get()).now == day.other
    assert appeal.number in text_of(head.get(reverse("workplace:hold_day"))), "now it is his"
    assert "исключение" in text_of(head.get(reverse("workplace:promised_answers") + "?state=others"))
    [row] = [one for one in compliance.rows(timezone.localdate()) if one.wording.clause.number == "35.3"]
    [kept] = row.kept
    assert kept.figure.number == 1
    assert "Обещано письменных ответов: 1" in kept.figure.text


def test_a_recording_without_consent_is_refused_by_the_page(day):
    day.asked()
    holding.withdraw_consent(day.card, "audio", by=day.official)
    client = signed_in(people.employee("desk", "Встречаева", "receptionist"))
    add = reverse("workplace:recording_add", args=[day.card.pk])
    sound = SimpleUploadedFile("voice.mp3", b"ID3\x03\x00" + b"\0" * 64)
    assert client.post(add, {"kind": "audio", "file": sound}).status_code == 403
    film = SimpleUploadedFile("film.mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\0" * 64)
    assert client.post(add, {"kind": "video", "file": film}).status_code == 302
    row = day.card.recordings.get()
    assert client.get(reverse("workplace:recording", args=[row.pk])).status_code == 200
    assert AccessEntry.objects.filter(action="reception.recording_opened").count() == 1
    assert signed_in(day.official).get(reverse("workplace:recording", args=[row.pk])).status_code == 403


def test_an_instruction_goes_its_way_by_the_pages(day):
    day.asked()
    due = timezone.localdate() + timedelta(days=3)
    client = signed_in(day.official)
    refused = press(client, day.card, "instruct", **{"order-text": "Проверить"})
    assert refused.status_code == 422
    press(
        client, day.card, "instruct",
        **{"order-text": "Проверить", "order-executor": day.without.pk, "order-due_on": due.isoformat()},
    )  # fmt: skip
    row = day.card.instructions.get()
    page = reverse("workplace:instruction", args=[row.pk])
    executor = signed_in(day.without)
    assert "Проверить" in text_of(executor.get(reverse("workplace:instructions") + "?state=mine"))
    assert executor.post(page, {"step": "report", "text": " "}).status_code == 422
    executor.post(page, {"step": "report", "text": "Проверено"})
    assert executor.post(page, {"step": "accept"}).status_code == 422
    client.post(page, {"step": "accept"})
    row.refresh_from_db()
    assert row.accepted_at
    stranger = signed_in(people.employee("plain", "Простова", "executor"))
    assert stranger.get(page).status_code == 404


def test_a_paper_appeal_and_a_handover_by_the_page(day):
    day.asked()
    client = signed_in(day.official)
    assert press(client, day.card, "paper", text=" ").status_code == 422
    assert press(client, day.card, "paper", text="Прошу продлить аренду").status_code == 302
    assert press(client, day.card, "hand-over", to=day.without.pk, ground="Болезнь").status_code == 422
    assert press(client, day.card, "hand-over", to=day.other.pk, ground="Болезнь").status_code == 302
    assert ReceptionCard.objects.get().official == day.other
    assert press(client, day.card, "introduce").status_code == 403


def test_the_screen_costs_a_fixed_number_of_queries(day, django_assert_max_num_queries):
    day.asked()
    for number in range(6):
        day.question(f"Вопрос {number}?")
    client = signed_in(day.official)
    screen = reverse("workplace:hold", args=[day.card.pk])
    client.get(screen)
    with django_assert_max_num_queries(40):
        client.get(screen)
