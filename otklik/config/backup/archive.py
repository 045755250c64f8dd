"""The file a backup ends in: a ZIP with a manifest, whole or absent, encrypted with `age` where a key is named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pyrage
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from otklik.core.errors import DomainError
from otklik.core.storage import sync_folder

FORMAT: Final = "otklik-backup"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.hmac"
CHUNK: Final = 1024 * 1024
BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
_SALT: Final = "otklik.config.backup"
_AGE: Final = b"age-encryption.org/v1"
_FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
_NAME: Final = re.compile(r"(tables/[a-z0-9_]+\.jsonl|files/[0-9a-f/]+|media/.+)")


class Unreadable(DomainError):
    """An archive that cannot be taken: `why` says what is wrong, `do` what helps."""

    code = "backup.unreadable"
    text = "Архив «{name}» не подходит: {why}. {do}"


@dataclass
class Manifest:
    """What an archive says about itself."""

    version: str
    made_at: str
    database: str
    kind: str | None
    key: str
    migrations: list[list[str]]
    backup: int
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows of all tables there are."""
        return sum(int(one["rows"]) for one in self.tables.values())

    def names(self, folder: str) -> list[str]:
        """Return the parts of one folder."""
        return [name for name in self.parts if name.startswith(f"{folder}/")]


def key_mark(secret: str | None = None) -> str:
    """Return what tells one secret key from another and says nothing about it."""
    return salted_hmac(f"{_SALT}.key", "", secret=secret, algorithm="sha256").hexdigest()[:32]


class Pace:
    """Leaves a part of the time to others: after so much work, a rest in proportion."""

    AT_ONCE: Final = 0.05  # seconds of work between two rests: no page waits longer for us

    def __init__(self, share: float = 1.0) -> None:
        self._rest = 1 / share - 1
        self._since = time.monotonic()

    def keep(self) -> None:
        """Rest where it is time to."""
        if not self._rest or (worked := time.monotonic() - self._since) < self.AT_ONCE:
            return
        time.sleep(worked * self._rest)
        self._since = time.monotonic()


class Writer:
    """Puts parts into an archive one after another, each measured on the way; the manifest comes last."""

    def __init__(self, out: IO[bytes], pace: Pace | None = None) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._pace = pace or Pace()
        self.parts: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Writer:
        """Be closed whatever happens: what has not come to its manifest is no archive."""
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, ValueError):
            self._zip.close()

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """Write one part and return its SHA-256."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(_entry(name), "w", force_zip64=True) as part:
            for chunk in chunks:
                part.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                self._pace.keep()
        self.parts[name] = {"size": size, "sha256": digest.hexdigest()}
        return digest.hexdigest()

    def close(self, manifest: Manifest) -> None:
        """Write the manifest, signed with our secret key, and the end of the archive."""
        manifest.parts = self.parts
        said = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
        self._zip.writestr(_entry(MANIFEST), said)
        self._zip.writestr(_entry(SIGNATURE), _signature(said))
        self._zip.close()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _signature(said: bytes, secret: str | None = None) -> str:
    return salted_hmac(_SALT, said, secret=secret, algorithm="sha256").hexdigest()


@contextmanager
def written(path: Path, recipients: Sequence[str] = ()) -> Iterator[IO[bytes]]:
    """Give a stream that becomes the file `path` once everything is written and on disk; on any failure nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with open(part, "wb", opener=_for_us_only) as file:
            if recipients:
                with _encrypted(file, recipients) as stream:
                    yield stream
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _encrypted(file: IO[bytes], recipients: Sequence[str]) -> Iterator[IO[bytes]]:
    """Encrypt on the way: what is open never touches the disk."""
    keys = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    failed: list[BaseException] = []
    read, write = os.pipe()

    def pump() -> None:
        with os.fdopen(read, "rb") as source:
            try:
                pyrage.encrypt_io(source, file, keys)
            except BaseException as exc:
                failed.append(exc)

    thread = threading.Thread(target=pump, name="encrypt")
    thread.start()
    try:
        with suppress(BrokenPipeError), os.fdopen(write, "wb", buffering=CHUNK) as stream:
            yield stream
    finally:
        thread.join()
    if failed:
        raise failed[0]


class Reader:
    """A decrypted archive. Nothing in it is believed before `check` has read it through."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        try:
            self._zip = zipfile.ZipFile(path)
            said = self._zip.read(MANIFEST)
            self._signature = self._zip.read(SIGNATURE).decode("ascii", "replace")
        except KeyError:
            raise self._foreign() from None
        except BROKEN as exc:
            raise self._damaged("файл обрывается или испорчен") from exc
        self.said = said
        self.manifest = self._manifest(said)

    def _manifest(self, said: bytes) -> Manifest:
        try:
            told = json.loads(said)
        except ValueError:
            raise self._damaged("описание копии не читается") from None
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise self._foreign()
        if told.get("format_version") != FORMAT_VERSION:
            raise Unreadable(
                name=self._name,
                why=f"его сделала другая версия программы ({told.get('version')})",
                do="Установите эту версию или новее и повторите.",
            )
        try:
            return Manifest(**told)
        except TypeError:
            raise self._damaged("описание копии неполное") from None

    def _foreign(self) -> Unreadable:
        return Unreadable(
            name=self._name, why="это не резервная копия Отклика", do="Укажите файл, который сделала команда backup."
        )

    def _damaged(self, why: str) -> Unreadable:
        return Unreadable(name=self._name, why=why, do="Возьмите другую копию: из этой восстанавливать нельзя.")

    def check(self, pace: Pace | None = None) -> None:
        """Read every part through and refuse the archive where one is not what the manifest says."""
        pace = pace or Pace()
        told = {entry.filename for entry in self._zip.infolist()} - {MANIFEST, SIGNATURE}
        if odd := (told ^ set(self.manifest.parts)) | {name for name in told if not _is_safe(name)}:
            raise self._damaged(f"состав не сходится с описанием ({sorted(odd)[0]})")
        for name in self.manifest.parts:
            for _ in self.chunks(name):
                pace.keep()

    def check_signature(self, secret: str) -> None:
        """Refuse an archive that was changed after it had been made; asked where the key is the same."""
        if not constant_time_compare(self._signature, _signature(self.said, secret)):
            raise self._damaged("его меняли после создания: подпись не сходится")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a part's bytes; raise at its end where they are not those the manifest names."""
        wanted, digest, size = self.manifest.parts[name], hashlib.sha256(), 0
        try:
            with self._zip.open(name) as part:
                while chunk := part.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    yield chunk
        except BROKEN as exc:
            raise self._damaged(f"часть «{name}» не читается") from exc
        if (size, digest.hexdigest()) != (wanted.get("size"), wanted.get("sha256")):
            raise self._damaged(f"часть «{name}» изменена")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a part line by line."""
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def close(self) -> None:
        """Let the file go."""
        self._zip.close()


def _is_safe(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not {"..", ".", ""} & set(name.split("/")) and "\\" not in name


@contextmanager
def opened(path: Path, *, identity: Path | None, scratch: Path) -> Iterator[Reader]:
    """Open an archive for reading; an encrypted one is decrypted into `scratch`, which the caller removes."""
    plain = path
    if is_encrypted(path):
        plain = scratch / "archive.zip"
        _decrypt(path, plain, identity)
    reader = Reader(plain, path.name)
    try:
        yield reader
    finally:
        reader.close()


def is_encrypted(path: Path) -> bool:
    """Tell whether the file is one that `age` made."""
    try:
        with path.open("rb") as file:
            return file.read(len(_AGE)) == _AGE
    except OSError as exc:
        raise Unreadable(
            name=path.name, why=f"файл не открывается ({exc.strerror})", do="Проверьте путь и права на файл."
        ) from None


def _decrypt(path: Path, target: Path, identity: Path | None) -> None:
    if identity is None:
        raise Unreadable(name=path.name, why="он зашифрован", do="Укажите файл с ключом расшифровки: --identity ФАЙЛ.")
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in _key_lines(identity)]
        with path.open("rb") as source, open(target, "wb", opener=_for_us_only) as file:
            pyrage.decrypt_io(source, file, keys)
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise Unreadable(
            name=path.name,
            why=f"в файле «{identity.name}» нет ключа расшифровки",
            do="Нужен файл, который сделала команда backup --new-identity.",
        ) from None
    except pyrage.DecryptError as exc:
        raise Unreadable(
            name=path.name, why=f"он не расшифровывается этим ключом ({exc})", do="Возьмите тот ключ или другую копию."
        ) from None
    except OSError as exc:
        if exc.errno is None:  # the library's own word for a body that is cut off or changed
            raise Unreadable(
                name=path.name, why="он не расшифровывается: файл обрывается или испорчен", do="Возьмите другую копию."
            ) from None
        raise Unreadable(
            name=path.name, why=f"он не расшифрован: {exc.strerror or exc}", do="Проверьте файл ключа и место на диске."
        ) from None


def _key_lines(identity: Path) -> list[str]:
    lines = (line.strip() for line in identity.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def new_identity(path: Path) -> str:
    """Write a new key that opens archives into a file that was not there; return the key that closes them."""
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    with open(path, "x", opener=_for_us_only) as file:
        file.write(f"# public key: {recipient}\n{identity}\n")
    return recipient


def is_recipient(text: str) -> bool:
    """Tell whether archives can be closed with this key."""
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def write_key(path: Path, recipients: Sequence[str] = ()) -> None:
    """Keep this installation's secret key apart from the archives it signed."""
    with written(path, recipients) as file:
        file.write(json.dumps({"format": "otklik-key", "secret_key": settings.SECRET_KEY}).encode() + b"\n")


def read_key(path: Path, *, identity: Path | None, scratch: Path) -> str:
    """Return the secret key from the file that `write_key` made."""
    plain = path
    if is_encrypted(path):
        plain = scratch / "key.json"
        _decrypt(path, plain, identity)
    try:
        told = json.loads(plain.read_bytes())
        if told["format"] == "otklik-key" and isinstance(told["secret_key"], str):
            return str(told["secret_key"])
    except (ValueError, KeyError, TypeError, OSError):
        pass
    raise Unreadable(name=path.name, why="это не файл ключа", do="Нужен файл, который сделала команда backup --keys.")
