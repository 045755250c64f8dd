"""Lists somebody has named: one's own and those shared with everybody, with live counters in the menu."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from otklik.appeals import queues
from otklik.core import built
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.workplace import asked, call_back, pos_lane
from otklik.workplace.models import SavedView
from otklik.workplace.requests import StaffRequest

MOST: Final = 20  # of one's own: more is no menu any more


class NoName(DomainError):
    """A list without a name."""

    code = "views.no_name"
    text = "Назовите вид: одно-три слова, не длиннее 60 знаков. Условия остались на странице."


class NameTaken(DomainError):
    """The employee has another list under this name."""

    code = "views.name_taken"
    text = "У вас уже есть вид «{name}». Назовите этот иначе."


class TooMany(DomainError):
    """The employee has as many lists as the menu bears."""

    code = "views.too_many"
    text = "Видов уже {most}. Удалите ненужный и сохраните этот."


def seen_by(user: Employee) -> list[SavedView]:
    """Return the lists in the employee's menu, asked once per request."""
    known: list[SavedView] | None = user.__dict__.get("_saved_views")
    if known is None:
        known = user.__dict__["_saved_views"] = _seen(owner=user.pk)
    return known


@built.asked
def _seen(*, owner: int) -> QuerySet[SavedView]:
    return SavedView.objects.filter(Q(owner=owner) | Q(shared=True))


def counters(user: Employee) -> dict[str, int]:
    """Return how many rows each view of the menu has, named ones as `saved_7`, in a fixed number of queries.

    Calls to be made and the lane of ПОС are counted with them, as `call_back.lists` and `pos_lane.lists` name them.
    """
    named = {f"saved_{one.pk}": asked.read(user, QueryDict(one.query)) for one in seen_by(user)}
    return queues.counters(user, named, also=(call_back.lists, pos_lane.lists))


def save(user: Employee, name: str, query: str, *, shared: bool) -> SavedView:
    """Keep a list under a name; raise where the name is empty or taken, or there are too many."""
    name = " ".join(name.split())
    if not 0 < len(name) <= SavedView._meta.get_field("name").max_length:  # type: ignore[operator]
        raise NoName
    if SavedView.objects.filter(owner=user).count() >= MOST:
        raise TooMany(most=MOST)
    view, filters = asked.read(user, QueryDict(query))
    try:
        with transaction.atomic():
            return SavedView.objects.create(
                owner=user, name=name, query=asked.write(view, filters, page=None), shared=shared
            )
    except IntegrityError as exc:
        raise NameTaken(name=name) from exc


def url_of(one: SavedView) -> str:
    """Return the address of a named list."""
    return f"{reverse('workplace:queue')}?{one.query}"


def of_query(user: Employee, query: str) -> SavedView | None:
    """Return the named list that asks for the same."""
    return next((one for one in seen_by(user) if one.query == query), None)


@requires(*asked.APPEALS)
@require_POST
def keep(request: StaffRequest) -> HttpResponse:
    """Keep the list on the page under a name."""
    given = request.POST
    one = save(request.user, given.get("name", ""), given.get("query", ""), shared="shared" in given)
    messages.success(request, f"Вид «{one.name}» сохранён, он внизу меню слева.")
    return redirect(url_of(one))


@requires(*asked.APPEALS)
@require_POST
def remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Remove one's own list; the appeals stay where they are."""
    one: Any = get_object_or_404(SavedView, pk=pk, owner=request.user)
    one.delete()
    messages.success(request, f"Вид «{one.name}» удалён.")
    return redirect(f"{reverse('workplace:queue')}?{one.query}")
