"""A letter as it may be published or shown as an example: what tells of people is marked and replaced."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from otklik.appeals import keeping
from otklik.appeals.models import Appeal
from otklik.core import journal
from otklik.correspondence.models import OutgoingMessage
from otklik.people import anonymise
from otklik.people.models import Employee


@dataclass(frozen=True)
class Masked:
    """One text of a case: its pieces with the marks, and the whole of it with the marks in place."""

    title: str
    pieces: list[keeping.Piece]
    text: str
    found: int


def texts(appeal: Appeal, *, also: Iterable[str] = (), kept: Collection[str] = (), by: Employee) -> list[Masked]:
    """Return the letters of a case with people taken out; `also`: words to hide too, `kept`: words that stay."""
    also, kept = list(also)[: keeping.ALSO_MAX], {one.casefold() for one in kept}
    journal.looked("appeal.masked", by=by, appeal=appeal.pk)
    return [_masked(appeal, title, text, also, kept) for title, text in _letters(appeal) if text.strip()]


def _letters(appeal: Appeal) -> list[tuple[str, str]]:
    came = [one.message for one in appeal.messages.select_related("message").order_by("pk")]
    answers = OutgoingMessage.objects.filter(thread=appeal.thread_id, kind=OutgoingMessage.Kind.ANSWER).order_by("pk")
    frozen = appeal.frozen.order_by("-pk").first()
    told = [("Письмо заявителя" if one.pk == came[0].pk else "Письмо заявителя, ещё одно", one.text) for one in came]
    # What was sent may be a covering letter only: the text of the answer is the frozen one.
    sent = [("Ответ", frozen.text)] if frozen else [("Ответ", one.text) for one in answers]
    return [*told, *sent]


def _masked(appeal: Appeal, title: str, text: str, also: list[str], kept: Collection[str]) -> Masked:
    places = [one for one in anonymise.places(text, appeal.applicant, also=also) if one.text.casefold() not in kept]
    numbers = {one.text.casefold(): number for number, one in enumerate(places, 1)}
    return Masked(title, keeping.pieces_of(text, places, numbers), anonymise.replaced(text, places), len(places))
