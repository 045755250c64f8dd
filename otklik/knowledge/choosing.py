"""The choosers of `/cms/`: an author looks for a page to link to with the same search as everybody at work."""

from __future__ import annotations

from typing import Any, Final, Self

from django.db.models import Case, Q, Value, When
from django.http import HttpRequest
from django.utils import timezone
from wagtail.query import PageQuerySet

from otklik.core import typed
from otklik.knowledge import materials, rights
from otklik.people.models import Employee

SHOWN: Final = 50


def found_by_us(pages: Any, request: HttpRequest) -> Any:
    """Return pages of a chooser that are searched by our engine; none for who may not read the Knowledge Base.

    What is not published is offered to those alone who write it.
    """
    user = request.user
    if not (isinstance(user, Employee) and user.has_power("knowledge.read")):
        return pages.none()
    written = Q(live=True)
    for section in rights.sections_edited_by(user, timezone.localdate()):
        written |= Q(path__startswith=section.path)
    ours: Any = ChooserPages(model=pages.model, query=pages.filter(written).query.chain(), using=pages.db)
    ours.reader = user
    return ours


class ChooserPages(PageQuerySet):  # type: ignore[misc]  # Wagtail is untyped
    """Pages whose search is ours: Wagtail's chooser narrows them and then asks `autocomplete`."""

    reader: Employee | None = None

    def _clone(self) -> Self:
        clone: Self = super()._clone()
        clone.reader = self.reader
        return clone

    def autocomplete(self, query: str, **_: Any) -> Any:
        """Return what answers the words, best first; then pages whose title has them all: sections and drafts too."""
        words = typed.words(query, materials.QUERY_MAX)
        found = materials.search(words, user=self.reader, limit=SHOWN, typing=True).pages
        titled = Q()
        for word in words.split():
            titled &= typed.within("title", word) | typed.within("draft_title", word)
        chosen = self.filter(Q(pk__in=found) | (titled if words else Q(pk__in=[])))
        if not found:
            return chosen.order_by("title", "pk")
        place = Case(*(When(pk=pk, then=Value(n)) for n, pk in enumerate(found)), default=Value(len(found)))
        return chosen.order_by(place, "title", "pk")
