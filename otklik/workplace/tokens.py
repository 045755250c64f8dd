"""Keys of other programs: the administrator makes and ends them; an owner sees his own and may end them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people import tokens
from otklik.people.models import AccessToken, Employee
from otklik.people.tokens import MANAGE, SCOPES
from otklik.workplace.requests import StaffRequest

_SAME = (
    "Такой ключ уже выдан и действует. Не успели скопировать — завершите его и выдайте новый. "
    "Нужен второй — назовите его иначе."
)


class TokenForm(TidyForm):
    """What is connected, in whose name, and what it may do until when."""

    name = forms.CharField(
        label="Что подключается", max_length=200, help_text="Например «Сайт приёмной Губернатора». Видно в журнале."
    )
    owner = forms.ModelChoiceField(
        Employee.objects.none(),
        label="От чьего имени",
        empty_label="Выберите сотрудника",
        help_text="Программа может не больше, чем этот сотрудник. Заведите для неё отдельную учётную запись.",
    )
    scopes = forms.MultipleChoiceField(
        label="Что разрешено",
        choices=[(code, f"{name[:1].upper()}{name[1:]} ({code})") for code, name in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="По какой день включительно", widget=DATE_INPUT, help_text="Не больше чем на год: потом выдают новый."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = Employee.objects.filter(is_active=True)


@requires()
@require_http_methods(["GET", "POST"])
def access_tokens(request: StaffRequest) -> HttpResponse:
    """Show the keys this employee may see; an administrator's POST makes one and shows its secret, this once."""
    today = timezone.localdate()
    may_make = request.user.has_power(MANAGE)
    form = TokenForm(
        request.POST or None, initial={"valid_from": today, "valid_to": today + tokens.LONGEST - timedelta(days=1)}
    )
    made, status = None, 200
    if request.method == "POST":
        made, status = _made(request, form)
    rows = tokens.seen_by(request.user)
    running = list(rows.filter(tokens.running(today)))
    for one in running:
        one.may = [SCOPES.get(scope, scope) for scope in one.scopes]  # type: ignore[attr-defined]
    facts = {
        "form": TokenForm(initial=form.initial) if made else form,
        "made": made,
        "may_make": may_make,
        "running": running,
        "over": list(rows.exclude(pk__in=[one.pk for one in running])[:50]),
        "today": today,
    }
    answer = render(request, "workplace/tokens.html", facts, status=status)
    answer["Cache-Control"] = "private, no-store"  # a secret may stand on it
    return answer


def _made(request: StaffRequest, form: TokenForm) -> tuple[tokens.Made | None, int]:
    """Return the new key, or what the answer's status is while the form says what is wrong."""
    if not request.user.has_power(MANAGE):
        raise PermissionDenied
    if not form.is_valid():
        return None, 422
    told = form.cleaned_data
    same = AccessToken.objects.filter(tokens.running(timezone.localdate()), owner=told["owner"], name=told["name"])
    if same.exists():  # a page sent again would make a second key that nobody has written down
        form.add_error("name", _SAME)
        return None, 422
    try:
        return tokens.create(**told, by=request.user), 200
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return None, refusal.status


@requires()
@require_POST
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """End a key at once."""
    token = get_object_or_404(tokens.seen_by(request.user), pk=pk)
    tokens.end(token, by=request.user)
    messages.success(request, f"Ключ «{token.name}» завершён: программа по нему больше не войдёт.")
    return redirect("workplace:tokens")
