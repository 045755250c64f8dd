"""The Graph API of Odnoklassniki for groups (Bot API), and its errors as the contract knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

from otklik.channels import wire
from otklik.channels.envelope import number, words
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown, SourceError
from otklik.correspondence.connections import Connecting

API: Final = "https://api.ok.ru"
# Where Odnoklassniki keeps what people attach.
HOSTS: Final = ("ok.ru", "odnoklassniki.ru", "mycdn.me", "okcdn.ru", "oneme.ru")

Kind = Literal["wait", "admin", "final"]

_KEY: Final = "Ключ доступа группы не действует: получите новый в настройках группы и впишите его."
# apiok.ru/dev/errors: in words, and who can help. «wait»: time; «admin»: an administrator; «final»: nobody.
ERRORS: Final[Mapping[int, tuple[Kind, str]]] = {
    1: ("wait", "Внутренняя ошибка Одноклассников."),
    2: ("wait", "Служба Одноклассников временно недоступна."),
    3: ("admin", "Одноклассники не знают этого запроса: сообщите разработчикам."),
    4: ("final", "Одноклассники не приняли запрос."),
    7: ("wait", "Действие временно заблокировано."),
    8: ("wait", "Одноклассники просят отправлять реже."),
    9: ("admin", "Одноклассники не принимают запросы с адреса этого сервера."),
    10: ("final", "Нет разрешения: человек не разрешил группе писать ему или закрыл доступ."),
    11: ("wait", "Исчерпан предел запросов."),
    12: ("final", "Действие отменено человеком."),
    24: ("final", "Группа не может здесь отвечать."),
    50: ("admin", "Ключ выдан не администратору группы."),
    100: ("final", "Одноклассники не приняли параметры сообщения."),
    101: ("admin", "Открытый ключ приложения указан неверно."),
    102: ("admin", _KEY),
    103: ("admin", _KEY),
    104: ("admin", "Подпись запроса неверна: проверьте секретный ключ приложения."),
    106: ("final", "Такого обсуждения нет."),
    110: ("final", "Такого человека нет."),
    300: ("final", "Запись не найдена: она удалена."),
    453: ("admin", _KEY),
    454: ("final", "Текст не принят проверкой Одноклассников."),
    455: ("final", "Настройки человека не позволяют написать ему."),
    456: ("final", "Настройки группы не позволяют здесь отвечать."),
}
PAUSES: Final = {7: 60.0, 8: 60.0, 11: 600.0}


class ForAdministrator(DeliveryError):
    """Only an administrator can put it right; until then messages wait."""


def get(there: Connecting, path: str, **what: Any) -> dict[str, Any]:
    """Ask the Graph API. Raise SourceError."""
    return _asked("GET", there, path, params={**_given(what), "access_token": there["token"]})


def post(there: Connecting, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the Graph API something that may be told again. Raise SourceError."""
    return _asked("POST", there, path, params={"access_token": there["token"]}, json=dict(body))


def hand_over(there: Connecting, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Hand a message over. Raise DeliveryError or DeliveryUnknown."""
    said = wire.hand_over(
        "POST", f"{_base(there)}/graph/{path}", params={"access_token": there["token"]}, json=dict(body)
    )
    if code := _code(said):
        raise refusal(code)
    return said


def rest(there: Connecting, method: str, **what: Any) -> dict[str, Any]:
    """Ask the REST API in the name of the group's administrator. Raise SourceError."""
    said = wire.ask("POST", f"{_base(there)}/fb.do", data=signed(there, method, what))
    if code := _code(said):
        raise SourceError(_words(code), retry_after=PAUSES.get(code))
    return said


def rest_hand_over(there: Connecting, method: str, **what: Any) -> dict[str, Any]:
    """Hand a comment over in the name of the group's administrator. Raise DeliveryError or DeliveryUnknown."""
    said = wire.hand_over("POST", f"{_base(there)}/fb.do", data=signed(there, method, what))
    if code := _code(said):
        raise refusal(code)
    return said


def signed(there: Connecting, method: str, what: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a REST call with their signature: MD5 of the sorted pairs and the session's secret."""
    pairs = {name: str(value) for name, value in _given(what).items()}
    pairs |= {"method": method, "application_key": str(there["app_key"]), "format": "json"}
    token = str(there["admin_token"])
    session = hashlib.md5(f"{token}{there['app_secret']}".encode(), usedforsecurity=False).hexdigest()
    line = "".join(f"{name}={pairs[name]}" for name in sorted(pairs)) + session
    return {**pairs, "sig": hashlib.md5(line.encode(), usedforsecurity=False).hexdigest(), "access_token": token}


def refusal(code: int) -> DeliveryError:
    """Return an error of Odnoklassniki as the delivery knows it; what is unknown is not mended by repeating."""
    kind, _ = ERRORS.get(code, ("final", ""))
    if kind == "admin":
        return ForAdministrator(_words(code))
    return DeliveryError(_words(code), permanent=kind == "final", retry_after=PAUSES.get(code))


def base(there: Connecting) -> str:
    """Return where the API lies when an administrator wrote down another place; files may lie there, too."""
    written = str(there["api"]).rstrip("/")
    return "" if written in {"", API} else written


def check_success(said: Mapping[str, Any]) -> None:
    """Raise where a message was taken without a word that it will be delivered."""
    told = said.get("success")
    if told is False or (isinstance(told, list) and not all(told)):
        raise DeliveryError("Одноклассники не доставили: человек не разрешил группе писать ему.", permanent=True)
    if told is None and not words(said.get("message_id")):
        raise DeliveryUnknown("Одноклассники не сказали, принято ли сообщение.")


def _base(there: Connecting) -> str:
    return base(there) or API


def _asked(method: str, there: Connecting, path: str, **what: Any) -> dict[str, Any]:
    said = wire.ask(method, f"{_base(there)}/graph/{path}", **what)
    if code := _code(said):
        raise SourceError(_words(code), retry_after=PAUSES.get(code))
    return said


def _given(what: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in what.items() if value not in (None, "")}


def _code(said: Mapping[str, Any]) -> int:
    return number(said.get("error_code")) if "error_code" in said else 0


def _words(code: int) -> str:
    text = ERRORS.get(code, ("final", "Одноклассники отказали."))[1]
    return f"{text} (ошибка Одноклассников {code})"
