"""What the Knowledge Base fulfils: a store of its own, ordered by functions, kept by units."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q

from otklik.core.compliance import Figure, Promise, end_of, is_today, unknown
from otklik.knowledge import finding, quality
from otklik.knowledge.models import (
    KINDS,
    Audience,
    Function,
    LawChange,
    Mark,
    Material,
    MaterialUse,
    Proposal,
    ReviewDuty,
    ReviewItem,
    Section,
)
from otklik.knowledge.quarters import Quarter

SEARCHED_DAYS: Final = 30
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
    """Count what went out in one wording: in letters, and by telephone, where the same short answer is read aloud."""
    used = MaterialUse.objects.filter(at__lt=end_of(on)).aggregate(
        written=Count("pk", filter=Q(action__in=MaterialUse.IN_ANSWERS)),
        spoken=Count("pk", filter=Q(action__in=MaterialUse.SPOKEN)),
    )
    said = f"Материал использован: в письменных ответах — {used['written']}, в разговорах по телефону"
    return Figure(f"{said} — {used['spoken']}", used["written"] + used["spoken"])


def _proposed(on: date) -> Figure:
    if not is_today(on):
        return unknown("в каком состоянии предложения были в прошлом, по дням не хранится")
    number = Proposal.objects.filter(state__in=[Proposal.State.NEW, Proposal.State.TAKEN]).count()
    without = finding.without_result(on - timedelta(days=SEARCHED_DAYS - 1), on)
    told = ", ".join(f"{audience.label} — {share} % из {total}" for audience, (share, total) in without.items())
    said = f". Поисков без результата за {SEARCHED_DAYS} дней: {told}" if told else ""
    return Figure(f"Предложений ждёт: {number}{said}", number)


def _searched(on: date) -> Figure:
    scope = finding.Scope(Audience.STAFF, on - timedelta(days=SEARCHED_DAYS - 1), on)
    counted = finding.figures(scope)
    if not counted.total:
        return Figure(f"За {SEARCHED_DAYS} дней сотрудники не искали", 0)
    half, most = finding.spoken(counted.median), finding.spoken(counted.p90)
    times = f"половина — за {half}, девять из десяти — за {most}" if counted.found else "времени нет"
    text = f"За {SEARCHED_DAYS} дней поисков сотрудников: {counted.total}, найдено {counted.share} %: {times}"
    return Figure(f"{text}{_night(on)}", counted.total)


def _night(on: date) -> str:
    """Return how the search did in the last night up to a day; nothing where there was none."""
    run = quality.last_night(on)
    share = quality.tally(run).three if run is not None else None
    return f". Ночью {run.day:%d.%m.%Y} нужное среди первых трёх: {share} %" if run and share is not None else ""


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


def _law(on: date) -> Figure:
    """Count what is entered and checked today; of a past day the changes entered by its end."""
    entered = LawChange.objects.filter(entered_at__lt=end_of(on))
    done = Q(items__decided_at__lt=end_of(on))
    found = entered.aggregate(changes=Count("pk", distinct=True), all=Count("items"), done=Count("items", filter=done))
    waiting = found["all"] - found["done"]
    said = f"Внесено изменений законодательства: {found['changes']}; материалов на этих основаниях: {found['all']}"
    return Figure(f"{said}, ждут проверки: {waiting}", found["changes"])


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
        does="Один материал — одна формулировка: она же на портале, в поиске сотрудника, в письменном ответе и на "
        "экране звонка, где её читают вслух; использованное запоминается с версией.",
        figure=_inserted,
        list_name="workplace:knowledge",
        list_words="База знаний: «где используется» у каждого материала",
    ),
    Promise(
        "R37",
        "37",
        does="Время от первой буквы до найденного материала измеряется само, у сотрудников и у клиентов порознь; видны "
        "медиана, девять из десяти, доля найденного, поиски без ответа и без открытия, рядом — исходное значение. "
        "Каждую ночь поиску заново задают подтверждённые вопросы: на каком месте ответ, знает ли он, что ответа нет.",
        figure=_searched,
        list_name="workplace:time_to_find",
        list_words="Время поиска",
    ),
    Promise(
        "R41c",
        "41",
        does="Поиски без ответа и без открытия, отзывы «не помогло», ответы без материала и похожие обращения каждую "
        "ночь собираются в предложения подразделениям: с основаниями, состоянием и тем, к чему привело. Решение, "
        "которое стоит сохранить, отмечает исполнитель; из ответа создают материал без сведений о людях.",
        figure=_proposed,
        list_name="workplace:proposals",
        list_words="Предложения об актуализации",
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
    Promise(
        "R41b",
        "41",
        does="Внесено изменение или отмена правового акта — все материалы на этом основании сразу идут на проверку со "
        "сроком, читатели видят «основание изменилось, идёт проверка». Юридический отдел каждую неделю отвечает об "
        "изменениях законодательства РФ и НСО, вручную или из списка; «изменений нет» тоже ответ.",
        figure=_law,
        list_name="workplace:law",
        list_words="Законодательство",
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
