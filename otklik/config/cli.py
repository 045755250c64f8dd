"""The `otklik` console script: every command of the product is a management command under its dashed name."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `otklik <command>`; dashes in the name of a command stand for underscores."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otklik.config.settings")
    from django.core.management import execute_from_command_line

    argv = list(sys.argv)
    if len(argv) > 1:
        argv[1] = argv[1].replace("-", "_") if not argv[1].startswith("-") else argv[1]
    execute_from_command_line(argv)
