"""The answer's editor: text, letterhead, materials beside it, attachments, checks, revisions.

Every button of the page submits the one form, so the text typed so far is saved before anything else happens.
Scripts only add what saves time: autosave, insertion at the cursor, search as one types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, approval, checklist, complained, drafting, group_steps, routes, signature, variants
from otklik.appeals.checklist import Check
from otklik.appeals.letters import compose, word
from otklik.appeals.models import Appeal, Approval, Draft, DraftFile, DraftRevision, MarginRemark
from otklik.appeals.permissions import allows
from otklik.core import files as stored
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, trust
from otklik.knowledge.materials import Insert
from otklik.people.models import Employee
from otklik.workplace import beside, queue
from otklik.workplace.compare import changes
from otklik.workplace.requests import StaffRequest

WRITERS = ("appeals.draft", "appeals.approve", "appeals.view_all")


@requires(*WRITERS)
@require_http_methods(["GET", "POST"])
def draft(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the editor; a POST saves the text and then does what the pressed button says."""
    appeal = opened(request, pk)
    if request.method != "POST":
        return _page(request, appeal)
    text, base_version = _typed(request)
    try:
        saved = drafting.save(
            appeal, text=text, base_version=base_version, by=request.user, compared="theirs" in request.POST
        )
    except drafting.DraftConflict as conflict:
        return in_conflict(request, appeal, conflict)
    except DomainError as refusal:
        return _page(request, appeal, text=text, refusal=refusal)
    try:
        return _pressed(request, appeal, saved)
    except drafting.DraftConflict as conflict:
        return in_conflict(request, appeal, conflict)
    except DomainError as refusal:
        return _page(request, appeal, refusal=refusal)


@requires("appeals.draft", "intake.decide")
@require_POST
def reopen(request: StaffRequest, pk: int) -> HttpResponse:
    """Begin another answer to an applicant who wrote again; whoever may write it goes on to the editor."""
    appeal = opened(request, pk)
    drafting.reopen(appeal, by=request.user)
    messages.success(request, f"Обращение № {appeal.number}: начат новый ответ. Прежний остался в истории.")
    writes = allows(drafting.check_can_draft, appeal, request.user)
    return redirect(queue.step_url(request, "draft" if writes else "card", pk))


@requires(*WRITERS)
@require_POST
def autosave(request: StaffRequest, pk: int) -> JsonResponse:
    """Save what was typed and say when; tell of another's text without touching either."""
    appeal = opened(request, pk)
    text, base_version = _typed(request)
    try:
        saved = drafting.save(appeal, text=text, base_version=base_version, by=request.user)
    except drafting.DraftConflict as conflict:
        drafting.keep_aside(appeal, text, by=request.user)
        return JsonResponse({"text": str(conflict)}, status=conflict.status)
    except DomainError as refusal:
        return JsonResponse({"text": str(refusal)}, status=refusal.status)
    checks = render_to_string("workplace/draft.html#checks", {"checks": _checks(appeal, saved, text)}, request)
    return JsonResponse({"version": saved.version, "saved": _clock(saved), "checks": checks})


@requires(*WRITERS)
@require_GET
def find_materials(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what the Knowledge Base has for the typed words, or for the letter itself while nothing is typed."""
    appeal = opened(request, pk)
    return render(request, "workplace/draft.html#materials", {"appeal": appeal, **_found(request, appeal)})


@requires(*WRITERS)
@require_POST
def insert(request: StaffRequest, pk: int, page_id: int) -> JsonResponse:
    """Give a material's text with filled placeholders, to be put where the cursor stands; its use is recorded."""
    appeal = opened(request, pk)
    take = drafting.insert_link if request.POST.get("how") == "link" else drafting.insert_material
    try:
        taken = take(appeal, page_id, reason=request.POST.get("reason", ""), by=request.user)
    except DomainError as refusal:
        return JsonResponse({"text": str(refusal)}, status=refusal.status)
    citations = drafting.citations_of(drafting.draft_of(appeal))
    used = render_to_string("workplace/draft.html#used", {"citations": citations}, request)
    return JsonResponse({"insert": taken.text, "told": _told(taken, "Вставлено"), "used": used})


@requires(*WRITERS)
@require_GET
def aside(request: StaffRequest, pk: int, page_id: int) -> HttpResponse:
    """Show a material beside the answer; without scripts, on its own page."""
    appeal = opened(request, pk)
    try:
        material = drafting.open_aside(appeal, page_id, by=request.user)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc
    if not request.htmx:
        return redirect("workplace:knowledge_material", pk=page_id)
    finding.opened(finding.Searcher(request.user), page_id)
    context = {"material": material, "section": materials.section_of(material), "trust": trust.of([material])[page_id]}
    return render(request, "workplace/kb/aside.html", context)


@requires("appeals.draft")
@require_POST
def append(request: StaffRequest, pk: int, page_id: int) -> HttpResponse:
    """Put a material at the end of the answer and open it: the way from the card to the editor."""
    appeal = opened(request, pk)
    _append(request, appeal, drafting.draft_of(appeal), page_id, drafting.insert_material)
    return redirect(queue.step_url(request, "draft", pk))


@requires(*WRITERS)
@require_POST
def decline(request: StaffRequest, pk: int, page_id: int) -> HttpResponse:
    """Note that a material did not fit this letter; its owner sees it in the figures of the material."""
    drafting.decline_material(opened(request, pk), page_id, by=request.user)
    return HttpResponse("")


@requires(*WRITERS)
@require_GET
def preview(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the letter as the PDF it would be today, from the saved text."""
    appeal = opened(request, pk)
    return as_letter(request, appeal, drafting.draft_of(appeal).text)


def as_letter(request: StaffRequest, appeal: Appeal, text: str) -> HttpResponse:
    """Show a text as the PDF it would be if it were signed today, with the attachments of the draft named."""
    files = drafting.files_of(drafting.draft_of(appeal))
    signer = _likely_signer(appeal, request.user)
    content = compose.letter_pdf(appeal, text, files, signer, on=timezone.localdate())
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, no-store"
    return response


@requires(*WRITERS)
@require_GET
def as_word(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand out the saved text as a DOCX, to be edited in Word and brought back as the next revision."""
    appeal = opened(request, pk)
    return in_word(drafting.draft_of(appeal).text, f"Проект ответа {appeal.number}")


def in_word(text: str, name: str) -> HttpResponse:
    """Hand out a text as a DOCX."""
    return stored.download(HttpResponse(word.document(text), content_type=word.TYPE), f"{name}.docx")


@requires(*WRITERS)
@require_GET
def revisions(request: StaffRequest, pk: int) -> HttpResponse:
    """Show kept revisions and what changed between two of them (by default: the last one and the text as it is)."""
    appeal = opened(request, pk)
    current = drafting.draft_of(appeal)
    kept = list(DraftRevision.objects.filter(draft=current.pk).select_related("author").order_by("-seq"))
    older, newer = _picked(request.GET.get("from"), kept), _picked(request.GET.get("to"), kept)
    older = older or (kept[0] if kept else None)
    context = {
        "appeal": appeal,
        "draft": current,
        "revisions": kept,
        "older": older,
        "newer": newer,
        "changes": changes(older.text if older else "", newer.text if newer else current.text),
        "can_restore": allows(drafting.check_can_draft, appeal, request.user),
    }
    return render(request, "workplace/revisions.html", context)


@requires(*WRITERS)
@require_POST
def restore(request: StaffRequest, pk: int, seq: int) -> HttpResponse:
    """Make the text of a kept revision the current one; the text it replaces is kept as well."""
    appeal = opened(request, pk)
    current = drafting.draft_of(appeal)
    chosen = get_object_or_404(DraftRevision, draft=current.pk, seq=seq)
    try:
        drafting.save(appeal, text=chosen.text, base_version=_typed(request)[1], by=request.user, compared=True)
    except drafting.DraftConflict as conflict:
        return in_conflict(request, appeal, conflict)
    messages.success(request, f"Возвращена редакция {seq}. Прежний текст сохранён среди редакций.")
    return redirect(queue.step_url(request, "draft", pk))


def opened(request: StaffRequest, pk: int) -> Appeal:
    """Return an appeal whose draft the user may read: not of whom it complains."""
    appeal = access.get_for(request.user, pk)
    complained.check_reader(appeal, request.user)
    return appeal


def _typed(request: StaffRequest) -> tuple[str, int]:
    """Return the text with plain line ends, and the version it started from."""
    return request.POST.get("text", "").replace("\r\n", "\n"), typed.number(request.POST.get("base_version")) or 0


def _pressed(request: StaffRequest, appeal: Appeal, saved: Draft) -> HttpResponse:
    """Do what the pressed button says, after the text was saved."""
    pressed = request.POST
    if "ask" in pressed:
        return _ask(request, appeal)
    if "attach" in pressed:
        _attach(request, appeal)
    elif "take_text" in pressed:
        _take_text(request, appeal, saved)
    elif "keep_variant" in pressed:
        kept = variants.keep_current(appeal, pressed.get("variant_name", ""), by=request.user)
        messages.success(request, f"Текст отложен: «{kept.name}». Пишите дальше — вариант не изменится.")
    elif done := pressed.get("done"):
        approval.done(appeal, typed.number(done) or 0, answer=pressed.get(f"answer-{done}", ""), by=request.user)
        messages.success(request, "Замечание отмечено как учтённое: согласующий увидит, что сделано.")
    elif detached := pressed.get("detach"):
        drafting.detach(appeal, typed.number(detached) or 0, by=request.user)
    elif page_id := pressed.get("insert"):
        _append(request, appeal, saved, typed.number(page_id) or 0, drafting.insert_material)
    elif page_id := pressed.get("link"):
        _append(request, appeal, saved, typed.number(page_id) or 0, drafting.insert_link)
    elif page_id := pressed.get("decline"):
        drafting.decline_material(appeal, typed.number(page_id) or 0, by=request.user)
    elif "take_theirs" in pressed:
        theirs = pressed.get("theirs", "").replace("\r\n", "\n")
        drafting.save(appeal, text=theirs, base_version=saved.version, by=request.user, compared=True)
        messages.success(request, "Взят текст коллеги. Ваш вариант сохранён среди редакций.")
    elif "search" not in pressed:
        messages.success(request, f"Сохранено в {_clock(saved)}.")
    if "search" in pressed:
        return redirect(reverse("workplace:draft", args=[appeal.pk], query={"q": pressed.get("q", "")}))
    return redirect(queue.step_url(request, "draft", appeal.pk))


@transaction.atomic
def _append(request: StaffRequest, appeal: Appeal, saved: Draft, page_id: int, take: Callable[..., Insert]) -> None:
    taken = take(appeal, page_id, reason=request.POST.get(f"reason-{page_id}", ""), by=request.user)
    whole = f"{saved.text.rstrip()}\n\n{taken.text}".lstrip()
    drafting.save(appeal, text=whole, base_version=saved.version, by=request.user)
    messages.success(request, _told(taken, "Вставлено в конец текста"))


def _told(taken: Insert, what: str) -> str:
    """Say what was put in and what is left to a person."""
    told = f"{what}: «{taken.title}»."
    if taken.empty:
        told += f" Заполните: {', '.join(f'{{{name}}}' for name in taken.empty)}."
    if taken.unsure:
        told += f" Проверьте падеж: {', '.join(f'«{words}»' for words in taken.unsure)}."
    return told


def _ask(request: StaffRequest, appeal: Appeal) -> HttpResponse:
    offered = routes.for_appeal(appeal, on=timezone.localdate()) if request.POST.get("route") else []
    route = next((one for one in offered if str(one.pk) == request.POST["route"]), None)
    chosen = [person for person in approval.candidates(appeal, request.user) if str(person.pk) in _ids(request)]
    route = None if chosen else route
    rows = approval.ask(appeal, approvers=chosen, route=route, by=request.user)
    names = ", ".join(row.approver.short_name for row in rows)
    messages.success(request, f"Обращение № {appeal.number}: проект передан на согласование — {names}")
    if keys := beside.chosen(request):
        others = group_steps.ask_each(appeal, keys, approvers=chosen, route=route, by=request.user)
        beside.told(request, "С ним передано писем с тем же текстом", others)
    return redirect(queue.card_url(request, appeal.pk))


def _ids(request: StaffRequest) -> set[str]:
    return set(request.POST.getlist("approvers"))


def _take_text(request: StaffRequest, appeal: Appeal, saved: Draft) -> None:
    """Put the text of the brought document in place of what is written; that stays among the revisions."""
    upload = request.FILES.get("text_file")
    if upload is None:
        messages.warning(request, "Сначала выберите файл с текстом, затем нажмите «Взять текст».")
        return
    drafting.take_text(appeal, upload, base_version=saved.version, by=request.user)
    messages.success(request, "Текст взят из файла. Прежний текст сохранён среди редакций.")


def _attach(request: StaffRequest, appeal: Appeal) -> None:
    """Take the good files and say of each other one why it was not taken."""
    uploads = request.FILES.getlist("files")
    if not uploads:
        messages.warning(request, "Сначала выберите файл, затем нажмите «Прикрепить».")
    for upload in uploads:
        try:
            drafting.attach(appeal, upload, by=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))


def in_conflict(request: StaffRequest, appeal: Appeal, conflict: drafting.DraftConflict) -> HttpResponse:
    """Show both texts and what the colleague's has that the one on the screen has not; nothing is chosen for him."""
    drafting.keep_aside(appeal, conflict.mine, by=request.user)
    context = {"appeal": appeal, "conflict": conflict, "changes": changes(conflict.mine, conflict.theirs)}
    return render(request, "workplace/draft_conflict.html", context, status=conflict.status)


def _page(
    request: StaffRequest, appeal: Appeal, *, text: str | None = None, refusal: DomainError | None = None
) -> HttpResponse:
    current = drafting.draft_of(appeal)
    shown = current.text if text is None else text
    files = drafting.files_of(current)
    signer = _likely_signer(appeal, request.user)
    margin = approval.remarks_of(appeal, shown)
    people = approval.candidates(appeal, request.user)
    can_ask = allows(approval.check_can_ask, appeal, request.user) or appeal.status == Appeal.Status.ASSIGNED
    context = {
        "appeal": appeal,
        "draft": current,
        "text": shown,
        "refusal": refusal,
        "files": files,
        "letter": compose.letter_of(appeal, shown, files, signer, on=timezone.localdate()),
        "checks": _checks(appeal, current, shown, files, margin),
        "citations": drafting.citations_of(current),
        "approvers": people,
        "likely": approval.likely(appeal, request.user, people),
        "routes": routes.for_appeal(appeal, on=timezone.localdate()),
        "margin": margin,
        "remarks": _remarks(current),
        "why_closed": _why_closed(appeal, request.user),
        "can_ask": can_ask,
        "same": group_steps.to_ask(appeal, request.user, text=current.text) if can_ask else [],
        "can_freeze": allows(signature.check_can_freeze, appeal, request.user),
        "variants": variants.of(appeal),
        **_found(request, appeal),
    }
    return render(request, "workplace/draft.html", context, status=refusal.status if refusal else 200)


def _why_closed(appeal: Appeal, user: Employee) -> str:
    """Return why the user may not write here; empty where he may."""
    try:
        drafting.check_can_draft(appeal, user)
    except DomainError as refusal:
        return str(refusal)
    return ""


def _checks(
    appeal: Appeal,
    current: Draft,
    text: str,
    files: Sequence[DraftFile] | None = None,
    remarks: Sequence[MarginRemark] | None = None,
) -> list[Check]:
    """Return the checks as the page lists them: what stops first, then what is advised."""
    attached = drafting.files_of(current) if files is None else files
    approved = approval.approved_revision(appeal) is not None
    return checklist.shown(
        [
            *checklist.of_answer(appeal, text, attached, drafting.facts(appeal), remarks=remarks),
            Check("approval", "Согласовано", approved, "Этот текст ещё не согласован. После правки согласуют заново."),
            Check(
                "signer",
                "Есть кому подписать",
                bool(signature.signers(appeal)),
                "Сегодня ни у кого нет права подписи. Сообщите администратору.",
            ),
        ]
    )


def _found(request: StaffRequest, appeal: Appeal) -> dict[str, object]:
    """Return the materials for the panel: what was searched for, else suggestions for the letter and its questions."""
    query, part = typed.words(request.GET.get("q"), materials.QUERY_MAX), bool(request.htmx)
    if query and not (part and len(query) < materials.BEGUN):
        found = materials.search(query, user=request.user, limit=8, typing=part)
        key = finding.typed(finding.Searcher(request.user), query, found.pages, finding.told_by(request))
        return {"query": query, "suggested": [drafting.Suggested("", found)], "search_key": key}
    first = appeal.messages.filter(first=True).select_related("message").first()
    letter = first.message.text if first else ""
    return {"query": "", "suggested": drafting.suggest_materials(appeal, letter, user=request.user, limit=6)}


def _remarks(current: Draft) -> list[Approval]:
    """Return the remarks of the last return for rework."""
    returned = Approval.objects.filter(revision__draft=current.pk, decision=Approval.Decision.RETURNED)
    return list(returned.select_related("decided_by").order_by("-decided_at")[:3])


def _likely_signer(appeal: Appeal, user: Employee) -> Employee:
    """Return whose name the preview shows: the signer is chosen only when the text is handed over."""
    return next(iter(signature.signers(appeal)), user)


def _picked(seq: str | None, kept: Sequence[DraftRevision]) -> DraftRevision | None:
    return next((row for row in kept if str(row.seq) == seq), None)


def _clock(saved: Draft) -> str:
    return f"{timezone.localtime(saved.saved_at):%H:%M}" if saved.saved_at else ""
