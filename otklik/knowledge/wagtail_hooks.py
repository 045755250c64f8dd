"""Where Wagtail asks us: citizens get the documents of the versions that are on the site."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from wagtail import hooks
from wagtail.documents.models import AbstractDocument

from otklik.knowledge import materials


@hooks.register("before_serve_document")
def only_of_public_materials(document: AbstractDocument, request: HttpRequest) -> None:
    """Refuse a citizen a document that nothing on the site carries; employees who may read, read it."""
    user = request.user
    if user.is_authenticated and user.has_power("knowledge.read"):
        return
    if not materials.for_public().filter(public_version__documents=document).exists():
        raise Http404
