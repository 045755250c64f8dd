"""Where Wagtail asks us: documents are served by the marks of their materials; a page opened ends a search."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from wagtail import hooks
from wagtail.documents.models import AbstractDocument
from wagtail.models import Page, ReferenceIndex

from otklik.knowledge import finding, materials
from otklik.knowledge.models import Material


@hooks.register("before_serve_document")
def only_of_public_materials(document: AbstractDocument, request: HttpRequest) -> None:
    """Refuse a citizen a document that no public material carries; employees who may read, read it."""
    user = request.user
    if user.is_authenticated and user.has_power("knowledge.read"):
        return
    carriers = ReferenceIndex.get_references_to(document).values_list("object_id", flat=True)
    if not materials.for_public().filter(pk__in=[int(pk) for pk in carriers if pk.isdigit()]).exists():
        raise Http404


@hooks.register("before_serve_page")
def found_by_a_citizen(page: Page, request: HttpRequest, *_: object) -> None:
    """Note the material a citizen's search ended with; a browser that has not searched is asked nothing."""
    if isinstance(page, Material) and request.method == "GET" and (who := finding.known_citizen(request)):
        finding.opened(who, page.pk)
