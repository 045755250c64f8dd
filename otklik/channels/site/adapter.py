"""The department's site as a channel: a form comes in, an answer is read on the status page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from otklik.channels.handover.reader import HandoverReader
from otklik.channels.site import submission
from otklik.channels.site.submission import Submission
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence.channel import Parsed, ParsedFile, ParseError, ToSend
from otklik.correspondence.models import ChannelCode
from otklik.correspondence.text import without_greeting

SUBJECT_LENGTH = 100


class SiteChannel:
    """Reads stored submissions. Nothing is fetched: `intake.take_in` brings each one in at once."""

    code: ClassVar[str] = "website"
    repeats_safely: ClassVar[bool] = True

    def fetch(self) -> Iterable[object]:
        """Find nothing to bring: the form calls the inbox itself."""
        return ()

    def parse(self, raw: Path) -> Parsed:
        """Read a stored submission; its files are taken over from the file store by their hash.

        What the department's own form handed over by the API is read as anything that is handed over.
        """
        content = raw.read_bytes()
        if _is_handed_over(content):
            return HandoverReader().parse(raw)
        try:
            sent = submission.from_bytes(content)
        except ValueError as exc:
            raise ParseError("Это не запись формы сайта: откройте оригинал.") from exc
        return Parsed(
            text=sent.text,
            subject=_subject(sent.text),
            sender_name=sent.name,
            sender_address=sent.email,
            files=_files(sent),
            facts=_facts(sent),
            facts_schema=submission.SCHEMA,
            continues=sent.continues,
        )

    def send(self, item: ToSend) -> str:
        """Publish for the holder of the number and code: the status page reads the outgoing row itself."""
        return f"status:{item.message_id}"


def _is_handed_over(content: bytes) -> bool:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "schema" not in said and said.get("channel") == ChannelCode.WEBSITE


def _subject(text: str) -> str:
    line = " ".join(without_greeting(text).split())
    return line if len(line) <= SUBJECT_LENGTH else line[:SUBJECT_LENGTH].rsplit(" ", 1)[0] + "…"


def _files(sent: Submission) -> tuple[ParsedFile, ...]:
    stored = StoredFile.objects.in_bulk([one.sha256 for one in sent.files], field_name="sha256")
    missing = [one.name for one in sent.files if one.sha256 not in stored]
    if missing:
        raise ParseError("Нет файлов: " + ", ".join(missing))
    return tuple(
        ParsedFile(name=one.name, declared_type=one.declared_type, content=files.path_of(stored[one.sha256]))
        for one in sent.files
    )


def _facts(sent: Submission) -> dict[str, object]:
    """Return who wrote and how to answer, for the registration to propose."""
    return {
        "applicant": {
            "kind": sent.kind,
            "last_name": sent.last_name,
            "first_name": sent.first_name,
            "patronymic": sent.patronymic,
            "organisation": sent.organisation,
            "email": sent.email,
            "phone": sent.phone,
            "address": sent.address,
        },
        "answer": {"channel": sent.answer_by, "address": sent.answer_address},
        "identified": bool(sent.citizen),
    }
