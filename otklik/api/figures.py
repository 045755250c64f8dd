"""The figures of «Соответствие Порядку» and «Показатели», for other systems' panels; what the pages show, no more."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query as InQuery
from ninja import Router

from otklik.api.documented import PROBLEMS
from otklik.api.keys import AccessKey, owner_of
from otklik.api.schemas import MOST_ID, Day, Figures, Measures
from otklik.appeals import access
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode
from otklik.reports import compliance, kept, measures

router = Router(tags=["Показатели"])


class NoPower(DomainError):
    """The key's owner does not see how the Procedure is kept."""

    code = "figures.no_power"
    text = "У владельца ключа нет права видеть «Соответствие Порядку». Выдайте ключ от имени аудитора или начальника."
    status = 403


@router.get("/figures", auth=AccessKey("figures.read"), response={200: Figures, **PROBLEMS}, summary="Показатели")
def figures(request: HttpRequest, on: Annotated[Day | None, InQuery()] = None) -> dict[str, Any]:
    """Возвращает показатели исполнения Порядка на день (без дня — на сегодня); пустой number: на день не посчитать."""
    if not owner_of(request).has_any(compliance.READERS):
        raise NoPower
    day = on or timezone.localdate()
    counted = compliance.figures(day)
    clauses = {one.code: one.clause for one in compliance.PROMISES}
    items = [
        {"code": code, "clause": clauses[code], "text": figure.text, "number": figure.number}
        for code, figure in counted.items()
    ]
    return {"on": day, "items": items}


class SeesNotAll(DomainError):
    """The key's owner does not see all appeals: figures of the department are not his to hand on."""

    code = "figures.sees_not_all"
    text = "Владелец ключа видит не все обращения. Выдайте ключ от имени того, кто видит все."
    status = 403


class WrongPeriod(DomainError):
    """The period ends before it begins."""

    code = "figures.wrong_period"
    text = "Последний день раньше первого. Поменяйте first и last местами."
    status = 422


@router.get(
    "/measures", auth=AccessKey("figures.read"), response={200: Measures, **PROBLEMS}, summary="Показатели за период"
)
def of_period(  # noqa: PLR0917 - each is a parameter of the address
    request: HttpRequest,
    first: Annotated[Day, InQuery()],
    last: Annotated[Day, InQuery()],
    unit: Annotated[int | None, InQuery(ge=1, le=MOST_ID)] = None,
    channel: Annotated[ChannelCode | None, InQuery()] = None,
    topic: Annotated[int | None, InQuery(ge=1, le=MOST_ID)] = None,
) -> dict[str, Any]:
    """Возвращает показатели за период, с периодом до и целью: те же числа, что на странице «Показатели»."""
    if not owner_of(request).has_power(access.ALL):
        raise SeesNotAll
    if last < first:
        raise WrongPeriod
    lines = measures.shown(measures.MEASURES, measures.Slice(first, last, unit, channel or "", topic), compared=True)
    return {
        "first": first,
        "last": last,
        "fresh_at": kept.condition().fresh_at,
        "items": [
            {
                **{name: getattr(one.measure, name) for name in ("code", "group", "title", "formula", "kind")},
                "value": None if one.suppressed or one.now.value is None else round(one.now.value, 2),
                "part": one.now.part,
                "whole": one.now.whole,
                "before": one.before_value,
                "target": one.target,
                "reached": one.reached,
                "suppressed": one.suppressed,
            }
            for one in lines
        ],
    }
