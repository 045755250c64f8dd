"""Calls to the API of MAX, and what its refusals mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from otklik.channels import wire
from otklik.channels.max.parse import BY_VIDEO, LARGEST
from otklik.channels.messenger import Json, list_of, part, text_of
from otklik.correspondence.channel import DeliveryError, SourceError
from otklik.correspondence.connections import Connecting

DEFAULT: Final = "https://platform-api2.max.ru"
VERSION: Final = "0.0.32"  # of the public schema payloads are read after
HOSTS: Final = ("oneme.ru", "okcdn.ru", "max.ru")  # where MAX keeps files, as its documentation names them
QUALITIES: Final = ("mp4_720", "mp4_1080", "mp4_480", "mp4_360", "mp4_240", "mp4_144")
NOT_READY: Final = 15  # seconds until a file just given may be used
STRANGER: Final = "MAX не узнал бота: токен неверен или отозван. Возьмите новый в кабинете business.max.ru."


class Bot:
    """A bot as it is connected."""

    def __init__(self, there: Connecting) -> None:
        self.base = (str(there["api"]).strip() or DEFAULT).rstrip("/")
        self.signed = {"Authorization": str(there["token"]).strip()}

    def ask(self, method: str, path: str, *, needs: str, seconds: float = 0, **what: Any) -> Json:
        """Return what is given, an object with the field `needs`. Raise SourceError, in words for an administrator."""
        said = wire.ask(method, f"{self.base}{path}", seconds=seconds, headers=self.signed, **what)
        if needs not in said or said.get("success") is False:
            raise SourceError(_refusal(said))
        return said

    def hand_over(self, place: Json, body: Json) -> Json:
        """Send a message; return it as MAX made it. Raise DeliveryError or DeliveryUnknown."""
        said = wire.hand_over("POST", f"{self.base}/messages", headers=self.signed, params=dict(place), json=dict(body))
        if not part(said, "message"):  # a refusal has one too: words
            raise _not_delivered(said)
        return part(said, "message")

    def upload(self, paper: tuple[str, Path, str]) -> str:
        """Give MAX a file; return the mark it is sent by. Nobody sees it yet, so it may be given again."""
        name, path, kind = paper
        try:
            url = text_of(self.ask("POST", "/uploads", needs="url", params={"type": "file"}), "url")
            if not self._theirs(url):
                raise SourceError(f"MAX велел отдать файл чужому серверу ({wire.host(url)}): не отдан.")
            with path.open("rb") as file:  # the address itself is the leave: the token stays here
                said = wire.ask("POST", url, files={"data": (name, file, kind)})
        except SourceError as failure:
            raise DeliveryError(str(failure), retry_after=failure.retry_after) from None
        if not (token := text_of(said, "token")):
            raise DeliveryError(f"MAX не принял файл «{name}»: {_words(said)}.", permanent=True)
        return token

    def download(self, of: str, into: Path) -> None:
        """Write a file of a message; the address of a video is asked for. Raise SourceError."""
        url = of
        if of.startswith(BY_VIDEO):
            token = quote(of.removeprefix(BY_VIDEO), safe="")
            urls = part(self.ask("GET", f"/videos/{token}", needs="token"), "urls")
            url = next((text_of(urls, one) for one in QUALITIES if text_of(urls, one)), "")
            if not url:
                raise SourceError("MAX не отдаёт это видео: файл не скачан.")
        wire.download(url, into, hosts=HOSTS, limit=LARGEST, base=self.base)

    def subscriptions(self) -> list[str]:
        """Return the addresses MAX calls."""
        said = self.ask("GET", "/subscriptions", needs="subscriptions")
        return [text_of(one, "url") for one in list_of(said, "subscriptions")]

    def _theirs(self, url: str) -> bool:
        parts = urlsplit(url)
        ours = any((parts.hostname or "").endswith(f".{one}") for one in HOSTS)
        return (parts.scheme == "https" and ours) or url.startswith(f"{self.base}/")


def _refusal(said: Json) -> str:
    return STRANGER if text_of(said, "code") == "verify.token" else f"MAX отказал: {_words(said)}."


def _words(said: Json) -> str:
    return (text_of(said, "code") or text_of(said, "message") or "без объяснения")[:200]


def _not_delivered(said: Json) -> DeliveryError:
    code, words = text_of(said, "code"), text_of(said, "message")
    if code == "verify.token":
        return DeliveryError(STRANGER)  # mended in the settings, the message leaves by itself
    if code == "attachment.not.ready":
        return DeliveryError("MAX ещё обрабатывает файл.", retry_after=NOT_READY)
    if code == "chat.denied" or "suspended" in words:
        return DeliveryError(
            "Получатель остановил бота или закрыл ему доступ: ответьте другим способом.", permanent=True
        )
    if code in {"not.found", "chat.not.found"}:
        return DeliveryError(
            "MAX не знает такого чата: бот отвечает только тем, кто сам ему написал. Ответьте другим способом.",
            permanent=True,
        )
    return DeliveryError(f"MAX не принял сообщение: {_words(said)}.", permanent=True)
