"""The short format of import: a question and its answer a line; each becomes a draft or a published question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.html import escape
from django.utils.text import slugify

from otklik.core import journal
from otklik.knowledge import portable
from otklik.knowledge.lines import BadLine, Refused, Report, Told
from otklik.knowledge.models import Faq, Function, KnowledgeHome, Mark, Section
from otklik.knowledge.models.kinds import same_question
from otklik.knowledge.portable import Unfit
from otklik.people.models import Employee, Unit

FIELDS: Final = ("id", "section", "section_title", "title", "body")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[А-ЯЁ«])")
_SHORT: Final = 320  # characters of a short answer
_LONGEST: Final = 200_000


@dataclass(frozen=True)
class Choice:
    """How questions are taken: drafts or published, with which mark, and who keeps sections that are new."""

    publish: bool = False
    mark: str = Mark.INTERNAL
    unit: Unit | None = None


def question(article: Mapping[str, str], **fields: Any) -> Faq:
    """Return a question made of an article: its first sentences are the short answer."""
    paragraphs = [paragraph.strip() for paragraph in article["body"].split("\n\n") if paragraph.strip()]
    short = ""
    for sentence in _SENTENCE.split(paragraphs[0]):
        if short and len(short) + len(sentence) > _SHORT:
            break
        short = f"{short} {sentence}".strip()
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return Faq(title=article["title"], short_answer=short, body=body, **fields)


def take(
    records: Iterable[tuple[int, dict[str, Any] | BadLine]],
    report: Report,
    *,
    home: KnowledgeHome,
    choice: Choice,
    by: Employee | None,
) -> None:
    """Add the questions that are not there yet; what is marked public still waits for a second person."""
    sections = _Sections(home, choice.unit, report, by)
    known = {same_question(text) for pair in Faq.objects.values_list("title", "draft_title") for text in pair}
    made: dict[str, dict[str, object]] = {}
    for number, record in records:
        try:
            article = _checked(record)
            if (same := same_question(article["title"])) in known:
                report.skipped.append(Told(number, f"такой вопрос уже есть: «{article['title'][:100]}»"))
                continue
            section = sections.get(article)
        except (BadLine, Unfit) as wrong:
            report.bad.append(Told(number, str(wrong)))
            continue
        known.add(same)
        page = question(article, mark=choice.mark, slug=sections.free_slug(section, article), live=False, owner=by)
        section.add_child(instance=page)
        version = page.save_revision(user=by, clean=False)
        if choice.publish:
            version.publish(user=by, skip_permission_checks=True)
        made[f"material:{page.pk}"] = {"revision": version.pk, "row": number}
        report.made["материалов"] += 1
    journal.record_each("material.imported", made, by=by)


class _Sections:
    """The sections that questions go to, by their codes; a new one is made on first need."""

    def __init__(self, home: KnowledgeHome, unit: Unit | None, report: Report, by: Employee | None) -> None:
        self.home, self.unit, self.report, self.by = home, unit, report, by
        self.known: dict[str, Section] = {section.slug: section for section in Section.objects.all()}
        self.slugs: dict[int, set[str]] = {}

    def get(self, article: Mapping[str, str]) -> Section:
        slug = slugify(article["section"], allow_unicode=True)
        if slug not in self.known:
            if self.unit is None:
                raise Unfit(
                    f"раздела «{article['section']}» нет. Укажите, какое подразделение ведёт новые разделы: --unit"
                )
            function = Function.objects.filter(code=slug).first()
            title = article.get("section_title") or article["section"]
            section = Section(title=title, slug=slug, function=function, unit=self.unit, live=False)
            try:
                self.home.add_child(instance=section)
            except ValidationError as wrong:
                raise Unfit("; ".join(wrong.messages)) from wrong
            section.save_revision(user=self.by).publish(user=self.by, skip_permission_checks=True)
            section.refresh_from_db()
            self.known[slug] = section
            self.report.made["разделов"] += 1
        return self.known[slug]

    def free_slug(self, section: Section, article: Mapping[str, str]) -> str:
        if section.pk not in self.slugs:
            self.slugs[section.pk] = set(section.get_children().values_list("slug", flat=True))
        taken = self.slugs[section.pk]
        wanted = slugify(article.get("id") or article["title"], allow_unicode=True)[:200] or "question"
        slug, number = wanted, 2
        while slug in taken:
            slug, number = f"{wanted}-{number}", number + 1
        taken.add(slug)
        return slug


def _checked(record: dict[str, Any] | BadLine) -> dict[str, str]:
    if isinstance(record, BadLine):
        raise record
    if unknown := sorted(set(record) - set(FIELDS)):
        raise Unfit(f"неизвестные поля: {', '.join(unknown)[:200]}")
    for name in FIELDS:
        if not isinstance(record.get(name, ""), str):
            raise Unfit(f"{name}: ждали текст в кавычках")
    portable.check_text(record)
    article = {name: str(value).strip() for name, value in record.items()}
    for name, word in (("section", "код раздела"), ("title", "вопрос"), ("body", "ответ")):
        if not article.get(name):
            raise Unfit(f"{name}: напишите {word}")
    if not slugify(article["section"], allow_unicode=True) or len(article["section"]) > 100:
        raise Unfit("section: код раздела — до ста букв и цифр")
    article["title"] = " ".join(article["title"].split())
    longest = {"title": 255, "section_title": 255, "body": _LONGEST}
    for name, limit in longest.items():
        if len(article.get(name, "")) > limit:
            raise Unfit(f"{name}: длиннее {limit} знаков")
    return article


def unit_called(text: str) -> Unit:
    """Return the unit by its index, name or short name."""
    for name in ("index", "name", "short_name"):
        found = list(Unit.objects.filter(**{name: text})[:2]) if text else []
        if len(found) == 1:
            return found[0]
    raise Refused(why=f"подразделения «{text}» нет. Назовите его индекс или название, как в справочнике.")
