"""«Сегодня»: each role's home. What burns, what waits at each step, what applicants wrote, what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import access, queues
from otklik.appeals.models import Appeal
from otklik.core.access import requires
from otklik.knowledge import agreement, law, review, rights
from otklik.knowledge.models import LawWeek, ReviewItem
from otklik.people import substitution
from otklik.people.models import Employee
from otklik.reports import head_sheet
from otklik.workplace import beginning, call_back, news, pos_lane, saved, system
from otklik.workplace.asked import APPEALS
from otklik.workplace.requests import StaffRequest

SHOWN = 6
# Steps as sentences; the order is the order of the day.
STEPS = (
    ("registration", "mail-opened", "Зарегистрировать"),
    ("classification", "tags", "Подтвердить тему и потребность"),
    ("assignment", "user-plus", "Назначить исполнителя"),
    ("mine", "edit", "Подготовить ответ"),
    ("approval", "checklist", "Согласовать"),
    ("signing", "signature", "Подписать или внести подпись"),
    ("dispatch", "send", "Отправить ответ"),
    ("undelivered", "mail-x", "Разобраться с недоставленными"),
)
# Calls to be made, by the name of their page.
CALLS = {
    "missed": ("phone-x", "Перезвонить тем, кому не ответили"),
    "promises": ("phone-calling", "Перезвонить, как обещали"),
}
# Materials to be checked, by why.
REVIEWS = (
    ("quarter", "workplace:reviews", "checklist", "Проверить материалы за квартал"),
    ("law", "workplace:law", "gavel", "Проверить материалы: изменилось основание"),
)


@dataclass(frozen=True)
class Waiting:
    """A step that waits for the employee."""

    url: str
    icon: str
    title: str
    number: int
    burning: int = 0


@requires(guests=True)
def today(request: StaffRequest) -> HttpResponse:
    """Show what burns and what waits for this employee; a guest is led to the only page that is his."""
    if request.user.is_guest:
        return redirect("workplace:ekc")
    numbers = saved.counters(request.user)
    burning = {"registration": queues.burning_messages(request.user)} if numbers.get("registration") else {}
    steps = [
        Waiting(f"{reverse('workplace:queue')}?view={view}", icon, title, numbers[view], burning.get(view, 0))
        for view, icon, title in STEPS
        if numbers.get(view)
    ]
    on = timezone.localdate()
    if number := _to_agree(request.user, on):
        steps.append(Waiting(reverse("workplace:agreements"), "file-check", "Согласовать материалы", number))
    steps += _in_the_base(request.user, on)
    waiting_calls = call_back.counted(numbers)
    for name, calls in waiting_calls.items():
        steps.append(Waiting(reverse(f"workplace:{name}"), *CALLS[name], calls.number, calls.late))
    for name, held in pos_lane.counted(numbers).items():
        steps.append(Waiting(reverse(f"workplace:{name}"), "bolt", "Полоса «Фаст-трек»", held.number, held.late))
    return render(
        request,
        "workplace/today.html",
        {
            "numbers": numbers,
            "on": on,
            "standing_in": substitution.running_for(request.user),
            "burning": queues.rows(request.user, "due", size=SHOWN).rows if numbers.get("due") else [],
            "burning_total": numbers.get("due", 0),
            "late_calls": sum(calls.late for calls in waiting_calls.values()),
            "steps": steps,
            "beginning": [] if any(numbers.values()) or steps else beginning.advice(request.user),
            "replies": list(_replies(request.user)) if numbers.get("replies") else [],
            "works_with_appeals": request.user.has_any(APPEALS),
            "something_late": any(step.burning for step in steps),
            "looks_after_system": request.user.has_any(system.POWERS),
            "reads_knowledge": request.user.has_power("knowledge.read"),
            "reads_sheet": request.user.has_power(head_sheet.POWER),
            "news": news.unread(request),
        },
    )


def _to_agree(user: Employee, on: date) -> int:
    agrees = user.has_power(rights.AGREES) or user.has_power(rights.CHIEF)
    return agreement.waiting_for(user, on).count() if agrees else 0


def _in_the_base(user: Employee, on: date) -> list[Waiting]:
    """Return the reviews and the weeks of the law that wait; of all units at once nobody is told here."""
    steps = []
    if user.has_any((rights.AUTHOR, review.HEAD)) and not user.has_power(review.CHIEF):
        quarter, law_changed = Q(cause=ReviewItem.Cause.QUARTER), Q(cause=ReviewItem.Cause.LAW)
        late = Q(due_on__lt=on)
        told = (
            review.items_of(user)
            .filter(state=ReviewItem.State.WAITING)
            .order_by()
            .aggregate(
                quarter=Count("pk", filter=quarter),
                quarter_late=Count("pk", filter=quarter & late),
                law=Count("pk", filter=law_changed),
                law_late=Count("pk", filter=law_changed & late),
            )
        )
        for name, page, icon, title in REVIEWS:
            if told[name]:
                steps.append(Waiting(reverse(page), icon, title, told[name], told[f"{name}_late"]))
    if user.has_power(law.POWER):
        weeks = LawWeek.objects.filter(closed_at=None).aggregate(
            all=Count("pk"), late=Count("pk", filter=Q(due_on__lt=on))
        )
        if weeks["all"]:
            steps.append(
                Waiting(
                    reverse("workplace:law"),
                    "gavel",
                    "Ответить за неделю об изменениях законодательства",
                    weeks["all"],
                    weeks["late"],
                )
            )
    return steps


def _replies(user: Employee) -> QuerySet[Appeal]:
    found = access.visible_to(user).filter(unseen_reply=True)
    return found.select_related("applicant", "executor", "unit").order_by("-pk")[:SHOWN]
