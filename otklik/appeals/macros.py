"""Macros: several steps by one press, all of them or none; and lists of points to tick, which stop nobody.

Each step of a macro goes through its own function with its own checks. The first refusal ends the run, and what the run
has done is undone with it: one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import assignment, classification, dispatch, drafting, notes
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, Checklist, ChecklistPoint, ChecklistTick, Macro, Need, Topic
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.people.models import Employee, Unit
from otklik.people.powers import POWERS

MOST_POINTS: Final = 50
SHARES: Final = "dictionaries.edit"  # whose macros may be shown to everybody, and who keeps the lists
Facts = Mapping[str, Any]


class MacroStopped(DomainError):
    """A step said no."""

    code = "macro.stopped"
    text = "Макрос «{name}» остановлен на шаге «{step}»: {why} Ничего из макроса не сделано."


class NothingToDo(DomainError):
    """A macro without steps."""

    code = "macro.nothing"
    text = "В макросе нет ни одного шага. Заполните хотя бы один: тему, исполнителя, шаблон, заметку или закрытие."


class HalfStep(DomainError):
    """A step of which only half is said."""

    code = "macro.half"
    text = "{what}"


class NameTaken(DomainError):
    """The owner has a macro of this name."""

    code = "macro.name_taken"
    text = "Макрос «{name}» у вас уже есть. Выберите другое название."


class Gone(DomainError):
    """What a step names is no longer there."""

    code = "macro.gone"
    text = "{what} больше нет в справочнике. Поправьте макрос."


def _classify(appeal: Appeal, facts: Facts, by: Employee) -> None:
    topic, need = Topic.objects.filter(pk=facts["topic"]).first(), Need.objects.filter(pk=facts["need"]).first()
    if topic is None or need is None:
        raise Gone(what="Темы или потребности")
    classification.classify(appeal, [(topic, need)], by=by)


def _assign(appeal: Appeal, facts: Facts, by: Employee) -> None:
    unit = Unit.objects.filter(pk=facts["unit"]).first()
    executor = Employee.objects.filter(pk=facts["executor"]).first()
    if unit is None or executor is None:
        raise Gone(what="Подразделения или исполнителя")
    helpers = [row.employee for row in appeal.helpers.select_related("employee") if row.employee_id != executor.pk]
    assignment.assign(
        appeal,
        unit=unit,
        executor=executor,
        co_executors=helpers,
        internal_due_on=assignment.propose_internal_date(appeal),
        by=by,
    )


def _template(appeal: Appeal, facts: Facts, by: Employee) -> None:
    inserted = drafting.insert_material(appeal, facts["material"], by=by)
    draft = drafting.draft_of(appeal)
    text = "\n\n".join(filter(None, (draft.text.rstrip(), inserted.text)))
    drafting.save(appeal, text=text, base_version=draft.version, by=by)


def _note(appeal: Appeal, facts: Facts, by: Employee) -> None:
    notes.add(appeal, facts["text"], by=by)


def _close(appeal: Appeal, facts: Facts, by: Employee) -> None:
    dispatch.close(appeal, reason=facts["reason"], by=by)


# In the order of the work: what a step is called, and how it is taken.
STEPS: Final[dict[str, tuple[str, Callable[[Appeal, Facts, Employee], None]]]] = {
    "classify": ("Подтвердить тему и потребность", _classify),
    "assign": ("Назначить исполнителя", _assign),
    "template": ("Вставить шаблон ответа", _template),
    "note": ("Добавить заметку", _note),
    "close": ("Закрыть обращение", _close),
}


def steps_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that a form names, in the order of the work; refuse half a step and none at all."""
    for one, other, what in (
        ("topic", "need", "Укажите и тему, и потребность: одна без другой не подтверждается."),
        ("unit", "executor", "Укажите и подразделение, и исполнителя."),
    ):
        if bool(said.get(one)) != bool(said.get(other)):
            raise HalfStep(what=what)
    made: list[dict[str, Any]] = []
    if said.get("topic"):
        made.append({"do": "classify", "topic": said["topic"], "need": said["need"]})
    if said.get("unit"):
        made.append({"do": "assign", "unit": said["unit"], "executor": said["executor"]})
    if said.get("material"):
        made.append({"do": "template", "material": said["material"]})
    if text := str(said.get("text") or "").strip():
        made.append({"do": "note", "text": text})
    if reason := " ".join(str(said.get("reason") or "").split()):
        made.append({"do": "close", "reason": reason})
    if not made:
        raise NothingToDo
    return made


def said_by(macro: Macro) -> dict[str, Any]:
    """Return what a form shows of a macro: the reverse of `steps_of`."""
    return {name: value for step in macro.steps for name, value in step.items() if name != "do"}


def usable_by(user: Employee) -> QuerySet[Macro]:
    """Return the macros an employee may use: his own and the shared ones."""
    return Macro.objects.filter(Q(owner=user) | Q(shared=True), ended_at=None).select_related("owner")


def may_change(macro: Macro, user: Employee) -> bool:
    """Tell whether a macro may be changed: by its owner, a shared one also by who keeps the dictionaries."""
    return macro.owner_id == user.pk or (macro.shared and user.has_power(SHARES))


@transaction.atomic
def keep(macro: Macro, *, steps: Sequence[Mapping[str, Any]], by: Employee) -> Macro:
    """Save a macro; only who keeps the dictionaries shows one to everybody."""
    if macro.shared and not by.has_power(SHARES):
        raise NotAllowed(what="показать макрос всем", power=POWERS[SHARES])
    is_new = macro._state.adding
    macro.steps = [dict(step) for step in steps]
    try:
        with transaction.atomic():
            macro.save()
    except IntegrityError as exc:
        raise NameTaken(name=macro.name) from exc
    done = [step["do"] for step in macro.steps]
    journal.record("macro.added" if is_new else "macro.changed", chain=f"macro:{macro.pk}", by=by, step=done)
    return macro


@transaction.atomic
def end(macro: Macro, *, by: Employee) -> None:
    """Put a macro away; it stays for the journal."""
    if Macro.objects.filter(pk=macro.pk, ended_at=None).update(ended_at=timezone.now()):
        journal.record("macro.ended", chain=f"macro:{macro.pk}", by=by)


def run(macro: Macro, appeal: Appeal, *, by: Employee) -> list[str]:
    """Take every step of a macro and return their names; where one is refused nothing of the run stays."""
    done: list[str] = []
    with transaction.atomic():
        for step in macro.steps:
            name, act = STEPS[step["do"]]
            try:
                act(appeal, step, by)
            except DomainError as refusal:
                raise MacroStopped(name=macro.name, step=name, why=str(refusal)) from refusal
            done.append(name)
        journal.record("appeal.macro_run", chain=f"appeal:{appeal.pk}", by=by, macro=macro.pk)
    return done


# --- lists of points -------------------------------------------------------------------------------------------------


def lists_for(appeal: Appeal, *, on: date | None = None) -> QuerySet[Checklist]:
    """Return the lists in force for a case: of its topics, of its regime, and those for every case."""
    topics = appeal.questions.values("topic")
    fits = (Q(topic=None) | Q(topic__in=topics)) & (Q(regime=None) | Q(regime=appeal.regime_id))
    rows = Checklist.objects.filter(valid(on or timezone.localdate())).filter(fits)
    return rows.prefetch_related("points")


@transaction.atomic
def keep_list(row: Checklist, points: Sequence[str], *, by: Employee) -> Checklist:
    """Save a list and its points; a point somebody has ticked is not deleted, it is no longer shown."""
    wanted = list(dict.fromkeys(filter(None, (" ".join(one.split())[:300] for one in points))))[:MOST_POINTS]
    if not wanted:
        raise HalfStep(what="Напишите хотя бы один пункт, каждый с новой строки.")
    is_new = row._state.adding
    row.save()
    row.points.exclude(text__in=wanted).update(dropped=True)
    for order, text in enumerate(wanted, 1):
        ChecklistPoint.objects.update_or_create(checklist=row, text=text, defaults={"order": order, "dropped": False})
    journal.record(
        "checklist.added" if is_new else "checklist.changed",
        chain=f"checklist:{row.pk}",
        by=by,
        rows=len(wanted),
    )
    return row


@transaction.atomic
def tick(appeal: Appeal, wanted: Sequence[int], *, by: Employee) -> None:
    """Make the ticks of a case what was pressed; who ticked a point first stays beside it."""
    offered = set(
        ChecklistPoint.objects.filter(checklist__in=lists_for(appeal), dropped=False).values_list("pk", flat=True)
    )
    had = set(ChecklistTick.objects.filter(appeal=appeal).values_list("point", flat=True))
    new, gone = (set(wanted) & offered) - had, (had & offered) - set(wanted)
    ChecklistTick.objects.bulk_create(
        [ChecklistTick(appeal=appeal, point_id=pk, by=by) for pk in sorted(new)], ignore_conflicts=True
    )
    ChecklistTick.objects.filter(appeal=appeal, point__in=gone).delete()
    if new or gone:
        journal.record(
            "appeal.points_ticked", chain=f"appeal:{appeal.pk}", by=by, points=sorted(new), removed=sorted(gone)
        )
