"""The left menu: what an employee's powers open, with live counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from otklik.appeals import queues
from otklik.core.access import by_itself, requires
from otklik.hotline import missed, promises
from otklik.knowledge import agreement, law, review, rights
from otklik.people.models import Employee
from otklik.reception import appointments
from otklik.reports import compliance, head_sheet, line, receptions, scheduling
from otklik.workplace import (
    call_back,
    channels,
    classifier_pages,
    ekc_work,
    figures_pages,
    front_office,
    holding,
    kb_votes,
    kb_words,
    law_dictionaries,
    line_calls,
    lines,
    macros_pages,
    mailboxes,
    moving_pages,
    outage_pages,
    pos_lane,
    pos_pages,
    reception_schedule,
    routes_pages,
    saved,
    sign_many,
    storage_pages,
    surveys,
    system,
)
from otklik.workplace.asked import APPEALS
from otklik.workplace.models import SavedView
from otklik.workplace.requests import StaffRequest


@dataclass(frozen=True)
class Item:
    """One section of the menu; `powers`: any of them opens it, none named: everybody."""

    label: str
    icon: str
    name: str
    powers: tuple[str, ...] = ()
    go: str = ""  # the key after «П» (G) that leads there, by its place on the keyboard
    inner: bool = False  # it is part of the section above
    counts: str = ""  # the view of appeals whose number stands beside it

    @property
    def url(self) -> str:
        """Return where it leads."""
        return _url(self.name)


@dataclass(frozen=True)
class Group:
    """Sections under a heading that folds them; the first has none. `at_home`: open for whose daily work it is."""

    code: str
    title: str
    items: tuple[Item, ...]
    at_home: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """Return the name under which the browser remembers whether it is folded."""
        return f"menu_{self.code}"


@cache
def _url(name: str) -> str:
    """Return the address of a page. Looked up once: every page has a menu of twenty."""
    return reverse(f"workplace:{name}")


@dataclass(frozen=True)
class Line:
    """A line as the template draws it."""

    label: str
    url: str
    current: bool
    icon: str = ""
    number: int = 0
    hot: bool = False
    inner: bool = False
    go: str = ""
    within: bool = False  # the page lies below this one
    late: int = 0  # how much of the number cannot wait


@dataclass(frozen=True)
class Shown:
    """A group as the template draws it. `hot`: how much of what is folded away cannot wait."""

    title: str
    cookie: str
    lines: list[Line]
    is_open: bool
    hot: int


LISTS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")
HELD: Final = ("reception.hold", "reception.figures")
HOT: Final = {"due", "undelivered"}
NOTHING: Final = call_back.Waiting()
GO: Final = {"registration": "KeyH", "mine": "KeyV", "due": "KeyU"}

GROUPS: Final[tuple[Group, ...]] = (
    Group(
        "",
        "",
        (
            Item("Сегодня", "sun", "today", go="KeyC"),
            Item("Обращения", "inbox", "queue", APPEALS, go="KeyJ"),
            Item("Полоса «Фаст-трек»", "bolt", "pos_lane", pos_lane.READERS),
            Item("На подпись", "signature", "to_sign", sign_many.SIGNERS, counts="signing"),
            Item("Недоставленное", "mail-x", "deliveries", ("appeals.dispatch",), go="KeyY"),
            Item("Карантин", "shield-question", "quarantine", ("intake.decide",), go="KeyR"),
            Item("Заявители", "users", "applicants", ("applicants.view",), go="KeyP"),
            Item("База знаний", "book-2", "knowledge", ("knowledge.read",), go="Comma"),
        ),
    ),
    Group(
        "paper",
        "Письма и контроль",
        (
            Item("Сканы писем", "scan", "scans", ("intake.decide",)),
            Item("Отправка почтой", "mailbox", "post_lists", ("appeals.dispatch",)),
            Item("Контроль резолюций", "checklist", "resolutions", APPEALS[:3]),
            Item("Запросы в органы", "building-bank", "inquiries", APPEALS[:3]),
            Item("Расхождения с СЭД", "scale", "sed", ("intake.decide", "appeals.attest")),
            Item("Факты ПОС", "list-search", "pos_facts", ("intake.decide",)),
            Item("Печать и таблицы", "printer", "prints", LISTS),
            Item("Хранение дел", "archive", "storage", storage_pages.LOOKERS),
            Item("Сбои и бланки", "plug-off", "outages", outage_pages.READERS),
        ),
    ),
    Group(
        "line",
        "Консультации",
        (
            Item("Экран звонка", "headset", "call_desk", ("hotline.consult",), go="KeyK"),
            Item("Консультации", "messages", "consultations", ("hotline.consult", "hotline.figures"), inner=True),
            Item("Пропущенные звонки", "phone-x", "missed", missed.READERS),
            Item("Обещания перезвонить", "phone-calling", "promises", promises.READERS, inner=True),
            Item("Показатели пропущенных", "chart-bar", "missed_figures", missed.READERS, inner=True),
            Item("Звонки", "phone", "line_calls", line_calls.READERS),
            Item("Сверка звонков", "scale", "line_reconciliation", line_calls.READERS, inner=True),
            Item("Показатели линии", "chart-histogram", "line_figures", line.READERS),
            Item("Линии", "device-landline-phone", "lines", lines.READERS),
            Item("ЕКЦ: без темы", "list-search", "ekc_untopiced", ekc_work.CLASSIFY, inner=True),
            Item("Переданы в ЕКЦ", "arrows-exchange", "ekc_handed", ekc_work.READERS, inner=True),
        ),
        at_home=("hotline.consult",),
    ),
    Group(
        "reception",
        "Личный приём",
        (
            Item("Приём сегодня", "id", "front_office", front_office.READERS, go="KeyB"),
            Item("Мой приём", "user-check", "hold_day", ("reception.hold",)),
            Item("Ответы с приёма", "signature", "promised_answers", HELD, inner=True),
            Item("Поручения с приёма", "list-check", "instructions", holding.INSTRUCTED, inner=True),
            Item("Записи на приём", "calendar-user", "appointments", appointments.READERS),
            Item("Записать на приём", "calendar-plus", "appointment_new", (appointments.POWER,), inner=True),
            Item("Просьбы о записи", "mailbox", "visit_requests", (appointments.POWER,), inner=True),
            Item("Сообщить по телефону", "phone-outgoing", "visit_notices", (appointments.POWER,), inner=True),
            Item("Расписание приёма", "calendar-week", "reception_schedule", reception_schedule.READERS),
            Item("Помещения для приёма", "building", "reception_rooms", reception_schedule.READERS, inner=True),
            Item("Показатели приёма", "chart-dots", "reception_figures", receptions.READERS),
            Item("Бланки приёма", "printer", "reception_blanks", front_office.PRINTERS),
            Item("Текст о записи приёма", "message-dots", "recording_words", (front_office.KEEPERS, front_office.DESK)),
        ),
        at_home=("reception.hold", front_office.DESK),
    ),
    Group(
        "kb",
        "Работа над Базой знаний",
        (
            Item("Согласование материалов", "file-check", "agreements", agreement.READERS),
            Item("Предложения", "bulb", "proposals", kb_votes.READERS),
            Item("Отзывы о материалах", "thumb-down", "votes", kb_votes.READERS),
            Item("Актуализация", "checklist", "reviews", review.READERS),
            Item("Законодательство", "gavel", "law", law.READERS),
            Item("Время поиска", "clock-search", "time_to_find", kb_votes.READERS),
            Item("Качество поиска", "target", "search_quality", kb_votes.READERS),
            Item("Ответы с материалами", "chart-bar", "answers_share", kb_votes.READERS),
            Item("Словарь поиска", "transfer", "thesaurus", kb_words.READERS),
        ),
        at_home=(rights.AUTHOR,),
    ),
    Group(
        "said",
        "Отзывы и анкеты",
        (
            Item("Отзывы", "mood-smile", "feedback", LISTS),
            Item("Анализ отзывов", "chart-bar", "opinions", ("surveys.read",)),
            Item("Анкеты и плакаты", "qrcode", "surveys", surveys.READERS),
            Item("Бумажные анкеты", "keyboard", "paper", ("surveys.paper",)),
        ),
    ),
    Group(
        "figures",
        "Отчёты",
        (
            Item("Сводка руководителя", "report", "head_sheet", (head_sheet.POWER,)),
            Item("Показатели", "chart-bar", "figures", figures_pages.READERS),
            Item("Целевые значения", "target", "figure_targets", figures_pages.READERS, inner=True),
            Item("Отчёты", "report-analytics", "reports", scheduling.OPENERS),
            Item("Обзор для сайта", "news", "overview", compliance.READERS, inner=True),
            Item("Соответствие", "clipboard-check", "compliance", compliance.READERS),
            Item("Справка об исполнении", "file-check", "execution", compliance.READERS, inner=True),
            Item("Отчёт в ССТУ", "file-export", "sstu", ("intake.decide",)),
            Item("Порядок выгрузки в ССТУ", "settings", "sstu_settings", ("intake.decide",), inner=True),
        ),
        at_home=(head_sheet.POWER,),
    ),
    Group(
        "channels",
        "Каналы",
        (
            Item("Сверка приёма", "scale", "reconciliation", ("intake.view",)),
            Item("Каналы", "plug-connected", "channels", channels.READERS),
            Item("Почтовые ящики", "mailbox", "mailboxes", mailboxes.READERS, inner=True),
            Item("Отправка по каналам", "send", "sending", system.POWERS, inner=True),
            Item("ПОС", "bolt", "pos", pos_pages.READERS),
            Item("Слова ПОС", "vocabulary", "pos_terms", pos_pages.READERS, inner=True),
            Item("Расхождения с ПОС", "arrows-diff", "pos_differences", pos_pages.READERS, inner=True),
            Item("Ссылки и виджет ПОС", "link", "pos_links", pos_pages.READERS, inner=True),
            Item("Сообщения другим системам", "webhook", "webhooks", ("people.manage",)),
            Item("Отложенные файлы", "file-alert", "files_aside", system.POWERS),
        ),
    ),
    Group(
        "rules",
        "Справочники",
        (
            Item("Классификатор тем", "list-tree", "classifier", classifier_pages.READERS),
            Item("Типовые потребности", "tag", "needs", classifier_pages.READERS),
            Item("Качество предложений", "target", "proposal_quality", classifier_pages.READERS),
            Item("Календарь", "calendar", "calendar", ("calendar.edit",)),
            Item("Сроки", "clock-cog", "terms", ("calendar.edit",)),
            Item("Маршруты согласования", "arrow-guide", "approval_routes", routes_pages.READERS),
            Item("Способы ответа", "send", "answer_rules", routes_pages.READERS),
            Item("Макросы", "bolt", "macros", macros_pages.MAKERS),
            Item("Контрольные списки", "list-check", "checklists", macros_pages.KEEPERS),
            Item("Исходы обращений", "checks", "outcome_kinds", law_dictionaries.READERS),
            Item("Сроки запросов", "clock", "inquiry_rules", law_dictionaries.READERS),
        ),
    ),
    Group(
        "house",
        "Сотрудники и система",
        (
            Item("Справка", "help", "help"),
            Item("Замещение", "user-share", "away"),
            Item("Сотрудники", "users-group", "staff", ("people.manage",)),
            Item("Кто что может", "shield-lock", "rights", ("people.manage", "journal.view")),
            Item("Ключи доступа", "key", "tokens", ("people.manage",)),
            Item("Журнал", "history", "journal", ("journal.view",)),
            Item("Состояние системы", "activity", "system", system.POWERS),
            Item("Резервные копии", "database-export", "backups", system.POWERS),
            Item("Переезд", "truck", "moving", moving_pages.READERS),
            Item("Полная выгрузка", "package", "leaving", moving_pages.LEAVES, inner=True),
        ),
        at_home=system.POWERS,
    ),
)


def groups_for(
    employee: Employee,
    *,
    path: str,
    view: str,
    numbers: Mapping[str, int],
    named: Iterable[SavedView],
    calls: Mapping[str, call_back.Waiting],
    folds: Mapping[str, str],
) -> list[Shown]:
    """Return the menu's groups as this employee sees them on this page; `view` of a named list is «saved_7».

    `folds` are the browser's cookies: «open» or «closed» by the cookie of a group.
    """
    drawn = [(group, list(_lines(group.items, employee, path, view, numbers=numbers, calls=calls))) for group in GROUPS]
    if not view and not any(line.current for _, lines in drawn for line in lines):
        above = _above(path, (lines for _, lines in drawn))
        drawn = [(group, [replace(line, within=line.url == above) for line in lines]) for group, lines in drawn]
    groups = [_shown(group, lines, employee, folds) for group, lines in drawn if lines]
    # Last, so that nothing moves when they come after the page.
    if lines := [_named_line(one, view, numbers) for one in named]:
        groups.append(Shown("", "", lines, is_open=True, hot=0))
    return groups


def _shown(group: Group, lines: list[Line], employee: Employee, folds: Mapping[str, str]) -> Shown:
    usual = not group.title or employee.has_any(group.at_home)
    wanted = folds.get(group.cookie, "open" if usual else "closed") == "open"
    here = any(line.current or line.within for line in lines)
    return Shown(
        group.title,
        group.cookie,
        lines,
        is_open=wanted or here,
        hot=sum(line.late for line in lines),
    )


def _above(path: str, groups: Iterable[Iterable[Line]]) -> str:
    """Return the address of the section a page lies in: a card lights up its list."""
    home = _url("today")
    sections = (line.url for group in groups for line in group if line.url != home and path.startswith(line.url))
    return max(sections, key=len, default="")


def _named_line(one: SavedView, view: str, numbers: Mapping[str, int]) -> Line:
    code = f"saved_{one.pk}"
    return Line(one.name, saved.url_of(one), code == view, "bookmark", numbers.get(code, 0))


def _lines(
    items: Iterable[Item],
    employee: Employee,
    path: str,
    view: str,
    *,
    numbers: Mapping[str, int],
    calls: Mapping[str, call_back.Waiting],
) -> Iterable[Line]:
    is_below = False  # what is part of a section stands alone for whom the section is closed
    for item in items:
        is_open = not item.powers or employee.has_any(item.powers)
        if not item.inner:
            is_below = is_open
        if not is_open:
            continue
        here = item.url == path
        waits = calls.get(item.name, NOTHING)
        yield Line(
            item.label,
            item.url,
            here and not view,
            item.icon,
            number=waits.number or numbers.get(item.counts, 0),
            hot=waits.late > 0,
            late=waits.late,
            inner=item.inner and is_below,
            go=item.go,
        )
        if item.name == "queue":
            yield from _queue_lines(employee, item.url, view if here else "", numbers)


def _queue_lines(employee: Employee, url: str, view: str, numbers: Mapping[str, int]) -> Iterable[Line]:
    # «На подпись» has a page of its own in the menu, where letters are read and signed; its list is found by the box.
    hidden = {"signing"} if employee.has_any(sign_many.SIGNERS) else set()
    for one in queues.views_for(employee):
        number = numbers.get(one.code, 0)
        if one.code == "all" or (view != one.code and (one.code in hidden or (one.code in HOT and not number))):
            continue
        yield Line(
            one.title,
            f"{url}?view={one.code}",
            one.code == view,
            number=number,
            hot=one.code in HOT and number > 0,
            late=number if one.code in HOT else 0,
            inner=True,
            go=GO.get(one.code, ""),
        )


def pages_for(employee: Employee) -> Iterable[Line]:
    """Return every page and view the employee may open, whether or not something waits there."""
    if employee.has_power("intake.decide"):
        yield Line("Новое обращение", reverse("workplace:new_appeal"), current=False, icon="plus")
        yield Line("Пакет Общественной приёмной", reverse("workplace:governor_package"), current=False, icon="package")
        yield Line("Сообщения из таблицы", reverse("workplace:intake_upload"), current=False, icon="table-import")
    yield Line("Уведомления", reverse("workplace:notices"), current=False, icon="bell")
    yield Line("Как уведомлять: настройки", reverse("workplace:notice_settings"), current=False, icon="settings")
    for item in (item for group in GROUPS for item in group.items):
        if item.powers and not employee.has_any(item.powers):
            continue
        yield Line(item.label, item.url, current=False, icon=item.icon)
        if item.name == "queue":
            for view in queues.views_for(employee):
                yield Line(f"Обращения: {view.title}", f"{item.url}?view={view.code}", current=False, icon="list")
            for named in saved.seen_by(employee):
                yield Line(f"Обращения: {named.name}", saved.url_of(named), current=False, icon="bookmark")


@by_itself
@requires()
def menu(request: StaffRequest) -> HttpResponse:
    """Show the menu's lines anew: open pages ask every minute."""
    numbers = saved.counters(request.user)
    groups = groups_for(
        request.user,
        path=request.GET.get("at", ""),
        view=request.GET.get("view", ""),
        numbers=numbers,
        named=saved.seen_by(request.user),
        calls=call_back.counted(numbers) | pos_lane.counted(numbers),
        folds=request.COOKIES,
    )
    return render(request, "workplace/menu.html", {"groups": groups})
