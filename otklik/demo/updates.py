"""Unscheduled updates on the stand: weeks of the law, one overdue; a changed act; decisions worth keeping."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from otklik.appeals import keeping, signals
from otklik.appeals.lessons import letters
from otklik.appeals.models import FINISHED, Appeal
from otklik.demo import clock
from otklik.knowledge import law, lessons, proposals, rights, weeks
from otklik.knowledge.drafts import Draft
from otklik.knowledge.law import News
from otklik.knowledge.models import LawWeek, LegalAct, Proposal, Reference
from otklik.people.models import Employee

WEEKS: Final = 6
AMENDED: Final = "Условный пример учебного стенда: изменены сроки рассмотрения заявления. Проверьте сроки в ответах."
OTHER: Final = ("Приказ от 01.02.2026 № 15-н (условный)", "Условный пример: новая форма заявления о выкупе участка.")
WORTH: Final = ("Редкий случай: участок в двух зонах", "Ответ, к которому больше не было вопросов", "")


def load(people: Mapping[str, Employee], appeals: Collection[Appeal], *, now: datetime) -> None:
    """Let the legal unit have answered for its weeks but the last one, and executors have marked what to keep."""
    lawyer = people["lawyer"]
    _weeks(lawyer, now)
    sent = [one for one in appeals if one.status in FINISHED and one.executor and one.unit]
    for one, words in zip(sent[-len(WORTH) :], WORTH, strict=False):
        executor = people[one.executor.username] if one.executor else lawyer
        keeping.propose(one, kind="DecisionExample" if words else "Faq", words=words, by=executor)
    proposals.gather(signals.unbacked, signals.alike)
    lessons.gather(letters)
    _begun(people)


def _weeks(lawyer: Employee, now: datetime) -> None:
    cited = Reference.objects.filter(target=OuterRef("pk")).order_by().values("target").annotate(n=Count("pk"))
    acts = LegalAct.objects.annotate(cited=Coalesce(Subquery(cited.values("n")), 0)).order_by("-cited", "pk")
    for ago in range(WEEKS, 0, -1):
        at = now - timedelta(weeks=ago)
        with clock.set_to(at):
            weeks.open_weeks()
            week = LawWeek.objects.filter(closed_at=None).last()
            if week is None or ago == 1:  # the last one nobody has answered for
                continue
            day = timezone.localdate(at) - timedelta(days=1)
            if ago == WEEKS:
                law.register(News(None, OTHER[0], "amended", day, OTHER[1]), week=week, by=lawyer)
            if ago == 2 and (act := acts.first()):
                law.register(News(act, "", "amended", day, AMENDED), week=week, by=lawyer)
            weeks.close(week, nothing=not week.changes.exists(), by=lawyer)
    weeks.open_weeks()


def _begun(people: Mapping[str, Employee]) -> None:
    """Let the author have begun a material for the first proposal that is his."""
    author, today = people["kbauthor"], timezone.localdate()
    mine = proposals.seen_by(author, today).filter(state=Proposal.State.NEW, kind=Proposal.Kind.UNBACKED)
    row, section = mine.order_by("pk").first(), rights.sections_edited_by(author, today).first()
    if row and section:
        proposals.take(row, section=section, by=author)
        proposals.begin(row, Draft("Faq", section, proposals.title_of(row)), by=author)
