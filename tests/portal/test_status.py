"""«Узнать состояние»: by number and code only, and a stranger learns nothing, not even that a number exists."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import registration
from otklik.appeals.models import Appeal, Dispatch, FrozenAnswer
from otklik.channels.site import intake, limits
from otklik.channels.site.adapter import SiteChannel
from otklik.channels.site.models import FormAttempt
from otklik.channels.site.submission import Submission
from otklik.core import files, journal
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.people.models import Employee, Role, RoleAssignment, Unit
from otklik.surveys import feedback

WRONG = "Номер и код не подошли"


@pytest.fixture
def clerk(db):
    employee = Employee.objects.create(username="clerk", last_name="Учётова")
    RoleAssignment.objects.create(
        employee=employee, role=Role.objects.get(code="clerk"), valid_from=timezone.localdate() - timedelta(days=400)
    )
    return employee


def send_in(form_id="f1", answer_by="website"):
    sent = Submission(
        form_id, "person", "Небывалова", "Анна", "", "", answer_by, "anna@citizen.example", "", "", "Где моя выписка?"
    )
    return intake.take_in(sent)


@pytest.fixture
def ticket(db):
    return send_in()


def read_message():
    message = IncomingMessage.objects.get()
    inbox.parse(message, {"website": SiteChannel()})
    return message


def registered(clerk):
    message = read_message()
    proposal = registration.propose(message)
    from dataclasses import replace

    return registration.register(message, replace(proposal.entry, needs_answer=True), by=clerk)


def ask(client, number, code, **extra):
    return client.post("/status/", {"number": number, "code": code}, follow=True, **extra)


def test_before_registration_the_site_s_number_and_code_open_the_story(client, ticket):
    page = ask(client, ticket.number, ticket.code)
    words = page.content.decode()
    assert page.redirect_chain == [("/status/view/", 302)]
    assert ticket.number in words
    assert "Получено" in words
    assert "Ждёт регистрации" in words


def test_after_registration_either_number_opens_the_appeal_with_its_number_and_term(client, ticket, clerk):
    appeal = registered(clerk)
    for number, code in [
        (ticket.number, ticket.code),
        (appeal.number, ticket.code),
        (appeal.number, appeal.secret),
        (appeal.number, appeal.secret.lower().replace("-", " ")),
    ]:
        words = ask(client, number, code).content.decode()
        assert f"<h1>{appeal.number}</h1>" in words
        assert "Зарегистрировано" in words
        assert "Ответим до" in words


def test_what_the_citizen_added_stands_in_the_story_and_what_a_machine_sent_does_not(client, ticket, clerk):
    appeal = registered(clerk)
    for machine in ("", "bounce"):
        added = IncomingMessage.objects.create(
            channel="email", external_id=f"added{machine}", digest="d", received_at=timezone.now(), state="new",
            machine=machine,
        )  # fmt: skip
        registration.join(added, appeal, by=clerk)
    assert ask(client, appeal.number, ticket.code).content.decode().count("Получено ваше дополнение") == 1


@pytest.mark.parametrize("spoil", [str.lower, lambda n: n.replace("С", "C").replace("О", "O"), lambda n: f" № {n} "])
def test_numbers_may_be_typed_as_people_type_them(client, ticket, clerk, spoil):
    assert "Получено" in ask(client, spoil(ticket.number), ticket.code).content.decode()
    appeal = registered(clerk)
    assert appeal.number in ask(client, spoil(appeal.number), appeal.secret).content.decode()


def test_a_wrong_number_and_a_wrong_code_get_the_same_answer_and_the_same_work(client, ticket, clerk):
    appeal = registered(clerk)
    pages, queries = [], []
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number, code in [
        ("С-2026-999999", "abcdefghjk"),
        (ticket.number, "abcdefghjk"),
        (appeal.number, "ABCD-EFGH-JKLM"),
        (appeal.number, ticket.code[:-1]),
        ("<script>", "'--"),
    ]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page = client.post("/status/", {"number": number, "code": code})
        assert page.status_code == 422
        queries.append(len(captured))
        words = page.content.decode()
        assert WRONG in words
        pages.append(re.sub(r'(value|nonce)="[^"]*"', "", words))
    assert len(set(pages)) == 1
    assert len(set(queries)) == 1


def test_somebody_else_s_code_opens_nothing(client, ticket, clerk):
    other = send_in("f2")
    assert WRONG in ask(client, ticket.number, other.code).content.decode()
    assert client.get("/status/view/").status_code == 302


def test_an_empty_code_never_fits(client, ticket, clerk):
    appeal = registered(clerk)
    Appeal.objects.update(secret="")
    assert ask(client, appeal.number, "").status_code == 422
    assert WRONG in ask(client, appeal.number, "-").content.decode()


def test_guessing_is_stopped_and_right_pairs_are_not_counted(client, ticket, monkeypatch):
    monkeypatch.setitem(limits.ALLOWED, FormAttempt.Form.STATUS, (3, timedelta(minutes=15)))
    for _ in range(5):
        assert "Получено" in ask(client, ticket.number, ticket.code).content.decode()
    for _ in range(3):
        assert WRONG in ask(client, ticket.number, "wrong").content.decode()
    page = ask(client, ticket.number, ticket.code)
    assert page.status_code == 429
    assert ask(Client(), ticket.number, ticket.code, REMOTE_ADDR="10.1.1.1").status_code == 200


def test_the_story_closes_after_half_an_hour_and_no_cookie_can_be_forged(client, ticket):
    ask(client, ticket.number, ticket.code)
    assert client.get("/status/view/").status_code == 200
    with mock.patch("django.core.signing.time.time", return_value=__import__("time").time() + 1801):
        assert client.get("/status/view/").status_code == 302
    client.cookies["otklik_status"] = "WzEsMV0:1:1"
    assert client.get("/status/view/").status_code == 302


def test_no_address_holds_number_code_or_name(client, ticket):
    page = ask(client, ticket.number, ticket.code)
    urls = " ".join(
        [*re.findall(r'(?:href|action)="([^"]*)"', page.content.decode()), *(u for u, _ in page.redirect_chain)]
    )
    assert ticket.code not in urls
    assert "Небывалова" not in urls
    assert ticket.number not in urls


def test_internal_words_and_names_of_employees_are_not_told(client, ticket, clerk):
    appeal = registered(clerk)
    words = ask(client, appeal.number, appeal.secret).content.decode()
    assert "Учётова" not in words
    assert "Небывалова" not in words


def answered(appeal, clerk, *, state=OutgoingMessage.State.SENT, channel="website"):
    """Write down an answer that has left, as dispatch leaves it."""
    from otklik.appeals.models import Draft, DraftRevision

    draft = Draft.objects.create(appeal=appeal, text="Готово", version=1)
    revision = DraftRevision.objects.create(
        draft=draft, seq=1, version=1, text="Готово", author=clerk, at=timezone.now()
    )
    letter = files.store(b"%PDF-1.4 letter startxref %%EOF", name="Ответ.pdf")
    frozen = FrozenAnswer.objects.create(
        appeal=appeal,
        revision=revision,
        signer=clerk,
        text="Готово",
        letter=letter,
        manifest={},
        digest="d",
        frozen_by=clerk,
        frozen_at=timezone.now(),
    )
    message = OutgoingMessage.objects.create(
        thread=appeal.thread,
        channel=channel,
        kind="answer",
        recipient="anna@citizen.example",
        text="Выписка готова.",
        message_id="<1@otklik.example>",
        state=state,
        not_before=timezone.now(),
        sent_at=timezone.now(),
    )
    file = OutgoingFile.objects.create(message=message, stored=letter, name="Ответ.pdf")
    Dispatch.objects.create(answer=frozen, message=message, by=clerk, at=timezone.now())
    invitation = feedback.invite(channel="website", on=timezone.localdate())
    Appeal.objects.filter(pk=appeal.pk).update(status="sent", answered_on=timezone.localdate(), invitation=invitation)
    return file


def test_an_answer_by_the_site_is_read_here_with_its_letter_and_a_link_to_the_questionnaire(client, ticket, clerk):
    appeal = registered(clerk)
    file = answered(appeal, clerk)
    words = ask(client, ticket.number, ticket.code).content.decode()
    assert "Выписка готова." in words
    assert "Ответ отправлен" in words
    assert "/feedback/" in words
    letter = client.get(f"/status/file/{file.pk}/")
    assert b"".join(letter.streaming_content).startswith(b"%PDF")
    assert Client().get(f"/status/file/{file.pk}/").status_code == 404


def test_an_answer_by_mail_is_not_shown_and_the_address_is_masked(client, ticket, clerk):
    appeal = registered(clerk)
    file = answered(appeal, clerk, channel="email")
    words = ask(client, appeal.number, appeal.secret).content.decode()
    assert "Выписка готова." not in words
    assert "anna@citizen.example" not in words
    assert "a•••@citizen.example" in words
    assert client.get(f"/status/file/{file.pk}/").status_code == 404


def test_an_answer_that_can_still_be_called_back_is_not_shown(client, ticket, clerk):
    appeal = registered(clerk)
    file = answered(appeal, clerk, state=OutgoingMessage.State.QUEUED)
    words = ask(client, ticket.number, ticket.code).content.decode()
    assert "Выписка готова." not in words
    assert "/feedback/" not in words
    assert client.get(f"/status/file/{file.pk}/").status_code == 404


def test_a_letter_of_another_appeal_is_not_given(client, ticket, clerk):
    file = answered(registered(clerk), clerk)
    other = send_in("f2")
    mine = Client()
    ask(mine, other.number, other.code)
    assert mine.get(f"/status/file/{file.pk}/").status_code == 404


def test_a_rejected_message_says_so_without_the_clerk_s_words(client, ticket, clerk):
    message = read_message()
    inbox.reject(message, reason="спам от известного лица", by=clerk)
    words = ask(client, ticket.number, ticket.code).content.decode()
    assert "Не принято к рассмотрению" in words
    assert "спам" not in words


def test_the_story_names_the_unit_and_what_is_next_and_an_extension_only_once_it_is_in_the_journal(
    client, ticket, clerk
):
    appeal = registered(clerk)
    unit = Unit.objects.create(name="Отдел земельных отношений", short_name="Земля", valid_from="2024-01-01")
    Appeal.objects.filter(pk=appeal.pk).update(unit=unit, executor=clerk, status="drafting")
    words = ask(client, ticket.number, ticket.code).content.decode()
    assert "Отвечает: Отдел земельных отношений." in words
    assert f"не позже {appeal.due_on:%d.%m.%Y}" in words
    assert "Ответ проверит начальник" in words
    assert "Учётова" not in words
    assert "продлён" not in words
    journal.record("appeal.extended", chain=f"appeal:{appeal.pk}", by=clerk)
    assert "Срок ответа продлён" in ask(client, ticket.number, ticket.code).content.decode()


def test_a_pause_is_told_while_it_lasts_and_a_closed_matter_has_nothing_ahead(client, ticket, clerk):
    appeal = registered(clerk)
    journal.record("appeal.paused", chain=f"appeal:{appeal.pk}", by=clerk)
    assert "Срок приостановлен" in ask(client, ticket.number, ticket.code).content.decode()
    journal.record("appeal.resumed", chain=f"appeal:{appeal.pk}", by=clerk)
    assert "Срок приостановлен" not in ask(client, ticket.number, ticket.code).content.decode()
    Appeal.objects.filter(pk=appeal.pk).update(status="closed", closed_on=timezone.localdate())
    assert "Что дальше" not in ask(client, ticket.number, ticket.code).content.decode()
