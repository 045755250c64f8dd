"""`otklik init`: from an empty folder to a working system; asked in the terminal or read from a file."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.appeals.models import wrong_pattern
from otklik.channels.mail import trial
from otklik.config import first_steps as steps
from otklik.core.errors import DomainError

Check = Callable[[str], str]


class Command(BaseCommand):
    """Asks only what is not known yet; writes everything at once or nothing."""

    help = "Настроить рабочую систему: реквизиты, подразделения, почта, первый администратор"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where the answers come from and where settings for the services go."""
        parser.add_argument("--file", type=Path, metavar="ФАЙЛ", help="взять ответы из файла TOML, ничего не спрашивая")
        parser.add_argument(
            "--env", type=Path, default=Path("otklik.env"), metavar="ФАЙЛ", help="настройки служб (otklik.env)"
        )
        parser.add_argument("--no-check", action="store_true", help="не пробовать соединиться с почтой")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, check, write, and say what to do next."""
        try:
            answers = steps.read(options["file"]) if options["file"] else None
            steps.begin()
            if answers is None:
                answers = self._ask(tries=not options["no_check"])
            elif not options["no_check"]:
                self._try_mail(answers)
            done = steps.write(answers)
            names = steps.write_environment(options["env"], answers)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as exc:
            raise CommandError(
                f"Файл «{options['env']}» не записан: {exc.strerror or exc}. Повторите команду."
            ) from exc
        except (KeyboardInterrupt, EOFError):
            raise CommandError("Настройка прервана, ничего не записано.") from None
        self._report(done, options["env"], names)

    def _try_mail(self, answers: steps.Answers) -> None:
        """Refuse addresses of mail that do not answer: better now than at the first letter."""
        if steps.problems(answers):
            return  # told together by `write`
        found = [*map(trial.mailbox, answers.mailboxes)]
        found += [trial.sending(answers.smtp_url)] if answers.smtp_url else []
        if told := [one for one in found if one]:
            raise steps.NotReady([*told, "чтобы настроить без проверки почты, добавьте --no-check"])

    # The wizard

    def _ask(self, *, tries: bool) -> steps.Answers:
        absent, answers = steps.missing(), steps.Answers()
        self.stdout.write("Настройка Отклика. Пустой ответ — пропустить, Ctrl+C — прервать, ничего не записав.\n")
        for name, title in steps.REQUISITES.items():
            if name in absent:
                check = steps.check_email if name == "email" else None
                answers.department[name] = self._line(title, check=check, needed=name == "address")
        if "units" in absent:
            answers.units = self._units()
        if "registry_unit" in absent:
            answers.registry_unit = self._registry_unit(answers)
        if "administrator" in absent:
            answers.pattern = self._line("Образец номера обращения", "О-{year}-{seq:06d}", check=wrong_pattern)
        answers.base_url = self._line("Адрес системы (https://…)", check=steps.check_base_url)
        answers.mailboxes = self._mailboxes(tries)
        answers.smtp_url = self._line(
            "Сервер отправки (smtps://имя:пароль@сервер:465)",
            check=lambda text: steps.check_smtp(text) or (trial.sending(text) if tries else ""),
        )
        if "administrator" in absent:
            self._administrator(answers)
            sheet = self._line("Таблица сотрудников (файл .xlsx; образец — на странице «Сотрудники»)", check=_is_file)
            answers.staff = Path(sheet) if sheet else None
        return answers

    def _line(self, title: str, default: str = "", *, check: Check | None = None, needed: bool = False) -> str:
        """Ask until the answer is good or empty; what does not answer may be kept all the same."""
        while True:
            text = input(f"{title}{f' [{default}]' if default else ''}: ").strip() or default
            if not text:
                if not needed:
                    return ""
                self.stdout.write("  Без этого нельзя.")
            elif problem := check(text) if check else "":
                self.stdout.write(f"  {problem}. Введите ещё раз или оставьте пустым.")
            else:
                return text

    def _units(self) -> list[dict[str, str]]:
        self.stdout.write("Подразделения, по одному; пустая строка — конец. Потом их можно добавить и на страницах.")
        found: list[dict[str, str]] = []
        while name := self._line(f"Подразделение № {len(found) + 1}, полное название", needed=not found):
            found.append({"name": name, "short_name": self._line("  краткое название", name[:100])})
        return found

    def _registry_unit(self, answers: steps.Answers) -> str:
        names = steps.unit_names() + [one["name"] for one in answers.units]
        for number, name in enumerate(names, start=1):
            self.stdout.write(f"  {number}. {name}")

        def check(text: str) -> str:
            return "" if text.isdecimal() and 1 <= int(text) <= len(names) else "нужен номер из списка"

        return names[
            int(self._line("Номер подразделения, которое регистрирует обращения", check=check, needed=True)) - 1
        ]

    def _mailboxes(self, tries: bool) -> list[str]:
        found: list[str] = []
        title = "Ящик для писем граждан (imaps://имя:пароль@сервер:993/INBOX)"

        def check(text: str) -> str:
            return steps.check_mailbox(text) or (trial.mailbox(text) if tries else "")

        while url := self._line(title, check=check):
            found.append(url)
            title = "Ещё один ящик"
        return found

    def _administrator(self, answers: steps.Answers) -> None:
        self.stdout.write("Первый администратор: он заведёт остальных сотрудников.")
        for name, title in steps.PERSON.items():
            if name != "unit":
                check = steps.check_login if name == "login" else None
                needed = name in {"login", "last_name", "first_name"}
                answers.administrator[name] = self._line(f"  {title}", check=check, needed=needed)
        while password := getpass.getpass("  пароль (пусто — создать одноразовый): "):
            if problem := steps.check_password(password, answers.administrator):
                self.stdout.write(f"  {problem}")
            elif getpass.getpass("  пароль ещё раз: ") != password:
                self.stdout.write("  Пароли не совпали.")
            else:
                answers.password = password
                return

    def _report(self, done: steps.Done, env: Path, names: list[str]) -> None:
        self.stdout.write("Рабочая система настроена.")
        if names:
            self.stdout.write(f"Настройки служб: {env} ({', '.join(names)}). Внутри пароли: права 0600.")
        if done.password:
            self.stdout.write(f"Вход: {done.login}, одноразовый пароль: {done.password} (показан один раз).")
        if done.employees:
            self.stdout.write(
                f"Сотрудников из таблицы: {done.employees}. Временные пароли выдаются на странице «Сотрудники»."
            )
        self.stdout.write("Дальше: systemctl start otklik-web otklik-worker otklik-scheduler (docs/production.md).")


def _is_file(text: str) -> str:
    return "" if Path(text).is_file() else f"файла «{text}» нет"
