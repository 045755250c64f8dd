"""«На подпись», one group: a letter read whole, the list of all it goes to, and one press for every letter of it."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import packages, signature, signing_groups
from otklik.appeals.permissions import allows
from otklik.appeals.signing_groups import Group, Pressed
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.workplace import beside
from otklik.workplace.requests import StaffRequest
from otklik.workplace.sign_many import SIGNERS


class SedForm(TidyForm):
    """On which day the letters of a group were signed in СЭД; their numbers stand beside them."""

    signed_on = forms.DateField(label="Дата подписания в СЭД", widget=DATE_INPUT)

    def clean_signed_on(self) -> date:
        """Refuse a day that has not come."""
        on: date = self.cleaned_data["signed_on"]
        if on > timezone.localdate():
            raise forms.ValidationError("Дата подписания ещё не наступила.")
        return on


@requires(*SIGNERS)
@require_http_methods(["GET", "POST"])
def group(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a group by any of its letters; a POST marks all as read, lets them go, or writes down numbers of СЭД."""
    answer = get_object_or_404(packages.waiting(request.user), pk=pk)
    found = signing_groups.of(answer, request.user)
    if found is None:
        return redirect("workplace:read_letter", pk=pk)
    form = SedForm(request.POST if "sed" in request.POST else None, initial={"signed_on": timezone.localdate()})
    if request.method == "POST" and ("sed" not in request.POST or form.is_valid()):
        _told(request, _pressed(request, found, form))
        left = {one.pk for one in packages.waiting(request.user).filter(pk__in=[one.pk for one in found.letters])}
        following = next((one.pk for one in found.letters if one.pk in left), None)
        return redirect("workplace:sign_group", pk=following) if following else redirect("workplace:to_sign")
    return _page(request, found, form)


def _page(request: StaffRequest, found: Group, form: SedForm) -> HttpResponse:
    user, shown = request.user, found.shown
    read = packages.seen(found.letters, user)
    reads = packages.reads(user, shown)
    numbers = {one.pk: request.POST.get(f"number-{one.pk}", "") for one in found.letters}
    facts = {
        "group": found,
        "shown": shown,
        "rows": [(line, line.answer.pk in read, numbers[line.answer.pk]) for line in signing_groups.lines(found, user)],
        "left_out": signing_groups.left_out(found, user),
        "unread": sum(one.pk not in read for one in found.letters) if reads else 0,
        "reads": reads,
        "attests": user.has_power(signature.ATTEST),
        "can_approve": reads and allows(signature.check_can_approve_dispatch, shown.appeal, user),
        "form": form,
    }
    return render(request, "workplace/sign_group.html", facts, status=422 if form.errors else 200)


def _pressed(request: StaffRequest, found: Group, form: SedForm) -> tuple[str, Pressed]:
    """Take the step whose button was pressed over the letters that are ticked."""
    ticked = [pk for pk in map(typed.number, request.POST.getlist("letters")) if pk is not None]
    if "sed" in request.POST:
        numbers = {one.pk: request.POST.get(f"number-{one.pk}", "")[:60] for one in found.letters}
        signed_on = form.cleaned_data["signed_on"]
        return "Внесено подписей", signing_groups.sign_sed_each(found, numbers, signed_on=signed_on, by=request.user)
    if "approve" in request.POST:
        return "Согласована отправка писем", signing_groups.approve_each(found, ticked, by=request.user)
    return "Отмечено прочитанными писем", signing_groups.read_each(found, ticked, by=request.user)


def _told(request: StaffRequest, what: tuple[str, Pressed]) -> None:
    """Say how many letters took the step, and of each other by its number why it did not."""
    words, pressed = what
    if not pressed.done and not pressed.refused:
        nothing = "Впишите номера СЭД рядом с письмами." if "sed" in request.POST else "Отметьте письма."
        messages.warning(request, f"Ничего не сделано. {nothing}")
    beside.told(request, words, pressed)
