"""Synthetic appeals for measurements are whole, and never mix with real ones."""

from __future__ import annotations

import pytest

from otklik.appeals.models import Appeal, AppealMessage
from otklik.core.models import Installation
from otklik.demo import seed

pytestmark = pytest.mark.django_db


def test_every_seeded_appeal_has_its_letters_its_term_and_an_allowed_order_of_dates():
    seed.seed(40)
    appeals = list(Appeal.objects.prefetch_related("messages__message", "term_rows", "questions"))
    assert len(appeals) == 40
    for appeal in appeals:
        assert [one.first for one in appeal.messages.all()].count(True) == 1
        assert appeal.messages.count() == seed.MESSAGES
        assert all(one.message.thread_id == appeal.thread_id for one in appeal.messages.all())
        assert appeal.term_rows.get().due_on == appeal.due_on
        assert appeal.received_on <= appeal.registered_on <= appeal.due_on
        assert bool(appeal.answered_on) == (appeal.status in {"sent", "closed"})


def test_a_database_in_use_is_not_seeded():
    seed.seed(2)
    with pytest.raises(seed.NotScratch):
        seed.seed(2)
    assert Appeal.objects.count() == 2


def test_a_working_system_is_not_seeded():
    Installation.objects.create(pk=1, kind=Installation.Kind.PRODUCTION)
    with pytest.raises(seed.NotScratch):
        seed.seed(2)
    assert not AppealMessage.objects.exists()
