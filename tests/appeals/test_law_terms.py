"""Extension, control terms and forwarding: what the law allows once and in time, and the letters each of them makes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import (
    assignment,
    bodies,
    complained,
    control_term,
    extension,
    forwarding,
    regime_choice,
    registration,
    terms,
)
from otklik.appeals import cover as covers
from otklik.appeals.errors import NotAllowed, WrongDate
from otklik.appeals.forwarding import Addressed
from otklik.appeals.models import Appeal, AppealQuestion, ControlTerm, Forwarding, QuestionOutcome, TermExtension
from otklik.core import calendar
from otklik.core.models import JournalEntry, Regime, TermRule
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Department
from tests.appeals.conftest import World

EVENT = date(2026, 11, 24)
MAYOR = Addressed("Мэрия города Новосибирска", "email", "mayor@city.example")


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make it noon of a day where the department is."""

    def make(on: date) -> None:
        value = timezone.make_aware(datetime.combine(on, time(12)))
        monkeypatch.setattr(timezone, "now", lambda: value)

    make(EVENT)
    return make


def _of(world: World, code: str, **changes: Any) -> Appeal:
    if code in {"pos", "pos_fast_track"}:
        changes |= {"answer_channel": ChannelCode.POS, "answer_address": "ПОС"}
    appeal = world.registered(regime=Regime.objects.get(code=code), **changes)
    return world.again(appeal)


def _extended(world: World, appeal: Appeal, **changes: Any) -> TermExtension:
    given = {"days": 30, "reason": "Ждём сведений Росреестра", "decided_by": world.signer, "by": world.clerk}
    return extension.extend(appeal, **{**given, **changes})


# --- extension -------------------------------------------------------------------------------------------------------


def test_a_term_is_extended_once_with_who_decided_why_and_a_notice(world: World, day: Any) -> None:
    appeal = _of(world, "59fz")
    assert appeal.due_on == date(2026, 12, 24)
    row = _extended(world, appeal)
    assert world.again(appeal).due_on == row.due_on == date(2027, 1, 22)  # 23.01 is a Saturday
    assert (row.decided_by, row.reason) == (world.signer, "Ждём сведений Росреестра")
    newest = terms.why(appeal)[-1]
    assert newest.reason == "срок продлён на 30 дн."
    assert newest.rule.basis == "59-ФЗ, ст. 12 ч. 1"
    said = [line["text"] for line in newest.why]
    assert any("Первоначальный срок, отсюда идёт срок (59-ФЗ, ст. 12 ч. 2)" in text for text in said)
    assert sum("день 30 из 30" in text for text in said) == 2
    letter = row.notice
    assert letter.kind == OutgoingMessage.Kind.NOTICE
    assert "продлён до 22.01.2027 (59-ФЗ, ст. 12 ч. 2)" in letter.text
    assert "Ждём сведений Росреестра" in letter.text
    assert letter.files.count() == 1
    line = JournalEntry.objects.get(action="appeal.extended")
    assert (line.data["was"], line.data["becomes"], line.data["days"]) == ("2026-12-24", "2027-01-22", 30)
    with pytest.raises(extension.ExtensionRefused, match="второе продление не предусмотрено"):
        _extended(world, world.again(appeal))


def test_after_the_term_it_is_refused_with_the_article(world: World, day: Any, trace: Any) -> None:
    appeal = _of(world, "59fz")
    day(date(2026, 12, 24))
    assert not extension.offer(appeal).refusal
    day(date(2026, 12, 25))
    before = trace()
    with pytest.raises(extension.ExtensionRefused, match=r"истёк 24.12.2026.*59-ФЗ, ст. 12 ч. 2"):
        _extended(world, appeal)
    assert trace() == before
    assert world.again(appeal).due_on == date(2026, 12, 24)


def test_a_request_for_information_is_extended_by_15_days_and_told_within_7_days(world: World, day: Any) -> None:
    appeal = _of(world, "information_request")
    with pytest.raises(extension.ExtensionRefused, match="на 1–15 дней"):
        _extended(world, appeal)
    day(EVENT + timedelta(days=8))
    with pytest.raises(extension.ExtensionRefused, match=r"до 01.12.2026 \(8-ФЗ, ст. 18 ч. 6\)"):
        _extended(world, appeal, days=15)
    day(EVENT + timedelta(days=7))
    assert _extended(world, appeal, days=15).due_on == date(2026, 12, 30)  # 08.01 is a holiday


def test_a_data_subjects_request_is_extended_by_working_days(world: World, day: Any) -> None:
    appeal = _of(world, "personal_data")
    assert appeal.due_on == date(2026, 12, 8)
    assert _extended(world, appeal, days=5).due_on == date(2026, 12, 15)


@pytest.mark.parametrize("code", ["pos", "pos_fast_track", "service_complaint", "prosecutor_request", "outside_59fz"])
def test_a_regime_without_a_rule_of_extension_refuses_in_words(world: World, day: Any, code: str, trace: Any) -> None:
    appeal = _of(world, code)
    before = trace()
    with pytest.raises(extension.ExtensionRefused, match="продление не предусмотрено"):
        _extended(world, appeal)
    assert trace() == before


def test_who_may_not_decide_does_not_extend_and_nothing_is_left(world: World, day: Any, trace: Any) -> None:
    appeal = world.assigned()
    before = trace()
    with pytest.raises(NotAllowed):
        _extended(world, appeal, by=world.executor)
    with pytest.raises(NotAllowed):
        _extended(world, appeal, decided_by=world.head)
    with pytest.raises(extension.ExtensionRefused, match="причину"):
        _extended(world, appeal, reason="  ")
    assert trace() == before


def test_of_two_who_extend_at_once_one_is_refused(world: World, day: Any) -> None:
    one = _of(world, "59fz")
    other = world.again(one)
    _extended(world, one)
    with pytest.raises(extension.ExtensionRefused):
        _extended(world, other)
    assert OutgoingMessage.objects.filter(kind="notice").count() == 1


def test_a_signed_answer_is_not_extended(world: World, day: Any) -> None:
    appeal = world.signed()
    with pytest.raises(extension.ExtensionRefused, match="закончена"):
        _extended(world, appeal)


# --- control terms ---------------------------------------------------------------------------------------------------


def test_the_earlier_of_our_term_and_a_control_term_counts(world: World, day: Any) -> None:
    appeal = _of(world, "59fz")
    control_term.put(appeal, until=date(2026, 12, 10), body="Правительство области", basis="№ 5", by=world.clerk)
    assert world.again(appeal).due_on == date(2026, 12, 10)
    last = terms.why(appeal)[-1].why[-1]
    assert "Контрольный срок 10.12.2026 (Правительство области, № 5) раньше нашего 24.12.2026" in last["text"]
    control_term.put(appeal, until=date(2027, 1, 15), body="Правительство области", basis="", by=world.clerk)
    assert world.again(appeal).due_on == date(2026, 12, 24)
    assert "действует наш" in terms.why(appeal)[-1].why[-1]["text"]
    assert ControlTerm.objects.filter(appeal=appeal, lifted_at=None).count() == 1
    control_term.lift(appeal, why="снято письмом № 6", by=world.clerk)
    assert world.again(appeal).due_on == date(2026, 12, 24)
    with pytest.raises(control_term.ControlRefused):
        control_term.lift(appeal, why="ещё раз", by=world.clerk)
    with pytest.raises(WrongDate):
        control_term.put(appeal, until=date(2020, 1, 1), body="Кто-то", basis="", by=world.clerk)


def test_a_covering_letter_brings_its_control_term_with_the_registration(world: World, day: Any) -> None:
    message = world.message(channel=ChannelCode.GOVERNOR)
    cover = covers.Cover(
        "А26-7", date(2026, 11, 20), date(2026, 12, 4), "Общественная приёмная Губернатора", "a@b.example"
    )
    covers.write(message, cover, by=world.clerk)
    appeal = registration.register(message, world.entry(), by=world.clerk)
    assert world.again(appeal).due_on == date(2026, 12, 4)
    row = control_term.current(appeal)
    assert row is not None
    assert (row.body, row.basis) == ("Общественная приёмная Губернатора", "№ А26-7 от 20.11.2026")
    assert "№ А26-7" in terms.why(appeal)[-1].why[-1]["text"]


def test_an_extension_does_not_outlive_a_control_term_and_shows_when_it_is_lifted(world: World, day: Any) -> None:
    appeal = _of(world, "59fz")
    control_term.put(appeal, until=date(2026, 12, 10), body="Прокуратура", basis="", by=world.clerk)
    row = _extended(world, appeal)
    assert (row.was_due_on, row.due_on) == (date(2026, 12, 24), date(2027, 1, 22))
    assert world.again(appeal).due_on == date(2026, 12, 10)
    control_term.lift(appeal, why="продлён и там", by=world.clerk)
    assert world.again(appeal).due_on == date(2027, 1, 22)


def test_a_term_counted_from_arrival_that_passed_before_registration_is_due_at_once(world: World, day: Any) -> None:
    appeal = _of(world, "lawyer_request", received_on=date(2026, 10, 1))
    assert appeal.due_on == EVENT
    assert "прошёл до регистрации" in terms.why(appeal)[-1].why[-1]["text"]


# --- a change of the calendar ----------------------------------------------------------------------------------------


def test_a_holiday_added_later_re_dates_extended_and_controlled_cases_with_their_grounds(
    world: World, day: Any
) -> None:
    plain, longer, controlled = (_of(world, "59fz") for _ in range(3))
    _extended(world, longer)
    control_term.put(controlled, until=date(2026, 12, 10), body="Прокуратура", basis="", by=world.clerk)
    calendar.set_day(date(2026, 12, 24), "holiday", source="постановление", by=world.clerk)
    changed = {one.appeal.pk: (one.was, one.becomes) for one in terms.preview()}
    assert changed == {plain.pk: (date(2026, 12, 24), date(2026, 12, 23))}
    terms.redate(by=world.clerk, reason="праздник")
    assert world.again(plain).due_on == date(2026, 12, 23)
    assert world.again(longer).due_on == date(2027, 1, 22)  # 30 days after 23.12 is 22.01, a Friday
    assert world.again(controlled).due_on == date(2026, 12, 10)
    assert terms.preview() == []


@pytest.mark.parametrize("few", [2, 20], ids=["together", "one by one"])
def test_re_dating_asks_a_number_of_queries_that_does_not_grow_with_cases(
    world: World, day: Any, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any, few: int
) -> None:
    monkeypatch.setattr(terms, "FEW", few)
    appeals = [_of(world, "59fz") for _ in range(4)]
    calendar.set_day(date(2026, 12, 24), "holiday", source="постановление", by=world.clerk)
    with django_assert_max_num_queries(16):
        assert len(terms.redate(by=world.clerk, reason="праздник")) == len(appeals)
    assert JournalEntry.objects.filter(action="appeal.redated").count() == len(appeals)
    for appeal in appeals:
        newest = terms.why(appeal)[-1]
        assert (newest.reason, newest.due_on, newest.rule.step) == ("праздник", date(2026, 12, 23), "answer")
        assert newest.why[-1]["date"] == "2026-12-23"
        assert world.again(appeal).due_on == newest.due_on


# --- forwarding ------------------------------------------------------------------------------------------------------


def _forwarded(world: World, appeal: Appeal, *bodies: Addressed, **changes: Any) -> Forwarding:
    given = {"whole": True, "signer": world.signer, "by": world.clerk, **changes}
    return forwarding.forward(appeal, list(bodies) or [MAYOR], **given)


def test_a_whole_forwarding_ends_the_case_with_the_day_of_the_notice_and_makes_both_letters(
    world: World, day: Any
) -> None:
    appeal = world.registered_email(regime=Regime.objects.get(code="59fz"))
    row = _forwarded(world, appeal, control_on=date(2026, 12, 24))
    again = world.again(appeal)
    assert (again.status, again.closed_on) == ("closed", EVENT)
    assert again.close_reason == "переслано по принадлежности: Мэрия города Новосибирска"
    [copy] = row.copies.all()
    assert (copy.letter.recipient, copy.letter.recipient_name) == ("mayor@city.example", "Мэрия города Новосибирска")
    assert "59-ФЗ, ст. 8 ч. 3" in copy.letter.text
    assert "не позднее 24.12.2026" in copy.letter.text
    names = list(copy.letter.files.values_list("name", flat=True))
    assert any(name.startswith("Обращение") for name in names)
    assert len(names) == 2
    assert "Мэрия города Новосибирска" in row.notice.text
    assert "отвечать по существу не будет" in row.notice.text
    assert row.due_on == date(2026, 12, 1)
    assert JournalEntry.objects.get(action="appeal.forwarded").data["copies"] == 1
    outcome = QuestionOutcome.objects.get(appeal=appeal, replaced_at=None)
    assert (outcome.kind.sstu, outcome.where) == ("Transferred", "Мэрия города Новосибирска")
    assert (outcome.number, outcome.dated) == (appeal.number, EVENT)


def test_copies_go_to_several_bodies_question_by_question_and_we_answer_the_rest(world: World, day: Any) -> None:
    appeal = world.registered(questions=[world.pair(), world.pair("0003.0011.0123.0843", "complaint")])
    first, second = AppealQuestion.objects.filter(appeal=appeal)
    others = [
        Addressed("Росреестр", "post", "630091, г. Новосибирск, ул. Державина, 28", [second]),
        Addressed("Мэрия города Новосибирска", "email", "mayor@city.example", [second]),
    ]
    with pytest.raises(forwarding.ForwardingRefused, match="какие вопросы"):
        _forwarded(world, appeal, MAYOR, whole=False)
    row = _forwarded(world, appeal, *others, whole=False)
    assert world.again(appeal).status == "registered"
    assert [list(copy.questions.all()) for copy in row.copies.all()] == [[second], [second]]
    assert second.topic.name in row.copies.all()[0].letter.text
    assert first.topic.name not in row.copies.all()[0].letter.text
    assert "На остальные вопросы ответит департамент не позднее 24.12.2026" in row.notice.text
    outcome = QuestionOutcome.objects.get(appeal=appeal, replaced_at=None)
    assert (outcome.question, outcome.where) == (second, "Росреестр, Мэрия города Новосибирска")


@pytest.mark.parametrize(
    ("complained", "body"),
    [
        ("на администрацию Коченёвского района", "Администрация Коченевского района Новосибирской области"),
        ("Мэрия", "Мэрия города Новосибирска"),
        ("Иванов И. И.", "Глава администрации района Иванов И. И."),
    ],
)
def test_never_to_the_one_complained_of(world: World, day: Any, trace: Any, complained: str, body: str) -> None:
    appeal = world.registered()
    before = trace()
    with pytest.raises(forwarding.ToWhomComplainedOf, match=r"ст. 8 ч. 6"):
        _forwarded(world, appeal, Addressed(body, "email", "a@b.example"), complained=[complained])
    assert trace() == before


@pytest.mark.parametrize(
    ("complained_of", "body", "one"),
    [
        ("на администрацию Коченёвского района", "Администрация Коченевского района Новосибирской области", True),
        ("Мэрия", "Мэрия города Новосибирска", True),
        ("Министерство транспорта", "Департамент транспорта мэрии", False),
    ],
)
def test_an_outcome_and_a_letter_judge_whom_the_case_complains_of_by_one_rule(
    world: World, complained_of: str, body: str, one: bool
) -> None:
    appeal = world.registered()
    complained.add(appeal, body=complained_of, by=world.clerk)
    assert bodies.same(complained_of, body) is one
    if not one:
        complained.check_body(world.again(appeal), body)
        return
    with pytest.raises(complained.BodyIsComplainedOf):
        complained.check_body(world.again(appeal), body)


def test_whom_the_case_names_is_compared_too(world: World, day: Any) -> None:
    appeal = world.registered()
    complained.add(appeal, body="мэрия Новосибирска", by=world.clerk)
    with pytest.raises(forwarding.ToWhomComplainedOf):
        _forwarded(world, world.again(appeal))


def test_never_to_oneself_and_the_department_of_the_city_is_another_body(world: World, day: Any, trace: Any) -> None:
    Department.objects.update(email="dizo@nso.example")
    appeal = world.registered()
    before = trace()
    for name, address in [
        ("Департамент имущества и земельных отношений НСО", "other@nso.example"),
        ("Другой орган", "DIZO@nso.example"),
    ]:
        with pytest.raises(forwarding.ToOneself, match="мы сами"):
            _forwarded(world, appeal, Addressed(name, "email", address))
    assert trace() == before
    city = "Департамент земельных и имущественных отношений мэрии города Новосибирска"
    assert not bodies.same("Департамент имущества и земельных отношений", city)
    _forwarded(world, appeal, Addressed(city, "email", "city@b.example"))


def test_after_seven_days_it_takes_a_reason_which_stays(world: World, day: Any) -> None:
    appeal = world.registered()
    day(date(2026, 12, 2))
    with pytest.raises(forwarding.ForwardingRefused, match=r"истёк 01.12.2026 \(59-ФЗ, ст. 8 ч. 3\)"):
        _forwarded(world, appeal)
    row = _forwarded(world, appeal, late_why="получено из суда только сегодня")
    assert row.late_why == "получено из суда только сегодня"
    assert JournalEntry.objects.get(action="appeal.forwarded").data["late"] is True


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        ([], "хотя бы один"),
        ([Addressed("Мэрия", "email", "не адрес")], "не адрес электронной почты"),
        ([Addressed("Мэрия", "vk", "vk.com/id1")], "по почте"),
        ([Addressed("Мэрия", "email", "")], "название, и адрес"),
        ([MAYOR, Addressed("мэрия города Новосибирска", "email", "b@city.example")], "дважды"),
        ([Addressed(f"Орган {n}", "email", "a@b.example") for n in range(21)], "не больше 20"),
    ],
)
def test_bad_lists_of_bodies_are_refused_in_words_and_nothing_moves(
    world: World, day: Any, trace: Any, bodies: list[Addressed], words: str
) -> None:
    appeal = world.registered()
    before = trace()
    with pytest.raises(Exception, match=words):
        forwarding.forward(appeal, bodies, whole=True, signer=world.signer, by=world.clerk)
    assert trace() == before
    assert world.again(appeal).status == "registered"


def test_what_is_on_its_way_to_signature_is_not_forwarded(world: World, day: Any) -> None:
    with pytest.raises(forwarding.ForwardingRefused, match="на согласовании"):
        _forwarded(world, world.again(world.asked()))
    with pytest.raises(NotAllowed):
        _forwarded(world, world.registered(), by=world.executor)


def test_a_regime_that_knows_no_forwarding_says_so(world: World, day: Any) -> None:
    with pytest.raises(forwarding.ForwardingRefused, match="переадресации не знает"):
        _forwarded(world, _of(world, "prosecutor_request"))


def test_of_two_who_forward_and_assign_at_once_one_is_told(world: World, day: Any) -> None:
    appeal = world.classified()
    other = world.again(appeal)
    assignment.assign(other, unit=world.land, executor=world.executor, by=world.clerk2)
    with pytest.raises(Exception, match="только что изменил другой"):
        _forwarded(world, appeal)
    assert not Forwarding.objects.exists()
    assert not OutgoingMessage.objects.filter(kind="notice").exists()


# --- which regime ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("Прошу предоставить информацию о проведённых торгах.", "information_request", "прошу предоставить информацию"),
        ("Адвокатский запрос в порядке ст. 6.1.", "lawyer_request", "адвокатский запрос"),
        ("Прошу прекратить обрабатывать мои персональные данные.", "personal_data", "обрабатывать мои персональные"),
        ("Прошу продлить аренду. Согласен на обработку моих персональных данных.", "59fz", ""),
        ("Прокурор района ответил, что прав депутат.", "59fz", ""),
        ("Депутатский запрос по участку.", "deputy_request", "депутатский запрос"),
        ("Жалоба на отказ в приёме документов.", "service_complaint_short", "жалоба на отказ в приеме документов"),
        ("Прошу продлить договор аренды.", "59fz", ""),
        ("Прокуратурой не занимаюсь.", "59fz", ""),
    ],
)
def test_words_of_a_law_propose_its_regime_with_the_reason(world: World, text: str, code: str, word: str) -> None:
    proposal = registration.propose(world.message(text=text))
    assert proposal.entry.regime.code == code
    assert word in proposal.regime_why
    if word:
        assert [one.regime.code for one in proposal.regimes] == ["59fz"]


def test_in_a_network_such_words_are_only_named_and_without_a_person_the_channel_decides(world: World) -> None:
    place = {"channel": ChannelCode.VK, "sender_address": "vk.com/id1", "text": "Адвокатский запрос"}
    proposal = registration.propose(world.message(**place))
    assert proposal.entry.regime.code == "outside_59fz"
    assert [one.regime.code for one in proposal.regimes] == ["lawyer_request"]
    letter = world.message(text="Адвокатский запрос")
    assert registration.propose(letter).entry.regime.code == "lawyer_request"
    assert registration.entry_for(letter).regime.code == "59fz"


def test_a_prosecutor_is_known_by_the_sender(world: World) -> None:
    proposal = registration.propose(
        world.message(sender_name="Прокуратура Центрального района", text="Направьте копию.")
    )
    assert proposal.entry.regime.code == "prosecutor_request"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, "pos"), ({"fast_track": "Да"}, "pos_fast_track"), ({"fz59": "Да", "fast_track": "Да"}, "59fz")],
)
def test_a_message_of_pos_is_what_its_export_says(world: World, fields: dict[str, str], code: str) -> None:
    message = world.message(channel=ChannelCode.POS, text="Персональные данные")
    inbox.add_facts(message, schema="pos/1", data={"fields": fields})
    assert registration.propose(message).entry.regime.code == code


def test_a_person_decides_the_proposal_is_only_filled_in(world: World) -> None:
    message = world.message(text="Прошу предоставить информацию о торгах")
    appeal = registration.register(message, world.entry(), by=world.clerk)
    assert appeal.regime_id == "59fz"
    assert TermRule.objects.filter(regime="59fz", step="extend").count() == 1


def test_another_regime_takes_a_reason_counts_the_date_anew_and_keeps_past_pauses(world: World, day: Any) -> None:
    Regime.objects.filter(code="prosecutor_request").update(pause_basis="статья о паузе")
    appeal = _of(world, "prosecutor_request")
    terms.pause(appeal, starts_on=EVENT, by=world.clerk)
    day(EVENT + timedelta(days=4))
    terms.resume(appeal, ends_on=EVENT + timedelta(days=4), by=world.clerk)
    appeal, law = world.again(appeal), Regime.objects.get(code="59fz")
    with pytest.raises(regime_choice.RegimeRefused, match="почему"):
        regime_choice.change(appeal, law, reason=" ", by=world.clerk)
    with pytest.raises(NotAllowed):
        regime_choice.change(appeal, law, reason="так", by=world.executor)
    due = regime_choice.change(appeal, law, reason="это обращение гражданина", by=world.clerk)
    assert world.again(appeal).due_on == due == date(2026, 12, 28)  # four paused days more than 24.12
    assert world.again(appeal).regime_id == "59fz"
    assert sum("приостановлен" in line["text"] for line in terms.why(appeal)[-1].why) == 4
    line = JournalEntry.objects.get(action="appeal.regime_changed").data
    assert (line["old"], line["regime"]) == ("prosecutor_request", "59fz")


def test_a_covering_letter_written_down_later_sets_its_control_term(world: World, day: Any) -> None:
    message = world.message(channel=ChannelCode.GOVERNOR)
    appeal = registration.register(message, world.entry(), by=world.clerk)
    cover = covers.Cover("А26-8", date(2026, 11, 20), date(2026, 12, 4), "Приёмная", "")
    covers.write(message, cover, by=world.clerk)
    assert world.again(appeal).due_on == date(2026, 12, 4)
    covers.write(message, cover, by=world.clerk)
    assert ControlTerm.objects.filter(appeal=appeal).count() == 1


def test_neither_59fz_nor_information_nor_pos_is_ever_paused(world: World, trace: Any) -> None:
    for code in ("59fz", "information_request", "pos", "pos_fast_track"):
        appeal = _of(world, code)
        before = trace()
        with pytest.raises(terms.PauseRefused):
            terms.pause(appeal, starts_on=timezone.localdate(), by=world.clerk)
        assert trace() == before
