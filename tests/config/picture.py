"""Everything a database and its folders hold, told by the models and not by the backup's own reading."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

# Made anew from what is carried over, or meant for one place only.
NOT_CARRIED = {"Session", "WorkerBeat", "Change", "IndexHost", "IndexEntry", "SQLiteFTSIndexEntry"}
# A restore writes one row in each of these.
WRITTEN = {"Backup", "JournalEntry", "ChainHead"}


def rows() -> dict[str, list[str]]:
    """Return the rows of every model, as the models show them."""
    from django.apps import apps

    models = [one for one in apps.get_models(include_auto_created=True) if one.__name__ not in NOT_CARRIED]
    return {one._meta.label: sorted(map(_line, one._base_manager.values_list())) for one in models}


def _line(row: tuple[Any, ...]) -> str:
    """Return a row as text; keys of JSON have no order in PostgreSQL."""
    return json.dumps(row, sort_keys=True, default=repr)


def picture() -> dict[str, Any]:
    """Return rows by model, files by name with their digests, and what is wrong with the journals."""
    from django.conf import settings

    from otklik.core import journal

    folders = {"files": Path(settings.FILES_ROOT), "media": Path(settings.MEDIA_ROOT)}
    found = {
        f"{name}/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for name, folder in folders.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".tmp" not in path.parts
    }
    return {"rows": rows(), "files": found, "problems": [str(one) for one in journal.verify()]}


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(picture()))
