"""The figures of «Соответствие Порядку», for other systems' panels; what the page shows, no more."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query as InQuery
from ninja import Router

from otklik.api.documented import PROBLEMS
from otklik.api.keys import AccessKey, owner_of
from otklik.api.schemas import Day, Figures
from otklik.core.errors import DomainError
from otklik.reports import compliance

router = Router(tags=["Показатели"])


class NoPower(DomainError):
    """The key's owner does not see how the Procedure is kept."""

    code = "figures.no_power"
    text = "У владельца ключа нет права видеть «Соответствие Порядку». Выдайте ключ от имени аудитора или начальника."
    status = 403


@router.get("/figures", auth=AccessKey("figures.read"), response={200: Figures, **PROBLEMS}, summary="Показатели")
def figures(request: HttpRequest, on: Annotated[Day | None, InQuery()] = None) -> dict[str, Any]:
    """Возвращает показатели исполнения Порядка на день (без дня — на сегодня); пустой number: на день не посчитать."""
    if not any(owner_of(request).has_power(power) for power in compliance.READERS):
        raise NoPower
    day = on or timezone.localdate()
    counted = compliance.figures(day)
    clauses = {one.code: one.clause for one in compliance.PROMISES}
    items = [
        {"code": code, "clause": clauses[code], "text": figure.text, "number": figure.number}
        for code, figure in counted.items()
    ]
    return {"on": day, "items": items}
