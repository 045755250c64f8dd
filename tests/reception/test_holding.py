"""п. 35.1 and 35.3 cannot be got round: who holds the reception, what he must ask, what a question ends with."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdf
import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.appeals import classification, ways
from otklik.appeals.models import Appeal, FixedSigner
from otklik.core import files
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee, Substitution
from otklik.reception import finishing, handing_over, holding, instructions, moves, outcomes, recordings
from otklik.reception.models import (
    Appointment,
    Authority,
    CardHandover,
    CardQuestion,
    Instruction,
    ReceptionCard,
    Recording,
    SlotCell,
)
from tests.reception import people

S = ReceptionCard.State
pytestmark = pytest.mark.django_db


class Day:
    """An official with his card of today, ready to begin, and a colleague."""

    def __init__(self) -> None:
        self.official = people.official("volkova", "Волкова")
        self.other = people.official("zaitseva", "Зайцева")
        self.without = people.employee("nopower", "Безвластная", "signer")
        self.room = people.room(has_video=True, has_audio=True)
        self.applicant = people.applicant()
        at = timezone.now().replace(minute=0, second=0, microsecond=0)
        self.appointment = people.appointment(self.official, self.room, at, applicant=self.applicant)
        self.card = people.card(self.appointment, state="ready")
        self.topic = classification.valid_topics().first()
        self.need = classification.valid_needs().first()

    def open(self) -> ReceptionCard:
        holding.start(self.card, by=self.official)
        return self.card

    def asked(self) -> ReceptionCard:
        card = self.open()
        holding.introduce(card, by=self.official)
        holding.applied_before(card, False, by=self.official)
        return card

    def question(self, text: str = "Когда продлят аренду?") -> CardQuestion:
        return holding.add_question(self.card, text, topic=self.topic, need=self.need, by=self.official)

    def answered(self) -> ReceptionCard:
        self.asked()
        outcomes.oral(
            self.question(), answer="Аренда продлена до мая.", facts_evident=True, consent=True, by=self.official
        )
        return self.card


@pytest.fixture
def day() -> Day:
    return Day()


def noted(action: str, **data: Any) -> list[JournalEntry]:
    return [one for one in JournalEntry.objects.filter(action=action) if data.items() <= one.data.items()]


# Who holds it


def test_only_the_official_of_the_card_begins_and_an_attempt_of_another_is_written_down(day):
    for stranger in (day.other, day.without):
        with pytest.raises(holding.MayNotHold, match="вести приём может только"):
            holding.start(day.card, by=stranger)
    assert [one.actor for one in noted("reception.start_refused", refused_why="not_his")] == [day.other, day.without]
    assert ReceptionCard.objects.get().state == S.READY
    day.open()
    assert ReceptionCard.objects.get().state == S.OPEN
    assert Appointment.objects.get().state == Appointment.State.RECEIVED


def test_a_deputy_of_the_official_may_not_hold_his_reception(day):
    today = timezone.localdate()
    Substitution.objects.create(deputy=day.other, absent=day.official, starts_on=today, ends_on=today)
    deputy = Employee.objects.get(pk=day.other.pk)
    with pytest.raises(holding.MayNotHold, match="Заместитель"):
        holding.start(day.card, by=deputy)
    day.open()
    for step in (
        lambda: holding.introduce(day.card, by=deputy),
        lambda: holding.applied_before(day.card, False, by=deputy),
        lambda: holding.add_question(day.card, "Вопрос", by=deputy),
        lambda: finishing.finish(day.card, by=deputy),
    ):
        with pytest.raises(holding.MayNotHold):
            step()
    assert len(noted("reception.decision_refused", refused_why="not_his")) == 4


def test_powers_that_ended_yesterday_hold_nothing(day):
    Authority.objects.filter(official=day.official).update(valid_to=timezone.localdate() - timedelta(days=1))
    with pytest.raises(holding.MayNotHold, match="полномочия не действуют"):
        holding.start(day.card, by=day.official)
    assert noted("reception.start_refused", refused_why="no_authority")


def test_the_table_itself_lets_nobody_lead_by_anothers_order(day):
    card = day.answered()
    now = timezone.now()
    ended = {"state": S.FINISHED, "finished_at": now}
    for bad in (
        *({"official": day.other}, {"official": day.without}, {"authorised": day.other}, {"started_at": None}),
        *({**ended, "finished_by": None}, {**ended, "finished_by": day.other}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReceptionCard.objects.filter(pk=card.pk).update(**bad)
        card = ReceptionCard.objects.get()
        for name, value in bad.items():
            setattr(card, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            card.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            ReceptionCard.objects.bulk_update([card], list(bad))
    ReceptionCard.objects.filter(pk=card.pk).update(**ended, finished_by=day.official)  # whole, it passes


def test_a_reception_begins_on_its_day_only(day):
    Appointment.objects.update(starts_at=day.appointment.starts_at - timedelta(days=3))
    card = ReceptionCard.objects.get()
    with pytest.raises(holding.WrongDay):
        holding.start(card, by=day.official)


def test_without_the_marks_of_the_front_office_it_does_not_begin(day):
    card = people.card(people.appointment(day.official, people.room(), timezone.now() + timedelta(hours=2)))
    with pytest.raises((holding.NotHeld, holding.WrongDay)):
        holding.start(card, by=day.official)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.filter(pk=card.pk).update(state=S.OPEN)


def test_it_is_handed_over_only_to_one_with_powers_that_day_with_a_ground(day):
    day.open()
    holding.introduce(day.card, by=day.official)
    with pytest.raises(handing_over.HandOverRefused, match="нет полномочий"):
        handing_over.hand_over(day.card, day.without, ground="Вызван к губернатору", by=day.official)
    assert noted("reception.hand_over_refused", asked_of=day.without.pk, refused_why="no_authority")
    with pytest.raises(holding.MayNotHold):
        handing_over.hand_over(day.card, day.other, ground="Хочу", by=people.employee("desk", "Встречаева", "head"))
    with pytest.raises(handing_over.HandOverRefused, match="основание"):
        handing_over.hand_over(day.card, day.other, ground=" ", by=day.official)
    assert handing_over.takers(day.card) == [day.other]
    row = handing_over.hand_over(day.card, day.other, ground="Вызван к губернатору", by=day.official)
    card = ReceptionCard.objects.get()
    assert (card.official, card.introduced_at, row.was) == (day.other, None, day.official)
    for bad in ({"ground": ""}, {"to": day.official}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CardHandover.objects.update(**bad)
    assert SlotCell.objects.filter(resource=f"official:{day.other.pk}").exists()
    with pytest.raises(holding.MayNotHold):
        holding.introduce(card, by=day.official)
    holding.introduce(card, by=day.other)


def test_it_is_not_handed_to_one_who_receives_at_that_time_or_is_away(day):
    people.appointment(day.other, people.room(), day.appointment.starts_at)
    with pytest.raises(handing_over.HandOverRefused, match="другого заявителя"):
        handing_over.hand_over(day.card, day.other, ground="Совещание", by=day.official)
    assert ReceptionCard.objects.get().official == day.official
    today = timezone.localdate()
    Substitution.objects.create(deputy=day.without, absent=day.other, starts_on=today, ends_on=today)
    with pytest.raises(handing_over.HandOverRefused, match="отсутствует"):
        handing_over.hand_over(day.card, day.other, ground="Совещание", by=day.official)
    assert day.card.official == day.official


# What he must ask


def test_the_introduction_names_the_official_and_the_applicant(day):
    said = holding.introduction(day.card)
    assert "Волкова Анна Петровна" in said
    assert "Мария Петровна" in said


def test_whether_he_applied_before_is_answered_and_where(day):
    card = day.open()
    with pytest.raises(holding.AnswerNeeded, match="обращался ли"):
        holding.applied_before(card, None, by=day.official)
    with pytest.raises(holding.AnswerNeeded, match="в какой орган"):
        holding.applied_before(card, True, where=" ", by=day.official)
    holding.applied_before(card, True, where="В прокуратуру, письменно", by=day.official)
    assert ReceptionCard.objects.get().applied_where == "В прокуратуру, письменно"


# What a question ends with


def test_an_oral_answer_needs_evident_facts_consent_and_its_text(day):
    day.asked()
    one = day.question()
    whole = {"answer": "Да.", "facts_evident": True, "consent": True}
    for without, words in (
        ({"facts_evident": False}, "очевидны"),
        ({"consent": False}, "согласие"),
        ({"answer": " "}, "ответили"),
    ):
        with pytest.raises(holding.AnswerNeeded, match=words):
            outcomes.oral(one, **{**whole, **without}, by=day.official)
    for bad in ({"facts_evident": True}, {"oral_consent": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CardQuestion.objects.filter(pk=one.pk).update(outcome="oral", answer="Да.", **bad)
    outcomes.oral(one, **whole, by=day.official)
    assert one.outcome == "oral"
    assert one.decided_at


def test_a_written_answer_becomes_a_case_with_its_term_and_its_signer(day):
    day.asked()
    one = day.question()
    with pytest.raises(holding.AnswerNeeded, match="адрес"):
        outcomes.written(one, way="post", address=" ", by=day.official)
    with pytest.raises(holding.AnswerNeeded, match="как отправить"):
        outcomes.written(one, way="pigeon", address="крыша", by=day.official)
    with pytest.raises(ways.WrongAddress):
        outcomes.written(one, way="email", address="не адрес", by=day.official)
    assert not IncomingMessage.objects.exists()
    assert not Appeal.objects.exists()
    appeal = outcomes.written(one, way="post", address="630000, Новосибирск, Выдуманная, 1", by=day.official)
    assert (appeal.channel, appeal.regime.code, appeal.answer_channel) == ("reception", "59fz", "post")
    assert appeal.due_on
    assert appeal.applicant == day.applicant
    assert appeal.questions.get().topic == day.topic
    bound = FixedSigner.objects.get(appeal=appeal)
    assert bound.signer == day.official
    assert day.card.number in bound.why
    with pytest.raises(outcomes.CaseMade):
        outcomes.oral(one, answer="Да.", facts_evident=True, consent=True, by=day.official)
    with pytest.raises(outcomes.CaseMade):
        outcomes.written(one, way="post", address="Другой", by=day.official)
    assert Appeal.objects.count() == 1
    for bad in ({"outcome": "oral", "answer": "x", "facts_evident": True, "oral_consent": True}, {"address": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CardQuestion.objects.filter(pk=one.pk).update(**bad)


def test_outside_competence_it_is_explained_where_to_apply(day):
    day.asked()
    one = day.question()
    with pytest.raises(holding.AnswerNeeded, match="куда"):
        outcomes.explain(one, answer="", by=day.official)
    outcomes.explain(one, answer="В Росреестр, через МФЦ.", by=day.official)
    assert one.outcome == "explained"


def test_refused_only_where_an_answer_was_given_and_it_is_named(day):
    day.asked()
    one, second = day.question(), day.question("И ещё раз?")
    with pytest.raises(holding.AnswerNeeded, match="Выберите обращение"):
        outcomes.refuse(one, earlier=None, answer="Отвечали", by=day.official)
    earlier = outcomes.written(second, way="post", address="630000, Выдуманная, 1", by=day.official)
    with pytest.raises(holding.AnswerNeeded, match="не давался"):
        outcomes.refuse(one, earlier=earlier, answer="Отвечали", by=day.official)
    Appeal.objects.filter(pk=earlier.pk).update(answered_on=timezone.localdate())
    earlier.refresh_from_db()
    outcomes.refuse(one, earlier=earlier, answer="Ответ дан письмом.", by=day.official)
    assert one.answered_before == earlier
    with pytest.raises(IntegrityError), transaction.atomic():
        CardQuestion.objects.filter(pk=one.pk).update(answered_before=None)


def test_our_own_earlier_cases_of_the_applicant_are_found(day):
    day.asked()
    appeal = outcomes.written(day.question(), way="post", address="630000, Выдуманная, 1", by=day.official)
    assert not holding.earlier_cases(day.card)
    again = people.card(
        people.appointment(day.official, people.room(), timezone.now() + timedelta(days=1), applicant=day.applicant)
    )
    assert list(holding.earlier_cases(again)) == [appeal]


def test_a_paper_handed_over_waits_for_registration_as_any_message(day):
    day.asked()
    message = outcomes.take_paper(day.card, text="Прошу продлить аренду.", by=day.official)
    assert (message.channel, message.state) == ("reception", "new")


# Finishing


def test_a_card_is_not_finished_without_its_marks_and_each_is_named(day):
    card = day.open()
    with pytest.raises(finishing.MarksMissing) as refusal:
        finishing.finish(card, by=day.official)
    for words in ("представилось", "обращался ли заявитель", "ни одного вопроса"):
        assert words in str(refusal.value)
    holding.introduce(card, by=day.official)
    holding.applied_before(card, True, where="В прокуратуру", by=day.official)
    holding.add_question(card, "Без темы и исхода", by=day.official)
    assert finishing.missing(card) == ["вопрос 1: тема", "вопрос 1: исход"]
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.update(state=S.FINISHED, introduced_at=None)


def test_a_finished_card_does_not_change_and_finishing_twice_is_told(day):
    card = day.answered()
    other_window = ReceptionCard.objects.get(pk=card.pk)
    finishing.finish(card, by=day.official)
    assert Appointment.objects.get().state == Appointment.State.DONE
    with pytest.raises(finishing.AlreadyFinished, match="Волкова"):
        finishing.finish(other_window, by=day.official)
    assert len(noted("reception.finished")) == 1
    for step in (
        lambda: holding.introduce(card, by=day.official),
        lambda: holding.add_question(card, "Ещё", by=day.official),
        lambda: outcomes.explain(card.questions.get(), answer="Иное", by=day.official),
        lambda: handing_over.hand_over(card, day.other, ground="Поздно", by=day.official),
        lambda: moves.move(card, S.OPEN, by=day.official),
    ):
        with pytest.raises((holding.NotHeld, moves.MoveRefused)):
            step()


def test_two_windows_of_one_card_do_not_overwrite_each_other(day):
    card = day.open()
    other_window = ReceptionCard.objects.get(pk=card.pk)
    holding.introduce(card, by=day.official)
    with pytest.raises(moves.ChangedMeanwhile):
        holding.applied_before(other_window, False, by=day.official)


def test_the_printed_card_holds_every_mark_and_is_kept_with_its_hash(day):
    card = day.asked()
    outcomes.oral(
        day.question("Первый вопрос?"), answer="Ответ дан устно.", facts_evident=True, consent=True, by=day.official
    )
    appeal = outcomes.written(day.question("Второй вопрос?"), way="post", address="630000, Дом 1", by=day.official)
    outcomes.explain(day.question("Третий вопрос?"), answer="Обратитесь в Росреестр.", by=day.official)
    instructions.instruct(
        card, "Проверить участок", executor=day.other, due_on=timezone.localdate() + timedelta(days=5), by=day.official
    )
    finishing.finish(card, by=day.official)
    stored = ReceptionCard.objects.get().pdf
    [finished] = noted("reception.finished")
    assert finished.data["digest"] == stored.sha256
    reader = pypdf.PdfReader(BytesIO(files.path_of(stored).read_bytes()))
    text = " ".join("\n".join(page.extract_text() for page in reader.pages).split())
    for part in (
        card.number,
        "Иванова Мария Петровна",
        "паспорт гражданина РФ",
        "Волкова Анна Петровна",
        "Приказ № 12-л",
        day.room.name,
        "Видеопротоколирование",
        "Аудиопротоколирование",
        "согласен",
        "Должностное лицо представилось",
        "не обращался",
        "Первый вопрос?",
        "Ответ дан устно.",
        "получено",
        appeal.number,
        "630000, Дом 1",
        "Обратитесь в Росреестр.",
        "Проверить участок",
        "Приём завершён",
    ):
        assert part in text, part


def test_a_card_from_paper_is_entered_later_by_the_powers_of_that_day(day):
    at = day.appointment.starts_at - timedelta(days=3)
    Appointment.objects.update(starts_at=at, ends_at=at + timedelta(minutes=20))
    ReceptionCard.objects.update(from_paper=True, paper_number="Б-17")
    card = ReceptionCard.objects.get()
    holding.start(card, by=day.official, started_at=at)
    Authority.objects.filter(official=day.official).update(valid_to=timezone.localdate(at))
    holding.introduce(card, by=day.official)
    holding.applied_before(card, False, by=day.official)
    one = holding.add_question(card, "С бумаги", topic=day.topic, need=day.need, by=day.official)
    outcomes.explain(one, answer="В мэрию", by=day.official)
    finishing.finish(card, by=day.official)
    text = pypdf.PdfReader(BytesIO(files.path_of(card.pdf).read_bytes())).pages[0].extract_text()
    assert "с бумажной карточки № Б-17" in " ".join(text.split())


# Consent and recordings


def test_consent_to_video_withdrawn_midway_stops_the_reception(day):
    card = day.asked()
    holding.withdraw_consent(card, "audio", by=day.official)
    assert card.state == S.OPEN
    holding.withdraw_consent(card, "video", by=day.official)
    assert card.state == S.PAUSED
    with pytest.raises(holding.NotHeld, match="прерван"):
        day.question()
    with pytest.raises(moves.RoomHasVideo):
        holding.resume(card, by=day.official)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.update(state=S.OPEN)
    plain = people.room()
    moves.move(card, S.PAUSED, by=day.official, room=plain, room_video=False, room_audio=False)
    holding.resume(card, by=day.official)
    assert card.state == S.OPEN


def _film() -> ContentFile:
    return ContentFile(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\0" * 64, name="film.mp4")


def test_no_recording_without_the_consent_of_that_kind(day):
    card = day.asked()
    desk = people.employee("desk", "Встречаева", "receptionist")
    with pytest.raises(recordings.MayNotOpen):
        recordings.add(card, "video", _film(), name="film.mp4", by=people.employee("none", "Никто"))
    row = recordings.add(card, "video", _film(), name="film.mp4", by=desk)
    assert row.keep_until > timezone.localdate()
    with pytest.raises(recordings.BadRecording, match="Подойдут"):
        recordings.add(card, "audio", _film(), name="film.mp4", by=desk)
    holding.withdraw_consent(card, "audio", by=day.official)
    with pytest.raises(recordings.NoConsent, match="отозвано"):
        recordings.add(card, "audio", _film(), name="voice.mp3", by=desk)
    assert noted("reception.recording_refused", kind="audio")
    with pytest.raises(IntegrityError), transaction.atomic():
        Recording.objects.create(card=card, kind="audio", name="x", by=desk, keep_until=timezone.localdate())


def test_every_opening_of_a_recording_is_in_the_access_log_and_its_term_ends_it(day):
    card = day.asked()
    desk = people.employee("desk", "Встречаева", "receptionist")
    row = recordings.add(card, "video", _film(), name="film.mp4", by=desk)
    with pytest.raises(recordings.MayNotOpen):
        recordings.opened(row, by=people.employee("none", "Никто"))
    recordings.opened(row, by=desk)
    assert AccessEntry.objects.filter(action="reception.recording_opened", data__recording=row.pk).count() == 1
    Recording.objects.update(keep_until=timezone.localdate() - timedelta(days=1))
    assert recordings.remove_expired() == 1
    assert recordings.remove_expired() == 0
    with pytest.raises(recordings.BadRecording, match="истёк"):
        recordings.opened(Recording.objects.get(), by=desk)


# Instructions


def test_an_instruction_is_reported_by_its_executor_and_taken_off_control_by_who_gave_it(day):
    card = day.asked()
    today = timezone.localdate()
    with pytest.raises(instructions.BadInstruction, match="прошёл"):
        instructions.instruct(card, "Проверить", executor=day.other, due_on=today - timedelta(days=1), by=day.official)
    with pytest.raises(holding.MayNotHold):
        instructions.instruct(card, "Проверить", executor=day.official, due_on=today, by=day.other)
    row = instructions.instruct(card, "Проверить", executor=day.other, due_on=today, by=day.official)
    with pytest.raises(instructions.BadInstruction, match="Отчитывается"):
        instructions.report(row, "Сделано", by=day.without)
    with pytest.raises(instructions.BadInstruction, match="не отчитался"):
        instructions.accept(row, by=day.official)
    instructions.report(row, "Сделано", by=day.other)
    instructions.give_back(row, "Нет фотографий", by=day.official)
    assert row.done_at is None
    assert row.remark
    instructions.report(row, "Сделано с фотографиями", by=day.other)
    with pytest.raises(instructions.BadInstruction, match="снимает"):
        instructions.accept(row, by=day.other)
    instructions.accept(row, by=day.official)
    with pytest.raises(IntegrityError), transaction.atomic():
        Instruction.objects.filter(pk=row.pk).update(done_at=None)


def test_an_overdue_instruction_is_seen(day):
    card, today = day.asked(), timezone.localdate()
    instructions.instruct(card, "Проверить", executor=day.other, due_on=today, by=day.official)
    assert not instructions.overdue(today)
    assert instructions.overdue(today + timedelta(days=1)).count() == 1
