"""Who leaves hands over what he holds in every room, on one page, in one press: all of it or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import approval, case_questions, handover, parts, resolutions
from otklik.appeals.models import Appeal, ApprovalRoute, AwaitedApproval, CoExecutor, HelperPart, Resolution, RouteStop
from otklik.channels.webhooks.models import Webhook
from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.hotline import defaults, promises
from otklik.hotline.models import Consultation, Line, MissedCall, Promise
from otklik.people.models import Employee
from otklik.reception import instructions
from otklik.reception.models import AppointmentNotice, Instruction
from otklik.workplace import duties
from tests.appeals.conftest import LONG_AGO, World
from tests.desk import at
from tests.desk import entered as desk
from tests.reception import people

pytestmark = pytest.mark.django_db
ROLES = ["executor", "head", "consultant"]


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def leaver(world: World) -> Employee:
    return world.employee("leaver", "Уходилова", world.land, ROLES)


@pytest.fixture
def taker(world: World) -> Employee:
    return world.employee("taker", "Лисицына", world.land, ROLES)


@pytest.fixture
def admin(world: World) -> Client:
    return desk(world.employee("admin", "Настройкина", world.hq, ["admin"]))


def page(answer: object) -> str:
    return str(answer.content.decode())  # type: ignore[attr-defined]


def of_appeals(world: World, who: Employee) -> None:
    """Ask one for a part, a question, a later approval and a resolution, and name him on a route."""
    today = timezone.localdate()
    appeal = world.drafted()
    parts.ask(appeal, [who], what="Сведения о границах", due_on=today, by=world.executor)
    question = appeal.questions.earliest("pk")
    case_questions.describe(question, text="О границах", executor=who, by=world.clerk)
    approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)
    revision = world.again(appeal).draft.revisions.latest("seq")
    AwaitedApproval.objects.create(revision=revision, turn=2, approver=who, asked_by=world.executor)
    resolutions.write(world.assigned(), text="Подготовить", to=who, due_on=today, by=world.signer)
    route = ApprovalRoute.objects.create(name="Земля", valid_from=LONG_AGO)
    RouteStop.objects.create(route=route, employee=who)
    old = ApprovalRoute.objects.create(name="Прежний", valid_from=LONG_AGO, valid_to=today - timedelta(days=1))
    RouteStop.objects.create(route=old, employee=who)


def of_other_rooms(world: World, who: Employee) -> None:
    """Give one an instruction, a promise to call back, a missed call and a connection."""
    now = timezone.now()
    official = people.official()
    card = people.card(people.appointment(official, people.room()), state="finished")
    instructions.instruct(card, "Выехать", executor=who, due_on=timezone.localdate(), by=official)
    defaults.load()
    line = Line.objects.get(code=defaults.DEPARTMENT)
    talk = Consultation.objects.create(line=line, by=who, opened_at=now)
    promises.give(talk, number="+7 913 000-00-01", due_at=now + timedelta(hours=1), about="О сроке", by=who)
    MissedCall.objects.create(
        line=line, number="+79130000002", number_key="9130000002", first_at=now, last_at=now, due_at=now,
        in_hours=True, taken_by=who, taken_at=now,
    )  # fmt: skip
    Webhook.objects.create(
        name="Портал", url="https://portal.example", owner=who, secrets="",
        valid_from=LONG_AGO, valid_to=timezone.localdate() + timedelta(days=9),
    )  # fmt: skip


def test_one_page_shows_everything_and_one_press_hands_it_over(world, leaver, taker, admin):
    of_appeals(world, leaver)
    of_other_rooms(world, leaver)
    shown = page(admin.get(at("employee_block", leaver.pk)))
    said = ("готовит часть ответа", "отвечает на один из вопросов", "согласует, когда дойдёт очередь")
    said += ("исполняет резолюцию", "Согласует по маршруту «Земля»", "Поручение с приёма", "Обещал перезвонить")
    for words in (*said, "пропущенный звонок", "системе «Портал»"):
        assert words in shown, words
    assert "Прежний" not in shown
    assert "9130000002" not in shown
    answer = admin.post(at("employee_block", leaver.pk), {"everyone": taker.pk, "connections": world.clerk.pk})
    assert answer.status_code == 302, page(answer)
    assert not world.fresh(leaver).is_active
    assert not handover.held_by(leaver)
    assert not duties.held_by(leaver)
    assert HelperPart.objects.get().employee == taker
    assert AwaitedApproval.objects.get().approver == taker
    assert Resolution.objects.get().to_person == taker
    assert RouteStop.objects.get(route__name="Земля").employee == taker
    assert RouteStop.objects.get(route__name="Прежний").employee == leaver, "what is past stays as it was"
    assert CoExecutor.objects.filter(employee=taker).exists()
    assert Instruction.objects.get().executor == taker
    assert Promise.objects.get().by == taker
    assert MissedCall.objects.get().taken_by is None, "any consultant calls back"
    assert Webhook.objects.get().owner == world.clerk
    for action in ("reception.instruction_passed", "promise.passed_on", "missed.given_back", "webhook.passed_on"):
        assert JournalEntry.objects.filter(action=action).count() == 1, action
    row = JournalEntry.objects.get(action="employee.handed_over")
    assert (row.data["parts"], row.data["resolutions"], row.data["stops"]) == (1, 1, 1)
    assert journal.verify() == []


def test_only_who_may_take_the_work_is_offered(world, leaver, taker, admin):
    elsewhere = world.employee("elsewhere", "Чужакова", world.law, ROLES)
    Appeal.objects.filter(pk=world.assigned().pk).update(executor=leaver)
    form = admin.get(at("employee_block", leaver.pk)).context["form"]
    offered = set(form.fields["everyone"].queryset)
    assert taker in offered
    assert elsewhere not in offered
    Employee.objects.filter(unit=world.land).exclude(pk=leaver.pk).update(is_active=False)
    shown = page(admin.get(at("employee_block", leaver.pk)))
    assert "Больше никто не готовит ответы подразделения" in shown


def test_one_that_cannot_be_taken_stops_everything(world, leaver, taker, admin):
    of_appeals(world, leaver)
    of_other_rooms(world, leaver)
    before = (handover.held_by(leaver), duties.held_by(leaver))
    entries = JournalEntry.objects.count()
    address = at("employee_block", leaver.pk)
    for typed, words in [
        ({"basis": "приказ"}, "Выберите, кому передать"),
        ({"everyone": taker.pk, "resolutions": world.signer.pk}, "резолюцию себе не пишут"),
    ]:
        answer = admin.post(address, typed)
        assert answer.status_code == 422
        assert words.lower() in page(answer).lower()
        assert (handover.held_by(leaver), duties.held_by(leaver)) == before
        assert world.fresh(leaver).is_active
    assert [one.action for one in JournalEntry.objects.order_by("pk")[entries:]] == []


def test_who_holds_nothing_but_a_promise_hands_it_over(world, leaver, taker, admin):
    defaults.load()
    talk = Consultation.objects.create(
        line=Line.objects.get(code=defaults.DEPARTMENT), by=leaver, opened_at=timezone.now()
    )
    soon = timezone.now() + timedelta(hours=1)
    promises.give(talk, number="+7 913 000-00-01", due_at=soon, about="О сроке", by=leaver)
    assert admin.post(at("employee_handover", leaver.pk), {"everyone": taker.pk}).status_code == 302
    assert Promise.objects.get().by == taker
    assert "Передавать нечего" in page(admin.get(at("employee_handover", leaver.pk)))


def test_a_promise_is_not_given_to_who_does_not_work_on_the_line(world, leaver, admin):
    of_other_rooms(world, leaver)
    address = at("employee_handover", leaver.pk)
    assert admin.post(address, {"everyone": world.executor.pk}).status_code == 422, "he is not offered"
    by, to = (
        Employee.objects.get(username="admin"),
        dict.fromkeys(("instructions", "promises", "connections"), world.executor),
    )
    with pytest.raises(promises.NotOfTheLine, match="не работает на линии"):
        handover.hand_over(leaver, to=to, by=by, also=lambda: duties.pass_on(leaver, to=to, by=by))
    assert Instruction.objects.get().executor == leaver, "all of it or nothing"


def test_a_part_goes_to_no_executor_who_would_assemble_it(world, leaver, admin):
    appeal = world.drafted()
    parts.ask(appeal, [leaver], what="Сведения", due_on=timezone.localdate(), by=world.executor)
    assert admin.post(at("employee_handover", leaver.pk), {"everyone": world.executor.pk}).status_code == 302
    assert not HelperPart.objects.exists()
    assert not CoExecutor.objects.filter(appeal=appeal, employee=world.executor).exists()


def test_who_is_booked_with_him_is_received_by_another_official_the_same_day(world, admin):
    leaver, other, room = people.official(), people.official("other", "Зайцева"), people.room()
    monday = people.next_weekday(0)
    people.rule(other, room)
    at_eleven = people.moment(monday.year, monday.month, monday.day, 11, 0)
    row = people.appointment(leaver, room, at_eleven)
    shown = page(admin.get(at("employee_handover", leaver.pk)))
    assert "К нему записаны на приём: 1" in shown
    assert row.last_name not in shown, "times only"
    given = {"do": "receptions", "receptions-taker": other.pk, "receptions-why": "больше не ведёт приём"}
    assert "Причина" in page(admin.post(at("employee_handover", leaver.pk), {**given, "receptions-why": ""}))
    assert admin.post(at("employee_handover", leaver.pk), given).status_code == 302
    row.refresh_from_db()
    assert (row.official_id, timezone.localdate(row.starts_at), row.state) == (other.pk, monday, "booked")
    assert AppointmentNotice.objects.filter(appointment=row, kind="moved").exists()
    assert JournalEntry.objects.filter(action="appointment.moved", chain=f"appointment:{row.pk}").count() == 1
    assert "К нему записаны" not in page(admin.get(at("employee_handover", leaver.pk)))


def test_whom_nobody_may_receive_that_day_stays_until_it_is_said_to_call_him_off(world, admin):
    leaver, room = people.official(), people.room()
    monday = people.next_weekday(0)
    row = people.appointment(leaver, room, people.moment(monday.year, monday.month, monday.day, 11, 0))
    address = at("employee_handover", leaver.pk)
    assert "полномочия на личный приём в эти дни нет ни у кого" in page(admin.get(address))
    given = {"do": "receptions", "receptions-why": "больше не ведёт приём"}
    refused = admin.post(address, given)
    assert (refused.status_code, "Записи не переданы" in page(refused)) == (422, True)
    idle = people.official("idle", "Праздная")
    refused = page(admin.post(address, {**given, "receptions-taker": idle.pk}))
    assert "нет свободного времени приёма" in refused
    assert 'value="больше не ведёт приём"' in refused
    row.refresh_from_db()
    assert (row.official_id, row.state) == (leaver.pk, "booked")
    answer = admin.post(address, {**given, "receptions-taker": idle.pk, "receptions-cancel_rest": "on"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.state, row.ended_why) == ("cancelled", "больше не ведёт приём")
    assert AppointmentNotice.objects.filter(appointment=row, kind="cancelled").exists()


def test_what_nobody_takes_over_by_being_named_is_told_apart(world, admin):
    official = people.official()
    people.appointment(official, people.room())
    shown = page(admin.get(at("employee_block", official.pk)))
    assert "Решается отдельно" in shown
    assert "К нему записаны на приём: 1" in shown
    assert "Полномочие на личный приём" in shown
