"""The frame of the workplace: queue, card, registration, applicants, theme; all of it without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import access, dispatch
from otklik.appeals.models import Appeal, AppealQuestion
from otklik.core import files, journal
from otklik.core.models import AccessEntry, Regime
from otklik.correspondence.models import ContactPoint, IncomingFile, IncomingMessage
from otklik.people.models import Applicant
from tests.appeals.conftest import World
from tests.desk import at
from tests.desk import entered as desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def entry_form(world: World, **changes: Any) -> dict[str, Any]:
    topic, need = world.pair()
    return {
        "kind": "person",
        "last_name": "Иванова",
        "first_name": "Мария",
        "patronymic": "Петровна",
        "address": "г. Новосибирск, ул. Выдуманная, 1",
        "applicant_is": "new",
        "subject": "Продление аренды",
        "regime": Regime.objects.get(code="59fz").pk,
        "contact_point": ContactPoint.objects.get(code="post-office").pk,
        "needs_answer": "yes",
        "written": "on",
        "topic": topic.pk,
        "need": need.pk,
        "answer_channel": "post",
        "answer_address": "630000, г. Новосибирск, ул. Выдуманная, 1",
        "received_on": timezone.localdate().isoformat(),
        **changes,
    }


ROLES = ("clerk", "head", "executor", "signer", "auditor")


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len([one for one in seen.captured_queries if "SAVEPOINT" not in one["sql"]])


def test_a_queue_costs_at_most_ten_queries_however_many_appeals_there_are(world: World) -> None:
    world.assigned()
    clients, address = [desk(getattr(world, who)) for who in ROLES], at("queue") + "?view=all"
    few = [queries(client, address) for client in clients]
    first = Appeal.objects.get()
    for number in range(60):
        thread = type(first.thread).objects.create()
        copy = Appeal.objects.get(pk=first.pk)
        copy.pk, copy.number, copy.thread = None, f"Т-{number}", thread
        copy.save()
    assert [queries(client, address) for client in clients] == few
    assert max(few) <= 10
    assert {client.get(address).content.decode().count('class="row-link"') for client in clients} == {50}


@pytest.mark.parametrize("words", ["продлить аренду", "арнеду участка", "000001", "нетакогослова"])
def test_a_queue_narrowed_by_words_costs_at_most_ten_queries(world: World, words: str) -> None:
    world.assigned()
    address = f"{at('queue')}?view=all&channel=post&text={words}"
    assert max(queries(desk(getattr(world, who)), address) for who in ROLES) <= 10


def test_a_card_costs_at_most_twelve_queries_however_long_its_history(world: World) -> None:
    appeal = world.asked(world.registered_email())
    clients, address = [desk(getattr(world, who)) for who in ROLES], at("card", appeal.pk)
    for client in clients:
        client.get(address)  # the day's first opening writes the look
    before = [queries(client, address) for client in clients]
    for number in range(20):
        assert desk(world.clerk).post(at("note", appeal.pk), {"text": f"Заметка {number}"}).status_code == 302
    assert [queries(client, address) for client in clients] == before
    assert max(before) <= 12


@pytest.mark.parametrize("state", ["registered", "classified", "drafted", "approved", "frozen", "signed", "sent"])
def test_a_card_costs_at_most_twelve_queries_in_every_state_and_three_more_for_the_look(
    world: World, state: str
) -> None:
    """The letter and, where there is one, the answer carry files."""
    appeal = world.signed() if state == "sent" else getattr(world, state)()
    appeal = getattr(appeal, "appeal", appeal)
    letter = IncomingMessage.objects.get(taken__appeal=appeal)
    IncomingFile.objects.create(message=letter, name="план.txt", stored=files.store("план".encode()))
    if state == "sent":
        dispatch.send(appeal, by=world.clerk)
    journal.looked("message.opened", by=world.stranger, message=0)  # the day's log has begun
    for who in (world.clerk, world.head, world.executor, world.signer, world.auditor):
        client, card = desk(who), at("card", appeal.pk)
        if access.visible_to(who).filter(pk=appeal.pk).exists():
            first, again = queries(client, card), queries(client, card)
            assert first - 3 == again <= 12, who


def test_home_costs_at_most_twelve_queries_for_every_role(world: World) -> None:
    world.assigned()
    for who in (world.clerk, world.head, world.executor, world.signer, world.auditor):
        assert queries(desk(who), at("today")) <= 12


def test_what_burns_is_told_at_home_as_fully_as_in_its_list(world: World) -> None:
    appeal = world.assigned()
    Appeal.objects.filter(pk=appeal.pk).update(due_on=timezone.localdate())
    for page in (at("today"), at("queue") + "?view=due"):
        told = desk(world.clerk).get(page).content.decode()
        assert appeal.number in told
        assert world.executor.short_name in told.partition('class="rows')[2], page


def test_a_stranger_finds_neither_card_nor_files_nor_the_intake(world: World) -> None:
    appeal = world.assigned()
    message = world.message()
    client = desk(world.stranger)
    assert client.get(at("card", appeal.pk)).status_code == 404
    assert client.get(at("context", appeal.pk)).status_code == 404
    assert client.get(at("inbox", message.pk)).status_code == 403
    assert client.get(at("new_appeal")).status_code == 403
    assert client.post(at("reject", message.pk), {"reason": "так"}).status_code == 403
    message.refresh_from_db()
    assert message.state == IncomingMessage.State.NEW


def test_one_press_registers_and_confirms_topic_and_need(world: World) -> None:
    message = world.message()
    answer = desk(world.clerk).post(at("inbox", message.pk), entry_form(world))
    appeal = Appeal.objects.get()
    assert answer.url == at("card", appeal.pk)
    assert appeal.status == Appeal.Status.CLASSIFIED
    assert AppealQuestion.objects.get().confirmed_by == world.clerk


def test_a_form_with_an_error_keeps_what_was_typed_and_registers_nothing(world: World) -> None:
    message = world.message()
    typed = entry_form(world, subject="Мой особый предмет", needs_answer="")
    answer = desk(world.clerk).post(at("inbox", message.pk), typed)
    assert answer.status_code == 422
    assert "Мой особый предмет" in answer.content.decode()
    assert "Выберите «да» или «нет»" in answer.content.decode()
    assert not Appeal.objects.exists()


def test_a_refusal_of_the_domain_keeps_what_was_typed_too(world: World) -> None:
    message = world.message()
    answer = desk(world.clerk).post(at("inbox", message.pk), entry_form(world, answer_address="", subject="Предмет-7"))
    assert answer.status_code == 422
    assert "почтовый адрес для ответа" in answer.content.decode()
    assert "Предмет-7" in answer.content.decode()
    assert not Appeal.objects.exists()


def test_a_message_joins_an_appeal_by_its_number(world: World) -> None:
    appeal, message = world.registered(), world.message()
    desk(world.clerk).post(at("join", message.pk), {"number": appeal.number})
    message.refresh_from_db()
    assert message.state == IncomingMessage.State.JOINED
    assert world.again(appeal).unseen_reply


def test_a_letter_on_paper_is_written_down_with_its_scan_and_then_proposed(world: World) -> None:
    facts = {
        "channel": "post",
        "received_on": timezone.localdate().isoformat(),
        "text": "Прошу продлить договор аренды.",
        "kind": "person",
        "last_name": "Тестова",
        "first_name": "Зоя",
        "phone": "+7 383 000-00-00",
        "scans": SimpleUploadedFile("скан.txt", b"letter", "text/plain"),
    }
    client = desk(world.clerk)
    answer = client.post(at("new_appeal"), facts)
    message = IncomingMessage.objects.get()
    assert answer.url == at("inbox", message.pk)
    assert message.files.count() == 1
    said = message.facts.get()
    assert (said.schema, said.version) == ("hand", 1)
    assert said.data["applicant"].items() >= {"last_name": "Тестова", "phone": "+7 383 000-00-00"}.items()
    assert 'value="Тестова"' in client.get(answer.url).content.decode()


def test_an_empty_scan_is_refused_with_words_and_nothing_is_written_down(world: World) -> None:
    facts = {
        "channel": "post",
        "received_on": timezone.localdate().isoformat(),
        "text": "Текст остаётся",
        "kind": "person",
        "scans": SimpleUploadedFile("пусто.pdf", b"", "application/pdf"),
    }
    answer = desk(world.clerk).post(at("new_appeal"), facts)
    assert answer.status_code == 422
    assert "Текст остаётся" in answer.content.decode()
    assert not IncomingMessage.objects.exists()


def test_names_are_masked_in_lists_and_a_look_is_written_down(world: World) -> None:
    appeal = world.assigned()
    client = desk(world.executor)
    for page in (at("today"), at("queue"), at("context", appeal.pk)):
        assert "Иванова" not in client.get(page).content.decode()
    looks = AccessEntry.objects.count()
    url = at("reveal", appeal.applicant_id)
    assert client.post(url, {"reason": ""}).status_code == 422
    assert AccessEntry.objects.count() == looks
    shown = client.post(url, {"reason": "Подготовка ответа", "about": f"appeal:{appeal.pk}"})
    assert "Иванова Мария Петровна" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert AccessEntry.objects.count() == looks + 1
    assert AccessEntry.objects.latest("pk").actor == world.executor


def test_an_executor_meets_only_the_applicants_of_his_appeals(world: World) -> None:
    mine = world.assigned(world.registered_email()).applicant
    other = Applicant.objects.create(kind="person", last_name="Иванченко", name_key="иванченко")
    for who in (world.executor, world.head):
        client = desk(who)
        assert client.get(at("applicant", mine.pk)).status_code == 200
        assert client.get(at("applicant", other.pk)).status_code == 404
        assert client.post(at("reveal", other.pk), {"reason": "Любопытно"}).status_code == 404
        for page in (client.post(at("applicants"), {"what": "Иван"}), client.post(at("search"), {"q": "Иван"})):
            assert at("applicant", mine.pk) in page.content.decode()
            assert at("applicant", other.pk) not in page.content.decode()
    assert not AccessEntry.objects.filter(data__applicant=other.pk).exists()
    assert desk(world.clerk).get(at("applicant", other.pk)).status_code == 200
    consultant = world.employee("line", "Звонкова", world.hq, ["consultant"])
    assert desk(consultant).post(at("reveal", other.pk), {"reason": "Звонит"}).status_code == 200


def test_a_merged_applicant_is_met_under_both_names_and_each_card_shows_the_others_appeals(world: World) -> None:
    mine = world.assigned()
    kept_one = world.registered_email()
    kept, merged = kept_one.applicant, mine.applicant
    assert kept != merged
    desk(world.clerk).post(at("merge", kept.pk), {"merged": merged.pk})
    assert desk(world.executor).get(at("applicant", kept.pk)).status_code == 200
    clerk = desk(world.clerk)
    assert kept_one.number in clerk.get(at("context", mine.pk)).content.decode()
    assert mine.number in clerk.get(at("context", kept_one.pk)).content.decode()


def test_two_applicants_become_one_and_two_again(world: World) -> None:
    world.registered()
    twin = Applicant.objects.create(kind="person", last_name="Иванова", name_key="иванова мария петровна")
    kept = Applicant.objects.exclude(pk=twin.pk).get()
    client = desk(world.clerk)
    assert at("merge", kept.pk) in client.get(at("applicant", kept.pk)).content.decode()
    client.post(at("merge", kept.pk), {"merged": twin.pk})
    twin.refresh_from_db()
    assert twin.merged_into == kept
    merge = kept.merged.model._meta.apps.get_model("people", "ApplicantMerge").objects.get()
    client.post(at("undo_merge", merge.pk))
    twin.refresh_from_db()
    assert twin.merged_into is None


def test_search_finds_an_appeal_by_the_end_of_its_number_and_shows_no_full_name(world: World) -> None:
    appeal = world.registered()
    page = desk(world.clerk).post(at("search"), {"q": appeal.number[-4:]}).content.decode()
    assert appeal.number in page
    people = desk(world.clerk).post(at("search"), {"q": "Иванова"}).content.decode()
    assert "Ив•••" in people
    assert "Иванова Мария" not in people


def test_a_note_cannot_be_mistaken_for_a_letter(world: World) -> None:
    appeal = world.assigned()
    client = desk(world.executor)
    client.post(at("note", appeal.pk), {"text": "Позвонить коллегам"})
    page = client.get(at("card", appeal.pk)).content.decode()
    note = page.split("Позвонить коллегам")[0].rsplit("<article", 1)[1]
    assert "internal-note" in note
    assert "видна только сотрудникам" in note


def test_the_theme_is_remembered_and_drawn_by_the_server(world: World) -> None:
    client = desk(world.clerk)
    answer = client.post(reverse("theme"), {"theme": "dark", "next": at("today")})
    assert answer.url == at("today")
    assert 'data-bs-theme="dark"' in client.get(at("today")).content.decode()
    away = client.post(reverse("theme"), {"theme": "light", "next": "https://elsewhere.example/"})
    assert away.url == "/"


def test_pages_carry_a_strict_policy_and_no_inline_code(world: World) -> None:
    appeal, message = world.assigned(), world.message()
    client = desk(world.clerk)
    for url in (at("today"), at("queue"), at("card", appeal.pk), at("inbox", message.pk), at("new_appeal")):
        answer = client.get(url)
        page = answer.content.decode()
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


def test_a_letters_markup_is_shown_where_it_can_do_nothing(world: World) -> None:
    message = world.message()
    IncomingMessage.objects.filter(pk=message.pk).update(html="<p>Письмо</p>")
    answer = desk(world.clerk).get(at("styled", message.pk))
    assert "<p>Письмо</p>" in answer.content.decode()
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
