"""«Справка об исполнении Порядка»: the compliance page for a period, set as a paper a head can sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from textwrap import shorten
from typing import Final

from otklik.appeals import journals
from otklik.core import procedure
from otklik.core.compliance import Figure
from otklik.reports import compliance
from otklik.reports.compliance import Row
from otklik.reports.measuring import together

TITLE: Final = "Справка об исполнении Порядка взаимодействия с клиентом"
STATES: Final = {
    "done": "исполняется",
    "partly": "исполняется частично",
    "planned": "ещё не исполняется",
    "own": "исполняет департамент",
    "open": "не сказано, как исполняется",
}
_TEXT_MAX: Final = 400


@dataclass(frozen=True)
class Done:
    """What is done for a clause, with the figure before the period and at its end."""

    does: str
    missing: str
    before: Figure | None
    after: Figure | None


@dataclass(frozen=True)
class Clause:
    """One living clause of the Procedure; `own`: how the department fulfils it by itself."""

    number: str
    text: str
    state: str
    done: tuple[Done, ...]
    own: str = ""

    @property
    def words(self) -> str:
        """Return how it is kept, in words."""
        return STATES[self.state]

    @property
    def gaps(self) -> list[str]:
        """Return what is missing, in words; nothing where all is done."""
        said = [one.missing for one in self.done if one.missing]
        return said or ([] if self.state in ("done", "own") else [self.words])


@dataclass(frozen=True)
class Certificate:
    """The Procedure clause by clause for a period."""

    first: date
    last: date
    clauses: tuple[Clause, ...]

    @property
    def before(self) -> date:
        """Return the day on whose end the figures of the beginning are counted."""
        return self.first - timedelta(days=1)

    @property
    def gaps(self) -> list[tuple[str, str]]:
        """Return (clause, what is missing) of everything not kept yet."""
        return [(one.number, gap) for one in self.clauses for gap in one.gaps]

    @property
    def kept(self) -> int:
        """Return how many clauses have no gap."""
        return sum(not one.gaps for one in self.clauses)


def certificate(first: date, last: date) -> Certificate:
    """Return what holds on the last day, each figure beside what it was on the eve of the first."""
    with together():
        eve = compliance.figures(first - timedelta(days=1))
        rows = [one for one in compliance.rows(last) if not one.wording.ended]
    return Certificate(first, last, tuple(_clause(one, eve) for one in rows))


def _clause(row: Row, eve: dict[str, Figure]) -> Clause:
    clause = row.wording.clause
    own = " ".join(filter(None, (clause.fulfilled, clause.responsible and f"Ответственный: {clause.responsible}.")))
    done = (
        Done(one.promise.does, one.promise.missing, eve.get(one.promise.code), one.figure)
        for one in row.kept
    )  # fmt: skip
    return Clause(clause.number, clause.text, row.state, tuple(done), own)


def printed(found: Certificate) -> bytes:
    """Return the paper as PDF: the sum, what is missing, clause by clause, and the lines for the head to sign."""
    summary = [
        ("Период", f"{found.first:%d.%m.%Y} — {found.last:%d.%m.%Y}"),
        ("Редакция", _edition(found.last)),
        ("Пунктов", f"{len(found.clauses)}, без пробелов: {found.kept}"),
    ]
    gaps = [[f"п. {number}", gap] for number, gap in found.gaps] or [["—", "Пробелов нет: исполняются все пункты."]]
    return journals.sheet(
        TITLE,
        [
            journals.section("Итог", summary),
            journals.section("Пробелы", columns=(("Пункт", 1), ("Чего ещё нет", 6)), table=gaps),
            *(_section(one, found) for one in found.clauses),
            journals.section("Подписал", [(name, "_" * 46) for name in ("Должность", "Подпись, фамилия", "Дата")]),
        ],
        lead="Составлена Откликом по записям системы; каждое число открывается списком на странице «Соответствие».",
    )


def _edition(on: date) -> str:
    since = {row.clause.since for row in procedure.on(on) if not row.ended}
    newest = max(since, key=lambda one: one.valid_from, default=None)
    return f"{newest}, действует с {newest.valid_from:%d.%m.%Y}" if newest else "Порядок ещё не действовал"


def _section(one: Clause, found: Certificate) -> dict[str, object]:
    facts = [("Что требует", shorten(one.text, _TEXT_MAX, placeholder="…"))]
    for done in one.done:
        facts += [
            ("Что сделано", done.does),
            (f"На {found.last:%d.%m.%Y}", done.after.text if done.after else ""),
            (f"До начала, на {found.before:%d.%m.%Y}", done.before.text if done.before else ""),
            ("Чего ещё нет", done.missing),
        ]
    facts.append(("Исполняет департамент", one.own))
    return journals.section(f"Пункт {one.number}: {one.words}", facts)
