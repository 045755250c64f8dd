"""What searches and letters confirm: entries proposed for the thesaurus, words learned, effects seen before saving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.knowledge import effect, lessons, materials, votes
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import Audience, SearchSession
from otklik.search import analysis, dictionary, learning
from otklik.search.dictionary import Facts, Kind, ProposalEnded
from otklik.search.models import EntryProposal, LearnedWord, ThesaurusEntry, ThesaurusState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def blank(db: None) -> None:
    """Let what comes with the product lead nowhere: its words change with every release."""
    ThesaurusEntry.objects.all().delete()
    ThesaurusState.objects.update(version="blank")


@pytest.fixture
def stall(garages, publish) -> Any:
    publish(garages, "Земля под гаражом")
    publish(garages, "Аренда земли")
    return publish(garages, "Размещение нестационарных торговых объектов")


def searched(query: str, page: Any = None, *, by: Any = None, reader: str = "", used: bool = False) -> SearchSession:
    number = SearchSession.objects.count()
    at = timezone.now() - timedelta(hours=2)
    who = {"audience": Audience.STAFF, "by": by} if by else {"audience": Audience.PUBLIC, "reader": reader or "one"}
    ended = {"page": page, "opened_ms": 100, "used_ms": 200 if used else None} if page else {}
    row = SearchSession(
        key=f"{number:032x}", query=query, found=1 if page else 0, began_at=at, last_at=at, **who, **ended
    )
    row.save()
    return row


def proposed() -> list[tuple[str, str, str, int]]:
    return [(row.said, row.written, row.material, row.times) for row in dictionary.waiting()]


def test_a_word_the_found_material_does_not_know_is_proposed_with_the_words_of_its_title(stall, reader, author) -> None:
    searched("куда поставить свистулька", stall, by=reader)
    searched("свистулька на земле", stall, by=author, used=True)
    assert lessons.gather() == 1
    row = EntryProposal.objects.get()
    assert (row.said, row.material, row.title, row.times, row.sources) == (
        "свистулька",
        str(stall.pk),
        stall.title,
        2,
        2,
    )
    assert set(row.examples[0]) <= {"куда поставить свистулька", "свистулька на земле", 1}
    assert set(analysis.words(row.written)) <= set(analysis.words(stall.title))
    assert lessons.gather() == 0, "again in the same night changes nothing"


def test_what_one_person_searched_and_what_may_be_a_name_is_not_proposed(stall, reader, author) -> None:
    searched("свистулька", stall, by=reader)
    searched("свистулька", stall, by=reader)
    for who in (reader, author):
        searched("Сидорова 89130000000 роза", stall, by=who)
    lessons.gather()
    assert proposed() == []
    searched("свистулька Сидоровой", stall, by=author)
    lessons.gather()
    examples = EntryProposal.objects.get(said="свистулька").examples
    assert sorted(examples) == [["свистулька", 2], ["свистулька •••", 1]]


def test_the_searches_behind_a_decided_proposal_are_forgotten_with_the_words_of_searches(stall, chief) -> None:
    row = EntryProposal.objects.create(said="свистулька", times=2, sources=2, examples=[["свистулька", 2]])
    dictionary.decline(row, by=chief)
    EntryProposal.objects.update(ended_at=timezone.now() - timedelta(days=401))
    lessons.gather()
    assert EntryProposal.objects.get().examples == []


def test_a_word_that_found_nothing_is_shown_without_a_right_side_and_the_editor_says_what_it_means(
    stall, chief
) -> None:
    for reader in ("one", "two"):
        searched("порубочный билет", reader=reader)
    lessons.gather()
    row = EntryProposal.objects.get(said="порубочный")
    assert (row.written, row.material) == ("", "")
    with pytest.raises(dictionary.WrongEntry, match="какими словами"):
        dictionary.accept(row, by=chief)
    entry = dictionary.accept(row, written="земля", by=chief)
    assert dictionary.facts_of(entry).line == "порубочный > земля"
    assert entry.origin == "proposed"
    with pytest.raises(ProposalEnded, match="принято"):
        dictionary.decline(row, by=chief)


def test_what_was_declined_or_entered_meanwhile_is_not_proposed_again(stall, reader, author, chief) -> None:
    for who in (reader, author):
        searched("свистулька", stall, by=who)
        searched("будка", stall, by=who)
    lessons.gather()
    assert {said for said, *_ in proposed()} == {"свистулька", "будка"}
    dictionary.decline(EntryProposal.objects.get(said="свистулька"), by=chief)
    dictionary.keep(Facts(Kind.SYNONYM, "будка", "торговый"), by=chief)
    lessons.gather()
    assert proposed() == []
    assert JournalEntry.objects.filter(action="thesaurus.declined", actor=chief).exists()


def test_what_was_used_teaches_and_what_did_not_help_unteaches(stall, reader, author, chief) -> None:
    for who in (reader, author, chief):
        searched("свистулька", stall, by=who, used=True)
    lessons.gather()
    said = analysis.words("свистулька")
    assert {key for key, _, _ in learning.known(materials.INDEX, said)} == {str(stall.pk)}
    assert {key for key, _, _ in learning.known(materials.INDEX_OF_SITE, said)} == {str(stall.pk)}
    for who in (reader, author):
        votes.vote(Searcher(who), stall, helped=False, reason="no_answer")
    lessons.gather()
    assert learning.known(materials.INDEX, said) == []


def test_what_is_not_on_the_site_teaches_the_site_nothing(garages, publish, reader, author) -> None:
    inner = publish(garages, "Порядок размещения объектов", "internal")
    for who in (reader, author):
        searched("свистулька", inner, by=who, used=True)
    lessons.gather()
    assert set(LearnedWord.objects.values_list("index", flat=True)) == {materials.INDEX}


def changes(facts: Facts) -> effect.Effect:
    rules = dictionary.thesaurus.Thesaurus.of(facts.rules)
    asked = effect.asked_with(rules.said | rules.story)
    return effect.of(asked, dictionary.current(), dictionary.with_instead(facts))


def test_an_entry_shows_before_it_is_kept_which_past_searches_gain(stall, reader, author) -> None:
    searched("свистулька", stall, by=reader)
    searched("свистулька", stall, by=author)
    searched("свистулька")
    searched("аренда", stall, by=reader)
    found = changes(Facts(Kind.SYNONYM, "свистулька", "торговый"))
    assert found.tried == 2, "only queries with words of the entry are tried, each once"
    assert {(one.asked.shown, one.asked.times, one.title, one.before, one.after) for one in found.moved} == {
        ("свистулька", 2, stall.title, None, 1),
        ("свистулька", 1, stall.title, None, 1),
    }
    assert (found.gain, found.lose) == (2, 0)


def test_an_entry_shows_which_past_searches_lose(stall, reader) -> None:
    searched("свистулька", stall, by=reader)
    asked = effect.asked_with(frozenset(analysis.words("свистулька")))
    found = effect.of(
        asked, dictionary.with_instead(Facts(Kind.SYNONYM, "свистулька", "торговый")), dictionary.current()
    )
    assert [(one.title, one.before, one.after, one.gains) for one in found.moved] == [(stall.title, 1, None, False)]
    assert (found.gain, found.lose) == (0, 1)


def test_nothing_changes_where_nobody_searched_so(stall) -> None:
    assert changes(Facts(Kind.SYNONYM, "теплица", "объект")) == effect.Effect([], 0)
