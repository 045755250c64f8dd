"""Journals of calls, applicants and materials; a worker killed on the way; whatever a cell says."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as few
from hypothesis import strategies as st

from otklik.appeals.models import Appeal
from otklik.core import journal
from otklik.core.crashpoints import arm
from otklik.core.templatetags.otklik import MONTHS
from otklik.hotline import defaults as hotline_defaults
from otklik.hotline.models import MissedCall
from otklik.knowledge.models import Faq, KnowledgeHome, Section
from otklik.moving import carrying, kinds, reading, said
from otklik.moving.models import HistoryImport
from otklik.people.applicants import Typed
from otklik.people.models import Applicant, Contact
from tests import dying
from tests.appeals.conftest import World
from tests.moving.journals import brought, carried, paper_book, sed_export, table, tried, undone, wide_book, worked


def faults(run: HistoryImport) -> dict[int, str]:
    return {one["line"]: "; ".join(one["why"]) for one in carrying.faults_of(run)}


@pytest.mark.django_db
def test_a_list_of_calls_with_sixty_columns_is_carried(world: World) -> None:
    hotline_defaults.load()
    run = carried(wide_book(), "missed", by=world.clerk)
    assert run.made == 3, faults(run)
    told = faults(run)
    assert "время" in told[6]
    assert "сопоставьте" in told[7]
    settled = MissedCall.objects.get(number_key="+79130000001")
    at = timezone.localtime(settled.first_at)
    assert (at.date(), at.hour, at.minute) == (date(2026, 1, 12), 10, 5)
    assert (settled.outcome, settled.settled_by) == ("called_back", world.executor)
    assert "аренда" in settled.note
    assert MissedCall.objects.get(number_key="+79130000002").outcome == "unreachable"
    assert MissedCall.objects.get(number_key="+79130000005").outcome == ""  # still waits to be called back
    assert undone(run, by=world.clerk).taken_back == 3
    assert not MissedCall.objects.exists()


@pytest.mark.django_db
def test_applicants_who_are_known_get_what_was_not(world: World) -> None:
    known = world.registered_email().applicant
    heads = ["Фамилия", "Имя", "Отчество", "Телефон", "Электронная почта", "Адрес"]
    rows = [
        ["Иванова", "Мария", "Петровна", "8 913 000-00-01", "ivanova@citizen.example", ""],
        ["Новиков", "Олег", "", "8 913 000-00-02", "", "г. Новосибирск, ул. Новая, 2"],
        ["", "", "", "8 913 000-00-03", "", ""],
        ["Плохов", "Пётр", "", "телефона нет", "", ""],
    ]
    run = carried(table(heads, *rows), "applicants", by=world.clerk)
    assert run.made == 2, faults(run)
    assert Contact.objects.filter(applicant=known, kind="phone").exists()
    assert Applicant.objects.filter(last_name="Новиков").exists()
    run = undone(run, by=world.clerk)
    assert not Contact.objects.filter(applicant=known, kind="phone").exists()
    assert list(Applicant.objects.all()) == [known]
    assert not journal.verify()


@pytest.mark.django_db
def test_materials_become_drafts_and_go_again(world: World) -> None:
    chief = world.employee("chief", "Редакторова", world.hq, ["kb_chief", "clerk"])
    home = KnowledgeHome.objects.get()
    section = home.add_child(instance=Section(title="Аренда", slug="arenda", unit=world.land))
    heads = ["Вопрос", "Ответ", "Раздел"]
    rows = [
        ["Как продлить аренду?", "Подайте заявление. К нему приложите договор.", "Аренда"],
        ["Как выкупить?", "", ""],
    ]
    run = carried(table(heads, *rows), "materials", by=chief, section=str(section.pk))
    assert (run.made, run.bad) == (1, 1), faults(run)
    page = Faq.objects.get()
    assert (page.title, page.live) == ("Как продлить аренду?", False)
    assert undone(run, by=chief).taken_back == 1
    assert not Faq.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["moving.before_commit:2", "moving.after_commit:1"])
def test_a_worker_killed_in_the_middle_costs_nothing(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    world = World()
    monkeypatch.setattr(carrying, "AT_ONCE", 3)
    run = tried(paper_book(), "appeals", by=world.clerk)
    carrying.begin(run, by=world.clerk)

    def work() -> None:
        while carrying.work_next():
            pass

    assert dying.in_a_process(work, crash_at=point)
    arm("")
    between = HistoryImport.objects.get(pk=run.pk)
    assert (between.state, between.position) == ("writing", 3)
    assert Appeal.objects.count() == between.made
    run = worked(run)
    assert (run.state, run.made, Appeal.objects.count()) == ("done", 6, 6)
    assert not journal.verify()
    carrying.take_back(run, by=world.clerk)
    assert dying.in_a_process(work, crash_at="moving.undo_before_commit:1")
    assert Appeal.objects.count() == 6
    assert worked(run).state == "undone"
    assert not Appeal.objects.exists()


@pytest.mark.django_db
def test_many_rows_take_a_number_of_statements_that_does_not_grow(
    world: World, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    heads = ["Рег. №", "Дата", "Заявитель", "Содержание", "Почта"]

    def statements(count: int, first: int) -> int:
        rows = [
            [f"В-{first + n}", "12.01.2026", f"Петров{first + n} Пётр", "О земле", f"p{first + n}@x.example"]
            for n in range(count)
        ]
        run = tried(table(heads, *rows), "appeals", by=world.clerk)
        carrying.begin(run, by=world.clerk)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            carrying.work_next()
        return len(asked)

    few_rows, many_rows = statements(5, 0), statements(60, 100)
    assert many_rows <= few_rows + 8, (few_rows, many_rows)


# --- whatever a cell says --------------------------------------------------------------------------------------------


@few(max_examples=200)
@given(st.dates(date(1991, 1, 1), date(2069, 12, 31)), st.sampled_from(range(9)))
def test_a_day_is_read_in_every_form_people_write(on: date, form: int) -> None:
    forms = [
        f"{on:%d.%m.%Y}", f"{on.day}.{on.month}.{on.year}", f"{on:%d/%m/%Y}", f"{on:%Y-%m-%d}",
        f"{on:%Y-%m-%dT%H:%M:%S}", f"{on.day} {MONTHS[on.month - 1]} {on.year} г.", f"{on:%d.%m.%Y} 10:15",
        str((on - date(1899, 12, 30)).days), f"«{on.day:02}» {MONTHS[on.month - 1]} {on.year} года",
    ]  # fmt: skip
    assert said.day(forms[form]) == on, forms[form]


@few(max_examples=200)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_cells(text: str) -> None:
    said.moment(text), said.clock(text), said.names(text), said.people(text)
    assert isinstance(said.applicant({"name": text, "email": text, "phone": text, "inn": text}), Typed)
    for kind in HistoryImport.Kind:
        kinds.field_called(kind, text)


@few(max_examples=60)
@given(
    st.permutations(
        ["Рег. №", "Дата", "Ф.И.О. заявителя", "Содержание", "Срок исполнения", "Исполнитель", "Что-то своё"]
    ),
    st.lists(st.text("абв \n;,\"'=", max_size=12), min_size=0, max_size=3),
    st.sampled_from(["utf-8-sig", "cp1251", "utf-16"]),
    st.sampled_from([";", ",", "\t"]),
)
def test_columns_are_found_in_any_order_under_any_titles(
    heads: list[str], titles: list[str], code: str, mark: str
) -> None:
    import csv

    spool = io.StringIO()
    writer = csv.writer(spool, delimiter=mark)
    for title in titles:
        writer.writerow([title])
    writer.writerow(heads)
    values = {
        "Рег. №": "А-1", "Дата": "12.01.2026", "Ф.И.О. заявителя": "Петров П. П.", "Содержание": "О земле",
        "Срок исполнения": "11.02.2026", "Исполнитель": "Сидорова А. П.", "Что-то своё": "икс",
    }  # fmt: skip
    writer.writerow([values[head] for head in heads])
    found = reading.read(io.BytesIO(spool.getvalue().encode(code)), "Журнал.csv", "appeals")
    assert found.heads == heads
    named = kinds.proposed("appeals", found.heads, [cells for _, cells, _ in found.rows])
    assert {heads[place]: field for place, field in named.items()} == {
        "Рег. №": "number", "Дата": "registered", "Ф.И.О. заявителя": "name", "Содержание": "subject",
        "Срок исполнения": "due", "Исполнитель": "executor",
    }  # fmt: skip
    assert [cells for _, cells, _ in found.rows] == [[values[head] for head in heads]]


def test_a_column_without_a_name_is_told_by_what_stands_in_it() -> None:
    rows = [[f"А-{n}/26", f"{n:02}.01.2026", f"Петров{'а' * n} Пётр Петрович", f"p{n}@x.example", f"8 913 000-00-0{n}"]
            for n in range(1, 6)]  # fmt: skip
    named = kinds.proposed("appeals", ["a", "b", "c", "d", "e"], rows)
    assert named == {0: "number", 1: "registered", 2: "name", 3: "email", 4: "phone"}


def test_a_moment_keeps_its_time() -> None:
    at = said.moment("24.11.2025 09:07")
    assert at is not None
    assert timezone.localtime(at) == timezone.make_aware(datetime.combine(date(2025, 11, 24), time(9, 7)))
    assert said.moment("31.02.2025") is None
    assert said.moment("вчера") is None


@pytest.mark.django_db
def test_days_to_come_are_refused_but_for_terms(world: World) -> None:
    heads = ["Рег. №", "Дата", "Заявитель", "Содержание", "Срок"]
    ahead = f"{timezone.localdate() + timedelta(days=3):%d.%m.%Y}"
    rows = [["1", ahead, "Петров П.П.", "О земле", ""], ["2", f"{timezone.localdate():%d.%m.%Y}", "А А", "О", ahead]]
    run = tried(table(heads, *rows), "appeals", by=world.clerk)
    assert list(faults(run)) == [2]
    assert "ещё не наступила" in faults(run)[2]
    assert brought(sed_export(), "appeals", by=world.clerk, name="x.csv").heads[0] == "Номер РК"
