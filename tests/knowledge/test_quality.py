"""«Качество поиска»: confirmed questions asked anew, each figure opens exactly its questions, test sets, drift."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import answered, drafting
from otklik.appeals.models import Appeal
from otklik.core.models import JournalEntry
from otklik.knowledge import compliance, confirmed, finding, quality, test_sets, votes
from otklik.knowledge.confirmed import Asked, Pair
from otklik.knowledge.models import Audience, MaterialUse, SearchCase, SearchRun, SearchSession, TestQuery, TestSet
from otklik.search import calibration, engine
from otklik.search.confidence import NAMES
from otklik.search.engine import Found, Hit
from tests.appeals.conftest import World
from tests.knowledge import hostile
from tests.knowledge.test_rights import signed_in

pytestmark = pytest.mark.django_db
PAGE = "workplace:search_quality"


@pytest.fixture
def garage(garages, publish):
    return publish(garages, "Как оформить гараж")


@pytest.fixture
def lease(leases, publish):
    return publish(leases, "Как продлить аренду участка")


@pytest.fixture
def desk(chief) -> Client:
    return signed_in(chief)


def searched(number: int, words: str, page: Any = None, **facts: Any) -> SearchSession:
    """Leave a search of an hour ago that ended with a material, or with nothing."""
    when = timezone.now() - timedelta(hours=1)
    who: dict[str, Any] = {"audience": Audience.STAFF} | facts
    if who["audience"] == Audience.PUBLIC:
        who |= {"reader": f"m{number}"}
    told = {"query": words, "found": 1 if page else 0, "began_at": when, "last_at": when}
    if page is not None:
        told |= {"page_id": page.pk, "rank": 1, "opened_ms": 1000}
    return SearchSession.objects.create(key=f"{number:032x}", **told, **who)


def told(pairs: Any) -> dict[tuple[str, str], set[int]]:
    return {(one.source, one.text): set(one.pages) for one in pairs}


def everything(*sources: Any) -> dict[tuple[str, str], set[int]]:
    return told(confirmed.pairs(timezone.now() - timedelta(days=30), *sources, most=100))


# --- confirmed pairs --------------------------------------------------------------------------------------------------


def test_a_search_that_ended_with_a_material_confirms_it_and_one_given_up_confirms_that_nothing_answered(garage, lease):
    searched(1, "оформить гараж", garage)
    searched(2, "оформить  гараж", lease)  # the same question, answered for somebody else by another material
    searched(3, "оформить гараж")
    searched(4, "порубочный билет")
    searched(5, "гараж", garage, audience=Audience.PUBLIC)
    searched(6, "га")  # a beginning nobody meant
    SearchSession.objects.create(
        key="f" * 32, audience="staff", query="ещё пишут", found=0, began_at=timezone.now(), last_at=timezone.now()
    )
    assert everything() == {
        ("staff", "оформить гараж"): {garage.pk, lease.pk},
        ("staff", "порубочный билет"): set(),
        ("site", "гараж"): {garage.pk},
    }


def test_a_reader_who_found_no_answer_in_the_material_does_not_confirm_it(garage, reader):
    row = searched(1, "оформить гараж", garage, by=reader)
    votes.vote(finding.Searcher(reader), garage, helped=False, reason="no_answer")
    SearchSession.objects.filter(pk=row.pk).update(last_at=timezone.now() - timedelta(minutes=5), used_ms=None)
    SearchSession.objects.filter(pk=row.pk).update(opened_ms=1000)
    assert everything() == {("staff", "оформить гараж"): set()}


def test_a_vote_of_another_day_or_for_another_reason_changes_nothing(garage, reader):
    searched(1, "оформить гараж", garage, by=reader)  # an hour before the vote
    votes.vote(finding.Searcher(reader), garage, helped=False, reason="no_answer")
    assert everything() == {("staff", "оформить гараж"): {garage.pk}}


def test_only_so_many_of_each_source_are_taken(garage):
    for number in range(5):
        searched(number, f"гараж номер {number}", garage)
    some = list(confirmed.pairs(timezone.now() - timedelta(days=1), _three_letters, most=2))
    assert [one.source for one in some] == [Asked.STAFF, Asked.STAFF, Asked.LETTER, Asked.LETTER]


def _three_letters(since):
    return [Pair(Asked.LETTER, f"Письмо {n}", frozenset(), timezone.now(), f"appeal:{n}") for n in range(3)]


@pytest.fixture
def lettered(db, garages, publish):
    """Three answered letters: one cites a material, in one it was turned down, of the third nobody knows."""
    world = World()
    page = publish(garages, "Продление договора аренды", "for_answers")
    cited, declined, _ = (world.drafted() for _ in range(3))
    drafting.insert_material(cited, page.pk, by=world.executor)
    MaterialUse.objects.create(page=page, action="declined", reference=f"appeal:{declined.pk}", by=world.executor)
    Appeal.objects.update(status="sent", answered_on=timezone.localdate())
    return world, page, cited, declined


def test_a_letter_confirms_what_its_answer_cites_or_that_what_was_offered_did_not_fit(lettered):
    _, page, cited, declined = lettered
    pairs = {one.reference: one for one in answered.letters(timezone.now() - timedelta(days=30))}
    assert {reference: set(one.pages) for reference, one in pairs.items()} == {
        f"appeal:{cited.pk}": {page.pk},
        f"appeal:{declined.pk}": set(),
    }
    assert "продлить договор" in pairs[f"appeal:{cited.pk}"].text


# --- nights -----------------------------------------------------------------------------------------------------------


def test_a_night_asks_each_question_and_keeps_the_place_of_its_answer(garage, lease, garages):
    searched(1, "оформить гараж", garage)
    searched(2, "продлить аренду участка", lease, audience=Audience.PUBLIC)
    searched(3, "гараж", lease)  # somebody found it elsewhere: not where the search looks first
    searched(4, "ядерный реактор")
    run = quality.measure()
    cases = {one.text: one for one in run.cases.all()}
    assert (cases["оформить гараж"].place, cases["оформить гараж"].section_id) == (1, garages.pk)
    assert cases["оформить гараж"].kind == "exact"
    assert cases["продлить аренду участка"].source == "site"
    assert cases["гараж"].place is None
    assert (cases["ядерный реактор"].has_answer, cases["ядерный реактор"].sure) == (False, False)
    tally = quality.tally(run)
    assert {code: tally.count[code] for code in ("total", "answered", "first", "three", "missed", "unanswered")} == {
        "total": 4, "answered": 3, "first": 2, "three": 2, "missed": 1, "unanswered": 1,
    }  # fmt: skip
    assert (tally.three, tally.caught, tally.reciprocal) == (67, 100, 0.667)


def test_every_number_of_a_run_is_as_many_questions_as_its_list_has(garage, lease):
    for number in range(12):
        searched(number, f"гараж {number} слово", garage if number % 3 else lease if number % 2 else None)
    run = quality.measure()
    for code in quality.OUTCOMES:
        assert quality.tally(run).count[code] == quality.cases(run, code).count(), code
    for group in quality.GROUPS:
        listed = quality.by_group(run, group)
        assert sum(one.count["total"] for _, _, one in listed) == run.total
        for code, _, one in listed:
            assert one.count["missed"] == quality.cases(run, "missed", **{group: code}).count()


def test_a_night_is_measured_once_and_what_is_gone_is_not_asked_for(garage, lease):
    searched(1, "оформить гараж", garage)
    searched(2, "продлить аренду", lease)
    lease.unpublish()
    first = quality.measure()
    assert [one.text for one in first.cases.all()] == ["оформить гараж"]
    searched(3, "гараж", garage)
    assert quality.measure() == first
    assert SearchRun.objects.count() == 1


def test_a_night_without_any_question_is_a_night_with_nothing_to_count(home):
    run = quality.measure()
    assert (run.total, quality.tally(run).three, quality.tally(run).empty) == (0, None, None)


def test_of_a_letter_no_word_is_kept(lettered):
    quality.measure(answered.letters)
    cases = SearchCase.objects.filter(source="letter")
    assert cases.count() == 2
    assert {one.kind for one in cases} == {"letter"}
    assert not any(one.text or one.read_as for one in cases)


def test_questions_of_nights_long_past_are_forgotten_and_their_figures_stay(garage, clock):
    clock(2026, 6, 1)
    searched(1, "гараж", garage)
    old = quality.measure()
    clock(2026, 7, 20)
    quality.measure()
    old.refresh_from_db()
    assert not old.cases.exists()
    assert quality.tally(old).count["total"] == 1


@pytest.mark.parametrize(
    ("words", "read_as", "kind"),
    [
        ("как оформить гараж", "", "exact"),
        ("гараж сосед", "", "short"),
        ("гаррраж", "гараж", "typo"),
        ("слово " * 20, "", "letter"),
    ],
)
def test_a_question_is_of_a_kind_by_how_it_looks(garage, monkeypatch, words, read_as, kind):
    found = Found([Hit(str(garage.pk), "", (), 1.0, 1.0)], 0.9, True, read_as)
    monkeypatch.setattr(engine, "ask", lambda *_, **__: found)
    searched(1, words[:200], garage)
    assert [one.kind for one in quality.measure().cases.all()] == [kind]


def test_letters_are_asked_of_the_index_of_staff_and_the_site_of_its_own(garage, monkeypatch):
    asked = []

    def ask(index, query, *, scopes, limit):
        asked.append((index, tuple(scopes)))
        return Found([], 0.0, False)

    monkeypatch.setattr(engine, "ask", ask)
    searched(1, "гараж", garage)
    searched(2, "гараж", garage, audience=Audience.PUBLIC)
    quality.measure(_three_letters)
    assert Counter(asked) == {("materials", ("staff",)): 4, ("site", ("public",)): 1}


# --- drift ------------------------------------------------------------------------------------------------------------


def nights(*shares: int, answered: int = 100) -> list[SearchRun]:
    first = date(2026, 6, 1)
    made = [
        SearchRun(
            day=first + timedelta(days=number),
            finished_at=timezone.now(),
            total=answered,
            done=answered,
            figures={"all": {"": {"total": answered, "answered": answered, "three": answered * share // 100}}},
        )
        for number, share in enumerate(shares)
    ]
    return list(SearchRun.objects.bulk_create(made))


def test_a_night_much_worse_than_usual_is_said(db):
    assert quality.drift(nights(80, 81, 79, 80, 82, 80, 70)) == quality.Drift(70, 80)


@pytest.mark.parametrize(
    ("shares", "answered"),
    [((80, 81, 79, 80, 82, 80, 78), 100), ((80, 70), 100), ((80, 81, 79, 80, 82, 80, 40), 20), ((), 1)],
)
def test_a_small_change_few_nights_or_few_questions_are_no_drift(db, shares, answered):
    assert quality.drift(nights(*shares, answered=answered)) is None


def test_the_page_warns_of_drift_and_leads_to_what_was_missed(desk):
    runs = nights(80, 81, 79, 80, 82, 80, 60)
    text = desk.get(reverse(PAGE)).content.decode()
    assert "Стало хуже обычного: среди первых трёх нужное стоит в 60 % вопросов, обычно — в 80 %" in text
    assert f"{reverse('workplace:search_run', args=[runs[-1].pk])}?outcome=missed" in text
    assert "Вопросы этой ночи забыты" in desk.get(reverse("workplace:search_run", args=[runs[0].pk])).content.decode()


# --- confidence -------------------------------------------------------------------------------------------------------


def test_confidence_learns_from_the_last_night_and_not_from_answers_found_too_low(garage, lease, monkeypatch):
    features = (0.5,) * len(NAMES)
    monkeypatch.setattr(
        engine, "ask", lambda *_, **__: Found([Hit(str(garage.pk), "", (), 1.0, 1.0)], 0.9, True, "", features)
    )
    searched(1, "гараж", garage)
    searched(2, "аренда", lease)  # its answer is not found at all
    searched(3, "реактор")
    quality.measure()
    assert {one.question: one.answered for one in quality.examples()} == {"гараж": True, "реактор": False}
    assert {one.features for one in quality.examples()} == {features}


def test_training_waits_for_enough_questions(garage):
    quality.retrain()
    searched(1, "гараж", garage)
    quality.measure()
    quality.retrain()
    assert calibration.in_use() is None


# --- test sets --------------------------------------------------------------------------------------------------------


def brought(client: Client, content: bytes | str, file: str = "set.jsonl", **more: str) -> Any:
    data = {"list": SimpleUploadedFile(file, content.encode() if isinstance(content, str) else content), **more}
    return client.post(reverse("workplace:test_sets"), data)


def lines(*rows: Any) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def run_to_the_end() -> None:
    while quality.work_next():
        pass


def test_a_set_of_lines_names_materials_by_id_address_short_name_or_title(desk, garage, lease, garages):
    where = reverse("workplace:knowledge_material", args=[garage.pk])
    answer = brought(
        desk,
        lines(
            {"id": "a", "kind": "exact", "text": "гараж", "relevant": {str(garage.pk): 2}},
            {"id": "b", "kind": "paraphrase", "text": "ракушка", "relevant": {f"https://otklik.example{where}": 2}},
            {"id": "c", "text": "сарай", "relevant": {garage.slug: 2, "как  Оформить ГАРАЖ": 1}},
            {"id": 4, "text": "аренда", "relevant": {lease.get_url(): 2}},
            {"id": "e", "kind": "none", "text": "реактор", "relevant": {}},
        ),
        name="Мои вопросы",
    )
    assert answer.status_code == 302
    row = TestSet.objects.get()
    pages = {one.code: one.pages for one in row.queries.all()}
    same = {str(garage.pk): 2}
    assert pages["a"] == pages["b"] == same
    assert set(pages["c"]) == {str(garage.pk)}
    assert pages["4"] == {str(lease.pk): 2}
    assert pages["e"] == {}
    assert set(JournalEntry.objects.filter(chain="quality").values_list("action", flat=True)) == {
        "quality.set_added", "quality.set_run",
    }  # fmt: skip


def test_a_table_of_two_columns_is_a_set_too(desk, garage, lease):
    book = hostile.xlsx(
        ("Запрос", "Материал"),
        ("гараж", "Как оформить гараж"),
        ("участок", str(garage.pk)),
        ("Участок", lease.pk),
        ("реактор", "нет"),
    )
    assert brought(desk, book, "Вопросы.xlsx").status_code == 302
    row = TestSet.objects.get()
    assert row.name == "Вопросы.xlsx"
    assert {one.text: set(one.pages) for one in row.queries.all()} == {
        "гараж": {str(garage.pk)},
        "участок": {str(garage.pk), str(lease.pk)},
        "реактор": set(),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("не JSON", "Это не JSON"),
        ("[1]", "Нужен объект"),
        ('{"id": "1", "text": "гараж"}', "Нет «relevant»"),
        ('{"id": "1", "relevant": {}}', "Нет вопроса"),
        ('{"id": "1", "text": " ", "relevant": {}}', "Нет вопроса"),
        ('{"id": "1", "text": 5, "relevant": {}}', "Нет вопроса"),
        ('{"id": "1", "text": "г", "relevant": {"999999": 2}}', "нет среди опубликованных"),
        ('{"id": "1", "text": "г", "relevant": {"' + "9" * 40 + '": 2}}', "нет среди опубликованных"),
        ('{"id": "1", "text": "г", "relevant": {"1": 3}}', "Оценка «3» не понята"),
        ('{"id": "1", "text": "г", "relevant": {"1": true}}', "Оценка «True» не понята"),
        ('{"id": "1", "text": "г", "relevant": {"1": NaN}}', "Оценка «nan» не понята"),
        ('{"id": [], "text": "г", "relevant": {}}', "«id» должно быть"),
        ('{"id": "1", "kind": "' + "к" * 21 + '", "text": "г", "relevant": {}}', "«kind» длиннее 20"),
        ('{"id": "1", "text": "\\ud800", "relevant": {}}', "знаки, которых не бывает"),
        ('{"id": "0", "text": "г", "relevant": {}}', "номер «0» уже был"),
        ("[" * 100_000, "Это не JSON"),
        ('{"id": "1", "text": "' + "г" * 20_001 + '", "relevant": {}}', "длиннее 20000"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(desk, garage, line, said):
    answer = brought(desk, '{"id": "0", "text": "гараж", "relevant": {}}\n\n' + line, name="Мой набор")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said.lower() in text.lower()
    assert re.search(r"<td>3</td>", text), "the line is named by its number"
    assert 'value="Мой набор"' in text
    assert not TestSet.objects.exists()
    assert not TestQuery.objects.exists()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.jsonl", "нет ни одного вопроса"),
        (b"\xff\xfe1", "a.jsonl", "UTF-8"),
        (b"a" * (2 * 1024 * 1024 + 1), "a.jsonl", "больше 2 МБ"),
        (b"x", "a.exe", "нужен файл .jsonl"),
        (b"x", "a.xlsx", "a.xlsx"),
        (hostile.xlsx(("Запрос",), ("гараж",)), "a.xlsx", "нет столбцов"),
    ],
)
def test_a_bad_file_is_refused_in_words(desk, content, name, said):
    answer = brought(desk, content, name)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_without_a_file_the_form_says_so(desk):
    answer = desk.post(reverse("workplace:test_sets"), {"name": "Набор"})
    assert answer.status_code == 422
    assert "Выберите файл" in answer.content.decode()


def test_bad_rows_of_a_table_are_named(desk, garage):
    book = hostile.xlsx(
        ("Запрос", "Материал"), ("гараж", ""), ("", garage.pk), ("ссылка", "=1+1"), ("дом", "Нет такого")
    )
    text = brought(desk, book, "a.xlsx").content.decode()
    for number, said in (
        (2, "Не указан материал"),
        (3, "Нет вопроса"),
        (4, "формула"),
        (5, "нет среди опубликованных"),
    ):
        assert re.search(rf"<td>{number}</td><td class=\"facts-cell\">[^<]*{said}", text), said
    assert not TestSet.objects.exists()


def test_materials_of_one_name_are_told_apart_by_id(desk, garages, publish):
    for _ in range(2):
        publish(garages, "Один заголовок")
    answer = brought(desk, lines({"id": "1", "text": "г", "relevant": {"Один заголовок": 2}}))
    assert "несколько материалов" in answer.content.decode()


def test_a_set_is_run_by_a_worker_portion_by_portion_and_compared_with_the_run_before(desk, garage, lease, monkeypatch):
    monkeypatch.setattr(quality, "PORTION", 2)
    asked = [{"id": f"{n}", "text": "как оформить гараж", "relevant": {str(garage.pk): 2}} for n in range(4)]
    brought(desk, lines(*asked, {"id": "x", "text": "реактор", "relevant": {}}))
    row = TestSet.objects.get()
    page = reverse("workplace:test_set", args=[row.pk])
    assert "Задано 0 из 5" in desk.get(page).content.decode()
    assert quality.work_next()
    shown = desk.get(reverse("workplace:test_set_progress", args=[row.pk])).content.decode()
    assert "Задано 2 из 5" in shown
    assert "<html" not in shown
    run_to_the_end()
    first = row.runs.get()
    assert (first.done, quality.tally(first).three, quality.tally(first).caught) == (5, 100, 100)
    garage.title = "Совсем о другом"
    garage.short_answer, garage.body = "Иное.", "<p>Иное.</p>"
    garage.save_revision().publish()
    assert desk.post(page).status_code == 302
    run_to_the_end()
    text = desk.get(page).content.decode()
    assert "хуже на 100" in text
    newest = row.runs.latest("pk")
    listed = desk.get(reverse("workplace:search_run", args=[newest.pk])).content.decode()
    assert listed.count("было: 1-е") == 4
    assert not quality.work_next()


def test_two_workers_keep_each_question_once(desk, garage, monkeypatch):
    brought(desk, lines({"id": "1", "text": "гараж", "relevant": {str(garage.pk): 2}}))
    really, again = engine.ask, []

    def ask(*args: Any, **kwargs: Any) -> Found:
        if not again:
            again.append(1)
            quality.work_next()  # another worker is quicker
        return really(*args, **kwargs)

    monkeypatch.setattr(engine, "ask", ask)
    run_to_the_end()
    run = SearchRun.objects.get()
    assert (run.done, run.cases.count(), quality.tally(run).count["total"]) == (1, 1, 1)


def test_a_set_under_way_is_not_begun_again_and_is_removed_with_its_runs(desk, garage):
    brought(desk, lines({"id": "1", "text": "гараж", "relevant": {}}))
    row = TestSet.objects.get()
    page = reverse("workplace:test_set", args=[row.pk])
    assert "уже проверяется" in desk.post(page, follow=True).content.decode()
    assert row.runs.count() == 1
    assert desk.post(page, {"remove": ""}).status_code == 302
    assert not TestSet.objects.exists()
    assert not SearchRun.objects.exists()
    assert not quality.work_next()


def test_what_is_only_near_counts_where_nothing_answers_in_full():
    assert quality._right({"1": 2, "2": 1}) == {1}
    assert quality._right({"1": 1, "2": 1}) == {1, 2}
    assert quality._right({}) == frozenset()


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(garage, lease, lettered):
    for number in range(6):
        searched(number, f"гараж {number}", garage)
    searched(20, "аренду продлить", lease, audience=Audience.PUBLIC)
    searched(21, "реактор ядерный")
    return quality.measure(answered.letters)


def test_every_figure_of_the_page_opens_exactly_so_many_questions(desk, measured):
    text = desk.get(reverse(PAGE)).content.decode()
    base = re.escape(reverse("workplace:search_run", args=[measured.pk]))
    opened = 0
    for link, words in re.findall(rf'<a href="({base}[^"]*)">([^<]*?\d+)</a>', text):
        if re.search(r"\d\d\.\d\d\.\d{4}", words):
            continue
        number = int(re.search(r"\d+$", words)[0])
        assert desk.get(link.replace("&amp;", "&")).context["page"].paginator.count == number, (link, words)
        opened += 1
    assert opened > 25


def test_the_page_costs_the_same_however_many_nights_there_are(desk, measured):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(reverse(PAGE)).status_code == 200
        return len(queries)

    cost()
    before = cost()
    nights(*(range(50, 80)))
    for number in range(30, 60):
        searched(number, f"слово {number}")
    assert cost() == before <= 22


def test_a_list_costs_the_same_however_many_questions_it_shows(desk, measured):
    address = reverse("workplace:search_run", args=[measured.pk])

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(address).status_code == 200
        return len(queries)

    cost()
    before = cost()
    SearchCase.objects.bulk_create(
        SearchCase(
            run=measured, source="staff", kind="short", text="x", has_answer=False, found=0, confidence=0, sure=False
        )
        for _ in range(40)
    )
    assert cost() == before


def test_a_letter_is_named_only_to_those_who_see_its_appeal(desk, measured, lettered, publish):
    world, _, cited, _ = lettered
    address = reverse("workplace:search_run", args=[measured.pk])
    hidden = desk.get(address).content.decode()
    assert cited.number not in hidden
    assert hidden.count("его видят те, кому видно обращение") == 2
    assert cited.number in signed_in(world.auditor).get(address).content.decode()


def test_readers_look_and_only_the_chief_changes_anything(measured, author, reader, auditor_client, desk):
    brought(desk, lines({"id": "1", "text": "гараж", "relevant": {}}))
    row = TestSet.objects.get()
    pages = [
        reverse(PAGE), reverse("workplace:test_sets"), reverse("workplace:test_set", args=[row.pk]),
        reverse("workplace:search_run", args=[measured.pk]),
    ]  # fmt: skip
    for client in (signed_in(author), auditor_client, desk):
        assert [client.get(one).status_code for one in pages] == [200] * 4
    assert [signed_in(reader).get(one).status_code for one in pages] == [403] * 4
    for client in (signed_in(author), auditor_client):
        assert brought(client, lines({"id": "1", "text": "г", "relevant": {}})).status_code == 404
        assert client.post(pages[2], {"remove": ""}).status_code == 404
        assert client.post(reverse("workplace:search_confidence"), {"back": ""}).status_code == 403
    assert TestSet.objects.count() == 1


@pytest.fixture
def auditor_client(employee) -> Client:
    return signed_in(employee("looker", None, "auditor"))


def test_odd_addresses_show_something(desk, measured):
    address = reverse("workplace:search_run", args=[measured.pk])
    for query in ("?outcome=x", "?section=x", "?section=", "?kind=%00", "?source=" + "я" * 500, "?page=9999"):
        assert desk.get(address + query).status_code == 200, query
    assert desk.get(reverse("workplace:search_run", args=[10**9])).status_code == 404


def test_the_chief_goes_back_to_the_shipped_confidence_and_lets_it_learn_again(desk, measured):
    from tests.search.test_calibration import some

    calibration.retrain(some())
    text = desk.get(reverse(PAGE)).content.decode()
    assert "обученная № 1" in text
    shown = desk.post(reverse("workplace:search_confidence"), {"back": ""}, follow=True).content.decode()
    assert "Переобучение остановлено" in shown
    again = desk.post(reverse("workplace:search_confidence"), {"back": ""}, follow=True).content.decode()
    assert "уже в работе" in again
    shown = desk.post(reverse("workplace:search_confidence"), {"resume": ""}, follow=True).content.decode()
    assert "Работает <strong>поставляемая</strong>" in shown


def test_the_promises_tell_the_figures_of_the_last_night(measured):
    today = timezone.localdate()
    figures = {one.code: one.figure(today).text for one in compliance.PROMISES if one.figure}
    assert f"нужное среди первых трёх: {quality.tally(measured).three} %" in figures["R37"]
    assert "Поисков без результата за 30 дней: сотрудники" in figures["R41c"]
    from otklik.reports import handled, kept

    kept.work_all()
    share = {one.code: one.figure(today).text for one in handled.PROMISES if one.figure}["R14.1"]
    assert "1 из 3 (33 %)" in share
    assert "к письмам" in share
    before = compliance.PROMISES[2].figure(today - timedelta(days=40)).text
    assert "Ночью" not in before


def test_without_a_night_the_page_teaches_what_it_is(desk):
    text = desk.get(reverse(PAGE)).content.decode()
    assert "Ещё ни одной ночи" in text
    assert "Пока мало" in text


def test_limits_are_told(desk, monkeypatch, garage):
    monkeypatch.setattr(test_sets, "MOST", 2)
    answer = brought(desk, lines(*({"id": str(n), "text": "г", "relevant": {}} for n in range(3))))
    assert "больше 2" in answer.content.decode()
