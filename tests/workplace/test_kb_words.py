"""«Словарь поиска» as a page: an editor keeps it, sees what changes before, brings and takes files; others look."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from otklik.knowledge import lessons, materials
from otklik.people.models import Employee
from otklik.search import dictionary, dictionary_file, engine
from otklik.search.dictionary import Facts, Kind
from otklik.search.models import EntryProposal, LearnedWord, ThesaurusEntry, ThesaurusState
from tests.knowledge.conftest import *  # noqa: F403 - the same small Knowledge Base
from tests.knowledge.test_wording import searched, stall  # noqa: F401

pytestmark = pytest.mark.django_db

HOME = "workplace:thesaurus"
STALL = {"kind": "synonym", "said": "свистулька", "written": "торговый", "weight": ""}


@pytest.fixture(autouse=True)
def blank(db: None) -> None:
    """Let what comes with the product lead nowhere: its words change with every release."""
    ThesaurusEntry.objects.all().delete()
    ThesaurusState.objects.update(version="blank")


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee)
    return client


@pytest.fixture
def desk(chief: Employee) -> Client:
    return signed_in(chief)


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_an_editor_writes_an_entry_and_the_next_search_reads_it(desk) -> None:
    answer = desk.post(reverse("workplace:thesaurus_new"), {**STALL, "weight": "0,5", "step": "keep"}, follow=True)
    assert "свистулька > торговый [0.5]" in text_of(answer)
    assert dictionary.current().words
    row = ThesaurusEntry.objects.get()
    address = reverse("workplace:thesaurus_entry", args=[row.pk])
    changed = {**STALL, "said": "свистулька, киоск", "version": row.version, "step": "keep"}
    shown = text_of(desk.post(address, changed, follow=True))
    assert "«свистулька > торговый [0.5]» → «свистулька, киоск > торговый»" in shown
    desk.post(address, {"step": "take_out"})
    assert not dictionary.current().words
    assert "убрана" in text_of(desk.get(f"{reverse(HOME)}?state=out"))
    desk.post(address, {"step": "put_back"})
    assert dictionary.current().words


def test_an_error_is_at_its_field_and_what_was_typed_stays(desk) -> None:
    given = {**STALL, "said": "свистулька; киоск", "weight": "много", "step": "keep"}
    answer = desk.post(reverse("workplace:thesaurus_new"), given)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"weight"}
    answer = desk.post(reverse("workplace:thesaurus_new"), {**given, "weight": "1"})
    assert set(answer.context["form"].errors) == {"said"}
    assert 'value="свистулька; киоск"' in answer.content.decode()
    assert not ThesaurusEntry.objects.exists()


def test_the_second_of_two_editors_sees_what_the_first_wrote(desk, chief) -> None:
    row = dictionary.keep(Facts(Kind.SYNONYM, "свистулька", "торговый"), by=chief)
    dictionary.keep(Facts(Kind.SYNONYM, "свистулька", "объект"), of=row, by=chief)
    answer = desk.post(
        reverse("workplace:thesaurus_entry", args=[row.pk]),
        {**STALL, "written": "аренда", "version": "1", "step": "keep"},
    )
    assert answer.status_code == 409
    assert "свистулька > объект" in text_of(answer)
    assert 'value="аренда"' in answer.content.decode()


def test_what_changes_is_shown_before_anything_is_kept(desk, stall, reader) -> None:  # noqa: F811
    searched("где свистулька", stall, by=reader)
    for extra, headers in (({"step": "preview"}, {}), ({}, {"HX-Request": "true"})):
        answer = desk.post(reverse("workplace:thesaurus_new"), {**STALL, **extra}, headers=headers)
        shown = text_of(answer)
        assert "Выше станут: 1, ниже: 0" in shown
        assert f"где свистулька {stall.title} " in shown
        assert "1 — выше" in shown
    assert "<html" not in answer.content.decode(), "while one types only the effect comes"
    assert not ThesaurusEntry.objects.exists()


def test_what_is_lost_by_taking_an_entry_out_is_shown_too(desk, chief, stall, reader) -> None:  # noqa: F811
    row = dictionary.keep(Facts(Kind.SYNONYM, "свистулька", "торговый"), by=chief)
    searched("где свистулька", stall, by=reader)
    answer = desk.post(reverse("workplace:thesaurus_entry", args=[row.pk]), {"step": "preview_out"})
    assert "ниже: 1" in text_of(answer)
    assert ThesaurusEntry.objects.get().active


def test_an_unfinished_entry_says_nothing_while_one_types(desk) -> None:
    answer = desk.post(reverse("workplace:thesaurus_new"), {**STALL, "written": ""}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Заполните запись" in text_of(answer)


@pytest.mark.parametrize("said", ["ларек", "ЛАРЁК", "торгов"])
def test_an_entry_is_found_by_either_side_and_either_spelling(desk, chief, said) -> None:
    dictionary.keep(Facts(Kind.SYNONYM, "ларёк", "торговый"), by=chief)
    dictionary.keep(Facts(Kind.SYNONYM, "дача", "садовый"), by=chief)
    page = desk.get(reverse(HOME), {"q": said}).context["page"]
    assert [one.said for one in page] == ["ларёк"]


def test_who_only_reads_sees_all_and_changes_nothing(author, chief) -> None:
    row = dictionary.keep(Facts(Kind.SYNONYM, "свистулька", "торговый"), by=chief)
    client, address = signed_in(author), reverse("workplace:thesaurus_entry", args=[row.pk])
    for name in ("thesaurus", "thesaurus_proposals", "thesaurus_history", "learned"):
        assert client.get(reverse(f"workplace:{name}")).status_code == 200
    assert "Записать" not in client.get(address).content.decode()
    assert client.post(address, {"step": "take_out"}).status_code == 404
    assert client.post(reverse("workplace:learned"), {"all": "1"}).status_code == 404
    assert client.post(reverse("workplace:thesaurus_proposals"), {"proposal": "1"}).status_code == 404
    assert client.get(reverse("workplace:thesaurus_new")).status_code == 403
    assert client.get(reverse("workplace:thesaurus_file")).status_code == 403
    assert ThesaurusEntry.objects.get().active


def test_a_reader_has_no_dictionary(reader) -> None:
    assert signed_in(reader).get(reverse(HOME)).status_code == 403


def proposal(stall: Any, reader: Employee, author: Employee) -> EntryProposal:  # noqa: F811
    for who in (reader, author):
        searched("где свистулька", stall, by=who)
    lessons.gather()
    return EntryProposal.objects.get(said="свистулька")


def test_a_proposal_shows_its_searches_and_accepting_it_shows_what_it_changed(desk, stall, reader, author) -> None:  # noqa: F811
    row = proposal(stall, reader, author)
    address = reverse("workplace:thesaurus_proposals")
    shown = text_of(desk.get(address))
    assert "свистулька →" in shown
    assert "2 поиска" in shown
    assert "«где свистулька» × 2" in shown
    LearnedWord.objects.all().delete()  # what search has learned itself would find it already
    given = {"proposal": row.pk, "step": "accept", "written": "торговый"}
    answer = desk.post(address, given, headers={"HX-Request": "true"})
    assert "Уже действует: свистулька → торговый" in text_of(answer)
    assert "Выше станут: 1" in text_of(answer)
    assert 'data-proposal="accepted"' in answer.content.decode()
    again = desk.post(address, given, headers={"HX-Request": "true"})
    assert again.status_code == 409
    assert "уже решено" in text_of(again)


def test_a_proposal_without_a_right_side_asks_for_it_at_its_field(desk) -> None:
    row = EntryProposal.objects.create(said="порубочный", times=2, sources=2, examples=[["порубочный билет", 2]])
    address = reverse("workplace:thesaurus_proposals")
    for headers in ({}, {"HX-Request": "true"}):
        answer = desk.post(address, {"proposal": row.pk, "step": "accept", "written": ""}, headers=headers)
        assert answer.status_code == 422
        assert f'id="wrong-{row.pk}"' in answer.content.decode()
    desk.post(address, {"proposal": row.pk, "step": "decline"})
    assert "Предложений нет" in text_of(desk.get(address))


def test_what_was_learned_is_looked_at_and_taken_back_for_good(desk, stall, reader, author) -> None:  # noqa: F811
    for who in (reader, author):
        searched("свистулька", stall, by=who, used=True)
    lessons.gather()
    address = reverse("workplace:learned")
    assert "свистулька" in text_of(desk.get(address, {"material": stall.pk}))
    word = LearnedWord.objects.get(index=materials.INDEX)
    desk.post(address, {"word": word.pk, "step": "take_back"})
    lessons.gather()
    assert not LearnedWord.objects.filter(taken_back_at=None).exists(), "in both indexes"
    assert "убрано" in text_of(desk.get(address))
    assert "выученное слово убрано: «свистулька»" in text_of(desk.get(reverse("workplace:thesaurus_history"))).lower()
    desk.post(address, {"word": word.pk, "step": "give_back"})
    assert LearnedWord.objects.filter(taken_back_at=None).count() == 2
    desk.post(address, {"all": stall.pk, "step": "take_back"})
    assert not LearnedWord.objects.filter(taken_back_at=None).exists()


# --- files -----------------------------------------------------------------------------------------------------------


def sheet(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    spool = io.BytesIO()
    book.save(spool)
    return spool.getvalue()


def brought(desk: Client, content: bytes, name: str) -> Any:
    return desk.post(reverse("workplace:thesaurus_file"), {"sheet": SimpleUploadedFile(name, content)})


LINES = """# говорят → пишут
ларёк, палатка > торговый, объект [0.5]
СНТ = садоводческое некоммерческое товарищество

- с низким поклоном
~ бабушка
палатка > торговый [0.5]
ларёк торговый
дом > объект [7]
;;; > торговый
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_text_is_judged_line_by_line_and_its_good_lines_are_kept_at_once(desk, encoding) -> None:
    plan = brought(desk, LINES.replace("→", "-").encode(encoding), "words.txt")
    assert plan.context["count"] == {"add": 4, "same": 1, "refuse": 3}
    shown = text_of(plan)
    assert "вес бывает больше 0 и не больше 1" in shown.lower()
    assert not ThesaurusEntry.objects.exists(), "nothing is kept before it is agreed"
    done = desk.post(reverse("workplace:thesaurus_file"), {"read": plan.context["read"]}, follow=True)
    assert "Добавлено записей: 4" in text_of(done)
    assert dictionary.current().words
    assert dictionary.history().filter(action="thesaurus.added").count() == 4
    again = desk.post(reverse("workplace:thesaurus_file"), {"read": plan.context["read"]}, follow=True)
    assert "Добавлено записей: 0" in text_of(again)


def test_a_table_is_read_by_the_names_of_its_columns(desk) -> None:
    content = sheet(
        ("Вид", "Как говорят", "Как написано в документах", "Вес", "Заметка"),
        ("говорят → пишут", "ларёк", "торговый", "0,5", "не читается"),
        ("пустая фраза", "с низким поклоном", "", "", ""),
        ("неведомый", "дача", "садовый", "", ""),
        ("", "дача", "садовый", "много", ""),
        ("", "дача", "=1+1", "", ""),
    )
    plan = brought(desk, content, "words.xlsx")
    assert plan.context["count"] == {"add": 2, "same": 0, "refuse": 3}
    shown = text_of(plan)
    assert "Вид «неведомый» не знаком" in shown
    assert "Вес «много» не число" in shown
    assert "формула" in shown


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"\xff\xfe\x00\x01", "это не текст"),
        ("a.txt", b"# \n\n", "записей в нём нет"),
        ("a.pdf", b"%PDF-1.7", "нужен текст"),
        ("a.xlsx", b"not a sheet", ""),
        ("a.xlsx", sheet(("Слова", "Ещё")), "нужны столбцы"),
        ("a.txt", b"x > y\n" * 400_000, "больше 2"),
        ("a.txt", "ларёк > торговый\n".encode() * (dictionary_file.MOST + 1), "больше 5000"),
    ],
)
def test_a_file_that_is_none_is_refused_with_words(desk, name, content, words) -> None:
    answer = brought(desk, content, name)
    assert answer.status_code == 422
    assert words in text_of(answer)


def test_what_is_handed_out_is_read_back_without_a_change(desk, chief) -> None:
    for line in LINES.splitlines()[1:6]:
        if facts := dictionary.read_line(line):
            dictionary.keep(facts, by=chief)
    for kind in ("txt", "xlsx"):
        content = desk.get(reverse(HOME), {"format": kind}).content
        plan = brought(desk, content, f"words.{kind}")
        assert plan.context["count"] == {"add": 0, "same": 4, "refuse": 0}, kind
    book = load_workbook(io.BytesIO(content))
    assert [cell.value for cell in book.active[1]] == ["Вид", "Как говорят", "Как написано в документах", "Вес"]


def test_a_page_kept_too_long_or_spoilt_keeps_nothing(desk) -> None:
    answer = desk.post(reverse("workplace:thesaurus_file"), {"read": "spoilt"}, follow=True)
    assert "больше часа назад" in text_of(answer)
    assert not ThesaurusEntry.objects.exists()


def test_the_trial_of_a_thesaurus_keeps_rights(stall) -> None:  # noqa: F811
    tried = {"thesaurus": dictionary.with_instead(Facts(Kind.SYNONYM, "свистулька", "торговый"))}
    assert engine.trial(materials.INDEX, "свистулька", scopes=[materials.STAFF], **tried)[:1] == [str(stall.pk)]
    assert engine.trial(materials.INDEX, "свистулька", scopes=[materials.PUBLIC], **tried) == []
