"""«Написать в департамент»: nothing typed is lost, nothing is taken twice, nothing hostile breaks the page."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from datetime import timedelta
from html import unescape
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from otklik.channels.site import attached, limits
from otklik.channels.site.models import FormAttempt, FormFile, Receipt
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.portal import write
from otklik.portal.uploads import kept_from

PERSON = {
    "kind": "person",
    "last_name": "Вымышленский",
    "first_name": "Пётр",
    "patronymic": "Ильич",
    "answer_by": "email",
    "email": "petr@citizen.example",
    "text": "Как узнать, свободен ли участок?",
}
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch):
    """Let tests press as quickly as they can; the time trap has tests of its own."""
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)


@pytest.fixture
def citizen(db):
    return Client()


def form_token(client):
    return re.search(r'name="form" value="([^"]+)"', client.get("/write/").content.decode())[1]


def filled(client, **changes):
    return {"form": form_token(client), "step": "review", "go": "send", **PERSON, **changes}


def kept_tokens(response):
    return re.findall(r'name="kept" value="([^"]+)"', response.content.decode())


def test_three_steps_and_a_look_over_without_scripts(citizen):
    data = {"form": form_token(citizen), "go": "next"}
    page = citizen.post(
        "/write/", {**data, "step": "who", **{k: PERSON[k] for k in ("kind", "last_name", "first_name")}}
    )
    assert "Как вам ответить?" in page.content.decode()
    page = citizen.post("/write/", {**data, "step": "answer", **{k: v for k, v in PERSON.items() if k != "text"}})
    assert "Что случилось" in page.content.decode()
    page = citizen.post("/write/", {**data, "step": "text", **PERSON})
    words = page.content.decode()
    assert "Проверьте и отправьте" in words
    assert "Шаг 4 из 4" in words
    assert "Вымышленский Пётр Ильич" in words
    assert not IncomingMessage.objects.exists()
    done = citizen.post("/write/", {**data, **PERSON, "step": "review", "go": "send"}, follow=True)
    message = IncomingMessage.objects.get()
    assert message.site_receipt.number in done.content.decode()
    assert done.redirect_chain == [("/write/done/", 302)]


def test_the_form_and_the_receipt_say_it_is_no_appeal_under_the_law_and_how_to_file_one(citizen):
    assert "не считается обращением" in citizen.get("/write/").content.decode()
    done = citizen.post("/write/", filled(citizen), follow=True).content.decode()
    assert "не считается обращением" in done
    assert 'href="/how-to-file/"' in done
    how = citizen.get("/how-to-file/").content.decode()
    for way in ("Госуслуг", "подтверждением личности", "по почте", "личном приёме"):
        assert way in how


def test_a_message_of_the_site_is_read_with_who_wrote_and_how_to_answer(citizen):
    from otklik.channels.site.adapter import SiteChannel

    upload = SimpleUploadedFile("план.pdf", PDF, "application/pdf")
    citizen.post("/write/", filled(citizen, files=upload))
    message = IncomingMessage.objects.get()
    inbox.parse(message, {"website": SiteChannel()})
    assert message.state == IncomingMessage.State.NEW
    assert message.text == PERSON["text"]
    assert message.sender_name == "Вымышленский Пётр Ильич"
    facts = message.facts.get().data
    assert facts["answer"] == {"channel": "email", "address": "petr@citizen.example"}
    assert facts["identified"] is False
    assert files.path_of(message.files.get().stored).read_bytes() == PDF


@pytest.mark.parametrize("times", [2, 4])
def test_a_double_press_and_a_retry_give_one_message_and_the_same_number_and_code(citizen, times):
    data = filled(citizen)
    pages = [citizen.post("/write/", data, follow=True).content.decode() for _ in range(times)]
    assert IncomingMessage.objects.count() == 1
    receipt = Receipt.objects.get()
    codes = {re.search(r"<code>(\w+)</code>", page)[1] for page in pages}
    assert len(codes) == 1
    assert all(receipt.number in page for page in pages)


def test_an_edited_text_sent_again_is_another_message(citizen):
    data = filled(citizen)
    citizen.post("/write/", data)
    citizen.post("/write/", {**data, "text": "Забыл сказать: участок в Искитиме."})
    assert IncomingMessage.objects.count() == 2
    assert Receipt.objects.values("number").distinct().count() == 2


@pytest.mark.django_db(transaction=True)
def test_presses_at_the_same_moment_leave_one_message():
    data = filled(Client())
    start, statuses = threading.Barrier(4), []

    def press():
        try:
            client = Client()
            start.wait()
            statuses.append(client.post("/write/", data).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * 4
    assert IncomingMessage.objects.count() == Receipt.objects.count() == 1


def test_the_code_is_not_kept_and_not_in_any_address(citizen):
    done = citizen.post("/write/", filled(citizen), follow=True)
    code = re.search(r"<code>(\w+)</code>", done.content.decode())[1]
    assert code not in str(Receipt.objects.values().get())
    assert all(code not in url for url, _ in done.redirect_chain)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last_name": ""}, "Напишите фамилию"),
        ({"kind": "organisation", "organisation": ""}, "Напишите название организации"),
        ({"kind": "king"}, "Я пишу как"),
        ({"email": "petr"}, "Проверьте адрес почты"),
        ({"answer_by": "post", "address": ""}, "Напишите почтовый адрес"),
        ({"answer_by": "hotline", "phone": "12"}, "Проверьте номер телефона"),
        ({"text": "  "}, "Напишите, о чём"),
        ({"text": "а" * 20_001}, "длиннее"),
    ],
)
def test_what_is_missing_is_named_in_words_and_the_rest_stays(citizen, change, words):
    page = citizen.post("/write/", filled(citizen, **change))
    assert page.status_code == 422
    assert words in page.content.decode()
    if "text" not in change:
        assert PERSON["text"] in unescape(page.content.decode())
    assert not IncomingMessage.objects.exists()


def test_only_the_contact_that_the_answer_needs_is_kept(citizen):
    citizen.post("/write/", filled(citizen, phone="8 913 000-00-01", address="где-то"))
    raw = files.path_of(IncomingMessage.objects.get().raw).read_text()
    assert "913" not in raw
    assert "где-то" not in raw


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7|add:7 }}'


@pytest.mark.parametrize("field", ["last_name", "first_name", "patronymic", "organisation", "text", "address", "phone"])
@pytest.mark.parametrize("step", ["who", "answer", "text", "review"])
def test_no_field_can_put_markup_on_any_page(citizen, field, step):
    change = {field: HOSTILE}
    if field == "organisation":
        change["kind"] = "organisation"
    if field == "address":
        change["answer_by"] = "post"
    for go in ("next", "back", "edit-who", "edit-answer", "edit-text"):
        page = citizen.post("/write/", filled(citizen, **change, step=step, go=go)).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_nul_sign_is_dropped_not_stumbled_over(citizen):
    assert citizen.post("/write/", filled(citizen, text="до\x00после")).status_code == 302


def encrypted_zip():
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a.txt", "x")
    content = bytearray(plain.getvalue())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("пусто.pdf", b""),
        ("программа.pdf", b"MZ" + b"\x00" * 200),
        ("virus.exe", b"MZ" + b"\x00" * 200),
        ("битый.zip", b"PK\x03\x04" + b"\xff" * 50),
        ("под паролем.zip", encrypted_zip()),
        ("страница.pdf", b"<script>alert(1)</script>"),
        ("фото.jpg", PDF),
    ],
)
def test_a_hostile_file_is_refused_in_words_and_what_was_typed_stays(citizen, name, content):
    page = citizen.post("/write/", filled(citizen, files=SimpleUploadedFile(name, content)))
    words = unescape(page.content.decode())
    assert page.status_code == 422
    assert "Файл «" in words
    assert PERSON["text"] in words
    assert not IncomingMessage.objects.exists()


def test_a_file_over_the_limit_is_refused_and_the_text_beside_it_arrives(citizen, settings):
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    big = SimpleUploadedFile("большой.pdf", b"%PDF-1.4\n" + b"x" * 3 * 1024 * 1024)
    page = citizen.post("/write/", filled(citizen, files=big))
    words = unescape(page.content.decode())
    assert page.status_code == 422
    assert "больше 1 МБ" in words
    assert PERSON["text"] in words
    assert not StoredFile.objects.exists()


def test_good_files_stay_when_a_bad_one_or_a_field_is_refused(citizen):
    both = [SimpleUploadedFile("план.pdf", PDF), SimpleUploadedFile("пусто.pdf", b"")]
    page = citizen.post("/write/", filled(citizen, files=both, email="нет"))
    tokens = kept_tokens(page)
    assert len(tokens) == 1
    page = citizen.post("/write/", filled(citizen, kept=tokens, email="нет"))
    # Signed anew, in another second it may be: what it names is the same.
    assert kept_from(kept_tokens(page)) == kept_from(tokens)
    citizen.post("/write/", filled(citizen, kept=tokens))
    assert (
        StoredFile.objects.get(content_type="application/pdf").sha256
        in files.path_of(IncomingMessage.objects.get().raw).read_text()
    )


def test_a_kept_file_can_be_taken_out(citizen):
    page = citizen.post(
        "/write/", filled(citizen, files=SimpleUploadedFile("план.pdf", PDF), step="text", go="edit-text")
    )
    tokens = kept_tokens(page)
    sha256 = StoredFile.objects.get().sha256
    page = citizen.post("/write/", filled(citizen, kept=tokens, step="text", go=f"remove-{sha256}"))
    assert kept_tokens(page) == []


def test_a_form_left_open_until_its_file_was_swept_asks_for_the_file_and_keeps_the_text(citizen):
    page = citizen.post("/write/", filled(citizen, files=SimpleUploadedFile("план.pdf", PDF), step="text", go="next"))
    tokens = kept_tokens(page)
    FormFile.objects.update(at=timezone.now() - timedelta(hours=25))
    attached.sweep(named=lambda _stored: False)
    page = citizen.post("/write/", filled(citizen, kept=tokens))
    words = unescape(page.content.decode())
    assert page.status_code == 422
    assert "план.pdf" in words
    assert "Приложите их ещё раз" in words
    assert PERSON["text"] in words
    assert kept_tokens(page) == []
    assert not IncomingMessage.objects.exists()
    assert citizen.post("/write/", filled(citizen)).status_code == 302


def test_nobody_can_attach_a_stored_file_he_did_not_upload(citizen):
    stored = files.store(PDF, name="чужое.pdf")
    page = citizen.post("/write/", filled(citizen, kept=[stored.sha256], step="text", go="edit-text"))
    assert kept_tokens(page) == []
    assert "чужое" not in page.content.decode()


def test_more_files_than_allowed_are_refused_by_name(citizen, settings):
    settings.UPLOAD_MAX_FILES = 2
    many = [SimpleUploadedFile(f"лист{n}.pdf", PDF.replace(b"9", b"%d" % n)) for n in range(3)]
    page = citizen.post("/write/", filled(citizen, files=many, step="text", go="next"))
    assert page.status_code == 422
    assert len(kept_tokens(page)) == 2
    assert "не больше 2" in page.content.decode()


def test_the_trap_for_programs_stops_nobody_twice(citizen):
    page = citizen.post("/write/", filled(citizen, homepage="http://spam.example"))
    assert page.status_code == 422
    assert PERSON["text"] in unescape(page.content.decode())
    assert not IncomingMessage.objects.exists()
    assert citizen.post("/write/", filled(citizen)).status_code == 302


def test_a_form_filled_in_no_time_is_asked_to_press_again(citizen, monkeypatch):
    monkeypatch.setattr(write, "QUICKEST_SECONDS", 3)
    page = citizen.post("/write/", filled(citizen))
    assert page.status_code == 422
    assert "очень быстро" in page.content.decode()
    assert not IncomingMessage.objects.exists()


def test_sending_too_often_is_refused_and_the_text_stays(citizen, monkeypatch):
    monkeypatch.setitem(limits.ALLOWED, FormAttempt.Form.WRITE, (2, limits.ALLOWED[FormAttempt.Form.WRITE][1]))
    for _ in range(2):
        assert citizen.post("/write/", filled(citizen)).status_code == 302
    page = citizen.post("/write/", filled(citizen))
    assert page.status_code == 429
    assert PERSON["text"] in unescape(page.content.decode())
    assert IncomingMessage.objects.count() == 2
    assert citizen.post("/write/", filled(citizen), REMOTE_ADDR="10.9.9.9").status_code == 302


def test_addresses_of_visitors_are_not_kept(citizen):
    citizen.post("/write/", filled(citizen), REMOTE_ADDR="203.0.113.77")
    assert "203.0.113.77" not in str(list(FormAttempt.objects.values()))


@pytest.mark.parametrize("failure", [OperationalError("database is locked"), OSError(28, "No space left on device")])
def test_a_failure_to_store_says_503_and_keeps_what_was_typed_without_asking_the_database(citizen, failure):
    data = filled(citizen)
    with (
        mock.patch("otklik.channels.site.intake.inbox.accept", side_effect=failure),
        mock.patch.object(limits, "count"),
    ):
        page = citizen.post("/write/", data)
    words = unescape(page.content.decode())
    assert page.status_code == 503
    assert page["Retry-After"]
    assert PERSON["text"] in words
    assert PERSON["email"] in words
    assert "осталось на этой странице" in words
    assert not IncomingMessage.objects.exists()
    assert not Receipt.objects.exists()
    assert citizen.post("/write/", data).status_code == 302


def test_a_full_disk_while_a_file_is_taken_says_503_and_keeps_the_text(citizen):
    upload = SimpleUploadedFile("план.pdf", PDF)
    with mock.patch("otklik.core.files.store", side_effect=OSError(28, "No space left on device")):
        page = citizen.post("/write/", filled(citizen, files=upload, step="text", go="next"))
    assert page.status_code == 503
    assert PERSON["text"] in unescape(page.content.decode())


@pytest.mark.django_db(transaction=True)
def test_the_page_of_a_dead_database_is_whole():
    client = Client()
    with mock.patch("otklik.portal.write.secrets.token_urlsafe", return_value="one"):
        token = form_token(client)
    dead = OperationalError("server closed the connection")
    with mock.patch("django.db.backends.base.base.BaseDatabaseWrapper.cursor", side_effect=dead):
        page = client.post("/write/", {"form": token, "step": "review", "go": "send", **PERSON})
    assert page.status_code == 503
    assert PERSON["text"] in unescape(page.content.decode())


def test_a_post_without_the_page_s_token_is_refused(db):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/write/", PERSON).status_code == 403
    assert not IncomingMessage.objects.exists()
