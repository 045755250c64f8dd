"""`otklik mail-in`: a mail server's pipe."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from otklik.channels.mail import intake
from otklik.channels.mail.adapter import MailChannel
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage

CHUNK = 1024 * 1024


class Command(BaseCommand):
    """Takes one letter from standard input, or every `.eml` of a folder."""

    requires_system_checks: list[str] = []  # it is started anew for each letter: going through every page takes seconds
    help = "принять письмо со стандартного ввода (для почтового сервера)"

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the contact point and the folder."""
        parser.add_argument("--point", default="email-info", help="код точки взаимодействия")
        parser.add_argument("--directory", type=Path, help="принять все файлы .eml из папки")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit with 0 only after the commit; with 75 on any failure to store."""
        try:
            if options["directory"]:
                lost = self._take_folder(options["directory"], options["point"])
            else:
                lost = self._take_pipe(options["point"])
        except Exception as exc:  # whatever it was, the letter is not stored: the mail server must keep it
            print(f"письмо не сохранено: {type(exc).__name__}", file=sys.stderr)
            sys.exit(os.EX_TEMPFAIL)
        if lost:
            print(f"не сохранено писем: {lost}, см. журнал программы", file=sys.stderr)
            sys.exit(os.EX_TEMPFAIL)

    def _take_pipe(self, point: str) -> int:
        with tempfile.NamedTemporaryFile(prefix="otklik-pipe-", suffix=".eml") as file:
            while chunk := sys.stdin.buffer.read(CHUNK):
                file.write(chunk)
            file.flush()
            self._say(intake.take_in(Path(file.name), channel=MailChannel(), point=point))
        return 0

    def _take_folder(self, folder: Path, point: str) -> int:
        """Take every letter of the folder and return how many could not be stored."""
        lost = 0
        letters = (intake.Letter(path) for path in sorted(folder.glob("*.eml")))
        for portion in inbox.portions(letters, lambda letter: letter.size):
            accepted = intake.keep_each(portion, point=point)
            intake.read(accepted, MailChannel())
            lost += accepted.count(None)
            for one in filter(None, accepted):
                self._say(one)
        return lost

    def _say(self, accepted: inbox.Accepted) -> None:
        quarantined = accepted.message.state == IncomingMessage.State.QUARANTINED
        status = "duplicate" if accepted.duplicate else "quarantined" if quarantined else "accepted"
        self.stdout.write(json.dumps({"status": status, "message": accepted.message.pk}))
