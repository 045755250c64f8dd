"""Two editors of one page at `/cms/`: nobody overwrites what he has not seen, and nothing typed is lost.

Wagtail shows them to each other and refuses an automatic saving over a newer version. A saving by hand is kept here as
a version of its own: it becomes the latest one only when its author, having compared, takes it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from wagtail.admin import messages
from wagtail.log_actions import log
from wagtail.models import COMMENTS_RELATION_NAME, Page, Revision

KEPT_ASIDE: Final = "knowledge.kept_aside"
# The browser's automatic saving may be under way as its own form is sent: that is no second editor.
_UNDER_WAY: Final = timedelta(seconds=10)


def alone_with(page: int) -> None:
    """Let nobody else write the page until the transaction ends.

    Whatever is read of the page after this is not stale. On SQLite the transaction itself keeps others out.
    """
    list(Page.objects.select_for_update().filter(pk=page).values_list("pk"))


def alone_at(path: str) -> None:
    """Let nobody else write the page that a form of `/cms/` is about, before Wagtail reads it."""
    try:
        found = resolve(path)
    except Resolver404:
        return
    page = found.kwargs.get("page_id") or (found.args[0] if found.args else None)
    if "wagtailadmin_pages" in found.namespaces and page is not None:
        alone_with(int(page))


def go_on_with(request: HttpRequest, parent: Page) -> HttpResponse | None:
    """Send a form on to the page that the browser's own automatic saving of it has just made; None without one."""
    just_now = timezone.now() - _UNDER_WAY
    made = parent.get_children().filter(owner=request.user.pk, live=False, first_published_at=None)
    page = made.filter(slug=request.POST.get("slug", ""), latest_revision_created_at__gt=just_now).first()
    return redirect("wagtailadmin_pages:edit", page.pk, preserve_request=True) if page else None


def keep_second(request: HttpRequest, page: Any) -> HttpResponse | None:
    """Keep what was written over a version that is no longer the latest, and show how the two differ.

    None where the page is as it was opened, or the form is refused anyway: it is shown again with what was typed.
    """
    opened = request.POST.get("overwrite_revision_id") or request.POST.get("loaded_revision_id")
    latest = page.latest_revision
    if not opened or latest is None or not _is_newer(latest, request):
        return None
    mine = latest.as_object()
    form = mine.get_edit_handler().get_form_class()(
        request.POST, request.FILES, instance=mine, parent_page=page.get_parent(), for_user=request.user
    )
    form.defer_required_fields()
    if not form.is_valid():
        # Shown again, the form must remember what it was opened over, not what has come since.
        page.latest_revision_id = int(opened) if opened.isdigit() else 0
        return None
    kept = _keep(form.save(commit=False), request.user)
    restore = reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, kept.pk])
    messages.warning(
        request,
        f"Пока вы правили, материал сохранил {_who(latest)}. Ваш вариант сохранён отдельно, текст коллеги не тронут. "
        "Сравните их: слева текст коллеги, справа ваш.",
        buttons=[messages.button(restore, "Взять свой вариант")],
    )
    return redirect("wagtailadmin_pages:revisions_compare", page.pk, latest.pk, kept.pk)


def _is_newer(latest: Revision, request: HttpRequest) -> bool:
    """Tell whether somebody has saved since the form was opened; one may be written over by its author."""
    if latest.user_id == request.user.pk and timezone.now() - latest.created_at < _UNDER_WAY:
        return False
    if saved := request.POST.get("overwrite_revision_id"):
        return bool(saved != str(latest.pk))
    at = request.POST.get("loaded_revision_created_at")
    return request.POST["loaded_revision_id"] != str(latest.pk) or (bool(at) and at != latest.created_at.isoformat())


def _keep(mine: Any, author: Any) -> Revision:
    for comment in getattr(mine, COMMENTS_RELATION_NAME).filter(pk__isnull=True):
        comment.save()  # they belong to the page, whichever version is the latest
    kept = Revision.objects.create(
        content_object=mine,
        base_content_type=mine.get_base_content_type(),
        user=author,
        content=mine.serializable_data(),
        object_str=str(mine),
    )
    log(instance=mine, action=KEPT_ASIDE, user=author, revision=kept, content_changed=False)
    return kept


def _who(revision: Revision) -> str:
    return str(revision.user.short_name) if revision.user else "кто-то другой"
