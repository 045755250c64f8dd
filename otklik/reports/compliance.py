"""The promises of every room in one place, and the Procedure clause by clause with what is done about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from otklik.appeals import compliance as appeals
from otklik.channels import compliance as channels
from otklik.core import procedure
from otklik.core.compliance import Figure, Promise
from otklik.core.procedure import Wording
from otklik.hotline import compliance as hotline
from otklik.knowledge import compliance as knowledge
from otklik.reception import booked, promised_answers
from otklik.reception import compliance as reception
from otklik.reports import handled
from otklik.reports.measuring import together
from otklik.surveys import compliance as surveys

# Who sees how the Procedure is kept, on the page and by the API: auditors, clerks, administrators, heads and signers.
READERS: Final = ("journal.view", "dictionaries.edit", "appeals.approve")

# Clauses no room fulfils yet. A room that comes declares its own and takes the line away from here.
PLANNED: Final[tuple[Promise, ...]] = ()

PROMISES: Final[tuple[Promise, ...]] = (
    *channels.PROMISES,
    *appeals.PROMISES,
    *handled.PROMISES,
    *hotline.PROMISES,
    *reception.PROMISES,
    *booked.PROMISES,
    *surveys.PROMISES,
    *knowledge.PROMISES,
    *promised_answers.PROMISES,
    *PLANNED,
)


@dataclass(frozen=True)
class Kept:
    """A promise with its figure for the day."""

    promise: Promise
    figure: Figure | None


@dataclass(frozen=True)
class Row:
    """A wording of a clause as it stood on the day, with what the product does about it."""

    wording: Wording
    kept: tuple[Kept, ...] = ()

    @property
    def state(self) -> str:
        """Tell how the clause is fulfilled: `done`, `partly`, `planned`, `own` (said by the department), `open`."""
        if self.wording.ended:
            return "ended"
        if self.kept:
            states = {one.promise.state for one in self.kept}
            return states.pop() if len(states) == 1 else "partly"
        return "own" if self.wording.clause.fulfilled else "open"


def promised() -> Mapping[str, list[Promise]]:
    """Return the promises by the clause they keep."""
    found: dict[str, list[Promise]] = {}
    for one in PROMISES:
        found.setdefault(one.clause, []).append(one)
    return found


def figures(on: date) -> dict[str, Figure]:
    """Return every figure by its promise's code; one query each, whatever there is."""
    with together():
        return {one.code: one.figure(on) for one in PROMISES if one.figure}


def rows(on: date) -> list[Row]:
    """Return the Procedure as it stood on a day, clause by clause."""
    known, promises = figures(on), promised()
    return [
        Row(
            wording,
            () if wording.ended
            else tuple(Kept(one, known.get(one.code)) for one in promises.get(wording.clause.number, ())),
        )
        for wording in procedure.on(on)
    ]  # fmt: skip


def tally(found: list[Row]) -> Counter[str]:
    """Return how many clauses are in each state."""
    return Counter(row.state for row in found)
