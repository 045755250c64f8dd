"""What an answered appeal leaves to the Knowledge Base: «стоит сохранить», and a draft made of the answer.

In the draft nobody is named: every place that tells of a person is shown to the author, who replaces or keeps it;
before he has decided about all of them nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.html import escape

from otklik.appeals import signals, transitions
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import FINISHED, Appeal, AppealMessage
from otklik.appeals.permissions import check_can_write
from otklik.appeals.signature import frozen_of
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import articles, drafts, proposals, rights
from otklik.knowledge.drafts import Draft
from otklik.knowledge.models import Material, MaterialUse, Proposal, Section
from otklik.people import anonymise, personal_data
from otklik.people.anonymise import Place
from otklik.people.models import Employee
from otklik.people.powers import POWERS

# What is made of an answer, in the order it is offered.
KINDS: Final = ("Faq", "ReplyTemplate", "DecisionExample")
REPLACE, KEEP = "replace", "keep"
WORDS_MAX: Final = 300
ALSO_MAX: Final = 30  # words an author adds himself
_GREETINGS: Final = ("уважаем", "здравствуйте", "добрый день")


class NoAnswer(DomainError):
    """The appeal was closed without an answer of ours."""

    code = "keeping.no_answer"
    text = "По обращению № {number} ответа нет: делать материал не из чего."


class NotConfirmed(DomainError):
    """A place has been found that nobody decided about."""

    code = "keeping.not_confirmed"
    text = "Решите о каждом найденном месте: заменить или оставить. Осталось: {left}. Ничего не сохранено."


class NamedInTitle(DomainError):
    """The title tells of a person."""

    code = "keeping.named_in_title"
    text = "В заголовке остались сведения о людях: {found}. Уберите их."


class WrongKind(DomainError):
    """An answer becomes one of three kinds."""

    code = "keeping.wrong_kind"
    text = "Выберите вид материала: вопрос и ответ, шаблон ответа или пример решения."


@dataclass(frozen=True)
class Found:
    """What tells of a person, wherever it stands in the texts: one decision for all its places."""

    key: str
    text: str
    mark: str
    times: int


@dataclass(frozen=True)
class Piece:
    """A piece of a text; `found`: the number of what it tells of a person, None: it stays."""

    text: str
    mark: str = ""
    found: int | None = None


@dataclass(frozen=True)
class Prepared:
    """An answered appeal as an author looks it through: question, answer and what was found in them."""

    title: str
    question: str
    answer: str
    in_question: tuple[Place, ...]
    in_answer: tuple[Place, ...]
    found: tuple[Found, ...]

    def pieces(self) -> list[tuple[str, list[Piece]]]:
        """Return both texts in pieces, each under its name."""
        numbers = {one.text.casefold(): number for number, one in enumerate(self.found, 1)}
        return [
            ("Вопрос", pieces_of(self.question, self.in_question, numbers)),
            ("Ответ", pieces_of(self.answer, self.in_answer, numbers)),
        ]


def pieces_of(text: str, places: Iterable[Place], numbers: Mapping[str, int]) -> list[Piece]:
    """Return a text in pieces; `numbers`: what stands at a place, in lower case → its number."""
    pieces, at = [], 0
    for one in places:
        pieces += [Piece(text[at : one.start]), Piece(one.text, one.mark, numbers[one.text.casefold()])]
        at = one.end
    return [*pieces, Piece(text[at:])]


# --- «стоит сохранить» -----------------------------------------------------------------------------------------------


def check_can_keep(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not propose to keep the decision: it is his who worked on the answer that was sent."""
    _check_answered(appeal)
    check_can_write(appeal, user)


def _check_answered(appeal: Appeal) -> None:
    if appeal.status not in FINISHED:
        now = Appeal.Status(appeal.status).label
        raise transitions.MoveRefused(number=appeal.number, now=now, to="решение сохранено")


@transaction.atomic
def propose(appeal: Appeal, *, kind: str, words: str = "", by: Employee) -> Proposal:
    """Mark a decision as worth keeping: a proposal to the unit, with the executor's words."""
    check_can_keep(appeal, by)
    if kind not in KINDS:
        raise WrongKind
    said = personal_data.hidden(" ".join(words.split()))[:WORDS_MAX] or "решение стоит сохранить"
    about = signals.about(appeal)
    signal = proposals.Signal(
        Proposal.Kind.WORTH, signals.reference(appeal.pk), said, timezone.now(), reference=signals.reference(appeal.pk)
    )
    title = f"Сохранить решение: «{about}»"
    row = proposals.propose(signal, title=title, material_kind=kind, unit=appeal.unit, by=by)
    journal.record("appeal.worth_keeping", chain=f"appeal:{appeal.pk}", by=by, proposal=row.pk)
    return row


# --- «создать материал из ответа» ------------------------------------------------------------------------------------


def check_can_write_material(appeal: Appeal, user: Employee) -> None:
    """Raise where the user writes no materials, or the appeal has not been answered."""
    _check_answered(appeal)
    if not (user.has_power(rights.AUTHOR) or user.has_power(rights.CHIEF)):
        raise NotAllowed(what="создать материал из ответа", power=POWERS[rights.AUTHOR])


def prepare(appeal: Appeal, *, also: Iterable[str] = ()) -> Prepared:
    """Return question and answer with every place that tells of a person. `also`: words the author named himself."""
    answer = frozen_of(appeal)
    if answer is None:
        raise NoAnswer(number=appeal.number)
    letter = AppealMessage.objects.filter(appeal=appeal, first=True).values_list("message__text", flat=True).first()
    question, also = (letter or "").strip(), list(also)[:ALSO_MAX]
    applicant = appeal.applicant
    in_question = anonymise.places(question, applicant, also=also)
    in_answer = anonymise.places(answer.text, applicant, also=also)
    met: dict[str, list[Place]] = {}
    for one in [*in_question, *in_answer]:
        met.setdefault(one.text.casefold(), []).append(one)
    found = tuple(Found(_key(name), all_[0].text, all_[0].mark, len(all_)) for name, all_ in met.items())
    title = anonymise.replaced(appeal.subject, anonymise.places(appeal.subject, applicant, also=also))
    return Prepared(title, question, answer.text, tuple(in_question), tuple(in_answer), found)


def _key(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


@transaction.atomic
def write(
    appeal: Appeal,
    *,
    kind: str,
    section: Section,
    title: str,
    decided: Mapping[str, str],
    also: Iterable[str] = (),
    by: Employee,
) -> Material:
    """Write the draft: internal, in a section the author edits, tied to the appeal. `decided`: key → replace or keep.

    The texts are taken anew: only what was found in them now and decided about goes into the draft.
    """
    check_can_write_material(appeal, by)
    if kind not in KINDS:
        raise WrongKind
    prepared = prepare(appeal, also=also)
    if left := sum(decided.get(one.key) not in (REPLACE, KEEP) for one in prepared.found):
        raise NotConfirmed(left=left)
    kept = {one.text.casefold() for one in prepared.found if decided[one.key] == KEEP}
    named = [one.text for one in anonymise.places(title, appeal.applicant) if one.text.casefold() not in kept]
    if named:
        raise NamedInTitle(found=", ".join(f"«{one}»" for one in named))
    question = anonymise.replaced(prepared.question, prepared.in_question, kept=kept)
    answer = anonymise.replaced(prepared.answer, prepared.in_answer, kept=kept)
    draft = Draft(kind, section, title, on=appeal.answered_on, fields=_fields(kind, question, answer, appeal))
    page = drafts.write(draft, reference=signals.reference(appeal.pk), by=by)
    journal.record("appeal.material_begun", chain=f"appeal:{appeal.pk}", by=by, material=page.pk)
    return page


def _fields(kind: str, question: str, answer: str, appeal: Appeal) -> dict[str, Any]:
    if kind == "ReplyTemplate":
        return {"text": answer, "when": question}
    if kind == "DecisionExample":
        signed = frozen_of(appeal)
        post = signed.signer.post if signed else ""
        return {"situation": _html(question), "decision": _html(answer), "decided_by": post[:200], "anonymised": True}
    paragraphs = answer.split("\n\n")
    if len(paragraphs) > 1 and paragraphs[0].casefold().startswith(_GREETINGS):
        paragraphs = paragraphs[1:]  # a letter greets, a material does not
    page = articles.question({"title": "", "body": "\n\n".join(paragraphs)})
    note = f"<p>Вопрос из обращения:</p>{_html(question)}"
    return {"short_answer": page.short_answer, "body": page.body, "staff_note": note}


def _html(text: str) -> str:
    return "".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def materials_of(appeal: Appeal) -> list[Material]:
    """Return the materials written from the answers of an appeal, drafts too, as far as they are still there."""
    made = MaterialUse.objects.filter(
        action=MaterialUse.Action.WRITTEN_FROM, reference=signals.reference(appeal.pk)
    ).values("page")
    return list(Material.objects.filter(pk__in=made).order_by("pk"))
