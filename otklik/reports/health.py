"""The state of the system in plain words: what runs, what waits, what failed, and what an administrator does about it.

The page, `/readyz` and `/metrics` are made of the same facts.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

import otklik
from otklik.appeals import search_feed
from otklik.appeals.models import Appeal
from otklik.channels.mail import imap
from otklik.channels.mail.models import LeftLetter, MailboxState
from otklik.channels.registry import all_readers
from otklik.channels.webhooks.models import Webhook
from otklik.core import beats, clamd, examining, files, installation
from otklik.core.models import Backup, BackupDrill, Firing, Installation, WorkerBeat
from otklik.core.storage import DurableStorage
from otklik.correspondence import pace, staff_mail
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage, StaffLetter
from otklik.hotline import calls, consultations
from otklik.hotline.exchange.events import Source
from otklik.hotline.models import CallEvent, ExchangeState
from otklik.knowledge import materials
from otklik.reports import certificates, channels
from otklik.search import reading, vectors
from otklik.search.models import Entry, IndexHost

GOOD, WARN, BAD = "good", "warn", "bad"
WORST: Final = (GOOD, WARN, BAD)
SIGNATURES_OLD: Final = timedelta(days=7)
SIGNATURES_VERY_OLD: Final = timedelta(days=30)
CERTIFICATE_SOON: Final = timedelta(days=21)
CERTIFICATE_BURNS: Final = timedelta(days=7)
DRILL_DUE: Final = timedelta(days=35)
SLOW: Final = timedelta(minutes=5)  # a row of a queue, or a planned job, that waits longer waits for a worker
BACKUP_DUE: Final = timedelta(hours=26)
BACKUP_LATE: Final = timedelta(days=7)
CLOCK_SECONDS: Final = 5
STAFF_MAIL_LATELY: Final = timedelta(days=7)
MEGABYTE: Final = 2**20

# What each search index is called.
INDEXES: Final[dict[str, str]] = {
    materials.INDEX: "материалы для сотрудников",
    materials.INDEX_OF_SITE: "материалы на сайте",
    search_feed.INDEX: "обращения",
    consultations.INDEX: "консультации",
}

# What each periodic job is called, up to the number of a mailbox.
JOBS: Final[dict[str, str]] = {
    # Reports
    "send-reports": "Рассылка сохранённых отчётов",
    "head-sheets": "Сводка руководителям в 8:30",
    "tell-of-sstu": "Напоминания о выгрузке в ССТУ",
    "judge-sstu": "Проверка строк для ССТУ",
    "sweep-sstu": "Уборка томов, выгруженных в ССТУ",
    "tell-of-help": "Напоминания о резолюциях, частях и запросах",
    "sed-folder": "Приём списков СЭД из папки",
    "mailbox": "Опрос почтового ящика",
    "channel-vk": "Проверка ВКонтакте",
    "channel-ok": "Проверка Одноклассников",
    "channel-telegram": "Опрос Telegram",
    "channel-max": "Опрос MAX",
    "channel-medo": "Приём пакетов МЭДО",
    "follow-pos": "Сведения ПОС в делах",
    "medo-notices": "Уведомления МЭДО о ходе рассмотрения",
    "return-stuck-webhooks": "Возврат прерванных обращений к другим системам",
    "sweep-webhooks": "Уборка старых обращений к другим системам",
    "learn-classification": "Обучение предложений тем и потребностей",
    "examine-missed": "Поиск вложений, которые ещё не проверены",
    "return-stuck": "Возврат прерванных отправок",
    "return-stuck-staff-mail": "Возврат прерванных писем сотрудникам",
    "tell-of-terms": "Уведомления о сроках",
    "publish-scheduled": "Публикация материалов по расписанию",
    "open-review-quarter": "Открытие квартальной проверки Базы знаний",
    "tell-of-reviews": "Напоминания о проверке материалов",
    "open-law-week": "Открытие недели изменений законодательства",
    "tell-of-law": "Напоминания об изменениях законодательства",
    "tell-of-instructions": "Напоминания о поручениях с личного приёма",
    "tell-of-calls": "Напоминания о перезвонах",
    "channel": "Опрос канала",
    "watch-channels": "Наблюдение за каналами",
    "sweep-notices": "Уборка старых уведомлений",
    "sweep-staff-mail": "Уборка старых писем сотрудникам",
    "seal-journal": "Печать журнала за день",
    "sweep-files": "Уборка ненужных файлов",
    "sweep-form-files": "Уборка файлов неотправленных форм",
    "remove-recordings": "Удаление записей приёмов, срок которых истёк",
    "sweep-form-attempts": "Забывание попыток отправки форм",
    "sweep-sign-in-attempts": "Забывание попыток входа",
    "sweep-citizen-sessions": "Забывание сеансов личных кабинетов",
    "sweep-api-answers": "Уборка ответов, сохранённых для повторов по API",
    "sweep-api-minutes": "Уборка счётчиков запросов по API",
    "sweep-sessions": "Уборка истёкших сеансов",
    "sweep-presence": "Забывание давно открытых обращений",
    "gather-proposals": "Сбор предложений об актуализации",
    # Moving in and out
    "forget-journals": "Удаление журналов, которые никто не перенёс",
    "forget-exports": "Удаление полных выгрузок",
    "make-vectors": "Смысл материалов для поиска",
    "learn-of-searches": "Обучение поиска и предложения в его словарь",
    "measure-search": "Проверка качества поиска за ночь",
    "retrain-confidence": "Переобучение уверенности поиска",
    "sweep-searches": "Забывание слов давних поисков",
    "carry-out-transfers": "Переводы сотрудников, чей день настал",
    "look-at-appointments": "Поиск записей на приём, которые надо перенести",
    "remind-of-receptions": "Напоминания о личном приёме",
    "offer-free-receptions": "Предложение освободившегося времени приёма",
    "close-endless-calls": "Закрытие звонков, об окончании которых станция не сообщила",
    "forget-scan-pages": "Уборка страниц сканов, письма которых решены",
    "forget-case-files": "Уборка дел, собранных в PDF",
    "figures-again": "Ночной пересчёт показателей",
    "sweep-firings": "Уборка записей о выполненных заданиях",
    # Kept safe, paper and outage
    "backup": "Резервная копия по расписанию",
    "backup-now": "Резервная копия по просьбе",
    "drill": "Учение по восстановлению раз в месяц",
    "drill-now": "Учение по восстановлению по просьбе",
    "sweep-faults": "Забывание давно устранённых неисправностей",
    "tell-of-control": "Контрольные листы подразделений по понедельникам",
}


@dataclass(frozen=True)
class Fact:
    """One thing about the system. `do`: what helps, empty where nothing has to be done.

    What is bad is told to the administrators; `burns`: this is told while it only asks for a look: it gets worse.
    """

    title: str
    text: str
    level: str = GOOD
    do: str = ""
    burns: bool = False


FEW: Final = 12  # facts of an area that are read at a glance


@dataclass(frozen=True)
class Area:
    """Facts of one kind."""

    code: str
    title: str
    facts: list[Fact]

    @property
    def level(self) -> str:
        """The worst of the facts."""
        return max((fact.level for fact in self.facts), key=WORST.index, default=GOOD)

    @property
    def told(self) -> list[Fact]:
        """What a page says at once: every fact where there are few, else those that are not good."""
        return [fact for fact in self.facts if len(self.facts) <= FEW or fact.level != GOOD]

    @property
    def folded(self) -> list[Fact]:
        """The other facts."""
        return [fact for fact in self.facts if len(self.facts) > FEW and fact.level == GOOD]


def areas() -> list[Area]:
    """Return everything an administrator has to know, area by area."""
    return [Area(code, title, list(facts())) for code, title, facts in _AREAS]


def job_name(code: str) -> str:
    """Return what a periodic job is called; of several alike with its number."""
    name, _, number = code.rpartition("-")
    if name == "channel" and number in ChannelCode.values:
        return f"{JOBS[name]}: {ChannelCode(number).label}"
    return f"{JOBS[name]} № {number}" if number.isdecimal() and name in JOBS else JOBS.get(code, code)


def waiting() -> dict[str, dict[str, int | None]]:
    """Return for each channel how long its oldest unread and unsent messages have been waiting, in seconds."""
    now = timezone.now()
    unread = IncomingMessage.objects.filter(state=IncomingMessage.State.STORED)
    unsent = OutgoingMessage.objects.filter(
        Q(state=OutgoingMessage.State.SENDING) | Q(state=OutgoingMessage.State.QUEUED, not_before__lte=now)
    )
    unread_since = dict(unread.values_list("channel").annotate(Min("stored_at")).order_by())
    unsent_since = dict(unsent.values_list("channel").annotate(Min("not_before")).order_by())

    def age(since: Mapping[str, datetime], channel: str) -> int | None:
        moment = since.get(channel)
        return max(0, int((now - moment).total_seconds())) if moment else None

    return {
        channel: {"unprocessed_seconds": age(unread_since, channel), "unsent_seconds": age(unsent_since, channel)}
        for channel in all_readers()
    }


def undelivered() -> dict[str, int]:
    """Return how many letters wait for a person's decision, by state."""
    state = OutgoingMessage.State
    rows = OutgoingMessage.objects.filter(state__in=[state.FAILED, state.UNCERTAIN, state.BY_HAND])
    return dict(rows.values_list("state").annotate(Count("pk")).order_by())


def last_backup() -> Backup | None:
    """Return the newest backup that was finished."""
    return Backup.objects.exclude(finished_at=None).order_by("-finished_at").first()


def database_size() -> int:
    """Return how many bytes the database takes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    return sum(path.stat().st_size for path in (Path(name), Path(f"{name}-wal")) if path.exists())


def free_space() -> int:
    """Return how many bytes are free where the data is, or will be."""
    folder = next(one for one in (settings.DATA, *settings.DATA.parents) if one.exists())
    return shutil.disk_usage(folder).free


def _workers() -> Iterator[Fact]:
    rows = list(beats.living())
    for kind, unit in ((WorkerBeat.Kind.WORKER, "otklik-worker"), (WorkerBeat.Kind.SCHEDULER, "otklik-scheduler")):
        alive = [row for row in rows if row.kind == kind]
        title = "Обработчики (worker)" if kind == WorkerBeat.Kind.WORKER else "Планировщики (scheduler)"
        if not alive:
            yield Fact(
                title,
                "не работает ни один",
                BAD,
                f"Запустите: systemctl start {unit}. Если служба запущена, посмотрите её журнал: journalctl -u {unit}.",
            )
            continue
        yield Fact(title, "; ".join(f"{row.host}, с {_moment(row.started_at)}" for row in alive))
        if other := {row.version for row in alive} - {otklik.__version__}:
            yield Fact(
                f"{title}: версия",
                f"работает другая версия: {', '.join(sorted(other))}",
                WARN,
                f"Перезапустите {unit}.",
            )


def _mailboxes() -> Iterator[Fact]:
    if not settings.MAILBOXES:
        yield _no_mailboxes()
        return
    late = max(SLOW, timedelta(seconds=5 * settings.MAIL_SECONDS))
    known = MailboxState.objects.in_bulk()
    large = dict(
        LeftLetter.objects.filter(reason=LeftLetter.Reason.TOO_LARGE)
        .values_list("mailbox")
        .annotate(Count("pk"))
        .order_by()
    )
    for name in (name for url in settings.MAILBOXES for name in imap.names_of(url)):
        if number := large.get(name):
            yield Fact(
                name,
                f"остались в ящике, больше предела: {number}",
                WARN,
                "Список — на странице «Почтовые ящики». Поднимите OTKLIK_MAIL_MOST_MB: письма заберёт следующий опрос.",
            )
        row = known.get(name)
        if row is None or row.polled_at is None:
            yield Fact(
                name,
                "ещё не опрошен",
                WARN,
                "Подождите минуту. Если не изменится, проверьте обработчики и планировщики.",
            )
        elif row.error:
            yield Fact(
                name,
                f"{row.error} (опрос {_moment(row.polled_at)})",
                BAD,
                "Проверьте имя, пароль и адрес сервера в OTKLIK_MAILBOXES и доступен ли сервер с этой машины."
                " Письма ждут в ящике и не потеряются.",
            )
        elif timezone.now() - row.polled_at > late:
            yield Fact(name, f"не опрашивался с {_moment(row.polled_at)}", BAD, "Проверьте службы.")
        else:
            yield Fact(name, f"опрошен {_moment(row.polled_at)}, всего получено писем: {row.seen}")
    yield from _silent_mail()


def _silent_mail() -> Iterator[Fact]:
    """Tell of mail that has been silent for longer than the setting allows; what is usual, «Каналы» learns itself."""
    if not settings.MAIL_SILENT_HOURS:
        return
    last = IncomingMessage.objects.filter(channel=ChannelCode.EMAIL).aggregate(at=Max("stored_at"))["at"]
    if last and timezone.now() - last > timedelta(hours=settings.MAIL_SILENT_HOURS):
        yield Fact(
            "Писем нет",
            f"последнее пришло {_moment(last)}, дольше {settings.MAIL_SILENT_HOURS} ч (OTKLIK_MAIL_SILENT_HOURS)",
            WARN,
            "Отправьте на ящик пробное письмо. Если не дойдёт, спросите почтовую службу: адрес, правила, спам.",
            burns=True,
        )


def _channels() -> Iterator[Fact]:
    """Tell of channels that should work; mailboxes have an area of their own."""
    states = channels.states()
    troubled = [one for one in states if one.state in (channels.FAILING, channels.SILENT)]
    for one in troubled:
        yield Fact(one.name, f"{one.words}. {one.error}", BAD if one.state == channels.FAILING else WARN, one.do)
    for title, state in (("Работают", channels.WORKING), ("Выключены", channels.OFF), ("Вручную", channels.BY_HAND)):
        if names := [one.name for one in states if one.state == state]:
            yield Fact(title, ", ".join(names))


def _no_mailboxes() -> Fact:
    if installation.is_demo():
        return Fact("Почтовые ящики", "учебный стенд: письма приносит страница «Почта учебного стенда»")
    return Fact(
        "Почтовые ящики",
        "не настроен ни один: письма не принимаются",
        WARN,
        "Впишите ящики в OTKLIK_MAILBOXES и перезапустите все службы. Если письма приносит почтовый сервер командой"
        " mail-in, делать ничего не нужно.",
    )


def _queues() -> Iterator[Fact]:
    quiet = True
    rules = pace.rules(list(all_readers()))
    for channel, ages in waiting().items():
        for key, what in (("unprocessed_seconds", "не разобрано"), ("unsent_seconds", "не отправлено")):
            if (seconds := ages[key]) is None:
                continue
            quiet = False
            rule = rules[channel]
            if key == "unsent_seconds" and pace.is_quiet(rule.quiet_from, rule.quiet_to, timezone.now()):
                words = f"тихие часы до {rule.quiet_to:%H:%M}: автоматическое ждёт, самое старое {_span(seconds)}"
                yield Fact(ChannelCode(channel).label, words)
                continue
            slow = seconds > SLOW.total_seconds()
            yield Fact(
                ChannelCode(channel).label,
                f"самое старое {what} {_span(seconds)}",
                BAD if slow else GOOD,
                "Проверьте, что обработчик работает и что каналу доступен его сервер." if slow else "",
            )
    if quiet:
        yield Fact("Очереди", "пусты: всё принятое разобрано, всё готовое отправлено")


def _staff_mail() -> Iterator[Fact]:
    """Tell of the notices employees get by e-mail."""
    now, state, title = timezone.now(), StaffLetter.State, "Письма сотрудникам"
    rows = StaffLetter.objects.aggregate(
        waiting=Count("pk", filter=Q(state__in=[state.QUEUED, state.SENDING])),
        since=Min("created_at", filter=Q(state__in=[state.QUEUED, state.SENDING])),
        failed=Count("pk", filter=Q(state=state.FAILED, created_at__gte=now - STAFF_MAIL_LATELY)),
    )
    if rows["waiting"] and not staff_mail.sender():
        yield Fact(
            title,
            f"ждёт: {rows['waiting']}, отправить неоткуда",
            BAD,
            "Укажите электронную почту департамента в его сведениях: письма уйдут сами.",
        )
    elif rows["waiting"] and now - rows["since"] > SLOW:
        words = StaffLetter.objects.filter(state=state.QUEUED).exclude(error="").values_list("error", flat=True).first()
        yield Fact(
            title,
            f"ждёт: {rows['waiting']}, самое старое от {_moment(rows['since'])}{f'; {words}' if words else ''}",
            BAD,
            "Проверьте, что обработчик работает и что доступен почтовый сервер (OTKLIK_SMTP_URL).",
        )
    elif not rows["failed"]:
        yield Fact(title, f"в пути: {rows['waiting']}" if rows["waiting"] else "все отправлены")
    if rows["failed"]:
        yield Fact(
            title,
            f"за неделю не дошло: {rows['failed']}",
            WARN,
            "Проверьте адреса почты на странице «Сотрудники». В Отклике уведомления видны и без писем.",
        )


def _exchange() -> Iterator[Fact]:
    """Tell how the telephone exchange is heard, whose clock is wrong, which calls never ended."""
    way = ExchangeState.Way
    asked = {way.QUEUE_LOG: settings.EXCHANGE_QUEUE_LOG, way.AMI: settings.EXCHANGE_AMI}
    known = ExchangeState.objects.in_bulk()
    if not any(asked.values()) and way.WEBHOOK not in known:
        yield Fact("Связь", "не подключена: звонки вносят вручную или файлом (docs/exchange.md)")
        return
    for one, is_asked in asked.items():
        if is_asked:
            yield _heard(one, known.get(one))
    if sent := known.get(way.WEBHOOK):
        yield Fact("Сообщения станции", f"последнее: {_moment(sent.heard_at)}")
    for state in known.values():
        if state.unread_at and timezone.now() - state.unread_at < timedelta(days=1):
            yield Fact(
                f"{state.get_way_display().capitalize()}: непонятное",
                f"строк: {state.unread}, последняя {_moment(state.unread_at)}",
                WARN,
                "Пропавшие звонки покажет сверка с учётом станции за месяц. Сообщите разработчикам версию станции.",
            )
    for off in calls.clocks():
        yield Fact(
            f"Часы: {Source(off.source).label}",
            f"{'спешат' if off.seconds > 0 else 'отстают'} на {_span(abs(off.seconds))} от {off.of_whom}",
            BAD,
            "Сверьте часы и часовой пояс станции и сервера (chrony). Время звонков хранится, как его сказала станция.",
        )
    day = CallEvent.objects.filter(source=Source.OURS, received_at__gte=timezone.now() - timedelta(days=1))
    if number := day.count():
        yield Fact(
            "Звонки без окончания",
            f"за сутки закрыто нами: {number}",
            WARN,
            "Станция не сообщила, чем они кончились: проверьте, что она передаёт все события. Дойдут — исправится.",
        )


def _heard(way: str, state: ExchangeState | None) -> Fact:
    title = ExchangeState.Way(way).label.capitalize()
    if state is None or state.seen_at is None or timezone.now() - state.seen_at > beats.ALIVE:
        since = f"с {_moment(state.seen_at)}" if state and state.seen_at else "ещё ни разу"
        do = "Запустите: systemctl start otklik-exchange. Пропущенное за это время дочитает журнал очереди."
        return Fact(title, f"никто не слушает: {since}", BAD, do)
    if state.error:
        return Fact(title, state.error, BAD, "Проверьте адрес, пароль и доступ к станции; связь восстановится сама.")
    return Fact(title, f"на связи, последнее событие: {_moment(state.heard_at)}")


def _decisions() -> Iterator[Fact]:
    counts = undelivered()
    words = [f"{OutgoingMessage.State(state).label}: {number}" for state, number in sorted(counts.items())]
    yield Fact(
        "Недоставленное",
        "; ".join(words) or "всё дошло",
        WARN if counts else GOOD,
        "Решает делопроизводитель на странице «Недоставленное»." if counts else "",
    )
    stuck = IncomingMessage.objects.filter(state=IncomingMessage.State.QUARANTINED)
    number = stuck.count()
    oldest = stuck.aggregate(at=Min("received_at"))["at"]
    yield Fact(
        "Карантин",
        f"сообщений: {number}, самое старое от {_moment(oldest)}" if number else "пуст",
        WARN if number else GOOD,
        "Решает делопроизводитель на странице «Карантин». Если сообщений много и они похожи, сообщите разработчикам."
        if number
        else "",
    )


def _outside() -> Iterator[Fact]:
    """Tell of channels that are stopped, of the antivirus and what it keeps aside, of systems that do not answer."""
    stopped = [one for one in pace.all_conditions() if one.state.broken_at]
    for one in stopped:
        do = "Проверьте связь и доступ канала; «Отправка по каналам»: попробовать сейчас. Письма не потеряются."
        yield Fact(f"Отправка: {one.name}", f"{one.text}; писем ждёт: {one.waiting}", BAD, do)
    if not stopped:
        yield Fact("Отправка по каналам", "ни один канал не остановлен")
    yield _antivirus()
    if aside := examining.aside().count():
        do = "Решите на странице «Отложенные файлы»."
        yield Fact("Отложенные файлы", f"ждут решения: {aside}", WARN, do)
    for hook in Webhook.objects.filter(ended_at=None).exclude(paused_at=None):
        do = "Выясните с её администратором и возобновите на странице «Сообщения другим системам»."
        yield Fact(f"Система «{hook.name}»", f"приостановлено: {hook.paused_why}", WARN, do)


def _antivirus() -> Fact:
    if not settings.CLAMD:
        return Fact("Антивирус", "не подключён: файлы из обращений не проверяются (docs/production.md)")
    try:
        said = clamd.version(settings.CLAMD)
        old = _signatures_age(said)
        if old is None or old <= SIGNATURES_OLD:
            return Fact("Антивирус", said)
        do = "Проверьте службу clamav-freshclam; в закрытой сети привозите базы сами. Новых вирусов он не знает."
        level = BAD if old > SIGNATURES_VERY_OLD else WARN
        return Fact("Антивирус", f"{said}: базе {old.days} дн.", level, do, burns=True)
    except clamd.Silent as silent:
        do = "Проверьте службу clamav-daemon и OTKLIK_CLAMD. До ответа файлы не выдаются или выдаются с пометкой."
        return Fact("Антивирус", str(silent), BAD, do)


def _signatures_age(said: str) -> timedelta | None:
    """Return how old the antivirus's signatures are by what it calls itself: «ClamAV 1.0.7/27500/Thu Nov 26 …»."""
    try:
        made = datetime.strptime(said.rstrip("\0").rsplit("/", 1)[-1].strip(), "%a %b %d %H:%M:%S %Y")
    except ValueError:
        return None
    return timezone.now() - made.replace(tzinfo=UTC)


def _jobs() -> Iterator[Fact]:
    rows = Firing.objects.values("job").order_by("job")
    done = Max("finished_at", filter=Q(state=Firing.State.DONE))
    failed = Max("finished_at", filter=Q(state=Firing.State.FAILED))
    planned = Min("planned_at", filter=Q(state=Firing.State.PLANNED))
    found = list(rows.annotate(done=done, failed=failed, planned=planned))
    if not found:
        yield Fact(
            "Задания", "ещё ни одно не назначено", WARN, "Запустите планировщик: systemctl start otklik-scheduler."
        )
    for row in found:
        yield _job(row["job"], row["done"], row["failed"], row["planned"])


def _job(code: str, done: datetime | None, failed: datetime | None, planned: datetime | None) -> Fact:
    title = job_name(code)
    last = f"последний раз выполнено {_moment(done)}" if done else "ещё не выполнялось"
    if planned and timezone.now() - planned > SLOW:
        return Fact(
            title, f"назначено на {_moment(planned)} и не взято; {last}", BAD, "Проверьте, что обработчик работает."
        )
    if failed and (done is None or failed > done):
        return Fact(
            title,
            f"ошибка {_moment(failed)}; {last}",
            BAD,
            "Задание повторится само. Если ошибка останется, передайте разработчикам запись из журнала обработчика.",
        )
    return Fact(title, last)


def _storage() -> Iterator[Fact]:
    yield Fact(
        "База данных",
        f"{'PostgreSQL' if connection.vendor == 'postgresql' else 'SQLite'} {_database_version()},"
        f" {_megabytes(database_size())}",
    )
    yield from _bucket()
    for title, folder in _folders().items():
        usage = shutil.disk_usage(folder)
        share = usage.free / usage.total
        level = BAD if share < 0.03 or usage.free < 500 * MEGABYTE else WARN if share < 0.1 else GOOD
        yield Fact(
            title,
            f"свободно {_megabytes(usage.free)} из {_megabytes(usage.total)}",
            level,
            "Освободите место или увеличьте диск: без места письма не принимаются." if level != GOOD else "",
            burns=True,
        )


def _bucket() -> Iterator[Fact]:
    place = files.storage()
    if not isinstance(place, DurableStorage) or not settings.S3_URL:
        return
    if wrong := place.trouble():
        do = "Проверьте OTKLIK_S3_URL и ключ и отвечает ли хранилище с этой машины. Без него письма не принимаются."
        yield Fact("Хранилище файлов (S3)", f"не отвечает: {wrong}", BAD, do)
    else:
        yield Fact("Хранилище файлов (S3)", f"отвечает: {urlsplit(settings.S3_URL).hostname}")


def _folders() -> dict[str, Path]:
    """Return the folders people's work lives in, one for each disk."""
    asked = {
        "Диск с данными": settings.DATA,
        "Диск с файлами": Path(settings.FILES_ROOT),
        "Диск копий": settings.BACKUPS,
    }
    if place := _database_folder():
        asked["Диск базы данных"] = place
    there = {title: folder for title, folder in asked.items() if _is_there(folder)}
    disks = {folder.stat().st_dev: title for title, folder in reversed(there.items())}
    return {title: there[title] for title in there if title in disks.values()}


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # the database's own folder is closed to us
        return False


def _database_folder() -> Path | None:
    """Return where the database lies, where it is known and on this machine."""
    if connection.vendor != "postgresql":
        name = str(connection.settings_dict["NAME"])
        return Path(name).parent if name.startswith("/") else None
    with connection.cursor() as cursor:
        # Only who is told by the server may see the folder; on another machine the path means nothing here.
        cursor.execute(
            "SELECT CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')"
            " AND (inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr())"
            " THEN current_setting('data_directory') END"
        )
        found = cursor.fetchone()[0]
    return Path(found) if found else None


def _database_version() -> str:
    if connection.vendor == "postgresql":
        number = int(connection.pg_version)  # type: ignore[attr-defined]
        return f"{number // 10000}.{number % 10000}"
    return ".".join(map(str, connection.Database.sqlite_version_info))  # type: ignore[attr-defined]


def _clock() -> Iterator[Fact]:
    ahead = {f"{row.host} ({row.get_kind_display()})": row.clock_ahead for row in beats.living()}
    ahead |= {"эта машина": (timezone.now() - beats.database_now()).total_seconds()}
    wrong = {who: seconds for who, seconds in ahead.items() if abs(seconds) > CLOCK_SECONDS}
    for who, seconds in wrong.items():
        yield Fact(
            who,
            f"часы {'спешат' if seconds > 0 else 'отстают'} на {_span(abs(seconds))} от часов базы данных",
            BAD,
            "Включите сверку времени (chrony или systemd-timesyncd) на обеих машинах: от часов зависят сроки.",
        )
    if not wrong:
        yield Fact("Часы", f"сходятся; сейчас {_moment(timezone.now())}, {timezone.get_current_timezone_name()}")


def _backups() -> Iterator[Fact]:
    row, real = last_backup(), not installation.is_demo()
    tip = (
        "Сделайте копию на странице «Резервные копии». По расписанию их делает обработчик: проверьте, что он работает."
    )
    if row is None or row.finished_at is None:
        yield Fact("Последняя копия", "ни одной ещё не сделано", BAD if real else GOOD, tip if real else "")
    else:
        age = timezone.now() - row.finished_at
        level = BAD if age > BACKUP_LATE else WARN if age > BACKUP_DUE else GOOD
        size = f", {_megabytes(row.size)}" if row.size else ""
        yield Fact(
            "Последняя копия",
            f"{_moment(row.finished_at)}{size}, {'зашифрована' if row.encrypted else 'без шифрования'}",
            level if real else GOOD,
            tip if real and level != GOOD else "",
            burns=True,
        )
        if row.missing:
            yield Fact(
                "Файлы, которых нет",
                f"в копию не вошло файлов: {row.missing}",
                BAD,
                "Команда backup назвала их. Восстановите их из прежних копий.",
            )
    newest = Backup.objects.order_by("-started_at").first()
    if newest and newest.error:
        yield Fact("Ошибка копирования", f"{_moment(newest.started_at)}: {newest.error}", BAD, tip)
    if real and row is not None:
        yield _drill(row)


def backup_facts() -> list[Fact]:
    """Return how backups are: the same facts, for their own page."""
    return list(_backups())


def _drill(newest: Backup) -> Fact:
    """Tell whether a backup has proved itself lately."""
    title, drills = "Учение по восстановлению", BackupDrill.objects.exclude(finished_at=None)
    last, passed = drills.first(), drills.filter(error="").first()
    if last and last.error:
        do = "Сделайте новую копию и проведите учение ещё раз на странице «Резервные копии»: из этой не восстановиться."
        return Fact(title, f"{_moment(last.finished_at)}: {last.error}", BAD, do)
    if passed and passed.finished_at and timezone.now() - passed.finished_at <= DRILL_DUE:
        return Fact(title, f"{_moment(passed.finished_at)}, строк {passed.rows}, файлов {passed.files}: всё сошлось")
    since = f"последнее прошло {_moment(passed.finished_at)}" if passed else "ещё не проводилось"
    if newest.encrypted and not settings.BACKUP_IDENTITY:
        do = "Копии зашифрованы, ключа здесь нет. Проведите его с ключом: otklik drill --identity ФАЙЛ."
        return Fact(title, since, WARN, do, burns=True)
    young = passed is None and timezone.now() - newest.started_at < BACKUP_DUE
    do = "Проведите его на странице «Резервные копии». Само оно проводится раз в месяц: проверьте службы."
    return Fact(
        title,
        f"{since}; проводится ночью" if young else since,
        GOOD if young else WARN,
        "" if young else do,
        burns=True,
    )


def _search() -> Iterator[Fact]:
    counts = dict(Entry.objects.values_list("index").annotate(Count("pk")).order_by())
    appeals, found = Appeal.objects.count(), counts.get(search_feed.INDEX, 0)
    whole = found >= appeals
    yield Fact(
        "Указатель поиска",
        f"обращений {found} из {appeals}, всего записей {sum(counts.values())}",
        GOOD if whole else WARN,
        "" if whole else "Часть обращений не находится поиском. Выполните команду otklik reindex.",
    )
    if not settings.SEARCH_AT_ONCE:
        yield _own_index(reading.condition())
        yield from _other_machines()
    yield from _encoder()


def _own_index(now: reading.Condition) -> Fact:
    """Tell how the index of the machine that answers is kept."""
    title = "Указатель этой машины"
    by_table = ", ".join(INDEXES.get(name, name) for name in now.by_table)
    aside = f"; пока поиск медленнее и беднее, прямо по записям: {by_table}" if by_table else ""
    if not now.is_kept:
        return Fact(
            title,
            f"не ведётся, ждёт изменений: {now.waiting}{aside}",
            BAD,
            "Новое и изменённое не находится. Проверьте, что работают otklik-web или otklik-worker, и посмотрите"
            " журнал: journalctl -u otklik-worker -u otklik-web.",
        )
    if now.building:
        name, done, total = now.building
        how_far = f"строится заново: {INDEXES.get(name, name)}, {done} из {total}"
        return Fact(title, f"{how_far}{aside}", WARN, "Подождите: это минуты.")
    late = now.oldest is not None and timezone.now() - now.oldest > SLOW
    if late or by_table:
        return Fact(
            title,
            f"отстаёт, ждёт изменений: {now.waiting}, самое старое от {_moment(now.oldest)}{aside}",
            BAD if late else WARN,
            "Посмотрите журнал: journalctl -u otklik-worker -u otklik-web. Если не пройдёт, выполните otklik reindex.",
        )
    return Fact(title, f"внесено всё, последний раз {_moment(now.carried_at)}, {_megabytes(now.size)}")


def _other_machines() -> Iterator[Fact]:
    """Tell which machines keep an index, where there are several, and which of them are waited for."""
    rows = list(IndexHost.objects.order_by("name", "-seen_at"))
    if len(rows) > 1:
        silent = timezone.now() - SLOW
        words = [f"{row.name}{'' if row.seen_at > silent else f' — молчит с {_moment(row.seen_at)}'}" for row in rows]
        yield Fact("Машины с указателем", f"{'; '.join(words)}. Молчащую ждут неделю, потом забывают")


def _encoder() -> Iterator[Fact]:
    """Tell how search by meaning is, where it is asked for."""
    title = "Поиск по смыслу"
    if (now := vectors.condition(materials.INDEX, materials.INDEX_OF_SITE)) is None:
        return
    if now.wrong:
        tip = "Исправьте настройку и перезапустите службы."
        yield Fact(title, f"не работает, ищем по словам. {now.wrong}", WARN, tip)
    else:
        whole = now.made >= now.of
        tip = "" if whole else "Обработчик разбирает их сам, это минуты. Если число стоит, посмотрите его журнал."
        yield Fact(title, f"материалов и файлов разобрано {now.made} из {now.of}", GOOD if whole else WARN, tip)


def _certificate() -> Iterator[Fact]:
    """Tell until when browsers believe that this is us."""
    title = "Сертификат сайта"
    if not settings.TLS_CERTIFICATE and not settings.HTTPS:
        yield Fact(title, "сайт работает без https")
        return
    try:
        ends, where = certificates.ends_at()
    except certificates.Unknown as wrong:
        do = "Проверьте OTKLIK_TLS_CERTIFICATE и OTKLIK_BASE_URL и открывается ли этот адрес с этой машины."
        yield Fact(title, str(wrong), WARN, do)
        return
    left = ends - timezone.now()
    words = f"действует до {timezone.localtime(ends):%d.%m.%Y} ({where})"
    do = "Выпустите новый сертификат, положите его на место и перезагрузите nginx: systemctl reload nginx."
    if left <= timedelta(0):
        yield Fact(title, f"истёк {timezone.localtime(ends):%d.%m.%Y} ({where}): браузеры не открывают сайт", BAD, do)
    elif left <= CERTIFICATE_SOON:
        level = BAD if left <= CERTIFICATE_BURNS else WARN
        yield Fact(title, f"{words}, осталось дней: {left.days}", level, do, burns=True)
    else:
        yield Fact(title, words)


def _program() -> Iterator[Fact]:
    yield Fact("Версия", f"Отклик {otklik.__version__}, Python {platform.python_version()}")
    yield Fact("Назначение", _purpose())
    if installation.is_demo():
        return
    for one in checks.run_checks(tags=["otklik"], include_deployment_checks=True):
        yield Fact("Настройка", one.msg, BAD if one.level >= checks.ERROR else WARN, one.hint or "")


def _purpose() -> str:
    kind = installation.kind()
    return Installation.Kind(kind).label if kind else "не указано: выполните otklik init"


_AREAS: Final[tuple[tuple[str, str, Callable[[], Iterator[Fact]]], ...]] = (
    ("workers", "Службы", _workers),
    ("channels", "Каналы", _channels),
    ("mailboxes", "Почтовые ящики", _mailboxes),
    ("exchange", "Телефонная станция", _exchange),
    ("queues", "Очереди", _queues),
    ("staff_mail", "Письма сотрудникам", _staff_mail),
    ("decisions", "Ждёт решения человека", _decisions),
    ("outside", "Отправка, файлы, другие системы", _outside),
    ("backups", "Резервные копии", _backups),
    ("storage", "База и диск", _storage),
    ("jobs", "Задания по расписанию", _jobs),
    ("clock", "Часы", _clock),
    ("certificate", "Сертификат", _certificate),
    ("search", "Поиск", _search),
    ("program", "Программа", _program),
)


def _moment(at: datetime | None) -> str:
    if at is None:
        return "—"
    local = timezone.localtime(at)
    return f"сегодня в {local:%H:%M}" if local.date() == timezone.localdate() else f"{local:%d.%m.%Y %H:%M}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} с"
    return f"{whole // 60} мин." if whole < 7200 else f"{whole // 3600} ч"


def _megabytes(size: int) -> str:
    said = f"{size / 2**30:.1f} ГБ" if size >= 2**30 else f"{size / MEGABYTE:.1f} МБ"
    return said.replace(".", ",")
