"""«Помогло / не помогло»: one vote of one reader about one version, and an owner who answers to it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from otklik.channels.site import limits
from otklik.core.models import JournalEntry
from otklik.knowledge import finding, votes
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import SearchSession, Vote
from otklik.people.models import Employee
from otklik.workplace import notice_mail, notices
from otklik.workplace.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def garage(garages, publish):
    return publish(garages, "Как оформить гараж")


def signed_in(person: Employee) -> Client:
    client = Client()
    client.force_login(person)
    return client


def against(client: Client, page: Any, **typed: str) -> Any:
    address = reverse("workplace:knowledge_vote", args=[page.pk])
    return client.post(address, {"helped": "no", "reason": "outdated", **typed})


def test_who_was_helped_says_so_with_one_press_and_the_search_has_served(reader, garage):
    client = signed_in(reader)
    client.get(reverse("workplace:knowledge"), {"q": "гараж"})
    page = reverse("workplace:knowledge_material", args=[garage.pk])
    assert "Материал помог?" in client.get(page).content.decode()
    answer = client.post(reverse("workplace:knowledge_vote", args=[garage.pk]), {"helped": "yes"}, follow=True)
    assert "Вы ответили: помог" in answer.content.decode()
    row = Vote.objects.get()
    assert (row.by, row.helped, row.state, row.revision) == (reader, True, "closed", garage.live_revision_id)
    assert SearchSession.objects.get().used_ms is not None
    assert JournalEntry.objects.get(action="material.voted").actor == reader


def test_a_vote_against_asks_why_and_keeps_what_was_typed(reader, garage):
    answer = against(signed_in(reader), garage, reason="", note="Нет срока")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Выберите, что не так" in text
    assert "Нет срока" in text
    assert not Vote.objects.exists()
    assert not JournalEntry.objects.filter(action="material.voted").exists()


def test_one_reader_votes_once_for_a_version_and_again_for_the_next(reader, garage):
    client = signed_in(reader)
    against(client, garage)
    answer = client.post(reverse("workplace:knowledge_vote", args=[garage.pk]), {"helped": "yes"}, follow=True)
    assert "Вы уже оценили" in answer.content.decode()
    assert not Vote.objects.get().helped
    garage.save_revision().publish()
    client.post(reverse("workplace:knowledge_vote", args=[garage.pk]), {"helped": "yes"})
    assert set(Vote.objects.values_list("helped", flat=True)) == {True, False}


def test_the_table_itself_refuses_a_second_vote_and_a_vote_against_without_a_reason(reader, garage):
    facts = {"page": garage, "revision": 1}
    Vote.objects.create(**facts, helped=False, reason="other", reader="m")
    Vote.objects.create(**facts, helped=False, reason="other", by=reader)
    for wrong in ({"reader": "m"}, {"by": reader}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Vote.objects.create(**facts, helped=False, reason="other", **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(**facts, helped=False, reader="n")
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(**facts, helped=True, reason="other", state="closed", reader="o")


def test_a_citizen_votes_without_a_name_and_his_numbers_are_not_kept(client, garage):
    typed = {"helped": "no", "reason": "unclear", "note": "Звоните 8 913 123-45-67, a@b.ru"}
    answer = client.post(f"/vote/{garage.pk}/", typed)
    assert (answer.status_code, answer["Location"]) == (302, f"{garage.url}#vote")
    row = Vote.objects.get()
    assert (row.by, row.note) == (None, "Звоните •••, •••")
    assert client.cookies[finding.COOKIE].value not in row.reader
    assert JournalEntry.objects.get(action="material.voted").actor is None
    assert "ваша оценка учтена" in client.get(garage.url).content.decode()
    assert "Помог ли вам этот ответ?" in Client().get(garage.url).content.decode()
    client.post(f"/vote/{garage.pk}/", {"helped": "yes"})
    assert Vote.objects.count() == 1


def test_a_citizen_who_gives_no_reason_is_asked_for_it(client, garage):
    answer = client.post(f"/vote/{garage.pk}/", {"helped": "no", "note": "Непонятно про сроки"})
    assert answer.status_code == 422
    assert "Непонятно про сроки" in answer.content.decode()
    assert not Vote.objects.exists()


@pytest.mark.parametrize("mark", ["internal", "for_answers"])
def test_nobody_outside_votes_for_what_he_cannot_read(client, garages, publish, mark):
    page = publish(garages, "Тайна", mark)
    for pk in (page.pk, 10**9, 10**30):
        assert client.post(f"/vote/{pk}/", {"helped": "yes"}).status_code == 404
    assert not Vote.objects.exists()


def test_from_one_address_votes_do_not_pour(garage, monkeypatch):
    monkeypatch.setitem(limits.ALLOWED, limits.FormAttempt.Form.VOTE, (3, limits.KEPT_FOR))
    statuses = [Client().post(f"/vote/{garage.pk}/", {"helped": "yes"}).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]
    assert Vote.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_are_one_vote(garage, reader):
    said: list[str] = []

    def press() -> None:
        try:
            votes.vote(Searcher(reader), garage, helped=True)
            said.append("ok")
        except votes.AlreadyVoted:
            said.append("refused")
        finally:
            connection.close()

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert sorted(said) == ["ok", "refused"]
    assert JournalEntry.objects.filter(action="material.voted").count() == 1


def told() -> set[str]:
    while notices.work_next():
        pass
    return set(Notice.objects.filter(kind="vote").values_list("employee__username", flat=True))


def test_authors_and_the_head_of_the_unit_hear_of_a_vote_against_and_nobody_else(
    client, garage, employee, author, land, rent
):
    employee("head", land, "head")
    employee("their-head", rent, "head")
    employee("their-author", rent, "kb_author")
    employee("only-reads", land, "executor")
    client.post(f"/vote/{garage.pk}/", {"helped": "yes"})
    assert told() == set()
    Client().post(f"/vote/{garage.pk}/", {"helped": "no", "reason": "mistake"})
    assert told() == {"author", "head"}
    notice = Notice.objects.get(employee=author)
    assert notice.text == "Материал не помог: ошибка"
    assert notice.about == "Материал «Как оформить гараж»"
    page = signed_in(author)
    listed = page.get(reverse("workplace:notices")).content.decode()
    assert "Как оформить гараж" in listed
    assert page.get(reverse("workplace:bell")).json()["unread"] == 1
    page.get(notice.path)
    assert page.get(reverse("workplace:bell")).json()["unread"] == 0


def test_where_a_unit_has_neither_author_nor_head_the_chief_hears(client, garage, chief):
    client.post(f"/vote/{garage.pk}/", {"helped": "no", "reason": "mistake"})
    assert "chief" in told()


def test_the_letter_names_the_material_and_leads_to_what_was_said(client, garage, author):
    client.post(f"/vote/{garage.pk}/", {"helped": "no", "reason": "outdated", "note": "Словоклиента"})
    told()
    [notice] = Notice.objects.filter(employee=author)
    subject, text = notice_mail.compose([notice])
    assert subject == "Материал «Как оформить гараж»: материал не помог: устарело"
    assert notice.path in text
    assert "Словоклиента" not in text


def test_the_loop_is_closed_with_words(garage, reader, author):
    against(signed_in(reader), garage, note="Нет срока")
    desk, row = signed_in(author), Vote.objects.get()
    address = reverse("workplace:vote_decide", args=[row.pk])
    assert "Нет срока" in desk.get(reverse("workplace:votes")).content.decode()
    desk.post(address, {"take": "1"})
    row.refresh_from_db()
    assert (row.state, row.handler) == ("taken", author)
    answer = desk.post(address, {"close": "1", "outcome": "  "})
    assert answer.status_code == 422
    assert "Напишите, что сделано" in answer.content.decode()
    desk.post(address, {"close": "1", "outcome": "Добавлен срок"})
    row.refresh_from_db()
    assert (row.state, row.outcome) == ("closed", "Добавлен срок")
    assert "Добавлен срок" in desk.get(reverse("workplace:votes"), {"state": "closed"}).content.decode()
    assert "Добавлен срок" not in desk.get(reverse("workplace:votes")).content.decode()
    actions = JournalEntry.objects.filter(chain=f"material:{garage.pk}", actor=author).values_list("action", flat=True)
    assert {"vote.taken", "vote.closed"} <= set(actions)
    assert desk.post(address, {"close": "1", "outcome": "Ещё раз"}).status_code == 409


def test_only_those_who_answer_for_a_material_see_and_close_what_is_said_of_it(garage, reader, employee, rent, chief):
    against(signed_in(reader), garage, note="Нет срока")
    row = Vote.objects.get()
    address, listed = reverse("workplace:vote_decide", args=[row.pk]), reverse("workplace:votes")
    theirs, auditor = employee("their-author", rent, "kb_author"), employee("auditor", rent, "auditor")
    shown = {who.username: signed_in(who).get(listed).content.decode() for who in (theirs, auditor, chief)}
    assert {who: "Нет срока" in text for who, text in shown.items()} == {
        "their-author": False,
        "auditor": True,
        "chief": True,
    }
    assert "Закрыть отзыв" not in shown["auditor"]
    assert signed_in(reader).get(listed).status_code == 403
    refused = [signed_in(who).post(address, {"take": "1"}).status_code for who in (theirs, auditor, reader)]
    assert refused == [404, 403, 403]
    row.refresh_from_db()
    assert row.state == "new"
    assert signed_in(chief).post(address, {"take": "1"}).status_code == 302
