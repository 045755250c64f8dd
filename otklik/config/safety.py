"""Settings a working system does not start with: each with what is wrong and how to mend it.

`otklik check --deploy` and the page «Состояние системы» show them; `serve`, `worker` and `scheduler` refuse.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.http.request import validate_host

from otklik.core import installation
from otklik.core.models import Installation
from otklik.search import encoder
from otklik.search.encoder import EncoderError

KEY_SIGNS: Final = 50  # as many as Django itself asks for
KEY_DIFFERENT: Final = 10


@register("otklik", deploy=True)
def check_settings(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Return what is unsafe in the settings."""
    return [*_mode(), *_key(), *_hosts(), *_encryption(), *_encoder(), *_folder()]


def refuse_unsafe(*, processes: int = 1) -> list[str]:
    """Refuse to start a working system with unsafe settings; return the warnings, in words."""
    if not _is_production():
        return []
    found = [*check_settings(), *_processes(processes)]
    errors = [one for one in found if isinstance(one, Error)]
    if errors:
        lines = [f"  {number}. {one.msg}\n     {one.hint}" for number, one in enumerate(errors, start=1)]
        raise CommandError("Рабочая система с такими настройками не запускается:\n" + "\n".join(lines))
    return [f"{one.msg} {one.hint}" for one in found]


def _is_production() -> bool:
    try:
        return installation.kind() == Installation.Kind.PRODUCTION
    except DatabaseError:  # no tables yet: nobody has said what this is for
        return False


def _mode() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("Включён режим разработчика.", hint="Уберите переменную OTKLIK_DEBUG.", id="otklik.E001")


def _key() -> Iterator[CheckMessage]:
    key = str(settings.SECRET_KEY)
    if len(key) < KEY_SIGNS or len(set(key)) < KEY_DIFFERENT or key.startswith("django-insecure"):
        yield Error(
            "Секретный ключ слабый: его можно подобрать и подделать сеанс и печать журнала.",
            hint="Уберите OTKLIK_SECRET_KEY, и программа сделает ключ сама, или впишите случайный не короче"
            f" {KEY_SIGNS} знаков.",
            id="otklik.E002",
        )
    path = settings.DATA / "secret.key"
    if not os.environ.get("OTKLIK_SECRET_KEY") and _is_open(path, 0o077):
        yield Error(
            "Файл секретного ключа могут прочесть другие пользователи этой машины.",
            hint=f"Выполните: chmod 600 {path}",
            id="otklik.E003",
        )


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "Разрешены любые имена узла.",
            hint="Перечислите свои в OTKLIK_ALLOWED_HOSTS: otklik.example.ru,127.0.0.1",
            id="otklik.E004",
        )
    host = urlsplit(settings.BASE_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield Error(
            f"Узел «{host}» из OTKLIK_BASE_URL не разрешён: страницы не откроются ни у кого.",
            hint=f"Добавьте его в OTKLIK_ALLOWED_HOSTS: {host},127.0.0.1",
            id="otklik.E005",
        )


def _encryption() -> Iterator[CheckMessage]:
    if not settings.HTTPS and not settings.INSECURE_HTTP:
        yield Error(
            "Адрес системы без https: пароли и обращения пойдут по сети открытыми.",
            hint="Укажите OTKLIK_BASE_URL=https://… и поставьте перед системой прокси с сертификатом"
            " (docs/production.md). Для закрытой сети без сертификатов: OTKLIK_INSECURE_HTTP=yes.",
            id="otklik.E006",
        )
    elif not settings.HTTPS:
        yield Warning(
            "Система работает без https (OTKLIK_INSECURE_HTTP).",
            hint="Так можно только в закрытой сети: пароли и обращения идут открытыми.",
            id="otklik.W001",
        )
    endpoint = urlsplit(dict(parse_qsl(urlsplit(settings.S3_URL).query)).get("endpoint", ""))
    if endpoint.scheme == "http" and not _is_here(endpoint.hostname or ""):
        yield Warning(
            f"Файлы идут в хранилище по сети открытыми (OTKLIK_S3_URL, {endpoint.hostname}).",
            hint="Укажите адрес хранилища с https://.",
            id="otklik.W004",
        )
    directory = urlsplit(settings.LDAP_URL)
    if directory.scheme == "ldap" and not _is_here(directory.hostname or ""):
        yield Warning(
            f"Пароли идут в каталог сотрудников по сети открытыми (OTKLIK_LDAP_URL, {directory.hostname}).",
            hint="Возьмите ldaps:// или ldap+starttls://.",
            id="otklik.W007",
        )
    for name, url in [
        ("OTKLIK_SMTP_URL", settings.SMTP_URL),
        *(("OTKLIK_MAILBOXES", one) for one in settings.MAILBOXES),
    ]:
        parts = urlsplit(url)
        if parts.scheme in {"smtp", "imap"} and parts.username and not _is_here(parts.hostname or ""):
            yield Warning(
                f"Пароль почты идёт по сети открытым ({name}, {parts.hostname}).",
                hint=f"Возьмите {parts.scheme}s:// или {parts.scheme}+starttls://.",
                id="otklik.W002",
            )


def _encoder() -> Iterator[CheckMessage]:
    """Search works without an encoder: whatever is wrong with it stops nothing."""
    try:
        encoder.configured()
    except EncoderError as wrong:
        yield Warning(
            f"Кодировщик не работает, поиск идёт по словам. {wrong}",
            hint="О кодировщике: docs/search.md.",
            id="otklik.W005",
        )
    parts = urlsplit(settings.EMBEDDINGS_URL)
    if settings.ENCODER == "url" and parts.scheme == "http" and not _is_here(parts.hostname or ""):
        yield Warning(
            f"Запросы и вопросы писем идут по сети открытыми (OTKLIK_EMBEDDINGS_URL, {parts.hostname}).",
            hint="Укажите адрес кодировщика с https://.",
            id="otklik.W006",
        )


def _is_here(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _folder() -> Iterator[CheckMessage]:
    if _is_open(settings.DATA, 0o007):
        yield Warning(
            "Папку с данными могут читать все пользователи этой машины.",
            hint=f"Выполните: chmod 750 {settings.DATA}",
            id="otklik.W003",
        )


def _processes(number: int) -> Iterator[CheckMessage]:
    if number > 1 and connection.vendor == "sqlite":
        yield Error(
            f"База SQLite рассчитана на один веб-процесс, а указано {number}.",
            hint="Уберите --processes или перейдите на PostgreSQL (DATABASE_URL; данные перенесут backup и restore).",
            id="otklik.E007",
        )


def _is_open(path: Path, to: int) -> bool:
    return path.exists() and bool(path.stat().st_mode & to)
