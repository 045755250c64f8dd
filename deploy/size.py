"""Print how many bytes the database and the files of this installation take: a backup needs no more."""

import os
import sys
from pathlib import Path

import django


def main() -> None:
    """Ask the database, look through the folders."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otklik.config.settings")
    django.setup()
    from django.conf import settings
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            base = int(cursor.fetchone()[0])
    else:
        base = Path(str(connection.settings_dict["NAME"])).stat().st_size
    folders = (Path(settings.FILES_ROOT), Path(settings.MEDIA_ROOT))
    files = sum(one.stat().st_size for folder in folders for one in folder.rglob("*") if one.is_file())
    sys.stdout.write(f"{base + files}\n")


if __name__ == "__main__":
    main()
