"""Packages of every version are read: text, files, the covering letter's number, date and control term."""

from __future__ import annotations

import pytest

from otklik.channels.medo import notices, parse
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.channels.medo import packages
from tests.channels.medo.packages import DOCUMENT_UID, PDF, SENDER, THEIR_UID, VERSIONS, Sent, receipt


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_becomes_a_message_with_its_files_and_covering_letter(node, version):
    message = node.take(Sent(version, files=(("plan.pdf", PDF + b"plan"),)))
    assert (message.state, message.problem) == ("new", "")
    assert message.sender_name == SENDER
    assert message.sender_address == THEIR_UID
    assert "О порядке выкупа" in message.text
    assert message.subject.startswith("Обращение № ОГ-12/345 от 23.11.2026. О порядке")
    names = [paper.name for paper in message.files.all()]
    signed = version not in ("2.2", "2.5")
    assert names == ["letter.pdf", "plan.pdf", *(["letter.p7s"] if signed else [])]
    facts = notices.facts_of(message)
    assert facts["version"] == version
    assert facts["version_confirmed"] is (version in ("2.2", "2.6"))
    assert facts["cover_number"] == "ОГ-12/345"
    assert facts["cover_date"] == "2026-11-23"
    assert facts["control_until"] == ("" if version.startswith("2.7") else "2026-12-10")
    assert facts["document"]["uid"] == DOCUMENT_UID % 1
    # To the citizen himself where the card says where he lives; a container's passport has no place for him.
    assert facts["answer"]["channel"] == ("medo" if version.startswith("2.7") else "post")
    assert [one["number"] for one in facts["checks"]] == list(range(1, 15))
    assert {one["state"] for one in facts["checks"]} <= {"ok", "none"}, facts["checks"]
    assert [one["state"] for one in facts["signatures"]] == ["good"] * signed


def test_the_applicant_is_the_citizen_the_letter_goes_with(node):
    applicant = notices.facts_of(node.take(Sent("2.6")))["applicant"]
    assert applicant["last_name"] == "Примерова"
    assert applicant["address"].startswith("630000")
    unnamed = node.take(Sent("2.7", number=2))
    assert notices.facts_of(unnamed)["applicant"] == {"kind": "person"}
    assert any("впишите заявителя" in note for note in unnamed.notes)
    letter = notices.facts_of(node.take(Sent("2.7", number=3, kind="Письмо")))
    assert letter["applicant"] == {"kind": "organisation", "organisation": SENDER}
    assert letter["answer"] == {"channel": "medo", "address": THEIR_UID}


@pytest.mark.parametrize(("version", "encoding"), [("2.6", "utf-8"), ("2.7", "utf-8"), ("2.7.1", "windows-1251")])
def test_either_encoding_is_read(node, version, encoding):
    assert "выкупа земельного" in node.take(Sent(version, encoding=encoding)).text


def test_xml_without_a_declaration_in_windows_1251_is_read(node):
    package = packages.made(Sent("2.6"))
    package.files["document.xml"] = package.files["document.xml"].split(b"?>\n", 1)[1]
    assert "выкупа земельного" in node.take(package).text


def test_the_earliest_term_of_the_clauses_is_the_control_term():
    from datetime import date

    from otklik.channels.medo.message import Clause, Document

    clauses = [Clause("а", date(2026, 12, 20)), Clause("б"), Clause("в", date(2026, 12, 3))]
    assert parse.control_term(Document(clauses=clauses)) == date(2026, 12, 3)
    assert parse.control_term(Document()) is None


def test_a_subject_of_an_envelope_may_hold_an_equals_sign():
    from otklik.channels.medo import envelope

    said = envelope.read(packages.envelope(["a.xml"]))
    assert (said.subject, said.files, said.recipients) == ("Обращение = срочно", ("a.xml",), (packages.NODE,))
    assert envelope.read(b"").files == ()


def test_a_version_nobody_knows_is_read_by_its_looks_and_told(node):
    package = packages.made(Sent("2.6"))
    xml = package.files["document.xml"].replace(b'version="2.6"', b'version="2.9"')
    package.files["document.xml"] = xml
    message = node.take(package)
    assert message.state == "new"
    assert any("2.9" in note for note in message.notes)


def test_a_receipt_for_an_answer_of_ours_is_a_machines_word_in_its_conversation(node):
    first = node.take(Sent("2.6"))
    row = _answer(first)
    from otklik.channels.medo.adapter import uid_of

    got = node.take(receipt(Sent(number=5), uid_of(row.message_id)))
    assert (got.machine, got.thread_id, got.match) == ("auto", first.thread_id, "certain")
    row.refresh_from_db()
    assert row.state == "sent"
    node.take(receipt(Sent(number=6), uid_of(row.message_id), accepted=False, comment="нет подписи"))
    row.refresh_from_db()
    assert row.state == "failed"
    assert "Другая сторона" in row.error


def test_a_document_that_answers_ours_joins_its_conversation_or_a_person_decides(node):
    first = node.take(Sent("2.6"))
    from otklik.channels.medo.adapter import uid_of

    reply = node.take(Sent("2.6", number=2, annotation="Другое", link=uid_of(_answer(first).message_id)))
    assert reply.candidate_thread == first.thread


def test_the_same_document_sent_again_in_another_message_joins_its_conversation(node):
    first = node.take(Sent("2.6"))
    again = node.take(Sent("2.6", uid="0a1b2c3d-0000-4000-8000-00000000beef"))
    assert (again.state, again.match, again.thread_id) == ("new", "certain", first.thread_id)


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00", "вчера", ""])
def test_a_moment_of_writing_nobody_can_have_meant_is_passed_over(node, created):
    message = node.take(Sent(created=created))
    assert (message.state, message.sent_at) == ("new", None)


def _answer(message: IncomingMessage) -> OutgoingMessage:
    from otklik.correspondence import delivery

    row = delivery.queue(
        thread=message.thread,
        channel="medo",
        kind=OutgoingMessage.Kind.ANSWER,
        recipient=THEIR_UID,
        subject="Ответ",
        text="т",
        by=None,
    )
    OutgoingMessage.objects.filter(pk=row.pk).update(state="sent")
    return row
