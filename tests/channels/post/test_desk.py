"""Scans and lists for the post office on their pages."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook
from pypdf import PdfReader

from otklik.appeals import dispatch
from otklik.appeals.models import Appeal
from otklik.channels.post import lists, proposals, reading
from otklik.channels.post.models import PostItem, PostList, ScanBatch, ScanLetter, ScanPage
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.channels.post import scans
from tests.channels.post.conftest import bring, work
from tests.channels.post.test_station import page, six_pages
from tests.desk import at, entered, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def clerk(world: World) -> Client:
    return entered(world.clerk)


def as_proposed(client: Client, url: str) -> dict[str, Any]:
    """Return the form as the page shows it: what Enter sends."""
    answer = client.get(url)
    form = answer.context["form"]
    shown = {field.name: value for field in form if (value := field.value()) not in (None, "")}
    return {key: getattr(value, "pk", value) for key, value in shown.items()} | {"letter": answer.context["row"].pk}


def upload(client: Client, content: bytes, name: str = "скан.pdf", **changes: Any) -> Any:
    form = {"split": "sheets", "received_on": timezone.localdate().isoformat(), **changes}
    return client.post(at("scans"), {"scan": SimpleUploadedFile(name, content), **form})


def test_a_pack_is_uploaded_and_registered_letter_by_letter_by_enter(clerk: Client, quick: None) -> None:
    batch_url = upload(clerk, six_pages()).url
    page_of = clerk.get(batch_url).content.decode()
    assert "Файл ждёт чтения" in page_of
    work()
    batch = ScanBatch.objects.get()
    assert "Регистрировать: 2" in clerk.get(batch_url).content.decode()
    url = at("scan_register", batch.pk)
    first = as_proposed(clerk, url)
    assert (first["last_name"], first["first_name"], first["patronymic"]) == ("Сидоров", "Пётр", "Иванович")
    assert first["answer_address"].startswith("630099, г. Новосибирск")
    done = clerk.post(url, first | {"envelope_on": "2026-11-13", "register_number": "17"}, follow=True)
    assert "Письмо 2 из 2" in done.content.decode()
    assert "Зарегистрировано: № " in done.content.decode()
    second = as_proposed(clerk, url)
    assert second["last_name"] == "Зайцева"
    done = clerk.post(url, second | {"letter": second["letter"]}, follow=True)
    assert "Писем без решения больше нет" in done.content.decode()
    assert [one.applicant.last_name for one in Appeal.objects.order_by("pk")] == ["Сидоров", "Зайцева"]
    row = ScanLetter.objects.earliest("first")
    assert (str(row.envelope_on), row.register_number) == ("2026-11-13", "17")
    assert "письма решены" in clerk.get(at("scans")).content.decode()
    assert "Сидоров" not in clerk.get(at("scans")).content.decode()


def test_a_registered_letter_has_a_stamp_and_a_label(clerk: Client, quick: None) -> None:
    bring(scans.as_pdf(page(), dpi=60), split="whole")
    work()
    row = ScanLetter.objects.get()
    assert clerk.get(at("scan_copy", row.pk)).status_code == 404
    url = at("scan_register", row.batch_id)
    clerk.post(url, as_proposed(clerk, url))
    number = Appeal.objects.get().number
    for name, width in (("scan_copy", 595), ("scan_label", 204)):
        answer = clerk.get(at(name, row.pk))
        [one] = PdfReader(io.BytesIO(answer.content)).pages
        assert f"Вх. № {number}" in one.extract_text()
        assert abs(float(one.mediabox.width) - width) < 3
        assert "attachment" in answer["Content-Disposition"]


def test_a_wrong_field_is_named_and_what_was_typed_stays(clerk: Client, quick: None) -> None:
    bring(scans.as_pdf(page(), dpi=60), split="whole")
    work()
    url = at("scan_register", ScanBatch.objects.get().pk)
    typed = as_proposed(clerk, url) | {"track": "12345678901234", "envelope_on": "2099-01-01", "subject": "Предмет-8"}
    answer = clerk.post(url, typed)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"track", "envelope_on"}
    assert "Предмет-8" in answer.content.decode()
    assert not Appeal.objects.exists()
    IncomingMessage.objects.update(state="rejected")
    said = clerk.post(url, typed, follow=True).content.decode()
    assert "Об этом письме уже решили" in said


def test_borders_between_letters_are_moved_and_accepted(clerk: Client, quick: None) -> None:
    batch = bring(scans.as_pdf(page(), page(), page(), dpi=60)).batch
    work()
    url = at("scan_batch", batch.pk)
    assert "Разделено верно" in clerk.get(url).content.decode()
    clerk.post(url, {"number": "2", "do": "start"})
    clerk.post(url, {"number": "3", "do": "out"})
    assert clerk.post(url, {"number": "3", "do": "burn"}).status_code == 404
    assert clerk.post(url, {"number": "", "do": "out"}).status_code == 404
    assert clerk.post(at("scan_accept", batch.pk)).status_code == 302
    assert "Письма принимаются" in clerk.get(url).content.decode()
    work()
    assert list(ScanLetter.objects.values_list("first", "last")) == [(1, 1), (2, 2)]
    assert clerk.post(at("scan_accept", batch.pk)).status_code == 422
    assert AccessEntry.objects.filter(action="scan.opened").count() == 1


def test_what_is_no_scan_is_refused_beside_the_field(clerk: Client) -> None:
    answer = upload(clerk, b"MZ not a scan", "письмо.exe")
    assert answer.status_code == 422
    assert "это не скан" in answer.context["form"].errors["scan"][0]
    assert "пустой" in upload(clerk, b"", "п.pdf").context["form"].errors["scan"][0]
    late = upload(clerk, b"%PDF", received_on="2099-01-01")
    assert "ещё не наступила" in late.context["form"].errors["received_on"][0]


def test_the_same_file_leads_to_its_letters(clerk: Client, quick: None) -> None:
    content = scans.as_pdf(page(), dpi=60)
    upload(clerk, content)
    answer = upload(clerk, content)
    assert ScanBatch.objects.count() == 1
    assert "уже принят раньше" in clerk.get(answer.url).content.decode()


def test_progress_is_shown_until_the_pages_are_read(clerk: Client, quick: None) -> None:
    batch = bring(scans.as_pdf(page(), page(), dpi=60)).batch
    url = at("scan_progress", batch.pk)
    assert "ждёт чтения" in clerk.get(url).content.decode()
    from otklik.channels.post import station

    station.work_next()
    station.work_next()
    assert "Распознано страниц: 1 из 2" in clerk.get(url).content.decode()
    station.work_next()
    assert clerk.get(url)["HX-Refresh"] == "true"
    picture = clerk.get(at("scan_picture", ScanPage.objects.earliest("number").pk))
    assert picture["Content-Type"] == "image/jpeg"
    assert picture["Cache-Control"] == "private, no-store"


def test_who_does_not_decide_about_letters_sees_no_scan(world: World, quick: None) -> None:
    batch = bring(scans.as_pdf(page(), dpi=60)).batch
    work()
    for who in (world.executor, world.auditor):
        there = entered(who)
        for name, pk in (("scans", None), ("scan_batch", batch.pk), ("scan_picture", ScanPage.objects.get().pk)):
            assert there.get(at(name, pk) if pk else at(name)).status_code == 403


def test_the_separator_is_handed_out_and_read_back(clerk: Client, tmp_path: Any) -> None:
    answer = clerk.get(at("scan_separator"))
    (tmp_path / "sheet.pdf").write_bytes(answer.content)
    assert reading.read(tmp_path / "sheet.pdf", tmp_path, 1)["kind"] == "sheet"


def test_pages_ask_a_fixed_number_of_queries(clerk: Client, quick: None) -> None:
    bring(six_pages())
    work()
    batch = ScanBatch.objects.get()
    limits = {at("scans"): 10, at("scan_batch", batch.pk): 12, at("scan_register", batch.pk): 32}
    for url in limits:
        clerk.get(url)
    for url, most in limits.items():
        with CaptureQueriesContext(connection) as asked:
            clerk.get(url)
        assert len(asked) <= most, [one["sql"][:120] for one in asked.captured_queries]


# --- lists for the post office ---------------------------------------------------------------------------------------


@pytest.fixture
def letters(world: World) -> list[OutgoingMessage]:
    return [dispatch.send(world.signed(), by=world.clerk).message for _ in range(2)]


def test_letters_are_listed_weighed_numbered_and_handed_over(
    world: World, clerk: Client, letters: list[OutgoingMessage]
) -> None:
    assert [one.state for one in letters] == ["by_hand", "by_hand"]
    url = clerk.post(at("post_lists"), {"letter": [one.pk for one in letters]}).url
    first, second = PostItem.objects.order_by("place")
    shown = clerk.get(url).content.decode()
    assert "Выдуманная" not in shown
    typed = {f"grams-{first.pk}": "21", f"track-{first.pk}": "8008 3740 712514", f"track-{second.pk}": ""}
    clerk.post(url, typed | {"do": "save"})
    first.refresh_from_db()
    assert (first.grams, first.track) == (21, "80083740712514")
    book = load_workbook(io.BytesIO(clerk.get(at("post_list_table", first.post_list_id)).content))
    rows = [list(row) for row in book.active.iter_rows(values_only=True)]
    assert rows[0] == list(lists.HEAD)
    assert rows[1][0] == 1
    assert "Выдуманная" in rows[1][2]
    assert (rows[1][3], rows[1][4], rows[1][5]) == ("Письмо заказное", 21, "80083740712514")
    assert rows[1][6].startswith("О-")
    assert rows[2][3] == "Письмо"
    assert "Всего отправлений: 2" in rows[3][1]
    done = clerk.post(url, typed | {"do": "hand", "on": timezone.localdate().isoformat()}, follow=True)
    assert "сдано на почту писем: 2" in done.content.decode()
    sent = OutgoingMessage.objects.get(pk=first.message_id)
    assert (sent.state, sent.error) == ("sent", "РПО 80083740712514")
    assert clerk.post(url, typed | {"do": "save"}).status_code == 422
    assert AccessEntry.objects.filter(action="post_list.opened").count() == 1
    told = list(JournalEntry.objects.filter(action__startswith="post_list.").values_list("action", flat=True))
    assert told[0] == "post_list.made"
    assert told[-1] == "post_list.handed"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("track", "80083740712515", "не похоже на почтовый"), ("grams", "0", "масса"), ("grams", "много", "масса")],
)
def test_a_wrong_number_or_weight_is_told_with_its_line_and_stays(
    clerk: Client, letters: list[OutgoingMessage], field: str, value: str, said: str
) -> None:
    url = clerk.post(at("post_lists"), {"letter": letters[0].pk}).url
    item = PostItem.objects.get()
    answer = clerk.post(url, {f"{field}-{item.pk}": value, "do": "save"})
    assert answer.status_code == 422
    assert "Строка 1" in answer.content.decode()
    assert said in answer.content.decode()
    assert f'value="{value}"' in answer.content.decode()


def test_a_letter_stands_in_one_list_and_can_be_taken_off(clerk: Client, letters: list[OutgoingMessage]) -> None:
    both = {"letter": [one.pk for one in letters]}
    clerk.post(at("post_lists"), both)
    again = clerk.post(at("post_lists"), both)
    assert (again.status_code, "Отметьте письма" in again.content.decode()) == (422, True)
    for item in PostItem.objects.all():
        clerk.post(at("post_list_remove", item.pk))
    assert not PostList.objects.exists()
    assert lists.waiting().count() == 2
    assert clerk.post(at("post_lists"), {"letter": ["²", "x", "9" * 40]}).status_code == 422


def test_letters_are_not_handed_over_tomorrow(clerk: Client, letters: list[OutgoingMessage]) -> None:
    url = clerk.post(at("post_lists"), {"letter": letters[0].pk}).url
    answer = clerk.post(url, {"do": "hand", "on": "2099-01-01"})
    assert answer.status_code == 422
    assert PostList.objects.get().handed_on is None
    assert clerk.post(url, {"do": "hand", "on": ""}).status_code == 422


def test_a_letter_sent_otherwise_meanwhile_does_not_stop_the_list(
    world: World, clerk: Client, letters: list[OutgoingMessage]
) -> None:
    url = clerk.post(at("post_lists"), {"letter": [one.pk for one in letters]}).url
    OutgoingMessage.objects.filter(pk=letters[0].pk).update(state="cancelled")
    clerk.post(url, {"do": "hand", "on": timezone.localdate().isoformat()})
    assert OutgoingMessage.objects.get(pk=letters[1].pk).state == "sent"
    assert OutgoingMessage.objects.get(pk=letters[0].pk).state == "cancelled"


# --- what a letter says of itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("80083740712514", True), ("80083740712515", False), ("RA644000005RU", True), ("RA644000001RU", False),
        ("123", False), ("", False),
    ],
)  # fmt: skip
def test_postal_numbers_are_known_by_their_check_digit(number: str, right: bool) -> None:
    assert proposals.is_track(number) is right


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("от Марии Петровны Зайцевой\nЖАЛОБА", "Зайцева Мария Петровна"),
        ("от Зайцевой Марии Петровны\nЖАЛОБА", "Зайцева Мария Петровна"),
        ("Прошу ответить.\nПетров Иван Сергеевич", "Петров Иван Сергеевич"),
        ("от ИВАНОВОЙ АННЫ ИГОРЕВНЫ", "Иванова Анна Игоревна"),
        ("от ООО «Ромашка»\nПросим сообщить", "ООО «Ромашка»"),
        ("Прошу ответить. Подпись неразборчива", ""),
    ],
)
def test_who_wrote_is_named_in_the_nominative(text: str, name: str) -> None:
    assert proposals.short(proposals.read(text, [], on=timezone.localdate()).applicant) == name


def test_the_subject_names_nobody() -> None:
    said = proposals.subject("ЗАЯВЛЕНИЕ\nПрошу выдать копию договора Петрова Ивана Сергеевича, тел. 8 913 000-12-34.")
    assert "Петров" not in said
    assert "913" not in told(said)
    assert said.startswith("Прошу выдать копию договора")
