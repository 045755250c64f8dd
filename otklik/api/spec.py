"""The API as one thing: its operations, its refusals, its OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.operation import Operation

from otklik.api import appeals, appointments, calls, figures, line, materials, messages, problems, sed
from otklik.api.documented import PROBLEMS, TOLD
from otklik.api.keys import AccessKey, token_of
from otklik.api.schemas import KeyInfo
from otklik.people.tokens import SCOPES

DESCRIPTION: Final = """\
Программа входит с ключом доступа и может то, что может владелец ключа, в пределах разрешений ключа.
Отказы — по RFC 9457 (application/problem+json), словами для человека и с кодом для программы.
Списки отдаются страницами: cursor следующей — в поле next. Даты — ГГГГ-ММ-ДД, время — с часовым поясом.
Создание требует Idempotency-Key: повтор того же запроса в течение 24 часов ничего не создаёт и получает прежний ответ.
Открытие обращений, сообщений и персональных данных записывается в журнал доступа с номером ключа.
"""

key_router = Router(tags=["Ключ"])


@key_router.get("/key", auth=AccessKey(), response={200: KeyInfo, **PROBLEMS}, summary="Проверить ключ")
def key(request: HttpRequest) -> dict[str, Any]:
    """Возвращает, чей это ключ, что ему разрешено и до какого дня он действует."""
    token = token_of(request)
    return {
        "id": token.pk,
        "name": token.name,
        "owner": token.owner.short_name,
        "scopes": token.scopes,
        "valid_from": token.valid_from,
        "valid_to": token.valid_to,
    }


api: Final = NinjaAPI(
    title="Отклик",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    servers=[{"url": "/"}],
)
problems.install(api)
for router in (
    *(
        messages.router,
        appeals.router,
        materials.router,
        figures.router,
        calls.router,
        line.router,
        appointments.router,
        sed.router,
    ),
    key_router,
):
    api.add_router("", router)


def operations() -> Iterator[tuple[str, Operation]]:
    """Yield every operation with the name of its address."""
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            for one in view.operations:
                yield one.view_func.__name__, one


def scopes_of(operation: Operation) -> tuple[str, ...]:
    """Return the scopes one of which the operation asks for: the very object that lets in says so."""
    [door] = operation.auth_callbacks
    assert isinstance(door, AccessKey)
    return door.scopes


def parameters_of(operation: Operation) -> frozenset[str]:
    """Return the names that may stand after the question mark: of all methods of this address."""
    same = [one for _, one in operations() if one.path == operation.path]
    models = [model for one in same for model in one.models if str(model.__ninja_param_source__) == "query"]
    return frozenset(name for model in models for name in model.model_fields)


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """Return the OpenAPI description: refusals as problems, scopes with each operation."""
    told: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1/"))
    by_id = {api.get_openapi_operation_id(one): one for _, one in operations()}
    for path in told["paths"].values():
        for method in path.values():
            operation = by_id[method["operationId"]]
            method["operationId"] = operation.view_func.__name__
            scopes = scopes_of(operation)
            method["security"] = [{"AccessKey": [scope]} for scope in scopes] or [{"AccessKey": []}]
            if scopes:
                named = " или ".join(f"`{scope}` («{SCOPES[scope]}»)" for scope in scopes)
                method["description"] += f"\n\nРазрешение ключа: {named}."
            method["responses"] = {str(status): _answer(status, one) for status, one in method["responses"].items()}
    _describe_file(told["paths"])
    return told


def _answer(status: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return how one answer is described."""
    [content] = answer["content"].values()
    kind = problems.MEDIA_TYPE if status >= 400 else "application/json"
    headers: dict[str, Any] = {}
    if status == 201:
        headers["Location"] = {"description": "Где созданное.", "schema": {"type": "string"}}
    if status in {429, 503}:
        headers["Retry-After"] = {"description": "Через сколько секунд повторить.", "schema": {"type": "integer"}}
    described = {"description": TOLD[status], "content": {kind: content}}
    return {**described, "headers": headers} if headers else described


def _describe_file(paths: dict[str, Any]) -> None:
    """Say that a file is not JSON."""
    answers = paths["/api/v1/messages/{pk}/files/{file}"]["get"]["responses"]
    answers["200"]["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
