"""«Справка»: the guides of docs/guides/ by role, searched by section; the words behind «?» that lead into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Final

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import strip_tags
from django.views.decorators.http import require_safe

from otklik.core import typed
from otklik.core.access import requires
from otklik.people.models import Employee
from otklik.search import analysis
from otklik.workplace import guides
from otklik.workplace.guides import Block
from otklik.workplace.requests import StaffRequest

MOST_FOUND: Final = 20
LONGEST_QUERY: Final = 200
SNIPPET: Final = 180  # letters of a section shown where it is found


@dataclass(frozen=True)
class Guide:
    """One guide: the name of its file, for whom it is, what is in it; `powers`: any of them makes it one's own."""

    code: str
    title: str
    about: str
    powers: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return where it is read."""
        return reverse("workplace:help_guide", args=[self.code])

    def is_own(self, employee: Employee) -> bool:
        """Tell whether this employee works by it; the one for everybody is everybody's."""
        return not self.powers or employee.has_any(self.powers)


GUIDES: Final = (
    Guide("desk", "Всем: рабочее место", "Вход, «Сегодня», поиск, клавиши, скрытые данные, замещение."),
    Guide(
        "clerk",
        "Делопроизводителю",
        "Регистрация, темы и потребности, карантин, назначение, отправка, сверки.",
        ("intake.decide",),
    ),
    Guide("executor", "Исполнителю", "Ответ с материалом Базы знаний, проверки, согласование.", ("appeals.draft",)),
    Guide("head", "Руководителю", "Назначение, согласование, сроки отдела, материалы.", ("appeals.approve",)),
    Guide(
        "signer",
        "Подписывающему и тому, кто ведёт приём",
        "Подпись по одному и папкой, личный приём по п. 35.3.",
        ("appeals.sign", "reception.hold"),
    ),
    Guide(
        "kb-author",
        "Автору Базы знаний",
        "Материалы, отметки доступа, согласование, актуализация раз в квартал.",
        ("knowledge.edit", "knowledge.law"),
    ),
    Guide("consultant", "Консультанту линии", "Звонок, два вопроса, перезвоны, ЕКЦ.", ("hotline.consult",)),
    Guide("receptionist", "Секретарю приёмной", "Запись, документ, согласия, помещение.", ("reception.desk",)),
    Guide("admin", "Администратору", "Сотрудники, роли, календарь, каналы, состояние.", ("people.manage",)),
    Guide("auditor", "Аудитору", "Журнал, цепочки, журнал доступа, соответствие Порядку.", ("journal.view",)),
)
_BY_CODE: Final = {one.code: one for one in GUIDES}


@dataclass(frozen=True)
class Section:
    """A part of a guide under one heading, as plain words, with the lemmas it is found by."""

    guide: Guide
    title: str
    anchor: str
    text: str
    in_title: frozenset[str]
    in_text: frozenset[str]

    @property
    def url(self) -> str:
        """Return where it is read."""
        return f"{self.guide.url}#{self.anchor}" if self.anchor else self.guide.url


@dataclass(frozen=True)
class Hit:
    """A section that was found, and the words of it that say why."""

    section: Section
    snippet: str


@requires()
@require_safe
def shelf(request: StaffRequest) -> HttpResponse:
    """Show the guides, one's own first; where something is asked, the sections that answer it."""
    query = typed.words(request.GET.get("q"), LONGEST_QUERY)
    own = [one for one in GUIDES if one.is_own(request.user)]
    return render(
        request,
        "workplace/help/shelf.html",
        {
            "query": query,
            "found": find(query, own) if query else [],
            "own": own,
            "others": [one for one in GUIDES if one not in own],
        },
    )


@requires()
@require_safe
def guide(request: StaffRequest, code: str) -> HttpResponse:
    """Show a guide whole, with its table of contents; it is printed as it stands."""
    one = _BY_CODE.get(code)
    blocks = blocks_of(code) if one else []
    if not blocks:
        raise Http404
    contents = [block for block in blocks if block.kind == "heading" and block.level == 2]
    return render(request, "workplace/help/guide.html", {"guide": one, "blocks": blocks, "contents": contents})


@requires()
@require_safe
def picture(_: StaffRequest, name: str) -> FileResponse:
    """Give a picture of a guide."""
    path = guides.file_of(name, guides.PICTURES)
    if path is None or path.suffix != ".png":
        raise Http404
    return FileResponse(path.open("rb"), content_type="image/png")


def blocks_of(code: str) -> list[Block]:
    """Return a guide of a role as blocks, its links leading to the guides in the product."""
    return guides.find(code, guides.ROLES, lead=_lead)


def _lead(address: str) -> str:
    """Return where a link of a guide leads here: another guide, a section of this one; nothing for other papers."""
    page, _, anchor = address.partition("#")
    if not page:
        return f"#{anchor}"
    one = _BY_CODE.get(page.removesuffix(".md"))
    return f"{one.url}{f'#{anchor}' if anchor else ''}" if one else ""


@lru_cache(maxsize=1)
def sections() -> tuple[Section, ...]:
    """Return every section of every guide; read once: guides change with the product only."""
    return tuple(section for one in GUIDES for section in _sections(one))


def _sections(one: Guide) -> Iterator[Section]:
    title, anchor, texts = one.title, "", list[str]()
    for block in blocks_of(one.code):
        if block.kind == "heading" and block.level > 1:
            yield _section(one, title, anchor, texts)
            title, anchor, texts = _plain(block.lines[0]), block.anchor, []
        elif block.kind != "heading":
            texts += [_plain(line) for line in (*block.lines, *(cell for row in block.rows for cell in row))]
    yield _section(one, title, anchor, texts)


def _section(one: Guide, title: str, anchor: str, texts: Iterable[str]) -> Section:
    text = " ".join(texts)
    return Section(one, title, anchor, text, frozenset(analysis.words(title)), frozenset(analysis.words(text)))


def _plain(html: str) -> str:
    return unescape(strip_tags(html))


def find(query: str, own: Iterable[Guide] = ()) -> list[Hit]:
    """Return the sections that hold the words of a query in any of their forms, the best first; his own before others.

    Typed in the other layout it is read in the right one.
    """
    for text in (query, analysis.other_layout(query)):
        if hits := _find(set(analysis.words(text)), set(own)):
            return hits
    return []


def _find(wanted: set[str], own: set[Guide]) -> list[Hit]:
    found = []
    for place, section in enumerate(sections()):
        in_title, in_text = wanted & section.in_title, wanted & section.in_text
        held = len(in_title | in_text)
        if held * 2 > len(wanted):
            found.append((-held, -len(in_title), section.guide not in own, place, section))
    found.sort(key=lambda one: one[:4])
    return [Hit(section, _snippet(section.text, wanted)) for *_, section in found[:MOST_FOUND]]


def _snippet(text: str, wanted: set[str]) -> str:
    first = next((token.start for token in analysis.tokens(text) if wanted & set(token.words)), 0)
    begins = text.rfind(". ", 0, first) + 2 if first else 0
    if begins == 1 or first - begins > SNIPPET // 2:
        begins = text.rfind(" ", 0, max(first - SNIPPET // 3, 0)) + 1
    piece = text[begins : begins + SNIPPET]
    return f"{'…' if begins else ''}{piece.rsplit(' ', 1)[0]}…" if len(text) > begins + SNIPPET else piece
