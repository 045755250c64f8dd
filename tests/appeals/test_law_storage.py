"""By law: what is held, what expires and how it goes, what a person is given of his own, letters without people."""

from __future__ import annotations

import json
import zipfile
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from otklik.appeals import destruction, dispatch, drafting, publication, registration, storage
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, Collective, DestructionAct, DestructionItem, DraftVariant, InquiryRule
from otklik.core import files, journal, retention
from otklik.core.models import AccessEntry, RetentionRule
from otklik.correspondence.models import IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage, Thread
from otklik.people.access import ReasonNeeded
from otklik.people.models import Applicant, Contact, Employee
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
OLD = date(2020, 6, 1)


@pytest.fixture
def second(world: World) -> Employee:
    """Give another person who keeps dictionaries."""
    return world.clerk2


@pytest.fixture(autouse=True)
def periods(db: None) -> None:
    retention.load()


def closed(world: World, on: date = OLD) -> Appeal:
    """Give a case answered and closed long ago, with a file that came and one that left."""
    appeal = world.registered_email()
    message = appeal.messages.get().message
    stored = files.store(b"passport of Ivanova", name="p.txt")
    IncomingFile.objects.create(message=message, name="Паспорт Ивановой.txt", stored=stored)
    dispatch.send(world.signed(appeal), by=world.clerk)
    OutgoingMessage.objects.update(state="sent", sent_at=timezone.now())
    appeal = world.again(appeal)
    dispatch.close(appeal, reason="", by=world.clerk)
    changes = {"received_on": on, "registered_on": on, "due_on": on, "closed_on": on, "needs_answer": True}
    Appeal.objects.filter(pk=appeal.pk).update(**changes)
    return world.again(appeal)


def carried_out(world: World, second: Employee) -> DestructionAct:
    act = destruction.draw("appeals", by=world.clerk)
    destruction.agree(act, commission="№ 3 от 01.02.2026", by=second)
    while destruction.work_next():
        pass
    act.refresh_from_db()
    return act


def test_the_term_is_counted_from_the_year_after_the_closing():
    assert storage.expires_on(date(2020, 1, 1), 5) == date(2026, 1, 1)
    assert storage.expires_on(date(2020, 12, 31), 5) == date(2026, 1, 1)


def test_only_what_is_closed_long_enough_and_not_held_expires(world):
    old = closed(world)
    on = date(2026, 1, 1)
    assert list(storage.expired("appeals", on)[1]) == [old]
    assert not storage.expired("appeals", date(2025, 12, 31))[1].exists()
    storage.hold(old, reason="Дело в суде", until=None, by=world.clerk)
    assert not storage.expired("appeals", on)[1].exists()
    storage.lift(old, by=world.clerk)
    assert storage.expired("appeals", on)[1].exists()


def test_a_kind_without_a_term_never_expires(world):
    appeal = closed(world)
    Appeal.objects.filter(pk=appeal.pk).update(needs_answer=False)
    assert not storage.expired("appeals-operational", date(2099, 1, 1))[1].exists()
    with pytest.raises(destruction.NothingExpired, match="срок хранения"):
        destruction.draw("appeals-operational", by=world.clerk)


def test_a_new_row_of_the_kind_written_by_people_counts(world):
    closed(world)
    shipped = RetentionRule.objects.get(code="appeals")
    RetentionRule.objects.create(kind=shipped.kind, years=50, basis="приказ", valid_from=timezone.localdate())
    assert not storage.expired("appeals", timezone.localdate())[1].exists()


def test_a_hold_says_why_and_ends_by_its_day(world):
    appeal = closed(world)
    with pytest.raises(storage.HoldRefused, match="почему"):
        storage.hold(appeal, reason=" ", until=None, by=world.clerk)
    with pytest.raises(storage.HoldRefused, match="прошёл"):
        storage.hold(appeal, reason="Суд", until=date(2020, 1, 1), by=world.clerk)
    with pytest.raises(NotAllowed):
        storage.hold(appeal, reason="Суд", until=None, by=world.executor)
    storage.hold(appeal, reason="Суд", until=timezone.localdate(), by=world.clerk)
    with pytest.raises(storage.HoldRefused, match="уже есть"):
        storage.hold(appeal, reason="Проверка", until=None, by=world.clerk)
    appeal.holds.update(until=date(2021, 1, 1))
    assert storage.hold_of(appeal) is None
    storage.hold(appeal, reason="Проверка", until=None, by=world.clerk)


def test_who_drew_an_act_up_does_not_agree_to_it_and_the_commission_is_named(world, second):
    closed(world)
    act = destruction.draw("appeals", by=world.clerk)
    with pytest.raises(destruction.ActRefused, match="другой человек"):
        destruction.agree(act, commission="№ 3", by=world.clerk)
    with pytest.raises(destruction.ActRefused, match="протокола"):
        destruction.agree(act, by=second)
    with pytest.raises(NotAllowed):
        destruction.agree(act, commission="№ 3", by=world.executor)
    assert not destruction.work_next()
    assert Appeal.objects.get().subject == "Продление аренды участка"


def test_what_is_destroyed_keeps_its_number_and_its_figures_and_loses_words_names_and_files(world, second):
    appeal = closed(world)
    came = IncomingFile.objects.get(message__taken__appeal=appeal).stored_id
    raw_words = ("Иванов", "ivanova", "Паспорт", "Прошу продлить")
    act = carried_out(world, second)
    item = act.items.get()
    assert (act.state, item.state) == (DestructionAct.State.DONE, DestructionItem.State.DONE)
    assert item.files >= 2
    assert len(item.digest) == 64
    gone = world.again(appeal)
    assert (gone.number, gone.closed_on, gone.unit, gone.regime) == (
        appeal.number, appeal.closed_on, appeal.unit, appeal.regime,
    )  # fmt: skip
    assert gone.questions.count() == 1
    left = [
        *Appeal.objects.values_list(),
        *IncomingMessage.objects.values_list(),
        *OutgoingMessage.objects.values_list(),
        *IncomingFile.objects.values_list(),
        *OutgoingFile.objects.values_list(),
        *Applicant.objects.values_list(),
        *Contact.objects.values_list(),
        *gone.frozen.values_list(),
        *gone.draft.revisions.values_list(),
    ]
    assert not [words for words in raw_words if words in str(left)]
    assert not files.StoredFile.objects.filter(pk=came).exists()
    assert journal.verify() == []
    assert act.document is not None
    assert files.path_of(act.document).read_bytes().startswith(b"%PDF")


def test_no_table_keeps_a_word_of_what_was_written_beside_the_letters(world, second):
    appeal, who, today = closed(world), "Тайнова", timezone.localdate()
    beside = {"author": world.signer, "entered_by": world.clerk, "to_person": world.head}
    appeal.resolutions.create(**beside, text=f"Ответить гражданке {who}")
    part = appeal.parts.create(employee=world.helper, asked_by=world.executor, what=who, text=who, due_on=today)
    part.files.create(stored=files.store(who.encode(), name="a.txt"), name=f"{who}.txt")
    DraftVariant.objects.create(
        revision=appeal.draft.revisions.earliest("pk"), name=who, file_name=who, file=files.store(b"x", name="b.txt")
    )
    asked = {"number": "1/З1", "on": today, "rule": InquiryRule.objects.earliest("pk"), "body": "Росреестр"}
    thread = Thread.objects.create()
    letter = OutgoingMessage.objects.create(
        thread=thread, channel="post", kind="notice", message_id="<z@here.example>", state="by_hand", text=who,
        not_before=timezone.now(),
    )  # fmt: skip
    appeal.inquiries.create(
        **asked, channel="post", address="Державина, 28", text=f"Есть ли участок у {who}?", why=[], thread=thread,
        due_on=today + timedelta(days=15), message=letter, made_by=world.executor,
    )  # fmt: skip
    appeal.complained.create(body=f"Глава {who}", by=world.clerk)
    signed = Collective.objects.create(appeal=appeal, by=world.clerk)
    signed.signatories.create(position=1, name=who, address=who)
    marked = {"state": "refused", "by_hand": True, "marked_at": timezone.now(), "marked_by": world.clerk}
    appeal.sstu_uploads.create(month=today.replace(day=1), reason=f"Нет ответа {who}", **marked)
    carried_out(world, second)
    left = [
        (model._meta.label, row)
        for model in apps.get_models()
        for row in model._default_manager.values_list()
        if who in str(row)
    ]
    assert left == []


def test_a_destroyed_case_is_not_answered_again(world, second):
    appeal = closed(world)
    carried_out(world, second)
    with pytest.raises(drafting.Destroyed):
        drafting.reopen(world.again(appeal), by=world.executor)
    assert not storage.expired("appeals", timezone.localdate())[1].exists()


def test_who_has_another_case_keeps_his_name_with_it(world, second):
    old = closed(world)
    Applicant.objects.filter(pk=old.applicant_id).update(last_name="Иванова")
    other = world.registered()
    Appeal.objects.filter(pk=other.pk).update(applicant=old.applicant_id)
    carried_out(world, second)
    assert Applicant.objects.get(pk=old.applicant_id).last_name == "Иванова"


def test_what_is_held_or_opened_after_the_act_was_agreed_is_left(world, second):
    held, opened = closed(world), closed(world)
    act = destruction.draw("appeals", by=world.clerk)
    destruction.agree(act, commission="№ 3", by=second)
    storage.hold(held, reason="Прокуратура", until=None, by=world.clerk)
    Appeal.objects.filter(pk=opened.pk).update(status="sent")
    while destruction.work_next():
        pass
    assert {row.why for row in act.items.all()} == {"запрещено уничтожать", "дело снова в работе"}
    assert IncomingMessage.objects.exclude(text="").count() == 2


def test_a_failure_leaves_the_case_whole_and_the_act_goes_on(world, second, monkeypatch):
    closed(world)
    act = destruction.draw("appeals", by=world.clerk)
    destruction.agree(act, commission="№ 3", by=second)
    monkeypatch.setattr(destruction, "_forget_person", lambda applicant: 1 / 0)
    while destruction.work_next():
        pass
    act.refresh_from_db()
    assert act.state == DestructionAct.State.DONE
    assert "не тронуто" in act.items.get().why
    assert IncomingMessage.objects.exclude(text="").exists()


def test_a_case_may_be_left_out_and_an_act_dropped_before_it_is_agreed(world, second):
    closed(world)
    act = destruction.draw("appeals", by=world.clerk)
    with pytest.raises(destruction.NothingExpired):  # it is in an act already
        destruction.draw("appeals", by=second)
    with pytest.raises(destruction.ActRefused, match="почему"):
        destruction.leave_out(act.items.get(), why="", by=world.clerk)
    destruction.leave_out(act.items.get(), why="Нужно архиву", by=world.clerk)
    with pytest.raises(destruction.ActRefused, match="не осталось"):
        destruction.agree(act, commission="№ 3", by=second)
    destruction.drop(act, why="Ошибка", by=world.clerk)
    with pytest.raises(destruction.ActRefused, match="отменён"):
        destruction.drop(act, why="Ошибка", by=world.clerk)
    assert destruction.draw("appeals", by=second).items.count() == 1


def test_a_person_is_given_everything_about_him_and_the_look_is_written_down(world):
    appeal = closed(world)
    with pytest.raises(ReasonNeeded):
        storage.export(appeal.applicant, reason=" ", by=world.clerk)
    with pytest.raises(NotAllowed):
        storage.export(appeal.applicant, reason="запрос", by=world.auditor)
    with zipfile.ZipFile(storage.export(appeal.applicant, reason="запрос субъекта", by=world.clerk)) as archive:
        told = json.loads(archive.read("dannye.json"))
        names = archive.namelist()
    assert told["данные"][0]["last_name"] == "Иванова"
    assert told["обращения"][0]["номер"] == appeal.number
    assert "Прошу продлить" in told["обращения"][0]["письма заявителя"][0]["message__text"]
    assert any(name.endswith("Паспорт_Ивановой.txt") for name in names)
    assert AccessEntry.objects.get(action="applicant.exported").data["reason"] == "запрос субъекта"


def test_letters_without_people_mark_every_place_and_take_words_of_ones_own(world):
    message = world.email(text="Я, Иванова Мария Петровна, тел. +7 913 123-45-67, участок у кафе Ромашка.")
    appeal = registration.register(message, world.email_entry(), by=world.clerk)
    [letter] = publication.texts(appeal, also=["кафе Ромашка"], by=world.clerk)
    assert letter.text.startswith("Я, [имя], тел. [телефон], участок у [скрыто]")
    assert letter.found == 3
    assert [piece.mark for piece in letter.pieces if piece.found] == ["[имя]", "[телефон]", "[скрыто]"]
    [kept] = publication.texts(appeal, kept=["Иванова Мария Петровна"], by=world.clerk)
    assert "Иванова Мария Петровна" in kept.text
    assert AccessEntry.objects.filter(action="appeal.masked").exists()
