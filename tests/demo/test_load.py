"""A demo department is whole, past and made up. One load is shared: tests of an empty base are in test_stand.py."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.test import override_settings
from django.utils import timezone
from wagtail.documents.models import Document

from otklik.appeals import outcomes
from otklik.appeals.models import Appeal
from otklik.channels.mail.models import CaughtLetter
from otklik.core import journal
from otklik.correspondence.models import OutgoingMessage
from otklik.demo import load, staff
from otklik.hotline.models import Call, Consultation, MissedCall, ScriptUse
from otklik.knowledge import file_texts, materials
from otklik.knowledge.models import Script
from otklik.people.models import Applicant, Contact, Employee
from otklik.reports import line
from otklik.surveys.models import Response
from tests import databases


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker, worker_id, tmp_path_factory):
    """Load once and commit; every test after it is rolled back to this, and the next module begins empty again."""
    with django_db_blocker.unblock():
        kept = tmp_path_factory.mktemp("demo")
        with override_settings(FILES_ROOT=kept, MEDIA_ROOT=kept / "media"):
            load.load(count=12)
            while file_texts.read_next():
                pass
        yield
        databases.template(worker_id).restore()


@pytest.fixture
def small(loaded, db):
    """A dozen appeals and everything they need."""


def test_history_is_whole_and_past_and_sends_nothing(small):
    assert Appeal.objects.count() == 12
    assert Appeal.objects.exclude(origin="imported").count() == 0
    assert OutgoingMessage.objects.exclude(state="sent").count() == 0
    assert not CaughtLetter.objects.exists()
    now = timezone.now()
    for appeal in Appeal.objects.all():
        assert now - timedelta(days=95) < appeal.created_at <= appeal.status_since <= now
        assert appeal.received_on <= appeal.registered_on <= (appeal.due_on or appeal.registered_on)
    assert journal.verify() == []


def test_a_file_of_a_material_is_there_and_is_found_by_its_own_words(small):
    [file] = Document.objects.all()
    citizen, employee = (
        materials.find("опись документов реестр членов товарищества", user=user)
        for user in (None, Employee.objects.get(username="executor1"))
    )
    for found in (citizen, employee):
        assert file.title in [one.file for one in found[:3]]


def test_every_answered_case_says_how_its_questions_ended(small):
    answered = Appeal.objects.exclude(answered_on=None)
    assert answered
    for appeal in answered:
        assert all(part.outcome for part in outcomes.parts(appeal))


def test_a_second_load_changes_nothing(small):
    before = (Appeal.objects.count(), Employee.objects.count(), Response.objects.count())
    assert load.load() is False
    assert before == (Appeal.objects.count(), Employee.objects.count(), Response.objects.count())


def test_every_role_has_an_account_that_opens_with_the_one_password(small):
    assert {one.role for one in staff.ACCOUNTS} >= {
        "clerk",
        "executor",
        "head",
        "signer",
        "kb_author",
        "kb_chief",
        "consultant",
        "ekc_operator",
        "receptionist",
        "admin",
        "auditor",
    }
    for login in ("clerk", "signer", "auditor"):
        assert authenticate(username=login, password=staff.PASSWORD) is not None


def test_the_line_has_been_answered_and_what_was_missed_has_its_outcome_or_waits(small):
    talks = Consultation.objects.filter(line__ours=True)
    assert talks.count() > 40
    assert not talks.filter(closed_at=None).exists()
    assert talks.filter(calls=None).count() == 0
    assert set(talks.values_list("asked", flat=True)) == {"answered", "refused", "not_offered"}
    assert Consultation.objects.filter(line__ours=False, calls=None).exists()
    assert ScriptUse.objects.filter(material__in=Script.objects.live().values("pk")).exists()
    assert Call.objects.filter(state="missed", in_hours=True).exists()
    assert Call.objects.filter(state="missed", missed=None).count() == 0
    assert set(MissedCall.objects.values_list("outcome", flat=True)) >= {"called_back", "reached_us"}
    assert not Call.objects.filter(ended_at__gt=timezone.now()).exists()
    numbers = [*Call.objects.exclude(number="").values_list("number", flat=True)]
    assert all(number.startswith("+7 900 000-") for number in numbers)
    report = line.report(line.scope_of(None, None))
    assert report.talks.csi is not None
    assert report.calls.norm_share is not None


def test_no_demo_address_can_belong_to_anybody(small):
    emails = [
        *Employee.objects.values_list("email", flat=True),
        *Contact.objects.filter(kind="email").values_list("value", flat=True),
    ]
    assert emails
    assert all(address.endswith(".example") for address in emails)
    assert Applicant.objects.exists()
