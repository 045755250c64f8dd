"""`otklik restore` into SQLite that begins with the migrated file of the tests where there is one: a minute less."""

from __future__ import annotations

import shutil
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Restore as asked on the command line."""
    django.setup()
    from django.db import connection

    from otklik.config.backup import restore
    from tests import databases

    really = restore._migrate_to
    template = databases.SqliteTemplate("restore").migrated

    def migrate_to(names: list[tuple[str, str]]) -> bool:
        if not template.exists():
            return really(names)
        connection.close()
        shutil.copy(template, connection.settings_dict["NAME"])
        return True

    restore._migrate_to = migrate_to
    call_command("restore", *sys.argv[1:])


if __name__ == "__main__":
    main()
