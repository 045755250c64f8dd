"""The form in a frame of the department's site: no cookie, no script, nobody signed in, only listed sites."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otklik.channels.site.adapter import SiteChannel
from otklik.channels.site.models import Receipt
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.people import citizens
from otklik.portal import signin, write
from tests.house.test_headers import policy

PERSON = {"kind": "person", "last_name": "Вымышленский", "first_name": "Пётр", "answer_by": "website"}
TEXT = "Как узнать, свободен ли участок?"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch):
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)


class Framed(Client):
    """A browser that keeps cookies of a frame away and checks what a site's own forms are checked for."""

    def __init__(self):
        super().__init__(enforce_csrf_checks=True)

    def request(self, **request):
        self.cookies.clear()
        return super().request(**request)


def hidden(answer):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))


def test_by_default_no_site_may_show_it_in_a_frame(client):
    answer = client.get("/embed/write/")
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "X-Frame-Options" not in answer


def test_only_listed_sites_may(client, settings):
    settings.EMBED_ORIGINS = ["https://department.example", "https://www.department.example:8443", "x; script-src *"]
    told = policy(client.get("/embed/write/"))
    assert told["frame-ancestors"] == "https://department.example https://www.department.example:8443"
    assert told["script-src"] == "'none'"
    assert policy(client.get("/write/"))["frame-ancestors"] == "'self'"


def test_a_message_is_sent_step_by_step_without_a_cookie_and_a_script():
    browser = Framed()
    page = browser.get("/embed/write/")
    assert not page.cookies
    said = hidden(page)
    for step in ({"kind": "person", "last_name": "Вымышленский", "first_name": "Пётр"}, {"answer_by": "website"}):
        page = browser.post("/embed/write/", {**said, **step, "go": "next"})
        assert page.status_code == 200
        said = hidden(page)
    upload = SimpleUploadedFile("план.pdf", PDF, "application/pdf")
    page = browser.post("/embed/write/", {**said, "text": TEXT, "files": upload, "go": "next"})
    words = page.content.decode()
    assert "Проверьте и отправьте" in words
    assert "план.pdf" in words
    assert "не считается обращением" in words
    assert "<script" not in words
    sent = {**hidden(page), "go": "send"}
    done = browser.post("/embed/write/", sent)
    assert done.status_code == 200
    assert not done.cookies
    receipt = Receipt.objects.get()
    words = done.content.decode()
    assert receipt.number in words
    code = re.search(r"<code>(\w+)</code>", words)[1]
    assert "<script" not in words
    again = browser.post("/embed/write/", sent).content.decode()
    assert code in again
    assert IncomingMessage.objects.count() == 1
    message = IncomingMessage.objects.get()
    inbox.parse(message, {"website": SiteChannel()})
    assert message.text == TEXT
    assert message.files.get().name == "план.pdf"
    shown = Client().post("/status/", {"number": receipt.number, "code": code}, follow=True)
    assert "Получено" in shown.content.decode()


def test_links_of_the_frame_open_beside_it(settings):
    settings.CITIZEN_OIDC_URL = "https://id.example"
    words = Framed().get("/embed/write/").content.decode()
    links = re.findall(r"<a [^>]*>", words)
    assert links
    assert all('target="_blank"' in link and 'rel="noopener"' in link for link in links)
    assert "/account/sign-in/" in words


def test_nobody_is_signed_in_there_whatever_the_browser_sends():
    key = citizens.enter("https://id.example", "1", citizens.Said("Небывалова", "Анна"))
    browser = Client()
    browser.cookies[signin.SESSION_COOKIE] = key
    page = browser.get("/embed/write/")
    assert "Небывалова" not in page.content.decode()
    browser.post("/embed/write/", {**hidden(page), **PERSON, "text": TEXT, "step": "review", "go": "send"})
    assert Receipt.objects.get().citizen is None


def test_a_form_not_of_ours_sends_nothing_at_once(monkeypatch):
    monkeypatch.setattr(write, "QUICKEST_SECONDS", 3)
    answer = Framed().post("/embed/write/", {**PERSON, "text": TEXT, "step": "review", "go": "send", "form": "x"})
    assert answer.status_code == 422
    assert TEXT in answer.content.decode()
    assert not IncomingMessage.objects.exists()
