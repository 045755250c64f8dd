"""`/o/<code>/`: small, without scripts and cookies; one answer per attempt whatever happens on the way."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.surveys import asking, feedback, points
from otklik.surveys.models import AnswerFlow, ContactConsent, Invitation, Questionnaire, Response, SurveyPoint

GOOD: dict[str, Any] = {"channel": "reception", "answered": "yes", "quality": "partial", "about": ["land", "other"]}
URL = "/o/13/"


def key_of(page: Any) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.content.decode())
    assert found
    return unescape(found[1])


@pytest.fixture
def form(client: Client, db: None) -> dict[str, Any]:
    return {**GOOD, "key": key_of(client.get(URL))}


def test_the_page_needs_no_cookie_no_script_and_few_statements(
    client: Client, db: None, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(5):
        page = client.get(URL)
    words = page.content.decode()
    assert page.status_code == 200
    assert "<script" not in words
    assert "Получен ли ответ на Ваш вопрос?" in words
    strict = Client(enforce_csrf_checks=True)
    strict.get(URL)
    strict.cookies.clear()
    assert strict.post(URL, {**GOOD, "key": key_of(page)}).status_code == 302


def test_the_page_weighs_less_than_20_kb_with_all_it_loads(client: Client, db: None) -> None:
    words = client.get(URL).content.decode()
    loaded = re.findall(r'(?:href|src)="/static/([^"]+)"', words)
    assert loaded == ["css/survey.css"]
    whole = len(words.encode()) + sum((settings.PACKAGE / "static" / one).stat().st_size for one in loaded)
    assert "url(" not in (settings.PACKAGE / "static" / loaded[0]).read_text()
    assert whole < 20 * 1024, whole


def test_an_answer_is_kept_once_and_thanked_for(
    client: Client, form: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        answer = client.post(URL, form)
    assert answer.status_code == 302
    words = client.get(answer["Location"]).content.decode()
    assert "Спасибо" in words
    assert "земельный участок, другое" in words
    kept = Response.objects.get()
    assert kept.answers == GOOD
    assert (kept.source, kept.point.code, kept.invitation.channel) == ("qr", "13", "reception")
    assert JournalEntry.objects.get(action="feedback.answered").data == {"response": kept.pk}


def test_a_retry_after_a_lost_connection_leads_to_the_same_thanks(client: Client, form: dict[str, Any]) -> None:
    first = client.post(URL, form)
    again = client.post(URL, {**form, "quality": "unsatisfied"})
    assert first["Location"] == again["Location"]
    assert Response.objects.get().answers["quality"] == "partial"
    assert Invitation.objects.count() == 1


def test_a_person_who_steps_back_finds_the_same_form(client: Client, db: None) -> None:
    said = client.get(URL)["Cache-Control"]
    assert "no-store" not in said
    assert "no-cache" in said


def test_a_missing_answer_is_named_and_what_was_typed_stays(client: Client, form: dict[str, Any]) -> None:
    form |= {"comment": "скамейку <b>у входа</b>", "invitation": ""}
    del form["quality"]
    page = client.post(URL, form)
    words = page.content.decode()
    assert page.status_code == 422
    assert "Оцените качество нашей работы" in unescape(words)
    assert "скамейку &lt;b&gt;у входа" in words
    assert 'value="land" checked' in words
    assert key_of(page) == form["key"]
    assert not Response.objects.exists()
    assert client.post(URL, {**form, "quality": "satisfied"}).status_code == 302


@pytest.mark.parametrize("key", ["", "чужой", "a:b:c"])
def test_a_foreign_key_is_refused_in_words_and_the_second_press_is_taken(
    client: Client, form: dict[str, Any], key: str
) -> None:
    page = client.post(URL, {**form, "key": key})
    assert page.status_code == 422
    assert "нажмите «Отправить» ещё раз" in page.content.decode()
    assert 'value="partial" checked' in page.content.decode()
    assert client.post(URL, {**form, "key": key_of(page)}).status_code == 302
    assert Response.objects.count() == 1


def test_the_key_of_another_point_is_foreign(client: Client, form: dict[str, Any]) -> None:
    assert client.post("/o/12/", form).status_code == 422


def test_a_stale_key_is_refused_unless_its_answer_is_kept_already(
    client: Client, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**GOOD, "key": key_of(client.get(URL))}
    assert client.post(URL, form).status_code == 302
    monkeypatch.setattr(asking, "OPEN_FOR", timedelta(seconds=-1))
    assert client.post(URL, form).status_code == 302
    page = client.post(URL, other)
    assert page.status_code == 422
    assert key_of(page) != other["key"]
    assert Response.objects.count() == 1


def test_the_edition_that_was_opened_is_the_one_answered(client: Client, form: dict[str, Any]) -> None:
    old = Questionnaire.objects.get(code="qr")
    added = {"code": "q9", "text": "Удобно ли было ждать?", "kind": "yes_no", "required": True}
    Questionnaire.objects.create(
        code="qr", edition=2, title="Новая", questions=[*old.questions, added], valid_from=timezone.localdate()
    )
    assert "Удобно ли было ждать?" in client.get(URL).content.decode()
    wrong = client.post(URL, {key: value for key, value in form.items() if key != "quality"})
    assert "Удобно ли было ждать?" not in wrong.content.decode()
    assert client.post(URL, form).status_code == 302
    assert Response.objects.get().invitation.questionnaire == old


def test_a_code_ties_the_answer_to_what_it_was_given_for(client: Client, form: dict[str, Any]) -> None:
    invitation = feedback.invite(channel="hotline", on=timezone.localdate())
    code = asking.code_for(invitation)
    assert re.fullmatch(r"\d{3} \d{3} \d{3}", code)
    assert asking.code_for(Invitation.objects.get(pk=invitation.pk)) == code
    answer = client.post(URL, {**form, "invitation": code})
    kept = Response.objects.get()
    assert kept.invitation_id == invitation.pk
    assert kept.invitation.questionnaire.code == "qr"  # what was asked, not what the call would have been asked
    assert client.post(URL, {**form, "invitation": code})["Location"] == answer["Location"]
    page = client.post(URL, {**GOOD, "key": key_of(client.get(URL)), "invitation": code})
    assert "отзыв уже получен" in page.content.decode()
    assert Response.objects.count() == 1


def test_an_unknown_code_is_refused_kept_typed_and_not_guessed_for_long(client: Client, form: dict[str, Any]) -> None:
    page = client.post(URL, {**form, "invitation": "123 456 789"})
    assert page.status_code == 422
    assert "Такого кода нет" in page.content.decode()
    assert "123 456 789" in page.content.decode()
    for _ in range(29):
        client.post(URL, {**form, "invitation": "123 456 789"})
    assert client.post(URL, {**form, "invitation": "123 456 789"}).status_code == 429
    assert client.post(URL, {**form, "invitation": ""}).status_code == 302


def test_a_crowd_behind_one_address_loses_nothing_and_a_flood_is_marked(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "HONEST_AN_HOUR", 3)
    for _ in range(3):
        assert client.post(URL, {**GOOD, "key": key_of(client.get(URL))}).status_code == 302
    assert not Response.objects.filter(suspicious=True).exists()
    for _ in range(3):
        assert client.post(URL, {**GOOD, "key": key_of(client.get(URL))}).status_code == 302
    assert Response.objects.filter(suspicious=True).count() == 6
    other = Client(REMOTE_ADDR="10.0.0.9")
    other.post(URL, {**GOOD, "key": key_of(other.get(URL))})
    assert Response.objects.filter(suspicious=False).count() == 1
    monkeypatch.setattr(asking, "MOST_AN_HOUR", 6)
    refused = client.post(URL, {**GOOD, "key": key_of(client.get(URL))})
    assert refused.status_code == 429
    assert 'value="partial" checked' in refused.content.decode()
    assert Response.objects.count() == 7


def test_whose_a_flow_was_is_forgotten_the_next_day_and_the_mark_stays(client: Client, form: dict[str, Any]) -> None:
    client.post(URL, form)
    AnswerFlow.objects.update(hour=timezone.now() - timedelta(days=2))
    asking.forget_visitors(timezone.now())
    assert AnswerFlow.objects.get().visitor == ""
    assert Response.objects.get().flow.number == 1


def test_opens_and_answers_are_counted(client: Client, form: dict[str, Any]) -> None:
    client.get(URL)
    client.head(URL)
    client.post(URL, form)
    point = SurveyPoint.objects.get(code="13")
    assert point.opened == 2
    assert points.answered([point]) == {point.pk: 1}


def test_consent_is_a_page_of_its_own_and_asks_where_to(client: Client, form: dict[str, Any]) -> None:
    assert asking.CONSENT_TEXT not in client.get(URL).content.decode()
    thanks = client.post(URL, form)["Location"]
    assert asking.CONSENT_TEXT not in client.get(thanks).content.decode()
    assert asking.CONSENT_TEXT in client.get(f"{thanks}contact/").content.decode()
    assert client.post(f"{thanks}contact/", {"contact": "да"}).status_code == 422
    assert client.post(f"{thanks}contact/", {"contact": " 8 913  000-00-00 "}).status_code == 302
    consent = ContactConsent.objects.get()
    assert (consent.contact, consent.edition) == ("8 913 000-00-00", asking.CONSENT_EDITION)
    assert "Вы разрешили" in client.get(thanks).content.decode()
    assert "913" not in str(list(JournalEntry.objects.values_list("data", flat=True)))


def test_unknown_addresses_are_explained_and_the_russian_letter_leads_on(client: Client, db: None) -> None:
    for address in ("/o/nothing/", "/o/13/nobody/", "/o/13/nobody/contact/"):
        page = client.get(address)
        assert page.status_code == 404
        assert "недоступна" in page.content.decode()
    assert client.get("/о/13/")["Location"] == URL
    assert client.get("/o/13").status_code == 301
    SurveyPoint.objects.filter(code="13").update(valid_to=timezone.localdate() - timedelta(days=1))
    assert client.get(URL).status_code == 404


def test_odd_bytes_in_the_form_are_no_defect(client: Client, form: dict[str, Any]) -> None:
    page = client.post(URL, {**form, "comment": ["так\x00надо", "b"], "extra": "\x00"})
    assert page.status_code == 302
    assert Response.objects.get().comment == "такнадо"
    forged = signing.dumps({"not": "a list"}, salt=asking.SALT)
    assert client.post(URL, {**form, "key": forged}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_four_times_at_once_leaves_one_answer() -> None:
    client = Client()
    points_defaults()
    form = {**GOOD, "key": key_of(client.get(URL))}
    start, got, failed = threading.Barrier(4), [], []

    def press() -> None:
        try:
            start.wait()
            got.append(Client().post(URL, form)["Location"])
        except Exception as exc:
            failed.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(set(got)) == 1
    assert (Response.objects.count(), Invitation.objects.count()) == (1, 1)


def points_defaults() -> None:
    from otklik.surveys import defaults

    defaults.load()
