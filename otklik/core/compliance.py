"""How a room says which clauses of the Procedure it fulfils: plain values, collected at the top of the house."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from django.utils import timezone

from otklik.core.hours import midnight


@dataclass(frozen=True)
class Figure:
    """A figure as a sentence. `number` counts what the promise's list shows; None: nobody can tell for that day."""

    text: str
    number: int | None = None


@dataclass(frozen=True)
class Promise:
    """What the product does for one clause. `code` is the line of the requirements, `clause` the Procedure's number.

    `figure` is asked for a day and costs a few queries; `list_name` is the page that shows what it counts, `query` its
    address line, in which `{on}` stands for the day.
    """

    code: str
    clause: str
    does: str = ""
    missing: str = ""
    figure: Callable[[date], Figure] | None = None
    list_name: str = ""
    list_words: str = ""
    query: str = ""

    @property
    def state(self) -> Literal["done", "partly", "planned"]:
        """Tell how far the promise is kept."""
        if not self.does:
            return "planned"
        return "partly" if self.missing else "done"


def unknown(why: str) -> Figure:
    """Return the figure of a day for which it cannot be counted."""
    return Figure(f"На эту дату не посчитать: {why}.")


def is_today(day: date) -> bool:
    """Tell whether the day is the one whose rows are before us."""
    return day == timezone.localdate()


def end_of(day: date) -> datetime:
    """Return the moment at which a local day is over."""
    return midnight(day, 1)
