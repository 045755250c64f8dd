"""Where Wagtail asks us: documents are served by the marks of the materials that carry them."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from wagtail import hooks
from wagtail.documents.models import AbstractDocument
from wagtail.models import ReferenceIndex

from otklik.knowledge import materials


@hooks.register("before_serve_document")
def only_of_public_materials(document: AbstractDocument, request: HttpRequest) -> None:
    """Refuse a citizen a document that no public material carries; employees who may read, read it."""
    user = request.user
    if user.is_authenticated and user.has_power("knowledge.read"):
        return
    carriers = ReferenceIndex.get_references_to(document).values_list("object_id", flat=True)
    if not materials.for_public().filter(pk__in=[int(pk) for pk in carriers if pk.isdigit()]).exists():
        raise Http404
