"""What leaves by Telegram: nothing of people unless that is allowed, once, and told in plain words where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from otklik.channels import two_questions
from otklik.channels.registry import all_channels, all_connected
from otklik.channels.telegram.adapter import TelegramChannel
from otklik.correspondence import connections, delivery
from otklik.correspondence.channel import DeliveryError
from otklik.correspondence.models import Connection, OutgoingMessage, Thread
from otklik.people import staff
from otklik.people.models import Department, Employee
from otklik.surveys import feedback
from otklik.surveys.models import Response
from tests.channels import contract
from tests.channels.telegram.case import CHAT, connect, payload, to_send

ID = "<1@dep.example>"
GROUP = -1001555000111


def send(text="Ответ подготовлен.", message_id=ID, **fields):
    return TelegramChannel().send(to_send(message_id, text, **fields))


def texts(fake):
    return [one["text"] for one in fake.told()["sent"] if "text" in one]


def test_an_answer_goes_to_the_chat_as_a_reply_with_the_mark_of_its_conversation(fake):
    said = send(in_reply_to=f"<telegram.{CHAT}.7@telegram.invalid>")
    [sent] = fake.told()["sent"]
    assert said == f"{CHAT}:1001"
    assert sent["reply_parameters"]["message_id"] == 7
    assert "[#abcdefgh23]" in sent["text"]


def test_nothing_leaves_a_demo_stand(fake, demo_stand):
    with pytest.raises(DeliveryError, match="наружу ничего не уходит"):
        send()
    assert fake.told()["sent"] == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Уважаемая Анна Сергеевна Примерова, ответ готов.", "имя"),
        ("Позвоните по номеру 8 913 555-12-34.", "телефон"),
        ("СНИЛС 112-233-445 95 принят.", "СНИЛС"),
        ("Паспорт 5012 345678, Примерова Анна Сергеевна", "имя, документ"),
    ],
)
def test_personal_data_does_not_leave_unless_it_is_allowed(fake, text, kinds):
    with pytest.raises(DeliveryError) as told:
        send(text)
    assert told.value.permanent
    assert f"({kinds})" in str(told.value)
    assert "41-ФЗ" in str(told.value)
    assert "другим способом" in str(told.value)
    assert "Примеров" not in str(told.value)
    assert "555" not in str(told.value)
    assert texts(fake) == []
    connect(fake, personal=True)
    assert send(text)
    assert text in texts(fake)[0]


def test_in_a_group_it_never_leaves(fake):
    connect(fake, personal=True, groups=True)
    with pytest.raises(DeliveryError, match="в группе видят все"):
        send("Уважаемая Анна Сергеевна Примерова!", recipient=f"telegram:{GROUP}")
    assert send(recipient=f"telegram:{GROUP}")


def test_what_the_department_says_of_itself_is_nobodys_secret(fake):
    department = staff.department()
    Department.objects.filter(pk=department.pk).update(phone="8 (383) 238-60-02", email="info@dep.example")
    Employee.objects.create(username="v", last_name="Волкова", first_name="Мария", patronymic="Ивановна")
    assert send("Руководитель\nВолкова М. И.\nтел. 8 (383) 238-60-02, info@dep.example")
    with pytest.raises(DeliveryError, match="имя"):
        send("Волкова Мария Петровна приедет к вам.")


def test_files_stay_here_unless_it_is_allowed_and_the_letter_says_so(fake, tmp_path: Path):
    paper = tmp_path / "answer.pdf"
    paper.write_bytes(b"%PDF-1.7 answer")
    files = [("Ответ 12.pdf", paper, "application/pdf")]
    send(files=files)
    assert "Файлы к ответу (1) в Telegram не передаются" in texts(fake)[0]
    assert len(fake.told()["sent"]) == 1
    connect(fake, personal=True)
    send(files=files)
    assert [one.get("file", {}).get("size") for one in fake.told()["sent"]] == [None, 15]


def test_a_file_no_bot_may_send_stops_the_letter_before_anything_leaves(fake, tmp_path, monkeypatch):
    connect(fake, personal=True)
    monkeypatch.setattr(TelegramChannel, "largest_file", 10)
    paper = tmp_path / "answer.pdf"
    paper.write_bytes(b"%PDF-1.7 answer")
    with pytest.raises(DeliveryError, match="Ответьте другим способом") as told:
        send(files=[("Ответ 12.pdf", paper, "application/pdf")])
    assert told.value.permanent
    assert fake.told()["sent"] == []


@pytest.mark.parametrize(
    ("fails", "words", "permanent"),
    [
        ({"blocked": [CHAT]}, "остановил бота", True),
        ({"token": "2:other"}, "токен неверен", False),
        ({"moved": {str(CHAT): 5}}, "", None),
    ],
)
def test_refusals_are_told_in_plain_words(fake, fails, words, permanent):
    fake.tell(**fails)
    if permanent is None:  # a group that moved is found again
        assert send() == "5:1001"
        return
    with pytest.raises(DeliveryError, match=words) as told:
        send()
    assert told.value.permanent is permanent
    assert contract.SECRET not in str(told.value)


@pytest.mark.parametrize("recipient", ["", "anna@citizen.example", "@anna", "12; drop"])
def test_only_who_wrote_to_the_bot_can_be_answered(fake, recipient):
    with pytest.raises(DeliveryError, match="сам ему написал") as told:
        send(recipient=recipient)
    assert told.value.permanent


def test_a_long_answer_that_was_stopped_half_way_goes_on_where_it_stopped(fake):
    text = "\n\n".join(f"Абзац {number}. " + "Порядок выкупа участка. " * 20 for number in range(20))
    fake.tell(busy_after=1)
    with pytest.raises(DeliveryError) as told:
        send(text)
    assert told.value.retry_after == contract.RETRY_AFTER
    [(mark, done)] = Connection.objects.get().cursor.items()
    assert (mark.startswith(f"begun:{ID}:"), done) == (True, 1)
    fake.tell(busy_after=0)
    send(text)
    parts = texts(fake)
    assert all(len(part) <= 4000 for part in parts)
    told_once = "\n\n".join(parts)
    assert [told_once.count(f"Абзац {number}. ") for number in range(20)] == [1] * 20
    assert Connection.objects.get().cursor == {}


# --- the two questions -----------------------------------------------------------------------------------------------


def invited(code="hotline"):
    invitation = feedback.invite(channel=code, on=timezone.localdate())
    return invitation, f"Ответ дан.\nОцените: http://otklik.example/feedback/{invitation.token}/"


def press(fake, data, number):
    update = payload("callback_query")
    update["update_id"] += number
    update["callback_query"]["data"] = data
    fake.tell(updates=[update])
    connections.visit(all_connected()["telegram"])
    assert Connection.objects.get().error == ""
    edits = [one["edited"] for one in fake.told()["asked"] if "edited" in one]
    return edits[-1]["text"], [row[0]["text"] for row in edits[-1]["reply_markup"]["inline_keyboard"]], edits[-1]


def test_the_two_questions_of_the_order_are_asked_one_after_the_other_and_kept_once(fake):
    invitation, text = invited()
    send(text, kind="answer")
    asked = fake.told()["sent"][1]
    assert asked["text"] == "Получен ли ответ на Ваш вопрос?"
    buttons = [row[0] for row in asked["reply_markup"]["inline_keyboard"]]
    assert [one["text"] for one in buttons] == ["да", "нет"]
    assert all(len(one["callback_data"].encode()) <= 64 for one in buttons)

    question, words, shown = press(fake, buttons[1]["callback_data"], 0)
    assert question == "Оцените качество работы консультанта"
    assert words == ["удовлетворен", "частично удовлетворен", "не удовлетворен"]
    assert not Response.objects.exists()

    last = shown["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    assert press(fake, last, 1)[:2] == (two_questions.THANKS, [])
    assert Response.objects.get().answers == {"answered": "no", "quality": "partial"}
    assert Response.objects.get().invitation == invitation
    press(fake, last.replace("1.1", "0.0"), 2)
    assert Response.objects.get().answers == {"answered": "no", "quality": "partial"}
    assert [one for one in fake.told()["asked"] if "answered" in one]


def test_who_has_answered_is_not_asked_again_and_nobody_is_asked_in_a_group(fake):
    invitation, text = invited()
    connect(fake, groups=True)
    send(text, kind="answer", recipient=f"telegram:{GROUP}")
    feedback.answer(invitation.token, {"answered": "yes", "quality": "satisfied"})
    send(text, kind="answer")
    assert len(fake.told()["sent"]) == 2


@pytest.mark.parametrize(
    "data", ["", "2q|", "2q|unknown-token-00|0", "else", "2q|TOKEN|9", "2q|TOKEN|0.9", "2q|TOKEN|0.0.0"]
)
def test_a_button_of_nobodys_says_it_does_nothing(fake, data):
    invitation, _ = invited()
    text, words, _ = press(fake, data.replace("TOKEN", invitation.token), 0)
    assert text
    assert words == []
    assert not Response.objects.exists()


def test_an_answer_whose_question_cannot_be_asked_has_been_sent(fake):
    _, text = invited()
    fake.tell(busy_after=1)
    assert send(text, kind="answer")


def test_a_queued_message_leaves_by_the_worker(fake):
    row = delivery.queue(
        thread=Thread.objects.create(),
        channel="telegram",
        kind="notice",
        recipient=f"telegram:{CHAT}",
        text="Готово.",
        by=None,
    )
    assert row.state == OutgoingMessage.State.QUEUED
    assert delivery.send_next(all_channels())
    row.refresh_from_db()
    assert row.state == OutgoingMessage.State.SENT
