"""A file of a form nobody sends goes after a day; one that anybody needs stays, however close the moment."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from otklik.channels.site import attached, intake
from otklik.channels.site.models import FormFile
from otklik.channels.site.submission import SentFile, Submission
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage

PDF = b"%PDF-1.4 plan"


def nobody(_stored):
    return False


def keep(content=PDF):
    return attached.keep(io.BytesIO(content), "план.pdf")


def a_day_passes():
    FormFile.objects.update(at=timezone.now() - timedelta(hours=25))


def sent(stored, form_id="1"):
    file = SentFile(stored.sha256, "план.pdf", stored.size)
    return Submission(form_id, "person", "П", "П", "", "", "website", "", "", "", "текст", (file,))


@pytest.fixture
def stored(db):
    return keep()


def test_a_file_of_a_form_that_was_never_sent_goes_after_a_day_row_first_then_bytes(stored):
    path = files.path_of(stored)
    assert attached.sweep(named=nobody) == 0
    a_day_passes()
    assert attached.sweep(named=nobody) == 1
    assert not StoredFile.objects.exists()
    assert not FormFile.objects.exists()
    os.utime(path, (time.time() - 100_000,) * 2)
    assert files.sweep_orphans() == 1
    assert not path.exists()


def test_a_file_brought_again_waits_another_day(stored):
    a_day_passes()
    assert keep() == stored
    assert attached.sweep(named=nobody) == 0
    assert StoredFile.objects.filter(pk=stored.pk).exists()


def test_a_sent_file_stays_even_while_nobody_has_read_the_message(stored):
    intake.take_in(sent(stored))
    assert IncomingMessage.objects.get().state == IncomingMessage.State.STORED
    a_day_passes()
    assert attached.sweep(named=nobody) == 0
    assert StoredFile.objects.filter(pk=stored.pk).exists()
    assert list(FormFile.objects.values_list("message__external_id", flat=True)) == ["1"]


def test_a_repeat_of_a_sent_form_owns_its_files_once(stored):
    assert intake.take_in(sent(stored)) == intake.take_in(sent(stored))
    assert FormFile.objects.exclude(message=None).count() == 1


def test_a_file_that_anything_else_refers_to_stays(stored):
    IncomingMessage.objects.create(channel="email", external_id="x", raw=stored, received_at=timezone.now())
    a_day_passes()
    assert attached.sweep(named=nobody) == 0
    assert StoredFile.objects.filter(pk=stored.pk).exists()


def test_a_file_known_by_its_hash_alone_stays(stored):
    a_day_passes()
    assert attached.sweep(named=lambda one: one.sha256 == stored.sha256) == 0
    assert StoredFile.objects.filter(pk=stored.pk).exists()


def test_a_form_whose_file_is_gone_is_not_taken_in_without_it(stored):
    form = sent(stored)
    a_day_passes()
    attached.sweep(named=nobody)
    with pytest.raises(attached.FilesGone, match="план"):
        intake.take_in(form)
    assert not IncomingMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", ["brings it again", "sends the form"])
def test_content_needed_at_the_moment_of_sweeping_is_whole_or_asked_for_again(other):
    first = keep()
    form, outcome, threads = sent(first), [], []
    a_day_passes()

    def stranger():
        try:
            keep() if other == "brings it again" else intake.take_in(form)
            outcome.append("taken")
        except (DatabaseError, attached.FilesGone):
            outcome.append("asked again")
        finally:
            connection.close()

    def meanwhile(_stored):
        threads.append(Thread(target=stranger))
        threads[0].start()
        threads[0].join(0.5)  # PostgreSQL lets him commit here; on SQLite he waits for us
        return False

    swept = attached.sweep(named=meanwhile)
    threads[0].join(30)
    assert outcome == [["taken"], ["asked again"]][swept]
    assert StoredFile.objects.count() == (1 - swept) + (other == "sends the form" and not swept)
    for row in FormFile.objects.select_related("stored"):
        assert files.path_of(row.stored).read_bytes() == PDF
    assert files.path_of(keep()).read_bytes() == PDF
