"""Registration: an incoming message becomes an appeal, or joins one. What is proposed, a person decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import (
    classification,
    control_term,
    cover,
    kinship,
    late,
    numbers,
    receipts,
    regime_choice,
    search_feed,
    sed,
    terms,
    ways,
)
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import (
    Appeal,
    AppealMessage,
    AppealQuestion,
    AppealTerm,
    ChannelDefault,
    Direction,
    Need,
    Topic,
)
from otklik.appeals.permissions import check_can_work, check_power
from otklik.appeals.pos import cases as pos
from otklik.appeals.pos import term as pos_term
from otklik.appeals.pos import themes as pos_themes
from otklik.appeals.regime_choice import Choice
from otklik.core import built, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.correspondence import inbox, social
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage, Thread
from otklik.correspondence.text import without_greeting
from otklik.people import applicants
from otklik.people.applicants import Candidate, Typed
from otklik.people.models import Applicant, Employee

State = IncomingMessage.State
DECIDE = "intake.decide"
RECENT = timedelta(days=365)  # how far back look-alikes are worth a look; our own choice


class EntryIncomplete(DomainError):
    """Something that every appeal must have was not typed."""

    code = "registration.incomplete"
    text = "Не хватает: {what}. Заполните и зарегистрируйте снова."


class NoDefault(DomainError):
    """The dictionary has no regime for a channel."""

    code = "registration.no_default"
    text = "Для канала «{channel}» не задан режим по умолчанию. Загрузите справочники или выберите режим сами."


@dataclass(frozen=True)
class Entry:
    """What a clerk confirms at registration. `applicant_is` is a found applicant he chose, else `applicant` counts."""

    regime: Regime
    contact_point: ContactPoint | None
    subject: str
    needs_answer: bool | None
    applicant: Typed
    applicant_is: Applicant | None = None
    answer_channel: str = ChannelCode.EMAIL
    answer_address: str = ""
    written: bool = True
    sed_number: str = ""
    received_on: date | None = None  # empty: the day the message came
    questions: Sequence[tuple[Topic, Need]] = ()  # proposed; the registry unit confirms them


@dataclass(frozen=True)
class Proposal:
    """Everything the registration page shows before the clerk decides. `entry` is the form already filled in."""

    entry: Entry
    regime_why: str
    regimes: Sequence[Choice] = ()  # what else may be, each with its reason
    candidates: list[Candidate] = field(default_factory=list)
    open_appeals: list[Appeal] = field(default_factory=list)
    same_thread: Appeal | None = None
    guess: classification.Guess = field(default_factory=classification.Guess)


def check_can_register(message: IncomingMessage, user: Employee, *, power: str = DECIDE) -> None:
    """Raise where the user may not decide about this message now."""
    check_power(user, power, "зарегистрировать сообщение")
    inbox.check_undecided(message)


def propose(message: IncomingMessage, *, on: date | None = None) -> Proposal:
    """Return what to register the message as: regime, applicant, appeals to join, topics, and a short subject."""
    draft = _propose(message, on or timezone.localdate())
    certain = [one.applicant for one in draft.candidates if one.certain]
    return replace(
        draft,
        open_appeals=open_appeals_of(certain, message.sender_address),
        same_thread=_appeal_of_thread(message),
    )


def entry_for(message: IncomingMessage, *, on: date | None = None) -> Entry:
    """Return only the form filled in: for registering without somebody who looks at earlier appeals.

    Nobody confirms what words say, so the regime is the channel's.
    """
    on = on or timezone.localdate()
    proposal = _propose(message, on)
    usual = next((one.regime for one in proposal.regimes if not one.words), proposal.entry.regime)
    return replace(proposal.entry, regime=usual)


def _propose(message: IncomingMessage, on: date) -> Proposal:
    facts = _facts(message)
    default = default_for(message.channel, identified=bool(facts.get("identified")), on=on)
    of_pos = pos.fields_of(message) if message.channel == ChannelCode.POS else {}
    chosen = _regime_for(message, of_pos, default, on)
    typed = _typed(message, facts)
    found = applicants.candidates(typed)
    guess = classification.propose(f"{message.subject}\n{message.text}")
    channel, address = _answer_way(message, facts, typed)
    if pos_term.holds(message.channel, chosen.regime) and channel != ChannelCode.POS:
        channel, address = ChannelCode.POS, f"ПОС № {of_pos['number']}" if of_pos.get("number") else "ПОС"
    best = [(guess.topics[0].item, guess.needs[0].item)] if guess.topics and guess.needs else []
    best = pos_themes.questions_of(of_pos) or best
    entry = Entry(
        regime=chosen.regime,
        contact_point=message.contact_point or _only_point(message.channel, on),
        subject=short_subject(message),
        needs_answer=None if message.machine else True,
        applicant=typed,
        applicant_is=next((one.applicant for one in found if one.certain), None),
        answer_channel=channel,
        answer_address=address,
        written=default.written,
        received_on=min(timezone.localdate(message.received_at), on),
        questions=best,
    )
    return Proposal(entry=entry, regime_why=chosen.why, regimes=chosen.others, candidates=found, guess=guess)


def _regime_for(message: IncomingMessage, of_pos: Mapping[str, str], default: ChannelDefault, on: date) -> Choice:
    """Return the regime to propose: of a message of ПОС its columns tell, of any other the channel and its words."""
    if message.channel != ChannelCode.POS:
        return regime_choice.choose(default.regime, default.why, message, on=on)
    if (called_for := pos.proposed(of_pos)) and (there := Regime.objects.filter(code=called_for.regime).first()):
        return Choice(there, called_for.why)
    return Choice(default.regime, default.why)


def default_for(channel: str, *, identified: bool = False, on: date | None = None) -> ChannelDefault:
    """Return the dictionary's row for a channel; without identification where there is none with it."""
    row = _defaults(channel, identified, on or timezone.localdate()).first()
    if row is None:
        raise NoDefault(channel=ChannelCode(channel).label)
    return row


@built.once
def _defaults(channel: str, identified: bool, on: date) -> QuerySet[ChannelDefault]:
    """Return the rows that may count for a channel, the best first."""
    rows = ChannelDefault.objects.filter(rules.valid(on), channel=channel, identified__in={identified, False})
    return rows.select_related("regime").order_by("-identified", "-valid_from")


def open_appeals_of(known: Iterable[Applicant], address: str = "") -> list[Appeal]:
    """Return the sender's appeals that are not closed, newest first: a fresh letter may belong to one."""
    same = Q(applicant__in={pk for one in known for pk in applicants.group(one)})
    if address:
        same |= Q(answer_channel=ChannelCode.EMAIL, answer_address__iexact=address)
    if social.is_place(address):
        wrote = IncomingMessage.objects.filter(sender_address=address, thread__isnull=False)
        same |= Q(thread__in=wrote.values("thread"))
    rows = Appeal.objects.filter(same).exclude(status=Appeal.Status.CLOSED)
    return list(rows.select_related("regime", "executor", "unit").order_by("-registered_on", "-pk")[:5])


def short_subject(message: IncomingMessage) -> str:
    """Return a first try at «краткое содержание»: the subject without «Re:», else the first words; never a greeting."""
    subject = re.sub(r"^\s*((re|fw|fwd|отв|пер)\s*:\s*)+", "", message.subject, flags=re.IGNORECASE).strip()
    subject = " ".join(without_greeting(subject or message.text).split())
    return subject if len(subject) <= 140 else subject[:140].rsplit(" ", 1)[0] + "…"


def register(
    message: IncomingMessage,
    entry: Entry,
    *,
    by: Employee,
    on: date | None = None,
    imported: bool = False,
    power: str = DECIDE,
) -> Appeal:
    """Make an appeal of a message: number, terms with grounds, journal, receipt. All of it or nothing.

    Of two clerks who register one message at once, one succeeds and the other is told. An imported appeal may
    carry a past date, and nothing is sent. `power`: what is asked of who registers where he wrote the message down
    himself in his own work, as an official does at a personal reception.
    """
    if on is None:
        on = timezone.localdate() if imported else late.registered_on(message, entry.regime)
    if not imported:
        check_can_register(message, by, power=power)
        of_pos = pos.fields_of(message) if message.channel == ChannelCode.POS else {}
        pos.check_registration(message.channel, of_pos, entry.regime, entry.answer_channel)
    _check_entry(message, entry, on)
    try:
        with journal.together():
            appeal = _register(message, entry, by=by, on=on, imported=imported)
    except IntegrityError as exc:
        # Two clerks typed one СЭД number at the same moment; every other race is refused by `inbox.take`.
        if entry.sed_number.strip() and Appeal.objects.filter(number=" ".join(entry.sed_number.split())).exists():
            raise numbers.NumberTaken(number=entry.sed_number) from exc
        raise
    return appeal


@transaction.atomic
def join(message: IncomingMessage, appeal: Appeal, *, by: Employee | None) -> None:
    """Add a message to an appeal that exists; its executor will see «заявитель написал ещё»."""
    if by is not None:
        check_can_register(message, by)
    appeal = kinship.goes_on_in(appeal)
    inbox.take(message, state=State.JOINED, thread=appeal.thread, by=by)
    AppealMessage.objects.create(appeal=appeal, message=message)
    if not message.machine:  # a delivery report or «я в отпуске» is no word of the applicant
        Appeal.objects.filter(pk=appeal.pk).update(unseen_reply=True)
        appeal.unseen_reply = True
    journal.record("appeal.joined", chain=f"appeal:{appeal.pk}", by=by, message=message.pk)
    search_feed.put(appeal)


def join_certain() -> bool:
    """Join one message that is certainly a reply in the thread of an appeal. Return False when there is none."""
    message = (
        IncomingMessage.objects.filter(
            state=State.NEW, match=IncomingMessage.Match.CERTAIN, thread__appeal__isnull=False
        )
        .select_related("thread__appeal__thread")
        .order_by("pk")
        .first()
    )
    if message is None or message.thread is None:
        return False
    with suppress(inbox.AlreadyTaken):  # another worker or a clerk was quicker; look again
        join(message, message.thread.appeal, by=None)
    return True


@transaction.atomic
def seen_reply(appeal: Appeal, *, by: Employee) -> None:
    """Note that somebody who works on the appeal has read what the applicant wrote after registration."""
    check_can_work(appeal, by)
    if Appeal.objects.filter(pk=appeal.pk, unseen_reply=True).update(unseen_reply=False):
        journal.record("appeal.reply_seen", chain=f"appeal:{appeal.pk}", by=by)
    appeal.unseen_reply = False


def unsee_reply(appeal: Appeal, *, by: Employee) -> None:
    """Take back that what the applicant wrote after registration has been read."""
    check_can_work(appeal, by)
    if Appeal.objects.filter(pk=appeal.pk, unseen_reply=False).update(unseen_reply=True):
        journal.record("appeal.reply_unseen", chain=f"appeal:{appeal.pk}", by=by)
    appeal.unseen_reply = True


def _register(message: IncomingMessage, entry: Entry, *, by: Employee, on: date, imported: bool) -> Appeal:
    assert entry.contact_point is not None  # `_check_entry` has asked for it
    thread = _thread_for(message)
    inbox.take(message, state=State.REGISTERED, thread=thread, by=by)
    of_sed = entry.sed_number.strip()
    applicant = (
        applicants.main(entry.applicant_is) if entry.applicant_is else applicants.find_or_create(entry.applicant, by=by)
    )
    appeal = Appeal(
        number_source=Appeal.NumberSource.SED if of_sed else Appeal.NumberSource.OWN,
        secret=numbers.new_secret(),
        origin=Appeal.Origin.IMPORTED if imported else Appeal.Origin.LIVE,
        regime=entry.regime,
        channel=message.channel,
        contact_point=entry.contact_point,
        written=entry.written,
        needs_answer=bool(entry.needs_answer),
        received_on=_received_on(message, entry),
        registered_on=on,
        registered_by=by,
        subject=" ".join(entry.subject.split())[:300],
        applicant=applicant,
        thread=thread,
        answer_channel=entry.answer_channel,
        answer_address=entry.answer_address.strip(),
    )
    control = control_term.of_cover(cover.of(message), by=by)
    case = pos.begin(appeal, message)
    dates = terms.computed(appeal, control=control)
    # As late as can be: from here to the commit everybody else who registers waits.
    appeal.number = numbers.from_sed(of_sed) if of_sed else numbers.next_number(on)
    appeal.save(force_insert=True)
    AppealMessage.objects.create(appeal=appeal, message=message, first=True)
    AppealTerm.objects.bulk_create(dates)
    if control is not None:
        control.appeal = appeal
        control.save(force_insert=True)
    if case is not None:
        case.save()
    AppealQuestion.objects.bulk_create(
        AppealQuestion(appeal=appeal, topic=topic, need=need, proposed_by=by)
        for topic, need in dict.fromkeys(entry.questions)
    )
    journal.record(
        "appeal.registered",
        chain=f"appeal:{appeal.pk}",
        by=by,
        message=message.pk,
        number=appeal.number,
        regime=appeal.regime_id,
        received_on=appeal.received_on.isoformat(),
        registered_on=on.isoformat(),
        imported=imported,
    )
    if appeal.number_source == Appeal.NumberSource.SED:
        sed.note(appeal, direction=Direction.INCOMING, number=appeal.number, on=on, by=by)
    search_feed.put_new(appeal, message)
    if not imported:
        receipts.queue(appeal, message, by=by)
    return appeal


def _check_entry(message: IncomingMessage, entry: Entry, on: date) -> None:
    missing = [
        what
        for what, there in {
            "краткое содержание": entry.subject.strip(),
            "точка взаимодействия": entry.contact_point,
            "нужен ли ответ по существу": entry.needs_answer is not None,
            "почтовый адрес для ответа": entry.answer_channel != ChannelCode.POST or entry.answer_address.strip(),
            "адрес электронной почты для ответа": entry.answer_channel != ChannelCode.EMAIL
            or entry.answer_address.strip()
            or not entry.needs_answer,
            "телефон для ответа": entry.answer_channel != ChannelCode.HOTLINE
            or entry.answer_address.strip()
            or not entry.needs_answer,
        }.items()
        if not there
    ]
    if missing:
        raise EntryIncomplete(what=", ".join(missing))
    ways.check_regime(entry.answer_channel, statutory=entry.regime.statutory)
    if entry.answer_address.strip():
        ways.check_address(entry.answer_channel, entry.answer_address)
    if on > timezone.localdate():
        raise WrongDate(what="Дата регистрации ещё не наступила.")
    if _received_on(message, entry) > on:
        raise WrongDate(what="Дата поступления позже даты регистрации.")


def _received_on(message: IncomingMessage, entry: Entry) -> date:
    return entry.received_on or timezone.localdate(message.received_at)


def _thread_for(message: IncomingMessage) -> Thread:
    """Return the message's thread; a new one where that thread is an appeal's already."""
    thread = message.thread
    if thread is None or Appeal.objects.filter(thread=thread).exists():
        return Thread.objects.create()
    return thread


def _appeal_of_thread(message: IncomingMessage) -> Appeal | None:
    ids = [pk for pk in (message.thread_id, message.candidate_thread_id) if pk]
    return Appeal.objects.filter(thread__in=ids).select_related("regime", "executor", "unit").first()


def _facts(message: IncomingMessage) -> dict[str, Any]:
    row = message.facts.order_by("-version").first()
    return dict(row.data) if row else {}


def _typed(message: IncomingMessage, facts: dict[str, Any]) -> Typed:
    """Return the applicant as the channel knows him, else as the sender's name and address say."""
    if said := facts.get("applicant"):
        return Typed(**said)
    words = message.sender_name.split()
    last, first, patronymic = [*words[:3], "", "", ""][:3] if _looks_like_name(words) else ("", "", "")
    if message.channel == ChannelCode.EMAIL:
        email, address = message.sender_address, ""
    else:
        email, address = (
            ("", message.sender_address)
            if "@" not in message.sender_address
            else (
                message.sender_address,
                "",
            )
        )
    organisation = "" if last or not words else message.sender_name.strip()
    kind = Applicant.Kind.ORGANISATION if _looks_like_organisation(organisation) else Applicant.Kind.PERSON
    if kind == Applicant.Kind.PERSON and organisation:
        last, organisation = organisation[:150], ""
    typed = Typed(kind=kind, last_name=last, first_name=first, patronymic=patronymic, organisation=organisation)
    return replace(typed, email=email, address=address)


def _looks_like_name(words: list[str]) -> bool:
    return 2 <= len(words) <= 3 and all(re.fullmatch(r"[А-ЯЁ][а-яё]+(-[А-ЯЁ][а-яё]+)?", word) for word in words)


def _looks_like_organisation(name: str) -> bool:
    forms = r"\b(ООО|АО|ПАО|ОАО|ЗАО|СНТ|ТСЖ|ТСН|МУП|ГУП|ГБУ|МБУ|КФХ|фонд|администрация)\b"
    return bool(re.search(forms + r"|[«\"]", name, re.IGNORECASE))


def _answer_way(message: IncomingMessage, facts: dict[str, Any], typed: Typed) -> tuple[str, str]:
    """Return channel and address of the answer: as asked for in the form, else the way the message came."""
    asked = facts.get("answer") or {}
    if asked.get("channel"):
        return asked["channel"], asked.get("address", "")
    if typed.email:
        return ChannelCode.EMAIL, typed.email
    if message.channel in (ChannelCode.POST, ChannelCode.RECEPTION) or typed.address:
        return ChannelCode.POST, typed.address
    if message.channel == ChannelCode.HOTLINE:
        return ChannelCode.HOTLINE, typed.phone
    return message.channel, message.sender_address


def _only_point(channel: str, on: date) -> ContactPoint | None:
    points = list(ContactPoint.objects.filter(rules.valid(on), channel=channel)[:2])
    return points[0] if len(points) == 1 else None
