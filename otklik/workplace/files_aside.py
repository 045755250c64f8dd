"""Files kept aside: what came infected or is a program, and what an administrator decides about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import clamd, examining
from otklik.core.access import requires
from otklik.core.models import FileExamination
from otklik.correspondence.models import IncomingFile, IncomingMessage
from otklik.workplace import system
from otklik.workplace.requests import StaffRequest

State = FileExamination.State
SHOWN = 200


@dataclass(frozen=True)
class Aside:
    """A file that is kept aside, and where it came from; its name may tell of a person, so only its end is shown."""

    row: FileExamination
    suffix: str
    came: str


@requires(*system.POWERS)
@require_GET
def aside(request: StaffRequest) -> HttpResponse:
    """List what is kept aside, what has been decided, and how the antivirus is."""
    rows = list(examining.aside()[:SHOWN])
    came = _came(rows)
    over = FileExamination.objects.exclude(decided_at=None).select_related("decided_by").order_by("-decided_at")
    facts = {
        "rows": [Aside(row, *came.get(row.stored_id, ("", "неизвестно"))) for row in rows],
        "decided": over[:50],
        "antivirus": _antivirus(),
        "waiting": FileExamination.objects.filter(state=State.WAITING).count(),
        "failed": FileExamination.objects.filter(state=State.FAILED).count(),
        "may_decide": request.user.has_power(examining.MANAGE),
    }
    return render(request, "workplace/outside/files_aside.html", facts)


@requires(examining.MANAGE)
@require_http_methods(["GET", "POST"])
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a file out or destroy it, with the reason."""
    row = get_object_or_404(FileExamination.objects.select_related("stored"), pk=pk)
    wrong, status = "", 200
    if request.method == "POST":
        decision = {"release": examining.release, "destroy": examining.destroy}.get(request.POST.get("do", ""))
        try:
            if decision is None:
                wrong, status = "Выберите: разрешить или удалить.", 422
            else:
                decision(row, reason=request.POST.get("reason", ""), by=request.user)
                messages.success(request, f"Файл № {row.stored_id}: {row.get_state_display()}.")
                return redirect("workplace:files_aside")
        except (examining.ReasonNeeded, examining.Decided) as refusal:
            wrong, status = str(refusal), refusal.status
    came = _came([row]).get(row.stored_id, ("", "неизвестно"))[1]
    facts = {"row": row, "came": came, "wrong": wrong, "reason": request.POST.get("reason", "")}
    return render(request, "workplace/outside/file_aside.html", facts, status=status)


def _came(rows: Iterable[FileExamination]) -> dict[int, tuple[str, str]]:
    """Return for each file the end of its name and which message brought it."""
    wanted = [row.stored_id for row in rows]
    found: dict[int, tuple[str, str]] = {}
    for message in IncomingMessage.objects.filter(raw__in=wanted).only("raw_id", "channel", "received_at"):
        assert message.raw_id is not None
        found[message.raw_id] = ("", f"{_words(message)}, целиком")
    for file in IncomingFile.objects.filter(stored__in=wanted).select_related("message").order_by("-pk"):
        suffix = file.name.rpartition(".")[2].lower() if "." in file.name else ""
        found[file.stored_id] = (suffix[:8] if suffix.isalnum() else "", f"{_words(file.message)}, вложение")
    return found


def _words(message: IncomingMessage) -> str:
    on = timezone.localtime(message.received_at)
    return f"сообщение № {message.pk} от {on:%d.%m.%Y}, {message.get_channel_display()}"


def _antivirus() -> str:
    if not settings.CLAMD:
        return ""
    try:
        return clamd.version(settings.CLAMD)
    except clamd.Silent as silent:
        return str(silent)
