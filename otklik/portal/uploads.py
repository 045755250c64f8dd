"""Files of the public form: taken in carefully, kept once, remembered by the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any, Final

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from otklik.channels.site import attached
from otklik.channels.site.submission import SentFile
from otklik.core import files

SALT: Final = "portal.kept-file"


class CarefulHandler(TemporaryFileUploadHandler):
    """Takes a file while it is within the limit and the disk bears it; skips others and reads on.

    So the text beside a 200 MB file still arrives, and the page can say what is wrong.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.too_large: list[str] = []
        self.unwritten: list[str] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open a temporary file."""
        self._taken = 0
        try:
            super().new_file(*args, **kwargs)
        except OSError:
            self.unwritten.append(self.file_name or "")
            raise SkipFile from None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write one piece, or give the file up."""
        self._taken += len(raw_data)
        if self._taken > settings.UPLOAD_MAX_BYTES:
            self.too_large.append(self.file_name or "")
            raise SkipFile
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError:
            self.unwritten.append(self.file_name or "")
            raise SkipFile from None


@dataclass(frozen=True)
class Kept:
    """A file already in the store: the page carries `token`, which only we can have written."""

    file: SentFile

    @property
    def token(self) -> str:
        """Return what a hidden field carries."""
        one = self.file
        return signing.dumps([one.sha256, one.name, one.size, one.declared_type], salt=SALT, compress=True)


def kept_from(tokens: list[str]) -> list[Kept]:
    """Read the hidden fields back; a field that was tampered with is passed over."""
    found: list[Kept] = []
    for token in tokens[: settings.UPLOAD_MAX_FILES]:
        try:
            sha256, name, size, declared_type = signing.loads(token, salt=SALT)
        except (signing.BadSignature, ValueError, TypeError):
            continue
        found.append(Kept(SentFile(sha256, name, size, declared_type)))
    return found


def take(uploaded: list[UploadedFile[bytes]], kept: list[Kept]) -> tuple[list[Kept], list[str]]:
    """Check and store what was uploaded; return all kept files and what to tell about the others."""
    problems: list[str] = []
    for one in uploaded:
        name = files.safe_name(one.name or "файл")
        try:
            if len(kept) >= settings.UPLOAD_MAX_FILES:
                raise files.Refused(
                    name=name,
                    why=f"можно приложить не больше {settings.UPLOAD_MAX_FILES} файлов",
                    do="Объедините документы в один файл или архив.",
                )
            file = _store(one, name)
        except files.Refused as refusal:
            problems.append(str(refusal))
            continue
        if file not in [other.file for other in kept]:
            kept = [*kept, Kept(file)]
    return kept, problems


def _store(one: UploadedFile[bytes], name: str) -> SentFile:
    files.check(one, name)
    one.seek(0)
    content: IO[bytes] = one.file  # type: ignore[assignment]
    stored = attached.keep(content, name)
    return SentFile(stored.sha256, name, stored.size, (one.content_type or "")[:100])
