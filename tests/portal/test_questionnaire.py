"""The questionnaire's pages: once, without scripts, explained when closed."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from otklik.surveys import feedback
from otklik.surveys.models import ContactConsent, Response

GOOD = {"answered": "yes", "quality": "partial"}


@pytest.fixture
def url(db):
    invitation = feedback.invite(channel="email", on=timezone.localdate())
    return f"/feedback/{invitation.token}/"


def test_the_page_asks_and_then_thanks_with_what_was_said(client, url):
    assert "Получен ли ответ на Ваш вопрос?" in client.get(url).content.decode()
    page = client.post(url, {**GOOD, "comment": "понятно"}, follow=True)
    words = page.content.decode()
    assert "Спасибо" in words
    assert "частично удовлетворен" in words
    assert "понятно" in words


def test_three_retries_of_the_page_leave_one_row(client, url):
    for _ in range(3):
        assert "Спасибо" in client.post(url, GOOD, follow=True).content.decode()
    assert Response.objects.count() == 1
    assert "Спасибо" in client.get(url).content.decode()


def test_a_missing_answer_is_named_and_the_rest_stays(client, url):
    page = client.post(url, {"answered": "no", "comment": "долго ждал"})
    words = unescape(page.content.decode())
    assert page.status_code == 422
    assert "Оцените качество ответа" in words
    assert "долго ждал" in words
    assert 'value="no" checked' in words
    assert not Response.objects.exists()


def test_markup_in_a_comment_stays_text(client, url):
    words = client.post(url, {**GOOD, "comment": "<script>alert(1)</script>"}, follow=True).content.decode()
    assert "<script>alert" not in words


def test_unknown_and_expired_questionnaires_are_explained(client, url):
    page = client.get("/feedback/nobody/")
    assert page.status_code == 404
    assert "Проверьте ссылку" in page.content.decode()
    from otklik.surveys.models import Invitation

    Invitation.objects.update(expires_on=timezone.localdate() - timedelta(days=1))
    for page in (client.get(url), client.post(url, GOOD)):
        assert page.status_code == 410
        assert "Анкета закрыта" in page.content.decode()
    assert not Response.objects.exists()


def test_consent_is_asked_apart_and_after_the_answer(client, url):
    assert feedback.CONSENT_TEXT not in client.get(url).content.decode()
    assert client.post(url + "contact/").status_code == 404
    assert feedback.CONSENT_TEXT in client.post(url, GOOD, follow=True).content.decode()
    assert "Вы разрешили" in client.post(url + "contact/", follow=True).content.decode()
    assert ContactConsent.objects.count() == 1
