"""Draft → agreed by the head of the unit → read by employees: what is published is the version the head saw.

Who agrees follows from today's keeper of the section and today's roles (`rights.may_agree`): whatever becomes of a
unit, what waits goes with its section. A head who writes himself agrees with himself; the site asks a second person.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Length, NullIf, Substr
from django.db.models.signals import pre_save
from django.utils import timezone
from wagtail.actions.publish_page_revision import PublishPageRevisionAction
from wagtail.models import Page, Revision
from wagtail.signals import page_published

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import editors, rights
from otklik.knowledge.models import Agreement, Section
from otklik.people import staff
from otklik.people.models import Employee

State = Agreement.State
READERS: Final = (rights.AUTHOR, rights.AGREES, rights.CHIEF)
REMARK_MAX: Final = 2000
_STEP: Final = Page.steplen
_UNIT: Final = Coalesce(NullIf("unit__short_name", Value("")), "unit__name")


class NotWhole(DomainError):
    """A draft may have gaps, what is agreed may not."""

    code = "agreement.not_whole"
    text = "«{title}» пока не отправить: {what}. Откройте материал, исправьте и отправьте снова."


class NothingNew(DomainError):
    """The latest version is published already, or waits."""

    code = "agreement.nothing_new"
    text = "«{title}»: новой версии нет, согласовывать нечего."
    status = 409


class NotYours(DomainError):
    """Another unit keeps the section, or will keep it from today."""

    code = "agreement.not_yours"
    text = "Материалы этого раздела согласует начальник подразделения «{unit}» или главный редактор."
    status = 403


class Decided(DomainError):
    """A colleague was quicker, or the author has sent another version."""

    code = "agreement.decided"
    text = "«{title}»: эта версия уже не ждёт — {now}{who}. Ваше решение не записано."
    status = 409


class RemarkNeeded(DomainError):
    """Nothing is returned without words."""

    code = "agreement.remark_needed"
    text = "Напишите, что исправить: эти слова увидит автор."


class RemarkTooLong(DomainError):
    """The words do not fit."""

    code = "agreement.remark_too_long"
    text = "Слишком длинно: {number} знаков, помещается {most}. Сократите."


class AskedStays(PermissionDenied):
    """A version that somebody looks at is not written over: Wagtail shows these words beside the form."""

    def __init__(self) -> None:
        super().__init__("Эту версию вы отправили на согласование, она не меняется. Обновите страницу и правьте.")


@transaction.atomic
def ask(page: Page, *, by: Employee) -> Agreement:
    """Send the latest version to be agreed; an earlier one that still waits gives way to it."""
    editors.alone_with(page.pk)
    latest = Page.objects.select_related("latest_revision").get(pk=page.pk)
    revision = latest.latest_revision
    if revision is None or revision.pk == latest.live_revision_id:
        raise NothingNew(title=page.title)
    version: Any = revision.as_object()
    try:
        version.full_clean()
    except ValidationError as exc:
        raise NotWhole(title=version.title, what=_said(version, exc)) from exc
    for earlier in Agreement.objects.filter(page=page.pk, state=State.WAITING):
        if earlier.revision_id == revision.pk:
            raise NothingNew(title=version.title)
        _move(earlier, State.WITHDRAWN, by=by)
    row = Agreement.objects.create(page_id=page.pk, revision=revision, new=not latest.live, asked_by=by)
    _record("material.agreement_asked", row, by=by)
    return row


@transaction.atomic
def withdraw(row: Agreement, *, by: Employee) -> None:
    """Take back what was sent; the draft stays."""
    _move(row, State.WITHDRAWN, by=by)
    _record("material.agreement_withdrawn", row, by=by)


@transaction.atomic
def agree(row: Agreement, *, by: Employee) -> Agreement:
    """Let employees read this very version, at once or at the hour the author set."""
    editors.alone_with(row.page_id)
    _check(row, by)
    _move(row, State.AGREED, by=by)
    # Groups of Wagtail know authors only: who may is asked above.
    PublishPageRevisionAction(row.revision, user=by).execute(skip_permission_checks=True)
    _record("material.agreed", row, by=by)
    return row


@transaction.atomic
def give_back(row: Agreement, *, remark: str, by: Employee) -> None:
    """Return the version to its author with words."""
    remark = remark.strip()
    if not remark:
        raise RemarkNeeded
    if len(remark) > REMARK_MAX:
        raise RemarkTooLong(number=len(remark), most=REMARK_MAX)
    _check(row, by)
    _move(row, State.RETURNED, by=by, remark=remark)
    _record("material.returned", row, by=by)


def seen_by(employee: Employee, on: date) -> QuerySet[Any]:
    """Return what was sent of the sections he agrees or writes, each with `of_section`, `of_unit`, `unit_name`."""
    rows = with_place(Agreement.objects.all())
    if employee.has_power(rights.CHIEF):
        return rows
    units = rights.units_agreed_by(employee, on) | rights.units_edited_by(employee, on)
    return rows.filter(of_unit__in=units)


def waiting_for(employee: Employee, on: date) -> QuerySet[Any]:
    """Return what waits for this person's decision, the longest waiting first."""
    rows = with_place(Agreement.objects.filter(state=State.WAITING)).order_by("asked_at", "pk")
    if employee.has_power(rights.CHIEF):
        return rows
    return rows.filter(of_unit__in=rights.units_agreed_by(employee, on))


def with_place(rows: QuerySet[Agreement]) -> QuerySet[Any]:
    """Return rows each with its section and the unit that keeps it today. A section stands in itself."""
    parent = Substr(OuterRef("page__path"), 1, Length(OuterRef("page__path")) - _STEP)
    section = Section.objects.filter(Q(path=OuterRef("page__path")) | Q(path=parent))
    return rows.annotate(
        of_section=Subquery(section.values("title")[:1]),
        of_unit=Subquery(section.values("unit")[:1]),
        unit_name=Subquery(section.values(named=_UNIT)[:1]),
    )


def section_of(page: Page) -> Section | None:
    """Return the section a page stands in; a section stands in itself."""
    sections: QuerySet[Section] = Section.objects.select_related("unit")
    return sections.filter(path__in=[page.path, page.path[:-_STEP]]).first()


def latest_of(page: Page) -> Agreement | None:
    """Return what was last said of the page, while it still matters: it waits, or was returned and not sent again."""
    sent = Agreement.objects.filter(page=page.pk).exclude(state=State.WITHDRAWN).select_related("decided_by")
    last = sent.order_by("-pk").first()
    if last is None or last.state == State.AGREED:
        return None
    return last if last.state == State.WAITING or page.has_unpublished_changes or not page.live else None


def whom_to_tell(page: Page, on: date) -> set[int]:
    """Return who decides: the head of the unit, else of one above it, else the chief editors."""
    section = section_of(page)
    here = section.unit if section else None
    if here is not None:
        given = staff.assigned(rights.AGREES, on).annotate(place=Coalesce("unit", "employee__unit"))
        own = given.filter(place=here.pk, employee__is_active=True).values_list("employee", flat=True)
        found = set(own) or set(staff.holders(rights.AGREES, unit=here, on=on).values_list("pk", flat=True))
        if found:
            return found
    return set(staff.holders(rights.CHIEF, on=on).values_list("pk", flat=True))


def check_open(row: Agreement, by: Employee) -> None:
    """Raise where the version no longer waits, or not for this person."""
    _check(row, by)
    if not Agreement.objects.filter(pk=row.pk, state=State.WAITING).exists():
        raise _told(row)


def connect() -> None:
    """Listen to publications by other doors, and keep what was sent as it was sent."""
    page_published.connect(_published, dispatch_uid="knowledge.agreement.published")
    pre_save.connect(_asked_stays, sender=Revision, dispatch_uid="knowledge.agreement.asked_stays")


def _published(instance: Page, revision: Revision | None = None, **_: Any) -> None:
    """What waited is settled when the chief editor publishes it, or something newer, at his own door."""
    for row in Agreement.objects.filter(page=instance.pk, state=State.WAITING):
        same = revision is not None and row.revision_id == revision.pk
        _move(row, State.AGREED if same else State.WITHDRAWN, by=None)


def _asked_stays(instance: Revision, update_fields: Any = None, **_: Any) -> None:
    written_over = not instance._state.adding and (update_fields is None or "content" in update_fields)
    if written_over and Agreement.objects.filter(revision=instance.pk).exists():
        raise AskedStays


def _check(row: Agreement, by: Employee) -> None:
    section = section_of(row.page)
    if section is None or not rights.may_agree(by, section, on=timezone.localdate()):
        raise NotYours(unit=section.unit if section else "")


def _move(row: Agreement, to: State, *, by: Employee | None, remark: str = "") -> None:
    """Decide what still waits: of two who press at once the second is told."""
    facts = {"state": to, "decided_by": by, "decided_at": timezone.now(), "remark": remark}
    if not Agreement.objects.filter(pk=row.pk, state=State.WAITING).update(**facts):
        raise _told(row)
    for name, value in facts.items():
        setattr(row, name, value)


def _told(row: Agreement) -> Decided:
    now = Agreement.objects.select_related("decided_by", "page").get(pk=row.pk)
    who = f", {now.decided_by.short_name}" if now.decided_by else ""
    return Decided(title=now.page.draft_title, now=now.get_state_display(), who=who)


def _record(action: str, row: Agreement, *, by: Employee) -> None:
    on_behalf_of = None
    if action in ("material.agreed", "material.returned") and not by.has_power(rights.CHIEF):
        on_behalf_of = staff.in_whose_name(by, rights.AGREES, timezone.localdate())
    facts = {"agreement": row.pk, "revision": row.revision_id}
    journal.record(action, chain=f"material:{row.page_id}", by=by, on_behalf_of=on_behalf_of, **facts)


def _said(version: Any, refused: ValidationError) -> str:
    """Return the first thing that is wrong, with the name of its field."""
    name, words = next(iter(refused.message_dict.items()))
    known = {field.name: str(getattr(field, "verbose_name", "")) for field in version._meta.get_fields()}
    return f"{known[name]} — {words[0]}" if known.get(name) else words[0]
