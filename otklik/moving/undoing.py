"""An import taken back: everything it made goes, but for what somebody has worked with since; that is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from django.db.models import F, ProtectedError
from django.utils import timezone

from otklik.appeals import carried, numbers
from otklik.appeals.models import Appeal
from otklik.core import journal
from otklik.core.crashpoints import reach
from otklik.core.models import ChainHead, JournalEntry
from otklik.hotline.models import MissedCall
from otklik.knowledge.models import Material
from otklik.moving import keepers
from otklik.moving.models import CarriedRow, HistoryImport
from otklik.people.models import Applicant, Contact, Employee

State = HistoryImport.State
AT_ONCE: Final = 250
# Appeals before their applicants: a person goes when nothing of his is left.
_ORDER: Final = (keepers.APPEAL, keepers.MISSED, keepers.MATERIAL, keepers.CONTACT, keepers.APPLICANT)
WORKED: Final = "с записью работали после переноса"
WHAT_TO_DO: Final[dict[str, str]] = {
    keepers.APPEAL: "Откройте обращение: если оно лишнее, закройте его с причиной «внесено по ошибке».",
    keepers.MISSED: "Откройте запись и закройте её итогом.",
    keepers.MATERIAL: "Откройте материал и уберите его в архив.",
    keepers.CONTACT: "Контакт остаётся у заявителя.",
    keepers.APPLICANT: "Заявитель остаётся: у него есть другие записи.",
}


def take_back_chunk(run: HistoryImport) -> None:
    """Take back one chunk of what an import has made, or end: all of the chunk in one transaction."""
    with journal.together():
        held = HistoryImport.objects.select_for_update(of=("self",)).filter(pk=run.pk, state=State.UNDOING)
        if not held.exists():
            return
        rows = _next(run)
        if not rows:
            _end(run)
            return
        by = Employee.objects.get(pk=run.by_id)
        gone = _take_back(rows, by)
        lines = {row.line for row in rows if row.pk in gone and row.what not in (keepers.CONTACT, keepers.APPLICANT)}
        CarriedRow.objects.filter(pk__in=gone).delete()
        of_people = run.kind == HistoryImport.Kind.APPLICANTS
        count = len({row.line for row in rows if row.pk in gone}) if of_people else len(lines)
        HistoryImport.objects.filter(pk=run.pk).update(taken_back=F("taken_back") + count)
        reach("moving.undo_before_commit")


def _next(run: HistoryImport) -> list[CarriedRow]:
    for what in _ORDER:
        if rows := list(CarriedRow.objects.filter(run=run, what=what, kept_why="").order_by("-pk")[:AT_ONCE]):
            return rows
    return []


def _end(run: HistoryImport) -> None:
    if not CarriedRow.objects.filter(run=run, what=keepers.APPEAL).exists():
        before = {int(year): told["before"] for year, told in run.numbers.items()}
        numbers.go_back(before, {int(year): told["after"] for year, told in run.numbers.items()})
    HistoryImport.objects.filter(pk=run.pk).update(state=State.UNDONE, finished_at=timezone.now(), error="")
    kept = CarriedRow.objects.filter(run=run).count()
    journal.record("moving.undone", chain="moving", by=run.by, id=run.pk, rows=run.taken_back, kept=kept)


def _take_back(rows: list[CarriedRow], by: Employee) -> set[int]:
    """Take back what can be; say of the rest why not. Return the rows that are gone."""
    what = rows[0].what
    worked = _worked(what, rows)
    for row in rows:
        if row.key in worked:
            row.kept_why = worked[row.key]
    free = [row for row in rows if row.key not in worked]
    drop = _DROPS[what]
    try:
        with journal.together():
            drop([row.key for row in free], by)
    except ProtectedError:
        gone = set()
        for row in free:  # one of them is held by another room: found by trying each
            try:
                with journal.together():
                    drop([row.key], by)
                gone.add(row.pk)
            except ProtectedError:
                row.kept_why = "на запись ссылаются другие"
    else:
        gone = {row.pk for row in free}
    CarriedRow.objects.bulk_update([row for row in rows if row.kept_why], ["kept_why"])
    return gone


def _worked(what: str, rows: Iterable[CarriedRow]) -> dict[int, str]:
    """Return the keys of those somebody has worked with since, and how that shows."""
    rows = list(rows)
    keys = [row.key for row in rows]
    if what == keepers.CONTACT:
        return {}
    if what == keepers.APPLICANT:
        return dict.fromkeys(_with_others(keys), "у заявителя есть другие записи")
    if what == keepers.MATERIAL:
        return _edited(keys)
    chain = {keepers.APPEAL: "appeal", keepers.MISSED: "missed"}[what]
    grown = {f"{chain}:{row.key}": row for row in rows}
    heads = dict(ChainHead.objects.filter(chain__in=grown).values_list("chain", "seq"))
    longer = [name for name, row in grown.items() if heads.get(name, 0) > row.entries]
    own: dict[str, int] = defaultdict(int)
    for name in JournalEntry.objects.filter(chain__in=longer, action__in=carried.OF_ITSELF).values_list(
        "chain", flat=True
    ):
        own[name] += 1
    found = {grown[name].key: WORKED for name in longer if heads[name] - own[name] > grown[name].entries}
    if what == keepers.APPEAL:
        written = Appeal.objects.filter(pk__in=keys, unseen_reply=True).values_list("pk", flat=True)
        found |= dict.fromkeys(written, "заявитель написал ещё")
    return found


def _edited(keys: Collection[int]) -> dict[int, str]:
    found = {}
    for page in Material.objects.filter(pk__in=keys):
        if page.live or page.revisions.count() > 1:
            found[page.pk] = "материал опубликован или правлен после переноса"
    return found


def _with_others(keys: Collection[int]) -> set[int]:
    """Return the applicants somebody else's rows name: another appeal, a consultation, a reception, a merge."""
    found: set[int] = set()
    for relation in Applicant._meta.related_objects:
        model: Any = relation.related_model
        if model is Contact:
            continue
        name = relation.field.name
        found |= set(model._default_manager.filter(**{f"{name}__in": keys}).values_list(f"{name}_id", flat=True))
    return found


def _drop_appeals(keys: Collection[int], by: Employee) -> None:
    carried.drop_each(keys, by=by)


def _drop_missed(keys: Collection[int], by: Employee) -> None:
    MissedCall.objects.filter(pk__in=keys).delete()
    journal.record_each("missed.carried_back", {f"missed:{pk}": {} for pk in keys}, by=by)


def _drop_materials(keys: Collection[int], by: Employee) -> None:
    for page in Material.objects.filter(pk__in=keys):
        page.specific.delete()  # who took it back stands in the journal; a draft asks for no right of the page


def _drop_contacts(keys: Collection[int], by: Employee) -> None:
    Contact.objects.filter(pk__in=keys).delete()


def _drop_applicants(keys: Collection[int], by: Employee) -> None:
    Applicant.objects.filter(pk__in=keys).delete()
    journal.record_each("applicant.carried_back", {f"applicant:{pk}": {} for pk in keys}, by=by)


_DROPS: Final[Mapping[str, Callable[[Collection[int], Employee], None]]] = {
    keepers.APPEAL: _drop_appeals,
    keepers.MISSED: _drop_missed,
    keepers.MATERIAL: _drop_materials,
    keepers.CONTACT: _drop_contacts,
    keepers.APPLICANT: _drop_applicants,
}


def kept(run: HistoryImport, most: int = 200) -> list[CarriedRow]:
    """Return what was not taken back, each with `number` as people know it and `todo`."""
    rows = list(CarriedRow.objects.filter(run=run).exclude(kept_why="").order_by("line", "pk")[:most])
    of_appeals = Appeal.objects.in_bulk([row.key for row in rows if row.what == keepers.APPEAL])
    for row in rows:
        appeal = of_appeals.get(row.key)
        row.number = appeal.number if appeal else f"{_WORDS[row.what]} {row.key}"  # type: ignore[attr-defined]
        row.todo = WHAT_TO_DO[row.what]  # type: ignore[attr-defined]
    return rows


_WORDS: Final = {
    keepers.APPEAL: "обращение",
    keepers.MISSED: "звонок",
    keepers.MATERIAL: "материал",
    keepers.CONTACT: "контакт",
    keepers.APPLICANT: "заявитель",
}
