"""How far a reader may trust a material: checked when and by whom; fresh, due, overdue, or being revised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from otklik.knowledge.models import Material, ReviewItem, ReviewLook
from otklik.people.models import Employee

FRESH, DUE, OVERDUE, REVISED = "fresh", "due", "overdue", "revised"
_UNKNOWN: Final = "имя при переносе опущено"  # checked where it was brought from, by whom nobody knows here
_CHECKED: Final = (ReviewItem.State.CONFIRMED, ReviewItem.State.CHANGED)


@dataclass(frozen=True)
class Trust:
    """What a reader is told. Without a review yet, its publication by an author counts as the check: `by` is empty."""

    state: str
    checked_on: date | None
    by: str = ""
    due_on: date | None = None
    waiting: tuple[ReviewItem, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Tell whether it should not be relied on without a look of one's own."""
        return bool(self.warning)

    @property
    def warning(self) -> str:
        """Return why it is stale, in words; empty where it is not."""
        if self.state == REVISED:
            return "основание изменилось, идёт проверка"
        return f"проверка просрочена: срок был {self.due_on:%d.%m.%Y}" if self.state == OVERDUE else ""


def of(materials: Iterable[Material], *, reader: Employee | None = None) -> dict[int, Trust]:
    """Return the trust of each material by its id, in one query; what waits knows which version `reader` has opened."""
    rows = {one.pk: one for one in materials}
    history = ReviewItem.objects.filter(material=OuterRef("material"), state__in=_CHECKED)
    last = Subquery(history.order_by("-decided_at").values("pk")[:1])
    waits = Q(state=ReviewItem.State.WAITING)
    looks = ReviewLook.objects.filter(item=OuterRef("pk"))
    waiting: dict[int | None, list[ReviewItem]] = {}
    checked: dict[int | None, ReviewItem] = {}
    found = ReviewItem.objects.filter(waits | Q(pk=last), material__in=list(rows)).select_related("decided_by")
    if reader is not None:
        found = found.annotate(looked=Subquery(looks.filter(by=reader).values("revision")))
    for item in found:
        if item.state == ReviewItem.State.WAITING:
            waiting.setdefault(item.material_id, []).append(item)
        else:
            checked[item.material_id] = item
    today = timezone.localdate()
    return {pk: _of(one, checked.get(pk), waiting.get(pk, []), today) for pk, one in rows.items()}


def _of(material: Material, checked: ReviewItem | None, waiting: list[ReviewItem], today: date) -> Trust:
    published = material.first_published_at
    checked_on, by = (timezone.localdate(published) if published else None), ""
    if checked and checked.decided_at:
        checked_on, by = timezone.localdate(checked.decided_at), str(checked.decided_by or _UNKNOWN)
    due_on = min((one.due_on for one in waiting), default=None)
    if any(one.cause == ReviewItem.Cause.LAW for one in waiting):
        state = REVISED
    elif due_on is None:
        state = FRESH
    else:
        state = OVERDUE if due_on < today else DUE
    return Trust(state, checked_on, by, due_on, tuple(waiting))
