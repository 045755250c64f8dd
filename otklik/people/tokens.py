"""Keys by which other programs enter: made and shown once, checked at each request, ended for good."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import AccessToken, Employee

PREFIX: Final = "otk_"  # so that a key that leaked into a text is recognised
LONGEST: Final = timedelta(days=366)
MANAGE: Final = "people.manage"

SCOPES: Final[dict[str, str]] = {
    "messages.create": "передавать сообщения и узнавать, что с ними стало",
    "messages.read": "читать входящие сообщения",
    "appeals.read": "читать и искать обращения",
    "appeals.create": "регистрировать сообщения",
    "applicants.read": "видеть персональные данные заявителей",
    "materials.public": "читать публичные материалы Базы знаний",
    "materials.read": "читать все материалы, которые видит владелец ключа",
    "figures.read": "читать показатели соответствия Порядку",
    "calls.create": "передавать события звонков телефонной станции",
    "calls.read": "читать журнал звонков",
    "appointments.read": "видеть свободные времена и записи на личный приём",
    "appointments.create": "записывать на личный приём, переносить и отменять записи",
    "sed.write": "передавать номера и даты СЭД",
    "consultations.create": "передавать консультации, данные ЕКЦ",
}


class BadToken(DomainError):
    """The key that is asked for cannot be made."""

    code = "tokens.bad"
    text = "{what}"


class NotAccepted(DomainError):
    """Nobody enters by this key."""

    code = "tokens.not_accepted"
    text = "Ключ доступа не принят: {why}. Новый ключ выдаёт администратор на странице «Ключи доступа»."
    status = 401


@dataclass(frozen=True)
class Made:
    """A new key with its secret, which can be shown now and never again."""

    token: AccessToken
    secret: str


def seen_by(user: Employee) -> QuerySet[AccessToken]:
    """Return the keys a person may see and end: his own, to an administrator all."""
    rows = AccessToken.objects.select_related("owner", "created_by")
    return rows if user.has_power(MANAGE) else rows.filter(owner=user)


def running(on: date) -> Q:
    """Return the condition «this key opens something today or later»."""
    return Q(ended_at=None, valid_to__gte=on, owner__is_active=True)


@transaction.atomic
def create(
    *, owner: Employee, name: str, scopes: Collection[str], valid_from: date, valid_to: date, by: Employee | None
) -> Made:
    """Make a key that has its owner's rights as far as the scopes go. `by=None`: the server's administrator."""
    if by is not None and not by.has_power(MANAGE):
        raise PermissionDenied
    name = " ".join(name.split())[:200]
    _check(owner, name, scopes, valid_from, valid_to)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        name=name,
        owner=owner,
        digest=_digest(secret),
        hint=secret[:8],
        scopes=[scope for scope in SCOPES if scope in scopes],
        valid_from=valid_from,
        valid_to=valid_to,
        created_by=by,
    )
    facts = {"access_token": token.pk, "scopes": token.scopes, "valid_from": valid_from, "valid_to": valid_to}
    journal.record("token.created", chain=f"employee:{owner.pk}", by=by, **facts)
    return Made(token, secret)


def _check(owner: Employee, name: str, scopes: Collection[str], valid_from: date, valid_to: date) -> None:
    if not name:
        raise BadToken(what="Напишите, что подключается: по этому имени ключ узнают в журнале.")
    if not owner.is_active:
        raise BadToken(what="Учётная запись владельца заблокирована. Выберите другого сотрудника.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadToken(what=f"Выберите, что разрешено: {', '.join(SCOPES)}.")
    if valid_to < valid_from:
        raise BadToken(what="Последний день раньше первого. Исправьте даты.")
    if valid_to < timezone.localdate():
        raise BadToken(what="Эти дни уже прошли. Укажите сегодняшний день или позже.")
    if valid_to - valid_from > LONGEST:
        raise BadToken(what="Ключ выдают не больше чем на год. Выберите более ранний последний день.")


@transaction.atomic
def end(token: AccessToken, *, by: Employee | None) -> None:
    """End a key at once and for good; one that has been ended stays as it is."""
    if by is not None and by.pk != token.owner_id and not by.has_power(MANAGE):
        raise PermissionDenied
    if AccessToken.objects.filter(pk=token.pk, ended_at=None).update(ended_at=timezone.now()):
        journal.record("token.ended", chain=f"employee:{token.owner_id}", by=by, access_token=token.pk)


def enter(secret: str) -> AccessToken:
    """Return the key with its owner, who from here on is known to have come by it; raise NotAccepted."""
    today = timezone.localdate()
    token = AccessToken.objects.select_related("owner").filter(digest=_digest(secret)).first()
    if token is None:
        raise NotAccepted(why="такого ключа нет")
    if token.ended_at:
        raise NotAccepted(why="он завершён")
    if not token.owner.is_active:
        raise NotAccepted(why="учётная запись его владельца заблокирована")
    if not token.valid_from <= today <= token.valid_to:
        raise NotAccepted(why=f"он действует с {token.valid_from:%d.%m.%Y} по {token.valid_to:%d.%m.%Y}")
    if token.last_used_on != today:  # a day is enough to find the forgotten ones, and costs one write a day
        AccessToken.objects.filter(pk=token.pk).update(last_used_on=today)
    token.owner.through_token = token.pk
    return token


def _digest(secret: str) -> str:
    """Return what is kept of a secret: 256 random bits need no slow hash."""
    return sha256(secret.encode(errors="replace")).hexdigest()
