"""Which refusals each kind of operation may answer with, for the OpenAPI description."""

from __future__ import annotations

from typing import Final

from otklik.api.schemas import Problem

PROBLEMS: Final = dict.fromkeys((401, 403, 404, 422, 429, 500, 503), Problem)
BODY: Final = dict.fromkeys((400, 413, 415), Problem)

TOLD: Final[dict[int, str]] = {
    200: "Успешно.",
    201: "Создано; адрес — в заголовке Location.",
    400: "Тело запроса не читается.",
    401: "Нет ключа доступа, или он не действует.",
    403: "Ключу не хватает разрешения (в detail сказано, какого), или у владельца ключа нет права.",
    404: "Такого нет, или владелец ключа этого не видит.",
    409: "Сообщение уже зарегистрировано, присоединено или отклонено.",
    413: "Запрос больше 10 МБ.",
    415: "Тело запроса не JSON.",
    422: "В запросе ошибки или правило не позволяет: в detail сказано, что и как исправить.",
    429: "Слишком много запросов за минуту; когда повторить — в заголовке Retry-After.",
    500: "Ошибка системы: в detail её номер.",
    503: "База данных или диск не отвечают; повторите позже с тем же Idempotency-Key.",
}
