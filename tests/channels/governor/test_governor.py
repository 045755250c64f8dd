"""The Governor's public reception: who sends, what the covering letter says, what is told back."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.appeals import cover, dispatch, registration
from otklik.channels.governor import cover as letters_of
from otklik.channels.governor.adapter import GovernorChannel
from otklik.channels.mail import intake, routing
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.registry import all_connected, all_readers
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import SourceError
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.mail import letters
from tests.workplace.test_frame import desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]

TEXT = """Общественная приёмная Губернатора
Номер сопроводительного письма: А26-00-000123 от 20.11.2026
Контрольный срок: 18.12.2026

Направляем обращение для рассмотрения.
Заявитель: Примерова Анна Сергеевна
Адрес: 630000, г. Новосибирск, ул. Учебная, д. 1
Телефон: +7 913 000-11-22
Эл. почта: anna@citizen.example

Прошу предоставить сведения об аренде участка.
"""


@pytest.mark.parametrize(
    ("text", "number", "on", "until"),
    [
        (TEXT, "А26-00-000123", date(2026, 11, 20), date(2026, 12, 18)),
        ("Исх. № 01-12/345 от 3 ноября 2026 г.\nСрок исполнения — до 01.12.26", "01-12/345",
         date(2026, 11, 3), date(2026, 12, 1)),
        ("Направляем обращение № 77-ОГ от 2026-11-05, ответ просим в срок до 5 декабря 2026", "77-ОГ",
         date(2026, 11, 5), date(2026, 12, 5)),
        ("Регистрационный номер: 15/2026\nДата документа: 07/11/2026", "15/2026", date(2026, 11, 7), None),
        ("Сопроводительное письмо от 20.11.2026", "", None, None),
        ("исх. от 31.02.2026\nКонтрольный срок: 99.99.2026", "", None, None),
        ("Добрый день, прошу ответить", "", None, None),
        ("", "", None, None),
    ],
)  # fmt: skip
def test_number_date_and_control_term_are_found_as_offices_write_them(text, number, on, until):
    found = letters_of.read(text)
    assert (found.number, found.on, found.control_until) == (number, on, until)


def test_the_applicant_is_who_the_letter_names_never_its_sender():
    assert letters_of.read(TEXT).applicant == {
        "last_name": "Примерова",
        "first_name": "Анна",
        "patronymic": "Сергеевна",
        "address": "630000, г. Новосибирск, ул. Учебная, д. 1",
        "phone": "+7 913 000-11-22",
        "email": "anna@citizen.example",
    }
    assert letters_of.read("Направляем обращение").facts()["applicant"] == {"last_name": ""}


@pytest.mark.parametrize(
    ("senders", "words", "address", "subject", "taken"),
    [
        ("op@governor.example", "", "OP@governor.example", "что угодно", True),
        ("@governor.example", "", "other@governor.example", "x", True),
        ("@governor.example", "", "x@evil-governor.example", "x", False),
        ("op@governor.example", "", "op@governor.example.evil.example", "x", False),
        ("op@governor.example", "Направляем\nпересылаем", "op@governor.example", "НАПРАВЛЯЕМ обращение", True),
        ("op@governor.example", "направляем", "op@governor.example", "С праздником", False),
        ("a@b.example; op@governor.example", "", "op@governor.example", "", True),
    ],
)
def test_a_rule_takes_its_senders_and_nobody_else(senders, words, address, subject, taken):
    rule = routing.Rule("governor_reception", routing.lines(senders), routing.lines(words))
    assert rule.takes(address, subject) is taken


def connected(**values: str) -> None:
    channel = all_connected()["governor_reception"]
    connections.configure(channel, {"letters_from": "op@governor.example", "letters_about": "", **values}, by=None)
    connections.switch(channel, True, reason="", by=None)


def come(raw: bytes) -> IncomingMessage:
    [accepted] = intake.keep_each([intake.Letter(raw)], point="email-info")
    assert accepted is not None
    intake.read([accepted], MailChannel())
    while inbox.parse_next(all_readers()):
        pass
    return IncomingMessage.objects.get(pk=accepted.message.pk)


def covering(**said: str) -> bytes:
    return letters.letter(**{"sender": "Приёмная <op@governor.example>", "text": TEXT, **said})


def test_a_letter_of_the_reception_is_its_own_channel_with_its_facts(world: World) -> None:
    connected()
    mixed = intake.keep_each([intake.Letter(covering()), intake.Letter(letters.letter(message_id="<own@c.example>"))])
    assert [one.message.channel for one in mixed if one] == ["governor_reception", "email"]
    message = come(covering())
    assert (message.state, message.redelivered, message.sender_address) == ("new", 1, "op@governor.example")
    facts = message.facts.get()
    assert facts.schema == "governor/1"
    named = ("cover_number", "cover_date", "control_until", "sender")
    assert [facts.data[name] for name in named] == ["А26-00-000123", "2026-11-20", "2026-12-18", "Приёмная"]
    entry = registration.entry_for(message)
    assert (entry.applicant.last_name, entry.answer_channel, entry.answer_address) == (
        "Примерова", "email", "anna@citizen.example",
    )  # fmt: skip
    assert entry.regime.statutory


def test_no_broken_letter_is_lost_while_a_rule_looks_at_it() -> None:
    rules = [routing.Rule("governor_reception", ("@b.example",), ())]
    for _, raw in [*letters.corpus(), *letters.mangled(100)]:
        assert routing.channel_of(raw, rules) in {"email", "governor_reception"}


def test_while_the_channel_is_off_or_another_writes_the_letter_is_the_mailboxs(world: World) -> None:
    assert come(covering()).channel == "email"
    connected(letters_about="направляем")
    assert come(covering(message_id="<two@g.example>")).channel == "email"
    assert come(covering(message_id="<three@g.example>", subject="Направляем обращение")).channel != "email"
    bounce = letters.report("<1@d.example>").replace(b"MAILER-DAEMON@mx.example", b"MAILER-DAEMON@governor.example")
    connected(letters_from="@governor.example")
    assert come(bounce).channel == "email"


def test_the_administrator_is_told_whom_the_rule_takes(world: World) -> None:
    connected(letters_about="направляем")
    assert "op@governor.example" in GovernorChannel().try_out()
    connected(letters_from="governor")
    with pytest.raises(SourceError, match="адрес или домен"):
        GovernorChannel().try_out()


# --- packages --------------------------------------------------------------------------------------------------------

TOMORROW = date.today() + timedelta(days=2)
FORM = {
    "cover_number": "А26-00-7",
    "cover_date": "2026-11-20",
    "control_until": "2026-12-01",
    "sender": "Общественная приёмная",
    "report_to": "",
    "kind": "person",
    "last_name": "Примерова",
    "received_on": "2026-11-23",
    "subject": "Аренда участка",
    "text": "",
}


def archive(**files: bytes) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as there:
        for name, content in files.items():
            there.writestr(zipfile.ZipInfo(name.replace("__", "/")), content)
    made.seek(0)
    made.name = "пакет.zip"
    return made


def bring(world: World, content: io.BytesIO | None = None, **said: str):
    sent = {**FORM, **said}
    return desk(world.clerk).post("/desk/intake/package/", {**sent, "papers": content} if content else sent)


def test_a_package_is_unpacked_registered_with_its_cover_and_known_again(world: World) -> None:
    answer = bring(world, archive(**{"папка__письмо.pdf": b"%PDF-1.4 a", "обращение.txt": b"text"}))
    message = IncomingMessage.objects.latest("pk")
    assert answer.url == f"/desk/inbox/{message.pk}/"
    assert (message.state, message.channel, message.text) == (
        "new", "governor_reception", "Текст обращения — в приложенных файлах.",
    )  # fmt: skip
    assert list(message.files.values_list("name", flat=True)) == ["пакет.zip", "письмо.pdf", "обращение.txt"]
    page = desk(world.clerk).get(answer.url).content.decode()
    for words in ("А26-00-7 от 20.11.2026", "короче 30 дней", "Примерова"):
        assert words in page
    again = bring(world, archive(**{"папка__письмо.pdf": b"%PDF-1.4 a", "обращение.txt": b"text"}))
    assert again.url == answer.url
    other = bring(world, None, text="Тот же номер, другое содержание")
    assert other.url != answer.url
    assert "То же письмо уже поступало" in desk(world.clerk).get(other.url).content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Приложите файлы пакета"),
        ({"text": "x", "cover_number": ""}, "А26"),
        ({"text": "x", "cover_date": f"{TOMORROW}"}, "ещё не наступила"),
        ({"text": "x", "control_until": "2020-01-01"}, "раньше даты письма"),
        ({"text": "x", "report_to": "нет"}, "не адрес электронной почты"),
        ({"text": "x", "received_on": f"{TOMORROW}"}, "ещё не наступила"),
    ],
)
def test_a_form_that_lacks_something_says_what_and_keeps_what_was_typed(world: World, said, words) -> None:
    answer = bring(world, None, **said)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page or words == "А26"
    assert "Примерова" in page


def test_what_the_letter_did_not_say_a_clerk_writes_down(world: World) -> None:
    connected()
    message = come(covering(text="Направляем обращение. Документы приложены."))
    assert any("не найден" in note for note in message.notes)
    place = f"/desk/inbox/{message.pk}/cover/"
    said = {"cover_number": "5-п", "cover_date": "2026-11-02", "sender": "Приёмная", "control_until": ""}
    assert desk(world.clerk).post(place, {**said, "cover_number": ""}).status_code == 422
    desk(world.clerk).post(place, said)
    there = cover.of(message)
    assert there is not None
    assert (there.named, there.control_until, there.address) == ("№ 5-п от 02.11.2026", None, "op@governor.example")
    assert message.facts.count() == 2
    assert "№ 5-п от 02.11.2026" in desk(world.clerk).get(f"/desk/inbox/{message.pk}/").content.decode()
    ordinary = world.email()
    assert desk(world.clerk).get(f"/desk/inbox/{ordinary.pk}/cover/").status_code == 404


# --- the report ------------------------------------------------------------------------------------------------------


def answered(world: World) -> str:
    connected()
    message = come(covering())
    appeal = registration.register(message, registration.entry_for(message), by=world.clerk)
    appeal = world.signed(appeal)
    dispatch.send(appeal, by=world.clerk)
    return f"/desk/appeals/{appeal.pk}/"


def test_the_sender_is_told_of_the_answer_once_with_its_copy_and_number(world: World) -> None:
    place = answered(world)
    client = desk(world.clerk)
    assert "сначала ответ должен уйти" in client.get(f"{place}dispatch/").content.decode()
    client.post(f"{place}report/", {"to": "op@governor.example"})
    assert not OutgoingMessage.objects.filter(kind="report").exists()
    OutgoingMessage.objects.filter(kind="answer").update(state="sent", sent_at=timezone.now())
    assert 'value="op@governor.example"' in client.get(f"{place}dispatch/").content.decode()
    for _ in range(2):
        client.post(f"{place}report/", {"to": "op@governor.example"})
    report = OutgoingMessage.objects.get(kind="report")
    assert (report.channel, report.recipient, report.state) == ("email", "op@governor.example", "queued")
    assert "№ А26-00-000123 от 20.11.2026" in report.text
    assert "А26-00-000123" in report.subject
    assert report.files.count() >= 1
    card = client.get(place).content.decode()
    assert "контрольный срок" in card
    assert "Отчёт отправителю" in card


def test_without_an_address_a_person_carries_the_report_and_says_so(world: World) -> None:
    place = answered(world)
    OutgoingMessage.objects.filter(kind="answer").update(state="sent", sent_at=timezone.now())
    client = desk(world.clerk)
    client.post(f"{place}report/", {"to": "не адрес @"})
    assert not OutgoingMessage.objects.filter(kind="report").exists()
    client.post(f"{place}report/", {"to": ""})
    report = OutgoingMessage.objects.get(kind="report")
    assert (report.channel, report.state) == ("governor_reception", "by_hand")
    client.post(f"{place}report/given/")
    report.refresh_from_db()
    assert report.state == "sent"


def test_the_control_term_is_compared_with_what_the_law_gives() -> None:
    on = date(2026, 11, 20)
    assert cover.Cover(control_until=on + timedelta(days=29)).is_short(on)
    assert not cover.Cover(control_until=on + timedelta(days=30)).is_short(on)
    assert not cover.Cover().is_short(on)
