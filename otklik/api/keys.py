"""Who enters the API: a program with a key, never a browser's session. Each operation names the scope it needs."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from ninja.security import HttpBearer

from otklik.api.limits import meter
from otklik.core.errors import DomainError
from otklik.people import tokens
from otklik.people.models import AccessToken, Employee
from otklik.people.tokens import SCOPES

JSON: Final = "application/json"


class NoKey(DomainError):
    """The request bears no key."""

    code = "api.no_key"
    text = (
        "Запрос без ключа доступа. Передайте его в заголовке «Authorization: Bearer otk_…»; "
        "вход в браузере здесь не действует."
    )
    status = 401


class ScopeMissing(DomainError):
    """The key is good, but not for this."""

    code = "api.scope_missing"
    text = "Ключу не хватает разрешения {scopes}. Администратор выдаёт новый ключ на странице «Ключи доступа»."
    status = 403


class NotJson(DomainError):
    """The body is of another kind."""

    code = "api.not_json"
    text = "Тело запроса должно быть в формате JSON с заголовком «Content-Type: application/json»."
    status = 415


class UnknownParameter(DomainError):
    """A parameter is not one of this address: a filter that is left out in silence would show too much."""

    code = "api.unknown_parameter"
    text = "Здесь нет параметра {names}. Есть: {known}."


class AccessKey(HttpBearer):
    """Lets in who has a living key with one of the scopes; none named: any key."""

    openapi_description = "Ключ доступа: otk_ и 43 знака. Выдаёт администратор, показывается один раз."

    def __init__(self, *scopes: str) -> None:
        assert set(scopes) <= set(SCOPES)
        self.scopes = scopes
        super().__init__()

    def __call__(self, request: HttpRequest) -> AccessToken:
        """Return the key; raise what is wrong with it or with the request."""
        token: AccessToken | None = super().__call__(request)
        if token is None:
            raise NoKey
        return token

    def authenticate(self, request: HttpRequest, token: str) -> AccessToken:
        """Find the key, count the request, look at the scopes."""
        key = tokens.enter(token)
        meter.count(key.pk)
        check_scope(key, *self.scopes)
        if request.method == "POST" and request.content_type != JSON:
            raise NotJson
        known: frozenset[str] = getattr(request, "parameters", frozenset())
        if unknown := set(request.GET) - known:
            named = ", ".join(f"«{name}»" for name in sorted(unknown))
            raise UnknownParameter(names=named, known=", ".join(sorted(known)) or "никаких")
        return key


def check_scope(token: AccessToken, *scopes: str) -> None:
    """Raise ScopeMissing where the key has none of these scopes."""
    if scopes and not set(scopes) & set(token.scopes):
        named = " или ".join(f"{scope} («{SCOPES[scope]}»)" for scope in scopes)
        raise ScopeMissing(scopes=named)


def token_of(request: HttpRequest) -> AccessToken:
    """Return the key the request came by."""
    given: Any = request
    token: AccessToken = given.auth
    return token


def owner_of(request: HttpRequest) -> Employee:
    """Return the employee in whose name the request came."""
    owner: Employee = token_of(request).owner
    return owner
