"""What the Knowledge Base fulfils: a store of its own, ordered by functions, kept by units."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q

from otklik.core.compliance import Figure, Promise, end_of, is_today, unknown
from otklik.knowledge.models import KINDS, Function, Mark, Material, MaterialUse, Section

_NO_PAST: Final = "какие материалы были опубликованы в прошлом, по дням не хранится"


def _materials(on: date) -> Figure:
    if not is_today(on):
        return unknown(_NO_PAST)
    on_site = Q(mark=Mark.PUBLIC, public_version__isnull=False)
    found = Material.objects.filter(live=True).aggregate(all=Count("pk"), open=Count("pk", filter=on_site))
    return Figure(f"Опубликовано материалов: {found['all']}, из них на сайте: {found['open']}", found["all"])


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
    live = Material.objects.filter(live=True).order_by()
    found = dict(live.values_list("content_type__model").annotate(number=Count("pk")))
    told = (f"{kind._meta.verbose_name_plural}: {found.get(kind._meta.model_name, 0)}" for kind in KINDS)
    return Figure("; ".join(told).capitalize(), sum(found.values()))


def _inserted(on: date) -> Figure:
    used = MaterialUse.objects.filter(action=MaterialUse.Action.INSERTED, at__lt=end_of(on))
    number = used.count()
    return Figure(f"Материал вставлен в ответ: {number} раз", number)


PROMISES: Final = (
    Promise(
        "R2",
        "2",
        does="База знаний — внутренний раздел Отклика: сотрудник видит всё, что ему можно, клиент — только "
        "опубликованное для него: ту версию, которую выпустил на сайт второй человек.",
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
        does="У раздела есть функция и ответственное подразделение: его авторы правят раздел. Карта показывает, "
        "по каким функциям и видам материалов пусто.",
        figure=_functions,
        list_name="workplace:knowledge_coverage",
        list_words="Карта: функции и виды материалов",
    ),
    Promise(
        "R40",
        "40",
        does="Все виды материалов п. 40, у каждого свои обязательные поля, и сценарии разговоров. Должностные "
        "инструкции и примеры решений на сайт не попадают никогда.",
        figure=_kinds,
        list_name="workplace:knowledge_coverage",
        list_words="Карта: функции и виды материалов",
    ),
)
