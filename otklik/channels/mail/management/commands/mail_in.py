"""`otklik mail-in`: a mail server's pipe."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.intake import take_in
from otklik.correspondence.models import IncomingMessage

TEMPORARY_FAILURE = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the letter and tries again
CHUNK = 1024 * 1024


class Command(BaseCommand):
    """Takes one letter from standard input, or every `.eml` of a folder."""

    help = "принять письмо со стандартного ввода (для почтового сервера)"

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the contact point and the folder."""
        parser.add_argument("--point", default="email-info", help="код точки взаимодействия")
        parser.add_argument("--directory", type=Path, help="принять все файлы .eml из папки")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 0 only after the commit; with 75 on any failure to store."""
        try:
            if options["directory"]:
                for path in sorted(options["directory"].glob("*.eml")):
                    self._take(path, options["point"])
                return
            with tempfile.NamedTemporaryFile(prefix="otklik-pipe-", suffix=".eml") as file:
                while chunk := sys.stdin.buffer.read(CHUNK):
                    file.write(chunk)
                file.flush()
                self._take(Path(file.name), options["point"])
        except Exception as exc:  # whatever it was, the letter is not stored: the mail server must keep it
            print(f"письмо не сохранено: {type(exc).__name__}", file=sys.stderr)
            sys.exit(TEMPORARY_FAILURE)

    def _take(self, path: Path, point: str) -> None:
        accepted = take_in(path, channel=MailChannel(), point=point)
        quarantined = accepted.message.state == IncomingMessage.State.QUARANTINED
        status = "duplicate" if accepted.duplicate else "quarantined" if quarantined else "accepted"
        self.stdout.write(json.dumps({"status": status, "message": accepted.message.pk}))
