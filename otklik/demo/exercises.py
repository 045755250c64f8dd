"""What an exercise of the stand is about: a letter to be registered, a draft to be agreed, a call to be returned.

Everything is made now and by the ordinary steps, as colleagues of who practises would have: their clock is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import signature
from otklik.appeals.models import Appeal
from otklik.demo import citizens, receptions
from otklik.demo.history import Historian, Plan, letter_of
from otklik.demo.staff import UNITS
from otklik.hotline import defaults as hotline
from otklik.hotline import missed
from otklik.hotline.models import Call, CallEvent, Line, MissedCall
from otklik.knowledge import quarters, rights
from otklik.knowledge.models import Faq, Mark, Material, Proposal, Section, Vote
from otklik.people.applicants import phone_key
from otklik.people.models import Employee, Unit
from otklik.reception import appointments, authority, front_office
from otklik.reception.models import Appointment, ReceptionCard, Room, Source
from otklik.workplace.exercises import NothingToPractiseOn, Things

S = Appeal.Status
# Remainders of a case's number choose its history: this one is undisturbed by any (helpers, returns, other clerks).
_ROUND: Final = 1980
ADVERT: Final = "Уникальное предложение! Продвижение сайтов, тонеры и канцтовары оптом. Скидка до конца недели."
ADDED: Final = "Забыл приложить: участок огорожен с 1995 года, соседи подтвердят. Прошу учесть вместе с моим письмом."
DRAFT: Final = "Как узнать, на каком этапе заявление"
OLD: Final = "Куда обратиться за копией договора"
ASKED: Final = "Нужен ли представителю подлинник доверенности"
_ROOM: Final = ("Учебный кабинет", "1 этаж", 1, True, True, 500)
_QUARTER: Final = timedelta(minutes=15)
_PERSON: Final = {"last_name": "Примеров", "first_name": "Пётр", "patronymic": "Учебнович", "matter": "Граница участка"}


class Tutor(Historian):
    """Brings an appeal to a state today, in the unit of who practises and, where it is his step, to him."""

    def __init__(self, pupil: Employee) -> None:
        people = {one.username: one for one in Employee.objects.select_related("unit")}
        units = {code: one for code, (index, *_) in UNITS.items() for one in Unit.objects.filter(index=index)}
        super().__init__(units, people, now=timezone.now())
        self.pupil = pupil

    def plan(self, channel: str, place: int = 0) -> Plan:
        """Return a case that came a while ago, about a matter of the pupil's unit where it has any."""
        code = next((code for code, unit in self.units.items() if unit.pk == self.pupil.unit_id), "")
        of_unit = [one for one in citizens.MATTERS if one.unit == code] or list(citizens.MATTERS[:4])
        number = (int(self.now.timestamp() * 1000) + place) * _ROUND + 1
        who = replace(citizens.people(self.chance, 1)[0], email=f"pupil{number}@mail.example")
        return Plan(
            arrived=self.now - timedelta(hours=2),
            channel=channel,
            matter=of_unit[place % len(of_unit)],
            who=who,
            target=S.APPROVAL,
            number=number,
        )

    def bring(self, target: str, channel: str = "email", place: int = 0) -> Appeal:
        """Return a new appeal in this state, every step done today."""
        plan = self.plan(channel, place)
        appeal = self._register(plan, self.arrive(plan))
        steps: tuple[tuple[str, Callable[[Plan, Appeal], None]], ...] = (
            (S.CLASSIFIED, self._classify),
            (S.ASSIGNED, self._assign),
            (S.DRAFTING, self._draft),
            (S.APPROVAL, self._ask),
            (S.SIGNING, self._freeze),
        )
        plan = plan if target == S.APPROVAL else replace(plan, target=target)
        for state, step in steps:
            step(plan, appeal)
            appeal.refresh_from_db(fields=["status", "version"])
            if state == target:
                break
        return appeal

    def _executor(self, plan: Plan) -> Employee:
        if self.pupil.has_power("appeals.draft") and not self.pupil.has_power("appeals.approve"):
            return self.pupil
        return super()._executor(plan)

    def _head(self, plan: Plan) -> Employee:
        heads = self.pupil.has_power("appeals.approve") and not self.pupil.has_power("appeals.sign")
        return self.pupil if heads else super()._head(plan)

    def _signer(self, plan: Plan, appeal: Appeal) -> Employee:
        return self.pupil if self.pupil.has_power("appeals.sign") else super()._signer(plan, appeal)


def make(code: str, pupil: Employee) -> Things:
    """Return what an exercise is about, made for this employee."""
    maker = _MAKERS.get(code)
    return maker(pupil) if maker else {}


def _letters(pupil: Employee) -> Things:
    tutor = Tutor(pupil)
    plan = replace(tutor.plan("email"), arrived=tutor.now - timedelta(minutes=40))
    letter = tutor.arrive(plan)
    more = replace(plan, number=plan.number + _ROUND)
    reply = letter_of(more, ADDED)
    reply.replace_header("Subject", f"Дополнение: {plan.matter.subject.lower()}")
    advert = letter_of(replace(tutor.plan("email", 2)), ADVERT)
    advert.replace_header("Subject", "Выгодно для вашей организации")
    return {
        "letter": letter.pk,
        "reply": tutor.take_letter(reply, at=tutor.now - timedelta(minutes=20)).pk,
        "advert": tutor.take_letter(advert, at=tutor.now - timedelta(minutes=5)).pk,
    }


def _answer(pupil: Employee) -> Things:
    if pupil.unit_id is None:
        raise NothingToPractiseOn(what="вы не состоите в подразделении, назначить вам обращение нельзя.")
    return {"appeal": Tutor(pupil).bring(S.ASSIGNED).pk}


def _decisions(pupil: Employee) -> Things:
    if pupil.unit_id is None:
        raise NothingToPractiseOn(what="вы не состоите в подразделении, обращений отдела у вас нет.")
    tutor = Tutor(pupil)
    return {
        "faulty": tutor.bring(S.APPROVAL).pk,
        "good": tutor.bring(S.APPROVAL, place=1).pk,
        "fresh": tutor.bring(S.ASSIGNED, place=2).pk,
    }


def _to_sign(pupil: Employee) -> Things:
    tutor, things = Tutor(pupil), dict[str, int]()
    for place, name in enumerate(("first", "second")):
        appeal = tutor.bring(S.SIGNING, channel="post", place=place)
        answer = signature.frozen_of(appeal)
        assert answer is not None
        things |= {name: answer.pk, f"{name}_appeal": appeal.pk}
    return things


def _materials(pupil: Employee) -> Things:
    units = rights.units_edited_by(pupil, timezone.localdate())
    sections = Section.objects.filter(live=True)
    section = (sections if pupil.has_power(rights.CHIEF) else sections.filter(unit__in=units)).order_by("path").first()
    material = Material.objects.filter(live=True).order_by("path").first()
    if section is None or material is None:
        raise NothingToPractiseOn(what="у вашего подразделения нет разделов Базы знаний с материалами.")
    mark = token_hex(4)
    page = Faq(title=DRAFT, slug=f"exercise-{mark}", mark=Mark.FOR_ANSWERS, live=False, demo=True)
    draft = section.add_child(instance=page)
    draft.save_revision(user=pupil, clean=False)  # a draft may have gaps
    asked = Proposal.objects.create(
        kind=Proposal.Kind.ASKED, key=f"exercise-{mark}", title=ASKED, unit=section.unit, section=section, signals=1
    )
    said = "Подайте заявление через сайт или лично: копию подготовим за пять рабочих дней."
    page = Faq(title=OLD, slug=f"exercise-old-{mark}", mark=Mark.FOR_ANSWERS, short_answer=said, live=False, demo=True)
    old = section.add_child(instance=page)
    old.save_revision().publish()  # whoever published it, it is the pupil who checks it
    asked_about = quarters.ask_about(old, unit=section.unit_id)
    return {
        "draft": draft.pk,
        "proposal": asked.pk,
        "material": _unvoted(pupil, material).pk,
        "old": old.pk,
        "review": asked_about.pk,
    }


def _unvoted(pupil: Employee, first: Material) -> Material:
    """Return a material of which the pupil has said nothing yet; where he spoke of all, the first."""
    said = Vote.objects.filter(by=pupil).values("page")
    return Material.objects.filter(live=True).exclude(pk__in=said).order_by("path").first() or first


def _missed(_: Employee) -> Things:
    hotline.load()
    line = Line.objects.get(code=hotline.DEPARTMENT)
    now = timezone.now()
    number = f"+7 900 {now:%j}-{now:%H}-{now:%M}"
    call = Call.objects.create(
        uid=f"exercise.{token_hex(8)}", line=line, source=CallEvent.Source.HAND, number=number,
        number_key=phone_key(number), came_at=now - _QUARTER, ended_at=now - _QUARTER + timedelta(seconds=50),
        waited=50, state=Call.State.MISSED,
    )  # fmt: skip
    missed.after(call)
    call.refresh_from_db()
    if call.missed_id is None:
        raise NothingToPractiseOn(what="учебный звонок не стал пропущенным. Начните ещё раз через минуту.")
    return {"missed": MissedCall.objects.get(pk=call.missed_id).pk}


def _visit(pupil: Employee) -> Things:
    return {"visit": _booked(_official(pupil), by=pupil).pk}


def _reception(pupil: Employee) -> Things:
    desk = Employee.objects.filter(assignments__role="receptionist", is_active=True).order_by("pk").first()
    if desk is None:
        raise NothingToPractiseOn(what="на стенде нет секретаря приёмной, который подготовит карточку.")
    row = _booked(_may_receive(pupil, by=desk), by=desk)
    card: ReceptionCard = front_office.open_card(row, by=desk)
    front_office.check_document(card, document="passport", matches=True, by=desk)
    front_office.inform(card, video="given", audio="given", by=desk)
    front_office.ready(card, by=desk)
    return {"card": card.pk}


def _official(desk: Employee) -> Employee:
    today = timezone.localdate()
    power = authority.valid_on(today).select_related("official").order_by("pk").first()
    if power is not None:
        return power.official
    signer = Employee.objects.filter(assignments__role="signer", is_active=True).order_by("pk").first()
    if signer is None:
        raise NothingToPractiseOn(what="на стенде нет должностного лица, которое ведёт приём.")
    return _may_receive(signer, by=desk)


def _may_receive(official: Employee, *, by: Employee) -> Employee:
    today = timezone.localdate()
    if not authority.of(official, today):
        authority.give(official, basis="Учебный приказ", valid_from=today, by=by)
    return official


def _booked(official: Employee, *, by: Employee) -> Appointment:
    """Book somebody for today, at the nearest quarter of an hour in which nobody else has the official or the room."""
    room = Room.objects.filter(name=_ROOM[0]).first() or receptions.fitted_room(_ROOM, by=by)
    now = timezone.localtime().replace(second=0, microsecond=0)
    now -= timedelta(minutes=now.minute % 15)
    for number in (step for pair in zip(range(60), range(-1, -61, -1), strict=True) for step in pair):
        begins = now + number * _QUARTER
        if begins.date() != now.date():
            continue
        if row := _kept(official, room, begins, by):
            return row
    raise NothingToPractiseOn(what="у должностного лица на сегодня не осталось времени.")


def _kept(official: Employee, room: Room, begins: datetime, by: Employee) -> Appointment | None:
    row = Appointment(
        official=official, room=room, starts_at=begins, ends_at=begins + _QUARTER, source=Source.PHONE,
        made_by=by, token_hash=token_hex(32), phone="+7 900 000-00-01", **_PERSON,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            row.seat = appointments.hold_cells(row, official.pk, room.pk, row.starts_at, row.ends_at)
            row.save(update_fields=["seat"])
    except appointments.SlotTaken:
        return None
    return row


_MAKERS: Final[Mapping[str, Callable[[Employee], Things]]] = {
    "clerk": _letters,
    "executor": _answer,
    "head": _decisions,
    "signer": _to_sign,
    "official": _reception,
    "kb-author": _materials,
    "consultant": _missed,
    "receptionist": _visit,
}
