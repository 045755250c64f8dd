"""`otklik journal verify`, `otklik journal seal` and `otklik journal seals`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from otklik.core import journal


class Command(BaseCommand):
    """Check that the journals are whole, sign a day, or hand the seals out to be kept elsewhere."""

    help = "Проверить целость журналов (verify), опечатать день (seal), выгрузить печати (seals)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name what to do."""
        steps = parser.add_subparsers(dest="step", required=True)
        verify = steps.add_parser("verify", help="найти изменённые, удалённые и обрезанные строки")
        verify.add_argument("--against", type=Path, help="файл печатей, сохранённый вне этой машины (см. seals)")
        seal = steps.add_parser("seal", help="подписать последние строки цепочек за день")
        seal.add_argument("--day", type=date.fromisoformat, help="день (ГГГГ-ММ-ДД), по умолчанию вчера")
        seals = steps.add_parser("seals", help="вывести печати, чтобы хранить их вне этой машины")
        seals.add_argument("--first", type=date.fromisoformat, help="с какого дня (ГГГГ-ММ-ДД), по умолчанию все")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; `verify` exits with 1 when something is wrong."""
        if options["step"] == "seal":
            sealed = journal.seal(options["day"] or timezone.localdate() - timedelta(days=1))
            self.stdout.write(f"{sealed.date:%d.%m.%Y}: опечатано цепочек — {len(sealed.heads)}.")
        elif options["step"] == "seals":
            for one in journal.taken(options["first"]):
                self.stdout.write(json.dumps(one, ensure_ascii=False, sort_keys=True))
        else:
            self._verify(options["against"])

    def _verify(self, against: Path | None) -> None:
        found = journal.examine(_copies(against) if against else ())
        for problem in found.problems:
            self.stderr.write(str(problem))
        if found.problems:
            self.stderr.write(f"Журнал повреждён: замечаний — {len(found.problems)}.")
            sys.exit(1)
        sealed = f"последняя — {found.sealed_to:%d.%m.%Y}" if found.sealed_to else "журнал ещё не опечатан"
        self.stdout.write(
            f"Журнал цел. Проверено строк — {found.rows}, цепочек — {found.chains}, печатей — {found.seals} ({sealed})."
        )


def _copies(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the seals of a kept file; what is no such file is refused before anything is judged by it."""
    try:
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            copy = json.loads(line)
            date.fromisoformat(copy["date"])
            {chain: (int(seq), str(hash_)) for chain, (seq, hash_) in copy["heads"].items()}
            yield {"date": copy["date"], "digest": str(copy["digest"]), "heads": copy["heads"]}
    except OSError as exc:
        raise CommandError(f"Файл печатей не читается: {exc.strerror}.") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise CommandError("Это не файл печатей. Нужен файл, который вывела команда otklik journal seals.") from exc
