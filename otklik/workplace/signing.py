"""«На подпись»: the frozen package and the ways of signing it. Pressing a button is not a signature."""

from __future__ import annotations

import io
import zipfile

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, approval, complained, fixed, group_steps, releasing, signature
from otklik.appeals.models import FINISHED, Appeal, FrozenAnswer
from otklik.appeals.permissions import allows
from otklik.core import files
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee
from otklik.workplace import beside, queue
from otklik.workplace.requests import StaffRequest

SIGNERS = ("appeals.sign", "appeals.attest", "appeals.dispatch", "appeals.draft", "appeals.approve", "appeals.view_all")


class UkepForm(TidyForm):
    """A detached signature file."""

    file = forms.FileField(label="Файл подписи (.sig, .p7s)", error_messages={"required": "Выберите файл подписи."})


class PaperForm(TidyForm):
    """A scan of the signed paper and its date."""

    scan = forms.FileField(
        label="Скан подписанного письма", error_messages={"required": "Приложите скан подписанного письма."}
    )
    signed_on = forms.DateField(label="Дата подписания", widget=DATE_INPUT)
    attested = forms.BooleanField(
        label="Удостоверяю: на скане то же письмо, что передано на подпись",
        error_messages={"required": "Сверьте скан с письмом и отметьте это."},
    )


class SedForm(TidyForm):
    """Number and date of a signature made in СЭД."""

    number = forms.CharField(
        label="Номер документа в СЭД", max_length=60, error_messages={"required": "Укажите номер документа в СЭД."}
    )
    signed_on = forms.DateField(label="Дата подписания", widget=DATE_INPUT)


FORMS: dict[str, type[forms.Form]] = {"ukep": UkepForm, "paper": PaperForm, "sed": SedForm, "head": forms.Form}


@requires(*SIGNERS)
@require_http_methods(["GET", "POST"])
def sign(request: StaffRequest, pk: int) -> HttpResponse:
    """Show where the signature stands; a POST with a way records the signature made outside."""
    appeal = access.get_for(request.user, pk)
    _check_reader(appeal, request.user)
    way = request.POST.get("way", "")
    if request.method != "POST" or way not in FORMS:
        return _page(request, appeal)
    form = FORMS[way](request.POST, request.FILES, prefix=way)
    if not form.is_valid():
        return _page(request, appeal, forms_={way: form}, status=422)
    answer = signature.frozen_of(appeal)
    if answer is None:
        return redirect(queue.step_url(request, "sign", pk))
    try:
        _record(answer, way, form, request.user)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, appeal, forms_={way: form}, status=refusal.status)
    messages.success(request, f"Обращение № {appeal.number}: подпись внесена. Ответ можно отправлять.")
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.draft", "appeals.dispatch")
@require_POST
def freeze(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand the approved text over for signature by the chosen official."""
    appeal = access.get_for(request.user, pk)
    chosen = request.POST.get("signer", "")
    signer = next((one for one in signature.signers(appeal) if str(one.pk) == chosen), None)
    if signer is None:
        messages.error(request, "Выберите, кто подпишет ответ.")
        return redirect(queue.step_url(request, "sign", pk))
    signature.freeze(appeal, signer=signer, by=request.user)
    messages.success(request, f"Ответ передан на подпись ({signer.short_name}). Текст и приложения больше не меняются.")
    if keys := beside.chosen(request):
        others = group_steps.freeze_each(appeal, keys, signer=signer, by=request.user)
        beside.told(request, "С ним передано на подпись писем с тем же текстом", others)
    return redirect(queue.step_url(request, "sign", pk))


@requires(*SIGNERS)
@require_POST
def withdraw(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the answer back for rework."""
    appeal = access.get_for(request.user, pk)
    answer = get_object_or_404(FrozenAnswer, appeal=appeal, withdrawn_at=None, followed_at=None)
    signature.withdraw(answer, by=request.user)
    messages.success(request, "Ответ отозван. Его снова можно править; прежние текст и подпись остались в истории.")
    return redirect(queue.step_url(request, "draft", pk))


@requires(*SIGNERS)
@require_GET
def letter(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give the frozen letter: exactly the bytes that are signed and sent."""
    appeal = access.get_for(request.user, pk)
    _check_reader(appeal, request.user)
    answer = get_object_or_404(FrozenAnswer, appeal=appeal, withdrawn_at=None, followed_at=None)
    response = FileResponse(
        files.open_file(answer.letter),
        as_attachment="download" in request.GET,
        filename=answer.manifest["files"][0]["name"],
        content_type="application/pdf",
    )
    response["Cache-Control"] = "private, no-store"
    return response


@requires(*SIGNERS)
@require_GET
def package(request: StaffRequest, pk: int) -> HttpResponse:
    """Give letter, attachments and the list of their hashes as one archive, to be signed elsewhere."""
    appeal = access.get_for(request.user, pk)
    _check_reader(appeal, request.user)
    answer = get_object_or_404(FrozenAnswer, appeal=appeal, withdrawn_at=None, followed_at=None)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, stored) in enumerate(signature.frozen_files(answer)):
            archive.write(files.path_of(stored), name if number == 0 else f"Приложение {number} — {name}")
        listed = "\n".join(f"{item['sha256']}  {item['name']}" for item in answer.manifest["files"])
        archive.writestr("SHA-256.txt", f"{listed}\n")
    response = HttpResponse(buffer.getvalue(), content_type="application/zip")
    return files.download(response, f"К подписи {appeal.number}.zip")


def _check_reader(appeal: Appeal, user: Employee) -> None:
    """Raise where the appeal complains of the user: until it has left, the answer is not for his eyes."""
    if appeal.status not in FINISHED:
        complained.check_reader(appeal, user)


def _record(answer: FrozenAnswer, way: str, form: forms.Form, by: Employee) -> None:
    data = form.cleaned_data
    if way == "ukep":
        signature.sign_ukep(answer, data["file"], by=by)
    elif way == "paper":
        signature.sign_paper(answer, data["scan"], signed_on=data["signed_on"], by=by)
    elif way == "sed":
        signature.sign_sed(answer, number=data["number"], signed_on=data["signed_on"], by=by)
    else:
        signature.approve_by_head(answer, by=by)


def _page(
    request: StaffRequest, appeal: Appeal, *, forms_: dict[str, forms.Form] | None = None, status: int = 200
) -> HttpResponse:
    user = request.user
    can_freeze = allows(signature.check_can_freeze, appeal, user)
    today = {"signed_on": timezone.localdate()}
    shown = {way: form(prefix=way, initial=today) for way, form in FORMS.items()} | (forms_ or {})
    context = {
        "appeal": appeal,
        "answer": signature.frozen_of(appeal),
        "revision": approval.approved_revision(appeal),
        "forms": shown,
        "opened": next(iter(forms_), "") if forms_ else "",
        "signers": signature.signers(appeal),
        "bound": fixed.of(appeal),
        "may_release": allows(releasing.check_can_decide, appeal, user),
        "can_freeze": can_freeze,
        "same": group_steps.to_freeze(appeal, user) if can_freeze else [],
        "can_withdraw": allows(signature.check_can_withdraw, appeal, user),
        "can_sign": allows(signature.check_can_sign, appeal, user),
        "can_attest": allows(signature.check_can_attest, appeal, user),
        "can_approve": allows(signature.check_can_approve_dispatch, appeal, user),
    }
    return render(request, "workplace/sign.html", context, status=status)
