"""What to answer while talking: search as one types, a short line of each material to read aloud, what was used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db import models, transaction
from django.utils.text import Truncator

from otklik.appeals import classification
from otklik.appeals.classification import Suggested
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import consultations
from otklik.hotline.models import Consultation
from otklik.knowledge import materials, trust
from otklik.knowledge.materials import Filters, Found, Results
from otklik.knowledge.models import (
    ContactData,
    DecisionExample,
    Faq,
    Mark,
    Material,
    MaterialUse,
    PublicVersion,
    ReceptionHours,
    ReceptionSchedule,
    ReplyTemplate,
    Script,
    SearchSession,
    Service,
)
from otklik.knowledge.trust import Trust
from otklik.people.models import Employee

SHOWN: Final = 9  # as many as there are digits to choose with
_LONGEST: Final = 400  # characters of a line: half a minute of reading
_SEARCHES: Final = 20  # of one consultation
_PLACEHOLDER: Final = re.compile(r"\{[^{}\n]{1,60}\}|\[[^\[\]\n]{1,60}\]")  # filled in letters only

_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+")

# What a call is answered with, in the order of its keys.
KINDS: Final[tuple[tuple[type[Material], str], ...]] = (
    (Faq, "Вопросы"),
    (ReplyTemplate, "Шаблоны"),
    (DecisionExample, "Примеры"),
    (Service, "Услуги"),
    (ReceptionSchedule, "Графики"),
    (ContactData, "Контакты"),
    (Script, "Сценарии"),
)


class How(models.TextChoices):
    """What a consultant did with a material."""

    READ = "read", "прочитано вслух"
    USED = "used", "использовано"
    DECLINED = "declined", "не подошло"
    OPENED = "opened", "открыто"


_ACTIONS: Final = {
    How.READ: MaterialUse.Action.READ,
    How.USED: MaterialUse.Action.TOLD,
    How.DECLINED: MaterialUse.Action.DECLINED,
    How.OPENED: MaterialUse.Action.OPENED,
}


class UnknownUse(DomainError):
    """A form of another page, or of another time."""

    code = "reading_aloud.unknown_use"
    text = "Непонятно, что сделано с материалом. Обновите страницу и отметьте ещё раз."


class NotForCallers(DomainError):
    """What is internal is read by employees only."""

    code = "reading_aloud.internal"
    text = "«{title}» — внутренний материал, его не зачитывают. Ответьте своими словами или найдите другой."


@dataclass(frozen=True)
class Line:
    """What is read aloud of a material; `note`: how, where it is not simply read. Of an internal one: nothing."""

    text: str = ""
    note: str = ""

    @property
    def aloud(self) -> bool:
        """Tell whether a caller may hear it."""
        return bool(self.text) and self.note != NOT_ALOUD


NOT_ALOUD: Final = "не зачитывать"
FOR_LETTERS: Final = "для письма"
SCRIPT: Final = "читать по шагам"


@dataclass(frozen=True)
class Answer:
    """A material that was found, with the line to read."""

    found: Found
    line: Line


@dataclass(frozen=True)
class Answers:
    """What a search found, with lines to read; `results` says how sure it is, and how the words were understood."""

    results: Results = field(default_factory=Results)
    rows: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Beside:
    """A material opened beside the call."""

    material: Material
    section: Any
    trust: Trust
    line: Line
    done: frozenset[str]  # what was already done with it in this consultation


@dataclass(frozen=True)
class Used:
    """A material of a consultation, what was done with it, and with which version."""

    page_id: int
    title: str
    how: list[str]  # in words, as it went
    revision: int | None


def kinds() -> dict[str, str]:
    """Return what a search beside the call is narrowed to: name of the kind → word."""
    return {str(kind._meta.model_name): word for kind, word in KINDS}


def search(
    query: str,
    *,
    user: Employee | None = None,
    typing: bool = False,
    kind: str = "",
    exact: bool = False,
    consultation: Consultation | None = None,
) -> Answers:
    """Return what answers a caller, best first, each with a line to read aloud.

    Without a user only what citizens read is searched, and read from the version let out: that is what operators of the
    ЕКЦ get. What did not fit in the consultation stays away from it.
    """
    reference = reference_of(consultation) if consultation is not None else ""
    narrowed = Filters(kind=kind) if user is not None else Filters()
    found = materials.search(
        query, user=user, filters=narrowed, limit=SHOWN, typing=typing, exact=exact, reference=reference
    )
    lines = _lines(found.pages, user) if found.found else {}
    # What was unpublished between the two questions is not shown.
    return Answers(found, [Answer(one, lines[one.page_id]) for one in found.found if one.page_id in lines])


def line_to_read(material: Material) -> Line:
    """Return the line to read aloud of a material as employees read it."""
    return _lines_of([material.pk], Material.objects.filter(pk=material.pk)).get(material.pk, Line())


def opened(consultation: Consultation, page_id: int, *, by: Employee) -> Beside:
    """Return a material to be read beside the call, and note that it was looked at; raises NoSuchMaterial."""
    material = materials.get_for(by, page_id)
    done = _of(consultation).filter(page=page_id).values_list("action", flat=True)
    names: dict[str, How] = {action.value: how for how, action in _ACTIONS.items()}
    beside = Beside(
        material=material,
        section=materials.section_of(material),
        trust=trust.of([material])[page_id],
        line=line_to_read(material),
        done=frozenset(names[action].value for action in done if action in names),
    )
    if How.OPENED not in beside.done and consultations.may_work(consultation, by):
        used(consultation, page_id, How.OPENED, by=by)
    return beside


@transaction.atomic
def used(consultation: Consultation, page_id: int, how: str, *, by: Employee) -> None:
    """Note what was done with a material, with its version: read aloud, used, opened, or it did not fit.

    Once is enough: pressed again it says the same. What is internal is not read aloud.
    """
    if not consultations.may_work(consultation, by):
        raise consultations.ConsultationOver if consultation.outcome else consultations.NotYours
    if how not in How.values:
        raise UnknownUse
    material = materials.get_for(by, page_id)
    if how == How.READ and material.mark == Mark.INTERNAL:
        raise NotForCallers(title=material.title)
    action, version = _ACTIONS[How(how)], materials.version_of(material)
    if _of(consultation).filter(page=page_id, action=action, revision=version).exists():
        return
    materials.record_use(page_id, action, reference=reference_of(consultation), by=by)
    if how != How.OPENED:
        chain = f"consultation:{consultation.pk}"
        facts: dict[str, Any] = {"material": page_id, "revision": version, "way": how}
        journal.record("consultation.material_used", chain=chain, by=by, **facts)


def used_in(consultation: Consultation) -> list[Used]:
    """Return the materials of a consultation in the order they came, opened ones too; two queries."""
    rows = list(_of(consultation).order_by("at", "pk").values_list("page", "page__title", "action", "revision"))
    titles: dict[int, str] = {}
    done: dict[int, list[str]] = defaultdict(list)
    versions: dict[int, int | None] = {}
    words = {action.value: how.label for how, action in _ACTIONS.items()}
    for page, title, action, revision in rows:
        titles[page], versions[page] = title, revision
        if action in words:
            done[page].append(words[action])
    return [Used(page, title, done[page], versions[page]) for page, title in titles.items()]


def proposed(consultation: Consultation) -> tuple[list[Suggested], list[Suggested]]:
    """Return topics and needs the consultation seems to be about, each with the words and materials behind it.

    Told by what was noted, what was searched for, and which materials were opened; what did not fit has no say.
    """
    by = consultation.by
    if by is None:
        return [], []
    uses = list(_of(consultation).values_list("page__title", "page", "action"))
    turned_down = {page for _, page, action in uses if action == MaterialUse.Action.DECLINED}
    titles = dict.fromkeys(title for title, page, _ in uses if page not in turned_down)
    said = [consultation.question, *_searched(consultation, by), *titles]
    text = "\n".join(part for part in said if part.strip())
    if not text:
        return [], []
    guess = classification.propose(text, reader=by)
    # A title is told once, among the materials.
    topics, needs = (
        [replace(one, words=[word for word in one.words if word not in titles]) for one in votes]
        for votes in (guess.topics, guess.needs)
    )
    return topics, needs


def reference_of(consultation: Consultation) -> str:
    """Return how the Knowledge Base names this consultation; what it means is known here only."""
    return f"consultation:{consultation.pk}"


def _searched(consultation: Consultation, by: Employee) -> list[str]:
    """Return the words searched for while the consultation went on, the last first."""
    rows = SearchSession.objects.filter(by=by, last_at__gte=consultation.opened_at).exclude(query="")
    if consultation.closed_at is not None:
        rows = rows.filter(began_at__lte=consultation.closed_at)
    return list(dict.fromkeys(rows.order_by("-last_at").values_list("query", flat=True)[:_SEARCHES]))


def _of(consultation: Consultation) -> models.QuerySet[MaterialUse]:
    return MaterialUse.objects.filter(reference=reference_of(consultation))


def _lines(pages: Collection[int], user: Employee | None) -> dict[int, Line]:
    """Return the lines of what was found, two queries at most whatever the kinds: it is asked at every key."""
    if user is not None:
        return _lines_of(pages, materials.for_staff(user).filter(pk__in=pages))
    versions = PublicVersion.objects.filter(material__in=materials.for_public().filter(pk__in=pages).values("pk"))
    return {one.material_id: Line(_short(_let_out(one))) for one in versions.defer("answer", "found_by")}


def _let_out(version: PublicVersion) -> str:
    facts = [f"{one['heading']}: {one['text']}" for one in version.facts]
    hours = [one["text"] for one in version.parts if one["heading"] == "Когда"]
    return ". ".join(_ended(one) for one in [version.brief, *hours, *facts] if one)


def _lines_of(pages: Iterable[int], readable: models.QuerySet[Material]) -> dict[int, Line]:
    # Every kind has a table of its own; joined, they are one question.
    fields = {
        "faq": ("short_answer",),
        "replytemplate": ("text",),
        "decisionexample": ("decided_by",),
        "service": ("result", "term", "cost"),
        "receptionschedule": ("who", "place"),
        "contactdata": ("about", "phone", "hours", "address"),
        "script": ("when",),
        "legalact": ("full_title",),
    }
    names = [f"{kind}__{name}" for kind, own in fields.items() for name in own]
    kinds_of = {f"of_{kind}": models.F(f"{kind}__pk") for kind in fields}
    rows = list(readable.annotate(**kinds_of).values("pk", "mark", *kinds_of, *names))
    schedules = [row["pk"] for row in rows if row["of_receptionschedule"]]
    hours: dict[int, list[str]] = defaultdict(list)
    for one in ReceptionHours.objects.filter(page__in=schedules).order_by("page", "sort_order") if schedules else ():
        hours[one.page_id].append(str(one))
    return {row["pk"]: _line(row, hours[row["pk"]]) for row in rows}


def _line(row: dict[str, Any], hours: list[str]) -> Line:
    if row["mark"] == Mark.INTERNAL:
        return Line(note=NOT_ALOUD)
    if row["of_faq"]:
        return Line(_short(row["faq__short_answer"]))
    if row["of_replytemplate"]:
        return Line(_short(_without_blanks(row["replytemplate__text"])), FOR_LETTERS)
    if row["of_service"]:
        said = [row["service__result"], f"Срок: {row['service__term']}", f"Стоимость: {row['service__cost']}"]
        return Line(_short(" ".join(map(_ended, said))))
    if row["of_receptionschedule"]:
        said = [row["receptionschedule__who"], "; ".join(hours), row["receptionschedule__place"]]
        return Line(_short(" ".join(_ended(one) for one in said if one)))
    if row["of_contactdata"]:
        phone, address = row["contactdata__phone"], row["contactdata__address"]
        said = [f"Телефон: {phone}" if phone else "", row["contactdata__hours"], row["contactdata__about"], address]
        return Line(_short(" ".join(_ended(one) for one in said if one)))
    if row["of_script"]:
        return Line(_short(row["script__when"]), SCRIPT)
    return Line(_short(row["legalact__full_title"] or ""))


def _without_blanks(text: str) -> str:
    """Return the sentences of a template that need nothing of an appeal to be filled in."""
    whole = [one for line in text.splitlines() for one in _SENTENCE.split(line) if not _PLACEHOLDER.search(one)]
    return " ".join(whole) if any(one.strip() for one in whole) else _PLACEHOLDER.sub("…", text)


def _ended(words: str) -> str:
    return words if words.rstrip().endswith((".", "!", "?", "…")) else f"{words.rstrip()}."


def _short(words: str) -> str:
    return Truncator(" ".join(words.split())).chars(_LONGEST)
