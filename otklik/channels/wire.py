"""How channels speak HTTP: one place that turns what goes wrong on the way into what the contract knows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urljoin, urlsplit

import requests

from otklik.correspondence.channel import DeliveryError, DeliveryUnknown, SourceError

SECONDS: Final = (5, 30)  # to connect, to wait for the next bytes
PIECE: Final = 256 * 1024
MOST_REDIRECTS: Final = 4
LONGEST_DOWNLOAD: Final = 60.0  # seconds


def ask(method: str, url: str, *, seconds: float = 0, **what: Any) -> dict[str, Any]:
    """Ask a source; return its JSON object. Raise SourceError, in words for an administrator.

    `seconds`: for how long the source may hold the answer (long polling). `what` goes to `requests.request`.
    """
    try:
        answer = requests.request(method, url, timeout=(SECONDS[0], SECONDS[1] + seconds), **what)
    except requests.RequestException as failure:
        raise SourceError(f"Сервер {host(url)} не отвечает ({type(failure).__name__}).") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise SourceError(
            f"Сервер {host(url)} просит подождать (ответ {answer.status_code}).", retry_after=retry_after(answer)
        )
    return _object(answer, url)


def hand_over(method: str, url: str, **what: Any) -> dict[str, Any]:
    """Hand a message over; return the JSON object.

    Raise DeliveryError where it was refused or never left, DeliveryUnknown where the connection broke afterwards.
    """
    try:
        answer = requests.request(method, url, timeout=SECONDS, **what)
    except (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError) as failure:
        raise DeliveryError(f"Сервер {host(url)} не отвечает ({type(failure).__name__}).") from None
    except requests.ConnectionError as failure:
        if "NewConnectionError" in repr(failure) or "NameResolutionError" in repr(failure):
            raise DeliveryError(f"Сервер {host(url)} не отвечает (нет соединения).") from None
        raise DeliveryUnknown(f"Связь с сервером {host(url)} оборвалась.") from None
    except requests.RequestException as failure:
        raise DeliveryUnknown(f"Сервер {host(url)} не ответил вовремя ({type(failure).__name__}).") from None
    if answer.status_code == 429:
        raise DeliveryError(f"Сервер {host(url)} просит подождать.", retry_after=retry_after(answer))
    if answer.status_code >= 500:
        raise DeliveryUnknown(f"Сервер {host(url)} ответил ошибкой {answer.status_code}.")
    try:
        return _object(answer, url)
    except SourceError as failure:
        raise DeliveryError(str(failure), permanent=True) from None


def lay_down(url: str, name: str, content: IO[bytes], kind: str) -> None:
    """Upload a file to where the other side asked for it; what it answers says nothing. Raise SourceError."""
    try:
        answer = requests.post(url, files={"file": (name, content, kind)}, timeout=SECONDS)
    except requests.RequestException as failure:
        raise SourceError(f"Сервер {host(url)} не принял файл ({type(failure).__name__}).") from None
    if answer.status_code >= 300:
        raise SourceError(
            f"Сервер {host(url)} не принял файл (ответ {answer.status_code}).", retry_after=retry_after(answer)
        )


def download(url: str, into: Path, *, hosts: Iterable[str], limit: int, base: str = "") -> str:
    """Write what an address gives to a file of at most `limit` bytes; return its SHA-256.

    Only https and only the other side's own hosts: an address inside a message may point anywhere. What lies under
    `base`, an address an administrator wrote down, is fetched as it is. Of a redirect the same is asked, at each of
    its steps. What comes drop by drop is given up. Raise SourceError.
    """
    allowed = tuple(hosts)
    digest, size, until = hashlib.sha256(), 0, time.monotonic() + LONGEST_DOWNLOAD
    try:
        for _ in range(MOST_REDIRECTS):
            _check_own(url, allowed, base)
            answer = requests.get(url, timeout=SECONDS, stream=True, allow_redirects=False)
            if not answer.is_redirect:
                break
            answer.close()
            url = urljoin(url, answer.headers["Location"])
        with answer:
            if answer.status_code != 200:
                raise SourceError(f"Вложение не скачано: сервер ответил {answer.status_code}.")
            with into.open("wb") as file:
                for piece in answer.iter_content(PIECE):
                    size += len(piece)
                    if size > limit:
                        raise SourceError(f"Вложение больше {limit // 1024 // 1024} МБ: не скачано.")
                    if time.monotonic() > until:
                        raise SourceError("Вложение скачивалось слишком долго: не скачано.")
                    digest.update(piece)
                    file.write(piece)
    except requests.RequestException as failure:
        raise SourceError(f"Вложение не скачано: связь оборвалась ({type(failure).__name__}).") from None
    except ValueError:
        raise SourceError("Адрес вложения не читается: файл не скачан.") from None
    return digest.hexdigest()


def retry_after(answer: requests.Response) -> float | None:
    """Return how many seconds the other side asks to wait, at most an hour; a date is not read.

    Telegram says it in the answer itself: `parameters.retry_after`.
    """
    said = answer.headers.get("Retry-After", "")
    if not said.isdecimal():
        try:
            said = str(answer.json()["parameters"]["retry_after"])
        except (ValueError, TypeError, KeyError):
            return None
    return min(float(said), 3600.0) if said.isdecimal() else None


def host(url: str) -> str:
    """Return the host of an address: the address itself may hold a token."""
    return urlsplit(url).hostname or "без имени"


def _object(answer: requests.Response, url: str) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, Mapping):
        raise SourceError(f"Сервер {host(url)} ответил непонятно (ответ {answer.status_code}).")
    return dict(said)


def _check_own(url: str, hosts: Iterable[str], base: str) -> None:
    parts = urlsplit(url)
    theirs = parts.scheme == "https" and any(_within(parts.hostname or "", one) for one in hosts)
    if not (theirs or (base and url.startswith(base.rstrip("/") + "/"))):
        raise SourceError(f"Адрес вложения ведёт на чужой сервер ({parts.hostname or 'без имени'}): файл не скачан.")


def _within(name: str, known: str) -> bool:
    return name == known or name.endswith(f".{known}")
