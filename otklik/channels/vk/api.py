"""The API of VKontakte: one version, one place that turns its errors into what the contract knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from otklik.channels import wire
from otklik.channels.envelope import mapping, number
from otklik.correspondence.channel import DeliveryError, SourceError
from otklik.correspondence.connections import Connecting

VERSION: Final = "5.199"
API: Final = "https://api.vk.com"
# Where VKontakte keeps what people attach.
HOSTS: Final = ("vk.com", "vk.ru", "userapi.com", "vkuserphoto.ru", "vkuser.net", "vkuseraudio.net", "vkuservideo.net")

Kind = Literal["wait", "admin", "final"]

_KEY: Final = "Ключ доступа сообщества не действует. Выпустите новый в настройках сообщества и впишите его."
# What VKontakte refuses with: in words, and who can help. «wait»: time; «admin»: an administrator; «final»: nobody.
ERRORS: Final[Mapping[int, tuple[Kind, str]]] = {
    1: ("wait", "Внутренняя ошибка ВКонтакте."),
    5: ("admin", _KEY),
    6: ("wait", "Слишком много запросов в секунду."),
    7: ("admin", "У ключа сообщества нет права на это действие: выпустите ключ с правами из руководства."),
    9: ("wait", "ВКонтакте просит отправлять реже."),
    10: ("wait", "Внутренняя ошибка ВКонтакте."),
    14: ("admin", "ВКонтакте требует ввести код с картинки: проверьте сообщество в браузере."),
    15: ("final", "Доступ запрещён: запись закрыта или сообщество не может здесь отвечать."),
    17: ("admin", "ВКонтакте требует подтвердить вход: проверьте сообщество в браузере."),
    18: ("final", "Страница человека удалена или заблокирована."),
    23: ("admin", "ВКонтакте отключил этот способ: сообщите разработчикам."),
    27: ("admin", _KEY),
    28: ("admin", _KEY),
    29: ("wait", "Исчерпан предел запросов на сегодня."),
    30: ("final", "Страница человека закрыта."),
    36: ("wait", "ВКонтакте не успел выполнить запрос."),
    42: ("admin", "ВКонтакте не принимает запросы с адреса этого сервера."),
    43: ("wait", "Раздел временно недоступен."),
    100: ("final", "ВКонтакте не принял параметры сообщения."),
    113: ("final", "Такой страницы нет."),
    210: ("final", "Запись удалена или закрыта."),
    211: ("final", "Комментарий удалён или закрыт."),
    212: ("final", "Комментарии к записи закрыты."),
    213: ("final", "Комментировать эту запись нельзя: она удалена или комментарии закрыты."),
    222: ("final", "Ссылки в комментариях запрещены настройками сообщества."),
    223: ("wait", "Слишком много комментариев подряд."),
    900: ("final", "Человек находится в чёрном списке сообщества."),
    901: ("final", "Человек не разрешил сообществу писать ему."),
    902: ("final", "Настройки приватности не позволяют написать этому человеку."),
    910: ("final", "Сообщение слишком большое."),
    911: ("final", "ВКонтакте не принял вид сообщения."),
    914: ("final", "Сообщение слишком длинное."),
    917: ("final", "У сообщества нет доступа к этой беседе."),
    921: ("final", "Это сообщение нельзя переслать."),
    925: ("final", "Сообщество не управляет этой беседой."),
    927: ("final", "Такой беседы нет."),
    932: ("final", "Сообщество не может писать сюда."),
    936: ("final", "Такого собеседника нет."),
    945: ("final", "Беседа отключена."),
    946: ("final", "Эта беседа не поддерживается."),
    950: ("final", "Время для ответа истекло: человек давно не писал сообществу."),
    983: ("final", "Писать в эту беседу запрещено."),
    1105: ("wait", "Слишком много попыток входа."),
    1117: ("admin", _KEY),
    3610: ("final", "Страница человека удалена."),
}
PAUSES: Final = {6: 1.0, 9: 60.0, 29: 3600.0, 223: 60.0}


def ask(there: Connecting, method: str, **what: Any) -> Any:
    """Ask VKontakte; return what it answers. Raise SourceError."""
    said = wire.ask("POST", _url(there, method), data=_data(there, what))
    if "error" in said:
        code = _code(said)
        raise SourceError(_words(code), retry_after=PAUSES.get(code))
    return said.get("response")


def hand_over(there: Connecting, method: str, **what: Any) -> Any:
    """Hand something over to VKontakte; return what it answers. Raise DeliveryError or DeliveryUnknown."""
    said = wire.hand_over("POST", _url(there, method), data=_data(there, what))
    if "error" in said:
        raise refusal(_code(said))
    return said.get("response")


class ForAdministrator(DeliveryError):
    """Only an administrator can put it right; until then messages wait."""


def refusal(code: int) -> DeliveryError:
    """Return an error of VKontakte as the delivery knows it; what is not in the table is not mended by repeating."""
    kind, _ = ERRORS.get(code, ("final", ""))
    if kind == "admin":
        return ForAdministrator(_words(code))
    return DeliveryError(_words(code), permanent=kind == "final", retry_after=PAUSES.get(code))


def base(there: Connecting) -> str:
    """Return where the API lies when an administrator wrote down another place; files may lie there, too."""
    written = str(there["api"]).rstrip("/")
    return "" if written in {"", API} else written


def _url(there: Connecting, method: str) -> str:
    return f"{base(there) or API}/method/{method}"


def _data(there: Connecting, what: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in what.items() if value not in (None, "")}
    return {**given, "access_token": there["token"], "v": VERSION, "lang": "ru"}


def _code(said: Mapping[str, Any]) -> int:
    return number(mapping(said["error"]).get("error_code"))


def _words(code: int) -> str:
    text = ERRORS.get(code, ("final", "ВКонтакте отказал."))[1]
    return f"{text} (ошибка ВКонтакте {code})"
