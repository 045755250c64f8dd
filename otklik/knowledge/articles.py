"""The short format of import, a question and its answer a line, told in the full one: drafts or published questions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import escape
from django.utils.text import slugify

from otklik.knowledge import portable
from otklik.knowledge.lines import BadLine, Refused, Report, Told
from otklik.knowledge.models import Faq, Function, Mark
from otklik.knowledge.models.kinds import same_question
from otklik.knowledge.portable import Unfit
from otklik.people.models import Unit

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


def records(
    lines: Iterable[tuple[int, dict[str, Any] | BadLine]], report: Report, *, taken: Collection[str], choice: Choice
) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Yield the questions that are not there yet as records of the full format, each new section before its first one.

    `taken`: the keys of the pages there are. What is marked public still waits for a second person.
    """
    keys, functions = set(taken), set(Function.objects.values_list("code", flat=True))
    known = {same_question(text) for pair in Faq.objects.values_list("title", "draft_title") for text in pair}
    for number, line in lines:
        try:
            article = _checked(line)
            if (same := same_question(article["title"])) in known:
                report.skipped.append(Told(number, f"такой вопрос уже есть: «{article['title'][:100]}»"))
                continue
            section = slugify(article["section"], allow_unicode=True)
            if section not in keys:
                yield number, _section(section, article, functions, choice.unit)
        except (BadLine, Unfit) as wrong:
            yield number, BadLine(str(wrong))
            continue
        key = _free(keys, section, article)
        keys |= {section, key}
        known.add(same)
        page = question(article)
        fields = {name: getattr(page, name) for name in ("title", "short_answer", "body")}
        fields |= {"mark": choice.mark, "live": choice.publish}
        yield number, {"type": "material", "kind": Faq.__name__, "key": key, "page": fields}


def _section(slug: str, article: Mapping[str, str], functions: Collection[str], unit: Unit | None) -> dict[str, Any]:
    if unit is None:
        raise Unfit(f"раздела «{article['section']}» нет. Укажите, какое подразделение ведёт новые разделы: --unit")
    fields: dict[str, Any] = {"title": article.get("section_title") or article["section"], "live": True}
    fields |= {"unit": unit.name, "function": slug if slug in functions else None}
    return {"type": "section", "key": slug, "page": fields}


def _free(keys: Collection[str], section: str, article: Mapping[str, str]) -> str:
    wanted = slugify(article.get("id") or article["title"], allow_unicode=True)[:200] or "question"
    key, number = f"{section}/{wanted}", 2
    while key in keys:
        key, number = f"{section}/{wanted}-{number}", number + 1
    return key


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
