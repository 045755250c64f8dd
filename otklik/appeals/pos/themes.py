"""The dictionary of facts of ПОС: it grows by itself, people say what each fact means, and which templates serve it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals.models import Need, PosLimit, PosTemplate, PosTheme, Topic
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.text import fit
from otklik.knowledge import materials
from otklik.knowledge.models import Material, ReplyTemplate
from otklik.people.models import Employee

KEEPS = "intake.decide"
LIMIT_DAYS = 180
LIMIT_BASIS = "внутренний норматив: предел отложенного решения в правилах ПОС не подтверждён"
MOST = 300


class ThemeIncomplete(DomainError):
    """Days without their source, or a limit without its ground."""

    code = "pos.theme_incomplete"
    text = "{what}"


class NoSuchTemplate(DomainError):
    """The material is no reply template, or is there already."""

    code = "pos.no_such_template"
    text = "{what}"


def theme_of(fields: Mapping[str, str]) -> PosTheme | None:
    """Return the fact a message names, taken into the dictionary where nobody has met it; None where it names none."""
    levels = {name: fit(fields.get(name, ""), MOST) for name in ("category", "subcategory", "fact")}
    if not any(levels.values()):
        return None
    theme, _ = PosTheme.objects.get_or_create(defaults=None, **levels)
    return theme


def known(fields: Mapping[str, str]) -> PosTheme | None:
    """Return the fact a message names where the dictionary has it; nothing is added."""
    levels = {name: fit(fields.get(name, ""), MOST) for name in ("category", "subcategory", "fact")}
    return PosTheme.objects.select_related("topic", "need").filter(**levels).first()


def questions_of(fields: Mapping[str, str]) -> list[tuple[Topic, Need]]:
    """Return the topic and the need that the message's fact was matched with; empty where it names none or neither."""
    theme = known(fields) if any(fields.get(name) for name in ("category", "subcategory", "fact")) else None
    return [(theme.topic, theme.need)] if theme is not None and theme.topic and theme.need else []


def waiting() -> QuerySet[PosTheme]:
    """Return the facts nobody has said the meaning of: «новое, требует сопоставления»."""
    return PosTheme.objects.filter(matched=False)


@transaction.atomic
def match(theme: PosTheme, *, changed: Mapping[str, Any], by: Employee) -> PosTheme:
    """Say what a fact means: its topic and need here, whether it goes by the fast track and in how many days.

    Terms of running cases stay as they were counted until they are re-dated.
    """
    check_power(by, KEEPS, "сопоставить факт ПОС")
    for name in ("fast_track", "days", "unit", "basis", "topic", "need"):
        if name in changed:
            setattr(theme, name, changed[name])
    theme.basis = " ".join((theme.basis or "").split())
    if theme.days is not None and not theme.basis:
        raise ThemeIncomplete(what="Напишите, откуда этот срок: документ или письмо координатора ПОС.")
    theme.matched, theme.matched_by, theme.matched_at = True, by, timezone.now()
    theme.save()
    journal.record(
        "pos.theme_matched",
        chain="channel:pos",
        by=by,
        id=theme.pk,
        days=theme.days,
        fast_track=theme.fast_track,
        topic=theme.topic_id,
        need=theme.need_id,
    )
    return theme


def limit() -> PosLimit:
    """Return for how long a decision may be put off today."""
    row = PosLimit.objects.filter(valid_from__lte=timezone.localdate()).first()
    return row or PosLimit(days=LIMIT_DAYS, basis=LIMIT_BASIS, valid_from=timezone.localdate())


@transaction.atomic
def set_limit(*, days: int, basis: str, by: Employee) -> PosLimit:
    """Let decisions be put off for so many days from today on; the earlier row stays."""
    check_power(by, KEEPS, "изменить предел отложенного решения")
    if not (basis := " ".join(basis.split())):
        raise ThemeIncomplete(what="Напишите основание предела.")
    row = PosLimit.objects.create(days=days, basis=basis[:300], valid_from=timezone.localdate(), by=by)
    journal.record("pos.limit_set", chain="channel:pos", by=by, id=row.pk, days=days)
    return row


def templates_for(theme: PosTheme | None, *, user: Employee) -> list[Material]:
    """Return the materials of the lane's set the employee may read, those of the fact first; one query."""
    rows = PosTemplate.objects.filter(Q(theme=None) | Q(theme=theme))
    of_theme = Exists(rows.filter(theme__isnull=False, material=OuterRef("pk")))
    pages = materials.for_staff(user).filter(pk__in=rows.values("material"), archived_at=None)
    return list(pages.annotate(of_theme=of_theme).order_by("-of_theme", "title"))


def offered(user: Employee) -> QuerySet[Material]:
    """Return the reply templates that may be put into the set."""
    return materials.for_staff(user, ReplyTemplate).filter(archived_at=None).order_by("title")


def add_template(material: int | None, *, theme: PosTheme | None, by: Employee) -> PosTemplate:
    """Put a reply template into the set of the lane."""
    check_power(by, KEEPS, "изменить набор шаблонов полосы")
    if material is None or not offered(by).filter(pk=material).exists():
        raise NoSuchTemplate(what="Выберите шаблон ответа из списка: он должен быть в Базе знаний.")
    try:
        with transaction.atomic():
            row = PosTemplate.objects.create(material=material, theme=theme, by=by)
            journal.record("pos.template_added", chain="channel:pos", by=by, material=material)
    except IntegrityError as exc:
        raise NoSuchTemplate(what="Этот шаблон в наборе уже есть.") from exc
    return row


@transaction.atomic
def remove_template(row: PosTemplate, *, by: Employee) -> None:
    """Take a template out of the set; the material stays."""
    check_power(by, KEEPS, "изменить набор шаблонов полосы")
    journal.record("pos.template_removed", chain="channel:pos", by=by, material=row.material)
    row.delete()


def load() -> int:
    """Fill in the limit that is shipped where nobody has set one; return how many rows were added."""
    if PosLimit.objects.exists():
        return 0
    PosLimit.objects.create(days=LIMIT_DAYS, basis=LIMIT_BASIS, valid_from=timezone.localdate() - timedelta(days=1))
    return 1
