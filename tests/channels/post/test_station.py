"""Files from the scanner become letters: each once, parted rightly, nothing of what came thrown away."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from otklik.channels.post import reading, station
from otklik.channels.post.models import ScanBatch, ScanLetter, ScanPage
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.channels.post import scans
from tests.channels.post.conftest import bring, work

pytestmark = pytest.mark.django_db
SMALL = {"dpi": 60}
State = ScanBatch.State


def page(text: str = scans.SECOND) -> scans.Image.Image:
    return scans.sheet_of(text, **SMALL)


def six_pages() -> bytes:
    """Two letters of two and three pages with a separator between them."""
    one = page()
    return scans.as_pdf(one, one, scans.divider(), one, one, one, dpi=60)


def test_six_pages_with_a_separator_are_two_letters_with_what_they_propose(quick: None) -> None:
    batch = bring(six_pages()).batch
    work()
    batch.refresh_from_db()
    assert (batch.state, batch.pages_total) == (State.DONE, 6)
    first, second = ScanLetter.objects.select_related("message", "pdf")
    assert [(one.first, one.last) for one in (first, second)] == [(1, 2), (4, 6)]
    assert [one.message.state for one in (first, second)] == ["new", "new"]
    assert first.message.sender_name == "Сидоров Пётр Иванович"
    assert first.message.subject.startswith("Прошу продлить договор аренды земельного участка")
    assert second.message.sender_name == "Зайцева Мария Петровна"
    assert second.message.text.startswith("В департамент")
    facts = first.message.facts.get().data
    assert facts["applicant"]["address"].startswith("630099, г. Новосибирск")
    assert facts["applicant"]["phone"] == "8 913 000-12-34"
    assert facts["scan"]["pages"] == [1, 2]
    assert reading.count(files.path_of(second.pdf)) == 3
    assert list(second.message.files.values_list("stored_id", flat=True)) == [second.pdf_id]


def test_the_same_file_again_is_the_batch_there_is(quick: None) -> None:
    content = scans.as_pdf(page(), dpi=60)
    one, again, more = bring(content, split="whole"), bring(content, "другое имя.pdf"), bring(content)
    assert (one.new, again.new, more.new) == (True, False, False)
    assert one.batch.pk == again.batch.pk == more.batch.pk
    work()
    work()
    assert IncomingMessage.objects.count() == 1


def test_an_empty_page_parts_letters_only_after_a_clerk_has_looked(quick: None) -> None:
    world = World()
    batch = bring(scans.as_tiff(page(), scans.blank(60), page(), page(), dpi=60), split="blanks").batch
    work()
    batch.refresh_from_db()
    assert batch.state == State.CHECK
    assert [one.kind for one in batch.pages.all()] == ["letter", "blank", "letter", "letter"]
    assert [len(one) for one in station.parts(list(batch.pages.all()))] == [1, 2]
    assert not IncomingMessage.objects.exists()
    station.change_page(batch, 3, kind="letter", starts=False, by=world.clerk)
    station.change_page(batch, 4, kind="letter", starts=True, by=world.clerk)
    station.accept(batch, by=world.clerk)
    work()
    assert list(ScanLetter.objects.values_list("first", "last")) == [(1, 3), (4, 4)]
    with pytest.raises(station.NotNow):
        station.change_page(batch, 4, kind="letter", starts=False, by=world.clerk)


def test_backs_of_sheets_stay_out_of_the_letter_where_sheets_part(quick: None) -> None:
    bring(scans.as_pdf(page(), scans.blank(60), page(), scans.divider(), page(), dpi=60))
    work()
    rows = ScanLetter.objects.select_related("pdf")
    assert [(one.first, one.last) for one in rows] == [(1, 3), (5, 5)]
    assert reading.count(files.path_of(rows[0].pdf)) == 2


def test_a_pack_without_a_separator_is_looked_at_by_a_clerk(quick: None) -> None:
    batch = bring(scans.as_pdf(page(), page(), dpi=60)).batch
    work()
    batch.refresh_from_db()
    assert batch.state == State.CHECK
    ScanPage.objects.update(kind="blank")
    with pytest.raises(station.NothingToAccept):
        station.accept(batch, by=World().clerk)


@pytest.mark.parametrize("name", ["scan.jpg", "scan.png", "scan.tif"])
def test_pictures_are_scans_too(quick: None, name: str) -> None:
    content = scans.as_tiff(page(), dpi=60) if name.endswith("tif") else scans.as_jpeg(page(), dpi=60)
    bring(content, name, split="whole")
    work()
    assert IncomingMessage.objects.get().state == "new"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "пустой"), (b"hello, it is not a scan at all", "не скан"), (b"PK\x03\x04" + b"\0" * 50, "не скан")],
)
def test_what_is_no_scan_is_refused_in_words(content: bytes, why: str) -> None:
    with pytest.raises(station.NotAScan) as refused:
        bring(content, "письмо.pdf")
    assert why in str(refused.value)
    assert "PDF, TIFF, JPEG или PNG" in str(refused.value)
    assert not ScanBatch.objects.exists()


def test_a_damaged_scan_waits_in_quarantine_with_the_reason(quick: None) -> None:
    batch = bring(b"%PDF-1.7\n" + b"\x93\x00noise" * 500).batch
    work()
    batch.refresh_from_db()
    message = IncomingMessage.objects.get()
    assert (batch.state, message.state) == (State.FAILED, "quarantined")
    assert "повреждён" in message.problem
    assert message.raw is not None
    assert message.raw.pk == batch.original_id


def test_a_locked_scan_says_that_it_is_locked(quick: None) -> None:
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(scans.as_pdf(page(), dpi=60))))
    writer.encrypt("тайна", algorithm="AES-256-R5")
    spool = io.BytesIO()
    writer.write(spool)
    bring(spool.getvalue())
    work()
    assert "паролем" in IncomingMessage.objects.get().problem


def test_a_page_that_kills_its_reader_stops_neither_the_letter_nor_the_others(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reading.read
    monkeypatch.setattr(
        reading,
        "read",
        lambda path, folder, number, **more: (
            (_ for _ in ()).throw(reading.Unreadable("страница повреждена"))
            if number == 2
            else read(path, folder, number, **more)
        ),
    )
    bring(scans.as_pdf(page(), page(), page(), dpi=60), split="whole")
    work()
    row = ScanLetter.objects.select_related("message", "pdf").get()
    assert row.message.notes == ["Страница 2 скана: страница повреждена."]
    assert reading.count(files.path_of(row.pdf)) == 2


def test_a_page_tried_three_times_is_left_alone(quick: None) -> None:
    batch = bring(scans.as_pdf(page(), dpi=60), split="whole").batch
    station.work_next()
    ScanPage.objects.update(tries=station.TRIES, taken_at=timezone.now() - timedelta(hours=1))
    work()
    row = batch.pages.get()
    assert (row.state, row.why) == ("failed", "чтение несколько раз прерывалось")
    message = IncomingMessage.objects.get()
    assert message.state == "new"
    assert any("приложен весь файл" in note for note in message.notes)


def test_two_workers_take_different_pages(quick: None) -> None:
    bring(scans.as_pdf(page(), page(), dpi=60))
    station.work_next()
    one = ScanPage.objects.order_by("number")[0]
    assert station._take(ScanPage.objects.all(), one)
    assert not station._take(ScanPage.objects.all(), one)
    station.work_next()
    assert ScanPage.objects.get(state="read").number == 2


def test_a_step_reads_one_page_and_asks_a_fixed_number_of_queries(quick: None) -> None:
    from django.test.utils import CaptureQueriesContext

    bring(scans.as_pdf(*[page()] * 6, dpi=60))
    station.work_next()
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            station.work_next()
        counts.append(len(asked))
    assert ScanPage.objects.filter(state="read").count() == 3
    assert max(counts) <= 16


def test_scans_of_an_earlier_day_came_on_that_day(quick: None) -> None:
    batch = bring(scans.as_pdf(page(), dpi=60), split="whole").batch
    ScanBatch.objects.update(received_on=date(2026, 1, 12))
    work()
    message = IncomingMessage.objects.get()
    assert timezone.localdate(message.received_at) == date(2026, 1, 12)
    assert batch.pk


def test_pages_of_letters_decided_long_ago_are_forgotten_the_letters_are_not(quick: None) -> None:
    batch = bring(six_pages()).batch
    work()
    ScanBatch.objects.update(added_at=timezone.now() - timedelta(days=60))
    assert station.forget_pages() == 0
    IncomingMessage.objects.update(decided_at=timezone.now() - timedelta(days=40), state="rejected")
    assert station.forget_pages() == 6
    assert not batch.pages.exists()
    for row in ScanLetter.objects.select_related("pdf"):
        assert files.path_of(row.pdf).exists()
    assert StoredFile.objects.filter(pk=batch.original_id).exists()


def test_the_envelope_is_kept_beside_the_letter_and_in_the_facts(quick: None) -> None:
    clerk: Employee = World().clerk
    bring(scans.as_pdf(page(), dpi=60), split="whole")
    work()
    row = ScanLetter.objects.select_related("message", "batch").get()
    station.describe(row, envelope_on=date(2026, 11, 13), register_number=" 17 ", track="8008 3740 712514", by=clerk)
    row.refresh_from_db()
    assert (row.register_number, row.track) == ("17", "80083740712514")
    facts = row.message.facts.order_by("version").last()
    assert facts is not None
    assert facts.data["envelope"]["postmark"] == "2026-11-13"
    assert facts.data["applicant"]["last_name"] == "Сидоров"
