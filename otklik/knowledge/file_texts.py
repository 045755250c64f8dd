"""The text of files: read once from each file's bytes by a worker, in a process of its own, for search to find it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone
from wagtail.documents.models import Document

from otklik.knowledge import index, office
from otklik.knowledge.models import FileText

State = FileText.State
SILENT: Final = timedelta(minutes=10)  # who took a file and has been silent for longer is dead
TRIES: Final = 3


def read_next() -> bool:
    """Read one waiting file; return False when there is nothing to do."""
    now = timezone.now()
    waiting = FileText.objects.filter(state=State.WAITING).exclude(taken_at__gt=now - SILENT)
    row = waiting.select_related("document").order_by("pk").first()
    if row is None:
        return False
    if not waiting.filter(pk=row.pk, tries=row.tries).update(taken_at=now, tries=F("tries") + 1):
        return True  # another worker was quicker; look again
    # A file whose reading has killed workers again and again is left alone.
    outcome = _read(row.document) if row.tries < TRIES else {"why": "чтение несколько раз прерывалось"}
    text, why = outcome.get("text", ""), outcome.get("why", "")
    state = State.FAILED if why else State.READ if text else State.EMPTY
    with transaction.atomic():
        same = FileText.objects.filter(pk=row.pk, state=State.WAITING, of_bytes=row.of_bytes)
        if same.update(state=state, text=text, why=why[:200], taken_at=None):  # not replaced meanwhile
            index.renew_file(row.pk)
    return True


def connect() -> None:
    """Listen to documents: new bytes wait to be read, a deleted file is found no more."""
    post_save.connect(_saved, sender=Document, dispatch_uid="knowledge.file_texts.saved")
    pre_delete.connect(_going, sender=Document, dispatch_uid="knowledge.file_texts.deleted")


@transaction.atomic
def _saved(instance: Any, raw: bool = False, **_: Any) -> None:
    if raw:
        return
    if not instance.file_hash:
        with suppress(OSError, ValueError):  # no file, or its bytes are lost: reading will say so
            instance._set_file_hash()
    layer, new = FileText.objects.get_or_create(document=instance, defaults={"of_bytes": instance.file_hash})
    other = FileText.objects.filter(pk=layer.pk).exclude(of_bytes=instance.file_hash)
    other.update(of_bytes=instance.file_hash, state=State.WAITING, text="", why="", tries=0, taken_at=None)
    if not new:
        index.renew_file(instance.pk)


def _going(instance: Any, **_: Any) -> None:
    FileText.objects.filter(document=instance).delete()
    index.renew_file(instance.pk)


def _read(document: Document) -> dict[str, str]:
    """Return the `text` of a file, or `why` it was not read."""
    kind = document.file_extension.lower()
    if kind not in office.READERS:
        return {"why": f"файлы .{kind} не читаются"}
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as copy:
        try:
            with document.open_file() as content:
                shutil.copyfileobj(content, copy)
        except (OSError, ValueError):
            return {"why": "его содержание потеряно"}
        copy.flush()
        return read_apart(copy.name, kind)


def read_apart(path: str, kind: str) -> dict[str, str]:
    """Return the `text` of a file, or `why` there is none, read in another process: its memory and time are its own."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603  our own program; of the file only its path on this machine goes in
            [sys.executable, "-m", office.__name__, path, kind],
            capture_output=True,
            timeout=2 * office.SECONDS,
            env=here,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return {"why": "чтение заняло больше двух минут"}
    except subprocess.CalledProcessError:
        return {"why": "он повреждён или слишком сложен"}
    said: dict[str, str] = json.loads(done.stdout)
    return said
