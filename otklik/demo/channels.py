"""Channels that are alive: connected, with exports, lists and scans brought in, and their usual troubles.

What is connected are folders of this machine; networks are connected and switched off: from a stand nothing leaves.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from pypdf import PdfReader, PdfWriter

from otklik.appeals.models import Appeal
from otklik.appeals.pos import cases
from otklik.channels.handover import table
from otklik.channels.handover.table import Asked
from otklik.channels.pos import imports
from otklik.channels.pos.adapter import PosChannel
from otklik.channels.pos.columns import TITLES
from otklik.channels.post import separator, station
from otklik.channels.registry import all_connected, all_readers
from otklik.core import calendar, sheets
from otklik.correspondence import connections, delivery, inbox
from otklik.correspondence.models import IncomingMessage, Outage
from otklik.demo import arrivals, citizens, clock
from otklik.demo.arrivals import OK_GROUP, OUR_NODE, OUR_UID, THEIR_NODE, THEIR_UID, THEM, VK_GROUP, Said
from otklik.demo.history import DAYS, Historian, Plan
from otklik.people.applicants import Typed
from otklik.reports import channels as reports

S = Appeal.Status
NUMBERS: Final = 20_000  # of messages brought in here; those of the history are smaller
MADE_UP: Final = "вымышленный: учебный стенд"
OFF: Final = "Учебный стенд: подключение вымышлено, наружу ничего не уходит"
SILENT_AFTER: Final = 8  # working hours without a package of МЭДО
POS_NUMBER: Final = 327_440_000
# Category, subcategory and fact; how many days ПОС gives.
POS_FACTS: Final = (
    ("Земля и имущество", "Аренда участка", "Аренда участка"),
    ("Земля и имущество", "Аренда участка", "Задолженность по арендной плате"),
    ("Земля и имущество", "Предоставление участка", "Участок многодетной семье"),
    ("Земля и имущество", "Государственное имущество", "Сведения из реестра"),
)
# Of the rows of an export that were registered: how far each has got.
POS_STEPS: Final = (
    *(S.DRAFTING, S.DRAFTING, S.ASSIGNED, S.DRAFTING, S.APPROVAL, S.ASSIGNED),
    *(S.CLASSIFIED, S.ASSIGNED, S.CLASSIFIED, S.REGISTERED, S.REGISTERED),
)
ANSWERED: Final = {"Стадия": "Завершено", "Статус": "Отправлен ответ заявителю", "Тип решения": "Решено"}
LIST: Final = (
    ("Номер", "Дата", "ФИО", "Адрес", "Тема", "Текст обращения"),
    ("К-118", "Образцова Дарья Сказковна", "630007, г. Бердск, ул. Учебная, д. 7", "Аренда участка",
     "Срок аренды участка под гаражом истекает весной. Куда и когда подать заявление о продлении?"),
    ("К-119", "Мнимов Егор Примерович", "630019, с. Учебное, ул. Тестовая, д. 19", "Межевание",
     "Сосед сдвинул забор на мой участок. Кто проверит границы и что для этого нужно от меня?"),
    ("К-120", "Баснева Злата Образцовна", "630020, г. Искитим, ул. Небывалая, д. 20", "Выкуп участка",
     "Дом на арендованном участке достроен и зарегистрирован. Как выкупить землю под ним?"),
)  # fmt: skip


def load(historian: Historian) -> list[Appeal]:
    """Let the channels be as after three months of work; return the appeals that came of it."""
    return _Channels(historian).live()


class _Channels:
    """Everything the channels have lived through by now, each step at its own moment."""

    def __init__(self, historian: Historian) -> None:
        self.historian, self.now = historian, historian.now
        self.clerk, self.admin = historian.people["clerk"], historian.people["admin"]
        self.chance = Random(59)  # noqa: S311 - the same every time, nothing secret
        self.root = settings.FILES_ROOT.parent / "exchange"
        self.all = all_connected()
        self.crowd = iter(citizens.people(self.chance, 60))
        self.numbers = iter(range(NUMBERS, NUMBERS + 1000))

    def live(self) -> list[Appeal]:
        """Live through everything, what is older first."""
        self._connect()
        appeals = [*self._medo(), *self._pos()]
        self._list()
        self._waiting()
        self._scans()
        self._quarantined()
        self._reconciled()
        self._troubles()
        return appeals

    # --- how they are connected ----------------------------------------------------------------------------------

    def _connect(self) -> None:
        """Connect what the administrator would; of networks everything is written down, and they are off now."""
        folders = {name: self.root / name for name in ("medo-in", "medo-out", "pos", "scanner")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        partner = f"{THEIR_UID}; {THEIR_NODE}; {THEM}; 2.5"
        values: dict[str, dict[str, Any]] = {
            "medo": {"inbox": str(folders["medo-in"]), "outbox": str(folders["medo-out"]), "node": OUR_NODE,
                     "uid": OUR_UID, "organization": "", "partners": partner, "gate": "", "taken": ""},
            "pos": {"folder": str(folders["pos"]), "opa_id": "100217", "ogrn": "0000000000000", "place_code": "11"},
            "post": {"folder": str(folders["scanner"]), "blanks": False, "sheet": "", "languages": "rus"},
            "governor_reception": {"letters_from": "@nso.example", "letters_about": ""},
            "vk": {"group": VK_GROUP, "token": MADE_UP, "secret": MADE_UP, "confirmation": "demo"},
            "ok": {"group": OK_GROUP, "token": MADE_UP, "key": MADE_UP},
            "telegram": {"token": MADE_UP, "personal": False, "groups": False, "wait": 8},
        }  # fmt: skip
        began = self._moment(DAYS - 1, time(9, 20))
        for number, (code, told) in enumerate(values.items()):
            with clock.set_to(began + timedelta(minutes=11 * number)):
                connections.configure(self.all[code], told, by=self.admin)
                connections.switch(self.all[code], True, reason="Подключение по приказу № 2725", by=self.admin)
        for code in ("vk", "ok", "telegram"):
            with clock.set_to(self.now - timedelta(minutes=3)):
                connections.switch(self.all[code], False, reason=OFF, by=self.admin)
        with clock.set_to(self.now - timedelta(minutes=2)):
            connections.expect("medo", SILENT_AFTER, by=self.admin)

    # --- МЭДО ----------------------------------------------------------------------------------------------------

    def _medo(self) -> list[Appeal]:
        """Bring in packages; one came cut off and was typed in by hand. Each sender has his receipt."""
        appeals = []
        for days, broken, target in ((26, False, S.CLOSED), (15, True, S.DRAFTING), (9, False, S.ASSIGNED)):
            plan = self._plan("medo", self._moment(days, time(10, 5)), target)
            said = self._said(plan)
            with clock.set_to(plan.arrived):
                message = self._take(arrivals.medo_broken(said) if broken else arrivals.medo(said))
            if broken:
                with clock.set_to(plan.arrived + timedelta(minutes=40)):
                    typed = {"sender_name": said.name, "sender_address": plan.who.address, "subject": said.subject}
                    inbox.fill_in(message, text=said.text, by=self.clerk, **typed)
            with clock.set_to(plan.arrived + timedelta(minutes=50)):
                self._visit("medo")
                while delivery.send_next({"medo": self.all["medo"]}):  # the outbox is a folder of this stand
                    pass
            appeals.append(self.historian.live(replace(plan, message=message)))
        return appeals

    # --- ПОС -----------------------------------------------------------------------------------------------------

    def _pos(self) -> list[Appeal]:
        """Bring in an export by the page and a later one by the folder: more rows, other words of the old ones."""
        plans = [
            self._plan("pos", self._moment(13 - number // 2, time(12)), step) for number, step in enumerate(POS_STEPS)
        ]
        plans += [self._plan("pos", self._moment(days, time(12)), S.REGISTERED) for days in (7, 7, 6, 6, 2, 1, 1)]
        plans.sort(key=lambda plan: plan.arrived)
        rows = [self._row(number, plan) for number, plan in enumerate(plans)]
        first, later = rows[:15], [{**row, **change} for row, change in zip(rows, _later(), strict=False)]
        with clock.set_to(self._moment(6, time(9, 10), after=12)):
            run = imports.upload(io.BytesIO(_export(first)), "Выгрузка ПОС.xlsx", by=self.clerk)
            imports.begin(run, by=self.clerk)
            self._write()
        messages = IncomingMessage.objects.filter(channel="pos", external_id__startswith=str(POS_NUMBER)[:5])
        there = {message.external_id: message for message in messages}
        appeals = [
            self.historian.live(replace(plan, message=there[str(POS_NUMBER + number)]))
            for number, plan in enumerate(plans[: len(POS_STEPS)])
        ]
        at = self._moment(1, time(8, 40), after=13)
        path = self.root / "pos" / f"Выгрузка {timezone.localdate(at):%d.%m.%Y}.xlsx"
        path.write_bytes(_export([*later, *rows[len(later) :]]))
        os.utime(path, (at.timestamp(), at.timestamp()))
        with clock.set_to(at + timedelta(minutes=5)):
            self._visit("pos")
            self._write()
            cases.follow()
        return appeals

    def _row(self, number: int, plan: Plan) -> dict[str, object]:
        """Return a row of an export; every other one is of the fast track, two are by the law."""
        category, subcategory, fact = POS_FACTS[number % len(POS_FACTS)]
        by_law, day = number in (4, 12), timezone.localdate(plan.arrived)
        said = {
            "number": POS_NUMBER + number,
            "epgu": 6_668_470_000 + number,
            "source": "LAND_EPGU",
            "top": "Регион",
            "category": category,
            "subcategory": subcategory,
            "fact": fact,
            "came_to": "Регион",
            "lies_in": "Департамент имущества и земельных отношений (учебный)",
            "received": f"{day:%d.%m.%Y}",
            "planned": f"{day + timedelta(days=10):%d.%m.%Y}",
            "stage": "Исполнение",
            "status": "Назначен исполнитель",
            "overdue": "Нет",
            "fast_track": "Нет" if by_law or number % 2 else "Да",
            "law": "59-ФЗ" if by_law else "Обычное сообщение",
            "fz59": "Да" if by_law else "Нет",
            "coordinator": "Учётова Елена Примеровна",
        }
        person = {"ФИО заявителя": _name(plan.who), "Текст сообщения": self.historian.words(plan)}
        return {**{title: said.get(code, "") for code, title in TITLES.items()}, **person}

    def _write(self) -> None:
        while imports.work_next(PosChannel()):
            pass

    # --- what else came --------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """Bring in a list another body handed over, as the page of lists does."""
        at = self._moment(1, time(11, 30), after=2)
        heads, *people = LIST
        lines = [(row[0], f"{timezone.localdate(at):%d.%m.%Y}", *row[1:]) for row in people]
        _, rows = table.read(io.BytesIO(sheets.xlsx([heads, *lines], title="Список")), "Список.xlsx")
        asked = Asked("reception", "Приёмная главы района (учебная)", table.proposed(list(heads)))
        with clock.set_to(at):
            table.load(rows, asked, agreed=table.fingerprint(table.plan(rows, asked)), by=self.clerk)
            while inbox.parse_next(all_readers()):
                pass

    def _waiting(self) -> None:
        """Leave messages of the last hours that nobody has decided about."""
        ways = (
            (arrivals.vk_comment, 26, "А перечень участков для многодетных где посмотреть?"),
            (arrivals.vk, 190, ""),
            (arrivals.ok, 95, ""),
            (arrivals.of_telegram, 50, "Как узнать кадастровую стоимость участка? Нужна для расчёта налога."),
            (arrivals.governor, 240, ""),
        )
        for way, minutes, words in ways:
            said = self._said(self._plan("", self.now - timedelta(minutes=minutes), S.REGISTERED))
            with clock.set_to(said.at):
                self._take(way(replace(said, text=words) if words else said))

    def _scans(self) -> None:
        """Lay a pack of two letters where the scanner does: the station of the stand reads it as it starts."""
        writer, spool = PdfWriter(), io.BytesIO()
        for number, subject in enumerate(("Заявление", "Жалоба")):
            plan = self._plan("post", self.now - timedelta(days=4), S.REGISTERED)
            who, day = plan.who, timezone.localdate(plan.arrived)
            head = ["Руководителю департамента имущества", "и земельных отношений Новосибирской области"]
            head += [f"от {_name(who)}", who.address, f"тел. {who.phone}"]
            words = arrivals.paper(
                head=head, title=subject, body=plan.matter.text, signed=f"{day:%d.%m.%Y}   {_name(who)}", on=day
            )
            for page in ([separator.sheet()] if number else []) + [words]:
                writer.append(PdfReader(io.BytesIO(page)))
        writer.write(spool)
        path = self.root / "scanner" / "skan-0001.pdf"
        path.write_bytes(spool.getvalue())
        for minutes in (35, 34):  # a file is taken once it has stopped growing
            with clock.set_to(self.now - timedelta(minutes=minutes)):
                self._visit("post")

    def _quarantined(self) -> None:
        """Leave two messages nobody could read, of different channels."""
        at = self.now - timedelta(hours=3)
        noise = self.root / "scanner.tmp"
        noise.write_bytes("Список вызванных на приём\n1. (учебный файл, попал в папку сканера)\n".encode())
        with clock.set_to(at):
            stored = station.to_quarantine(noise, "7" * 64, at)
            inbox.parse(stored, all_readers())
        noise.unlink()
        said = self._said(self._plan("vk", self.now - timedelta(hours=20), S.REGISTERED))
        arrived = arrivals.vk(said)
        with clock.set_to(said.at):
            raw = bytes(arrived.raw).replace(b'"conversation_message_id"', b'"conversation_id"')
            self._take(replace(arrived, external_id=f"event:demo-{said.number}", raw=raw))

    def _reconciled(self) -> None:
        """Leave a day with a difference that explains itself, and one with a message that is gone."""
        days = [day for day in self._days() if day < timezone.localdate(self.now)][:6]
        midnight = timezone.make_aware(datetime.combine(days[3], time(0, 0, 1)))
        said = self._said(self._plan("ok", midnight, S.REGISTERED))
        with clock.set_to(midnight):
            late = self._take(arrivals.ok(said))
        IncomingMessage.objects.filter(pk=late.pk).update(stored_at=midnight - timedelta(seconds=3))
        with clock.set_to(midnight + timedelta(hours=9)):
            inbox.reject(late, reason="Повтор: ответ дан по телефону (учебный пример)", by=self.clerk)
        plan = self._plan("post", self._moment(2, time(15, 20), after=3), S.REGISTERED)
        with clock.set_to(plan.arrived):
            gone = inbox.write_down(
                channel="post",
                contact_point=self.historian.points["post"],
                sender_name=_name(plan.who),
                text="Учебный пример: это письмо удалено из базы в обход программы, сверка его ищет.",
                received_at=plan.arrived,
                by=self.clerk,
            )
        IncomingMessage.objects.filter(pk=gone.pk).delete()

    def _troubles(self) -> None:
        """Write down an outage that was mended; look at the channels as they are now: one is silent for too long."""
        began = self._moment(9, time(10, 12))
        error = "Telegram не ответил вовремя."
        Outage.objects.create(
            channel="telegram",
            kind=Outage.Kind.FAILING,
            error=error,
            began_at=began,
            ended_at=began + timedelta(hours=2, minutes=31),
        )
        with clock.set_to(self.now):
            for code in ("medo", "pos", "post"):
                self._visit(code)
            reports.watch()

    # --- steps -----------------------------------------------------------------------------------------------------

    def _plan(self, channel: str, arrived: datetime, target: str) -> Plan:
        matter, who = self.chance.choice(citizens.MATTERS), next(self.crowd)
        return Plan(arrived, channel, matter, who, target, next(self.numbers))

    def _said(self, plan: Plan) -> Said:
        return Said(plan.number, plan.arrived, plan.who, plan.matter.subject, self.historian.words(plan))

    def _take(self, arrived: Any) -> IncomingMessage:
        message = inbox.accept(arrived).message
        inbox.parse(message, all_readers())
        message.refresh_from_db()
        return message

    def _visit(self, code: str) -> None:
        connections.visit(self.all[code])

    def _days(self) -> Iterator[Any]:
        """Yield working days, today first if it is one, back into the past."""
        day, days = timezone.localdate(self.now), calendar.current()
        for ago in range(DAYS):
            if days.is_working(day - timedelta(days=ago)):
                yield day - timedelta(days=ago)

    def _moment(self, ago: int, at: time, *, after: int = 0) -> datetime:
        """Return a time of the working day nearest to so many days ago; `after` minutes later."""
        wanted = timezone.localdate(self.now) - timedelta(days=ago)
        day = next(day for day in self._days() if day <= wanted)
        return timezone.make_aware(datetime.combine(day, at)) + timedelta(minutes=after)


def _later() -> Sequence[Mapping[str, object]]:
    """Return what a later export says otherwise, row by row: answered there, given back, put off."""
    return (
        {**ANSWERED, "Оценка ответа заявителем": "5"},
        {},
        {"Повторное рассмотрение": "Да", "Статус": "Возвращено на доработку"},
        {},
        {"Статус": "На согласовании у руководителя"},
        ANSWERED,
    )


def _export(rows: Sequence[Mapping[str, object]]) -> bytes:
    heads = list(rows[0])
    return sheets.xlsx([heads, *([row[title] for title in heads] for row in rows)], title="Сообщения")


def _name(who: Typed) -> str:
    return " ".join(part for part in (who.last_name, who.first_name, who.patronymic) if part)
