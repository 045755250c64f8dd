"""What was said is handed on, ends with words, and ends once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.knowledge import proposals
from otklik.surveys import feedback, handling
from otklik.surveys.models import OpinionTag, Response
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import LONG_AGO, World


@pytest.fixture
def said(world: World) -> Response:
    invitation = feedback.invite(channel="email", on=timezone.localdate())
    answers = {"answered": "no", "quality": "unsatisfied"}
    return feedback.answer(invitation.token, answers, "Не нашла, куда нести схему. Петрова, тел. 8 913 000-11-22")


def closed() -> bool:
    return Response.objects.filter(handling.CLOSED).exists()


def test_a_task_goes_to_a_unit_passes_on_and_ends_with_words(world: World, said: Response) -> None:
    handling.hand_over(said, unit=world.land, task="Объяснить, куда нести схему", by=world.clerk)
    handling.hand_over(said, unit=world.law, task="Это к вам", by=world.head)
    said.refresh_from_db()
    assert (said.work.state, said.work.unit) == ("handed", world.law)
    assert not closed()
    handling.done(said, outcome="Добавили адрес на сайт", by=world.head)
    assert closed()
    with pytest.raises(handling.OpinionEnded, match="сделано"):
        handling.decline(said, outcome="Нет", by=world.clerk)
    actions = JournalEntry.objects.filter(chain=f"opinion:{said.pk}").values_list("action", flat=True)
    assert list(actions) == ["opinion.handed", "opinion.handed", "opinion.done"]


def test_a_proposal_of_an_opinion_closes_it_when_it_ends_and_names_nobody(world: World, said: Response) -> None:
    proposal = handling.propose(said, question=said.comment, unit=None, by=world.clerk)
    assert "000-11-22" not in proposal.evidence.get().words
    assert not closed()
    proposals.decline(proposal, reason="Такой материал есть", by=world.clerk)
    assert closed()


def test_tags_are_set_and_taken_away(world: World, said: Response) -> None:
    tags = [OpinionTag.objects.create(name=name, valid_from=LONG_AGO) for name in ("очередь", "сайт")]
    handling.tag(said, tags, by=world.clerk)
    handling.tag(said, tags[1:], by=world.clerk)
    said.refresh_from_db()
    assert [tag.name for tag in said.work.tags.all()] == ["сайт"]
    assert said.work.state == "new"


Step = Callable[[Response, World], object]


@pytest.mark.parametrize(
    "step",
    [
        lambda said, world: handling.hand_over(said, unit=None, task="Сделать", by=world.clerk),
        lambda said, world: handling.hand_over(said, unit=world.land, task=" ", by=world.clerk),
        lambda said, world: handling.propose(said, question=" ", unit=None, by=world.clerk),
        lambda said, world: handling.done(said, outcome="", by=world.clerk),
        lambda said, world: handling.decline(said, outcome=" ", by=world.clerk),
    ],
)
def test_a_step_without_its_words_is_refused_and_changes_nothing(world: World, said: Response, step: Step) -> None:
    with pytest.raises(DomainError):
        step(said, world)
    assert not hasattr(Response.objects.get(), "work")


def test_the_head_of_the_unit_hears_of_what_was_handed_to_it(world: World, said: Response) -> None:
    handling.hand_over(said, unit=world.land, task="Разобраться", by=world.clerk)
    while notices.work_next():
        pass
    notice = Notice.objects.get(kind="opinion")
    assert (notice.employee, notice.subject) == (world.head, f"Отзыв № {said.pk}")
    assert notice.path == f"/desk/feedback/{said.pk}/"
