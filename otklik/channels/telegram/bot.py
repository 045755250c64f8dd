"""Calls to the Bot API, and what its refusals mean. Its address holds the token: no error names more than the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from otklik.channels import wire
from otklik.channels.messenger import Json, number_of, part, text_of
from otklik.channels.telegram.parse import LARGEST
from otklik.correspondence.channel import DeliveryError, SourceError
from otklik.correspondence.connections import Connecting

DEFAULT: Final = "https://api.telegram.org"
VERSION: Final = "Bot API 9.2"  # what payloads are read after; Telegram adds fields and takes none away
STRANGER: Final = (
    "Telegram не узнал бота: токен неверен или отозван. Возьмите токен у @BotFather и впишите его в настройки."
)
TAKEN: Final = (
    "У бота уже есть другой получатель: включён вебхук или сообщения забирает другая программа. "
    "Отключите её: у бота может быть один получатель."
)


class Moved(Exception):
    """The group has become a supergroup and has another number."""

    def __init__(self, chat: int) -> None:
        self.chat = chat


class Bot:
    """A bot as it is connected."""

    def __init__(self, there: Connecting) -> None:
        self.base = (str(there["api"]).strip() or DEFAULT).rstrip("/")
        self.token = quote(str(there["token"]).strip(), safe=":")

    def ask(self, method: str, *, seconds: float = 0, **what: Any) -> Any:
        """Return what a method gives. Raise SourceError, in words for an administrator."""
        said = wire.ask("POST", f"{self.base}/bot{self.token}/{method}", seconds=seconds, json=what)
        if said.get("ok") is not True:
            raise SourceError(_refusal(said))
        return said.get("result")

    def hand_over(self, method: str, *, paper: tuple[str, Path, str] | None = None, **what: Any) -> Json:
        """Send something; return the message as Telegram made it. Raise DeliveryError, DeliveryUnknown or Moved."""
        url = f"{self.base}/bot{self.token}/{method}"
        if paper is None:
            said = wire.hand_over("POST", url, json=what)
        else:
            name, path, kind = paper
            with path.open("rb") as file:
                said = wire.hand_over("POST", url, data=what, files={"document": (name, file, kind)})
        if said.get("ok") is True:
            return part(said, "result")
        if moved := number_of(part(said, "parameters"), "migrate_to_chat_id"):
            raise Moved(moved)
        raise _not_delivered(said)

    def download(self, file_id: str, into: Path) -> None:
        """Write a file of a message. Raise SourceError."""
        path = text_of(self.ask("getFile", file_id=file_id), "file_path")
        if not path or path.startswith("/"):
            raise SourceError("Сервер Bot API не отдаёт файлы по сети (местный режим): файл не скачан.")
        url = f"{self.base}/file/bot{self.token}/{quote(path)}"
        wire.download(url, into, hosts=(), limit=LARGEST, base=self.base)


def _refusal(said: Json) -> str:
    code, words = number_of(said, "error_code"), text_of(said, "description")
    if code in {401, 404}:
        return STRANGER
    if code == 409:
        return TAKEN
    return f"Telegram отказал: {words[:200] or code or 'без объяснения'}."


def _not_delivered(said: Json) -> DeliveryError:
    code, words = number_of(said, "error_code"), text_of(said, "description")
    if code in {401, 404}:
        return DeliveryError(STRANGER)  # mended in the settings, the message leaves by itself
    if code == 403:
        return DeliveryError(
            "Получатель остановил бота или закрыл ему доступ: ответьте другим способом.", permanent=True
        )
    if code == 400 and "chat not found" in words.lower():
        return DeliveryError(
            "Telegram не знает такого чата: бот отвечает только тем, кто сам ему написал. Ответьте другим способом.",
            permanent=True,
        )
    return DeliveryError(f"Telegram не принял сообщение: {words[:200] or code or 'без объяснения'}.", permanent=True)
