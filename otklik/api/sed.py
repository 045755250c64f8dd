"""Numbers of the government's СЭД handed over by a program: the same rules as the list on the page."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, owner_of
from otklik.api.schemas import Day, Given, Said, Text
from otklik.appeals import sed
from otklik.appeals.models import How

router = Router(tags=["СЭД"])
MOST: Final = 500


class GivenSedRow(Given):
    """Документ, каким его называет СЭД."""

    direction: Literal["in", "out"] = Field(description="in — входящий, out — исходящий.")
    number: Said = Field(max_length=60, description="Номер в СЭД.", examples=["01-23/45"])
    on: Day = Field(description="Дата в СЭД.")
    our_number: Text = Field("", max_length=60, description="Номер обращения в Отклике, если СЭД его знает.")


class GivenSedRows(Given):
    """Документы СЭД, не больше 500 за раз."""

    rows: list[GivenSedRow] = Field(min_length=1, max_length=MOST)


class SedLine(BaseModel):
    """Что стало с документом."""

    row: int = Field(description="Который по порядку, с 1.")
    verdict: Literal["new", "link", "date", "same", "refuse"] = Field(
        description="new — записан; link — записан и у обращения; date — изменена дата; same — уже был; refuse — отказ."
    )
    why: list[str]


class SedLoaded(BaseModel):
    """Итог передачи."""

    kept: int = Field(description="Сколько документов принято.")
    rows: list[SedLine]


@router.put(
    "/sed/documents",
    auth=AccessKey("sed.write"),
    response={200: SedLoaded, **PROBLEMS, **BODY},
    summary="Передать номера и даты СЭД",
)
def put_sed_documents(request: HttpRequest, given: GivenSedRows) -> dict[str, Any]:
    """Записывает номера и даты документов СЭД; повтор того же ничего не меняет. Номера обращений — у обращений."""
    found = [sed.Given(one.direction, one.number, one.on, one.our_number.strip()) for one in given.rows]
    lines = sed.take(found, how=How.API, by=owner_of(request))
    counted = Counter(line.verdict for line in lines)
    return {
        "kept": len(lines) - counted["refuse"],
        "rows": [{"row": line.number, "verdict": line.verdict, "why": list(line.why)} for line in lines],
    }
