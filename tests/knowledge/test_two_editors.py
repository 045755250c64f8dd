"""Two editors of one page: whoever saves second overwrites nothing, loses nothing and sees both."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import Comment, Page, Revision

from otklik.core.models import JournalEntry
from otklik.knowledge.models import Agreement, Faq
from tests.appeals.test_races import at_once
from tests.desk import desk
from tests.knowledge.test_rights import latest, no_rows, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(garages, publish):
    return publish(garages, "Вопрос о гараже")


@pytest.fixture
def second(employee, land):
    return employee("second", land, "kb_author")


def opened(page: Page) -> dict[str, str]:
    """Return what the editor remembers of the version it was opened over."""
    revision = Page.objects.get(pk=page.pk).latest_revision
    return {"loaded_revision_id": str(revision.pk), "loaded_revision_created_at": revision.created_at.isoformat()}


def save(client: Client, page: Page, over: dict[str, str], **typed_words: str) -> Any:
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    return client.post(url, typed(page, **over, **typed_words))


def answers(page: Page) -> list[str]:
    """Return the short answer of every version kept."""
    kept = Revision.page_revisions.filter(object_id=str(page.pk)).order_by("pk")
    return [revision.content["short_answer"] for revision in kept]


def test_who_saves_second_keeps_his_text_beside_and_sees_both(author, second, page):
    over = opened(page)
    save(desk(author), page, over, short_answer="Первый вариант")
    comment = no_rows("comments") | {"comments-TOTAL_FORMS": "1", "comments-0-text": "Проверьте"}
    comment |= {"comments-0-contentpath": "short_answer", "comments-0-position": ""} | no_rows("comments-0-replies")
    late = desk(second)
    answer = save(late, page, over, short_answer="Второй вариант", **comment)
    shown = late.get(answer["Location"]).content.decode()
    assert "Ваш вариант сохранён отдельно" in shown
    for words in ("author", "Первый", "Второй", "Взять свой вариант"):
        assert words in shown
    assert latest(page).short_answer == "Первый вариант"
    assert answers(page)[1:] == ["Первый вариант", "Второй вариант"]
    assert Comment.objects.get().text == "Проверьте"
    assert JournalEntry.objects.filter(action="knowledge.kept_aside", actor=second).count() == 1
    # He takes his own on purpose: as a draft, nobody's text is gone, nothing is published.
    mine = Revision.page_revisions.latest("pk")
    restore = reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, mine.pk])
    assert "Второй вариант" in late.get(restore).content.decode()
    late.post(restore, typed(page, **opened(page), short_answer="Второй вариант", **{"action-publish": "1"}))
    assert latest(page).short_answer == "Второй вариант"
    assert "вариант" not in Page.objects.get(pk=page.pk).specific.short_answer
    assert "Первый вариант" in answers(page)


def test_a_form_with_an_error_remembers_what_it_was_opened_over(author, second, page):
    over = opened(page)
    save(desk(author), page, over, short_answer="Первый вариант")
    answer = save(desk(second), page, over, short_answer="Второй вариант", slug="не адрес !")
    assert answer.status_code == 200
    assert f'name="loaded_revision_id" value="{over["loaded_revision_id"]}"' in answer.content.decode()
    assert "Второй вариант" in answer.content.decode()
    save(desk(second), page, over, short_answer="Второй вариант")
    assert latest(page).short_answer == "Первый вариант"


def test_an_automatic_saving_over_a_newer_version_is_refused(author, second, page):
    over = opened(page)
    save(desk(author), page, over, short_answer="Первый вариант")
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    data = typed(page, **over, short_answer="Второй вариант")
    answer = desk(second).post(url, data, headers={"accept": "application/json"})
    assert answer.json()["error_code"] == "invalid_revision"
    assert latest(page).short_answer == "Первый вариант"


def test_a_form_sent_while_the_browser_saves_it_by_itself_makes_one_page(author, garages):
    client, new = desk(author), typed(Faq(title="Новый", slug="new", short_answer="Да."))
    url = reverse("wagtailadmin_pages:add", args=["knowledge", "faq", garages.pk])
    assert client.post(url, new, headers={"accept": "application/json"}).status_code == 200
    client.post(url, new | {"action-agree": "1"}, follow=True)
    assert Faq.objects.count() == Agreement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("press", ["save", "action-agree"])
def test_of_two_who_save_at_once_both_texts_are_kept(transactional_db, author, second, page, press):
    over = opened(page)
    clients = [desk(author), desk(second)]
    for client in clients:
        client.get(reverse("wagtailadmin_home"))  # the groups of both are set: only the page is fought for
    results = at_once(
        *(
            lambda c=client, w=words: save(c, page, over, short_answer=w, **{press: "1"})
            for client, words in zip(clients, ("Раз", "Два"), strict=True)
        )
    )
    assert [answer.status_code for answer in results] == [302, 302], results
    assert sorted(answers(page)[1:]) == ["Два", "Раз"]
    assert sum("compare" in answer["Location"] for answer in results) == 1
