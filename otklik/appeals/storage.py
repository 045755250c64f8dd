"""How long cases are kept, what must not be destroyed, and everything about one person for that person.

Terms are rows of `core.retention`: a case on its merits and an operational one have their own. The term is counted from
the first of January after the year in which the case was closed, as office work counts it.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import date
from typing import IO, Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals import case_file
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, DestructionItem, LegalHold
from otklik.appeals.permissions import check_power
from otklik.core import files, journal, retention
from otklik.core.errors import DomainError
from otklik.core.models import RetentionRule
from otklik.people import applicants
from otklik.people.access import ReasonNeeded
from otklik.people.models import Applicant, Contact, Employee
from otklik.people.powers import POWERS

ON_MERITS, OPERATIONAL = "appeals", "appeals-operational"
KEEPER: Final = "dictionaries.edit"  # who holds cases and draws up acts
STATES: Final = (DestructionItem.State.WAITING, DestructionItem.State.DONE)


class HoldRefused(DomainError):
    """The hold says too little, or there is one."""

    code = "storage.hold_refused"
    text = "{what}"


def rules(on: date) -> dict[str, RetentionRule]:
    """Return code → the rule for cases that counts on a day: the latest row of the kind, whoever has written it."""
    current = retention.current(on)
    kinds = dict(RetentionRule.objects.filter(code__in=(ON_MERITS, OPERATIONAL)).values_list("code", "kind"))
    return {code: current[kind] for code, kind in kinds.items() if code and kind in current}


def rule_of(appeal: Appeal, on: date | None = None) -> RetentionRule | None:
    """Return the rule a case is kept by."""
    return rules(on or timezone.localdate()).get(ON_MERITS if appeal.needs_answer else OPERATIONAL)


def expires_on(closed_on: date, years: int) -> date:
    """Return the first day on which a case closed on a day may be destroyed."""
    return date(closed_on.year + years + 1, 1, 1)


def held(on: date) -> QuerySet[LegalHold]:
    """Return the holds that count on a day."""
    return LegalHold.objects.filter(Q(until=None) | Q(until__gte=on), lifted_at=None)


def hold_of(appeal: Appeal, on: date | None = None) -> LegalHold | None:
    """Return the hold of a case that counts."""
    return held(on or timezone.localdate()).filter(appeal=appeal).select_related("by").first()


def expired(code: str, on: date) -> tuple[RetentionRule | None, QuerySet[Appeal]]:
    """Return the rule of a kind of cases and those whose term is over: closed, not held, in no act yet."""
    rule = rules(on).get(code)
    if rule is None or rule.years is None:
        return rule, Appeal.objects.none()
    last = date(on.year - rule.years - 1, 12, 31)
    found = Appeal.objects.filter(
        ~Exists(held(on).filter(appeal=OuterRef("pk"))),
        ~Exists(DestructionItem.objects.filter(appeal=OuterRef("pk"), state__in=STATES)),
        status=Appeal.Status.CLOSED,
        closed_on__lte=last,
        needs_answer=code == ON_MERITS,
    )
    return rule, found.order_by("closed_on", "pk")


@transaction.atomic
def hold(appeal: Appeal, *, reason: str, until: date | None, by: Employee) -> LegalHold:
    """Forbid that a case is destroyed, until a day or until somebody lifts it."""
    check_power(by, KEEPER, "запретить уничтожение дела")
    reason, today = " ".join(reason.split())[:300], timezone.localdate()
    if not reason:
        raise HoldRefused(what="Напишите, почему дело нельзя уничтожать: например, «дело в суде № А03-…».")
    if until is not None and until < today:
        raise HoldRefused(what="Этот день уже прошёл. Укажите день впереди или оставьте пустым: до снятия запрета.")
    LegalHold.objects.filter(appeal=appeal, lifted_at=None, until__lt=today).update(lifted_at=timezone.now())
    try:
        with transaction.atomic():
            row = LegalHold.objects.create(appeal=appeal, reason=reason, until=until, by=by)
    except IntegrityError as exc:
        raise HoldRefused(what="Запрет уже есть. Снимите его, чтобы записать другой.") from exc
    journal.record("appeal.held", chain=f"appeal:{appeal.pk}", by=by, hold=row.pk, till=until)
    return row


@transaction.atomic
def lift(appeal: Appeal, *, by: Employee) -> None:
    """Lift the hold of a case; pressed twice it changes nothing."""
    check_power(by, KEEPER, "снять запрет уничтожения")
    row = LegalHold.objects.filter(appeal=appeal, lifted_at=None).first()
    if row and LegalHold.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by):
        journal.record("appeal.hold_lifted", chain=f"appeal:{appeal.pk}", by=by, hold=row.pk)


# --- for the person the data is about --------------------------------------------------------------------------------


def export(applicant: Applicant, *, reason: str, by: Employee) -> IO[bytes]:
    """Return everything about one person as a ZIP: JSON and files. Who took it and why is in the access log."""
    if not by.has_power("applicants.view"):
        raise NotAllowed(what="выгрузить данные заявителя", power=POWERS["applicants.view"])
    if not reason.strip():
        raise ReasonNeeded
    journal.looked("applicant.exported", by=by, applicant=applicant.pk, reason=reason.strip()[:300])
    group = applicants.group(applicants.main(applicant))
    appeals = list(Appeal.objects.filter(applicant__in=group).select_related("regime").order_by("pk"))
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - handed out: the answer closes it
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
        told = [_told(one, archive) for one in appeals]
        whole = {
            "составлено": timezone.now(),
            "данные": list(Applicant.objects.filter(pk__in=group).values(*_OF_PERSON)),
            "контакты": list(Contact.objects.filter(applicant__in=group).values("kind", "value")),
            "обращения": told,
            "другие записи": _elsewhere(group),
            "не вошло": "Внутренние заметки и проекты ответов: это работа департамента, а не данные заявителя.",
        }
        archive.writestr("dannye.json", json.dumps(whole, ensure_ascii=False, indent=1, cls=DjangoJSONEncoder))
    spool.seek(0)
    return spool


_OF_PERSON: Final = ("kind", "last_name", "first_name", "patronymic", "organisation", "inn", "address", "created_at")


def _told(appeal: Appeal, archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return one appeal as data, its files put into the archive on the way."""
    put: list[dict[str, Any]] = []
    for number, one in enumerate(case_file.attached(appeal), 1):
        path = f"faily/{appeal.pk}/{number:03d}-{files.safe_name(one.name)}"
        said: dict[str, Any] = {"имя": one.name, "откуда": one.of, "sha256": one.stored.sha256}
        try:
            files.check_given_out(one.stored, one.name)
            archive.write(files.path_of(one.stored), path)
            said["файл"] = path
        except (DomainError, OSError):
            said["файл"] = "не приложен: отложен проверкой или не читается"
        put.append(said)
    return {
        "номер": appeal.number,
        "поступило": appeal.received_on,
        "зарегистрировано": appeal.registered_on,
        "режим": appeal.regime.name,
        "канал": appeal.get_channel_display(),
        "содержание": appeal.subject,
        "состояние": appeal.get_status_display(),
        "ответить до": appeal.due_on,
        "ответ отправлен": appeal.answered_on,
        "закрыто": appeal.closed_on,
        "вопросы": list(appeal.questions.values("topic__code", "topic__name", "need__name")),
        "письма заявителя": list(
            appeal.messages.order_by("pk").values(
                "message__received_at", "message__sender_name", "message__sender_address", "message__subject",
                "message__text",
            )
        ),
        "письма департамента": list(
            appeal.thread.outgoing.order_by("pk").values("kind", "recipient", "subject", "text", "state", "sent_at")
        ),
        "файлы": put,
    }  # fmt: skip


def _elsewhere(group: Iterable[int]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of other rooms that name the person: they know us, we do not know them."""
    known = {"appeal", "contact", "applicant"}
    found: dict[str, list[dict[str, Any]]] = {}
    for relation in Applicant._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.model_name in known:
            continue
        if rows := list(model._default_manager.filter(**{f"{relation.field.name}__in": group}).values()):
            found[str(model._meta.verbose_name_plural)] = rows
    return found
