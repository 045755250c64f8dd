"""Where Wagtail asks us: sending to be agreed, two editors of one page, what the editor does before the server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.action_menu import ActionMenuItem
from wagtail.log_actions import LogActionRegistry

from otklik.core.errors import DomainError
from otklik.knowledge import agreement, choosing, editors, rights
from otklik.knowledge.models import Agreement
from otklik.knowledge.models.structure import SEND
from otklik.people.models import Employee


class ToAgree(ActionMenuItem):
    """The author's button; who may publish has Wagtail's own."""

    name = SEND
    icon_name = "mail"
    order = -10  # first, so it is seen without opening the list

    def is_shown(self, context: dict[str, Any]) -> bool:
        """Tell whether the button is offered: on a page one may edit and not publish."""
        place = context["parent_page"] if context["view"] == "create" else context["page"]
        may_publish = place.permissions_for_user(context["request"].user).can_publish()
        return super().is_shown(context) and context["view"] != "revisions_revert" and not may_publish

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        """Say what the press will do: a head agrees with himself."""
        context: dict[str, Any] = super().get_context_data(parent_context)
        place = parent_context["parent_page" if parent_context["view"] == "create" else "page"]
        own = _agrees_himself(place, parent_context["request"])
        context["label"] = "Согласовать и опубликовать" if own else "Отправить на согласование"
        return context


@hooks.register("register_page_action_menu_item")
def to_agree() -> ActionMenuItem:
    """Offer the author to send what he wrote to be agreed."""
    return ToAgree()


@hooks.register("register_log_actions")
def own_words(actions: LogActionRegistry) -> None:
    """Name what Wagtail has no word for."""
    actions.register_action(editors.KEPT_ASIDE, "Второй вариант", "Второй вариант сохранён отдельно")


@hooks.register("before_create_page")
def is_made_once(request: HttpRequest, parent: Any, kind: type) -> HttpResponse | None:
    """Let no form make a second page where an automatic saving under way has made the first."""
    by_hand = request.method == "POST" and request.accepts("text/html")
    return editors.go_on_with(request, parent) if by_hand else None


@hooks.register("before_edit_page")
def second_is_kept_aside(request: HttpRequest, page: Any) -> HttpResponse | None:
    """Let nobody save over a version he has not seen; tell who opens the editor what was said of the page."""
    if not request.accepts("text/html"):  # an automatic saving: Wagtail refuses it itself, and says so beside the form
        return None
    if request.method == "POST":
        return editors.keep_second(request, page)
    if (last := agreement.latest_of(page)) is not None:
        _tell(request, last)
    return None


@hooks.register("after_create_page")
@hooks.register("after_edit_page")
def sent(request: HttpRequest, page: Any) -> HttpResponse | None:
    """Send the version just saved to be agreed, where the author pressed that button."""
    if SEND not in request.POST or not request.accepts("text/html"):
        return None
    assert isinstance(request.user, Employee)
    try:
        row = agreement.ask(page, by=request.user)
        if _agrees_himself(page, request):
            agreement.agree(row, by=request.user)
            messages.success(request, f"«{row.page.draft_title}»: согласовано и опубликовано.")
        else:
            messages.success(request, f"«{page.draft_title}» отправлен на согласование.")
    except DomainError as refused:
        messages.error(request, str(refused))
    return redirect("wagtailadmin_pages:edit", page.pk)


def _agrees_himself(page: Any, request: HttpRequest) -> bool:
    section = agreement.section_of(page)
    assert isinstance(request.user, Employee)
    return section is not None and rights.may_agree(request.user, section, on=timezone.localdate())


def _tell(request: HttpRequest, last: Agreement) -> None:
    buttons = [messages.button(reverse("workplace:agreement", args=[last.pk]), "Открыть")]
    if last.state == Agreement.State.WAITING:
        said = "Материал на согласовании. Что напишете сейчас, попадёт к согласующему, когда отправите снова."
        messages.info(request, said, buttons)
    else:
        who = f" ({last.decided_by.short_name})" if last.decided_by else ""
        messages.warning(request, f"Материал возвращён{who}: {last.remark}", buttons)


@hooks.register("insert_global_admin_js")
def scripts() -> SafeString:
    """Return what pages of `/cms/` do before the server: pasted text keeps its structure, too much is held back."""
    return format_html(
        '<script src="{}" defer></script><script src="{}" data-most="{}" defer></script>',
        static("js/cms-paste.js"),
        static("js/cms-size.js"),
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    )


hooks.register("construct_page_chooser_queryset", choosing.found_by_us)


@hooks.register("construct_help_menu")
def nothing_of_other_hosts(request: HttpRequest, items: list[Any]) -> None:
    """Leave out what leads to other hosts: the network is closed, and the guide for authors is our own."""
    items[:] = [item for item in items if not item.url.startswith("http")]
