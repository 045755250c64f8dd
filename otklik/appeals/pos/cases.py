"""One message of ПОС at work: what ПОС says of it, its lane, its mark, a decision put off, the answer carried there.

What exports bring are rows of facts (`pos/1`); nothing here knows the channel. A lane is a regime: a case leaves it
with a reason, and one the applicant sent by 59-ФЗ never enters it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from otklik.appeals import access, terms, transitions
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, Dispatch, Note, PosCase
from otklik.appeals.permissions import check_can_work, check_power
from otklik.appeals.pos import term, themes
from otklik.appeals.pos.term import FAST_TRACK, LAW, ORDINARY, REGIMES
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, IncomingMessage, MessageFacts, OutgoingMessage
from otklik.correspondence.text import fit
from otklik.people.models import Employee

log = logging.getLogger("otklik.pos")

S = Appeal.Status
SCHEMA: Final = "pos/1"
# Once an answer is signed, the lane it was written for does not change under it.
MOVABLE: Final = (S.REGISTERED, S.CLASSIFIED, S.ASSIGNED, S.DRAFTING, S.APPROVAL)
OPEN: Final = [status for status in S.values if status not in FINISHED]
ROLES: Final = {"coordinator": "координатор", "executor": "исполнитель", "head": "руководитель"}
WORDS: Final = ("stage", "status", "decision")
# Columns of a case people change that drive the work → the codes of the columns of ПОС.
_COLUMNS: Final = {
    "theme_id": "fact",
    "planned_on": "planned",
    "fast_track": "fast_track",
    "fz59": "fz59",
    "rating": "rating",
    "again_on": "again",
}
_CALLED: Final = {
    "fact": "факт",
    "planned": "срок ПОС",
    "fast_track": "Фаст-трек",
    "fz59": "подача по 59-ФЗ",
    "rating": "оценка",
    "again": "доработка",
}
_NO: Final = {"", "-", "нет"}


class NotOfPos(DomainError):
    """The appeal did not come by ПОС."""

    code = "pos.not_of_pos"
    text = "Обращение № {number} пришло не из ПОС: сведений ПОС у него нет."


class BarredByLaw(DomainError):
    """The applicant chose 59-ФЗ."""

    code = "pos.barred_by_law"
    text = (
        "Заявитель выбрал подачу по 59-ФЗ: сроки ПОС и Фаст-трека к сообщению не применяются (59-ФЗ, ст. 12). "
        "Выберите режим «Обращение по 59-ФЗ»."
    )


class AnswerInPos(DomainError):
    """The answer to an ordinary message of ПОС is carried into ПОС, it goes no other way."""

    code = "pos.answer_in_pos"
    text = (
        "На сообщение ПОС отвечают в личном кабинете ПОС: письмо по электронной почте или почтой его не закрывает. "
        "Выберите «как ответить: ПОС», внесите ответ в кабинете и отметьте «Ответ внесён в ПОС»."
    )


class LaneRefused(DomainError):
    """The lane cannot be changed so."""

    code = "pos.lane_refused"
    text = "Обращение № {number}: {what}"


class PostponeRefused(DomainError):
    """A decision cannot be put off so."""

    code = "pos.postpone_refused"
    text = "{what}"


class NotToEnter(DomainError):
    """No answer waits to be carried into ПОС."""

    code = "pos.not_to_enter"
    text = "Обращение № {number}: отмечать нечего. {what}"


class ChangedMeanwhile(DomainError):
    """Somebody else changed what is known of the case."""

    code = "pos.changed_meanwhile"
    text = "Сведения ПОС обращения № {number} только что изменил другой сотрудник. Обновите страницу и повторите."
    status = 409


@dataclass(frozen=True)
class Proposed:
    """The regime a message of ПОС is to be registered under, and why."""

    regime: str
    why: str


# --- what the facts say ----------------------------------------------------------------------------------------------


def fields_of(message: IncomingMessage) -> Mapping[str, str]:
    """Return the columns of ПОС a message came with, as the newest facts say; empty for one of another way."""
    row = MessageFacts.objects.filter(message=message, schema=SCHEMA).order_by("-version").first()
    return row.data.get("fields", {}) if row else {}


def is_by_law(fields: Mapping[str, str]) -> bool:
    """Tell whether the applicant sent his message by 59-ФЗ."""
    return _yes(fields.get("fz59")) is True or "59-фз" in fields.get("law", "").casefold()


def proposed(fields: Mapping[str, str]) -> Proposed | None:
    """Return the regime that the columns of ПОС call for; None where the channel's own default holds."""
    if is_by_law(fields):
        return Proposed(LAW, "В ПОС заявитель выбрал подачу по 59-ФЗ: 30 дней со дня регистрации (59-ФЗ, ст. 12).")
    fast = _yes(fields.get("fast_track"))
    if fast:
        return Proposed(FAST_TRACK, "В ПОС у сообщения отмечен Фаст-трек.")
    theme = themes.known(fields) if fast is None else None
    if theme is not None and theme.fast_track:
        return Proposed(FAST_TRACK, f"Факт «{theme.fact}» идёт по Фаст-треку (справочник фактов ПОС).")
    return None


def check_registration(channel: str, fields: Mapping[str, str], regime: Regime, answer_channel: str) -> None:
    """Raise where a message of ПОС would get a regime or a way of answering it cannot have."""
    if is_by_law(fields) and term.holds(channel, regime):
        raise BarredByLaw
    check_way(channel, regime, answer_channel)


def check_way(channel: str, regime: Regime, answer_channel: str) -> None:
    """Raise AnswerInPos where an answer by the rules of ПОС would leave another way."""
    if term.holds(channel, regime) and answer_channel != ChannelCode.POS:
        raise AnswerInPos


def begin(appeal: Appeal, message: IncomingMessage) -> PosCase | None:
    """Return the case of an appeal that is being registered, not kept yet: its term is counted with it."""
    if appeal.channel != ChannelCode.POS and appeal.regime_id not in REGIMES:
        return None
    case = PosCase(appeal=appeal)
    row = MessageFacts.objects.filter(message=message, schema=SCHEMA).order_by("-version").first()
    if row is not None:
        _take(case, row)
    return case


def _take(case: PosCase, row: MessageFacts) -> set[str]:
    """Let newer facts change what they say otherwise than the facts before; return the codes of what changed."""
    fields: Mapping[str, str] = row.data.get("fields", {})
    changed = {code for code, said in fields.items() if said and said != case.said.get(code, "")}
    case.number = fit(fields.get("number", ""), 60) or case.number
    if changed & {"category", "subcategory", "fact"}:
        case.theme = themes.theme_of(fields)
    if "planned" in changed:
        case.planned_on = _day(fields["planned"]) or case.planned_on
    if "fast_track" in changed:
        case.fast_track = _yes(fields["fast_track"])
    if changed & {"fz59", "law"}:
        case.fz59 = is_by_law(fields)
    for name in WORDS:
        if name in changed:
            setattr(case, name, fit(fields[name], 500))
    if "rating" in changed and fields["rating"] in {"1", "2", "3", "4", "5"}:
        case.rating = int(fields["rating"])
    if "again" in changed and fields["again"].casefold() not in _NO:
        case.again_on, case.again_settled = timezone.localdate(row.at), False
    case.people = case.people | {word: fit(fields[code], 200) for code, word in ROLES.items() if code in changed}
    case.said = {code: said for code, said in {**case.said, **fields}.items() if said}
    case.facts_seen = row.pk
    return changed


def _yes(said: str | None) -> bool | None:
    return {"да": True, "нет": False}.get((said or "").strip().casefold())


def _day(said: str) -> date | None:
    try:
        given = datetime.strptime(said, "%d.%m.%Y").date()
    except ValueError:
        return None
    return given if 2000 <= given.year <= 2100 else None


# --- exports drive the work ------------------------------------------------------------------------------------------


def follow() -> int:
    """Bring cases up to what newer facts say, and make those that are missing; return how many were touched."""
    newest = (
        MessageFacts.objects.filter(message=OuterRef("message"), schema=SCHEMA).order_by("-version").values("pk")[:1]
    )
    letters = AppealMessage.objects.filter(first=True, message__channel=ChannelCode.POS)
    behind = (
        letters.annotate(newest=Subquery(newest))
        .filter(Q(appeal__pos_case=None) | Q(newest__gt=F("appeal__pos_case__facts_seen")))
        .values_list("appeal", "message", "newest")
        .order_by("pk")[:500]
    )
    done = 0
    for appeal, message, facts in list(behind):
        try:
            with journal.together():
                done += _follow(appeal, message, facts)
        except DomainError as refusal:  # of one case: the others do not wait for it, it is tried again
            log.warning("pos case of appeal %s: %s", appeal, refusal.code)
    return done


def _follow(pk: int, message: Any, facts: int | None) -> bool:
    appeal = Appeal.objects.select_for_update(of=("self",)).select_related("regime").get(pk=pk)
    case = PosCase.objects.select_related("theme").filter(appeal=appeal).first()
    row = MessageFacts.objects.filter(pk=facts, message=message).first() if facts else None
    if case is None:
        case = PosCase(appeal=appeal)
    elif row is None or row.pk <= case.facts_seen:
        return False  # another worker was quicker
    was_again = case.again_on
    changed = _take(case, row) if row else set()
    _save(case)
    if row is None:
        return True
    if case.again_on != was_again and case.again_on is not None:
        _returned(appeal, by=None)
    if "rating" in changed and case.rating:
        journal.record("pos.rated", chain=_chain(appeal), by=None, rating=case.rating)
    _drive(appeal, case, changed, by=None)
    return True


def _drive(appeal: Appeal, case: PosCase, changed: set[str], *, by: Employee | None) -> None:
    """Let what became known move the regime and the term, while the answer is not signed."""
    if appeal.status not in MOVABLE:
        return
    wanted = appeal.regime_id
    if case.fz59:
        wanted = LAW
    elif changed & {"fz59", "law"} and appeal.regime_id == LAW:
        wanted = FAST_TRACK if case.fast_track else ORDINARY
    elif "fast_track" in changed and case.fast_track and not case.left_why:
        wanted = FAST_TRACK
    elif "fast_track" in changed and case.fast_track is False and appeal.regime_id == FAST_TRACK:
        wanted = ORDINARY
    if wanted != appeal.regime_id:
        _set_regime(appeal, case, wanted, ground="сведения ПОС", by=by)
    elif appeal.regime_id in REGIMES and changed & {"planned", "category", "subcategory", "fact"}:
        terms.compute(appeal, reason="изменились сведения ПОС")


def _set_regime(appeal: Appeal, case: PosCase, regime: str, *, ground: str, by: Employee | None) -> None:
    was = appeal.regime_id
    new = Regime.objects.get(code=regime)
    moved = Appeal.objects.filter(pk=appeal.pk, version=appeal.version, status__in=MOVABLE)
    columns: dict[str, Any] = {"regime": new, "version": F("version") + 1}
    if term.holds(appeal.channel, new):
        columns |= {"answer_channel": ChannelCode.POS, "answer_address": address_of(case)}
    if not moved.update(**columns):
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S(appeal.status).label, to=S(appeal.status).label)
    appeal.refresh_from_db(fields=["regime", "version", "answer_channel", "answer_address"])
    appeal.pos_case = case
    terms.compute(appeal, reason=f"изменён режим: {ground}")
    journal.record("pos.lane_changed", chain=_chain(appeal), by=by, was=was, to=regime)


def _returned(appeal: Appeal, *, by: Employee | None) -> None:
    """The applicant gave the answer back: who works on it sees it as what he wrote after registration."""
    Appeal.objects.filter(pk=appeal.pk).update(unseen_reply=True)
    appeal.unseen_reply = True
    journal.record("pos.given_back", chain=_chain(appeal), by=by)


# --- by hand ---------------------------------------------------------------------------------------------------------


def address_of(case: PosCase) -> str:
    """Return where the answer goes, as letters name it."""
    return f"ПОС № {case.number}" if case.number else "ПОС"


def kept(appeal: Appeal, *, lock: bool = False) -> PosCase:
    """Return the case of an appeal of ПОС, made where it has none yet; raise NotOfPos for any other.

    `lock`: it is going to be changed in this transaction, and nobody else changes it meanwhile.
    """
    if appeal.channel != ChannelCode.POS and appeal.regime_id not in REGIMES:
        raise NotOfPos(number=appeal.number)
    rows = PosCase.objects.select_for_update(of=("self",)) if lock else PosCase.objects.all()
    case = rows.select_related("theme", "left_by", "postponed_by", "entered_by").filter(appeal=appeal).first()
    if case is None:
        case = PosCase(appeal=appeal)
    appeal.pos_case = case
    return case


def check_can_edit(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not change what is known of ПОС, its lane, or put a decision off."""
    if appeal.channel != ChannelCode.POS and appeal.regime_id not in REGIMES:
        raise NotOfPos(number=appeal.number)
    check_can_work(appeal, user)


@transaction.atomic
def edit(appeal: Appeal, said: Mapping[str, Any], *, version: int | None = None, by: Employee) -> PosCase:
    """Write down by hand what ПОС says; an export changes it only once it says something else than before.

    `said`: category, subcategory, fact, number, planned_on, fast_track, fz59, stage, status, decision, rating, again,
    people. The regime and the term follow as they do after an export. `version`: what the form was filled in over.
    """
    check_can_edit(appeal, by)
    case = kept(appeal, lock=True)
    if version is not None and version != case.version:
        raise ChangedMeanwhile(number=appeal.number)
    before = {name: getattr(case, name) for name in _COLUMNS}
    planned = said.get("planned_on")
    if planned is not None and planned < appeal.received_on:
        raise WrongDate(what="Дата планируемого завершения работ раньше дня поступления.")
    case.theme = themes.theme_of({name: said.get(name, "") for name in ("category", "subcategory", "fact")})
    for name in ("planned_on", "fast_track", "rating"):
        setattr(case, name, said.get(name))
    case.fz59 = bool(said.get("fz59"))
    case.number = fit(said.get("number") or "", 60) or case.number
    for name in WORDS:
        setattr(case, name, fit(said.get(name) or "", 500))
    case.people = {fit(role, 60): fit(name, 200) for role, name in (said.get("people") or {}).items() if name.strip()}
    if said.get("again") and (case.again_on is None or case.again_settled):
        case.again_on, case.again_settled = timezone.localdate(), False
    elif not said.get("again") and not case.again_settled:
        case.again_on = None
    _save(case)
    changed = {_COLUMNS[name] for name, was in before.items() if getattr(case, name) != was}
    journal.record("pos.edited", chain=_chain(appeal), by=by, fields=sorted(_CALLED[code] for code in changed))
    if case.again_on and case.again_on != before["again_on"]:
        _returned(appeal, by=by)
    if "rating" in changed and case.rating:
        journal.record("pos.rated", chain=_chain(appeal), by=by, rating=case.rating)
    _drive(appeal, case, changed, by=by)
    known = appeal.answer_channel == ChannelCode.POS and appeal.answer_address == address_of(case)
    if appeal.status in MOVABLE and term.holds(appeal.channel, appeal.regime) and not known:
        columns = {"answer_channel": ChannelCode.POS, "answer_address": address_of(case)}
        Appeal.objects.filter(pk=appeal.pk).update(**columns)
        appeal.refresh_from_db(fields=list(columns))
    return case


@transaction.atomic
def leave(appeal: Appeal, *, reason: str, by: Employee) -> PosCase:
    """Take a case out of the fast lane; the term is then that of an ordinary message, or what ПОС has planned."""
    check_can_edit(appeal, by)
    case = kept(appeal, lock=True)
    if appeal.regime_id != FAST_TRACK:
        raise LaneRefused(number=appeal.number, what="оно не в полосе «Фаст-трек».")
    if appeal.status not in MOVABLE:
        raise LaneRefused(
            number=appeal.number, what="ответ уже передан на подпись: полосу не меняют. Отзовите с подписи."
        )
    if not (reason := " ".join(reason.split())):
        raise LaneRefused(
            number=appeal.number, what="напишите, почему оно выходит из полосы: причина останется в журнале."
        )
    case.left_why, case.left_by, case.left_at = reason[:500], by, timezone.now()
    _save(case)
    _set_regime(appeal, case, ORDINARY, ground="выведено из полосы «Фаст-трек»", by=by)
    _note(appeal, f"Выведено из полосы «Фаст-трек»: {reason}", by=by)
    journal.record("pos.lane_left", chain=_chain(appeal), by=by)
    return case


@transaction.atomic
def enter_lane(appeal: Appeal, *, by: Employee) -> PosCase:
    """Put a case into the fast lane, again or for the first time; one sent by 59-ФЗ is barred."""
    check_can_edit(appeal, by)
    case = kept(appeal, lock=True)
    if case.fz59 or appeal.regime_id == LAW:
        raise BarredByLaw
    if appeal.regime_id == FAST_TRACK or appeal.status not in MOVABLE:
        what = "оно уже в полосе." if appeal.regime_id == FAST_TRACK else "ответ уже передан на подпись."
        raise LaneRefused(number=appeal.number, what=what)
    case.left_why, case.left_by, case.left_at = "", None, None
    _save(case)
    _set_regime(appeal, case, FAST_TRACK, ground="взято в полосу «Фаст-трек»", by=by)
    return case


# --- a decision put off ----------------------------------------------------------------------------------------------


@transaction.atomic
def postpone(appeal: Appeal, *, until: date, why: str, by: Employee) -> PosCase:
    """Put the decision off to a control date. The term of the answer does not move: ПОС has no lawful pause.

    The applicant is told the day and the reason in an answer by the term; on the day the lane reminds of the final one.
    """
    check_can_edit(appeal, by)
    case, today, limit = kept(appeal, lock=True), timezone.localdate(), themes.limit()
    if until <= today:
        raise PostponeRefused(what="Контрольная дата должна быть позже сегодняшнего дня.")
    if until > (last := today + timedelta(days=limit.days)):
        raise PostponeRefused(what=f"Отложить можно не дальше {last:%d.%m.%Y}: {limit.days} дн., {limit.basis}.")
    if not (why := " ".join(why.split())):
        raise PostponeRefused(what="Напишите, почему решение отложено: это сообщают заявителю.")
    case.postponed_until, case.postponed_on, case.postponed_why, case.postponed_by = until, today, why[:500], by
    _save(case)
    _note(appeal, f"Решение отложено до {until:%d.%m.%Y}: {why}", by=by)
    journal.record("pos.postponed", chain=_chain(appeal), by=by, on=until.isoformat())
    return case


@transaction.atomic
def settle(appeal: Appeal, *, by: Employee) -> PosCase:
    """Take off what the lane reminds of: the decision put off is made, the message given back is taken into work."""
    check_can_edit(appeal, by)
    case = kept(appeal, lock=True)
    if case.postponed_until is None and (case.again_on is None or case.again_settled):
        raise PostponeRefused(what="Снимать нечего: решение не отложено, и на доработку сообщение не возвращали.")
    if case.again_on is not None and not case.again_settled:
        case.again_settled = True
    else:
        case.postponed_until = case.postponed_on = case.postponed_by = None
        case.postponed_why = ""
    _save(case)
    journal.record("pos.settled", chain=_chain(appeal), by=by)
    return case


# --- the answer carried into ПОС -------------------------------------------------------------------------------------


@transaction.atomic
def enter_answer(appeal: Appeal, *, on: date, by: Employee) -> PosCase:
    """Note that somebody has carried the signed answer into the cabinet of ПОС; only then the case may be closed.

    The next export confirms it or contradicts it.
    """
    check_power(by, "appeals.dispatch", "отметить, что ответ внесён в ПОС")
    case = kept(appeal, lock=True)
    rows = Dispatch.objects.filter(answer__appeal=appeal, answer__withdrawn_at=None, answer__followed_at=None)
    sent = rows.select_related("message", "answer__signature").first()
    if sent is None or sent.message.channel != ChannelCode.POS:
        raise NotToEnter(
            number=appeal.number, what="Сначала подпишите ответ и нажмите «Отправить»: он встанет «внести»."
        )
    if sent.message.state == OutgoingMessage.State.SENT:
        raise NotToEnter(number=appeal.number, what="Ответ уже отмечен как внесённый.")
    if on > timezone.localdate():
        raise WrongDate(what="Этот день ещё не наступил: укажите, когда ответ внесён в ПОС.")
    if on < sent.answer.signature.signed_on:
        raise WrongDate(what="Ответ внесён раньше, чем подписан.")
    delivery.posted(sent.message, on=on, by=by)
    case.entered_on, case.entered_by, case.entered_at = on, by, timezone.now()
    _save(case)
    journal.record("pos.answer_entered", chain=_chain(appeal), by=by, message=sent.message_id, on=on.isoformat())
    return case


def check_settled(appeal: Appeal) -> None:
    """Raise where the lane still waits for the final decision, or for the work on an answer that was given back."""
    if appeal.channel != ChannelCode.POS and appeal.regime_id not in REGIMES:
        return
    case = PosCase.objects.filter(appeal=appeal).first()
    if case is not None and case.postponed_until is not None:
        raise LaneRefused(
            number=appeal.number,
            what=f"решение отложено до {case.postponed_until:%d.%m.%Y}. Дайте итоговый ответ и снимите с контроля.",
        )
    if case is not None and case.again_on is not None and not case.again_settled:
        raise LaneRefused(
            number=appeal.number,
            what="заявитель вернул сообщение на доработку. Начните новый ответ или отметьте, что доработка принята.",
        )


# --- the lane --------------------------------------------------------------------------------------------------------


def of_user(user: Employee) -> QuerySet[PosCase]:
    """Return the cases of ПОС the employee sees."""
    if user.has_power(access.ALL):  # who sees them all needs no list of them
        return PosCase.objects.all()
    return PosCase.objects.filter(appeal__in=access.visible_to(user))


def in_lane(on: date | None = None) -> Q:
    """Return the condition of what the lane holds: the fast track at work, what was given back, control dates come."""
    today = on or timezone.localdate()
    fast = _appeal_is(regime=FAST_TRACK, status__in=OPEN)
    given_back = Q(again_on__isnull=False, again_settled=False)
    return fast | given_back | Q(postponed_until__lte=today)


def late(on: date | None = None) -> Q:
    """Return the condition of what is overdue in the lane."""
    today = on or timezone.localdate()
    fast = _appeal_is(regime=FAST_TRACK, status__in=OPEN, due_on__lt=today)
    return fast | Q(postponed_until__lt=today)


def _appeal_is(**of: object) -> Q:
    """Return the condition on the appeal of a case."""
    # Every menu counts by it, and it stands beside «or»: PostgreSQL plans a join there for longer than it counts.
    return Q(Exists(Appeal.objects.filter(pk=OuterRef("appeal"), **of)))


def to_enter() -> Q:
    """Return the condition of answers that somebody must carry into ПОС."""
    letters = OutgoingMessage.objects.filter(
        channel=ChannelCode.POS, state=OutgoingMessage.State.BY_HAND, kind=OutgoingMessage.Kind.ANSWER
    )
    return Q(appeal__status=S.SENT, appeal__thread__in=letters.values("thread"))


def _note(appeal: Appeal, text: str, *, by: Employee) -> None:
    """Keep a reason among the notes of the card: the journal holds no free text, and a later one replaces none."""
    note = Note.objects.create(appeal=appeal, author=by, text=text)
    journal.record("appeal.noted", chain=_chain(appeal), by=by, note=note.pk)


def _save(case: PosCase) -> None:
    case.version += 1
    case.save()


def _chain(appeal: Appeal) -> str:
    return f"appeal:{appeal.pk}"
