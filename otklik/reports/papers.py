"""Reports as files: what a page hands out, and what goes with the letter of a planned report. Nobody is named in them.

The head's sheet is none of these: it names employees and appeals, so it is read where its reader is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from otklik.appeals import journals
from otklik.core import sheets
from otklik.reports import execution, overview
from otklik.reports.measures import Line
from otklik.reports.models import SavedReport
from otklik.reports.overview import Period

HEADINGS: Final = ("Показатель", "Значение", "Из скольких", "За период до того")
_YEARS: Final = (SavedReport.Period.LAST_YEAR, SavedReport.Period.THIS_YEAR)


def of(report: SavedReport, lines: Sequence[Line], first: date, last: date) -> list[tuple[str, bytes]]:
    """Return the files of a report by name: PDF, the figures as XLSX too; none where it names people."""
    if report.kind == SavedReport.Kind.OVERVIEW:
        period = period_of(report, first)
        return [(f"{overview_name(period)}.pdf", overview.printed(overview.overview(period)))]
    if report.kind == SavedReport.Kind.EXECUTION:
        return [(f"spravka-{first}-{last}.pdf", execution.printed(execution.certificate(first, last)))]
    if report.kind == SavedReport.Kind.FIGURES:
        name = figures_name(report, first, last)
        return [
            (f"{name}.pdf", figures_pdf(report, lines, first, last)),
            (f"{name}.xlsx", sheets.xlsx([HEADINGS, *figures_cells(lines)], title="Показатели")),
        ]
    return []


def period_of(report: SavedReport, first: date) -> Period:
    """Return which year or quarter an overview is of."""
    return Period(first.year) if report.period in _YEARS else overview.quarter_of(first)


def overview_name(period: Period) -> str:
    """Return how the file of an overview is called, without its ending."""
    return f"obzor-{period.year}{f'-{period.quarter}' if period.quarter else ''}"


def figures_name(report: SavedReport, first: date, last: date) -> str:
    """Return how the file of figures is called, without its ending."""
    return f"otchet-{report.pk}-{first}-{last}"


def figures_cells(lines: Sequence[Line]) -> list[list[str]]:
    """Return the figures as rows under `HEADINGS`, in the words of the page."""
    return [[one.measure.title, one.words, str(one.now.whole), one.before_words] for one in lines]


def figures_pdf(report: SavedReport, lines: Sequence[Line], first: date, last: date) -> bytes:
    """Return the figures as a printed sheet."""
    columns = list(zip(HEADINGS, (5, 1.4, 1.4, 1.6), strict=True))
    sections = [journals.section("Показатели", columns=columns, table=figures_cells(lines))]
    return journals.sheet(report.name, sections, lead=f"{first:%d.%m.%Y} — {last:%d.%m.%Y}. {_narrowed(report)}")


def _narrowed(report: SavedReport) -> str:
    """Return in words what a report is narrowed to."""
    said = [
        f"Подразделение: {report.unit}." if report.unit else "",
        f"Канал: {report.get_channel_display()}." if report.channel else "",
        f"Тема: {report.topic.name}." if report.topic else "",
    ]
    return " ".join(filter(None, said))
