"""A unit reviews its materials: opens each one, decides, says what is missing, closes the quarter (п. 41).

Verification is an event of its own: a `ReviewItem` decided by somebody on a day, kept whatever becomes of the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone
from wagtail.models import PageLogEntry

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.templatetags.otklik import count
from otklik.knowledge import archive as archives
from otklik.knowledge import materials, readings, rights
from otklik.knowledge.models import (
    EmptySection,
    LawChange,
    Material,
    MaterialUse,
    Reference,
    ReviewDuty,
    ReviewItem,
    ReviewLook,
    SearchSession,
    Section,
    Vote,
)
from otklik.people import staff
from otklik.people.models import Employee, Unit

State = ReviewItem.State
HEAD, CHIEF, OVERSEER = "knowledge.review", "knowledge.manage", "knowledge.oversee"
# Any of them lets one decide, for the units it is about; any of the others lets one see how all units are doing.
REVIEWERS: Final = (rights.AUTHOR, HEAD, CHIEF)
OVERSEERS: Final = (CHIEF, OVERSEER, "journal.view")
READERS: Final = tuple(dict.fromkeys((*REVIEWERS, *OVERSEERS)))
AT_ONCE: Final = 10
MOST_CHECKS: Final = 20  # of a material, the last ones
MOST_WORDS: Final = 10  # queries shown beside a material
MOST_CHANGES: Final = 5  # of the acts it stands on
A_YEAR: Final = timedelta(days=366)
CHECKED: Final = (State.CONFIRMED, State.CHANGED)
_LONGEST: Final = 2000  # characters of a note


class NotYours(DomainError):
    """The review belongs to another unit."""

    code = "review.not_yours"
    text = "Материалы подразделения «{unit}» проверяют его авторы, его начальник и главный редактор."
    status = 403


class AlreadyDecided(DomainError):
    """Somebody else was quicker."""

    code = "review.already_decided"
    text = "«{title}»: уже решено — {state}, {who}. Ваше решение не записано; откройте следующий материал."
    status = 409


class NotOpened(DomainError):
    """Nobody confirms what he has not seen."""

    code = "review.not_opened"
    text = "«{title}»: сначала откройте материал в том виде, в каком он опубликован сейчас, и прочитайте его."


class TooMany(DomainError):
    """Confirming by the heap is no check."""

    code = "review.too_many"
    text = "За раз можно подтвердить не больше {most} материалов, отмечено {number}. Снимите лишние отметки."


class NothingChosen(DomainError):
    """No row was ticked."""

    code = "review.nothing_chosen"
    text = "Отметьте материалы, которые прочитали и подтверждаете."


class ReasonNeeded(DomainError):
    """A material is not taken away without a word."""

    code = "review.reason_needed"
    text = "Напишите, почему материал снимается с публикации: это увидят в протоколе."


class NotChanged(DomainError):
    """No new version has been published since the review began."""

    code = "review.not_changed"
    text = "«{title}»: с начала проверки новая версия не опубликована. Измените материал или подтвердите его."


class TooLong(DomainError):
    """The text does not fit."""

    code = "review.too_long"
    text = "Слишком длинно: {number} знаков, помещается {most}. Сократите."


class AnswerNeeded(DomainError):
    """«Чего не хватает» asks for words."""

    code = "review.answer_needed"
    text = "Напишите, чего не хватает, или отметьте «Всё есть»."


class NotFinished(DomainError):
    """The quarter cannot be closed yet."""

    code = "review.not_finished"
    text = "Проверку закрыть нельзя: {left}."


class Closed(DomainError):
    """The duty is closed."""

    code = "review.closed"
    text = "Проверка уже закрыта."
    status = 409


@dataclass(frozen=True)
class Fact:
    """One thing that matters for the decision."""

    title: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where in the review one is: «3 из 27», how many still wait, and which one is next."""

    number: int
    total: int
    waiting: int
    next: int | None


def connect() -> None:
    """Listen to Wagtail's log, which names who did it: a new version, a page taken off; and to deleted materials."""
    post_save.connect(_logged, sender=PageLogEntry, dispatch_uid="knowledge.review.log")
    pre_delete.connect(_deleted, sender=Material, dispatch_uid="knowledge.review.deleted")


# --- who may ---------------------------------------------------------------------------------------------------------


def reviewed_by(user: Employee) -> Q:
    """Return the condition «a unit whose materials the employee reviews today», for duties and for their items."""
    units = units_reviewed_by(user)
    return Q() if units is None else Q(unit__in=units)


def units_reviewed_by(user: Employee) -> set[int] | None:
    """Return the units whose materials the employee reviews today, deputies included; None: all of them."""
    if user.has_power(CHIEF):
        return None
    on, units = timezone.localdate(), set[int]()
    if user.has_power(rights.AUTHOR):
        units |= rights.units_edited_by(user, on)
    if user.has_power(HEAD):
        units |= staff.units_under(user, on, power=HEAD)
    return units


def oversees(user: Employee) -> bool:
    """Tell whether the employee sees how all units are doing."""
    return user.has_any(OVERSEERS)


def duties_seen_by(user: Employee) -> QuerySet[ReviewDuty]:
    """Return the duties an employee may look at, newest first."""
    return ReviewDuty.objects.filter(Q() if oversees(user) else reviewed_by(user)).select_related("unit", "closed_by")


def items_of(user: Employee) -> QuerySet[ReviewItem]:
    """Return the reviews an employee may decide, decided ones too."""
    return ReviewItem.objects.filter(reviewed_by(user)).select_related(
        "unit", "duty__unit", "material", "decided_by", "change"
    )


def may_review(user: Employee, unit: int) -> bool:
    """Tell whether the employee decides about materials of the unit today."""
    units = units_reviewed_by(user)
    return units is None or unit in units


def _check(user: Employee, of: ReviewItem | ReviewDuty) -> None:
    if not may_review(user, of.unit_id):
        raise NotYours(unit=of.unit)


def keepers(unit: int, on: date) -> tuple[set[int], set[int]]:
    """Return the authors of a unit and its head: of the nearest unit above that has one. Deputies are not named."""
    return _assigned(rights.AUTHOR, unit, on), _nearest_heads(unit, on)


def _nearest_heads(unit: int | None, on: date) -> set[int]:
    parents = dict(Unit.objects.values_list("pk", "parent"))
    seen = set[int]()
    while unit is not None and unit not in seen:
        if heads := _assigned(HEAD, unit, on):
            return heads
        seen.add(unit)
        unit = parents.get(unit)
    return set()


def _assigned(power: str, unit: int, on: date) -> set[int]:
    there = Q(unit=unit) | Q(unit__isnull=True, employee__unit=unit)
    held = staff.assigned(power, on).filter(there, employee__is_active=True)
    return set(held.values_list("employee", flat=True))


# --- one material ----------------------------------------------------------------------------------------------------


def look(items: Iterable[ReviewItem], *, version: int, by: Employee) -> None:
    """Note for the waiting reviews of a material that an employee has opened it who may review at all.

    Whether this one is his to decide is asked when he decides: a reader of a page is not asked for his units.
    """
    # Nothing is written where it is known that this very version has been opened already.
    waiting = [one for one in items if one.state == State.WAITING and getattr(one, "looked", None) != version]
    if waiting and by.has_any(REVIEWERS):
        ReviewLook.objects.bulk_create(
            [ReviewLook(item=one, by=by, revision=version, at=timezone.now()) for one in waiting],
            update_conflicts=True,
            unique_fields=["item", "by"],
            update_fields=["revision", "at"],
        )


def seen_by(user: Employee) -> Exists:
    """Return the condition «he has opened its version of now», for rows of reviews."""
    version = Coalesce(OuterRef("material__live_revision"), OuterRef("material__latest_revision"), 0)
    return Exists(ReviewLook.objects.filter(item=OuterRef("pk"), by=user, revision=version))


def history_of(material: Material) -> list[ReviewItem]:
    """Return what was decided about a material at its checks, the last first."""
    decided = ReviewItem.objects.filter(material=material.pk, decided_at__isnull=False)
    return list(decided.select_related("decided_by", "unit").order_by("-decided_at")[:MOST_CHECKS])


def evidence(material: Material) -> list[Fact]:
    """Return what matters for the decision: age, readings, uses in answers, votes and searches, changed acts."""
    action = MaterialUse.Action
    used = MaterialUse.objects.filter(page=material.pk).aggregate(
        inserted=Count("pk", filter=Q(action__in=MaterialUse.IN_ANSWERS)),
        declined=Count("pk", filter=Q(action=action.DECLINED)),
        opened=Count("pk", filter=Q(action=action.OPENED)),
        spoken=Count("pk", filter=Q(action__in=MaterialUse.SPOKEN)),
    )
    facts = []
    if material.first_published_at:
        days = (timezone.now() - material.first_published_at).days
        facts.append(Fact("Возраст", _age(days)))
    if material.last_published_at and material.last_published_at != material.first_published_at:
        facts.append(Fact("Изменён", f"{timezone.localtime(material.last_published_at):%d.%m.%Y}"))
    said = Vote.objects.filter(page=material.pk).aggregate(
        good=Count("pk", filter=Q(helped=True)), against=Count("pk", filter=Q(helped=False))
    )
    reasons = Vote.objects.filter(page=material.pk, helped=False).values_list("reason").annotate(met=Count("pk"))
    told = ", ".join(f"{Vote.Reason(reason).label}: {met}" for reason, met in reasons.order_by("-met"))
    acts = Reference.objects.filter(page=material.pk).values("target")
    changes = LawChange.objects.filter(act__in=acts, entered_at__gte=timezone.now() - A_YEAR)[:MOST_CHANGES]
    at_work, on_site = readings.since(material.pk, timezone.localdate() - A_YEAR)
    led = SearchSession.objects.filter(page=material.pk).exclude(query="")
    words = dict.fromkeys(led.order_by("-pk").values_list("query", flat=True)[:50])
    return [
        *facts,
        Fact("Читали за год", f"сотрудники {_times(at_work)}, клиенты на сайте {_times(on_site)}"),
        Fact("Открывали из поиска", _times(led.count())),
        Fact("Открывали рядом с ответом", _times(used["opened"])),
        Fact("Вставляли в ответы", _times(used["inserted"])),
        Fact("Читали по телефону", _times(used["spoken"])),
        Fact("Не подошёл", _times(used["declined"])),
        Fact("Помогло / не помогло", f"{said['good']} / {said['against']}" + (f" ({told})" if told else "")),
        *([Fact("Основания менялись за год", "; ".join(map(str, changes)))] if changes else []),
        *([Fact("Искали словами", "; ".join([*words][:MOST_WORDS]))] if words else []),
    ]


def _age(days: int) -> str:
    months = days // 30
    return f"{months // 12} г. {months % 12} мес." if months >= 12 else f"{months} мес." if months else f"{days} дн."


def _times(number: int) -> str:
    return count(number, "раз,раза,раз") if number else "ни разу"


@transaction.atomic
def confirm(item: ReviewItem, *, note: str = "", acts: str = "", by: Employee) -> None:
    """«Проверено, изменений не требуется»: of the version that readers see and this employee has opened."""
    _check(by, item)
    version = _version(item)
    if not ReviewLook.objects.filter(item=item, by=by, revision=version).exists():
        if item.state != State.WAITING:
            raise _told(item)
        raise NotOpened(title=item.title)
    _decide(item, State.CONFIRMED, by=by, revision=version, note=note, acts=acts)


@transaction.atomic
def confirm_each(items: Collection[ReviewItem], *, by: Employee) -> None:
    """Confirm several materials, each of which the employee has opened; all of them or none."""
    if not items:
        raise NothingChosen
    if len(items) > AT_ONCE:
        raise TooMany(most=AT_ONCE, number=len(items))
    for item in items:
        confirm(item, by=by)


@transaction.atomic
def changed(item: ReviewItem, *, note: str = "", by: Employee) -> None:
    """Note by hand that a version published since the review began is the change: whoever published it."""
    _check(by, item)
    if not was_changed(item):
        raise NotChanged(title=item.title)
    _decide(item, State.CHANGED, by=by, revision=_version(item), note=note)


def was_changed(item: ReviewItem) -> bool:
    """Tell whether a version has been published since the review of the material began."""
    at = item.material.last_published_at if item.material else None
    return at is not None and at > item.created_at


@transaction.atomic
def archive(item: ReviewItem, *, reason: str, by: Employee) -> None:
    """Put the material into the archive for a reason; its page stays with all versions."""
    _check(by, item)
    if not reason.strip():
        raise ReasonNeeded
    _decide(item, State.ARCHIVED, by=by, revision=_version(item), note=reason)
    if item.material and item.material.live:
        archives.archive(item.material, reason=reason, by=by)


def _version(item: ReviewItem) -> int:
    return materials.version_of(item.material) if item.material else 0


def _decide(
    item: ReviewItem, state: str, *, by: Employee | None, revision: int | None, note: str = "", acts: str = ""
) -> None:
    """Write a decision down where none stands yet: of two who press at once the second is told.

    Whoever decides after a change of the law has looked at the changed act: it is noted unless he names others.
    """
    if item.change_id and by and not acts.strip():
        acts = str(item.change)
    facts = {
        "state": State(state),
        "decided_at": timezone.now(),
        "decided_by": by,
        "revision": revision,
        "note": _short(note),
        "acts": _short(acts),
    }
    if not ReviewItem.objects.filter(pk=item.pk, state=State.WAITING, unit=item.unit_id).update(**facts):
        raise _told(item)
    journal.record(
        f"review.{state}",
        chain=f"material:{item.material_id}",
        by=by,
        on_behalf_of=_in_whose_name(by) if by else None,
        review=item.pk,
        unit=item.unit_id,
        revision=revision,
    )
    for name, value in facts.items():
        setattr(item, name, value)


def _told(item: ReviewItem) -> DomainError:
    now = ReviewItem.objects.select_related("unit", "decided_by").get(pk=item.pk)
    if now.state == State.WAITING:  # the section has gone to another unit meanwhile
        return NotYours(unit=now.unit)
    return AlreadyDecided(title=now.title, state=now.get_state_display(), who=now.decided_by or "автоматически")


def _short(text: str) -> str:
    text = text.strip()
    if len(text) > _LONGEST:
        raise TooLong(number=len(text), most=_LONGEST)
    return text


def _in_whose_name(by: Employee) -> Employee | None:
    """Return for whom he decides, None where a power of his own lets him."""
    on, absent = timezone.localdate(), None
    for power in REVIEWERS:
        if by.has_power(power) and (absent := staff.in_whose_name(by, power, on)) is None:
            return None
    return absent


# --- what happens to pages -------------------------------------------------------------------------------------------


def _logged(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if not created or raw:
        return
    if instance.action == "wagtail.publish" and instance.content_changed:
        _new_version(instance.page_id, instance.user, instance.revision_id)
    elif instance.action == "wagtail.unpublish":
        _taken_off(instance.page_id, instance.user)


def _new_version(page: int, user: Employee | None, revision: int | None) -> None:
    """A version published by one who reviews the material is the decision «изменено»; by a stranger it is none."""
    for item in _waiting(page):
        if user and may_review(user, item.unit_id):
            _decide(item, State.CHANGED, by=user, revision=revision)


def _taken_off(page: int, user: Employee | None) -> None:
    for item in _waiting(page):
        _decide(item, State.ARCHIVED, by=user, revision=_version(item), note="Снят с публикации")


def _deleted(instance: Material, **_: Any) -> None:
    for item in _waiting(instance.pk):
        _decide(item, State.ARCHIVED, by=None, revision=None, note="Материал удалён")


def _waiting(page: int) -> list[ReviewItem]:
    return list(ReviewItem.objects.filter(material=page, state=State.WAITING).select_related("material"))


# --- the whole of a duty ---------------------------------------------------------------------------------------------


def with_progress(duties: QuerySet[ReviewDuty]) -> QuerySet[ReviewDuty]:
    """Return duties each with its numbers of materials: `total`, `done`, and by state: `waiting`, `confirmed`…"""
    counts = {state: Count("items", filter=Q(items__state=state)) for state in State.values}
    done = Count("items", filter=~Q(items__state__in=[State.WAITING, State.CARRIED]))
    return duties.annotate(total=Count("items"), done=done, **counts)


def place_of(item: ReviewItem) -> Place:
    """Return where the material stands in its review; materials without a duty stand by their unit."""
    beside = ReviewItem.objects.filter(duty=item.duty_id) if item.duty_id else _without_duty(item.unit_id)
    waits = Q(state=State.WAITING)
    counts = beside.aggregate(
        number=Count("pk", filter=Q(pk__lte=item.pk)),
        total=Count("pk"),
        waiting=Count("pk", filter=waits),
    )
    rest = beside.filter(waits).exclude(pk=item.pk).order_by("pk").values_list("pk", flat=True)
    return Place(**counts, next=rest.filter(pk__gt=item.pk).first() or rest.first())


def _without_duty(unit: int) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(unit=unit, duty=None, state=State.WAITING)


def empty_sections(duty: ReviewDuty) -> list[tuple[Section, str]]:
    """Return the unit's sections that hold nothing to read, each with what was answered about it."""
    full = materials.published().filter(path__startswith=OuterRef("path"))
    sections = Section.objects.filter(unit=duty.unit_id, live=True).exclude(Exists(full)).order_by("path")
    said = dict(duty.empty_sections.values_list("section", "answer"))
    return [(section, said.get(section.pk, "")) for section in sections]


@transaction.atomic
def answer(
    duty: ReviewDuty, *, has_all: bool, missing: str = "", empty: Mapping[int, str] | None = None, by: Employee
) -> None:
    """Keep what is missing, or that nothing is, and why sections stand empty. A later answer replaces an earlier."""
    _check(by, duty)
    missing = "" if has_all else _short(missing)
    if not has_all and not missing:
        raise AnswerNeeded
    open_one = ReviewDuty.objects.filter(pk=duty.pk, closed_at=None)
    if not open_one.update(has_all=has_all, missing=missing):
        raise Closed
    duty.has_all, duty.missing = has_all, missing
    sections = {section.pk: section for section, _ in empty_sections(duty)}
    for pk, words in (empty or {}).items():
        if pk in sections and (said := _short(words)):
            EmptySection.objects.update_or_create(
                duty=duty, section_id=pk, defaults={"title": sections[pk].title, "answer": said, "by": by}
            )
    _record("review.answered", duty, by=by)


def left(duty: ReviewDuty) -> list[str]:
    """Return what is still to be done before the duty can be closed, in words."""
    waiting = duty.items.filter(state=State.WAITING).count()
    unanswered = sum(not said for _, said in empty_sections(duty))
    return [
        words
        for words, is_left in (
            (f"не решено о материалах: {waiting}", waiting),
            ("не отвечено, чего не хватает", duty.has_all is None),
            (f"не отвечено о пустых разделах: {unanswered}", unanswered),
        )
        if is_left
    ]


@transaction.atomic
def close(duty: ReviewDuty, *, by: Employee) -> None:
    """Close the duty: everything is decided, «чего не хватает» and every empty section are answered."""
    _check(by, duty)
    waiting = ReviewItem.objects.filter(duty=OuterRef("pk"), state=State.WAITING)
    ready = ReviewDuty.objects.filter(~Exists(waiting), pk=duty.pk, closed_at=None, has_all__isnull=False)
    duty.refresh_from_db()
    if duty.closed_at:
        raise Closed
    now = timezone.now()
    if (still := left(duty)) or not ready.update(closed_at=now, closed_by=by):
        raise NotFinished(left=", ".join(still) or "список материалов изменился, обновите страницу")
    duty.closed_at, duty.closed_by = now, by
    _record("review.closed", duty, by=by)


def _record(action: str, duty: ReviewDuty, *, by: Employee) -> None:
    facts = {"unit": duty.unit_id, "period": duty.period}
    journal.record(action, chain=f"review:{duty.pk}", by=by, on_behalf_of=_in_whose_name(by), **facts)
