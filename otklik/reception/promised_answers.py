"""Written answers promised at receptions: who signs them, who decides otherwise, what compliance says (п. 35.3)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db.models import Count, F, Q
from django.utils import timezone

from otklik.appeals import fixed, releasing
from otklik.appeals.models import Appeal, FixedSigner
from otklik.core.compliance import Figure, Promise, end_of
from otklik.people.models import Employee
from otklik.reception import authority
from otklik.reception.models import Authority, ReceptionCard


def receives_until(official: Employee, on: date) -> date | None:
    """Return the last day the official may receive, as his authorities say on a day; None: without an end."""
    found = authority.of(official, on)
    if found is not None:
        return found.valid_to
    ended = Authority.objects.filter(official=official, valid_to__lt=on).order_by("-valid_to").first()
    return ended.valid_to if ended is not None else on - timedelta(days=1)


def grounds(appeal: Appeal) -> list[str]:
    """Return the grounds on which another may sign today, by authorities, roles and absences."""
    row, today = fixed.of(appeal), timezone.localdate()
    if row is None:
        return []
    row.receives_until = receives_until(row.signer, today)
    return releasing.grounds(appeal, row, on=today)


def release(appeal: Appeal, *, to: Employee, ground: str, note: str, by: Employee) -> FixedSigner:
    """Let another sign what was promised, by a decision with its ground; authorities are asked at this moment."""
    row = fixed.of(appeal)
    until = receives_until(row.signer, timezone.localdate()) if row is not None else None
    return releasing.release(appeal, to=to, ground=ground, note=note, by=by, receives_until=until)


def _figure(on: date) -> Figure:
    """Count what was promised, answered, answered late, and signed by another than who held the reception."""
    held = ReceptionCard.objects.filter(state=ReceptionCard.State.FINISHED, finished_at__lt=end_of(on)).count()
    answered = Q(appeal__answered_on__lte=on)
    late = Q(appeal__due_on__lt=on, appeal__answered_on=None) | Q(appeal__answered_on__gt=F("appeal__due_on"))
    found = FixedSigner.objects.filter(made_at__lt=end_of(on)).aggregate(
        all=Count("pk"),
        answered=Count("pk", filter=answered),
        late=Count("pk", filter=late),
        others=Count("pk", filter=Q(released_at__lt=end_of(on))),
    )
    words = (
        f"Приёмов завершено: {held}. Обещано письменных ответов: {found['all']}, дано: {found['answered']}, "
        f"с нарушением срока: {found['late']}. Исключения — подписывает не тот, кто вёл приём, по решению "
        f"руководителя: {found['others']}"
    )
    return Figure(words, found["others"])


PROMISES: Final = (
    Promise(
        "R35.3",
        "35.3",
        does="Приём ведёт только должностное лицо со своим полномочием на этот день. Карточку не завершить, пока нет "
        "отметок: представился, спросил, куда обращались раньше, исход каждого вопроса. Устный ответ — только когда "
        "факты очевидны и заявитель согласен; письменный — обращение со сроком, и подписать его может только тот, кто "
        "вёл приём: ни заместитель, ни начальник. Другому это решает руководитель по двум основаниям.",
        figure=_figure,
        list_name="workplace:promised_answers",
        list_words="Ответы, обещанные на приёме",
    ),
)
