"""What nobody has confirmed about ССТУ, kept as rows: identifiers of bodies, limits, the day of the month."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals.models import SstuBody, SstuRule
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import applicants
from otklik.people.models import Employee

POWER: Final = "intake.decide"
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CHAIN: Final = "sstu:settings"


class BadIdentifier(DomainError):
    """An identifier of a body that cannot be one."""

    code = "sstu.bad_identifier"
    text = (
        "«{typed}» не похоже на идентификатор органа: нужны 32 цифры и буквы a–f с дефисами, например "
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff. Скопируйте его из личного кабинета ССТУ."
    )


class SameName(DomainError):
    """Two bodies by one name: nobody could tell which of them a letter went to."""

    code = "sstu.same_name"
    text = "Название «{name}» уже стоит у органа «{body}». Исправьте его там или напишите название иначе."


def identifier(typed: str) -> str:
    """Return an identifier of a body as ССТУ writes it; raise where it cannot be one."""
    said = typed.strip().strip("{}").lower()
    if not _GUID.fullmatch(said):
        raise BadIdentifier(typed=typed.strip()[:60])
    return said


def rule() -> SstuRule:
    """Return the rule in force; what the product ships where nobody has kept one."""
    rows = SstuRule.objects.filter(valid_from__lte=timezone.localdate())
    return rows.first() or SstuRule(basis="как поставляется", valid_from=timezone.localdate())


@transaction.atomic
def keep_rule(row: SstuRule, *, by: Employee) -> SstuRule:
    """Keep a new rule; the one before stays in the history."""
    check_power(by, POWER, "изменить порядок выгрузки в ССТУ")
    row.department_id = identifier(row.department_id) if row.department_id.strip() else ""
    row.pk, row.by = None, by
    row.save(force_insert=True)
    journal.record("sstu.rule_kept", chain=CHAIN, by=by, rule=row.pk)
    return row


@transaction.atomic
def keep_body(row: SstuBody, *, by: Employee) -> SstuBody:
    """Keep a body of ССТУ: new or changed. No two bodies have a name in common."""
    check_power(by, POWER, "изменить справочник органов ССТУ")
    row.department_id = identifier(row.department_id)
    row.name = " ".join(row.name.split())
    wanted = {applicants.plain(one): one for one in names_of(row)}
    for other in SstuBody.objects.filter(valid_to=None).exclude(pk=row.pk):
        if same := {applicants.plain(one) for one in names_of(other)} & set(wanted):
            raise SameName(name=wanted[min(same)], body=other.name)
    row.save()
    journal.record("sstu.body_kept", chain=CHAIN, by=by, body=row.pk)
    return row


@transaction.atomic
def end_body(row: SstuBody, *, by: Employee) -> None:
    """Take a body out of use; what was reported under it stays."""
    check_power(by, POWER, "изменить справочник органов ССТУ")
    if SstuBody.objects.filter(pk=row.pk, valid_to=None).update(valid_to=timezone.localdate()):
        journal.record("sstu.body_ended", chain=CHAIN, by=by, body=row.pk)


def names_of(row: SstuBody) -> list[str]:
    """Return every name of a body."""
    return [one for one in (row.name, *map(str.strip, row.other_names.splitlines())) if one]


class Bodies:
    """The bodies in use, read once, found by any of their names."""

    def __init__(self, rows: Iterable[SstuBody] | None = None) -> None:
        rows = SstuBody.objects.filter(valid_to=None) if rows is None else rows
        self._known = {applicants.plain(name): row.department_id for row in rows for name in names_of(row)}

    def find(self, name: str) -> str:
        """Return the identifier of a body; empty where nobody has entered one."""
        return self._known.get(applicants.plain(name), "")
