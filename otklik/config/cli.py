"""The `otklik` console script: every command of the product is a management command under its dashed name."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

# Of Django's own commands, those an administrator needs.
DJANGO: Final = {
    "check": "Проверить настройки",
    "createsuperuser": "Завести администратора со всеми правами",
    "migrate": "Привести базу данных к этой версии",
    "shell": "Открыть Python с загруженным продуктом",
}


def main() -> None:
    """Run `otklik <command>`; dashes in the name of a command stand for underscores."""
    if sys.argv[1:2] != ["mail-in"]:
        _run()
        return
    # Whatever stops the pipe before it has stored the letter (settings, options, the database): it must not bounce.
    try:
        _run()
    except SystemExit as exc:
        sys.exit(os.EX_TEMPFAIL if exc.code else 0)
    except Exception as exc:
        print(f"письмо не сохранено: {type(exc).__name__}: {exc}", file=sys.stderr)  # noqa: T201
        sys.exit(os.EX_TEMPFAIL)


def _run() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otklik.config.settings")
    argv = list(sys.argv)
    if len(argv) < 2 or (argv[1] in {"help", "--help", "-h"} and len(argv) == 2):
        print(overview())  # noqa: T201
        return
    if argv[1] == "help":
        argv = [argv[0], argv[2], "--help"]
    gc.disable()  # what is loaded stays: looking for garbage meanwhile only makes the start longer
    import django
    from django.core.management import execute_from_command_line, get_commands

    django.setup()
    gc.freeze()
    gc.enable()
    command = argv[1] = argv[1].replace("-", "_")
    if command not in get_commands():
        sys.exit(f"Нет команды «{sys.argv[1]}». Список команд: otklik help")
    execute_from_command_line(argv)


def overview() -> str:
    """Return our commands, one Russian line each."""
    import django
    from django.core.management import get_commands, load_command_class

    django.setup()
    ours = {
        name.replace("_", "-"): load_command_class(app, name).help.strip().rstrip(".")
        for name, app in get_commands().items()
        if isinstance(app, str) and app.startswith("otklik.")
    }
    lines = [f"  {name:<16}{text}" for name, text in sorted((DJANGO | ours).items())]
    return "\n".join(["Отклик. Команды:", "", *lines, "", "Подробно о команде: otklik help <команда>"])
