"""What the Knowledge Base fulfils: a store of its own, ordered by functions, kept by units."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q

from otklik.core.compliance import Figure, Promise, end_of, is_today, unknown
from otklik.knowledge.models import Faq, Function, Mark, Material, MaterialUse, ReviewDuty, ReviewItem, Section
from otklik.knowledge.quarters import Quarter

_NO_PAST: Final = "какие материалы были опубликованы в прошлом, по дням не хранится"


def _materials(on: date) -> Figure:
    if not is_today(on):
        return unknown(_NO_PAST)
    found = Material.objects.filter(live=True).aggregate(all=Count("pk"), open=Count("pk", filter=Q(mark=Mark.PUBLIC)))
    return Figure(f"Опубликовано материалов: {found['all']}, из них открыто клиентам: {found['open']}", found["all"])


def _sections(on: date) -> Figure:
    if not is_today(on):
        return unknown(_NO_PAST)
    number = Section.objects.filter(live=True).count()
    return Figure(f"Разделов: {number}", number)


def _functions(on: date) -> Figure:
    if not is_today(on):
        return unknown(_NO_PAST)
    valid = Q(valid_from__lte=on) & (Q(valid_to__isnull=True) | Q(valid_to__gte=on))
    sections = Section.objects.filter(function=OuterRef("pk"), live=True)
    found = (
        Function.objects.filter(valid)
        .annotate(is_kept=Exists(sections))
        .aggregate(all=Count("pk"), kept=Count("pk", filter=Q(is_kept=True)))
    )
    return Figure(f"Функций с разделом: {found['kept']} из {found['all']}", found["kept"])


def _kinds(on: date) -> Figure:
    if not is_today(on):
        return unknown(_NO_PAST)
    questions = Faq.objects.filter(page_ptr=OuterRef("pk"))
    found = (
        Material.objects.filter(live=True)
        .annotate(is_asked=Exists(questions))
        .aggregate(all=Count("pk"), asked=Count("pk", filter=Q(is_asked=True)))
    )
    templates = found["all"] - found["asked"]
    return Figure(f"Вопросов с ответами: {found['asked']}, шаблонов ответов: {templates}", found["all"])


def _inserted(on: date) -> Figure:
    used = MaterialUse.objects.filter(action=MaterialUse.Action.INSERTED, at__lt=end_of(on))
    number = used.count()
    return Figure(f"Материал вставлен в ответ: {number} раз", number)


def _reviewed(on: date) -> Figure:
    """Count the quarter of the day as it stood at the day's end."""
    quarter = Quarter.of(on)
    duties = ReviewDuty.objects.filter(year=quarter.year, quarter=quarter.number, opened_on__lte=on)
    there, state = Q(items__created_at__lt=end_of(on)), ReviewItem.State
    done = Q(items__decided_at__lt=end_of(on)) & ~Q(items__state=state.CARRIED)
    found = duties.aggregate(
        units=Count("pk", distinct=True), all=Count("items", filter=there), done=Count("items", filter=there & done)
    )
    said = f"{quarter}: проверено материалов {found['done']} из {found['all']}, подразделений {found['units']}"
    return Figure(said, found["units"])


PROMISES: Final = (
    Promise(
        "R2",
        "2",
        does="База знаний — внутренний раздел Отклика: сотрудник видит всё, что ему можно, клиент — только "
        "опубликованное для него.",
        figure=_materials,
        list_name="workplace:knowledge",
        list_words="База знаний",
    ),
    Promise(
        "R3-V",
        "37",
        does="Один материал — одна формулировка: она же на портале, в поиске сотрудника и в ответе; вставленное "
        "запоминается с версией.",
        missing="Та же формулировка при разговоре по телефону.",
        figure=_inserted,
    ),
    Promise(
        "R38",
        "38",
        does="Материалы собраны в одном месте, разделы идут по функциям департамента.",
        figure=_sections,
        list_name="workplace:knowledge",
        list_words="База знаний",
    ),
    Promise(
        "R39",
        "39",
        does="У раздела есть функция и ответственное подразделение: его авторы правят раздел.",
        missing="Показать функции, по которым нет материалов.",
        figure=_functions,
        list_name="workplace:knowledge",
        list_words="База знаний",
    ),
    Promise(
        "R40",
        "40",
        does="Есть вопросы с ответами и шаблоны ответов.",
        missing="Правовые акты, должностные инструкции, примеры решений, услуги, график приёма, контактные данные.",
        figure=_kinds,
        list_name="workplace:knowledge",
        list_words="База знаний",
    ),
    Promise(
        "R41a",
        "41",
        does="В первый рабочий день квартала каждому подразделению открывается проверка его материалов: каждый "
        "подтверждают, изменяют или снимают, отвечают, чего не хватает; за 30, 14, 7 дней и за день напоминают, "
        "по итогам — протокол.",
        figure=_reviewed,
        list_name="workplace:reviews",
        list_words="Актуализация",
        query="on={on}",
    ),
)
