"""Letters out through a real SMTP server, and none out of a demo stand."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from otklik.channels.mail import smtp
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.intake import take_in
from otklik.channels.mail.letter import compose, weight
from otklik.channels.mail.models import CaughtLetter
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage, OutgoingMessage
from otklik.people.models import Department
from tests import servers
from tests.correspondence.builders import letter
from tests.mail import letters

pytestmark = pytest.mark.django_db
State = OutgoingMessage.State


@pytest.fixture
def sink(settings) -> Iterator[servers.Sink]:
    with servers.smtp_sink() as running:
        settings.SMTP_URL = running.url
        yield running


@pytest.fixture
def point() -> ContactPoint:
    return ContactPoint.objects.update_or_create(
        code="email-info",
        defaults={
            "channel": "email",
            "name": "Почта",
            "address": "info@department.example",
            "valid_from": "2026-01-01",
        },
    )[0]


def send() -> None:
    while delivery.send_next({ChannelCode.EMAIL: MailChannel()}):
        pass


def test_an_answer_stands_in_its_thread_and_the_reply_to_it_comes_home(sink, point, production):
    question = take_in(letters.letter(), channel=MailChannel(), point="email-info").message
    row = letter(
        thread=question.thread, contact_point=point, recipient=question.sender_address, recipient_name="Анна Тестова",
        subject="Re: Аренда участка", files=[("Ответ на обращение.pdf", b"%PDF-1.7")],
    )  # fmt: skip
    send()
    row.refresh_from_db()
    assert (row.state, row.error) == (State.SENT, "")
    [got] = sink.letters
    assert (got["In-Reply-To"], got["References"], got["Message-ID"]) == (
        "<one@citizen.example>", "<one@citizen.example>", row.message_id,
    )  # fmt: skip
    assert got["Subject"] == f"Re: Аренда участка [#{row.thread.token}]"
    assert f"info+{row.thread.token}@department.example" in got["Reply-To"]
    assert got["Auto-Submitted"] is None
    [file] = got.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Ответ на обращение.pdf", b"%PDF-1.7")
    reply = letters.letter(
        message_id="<two@citizen.example>", subject=f"Re: {got['Subject']}", In_Reply_To=row.message_id
    )
    back = take_in(reply, channel=MailChannel()).message
    assert (back.match, back.thread) == (IncomingMessage.Match.CERTAIN, question.thread)


def test_an_automatic_letter_says_so(sink, point, production):
    letter(contact_point=point, automatic=True, kind="receipt")
    send()
    assert sink.letters[0]["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    ("answer", "state"),
    [("550 5.7.1 no", State.FAILED), ("451 4.3.0 later", State.QUEUED), ("552 5.3.4 big", State.FAILED)],
)
def test_refusals_for_good_and_for_now_are_told_apart(sink, point, production, answer, state):
    sink.refuse = answer
    row = letter(contact_point=point)
    send()
    row.refresh_from_db()
    assert (row.state, row.uncertain_attempts) == (state, 0)
    assert answer[:3] in row.error


def test_a_connection_lost_after_the_letter_is_an_unknown_outcome_repeated_under_the_same_id(sink, point, production):
    sink.drop = True
    row = letter(contact_point=point)
    send()
    row.refresh_from_db()
    assert (row.state, row.uncertain_attempts) == (State.QUEUED, 1)
    sink.drop = False
    OutgoingMessage.objects.update(not_before=row.created_at)
    send()
    row.refresh_from_db()
    assert row.state == State.SENT
    assert {one["Message-ID"] for one in sink.letters} == {row.message_id}


def test_a_server_that_is_away_is_tried_again_later(settings, point, production):
    settings.SMTP_URL = f"smtp://127.0.0.1:{servers.free_port()}"
    row = letter(contact_point=point)
    send()
    row.refresh_from_db()
    assert (row.state, row.uncertain_attempts) == (State.QUEUED, 0)


def test_an_address_that_is_none_fails_at_once(sink, point, production):
    row = letter(contact_point=point, recipient="не адрес")
    send()
    row.refresh_from_db()
    assert (row.state, sink.letters) == (State.FAILED, [])


def test_nothing_leaves_a_demo_stand(sink, point, demo_stand):
    row = letter(contact_point=point)
    send()
    row.refresh_from_db()
    assert (row.state, sink.letters) == (State.SENT, [])
    assert CaughtLetter.objects.get().message_id == row.message_id


def test_a_report_about_our_letter_marks_it_not_delivered(sink, point, production):
    row = letter(contact_point=point)
    send()
    report = take_in(letters.report(row.message_id), channel=MailChannel()).message
    row.refresh_from_db()
    assert (row.state, report.machine, report.thread) == (State.FAILED, "bounce", row.thread)
    assert not delivery.may_answer_automatically(report)


def test_letters_wait_until_the_department_has_an_address_of_its_own(sink, production):
    Department.objects.update(email="")
    row = letter(contact_point=None)
    send()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert "«Реквизиты департамента»" in row.error
    assert not sink.letters


def test_a_cyrillic_domain_travels_by_its_latin_name(sink, point, production):
    letter(contact_point=point, recipient="anna@почта.рф")
    send()
    [got] = sink.letters
    assert got["To"] == "anna@xn--80a1acny.xn--p1ai"


@pytest.mark.parametrize("address", ["анна@mail.example", "anna@" + "я" * 80 + ".рф"])
def test_an_address_no_server_bears_is_refused_for_good_before_anything_is_sent(sink, point, production, address):
    row = letter(contact_point=point, recipient=address)
    send()
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert "адрес записан неверно" in row.error
    assert not sink.letters


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [
        ("delayed", "4.4.7", State.SENT),
        ("relayed", "2.0.0", State.SENT),
        ("expanded", "2.0.0", State.SENT),
        ("delivered", "2.0.0", State.SENT),
        ("failed", "5.4.7", State.FAILED),
        ("", "5.2.2", State.FAILED),
        ("nonsense", "4.0.0", State.SENT),
    ],
)
def test_every_kind_of_report_is_kept_at_its_letter_once(point, action, status, state):
    row = letter(contact_point=point)
    OutgoingMessage.objects.update(state=State.SENT)
    for _ in range(2):
        take_in(letters.report(row.message_id, action=action, status=status), channel=MailChannel())
    row.refresh_from_db()
    assert row.state == state
    kept = list(row.reports.values_list("action", "status", "said"))
    known = "" if action == "nonsense" else action or "failed"
    assert kept == ([(known, status, "550 no such user here")] if known else [])


def test_a_report_of_delivery_proves_that_a_doubtful_letter_has_arrived(point):
    row = letter(contact_point=point)
    OutgoingMessage.objects.update(state=State.UNCERTAIN, uncertain_attempts=1)
    take_in(letters.report(row.message_id, action="delivered", status="2.1.5"), channel=MailChannel())
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_report_without_our_headers_is_known_by_its_envelope_and_a_note_by_what_it_quotes(point):
    row = letter(contact_point=point)
    OutgoingMessage.objects.update(state=State.SENT)
    envelope = row.message_id.replace("<", "+3C").replace(">", "+3E")
    take_in(letters.report("", action="delayed", status="4.4.1", envelope=envelope), channel=MailChannel())
    note = letters.raw(
        b"From: MAILER-DAEMON@mx.example\nTo: info@department.example\nSubject: failure notice",
        f"Hi. This is qmail.\r\n550 5.1.1 no mailbox\r\n\r\nMessage-ID: {row.message_id}\r\n".encode(),
    )
    take_in(note, channel=MailChannel())
    row.refresh_from_db()
    assert (row.state, list(row.reports.values_list("action", flat=True))) == (State.FAILED, ["delayed", "failed"])


def test_a_person_who_writes_of_our_letter_reports_nothing(point):
    row = letter(contact_point=point)
    OutgoingMessage.objects.update(state=State.SENT)
    take_in(letters.letter(text=f"550 5.1.1\nMessage-ID: {row.message_id}"), channel=MailChannel())
    assert not row.reports.exists()


def test_a_letter_larger_than_the_server_takes_is_not_handed_over_and_its_size_is_remembered(
    point, production, settings
):
    with servers.smtp_sink(most=2_000) as sink:
        settings.SMTP_URL = sink.url
        row = letter(contact_point=point, text="длинный ответ " * 400)
        send()
        row.refresh_from_db()
        assert (row.state, sink.letters) == (State.FAILED, [])
        assert "принимает до" in row.error
    assert smtp.most_bytes() == 2_000
    assert "принимает до" in smtp.too_heavy(3_000)
    settings.SMTP_MOST_BYTES = 1_000
    assert "обычно принимают" in smtp.too_heavy(1_500)
    assert smtp.too_heavy(900) == ""


def test_the_weight_of_a_letter_is_told_before_it_is_composed(point, tmp_path):
    content = bytes(range(256)) * 2_000
    row = letter(contact_point=point, text="Ответ.", files=[("план.pdf", content)])
    made = compose(delivery.to_send(row)).as_bytes()
    assert len(made) <= weight("Ответ.", [len(content)]) <= len(made) * 1.02


def test_reports_are_asked_for_where_the_server_makes_them(point):
    row = letter(contact_point=point)
    server = smtplib.SMTP()
    server.esmtp_features = {"dsn": "", "size": "1000"}
    about, whom = smtp._options(server, compose(delivery.to_send(row)), 500)
    xtext = row.message_id.replace("<", "<").replace("+", "+2B")
    assert (about, whom) == (["SIZE=500", "RET=HDRS", f"ENVID={xtext}"], ["NOTIFY=SUCCESS,FAILURE,DELAY"])
    receipt = letter(contact_point=point, kind="receipt", automatic=True)
    assert smtp._options(server, compose(delivery.to_send(receipt)), 5)[1] == ["NOTIFY=FAILURE,DELAY"]
    server.esmtp_features = {}
    assert smtp._options(server, compose(delivery.to_send(row)), 500) == ([], [])
