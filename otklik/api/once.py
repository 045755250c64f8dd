"""`Idempotency-Key`: a creation happens once, and whoever repeats the request gets the first answer again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, TypeAlias

from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Header

from otklik.api.models import KeptAnswer
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import AccessToken

KEPT_FOR: Final = timedelta(hours=24)
HEADER: Final = "Idempotency-Key"


class OtherRequest(DomainError):
    """The key was used for something else."""

    code = "api.other_request"
    text = (
        "С этим Idempotency-Key уже был другой запрос. Для нового запроса возьмите новый ключ; "
        "чтобы повторить прежний, отправьте его без изменений."
    )


Key: TypeAlias = Annotated[
    str,
    Header(
        alias=HEADER,
        min_length=1,
        max_length=200,
        pattern="^[!-~]+$",
        description=(
            "Номер этого запроса у отправителя, например UUID. Повтор с тем же номером и телом в течение 24 часов "
            "ничего не создаёт и получает прежний ответ."
        ),
        examples=["6f1c0f0e-6d3f-4c0b-9a59-1a1f6f4f3c11"],
    ),
]


@dataclass(frozen=True)
class Created:
    """What a creation answers: 201, or 200 where the thing had been there before."""

    body: dict[str, Any]
    location: str
    new: bool = True


def once(request: HttpRequest, token: AccessToken, key: str, work: Callable[[], Created]) -> JsonResponse:
    """Do the work and keep its answer in one transaction; a repeat waits for it and gets the same.

    A refusal leaves nothing behind: the same key may be used again.
    """
    digest = _digest_of(request)
    while True:
        try:
            with journal.together():
                # Written first: of two at once the second waits here until the first has committed or failed.
                row = KeptAnswer.objects.create(token=token, key=key, digest=digest)
                done = work()
                status = 201 if done.new else 200
                KeptAnswer.objects.filter(pk=row.pk).update(status=status, body=done.body, location=done.location)
                return _answer(status, done.body, done.location)
        except IntegrityError:
            if (known := KeptAnswer.objects.filter(token=token, key=key).first()) is None:
                raise
        if known.at < timezone.now() - KEPT_FOR:
            KeptAnswer.objects.filter(pk=known.pk).delete()
            continue
        if known.digest != digest:
            raise OtherRequest
        answer = _answer(known.status, known.body, known.location)
        answer["Idempotency-Replayed"] = "true"
        return answer


def forget_old() -> int:
    """Remove answers whose day is over; return how many."""
    return KeptAnswer.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _digest_of(request: HttpRequest) -> str:
    return sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()


def _answer(status: int, body: dict[str, Any], location: str) -> JsonResponse:
    answer = JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    if status == 201:
        answer["Location"] = location
    return answer
