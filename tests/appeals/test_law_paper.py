"""The working day on paper: journals as filtered, the registration card, envelopes, a whole case as one PDF."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pypdf
import pytest
from django.core.files.base import ContentFile

from otklik.appeals import case_file, dispatch, drafting, journals, notes, queues
from otklik.appeals.models import Appeal, CaseFile
from otklik.core import files
from otklik.core.models import AccessEntry
from otklik.correspondence.models import IncomingFile
from otklik.people.models import Employee
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
ALL = queues.Filters()


def text_of(content: bytes) -> str:
    words = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    return " ".join(words.replace("\xad", "").replace("-\n", "").split())


def rows_of(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def a_pdf(pages: int = 1, password: str = "") -> bytes:
    writer, spool = pypdf.PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password)
    writer.write(spool)
    return spool.getvalue()


def reader_only(world: World) -> Employee:
    """Give somebody who sees all cases and may open nobody's data."""
    return world.auditor


def test_a_journal_has_the_rows_of_the_list_as_filtered_and_leaves_a_look(world):
    kept = world.assigned()
    world.registered_email()
    found = rows_of(journals.table(world.clerk, "registration", "all", queues.Filters(unit=world.land.pk)))
    assert [row[0] for row in found[1:]] == [kept.number]
    assert "Иванова Мария Петровна" in found[1]
    look = AccessEntry.objects.get(action="appeals.exported")
    assert (look.actor, look.data["rows"], look.data["what"]) == (world.clerk, 1, "registration")
    assert "Иванова" not in str(look.data)


def test_names_are_masked_to_who_may_not_see_them(world):
    world.registered()
    assert not world.auditor.has_power("applicants.view")
    told = str(rows_of(journals.table(reader_only(world), "registration", "all", ALL)))
    assert "Иванова" not in told


def test_the_classification_register_has_a_line_for_each_question_and_says_who_is_missing(world):
    done, waits = world.classified(), world.registered_email()
    found = {row[0]: row for row in rows_of(journals.table(world.clerk, "classification", "all", ALL))[1:]}
    assert found[done.number][3] == "0003.0011.0123.0850"
    assert found[done.number][6] == world.clerk.short_name
    assert found[waits.number][4] == "не классифицировано"


def test_the_control_list_names_each_unit_above_its_cases(world):
    appeal = world.assigned()
    told = text_of(journals.printed(world.clerk, "control", "all", ALL))
    assert "Контрольный лист" in told
    assert told.index("Отдел земельных отношений") < told.index(appeal.number)


def test_a_printed_journal_goes_on_over_portions_of_rows(world, monkeypatch):
    monkeypatch.setattr(journals, "PORTION", 1)
    numbers = [world.registered().number, world.registered_email().number]
    content = journals.printed(world.clerk, "registration", "all", ALL)
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 2
    assert all(number in text_of(content).replace(" ", "") for number in numbers)


def test_a_list_of_messages_makes_no_journal_and_an_endless_one_is_no_print(world, monkeypatch):
    with pytest.raises(journals.NoSuchJournal):
        journals.printed(world.clerk, "registration", "registration", ALL)
    with pytest.raises(journals.NoSuchJournal):
        journals.table(world.clerk, "made-up", "all", ALL)
    monkeypatch.setattr(journals, "MOST_PRINTED", 0)
    world.registered()
    with pytest.raises(journals.TooLong, match="Сузьте список"):
        journals.printed(world.clerk, "registration", "all", ALL)


def test_an_empty_journal_is_a_page_that_says_so(world):
    assert "Строк нет" in text_of(journals.printed(world.clerk, "control", "all", ALL))


def test_the_registration_card_tells_terms_with_grounds_and_who_was_charged(world):
    appeal = world.assigned()
    told = text_of(journals.card(appeal, by=world.clerk))
    for words in (appeal.number, "Иванова Мария Петровна", "назначен исполнитель", "59-ФЗ"):
        assert words in told
    assert AccessEntry.objects.filter(action="appeal.card_printed", data__appeal=appeal.pk).exists()


def test_envelopes_bear_the_name_in_the_dative_and_the_index_and_say_who_has_no_address(world):
    world.registered()
    world.registered_email()
    Appeal.objects.filter(channel="email").update(answer_address="ivanova@citizen.example")
    for size in journals.ENVELOPES:
        made = journals.envelopes(Appeal.objects.order_by("pk"), size=size, by=world.clerk)
        assert made.made + made.without_address == 2
        assert "Ивановой" in text_of(made.pdf)
        assert "630000" in text_of(made.pdf)
    with pytest.raises(journals.NothingToPrint):
        journals.envelopes(Appeal.objects.all(), size="a3", by=world.clerk)
    with pytest.raises(journals.NothingToPrint, match="почтового адреса"):
        journals.envelopes(Appeal.objects.none(), size="dl", by=world.clerk)


@pytest.mark.parametrize(
    ("address", "index"),
    [("630000, г. Новосибирск", "630000"), ("г. Новосибирск, д. 12", ""), ("тел. 79130000001", ""), ("", "")],
)
def test_a_postal_index_is_six_figures_by_themselves(address, index):
    assert journals.postal_index(address) == index


def _attach(appeal: Appeal, content: bytes, name: str) -> None:
    message = appeal.messages.get(first=True).message
    IncomingFile.objects.create(message=message, name=name, stored=files.store(content, name=name))


def test_a_whole_case_lists_files_by_digest_and_appends_those_that_can_be(world):
    appeal = world.registered()
    good, locked, broken = a_pdf(2), a_pdf(1, "secret"), b"%PDF-1.4 broken"
    for content, name in ((good, "plan.pdf"), (locked, "closed.pdf"), (broken, "torn.pdf"), (b"words", "a.txt")):
        _attach(appeal, content, name)
    notes.add(appeal, "Только между нами", by=world.clerk)
    row = case_file.ask(appeal, by=world.clerk)
    assert row.state == CaseFile.State.READY
    content = files.path_of(case_file.taken(row, by=world.clerk)).read_bytes()
    told = text_of(content)
    for words in ("приложено, страниц: 2", "под паролем", "не читается", "не PDF", "Прошу продлить договор"):
        assert words in told, words
    assert files.store(good).sha256[:16] in told.replace(" ", "")
    assert "Только между нами" not in told
    assert AccessEntry.objects.filter(action="appeal.case_taken").count() == 2


def test_a_large_case_is_left_to_a_worker(world, monkeypatch):
    appeal = world.registered()
    _attach(appeal, a_pdf(), "plan.pdf")
    monkeypatch.setattr(case_file, "AT_ONCE_BYTES", 1)
    row = case_file.ask(appeal, by=world.clerk)
    assert row.state == CaseFile.State.WAITING
    assert case_file.work_next()
    row.refresh_from_db()
    assert (row.state, case_file.work_next()) == (CaseFile.State.READY, False)


def test_a_case_made_yesterday_is_forgotten(world, monkeypatch):
    row = case_file.ask(world.registered(), by=world.clerk)
    assert case_file.forget_old() == 0
    CaseFile.objects.update(asked_at="2026-01-01T00:00:00Z")
    assert case_file.forget_old() == 1
    assert not CaseFile.objects.filter(pk=row.pk).exists()


def test_the_case_of_an_answered_appeal_has_the_answer_with_it(world):
    appeal = world.assigned(world.registered_email())
    drafting.save(appeal, text="Договор продлён.", base_version=0, by=world.executor)
    drafting.attach(appeal, ContentFile(a_pdf(), name="dogovor.pdf"), by=world.executor)
    told = text_of(case_file.build(world.again(appeal), by=world.clerk))
    assert "Ход работы" in told
    sent = dispatch.send(world.signed(world.registered_email()), by=world.clerk).message.thread.appeal
    assert "страниц: 1" in text_of(case_file.build(world.again(sent), by=world.clerk))
