"""What waits for the head of a unit on the stand: a new material, a change with a comment, one given back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from otklik.demo import clock
from otklik.knowledge import agreement, remarks, rights
from otklik.knowledge.models import Faq, Mark, Section
from otklik.people.models import Employee

NEW: Final = {
    "title": "Как узнать, занят ли участок",
    "short_answer": "Откройте публичную кадастровую карту и найдите участок по номеру или на карте.",
    "body": "<p>Если участка на карте нет, его границы ещё не установлены. "
    "Тогда запросите сведения в Росреестре: ответ приходит за три рабочих дня.</p>",
    "synonyms": "свободный участок\nкто хозяин земли",
}
ADDED: Final = "<p>Записаться на консультацию можно по телефону отдела или на личном приёме.</p>"
REMARK: Final = "Добавьте срок ответа и ссылку на пункт Порядка, иначе человек спросит ещё раз."
COMMENT: Final = "Уточните, что до записи нужно взять с собой паспорт."


def load(people: Mapping[str, Employee], *, now: datetime) -> None:
    """Let an author send what he wrote, by the ordinary steps."""
    author, head = people["kbauthor"], people["head1"]
    units = rights.units_edited_by(author, now.date())
    section = Section.objects.filter(unit__in=units).order_by("path").first()
    if section is None:
        return
    changed, returned = Faq.objects.filter(live=True, path__startswith=section.path).order_by("path")[1:3]
    with clock.set_to(now - timedelta(hours=20)):
        sent = agreement.ask(_changed(returned, author), by=author)
    with clock.set_to(now - timedelta(hours=3)):
        row = agreement.ask(_changed(changed, author), by=author)
        remarks.leave(row, field="short_answer", text=COMMENT, by=head)
    with clock.set_to(now - timedelta(hours=2)):
        agreement.give_back(sent, remark=REMARK, by=head)
    with clock.set_to(now - timedelta(minutes=50)):
        draft = section.add_child(instance=Faq(slug="free-land", mark=Mark.PUBLIC, live=False, demo=True, **NEW))
        draft.save_revision(user=author, log_action=True)
        agreement.ask(draft, by=author)


def _changed(page: Faq, author: Employee) -> Faq:
    page.body = f"{page.body}{ADDED}"
    page.save_revision(user=author, log_action=True)
    return page
