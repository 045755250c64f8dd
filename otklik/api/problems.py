"""Refusals as programs read them: RFC 9457, with words for the person behind the program."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from otklik.api.limits import TooOften
from otklik.api.schemas import DATES
from otklik.core.errors import DomainError, is_outage
from otklik.correspondence.inbox import AlreadyTaken

log = logging.getLogger("otklik.api")

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[dict[int, str]] = {
    400: "Запрос не прочитан",
    401: "Нужен ключ доступа",
    403: "Не разрешено",
    404: "Не найдено",
    405: "Так сюда не обращаются",
    409: "Уже изменено",
    413: "Слишком большой запрос",
    415: "Неизвестный вид данных",
    422: "Запрос не выполнен",
    429: "Слишком часто",
    500: "Ошибка системы",
    503: "Временно недоступно",
}
NOT_FOUND: Final = "Такого адреса или такой записи нет, либо владелец ключа их не видит."
UNREADABLE: Final = "Тело запроса не читается как JSON. Проверьте его и повторите."

# What pydantic calls a mistake → words; `{}` are its own figures.
_WORDS: Final[dict[str, str]] = {
    "missing": "нужно указать",
    "extra_forbidden": "такого поля нет",
    "string_type": "нужна строка",
    "string_unicode": "есть знаки, которых нет в Юникоде",
    "string_too_short": "нужно не меньше знаков: {min_length}",
    "string_too_long": "можно не больше знаков: {max_length}",
    "string_pattern_mismatch": "не подходит под образец {pattern}",
    "int_type": "нужно целое число",
    "int_parsing": "нужно целое число",
    "int_from_float": "нужно целое число",
    "bool_type": "нужно true или false",
    "bool_parsing": "нужно true или false",
    "greater_than_equal": "можно не меньше {ge}",
    "less_than_equal": "можно не больше {le}",
    "enum": "можно одно из: {expected}",
    "literal_error": "можно одно из: {expected}",
    "list_type": "нужен список",
    "too_long": "можно не больше: {max_length}",
    "too_short": "нужно не меньше: {min_length}",
    "model_type": "нужен объект",
    "model_attributes_type": "нужен объект",
    "dict_type": "нужен объект",
    "value_error": "{error}",
}


def problem(status: int, detail: str, *, code: str = "", errors: Iterable[dict[str, str]] = ()) -> HttpResponse:
    """Return a refusal; `code` is for programs, `errors` say which field is wrong."""
    body: dict[str, Any] = {
        "type": f"urn:otklik:problem:{code or status}",
        "title": TITLES.get(status, "Отказ"),
        "status": status,
        "detail": detail,
        "code": code or str(status),
    }
    if found := list(errors):
        body["errors"] = found
    answer = HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="Otklik"'
    return answer


def install(api: NinjaAPI) -> None:
    """Have the API answer with problems only."""
    api.add_exception_handler(Exception, _of_exception)
    for kind in (HttpError, ValidationError, Http404):  # they have handlers of their own until now
        api.add_exception_handler(kind, _of_exception)


def _of_exception(request: HttpRequest, exc: Exception | type[Exception]) -> HttpResponse:
    """Return what a program is told about an exception."""
    match exc:
        case TooOften():
            answer = problem(exc.status, str(exc), code=exc.code)
            answer["Retry-After"] = str(exc.wait)
            return answer
        case AlreadyTaken():
            return problem(409, str(exc), code=exc.code)
        case DomainError():
            return problem(exc.status, str(exc), code=exc.code)
        case ValidationError():
            errors = [_of_field(one) for one in exc.errors]
            detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors[:5])
            return problem(422, f"В запросе ошибки: {detail}.", code="api.invalid", errors=errors)
        case RequestDataTooBig():
            most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024 // 1024
            return problem(413, f"Запрос больше {most} МБ. Уменьшите или разделите файлы.", code="api.too_big")
        case UnreadablePostError():
            return problem(400, "Запрос оборвался на полпути. Повторите его.", code="api.cut_off")
        case HttpError():
            return problem(exc.status_code, UNREADABLE, code="api.unreadable")
        case Http404():
            return problem(404, NOT_FOUND, code="api.not_found")
        case PermissionDenied():
            return problem(403, "У владельца ключа нет права на это.", code="api.no_power")
    return _of_failure(request, exc)


def _of_failure(request: HttpRequest, exc: Any) -> HttpResponse:
    where = getattr(request.resolver_match, "view_name", "?")
    if is_outage(exc):
        log.error("no database or disk at %s", where, exc_info=exc)
        answer = problem(503, "База данных или диск сейчас не отвечают. Ничего не сохранено.", code="api.unavailable")
        answer["Retry-After"] = "60"
        return answer
    if settings.TESTING or settings.DEBUG:
        raise exc
    number = uuid.uuid4().hex[:8]
    log.error("defect %s at %s", number, where, exc_info=exc)
    return problem(500, f"Ошибка на нашей стороне, номер {number}. Ничего не сохранено.", code="api.defect")


def _of_field(error: dict[str, Any]) -> dict[str, str]:
    """Return where a mistake is and what it is, in Russian."""
    kind, figures = error["type"], error.get("ctx", {})
    words = _WORDS.get(kind) or (DATES if kind.startswith(("date", "timezone")) else "неверное значение")
    place = [str(part) for part in error["loc"]]
    where = place[2:] if place[0] == "body" else place[1:]  # the body's own name says nothing to the caller
    return {"where": ".".join(where) or place[0], "what": words.format(**figures)}
