"""Rich text as a page shows it: links to materials lead employees to the desk, citizens only to what is on the site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.urls import reverse
from django.utils.html import escape
from wagtail.documents.rich_text import DocumentLinkHandler
from wagtail.rich_text.rewriters import LinkRewriter

from otklik.knowledge import materials
from otklik.knowledge.models import Section

Attrs = dict[str, str]
_NOWHERE: Final = "<a>"


def _ids(links: list[Attrs]) -> set[int]:
    return {int(link["id"]) for link in links if link.get("id", "").isdigit()}


def _for_staff(links: list[Attrs]) -> list[str]:
    asked = _ids(links)
    found = {pk: reverse("workplace:knowledge_section", args=[pk]) for pk in _sections(asked)}
    readable = materials.published().filter(pk__in=asked).values_list("pk", flat=True)
    found |= {pk: reverse("workplace:knowledge_material", args=[pk]) for pk in readable}
    return _tags(links, found)


def _for_site(links: list[Attrs]) -> list[str]:
    asked = _ids(links)
    found = {one.pk: one.get_url() or "" for one in materials.for_public().filter(pk__in=asked)}
    open_sections = {one.pk for one in materials.sections()} & asked
    found |= {one.pk: one.get_url() or "" for one in Section.objects.filter(pk__in=open_sections)}
    return _tags(links, found)


def _sections(asked: set[int]) -> list[int]:
    return list(Section.objects.filter(pk__in=asked, live=True).values_list("pk", flat=True))


def _tags(links: list[Attrs], found: dict[int, str]) -> list[str]:
    """Return a tag for each link; what is not there for this reader stays as words without an address."""
    asked = (found.get(int(link["id"])) if link.get("id", "").isdigit() else None for link in links)
    return [f'<a href="{escape(url)}">' if url else _NOWHERE for url in asked]


def _rewriter(pages: Callable[[list[Attrs]], list[str]]) -> LinkRewriter:
    return LinkRewriter(bulk_rules={"page": pages, "document": DocumentLinkHandler.expand_db_attributes_many})


for_staff: Final = _rewriter(_for_staff)
for_site: Final = _rewriter(_for_site)
