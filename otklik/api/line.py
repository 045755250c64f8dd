"""The telephone line: who is answered now; consultations given by the ЕКЦ, handed over by its system."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Path, Router

from otklik.api import once
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, owner_of, token_of
from otklik.api.schemas import MOST_ID, GivenConsultation, Lines, Problem, TakenConsultation, dumped
from otklik.core.errors import DomainError
from otklik.hotline import ekc, hours
from otklik.hotline.models import Consultation

router = Router(tags=["Консультационная линия"])
Id = Annotated[int, Path(ge=1, le=MOST_ID)]


class NoPower(DomainError):
    """The key's owner keeps no records of the ЕКЦ."""

    code = "ekc.no_power"
    text = "У владельца ключа нет права вести записи ЕКЦ. Выдайте ключ от имени сотрудника с ролью «оператор ЕКЦ»."
    status = 403


@router.get("/line/", auth=AccessKey(), response={200: Lines, **PROBLEMS}, summary="Отвечают ли на линиях сейчас")
def lines_now(request: HttpRequest) -> dict[str, Any]:
    """Возвращает действующие линии: телефоны, отвечают ли сейчас, когда это изменится. Подходит любой ключ."""
    now = timezone.now()
    items = [
        {
            "code": one.line.code,
            "name": one.line.name,
            "phones": [phone.strip() for phone in one.line.phones.split(",")],
            "ours": one.line.ours,
            "is_open": one.is_open,
            "changes_at": one.changes_at,
            "words": one.words,
        }
        for one in hours.openings(now)
    ]
    return {"at": now, "items": items}


@router.post(
    "/line/consultations",
    auth=AccessKey("consultations.create"),
    response={201: TakenConsultation, 200: TakenConsultation, 409: Problem, **PROBLEMS, **BODY},
    summary="Передать консультацию, данную ЕКЦ",
)
def create_consultation(request: HttpRequest, given: GivenConsultation, idempotency_key: once.Key) -> JsonResponse:
    """Сохраняет консультацию ЕКЦ: она считается, ищется и ждёт темы, которую подтвердит делопроизводитель.

    201 — принята. 200 — запись с этим номером и содержанием уже передавали, этим ключом или другим.
    """
    if not owner_of(request).has_power(ekc.POWER):
        raise NoPower
    return once.once(request, token_of(request), idempotency_key, lambda: _create(request, given))


def _create(request: HttpRequest, given: GivenConsultation) -> once.Created:
    facts = given.model_dump(exclude={"answers"})
    answers = given.answers.model_dump() if given.answers else {}
    taken = ekc.take(ekc.Given(**facts, **answers), source="api", by=owner_of(request))
    row = taken.consultation
    location = reverse("api:taken_consultation", args=[row.pk])
    return once.Created(dumped(TakenConsultation(**_told(row))), location, new=taken.new)


@router.get(
    "/line/consultations/{int:pk}",
    auth=AccessKey("consultations.create"),
    response={200: TakenConsultation, **PROBLEMS},
    summary="Узнать, что стало с консультацией ЕКЦ",
)
def taken_consultation(request: HttpRequest, pk: Id) -> dict[str, Any]:
    """Возвращает принятую консультацию ЕКЦ без её текста: подтверждены ли тема и потребность."""
    if not owner_of(request).has_power(ekc.POWER):
        raise NoPower
    return _told(get_object_or_404(ekc.given(), pk=pk))


def _told(row: Consultation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "external_id": row.external_id,
        "at": row.opened_at.astimezone(UTC),
        "outcome": row.outcome,
        "asked": row.asked,
        "topic": {"code": row.topic.code, "name": row.topic.name} if row.topic else None,
        "need": {"code": row.need.pk, "name": row.need.name} if row.need else None,
    }
