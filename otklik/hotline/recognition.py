"""Who calls, and what may be told: facts of a case stay locked until its caller is recognised (59-ФЗ, ст. 6).

A caller is recognised by the number of his appeal with its secret code, or by two facts he names himself of the four
that are kept. The number he calls from is none of them: it can be forged. What is expected is shown to nobody, attempts
are few, and each of them leaves a row, a line in the journal and one in the access log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals import story, terms
from otklik.appeals.models import FINISHED, Appeal
from otklik.channels.site.models import Receipt
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.core.models import TermRule
from otklik.correspondence.models import ChannelCode
from otklik.hotline import codes, consultations
from otklik.hotline.models import Call, Consultation, Recognition
from otklik.people import access as people_access
from otklik.people.access import Masked
from otklik.people.applicants import address_key, email_key, main, plain
from otklik.people.models import Applicant, Contact, Employee

POWER: Final = "hotline.consult"
NEEDED: Final = 2  # facts that agree
MOST_FAILED: Final = 5  # attempts of one consultation
MOST_FAILED_OF_CASE: Final = 10  # of one appeal a day, whoever tries
MOST_FAILED_OF_EMPLOYEE: Final = 40  # a day, whatever the consultations
EARLIER: Final = 5
_MOST_APPLICANTS: Final = 20  # of one telephone: an office of a gardeners' partnership may have them
_ON_SITE: Final = "Ответ — на сайте, на странице «Узнать состояние», по номеру и коду"
_STREETS: Final = frozenset({"ул", "пр", "пер", "пл", "ш", "мкр", "к", "стр", "п", "с"})
_FORMS: Final = frozenset({"ооо", "ао", "пао", "зао", "оао", "ип", "снт", "тсн", "гк", "гск"})
_DAY: Final = re.compile(r"(\d{1,2})[.\s/](\d{1,2})[.\s/](\d{4}|\d{2})(?:\s*г\.?)?")


class Fact(models.TextChoices):
    """What a caller may name of himself; two that agree are enough."""

    SURNAME = "surname", "фамилия или название организации"
    ADDRESS = "address", "почтовый адрес"
    EMAIL = "email", "электронная почта"
    APPEAL = "appeal", "номер или дата обращения"


class TooManyAttempts(DomainError):
    """Guessing is not recognising."""

    code = "recognition.too_many"
    text = (
        "Попыток больше нет: сведения не совпали {number} раз. О деле по телефону не говорят. "
        "Предложите написать обращение, прийти на приём или посмотреть состояние на сайте по номеру и коду."
    )
    status = 429


class TooLittleNamed(DomainError):
    """One fact is not two."""

    code = "recognition.too_little"
    text = (
        "Нужны два сведения из четырёх: фамилия, адрес, электронная почта, номер или дата обращения. Спросите ещё одно."
    )


class NothingNamed(DomainError):
    """A number without its code, or a code without its number."""

    code = "recognition.nothing"
    text = "Нужны и номер обращения, и код: они напечатаны вместе. Нет кода — спросите два сведения."


@dataclass(frozen=True)
class Locked:
    """An open case of somebody with the caller's telephone: that it is there, and nothing of it."""

    appeal: int


@dataclass(frozen=True)
class Told:
    """What may be told of a case to the caller who was recognised: as on the status page, with the term's ground."""

    number: str
    word: str
    state: str
    due_on: date | None
    why: str
    last: story.Event
    events: list[story.Event]
    how: str  # he was recognised


@dataclass(frozen=True)
class Caller:
    """What is known by the number somebody calls from, and what was opened by recognising him."""

    number: str
    calls: list[Call] = field(default_factory=list)
    consultations: list[Consultation] = field(default_factory=list)
    applicants: list[tuple[Applicant, Masked]] = field(default_factory=list)
    locked: list[Locked] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    attempts_left: int = MOST_FAILED


def caller_of(consultation: Consultation, *, by: Employee) -> Caller:
    """Return who calls: earlier calls and consultations, masked applicants, locked cases, and what may be told.

    What is told is a look at personal data: the access log has it once a person, case and day.
    """
    _check_power(by)
    key = consultation.number_key
    calls = Call.objects.filter(number_key=key).exclude(consultation=consultation.pk).select_related("line")
    earlier = Consultation.objects.filter(number_key=key).exclude(pk=consultation.pk)
    sees_people = bool(key) and by.has_power("applicants.view")
    owners = list(_applicants(key).prefetch_related("contacts")[:_MOST_APPLICANTS]) if sees_people else []
    told = _told(consultation, by) if consultations.may_work(consultation, by) else []
    opened = set(_recognised(consultation).values_list("appeal", flat=True)) if told else set()
    cases = _open_cases(key).values_list("pk", flat=True) if key else ()
    return Caller(
        number=consultation.number,
        calls=list(calls.order_by("-came_at")[:EARLIER]) if key else [],
        consultations=list(earlier.select_related("line", "topic", "by")[:EARLIER]) if key else [],
        applicants=[(one, people_access.masked(one)) for one in owners],
        locked=[Locked(pk) for pk in cases if pk not in opened],
        told=told,
        attempts_left=max(0, MOST_FAILED - _failed(consultation)),
    )


def by_number(consultation: Consultation, number: str, code: str, *, by: Employee) -> Recognition:
    """Note whether number and code belong together, whatever telephone the caller has."""
    if not (number.strip() and code.strip()):
        raise NothingNamed
    meant = _named(number)

    def check() -> tuple[list[Appeal], list[str]]:
        found = codes.find(number, code)
        right = Q(pk=found[1]) if found and found[1] else Q(messages__message=found[0]) if found else Q(pk__in=[])
        return list(Appeal.objects.filter(right)[:1]), [Recognition.How.CODE]

    return _attempt(consultation, Recognition.How.CODE, meant, check, by=by)[0]


def by_told(consultation: Consultation, facts: Mapping[str, str], *, by: Employee) -> list[Recognition]:
    """Try the facts on the open cases of the caller's telephone, and on the appeal whose number he names."""
    tried = {one.pk: one for one in _named(facts.get(Fact.APPEAL, ""))}
    if consultation.number_key:
        tried |= {one.pk: one for one in _open_cases(consultation.number_key)}
    cases = list(tried.values())
    said = {name: facts[name].strip()[:500] for name in Fact.values if facts.get(name, "").strip()}
    if len(said) < NEEDED:
        raise TooLittleNamed

    def check() -> tuple[list[Appeal], list[str]]:
        agree = {one.pk: _agreeing(one, said) for one in cases}
        found = [one for one in cases if len(agree[one.pk]) >= NEEDED]
        best = max(agree.values(), key=len, default=[])
        return found, best

    return _attempt(consultation, Recognition.How.TWO_FACTS, cases, check, by=by)


@transaction.atomic
def _attempt(
    consultation: Consultation,
    how: Recognition.How,
    tried: list[Appeal],
    check: Callable[[], tuple[list[Appeal], list[str]]],
    *,
    by: Employee,
) -> list[Recognition]:
    """Count the attempt, then look; what failed is one row, of no appeal where several were tried."""
    _check_power(by)
    # Two tabs have no more tries than one.
    held = Consultation.objects.select_for_update(of=("self",)).select_related("appeal").get(pk=consultation.pk)
    if held.outcome:
        raise consultations.ConsultationOver
    if not consultations.may_work(held, by):
        raise consultations.NotYours
    if (failed := _failed(held)) >= MOST_FAILED:
        raise TooManyAttempts(number=failed)
    today = Recognition.objects.filter(succeeded=False, at__gte=midnight(timezone.localdate()))
    if (failed := today.filter(appeal__in=tried).count()) >= MOST_FAILED_OF_CASE:
        raise TooManyAttempts(number=failed)
    if (failed := today.filter(by=by).count()) >= MOST_FAILED_OF_EMPLOYEE:
        raise TooManyAttempts(number=failed)
    found, matched = check()
    one_tried = tried[0] if len(tried) == 1 else None
    about: list[Appeal | None] = [*found] or [one_tried]
    rows = [
        Recognition.objects.create(
            consultation=held, appeal=appeal, how=how, matched=matched, succeeded=bool(found), by=by
        )
        for appeal in about
    ]
    for row in rows:
        facts: dict[str, Any] = {"appeal": row.appeal_id, "way": how.value, "matched": matched}
        chain = f"consultation:{held.pk}"
        if row.succeeded:
            journal.record("consultation.caller_recognised", chain=chain, by=by, **facts)
            journal.looked("consultation.caller_recognised", by=by, consultation=held.pk, **facts)
        else:
            journal.record("consultation.caller_not_recognised", chain=chain, by=by, **facts)
            journal.looked("consultation.caller_not_recognised", by=by, consultation=held.pk, **facts)
    if found:
        owner = main(Applicant.objects.get(pk=found[0].applicant_id))
        spoken_of = found[0] if len(found) == 1 else held.appeal
        Consultation.objects.filter(pk=held.pk).update(applicant=owner, appeal=spoken_of)
    return rows


def _told(consultation: Consultation, by: Employee) -> list[Told]:
    """Return what was opened in this consultation, as the applicant may know it."""
    ways = {row.appeal_id: row.get_how_display() for row in _recognised(consultation) if row.appeal_id}
    if not ways:
        return []
    looked = journal.looked_today("appeal.told", by=by, appeal=OuterRef("pk"))
    rows = Appeal.objects.filter(pk__in=ways).select_related("regime").annotate(looked=looked).order_by("pk")
    return [_story(row, ways[row.pk], consultation, by) for row in rows]


def _story(row: Any, how: str, consultation: Consultation, by: Employee) -> Told:
    if not row.looked:
        journal.looked("appeal.told", by=by, appeal=row.pk, consultation=consultation.pk)
    events = [
        replace(one, detail=_ON_SITE) if one.detail == story.ON_THIS_PAGE else one
        for one in story.events(row, story.answers_of(row))
    ]
    term = next((one for one in terms.why(row) if one.step == TermRule.Step.ANSWER), None)
    runs = row.status not in FINISHED
    return Told(
        number=row.number,
        word=row.regime.citizen_word,
        state=next((one.words for one in events if one.state == "now"), events[-1].words),
        due_on=row.due_on if runs else None,
        why=term.rule.basis if term and runs else "",
        last=[one for one in events if one.state == "done"][-1],
        events=events,
        how=how,
    )


def _recognised(consultation: Consultation) -> QuerySet[Recognition]:
    """Return what was opened; nothing stays open when the conversation is over."""
    live = Recognition.objects.filter(consultation=consultation.pk, consultation__outcome="")
    return live.filter(succeeded=True, appeal__isnull=False)


def _failed(consultation: Consultation) -> int:
    return Recognition.objects.filter(consultation=consultation.pk, succeeded=False).count()


def _applicants(number_key: str) -> QuerySet[Applicant]:
    """Return whoever has this telephone, under the name they are kept by."""
    having = Contact.objects.filter(kind=Contact.Kind.PHONE, key=number_key, applicant=OuterRef("pk"))
    merged = Contact.objects.filter(kind=Contact.Kind.PHONE, key=number_key, applicant__merged_into=OuterRef("pk"))
    return Applicant.objects.filter(Exists(having) | Exists(merged), merged_into=None).order_by("pk")


def _open_cases(number_key: str) -> QuerySet[Appeal]:
    """Return the open cases of whoever has this telephone; of no telephone there are none."""
    if not number_key:
        return Appeal.objects.none()
    owners = list(_applicants(number_key).values_list("pk", flat=True)[:_MOST_APPLICANTS])
    theirs = Q(applicant__in=owners) | Q(applicant__merged_into__in=owners)
    return Appeal.objects.filter(theirs).exclude(status__in=FINISHED).select_related("applicant").order_by("pk")


def _named(number: str) -> list[Appeal]:
    """Return the appeal of this number, its own or the one its message got on the site."""
    if not number.strip() or _day_of(number):
        return []
    numbers = codes.spellings(number[:100])
    of_message = Receipt.objects.filter(number__in=numbers).values("message")
    known = Q(number__in=numbers) | Q(messages__message__in=of_message, messages__first=True)
    return list(Appeal.objects.filter(known).select_related("applicant").distinct()[:1])


def _agreeing(appeal: Appeal, said: Mapping[str, str]) -> list[str]:
    """Return the names of the facts that are this appeal's; small slips of speech forgiven."""
    owner = main(Applicant.objects.select_related("merged_into").get(pk=appeal.applicant_id))
    persons = list(Applicant.objects.filter(Q(pk=owner.pk) | Q(merged_into=owner.pk)).prefetch_related("contacts"))
    checks: dict[str, Callable[[str], bool]] = {
        Fact.SURNAME: lambda words: any(_same_name(words, one) for one in persons),
        Fact.ADDRESS: lambda words: _same_address(words, _addresses(appeal, persons)),
        Fact.EMAIL: lambda words: bool(email_key(words)) and email_key(words) in _emails(appeal, persons),
        Fact.APPEAL: lambda words: _same_appeal(words, appeal),
    }
    return [name for name, words in said.items() if checks[name](words)]


def _same_name(words: str, known: Applicant) -> bool:
    if known.organisation:
        return bool(_firm(words)) and _firm(words) == _firm(known.organisation)
    said = plain(words)
    whole = [plain(f"{known.last_name} {known.first_name} {known.patronymic}"[:300]), plain(known.last_name)]
    whole.append(plain(f"{known.last_name} {known.first_name}"))
    return bool(plain(known.last_name)) and said in whole


def _firm(words: str) -> str:
    return " ".join(word for word in plain(words).split() if word not in _FORMS)


def _same_address(words: str, known: set[tuple[str, ...]]) -> bool:
    """Compare street by street and house by house: the town may be left out, no number may."""
    said = _places(words)
    return any(said and said in (one, one[1:] if len(one) > 2 else one) for one in known)


def _places(words: str) -> tuple[str, ...]:
    return tuple(word for word in address_key(words).split() if word not in _STREETS)


def _addresses(appeal: Appeal, persons: list[Applicant]) -> set[tuple[str, ...]]:
    known = {one.address for one in persons}
    known |= {one.value for person in persons for one in person.contacts.all() if one.kind == Contact.Kind.POSTAL}
    known |= {appeal.answer_address} if appeal.answer_channel == ChannelCode.POST else set()
    return {_places(one) for one in known if one} - {()}


def _emails(appeal: Appeal, persons: list[Applicant]) -> set[str]:
    known = {one.key for person in persons for one in person.contacts.all() if one.kind == Contact.Kind.EMAIL}
    return known | ({email_key(appeal.answer_address)} if appeal.answer_channel == ChannelCode.EMAIL else set())


def _same_appeal(words: str, appeal: Appeal) -> bool:
    if on := _day_of(words):
        return on in (appeal.received_on, appeal.registered_on)
    return any(one.pk == appeal.pk for one in _named(words))


def _day_of(words: str) -> date | None:
    """Return a day as people write it: «24.11.2026», «24.11.26», «2026-11-24»."""
    if not (said := _DAY.fullmatch(words.strip())):
        try:
            return date.fromisoformat(words.strip())
        except ValueError:
            return None
    day, month, year = (int(part) for part in said.groups())
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return None


def _check_power(by: Employee) -> None:
    if not by.has_power(POWER):
        raise PermissionDenied
