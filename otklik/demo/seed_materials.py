"""A large Knowledge Base for measurements: thousands of questions in bulk, with what stands beside them on a page.

Only for figures: rows have no journal, no versions and no place in the search index.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.models import Collection, Locale, Page

from otklik.demo.stories import PLACES, STORIES
from otklik.knowledge import defaults
from otklik.knowledge.models import (
    Attachment,
    Faq,
    Mark,
    Material,
    MaterialUse,
    Reference,
    Section,
    Vote,
)
from otklik.people.models import Employee, Unit

IN_SECTION: Final = 500
PARAGRAPHS: Final = 6  # of an answer
AGE: Final = timedelta(days=400)


@transaction.atomic
def plant(count: int) -> int:
    """Add `count` questions in sections of 500, spread over the units; return how many sections that took.

    Each refers to two others, has a file, was inserted twice and voted for once. The same count gives the same rows.
    """
    home, units = defaults.load(), list(Unit.objects.order_by("pk"))
    sower, made = _Sower(), 0
    for start in range(0, count, IN_SECTION):
        number = start // IN_SECTION
        section = Section(
            title=f"Измерения, раздел {number + 1}", slug=f"bench-{number}", unit=units[number % len(units)]
        )
        home.add_child(instance=section)
        sower.sow(section, range(start, min(start + IN_SECTION, count)))
        made += 1
    return made


class _Sower:
    """Holds what every row refers to."""

    def __init__(self) -> None:
        self.chance = Random(2725)  # noqa: S311 - figures, not secrets
        self.published = timezone.now() - AGE
        self.people = list(Employee.objects.order_by("pk"))
        [self.document] = Document.objects.bulk_create(
            [Document(title="Форма заявления", file="documents/form.pdf", collection=Collection.get_first_root_node())]
        )
        self.of_page: dict[str, Any] = {
            "content_type": ContentType.objects.get_for_model(Faq),
            "locale": Locale.get_default(),
            "live": True,
            "first_published_at": self.published,
            "last_published_at": self.published,
        }

    def sow(self, section: Section, numbers: range) -> None:
        """Fill a section and write down its number of children, as the tree keeps it."""
        pages = Page.objects.bulk_create([self._page(section, at, one) for at, one in enumerate(numbers, 1)])
        questions = [self._question(page) for page in pages]
        # A kind's row lies in three tables; `bulk_create` fills the first, and refuses the other two.
        for kind in (Material, Faq):
            rows: Any = kind._base_manager.all()
            rows._insert(questions, fields=kind._meta.local_concrete_fields)
        Page.objects.filter(pk=section.pk).update(numchild=len(pages))
        self._beside([page.pk for page in pages])

    def _page(self, section: Section, at: int, number: int) -> Page:
        title = f"{self.chance.choice(STORIES).subject}, случай {number + 1}"
        path, slug = Page._get_path(section.path, section.depth + 1, at), f"q{number}"
        named = {"title": title, "draft_title": title, "slug": slug, "url_path": f"{section.url_path}{slug}/"}
        return Page(path=path, depth=section.depth + 1, **named, **self.of_page)

    def _question(self, page: Page) -> Faq:
        said = [
            self.chance.choice(STORIES).text.format(place=self.chance.choice(PLACES), house="д. 1")
            for _ in range(PARAGRAPHS)
        ]
        body = "".join(f"<p>{words}</p>" for words in said)
        own = {"mark": Mark.FOR_ANSWERS, "short_answer": said[0], "body": body}
        return Faq(page_ptr_id=page.pk, material_ptr_id=page.pk, **own)

    def _beside(self, pages: list[int]) -> None:
        references, uses, votes, files = [], [], [], []
        for at, pk in enumerate(pages):
            references += [Reference(page_id=pk, target_id=pages[at - step], sort_order=step) for step in (1, 2)]
            by = self.chance.choice(self.people)
            uses += [MaterialUse(page_id=pk, revision=0, action=MaterialUse.Action.INSERTED, by=by) for _ in range(2)]
            votes.append(Vote(page_id=pk, revision=0, helped=True, state=Vote.State.CLOSED, by=by))
            files.append(Attachment(page_id=pk, document=self.document))
        Reference.objects.bulk_create(references)
        MaterialUse.objects.bulk_create(uses)
        Vote.objects.bulk_create(votes)
        Attachment.objects.bulk_create(files)
