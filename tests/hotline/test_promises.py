"""«Перезвоню»: a promise stands until it is kept, unreachable after enough attempts, or called off in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.core import journal
from otklik.hotline import missed, promises
from otklik.hotline.models import Consultation, Promise
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(line, consultant):
    return Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now() - timedelta(minutes=20))


@pytest.fixture
def promised(talk, consultant):
    soon = timezone.now() + timedelta(hours=1)
    return promises.give(talk, number="8 913 000 00 01", due_at=soon, about="Готова ли выписка", by=consultant)


def test_a_promise_names_a_number_a_time_to_come_and_a_subject(talk, consultant):
    soon = timezone.now() + timedelta(hours=1)
    for wrong, refusal in (
        ({"number": ""}, promises.NoNumber),
        ({"number": "не номер"}, promises.NoNumber),
        ({"due_at": timezone.now() - timedelta(minutes=1)}, promises.NotAhead),
        ({"due_at": timezone.now() + timedelta(days=100)}, promises.NotAhead),
        ({"about": " "}, promises.NotAbout),
    ):
        with pytest.raises(refusal):
            promises.give(talk, **{"number": NUMBER, "due_at": soon, "about": "О сроке", "by": consultant} | wrong)
    assert not Promise.objects.exists()


def test_it_waits_for_who_gave_it_and_any_colleague_may_keep_it(promised, consultant, consultant2):
    assert list(promises.waiting_for(consultant)) == [promised]
    assert list(promises.waiting_for(consultant2)) == []
    assert list(promises.seen_by(consultant2)) == [promised]
    with pytest.raises(promises.NoTalk):
        promises.settle(promised, "kept", by=consultant2)
    promises.attempt(promised, "talked", by=consultant2)
    assert promises.settle(promised, "kept", by=consultant2).outcome == "kept"
    assert list(promises.waiting_for(consultant)) == []
    assert journal.verify() == []


def test_it_leaves_the_list_with_an_outcome_only(promised, consultant):
    for nothing in ("", "мимо"):
        with pytest.raises(promises.NoOutcome):
            promises.settle(promised, nothing, by=consultant)
    with pytest.raises(promises.TooFewAttempts, match="после 3 попыток без ответа, сделано 0"):
        promises.settle(promised, "unreachable", by=consultant)
    with pytest.raises(promises.NoWords):
        promises.settle(promised, "called_off", note=" ", by=consultant)
    promises.settle(promised, "called_off", note="Позвонил сам", by=consultant)
    with pytest.raises(promises.Kept, match="не нужно"):
        promises.attempt(promised, "busy", by=consultant)


def test_our_call_to_the_number_is_an_attempt_to_keep_it(promised, comes, consultant):
    now = timezone.now()
    call = comes(NUMBER, direction="out", came_at=now, answered_at=now, state="answered", answered_by=consultant)
    missed.after(call)
    missed.after(call)
    assert (promised.returns.get().result, promised.returns.get().call) == ("talked", call)
