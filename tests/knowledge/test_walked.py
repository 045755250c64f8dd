"""Two walks over every address there is: no inner word comes out, and an author changes nothing of another unit.

Run with `-s` to read what was walked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.test import Client
from django.urls import reverse
from wagtail.documents.models import Document
from wagtail.models import Page, Revision

from otklik.core.models import JournalEntry
from otklik.knowledge import file_texts, public
from otklik.knowledge.models import (
    KINDS,
    Attachment,
    Faq,
    Mark,
    Material,
    PublicVersion,
    ReceptionHours,
    ReceptionSchedule,
    Reference,
    Script,
)
from tests.api.conftest import made
from tests.appeals.conftest import World
from tests.house.test_doors import doors
from tests.knowledge.test_kinds import fields_of
from tests.knowledge.test_rights import signed_in, typed

pytestmark = pytest.mark.django_db
SECRET = "Ненаружу"
# Words people would type; of those misspelt nothing may be made that is found inside only.
ASKED = ("ненаружу", "ненар", "ненаружц", "гараж", "вопрос")
MISSPELT = "ненаружц"
NUMBERED = re.compile(r"<(?:row|int):(\w+)>")


def tell(title: str, walked: dict[str, str]) -> None:
    """Print what was walked, an address a line."""
    sys.stdout.write(f"\n{title}: {len(walked)}\n" + "".join(f"  {one} {said}\n" for one, said in walked.items()))


def secretly(page: Material) -> Material:
    """Put the inner word into every text of a material."""
    for field in page._meta.concrete_fields:
        mine = field.name in {"title", "staff_note", "search_description"} or field.model is type(page)
        if mine and isinstance(field, models.CharField | models.TextField) and not field.choices:
            value = getattr(page, field.name)
            if isinstance(field, models.URLField):
                setattr(page, field.name, f"https://example.org/{SECRET}")
            elif isinstance(value, str) and not isinstance(field, models.EmailField):
                setattr(page, field.name, f"{value} {SECRET}".strip())
    return page


@pytest.fixture
def inside(garages, leases, land, author):
    """Everything that is not for citizens: each kind as far inside as it may be, newer words of what is on the site."""
    file = Document.objects.create(title=f"Файл {SECRET}", file=ContentFile(SECRET.encode(), f"{SECRET}.txt"))
    hidden = []
    for number, kind in enumerate(KINDS):
        for mark in {Mark.INTERNAL, Mark.FOR_ANSWERS} & set(kind.marks):
            page = secretly(
                kind(title="Гараж", slug=f"h{number}-{mark}", mark=mark, live=False, **fields_of(kind, land))
            )
            if kind is Script:
                page.steps[0].value["say"] = SECRET
            leases.add_child(instance=page)
            if kind is ReceptionSchedule:
                page.hours.add(ReceptionHours(day=1, starts="09:00", ends="12:00", note=SECRET))
            page.attachments.add(Attachment(document=file))
            page.save_revision(user=author).publish()
            hidden.append(kind.objects.get(pk=page.pk))
    shown = []
    for number, kind in enumerate(one for one in KINDS if Mark.PUBLIC in one.marks):
        fields = fields_of(kind, land)
        page = kind(title=f"Открытый вопрос {number}", slug=f"s{number}", mark=Mark.PUBLIC, live=False, **fields)
        page.staff_note = f"<p>{SECRET}</p>"
        if kind is Faq:
            page.body = f'<p>См. <a linktype="page" id="{hidden[0].pk}">другое</a></p>'
        garages.add_child(instance=page)
        page.references.add(Reference(target=hidden[0], place=SECRET))
        page.attachments.add(Attachment(document=file, inner=True))
        page.save_revision(user=author).publish()
        page = kind.objects.get(pk=page.pk)
        public.let_out(page)
        secretly(page).save_revision(user=author).publish()
        shown.append(kind.objects.get(pk=page.pk))
    gone = garages.add_child(
        instance=Faq(title=f"Снятый {SECRET}", slug="gone", mark=Mark.PUBLIC, short_answer="Было.")
    )
    gone.save_revision(user=author).publish()
    public.let_out(Faq.objects.get(pk=gone.pk))
    Faq.objects.get(pk=gone.pk).unpublish()
    while file_texts.read_next():
        pass
    return hidden, [*shown, Faq.objects.get(pk=gone.pk)], file


def addresses(numbers: list[int], words: dict[str, list[str]]) -> Iterator[tuple[str, Any]]:
    """Yield every address outside the API with the values that would lead inside; regular expressions are Wagtail's."""
    for route, door in doors():
        if route.startswith(("api/v1/", "stand/")) or re.search(r"[\\(\[*+]", route):
            continue
        outside = "public" in getattr(door.callback, "access", ())
        tried = [route.replace("^", "").replace("$", "")]
        while any("<" in one for one in tried):
            asked = re.search(r"<(?:\w+:)?(\w+)>", next(one for one in tried if "<" in one))
            assert asked
            number = NUMBERED.fullmatch(asked[0])
            values = list(map(str, numbers)) if number else words.get(asked[1], ["x"])
            tried = [one.replace(asked[0], value, 1) for one in tried for value in (values if outside else values[:1])]
        yield from ((f"/{one}", door) for one in dict.fromkeys(tried))


def test_no_inner_word_reaches_any_address_outside_nor_any_field_of_the_api(client: Client, inside: Any) -> None:
    hidden, shown, file = inside
    numbers = [page.pk for page in (*hidden, *shown)] + [file.pk]
    slugs = [page.slug for page in (*hidden, *shown)]
    words = {"section": ["garages", "leases"], "slug": slugs, "name": [file.filename], "channel": ["site"]}
    walked: dict[str, str] = {}

    def look(name: str, answer: Any, asked: str = "") -> None:
        text = b"".join(answer) if answer.streaming else answer.content
        said = text.decode(errors="replace") + str(answer.headers.get("Location", "")).replace(f"/{file.filename}", "")
        assert SECRET not in said, name
        assert asked != MISSPELT or SECRET.lower() not in said.lower(), name
        assert not any(page.url in said for page in hidden), name
        walked[name] = f"{answer.status_code}, {len(text)} байт"

    for address, door in addresses(numbers, words):
        look(address, client.get(address))
        if "public" in getattr(door.callback, "access", ()) and "<" not in str(door.pattern):
            for word in ASKED:
                look(f"{address}?q={word}", client.get(address, {"q": word}), word)
    for word in ASKED:
        typed_by_him = client.post("/write/answers/", {"text": f"{word} {word} как оформить гараж {word}"})
        look(f"POST /write/answers/ {word}", typed_by_him, word)
    for page in (*hidden, *shown):
        look(f"{page.url} (по адресу страницы)", client.get(page.url))
        look(f"POST /vote/{page.pk}/", client.post(f"/vote/{page.pk}/", {"helped": "no"}))
    assert PublicVersion.objects.exists()
    assert sum(said.startswith("200") for said in walked.values()) > 40
    assert not [one for one in walked if "/images/" in one and walked[one].startswith("200")]
    tell("Адреса, открытые постороннему", walked)

    key = {"HTTP_AUTHORIZATION": f"Bearer {made(World().clerk, 'materials.public').secret}"}
    fields: dict[str, str] = {}
    answers = [client.get("/api/v1/materials", **key)]
    answers += [client.get(f"/api/v1/materials/{pk}", **key) for pk in numbers]
    for word in ASKED:
        answers.append(client.post("/api/v1/materials/search", {"q": word}, "application/json", **key))
    for answer in answers:
        said = answer.content.decode()
        assert SECRET not in said
        assert not any(page.url in said for page in hidden)
        for name, value in _fields(answer.json()):
            fields[name] = f"например {str(value)[:50]!r}"
    assert len([answer for answer in answers if answer.status_code == 200]) > len(ASKED)
    assert {"items.title", "text", "brief", "url"} <= set(fields)
    tell("Поля API по ключу materials.public", fields)


def _fields(said: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _fields(value, f"{place}.{name}".strip("."))
    elif isinstance(said, list):
        for value in said:
            yield from _fields(value, place)
    else:
        yield place, said


def test_an_author_changes_nothing_of_another_unit_at_any_door(author: Any, garages: Any, leases: Any, publish: Any):
    """Each door that takes a number is knocked at with the own material and with that of another unit."""
    own, foreign = publish(garages, "Вопрос о гараже"), publish(leases, "Вопрос об аренде")
    draft = leases.add_child(instance=Faq(title="Чужой черновик", slug="d", short_answer="Тайна.", live=False))
    revision = draft.save_revision()
    desk = signed_in(author)
    desk.raise_request_exception = False
    walked: dict[str, str] = {}
    form = typed(foreign, **{"action-publish": "1", "title": "Захвачено", "short_answer": "Захвачено"})
    form |= {"new_title": "Захвачено", "new_slug": "taken", "new_parent_page": str(leases.pk), "next": "/desk/"}
    before = _state()
    for route, _ in doors():
        if not route.startswith(("desk/kb/", "cms/")) or "<" not in route or re.search(r"[\\(\[*+]", route):
            continue
        if not set(re.findall(r"<\w+:(\w+)>", route)) & {"pk", "page_id", "parent_page_id", "page_to_move_id"}:
            continue
        answers = []
        for one in (own, foreign, draft):
            numbers = {"revision_id": revision.pk, "destination_id": garages.pk, "parent_page_id": one.get_parent().pk}
            address = "/" + re.sub(
                r"<(?:(\w+):)?(\w+)>",
                lambda asked, one=one, numbers=numbers: (
                    str(numbers.get(asked[2], one.pk))
                    if asked[1] in ("int", "row")
                    else {"content_type_app_name": "knowledge", "content_type_model_name": "faq"}.get(asked[2], "x")
                ),
                route.replace("^", "").replace("$", ""),
            )
            got = desk.get(address)
            answers.append(str(got.status_code))
            if one is not own:
                answers.append(f"отправка {desk.post(address, form).status_code}")
            if one is draft and got.status_code == 200 and not got.streaming:
                assert "Тайна." not in got.content.decode(), address
        walked[f"/{route}"] = f"свой {answers[0]}; чужой {', '.join(answers[1:3])}; черновик {', '.join(answers[3:])}"
        assert _state() == before, route
    assert len(walked) > 50
    tell("Двери к материалу другого подразделения, автор", walked)

    doors_without_number = {
        "поиск в редакторе": (reverse("wagtailadmin_pages:search"), {"q": "черновик"}),
        "выбор страницы": (reverse("wagtailadmin_choose_page_search"), {"q": "черновик"}),
        "выбор страницы по API": ("/cms/api/main/pages/", {"search": "черновик"}),
        "поиск сотрудника": (reverse("workplace:knowledge"), {"q": "чужой черновик"}),
        "согласование": (reverse("workplace:agreements"), {}),
        "карта": (reverse("workplace:knowledge_coverage"), {}),
    }
    found = {name: desk.get(address, asked) for name, (address, asked) in doors_without_number.items()}
    for name, answer in found.items():
        assert f"/cms/pages/{draft.pk}/edit/" not in answer.content.decode(), name
        assert f"/cms/pages/{foreign.pk}/edit/" not in answer.content.decode(), name
        assert f"/cms/pages/add/knowledge/faq/{leases.pk}/" not in answer.content.decode(), name
        assert "Тайна." not in answer.content.decode(), name
    tell("Списки, поиск и подсказки", {name: str(answer.status_code) for name, answer in found.items()})


def _state() -> Any:
    """Return what of pages and versions a change would change; votes and looks are a reader's."""
    pages = list(Page.objects.order_by("pk").values_list("pk", "path", "title", "live", "locked", "latest_revision"))
    steps = JournalEntry.objects.filter(action__startswith="wagtail.").count()
    return pages, Revision.objects.count(), PublicVersion.objects.count(), steps
