"""«На подпись»: letter by letter, then one package or one print; signatures and scans come back and find their letters.

Nothing pressed here is a signature: a letter is signed outside, here its file, scan or number is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, folder, packages, signature, signing_groups
from otklik.appeals.models import FrozenAnswer
from otklik.appeals.permissions import allows
from otklik.appeals.signing_groups import Group
from otklik.core import files, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import StoredFile
from otklik.people.models import Employee
from otklik.workplace.carried import AN_HOUR
from otklik.workplace.requests import StaffRequest

SIGNERS: Final = (signature.SIGN, signature.APPROVE, signature.ATTEST)
SALT: Final = "scans-to-sign"


@dataclass(frozen=True)
class Line:
    """One line of «На подпись»: a letter, or a group of them as one text; `row` is the most urgent of them."""

    row: FrozenAnswer
    keys: str
    letters: Sequence[FrozenAnswer]
    unread: int
    reads: bool


class DayForm(TidyForm):
    """On which day the letters of a pile of scans were signed."""

    signed_on = forms.DateField(label="Дата подписания", widget=DATE_INPUT)


@requires(*SIGNERS)
@require_GET
def to_sign(request: StaffRequest) -> HttpResponse:
    """Show the letters that wait for a signature, which of them the user has read, and what can be done with them."""
    rows = list(packages.waiting(request.user)[: packages.MOST_LETTERS])
    read = packages.seen(rows, request.user)
    groups = signing_groups.gather(rows)
    facts = {
        "lines": _lines(rows, groups, read, request.user),
        "count": len(rows),
        "unread": next_unread(rows, groups, read, request.user),
        "attests": request.user.has_power(signature.ATTEST),
        "most": packages.MOST_LETTERS,
    }
    return render(request, "workplace/to_sign.html", facts)


@requires(*SIGNERS)
@require_http_methods(["GET", "POST"])
def read_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one letter as it will leave; who has read it marks that and goes on to the next."""
    answer = get_object_or_404(packages.waiting(request.user), pk=pk)
    if request.method == "POST":
        packages.look(answer, by=request.user)
        rows = list(packages.waiting(request.user)[: packages.MOST_LETTERS])
        read = packages.seen(rows, request.user)
        following = next_unread(rows, signing_groups.gather(rows), read, request.user)
        if not following:
            messages.success(request, "Все письма прочитаны. Теперь их можно взять одним пакетом.")
        return redirect(following or "workplace:to_sign")
    access.get_for(request.user, answer.appeal_id)  # the look is written down
    facts = {
        "answer": answer,
        "appeal": answer.appeal,
        "is_read": answer.pk in packages.seen([answer], request.user),
        "can_sign": packages.reads(request.user, answer),
        "can_withdraw": allows(signature.check_can_withdraw, answer.appeal, request.user),
        "left": packages.waiting(request.user).count(),
    }
    return render(request, "workplace/read_letter.html", facts)


@requires(*SIGNERS)
@require_POST
def package(request: StaffRequest) -> HttpResponse:
    """Give the chosen letters as one archive of exactly the frozen bytes."""
    try:
        content = packages.archive(packages.chosen(request.user, _ids(request)))
    except DomainError as refusal:
        return _refused(request, refusal)
    response = HttpResponse(content, content_type="application/zip")
    return files.download(response, f"На подпись {timezone.localdate():%d.%m.%Y}.zip")


@requires(*SIGNERS)
@require_POST
def print_folder(request: StaffRequest) -> HttpResponse:
    """Give the chosen letters as one PDF to be printed, with a list and a code on every page."""
    try:
        rows = packages.chosen(request.user, _ids(request))
        content = folder.printed(rows, on=timezone.localdate())
    except DomainError as refusal:
        return _refused(request, refusal)
    response = HttpResponse(content, content_type="application/pdf")
    return files.download(response, f"Папка на подпись {timezone.localdate():%d.%m.%Y}.pdf")


@requires(*SIGNERS)
@require_POST
def bring_signatures(request: StaffRequest) -> HttpResponse:
    """Take signature files, many or in an archive; show of each whose letter it signed or why it was not taken."""
    uploads = request.FILES.getlist("signatures")
    if not uploads:
        messages.warning(request, "Сначала выберите файлы подписей или архив с ними.")
        return redirect("workplace:to_sign")
    try:
        taken = packages.take(uploads, by=request.user)
    except DomainError as refusal:
        return _refused(request, refusal)
    facts = {"taken": taken, "done": sum(one.answer is not None for one in taken)}
    return render(request, "workplace/signatures_taken.html", facts)


@requires(signature.ATTEST)
@require_POST
def bring_scans(request: StaffRequest) -> HttpResponse:
    """Find the letters in scans by their codes; what was found is compared with the letters and attested."""
    uploads = request.FILES.getlist("scans")
    if not uploads:
        messages.warning(request, "Сначала выберите сканы подписанных писем.")
        return redirect("workplace:to_sign")
    found: list[folder.Found] = []
    for upload in uploads[:50]:
        try:
            found += folder.read(upload)
        except DomainError as refusal:
            messages.error(request, str(refusal))
    if not found:
        return redirect("workplace:to_sign")
    mine = {row.pk for row in packages.waiting(request.user)}
    rows = [
        {
            "found": one,
            "answer": one.answer if one.answer is not None and one.answer.pk in mine else None,
            "key": _sealed(one.answer.pk if one.answer else 0, one.stored.pk),
        }
        for one in found
    ]
    form = DayForm(initial={"signed_on": timezone.localdate()})
    return render(request, "workplace/scans_found.html", {"rows": rows, "form": form})


@requires(signature.ATTEST)
@require_POST
def attest_scans(request: StaffRequest) -> HttpResponse:
    """Write down the attested scans; the clerk attests, the official named under the letter is who signed it."""
    form = DayForm(request.POST)
    keys = request.POST.getlist("key")[: packages.MOST_LETTERS]
    if not form.is_valid() or not keys:
        messages.error(request, "Укажите дату подписания и отметьте сверенные письма, затем загрузите сканы ещё раз.")
        return redirect("workplace:to_sign")
    waiting = {row.pk: row for row in packages.waiting(request.user)}
    done = 0
    for answer, stored in map(_opened, keys):
        row, scan = waiting.get(answer), StoredFile.objects.filter(pk=stored).first()
        if row is None or scan is None:
            messages.error(request, "Одно из писем уже подписано или отозвано с подписи: его скан не внесён.")
            continue
        try:
            signature.sign_paper(row, scan, signed_on=form.cleaned_data["signed_on"], by=request.user)
        except DomainError as refusal:
            messages.error(request, f"№ {row.appeal.number}: {refusal}")
        else:
            done += 1
    if done:
        messages.success(request, f"Внесено сканов: {done}. Ответы можно отправлять.")
    return redirect("workplace:to_sign")


@requires(signature.ATTEST)
@require_GET
def scan(request: StaffRequest) -> HttpResponseBase:
    """Give the pages of one letter as they were found in the scan."""
    answer, stored = _opened(request.GET.get("key", ""))
    row = get_object_or_404(packages.waiting(request.user), pk=answer) if answer else None
    name = f"Скан {row.appeal.number}.pdf" if row else "Скан.pdf"
    return files.response(get_object_or_404(StoredFile, pk=stored), name)


@requires(*SIGNERS, "appeals.dispatch", "appeals.draft", "appeals.view_all")
@require_GET
def marked(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a copy of the letter with the visible mark of its electronic signature."""
    appeal = access.get_for(request.user, pk)
    answer = get_object_or_404(FrozenAnswer, appeal=appeal, withdrawn_at=None, followed_at=None)
    try:
        response = HttpResponse(signature.marked(answer), content_type="application/pdf")
    except signature.NoMark as refusal:
        messages.error(request, str(refusal))
        return redirect("workplace:sign", pk=pk)
    return files.download(response, f"Ответ {appeal.number} с отметкой о подписи.pdf")


def next_unread(rows: Sequence[FrozenAnswer], groups: Sequence[Group], read: set[int], user: Employee) -> str:
    """Return where the next letter is read that waits for this person's eyes: of a group, its page; empty for none."""
    alike = {one.pk for group in groups for one in group.letters}
    for row in rows:
        if row.pk not in read and packages.reads(user, row):
            return reverse("workplace:sign_group" if row.pk in alike else "workplace:read_letter", args=[row.pk])
    return ""


def _lines(rows: Sequence[FrozenAnswer], groups: Sequence[Group], read: set[int], user: Employee) -> list[Line]:
    """Return the lines of the list: a group stands as one, at the place of its most urgent letter."""
    of_group = {one.pk: group for group in groups for one in group.letters}
    lines: dict[str, Line] = {}
    for row in rows:
        group = of_group.get(row.pk)
        letters = group.letters if group else [row]
        keys = ",".join(str(one.pk) for one in letters)
        unread = sum(one.pk not in read for one in letters)
        lines.setdefault(keys, Line(row, keys, letters, unread, reads=packages.reads(user, row)))
    return list(lines.values())


def _ids(request: StaffRequest) -> list[int]:
    """Return the ticked letters; the one tick of a group names all of its own."""
    ticked = (part for value in request.POST.getlist("letters") for part in value.split(","))
    return [pk for pk in map(typed.number, ticked) if pk is not None]


def _refused(request: StaffRequest, refusal: DomainError) -> HttpResponse:
    messages.error(request, str(refusal))
    return redirect(reverse("workplace:to_sign"))


def _sealed(answer: int, stored: int) -> str:
    return signing.dumps([answer, stored], salt=SALT)


def _opened(key: str) -> tuple[int, int]:
    try:
        answer, stored = signing.loads(key, salt=SALT, max_age=AN_HOUR)
    except (signing.BadSignature, ValueError, TypeError) as exc:
        raise Http404 from exc
    return int(answer), int(stored)
