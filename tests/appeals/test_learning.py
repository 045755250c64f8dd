"""Proposals learn of confirmed cases, on this machine; what is worse is not taken; nothing of people is kept."""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import date
from typing import Any

import pytest

from otklik.appeals import assignment, classification, defaults, learning, proposing, registration
from otklik.appeals.learning import Example
from otklik.appeals.models import Need, ProposalModel, QuestionKind, Topic
from otklik.core import files
from otklik.core.models import JournalEntry
from tests.appeals import letters_made as made
from tests.sizes import size

State = ProposalModel.State
EACH = (5, 10, 20, 50)


def examples(letters: list[made.Letter], start: int = 0) -> list[Example]:
    """Return letters as confirmed cases, each of another person."""
    return [
        Example(f"p{number}", proposing.words_of(one.text), {"topic": (one.topic,), "need": (one.need,)})
        for number, one in enumerate(letters, start)
    ]


def rows() -> dict[str, list[Any]]:
    """Return the starting dictionaries without a database."""
    topics = enumerate(defaults.TOPICS.items())
    return {
        "topic": [Topic(pk=pk, code=code, name=name, hints=hints) for pk, (code, (name, hints)) in topics],
        "need": [
            Need(pk=pk, code=code, name=name, hints=hints) for pk, (code, name, hints) in enumerate(defaults.NEEDS)
        ],
        "kind": [QuestionKind(pk=1, code="3", name="Жалоба")],
        "unit": [],
    }


def figures(held: list[Example], learned: Any) -> dict[str, tuple[float, float]]:
    """Return the shares of first and of first three for both axes."""
    cases = {axis: learned[axis].cases if learned else {} for axis in proposing.AXES}
    found = learning.measured(held, rows(), learned, cases)
    return {
        axis: (found[axis]["first"] / found[axis]["cases"], found[axis]["three"] / found[axis]["cases"])
        for axis in learning.MEASURED
    }


@pytest.fixture(autouse=True)
def _nothing_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    proposing.forget()


def test_a_word_nobody_hinted_at_is_learned_of_confirmed_cases() -> None:
    learned = {
        "topic": learning.train(
            examples([made.Letter("Прошу насчёт погреба", "0003.0011.0123.0843", "lease")] * 4), "topic"
        )
    }
    dictionary = rows()["topic"]
    table = proposing.Table(learned["topic"], proposing.as_rows(dictionary))
    best = proposing.ranked(proposing.words_of("У нас погреб."), dictionary, table)[0]
    assert best.item.code == "0003.0011.0123.0843"
    assert best.words == ["погреб"]
    assert 0 < best.confidence <= 1


def test_a_class_without_cases_is_still_proposed_by_its_hints_and_nonsense_by_nothing() -> None:
    learned = learning.train(examples(made.letters(3, seen=True, seed=1)), "need")
    dictionary = rows()["need"]
    table = proposing.Table(learned, proposing.as_rows(dictionary))
    best = proposing.ranked(
        proposing.words_of("Прошу публичный сервитут для проезда через участок"), dictionary, table
    )[0]
    assert best.item.code == "easement"
    assert proposing.ranked(proposing.words_of("Ла-ла-ла"), dictionary, table) == []


def test_neither_names_nor_numbers_nor_words_of_one_person_are_kept() -> None:
    letters = [made.Letter("Кузнецова Мария, тел. 89131234567, погреб и чердак", "0003.0011.0123.0843", "lease")] * 3
    learned = learning.train(
        [*examples(letters), *examples([made.Letter("слоновник", "0003.0011.0123.0843", "lease")], 9)], "topic"
    )
    kept = json.loads(proposing.dumped({"topic": learned}))["topic"]
    words = {part for word in kept["counts"] for part in word.split()}
    assert {"погреб", "чердак"} <= words
    assert not [word for word in words if word.startswith(("кузнец", "мари", "8913", "слон"))]


def test_one_applicant_is_always_on_one_side() -> None:
    mine = [Example("7", proposing.words_of("земля"), {})] * 5
    others = examples(made.letters(10, seen=True, seed=1))
    learnt, held = learning.parted([*mine, *others])
    assert {one.person for one in learnt}.isdisjoint(one.person for one in held)
    assert 0.1 < len(held) / (len(held) + len(learnt)) < 0.35


def retrained(letters: list[made.Letter]) -> ProposalModel | None:
    row = learning.retrain(lambda: examples(letters))
    proposing.forget()
    return row


def test_what_was_learned_is_used_and_a_worse_version_is_not_taken(world, django_capture_on_commit_callbacks) -> None:
    text = "Аренда поля кончается, срок договора истекает осенью. Нужно продлить договор на пять лет."
    assert retrained(made.letters(1, seen=True, seed=1)) is None
    good = retrained(made.letters(12, seen=True, seed=1))
    assert good is not None
    assert (good.version, good.state, good.why) == (1, State.USED, "")
    guess = classification.propose(text)
    assert (guess.topics[0].item.code, guess.needs[0].item.code) == ("0003.0011.0123.0850", "lease")
    assert guess.topics[0].confidence > 0.5
    assert guess.topics[0].words
    dice = random.Random(3)
    muddled = [
        made.Letter(one.text, dice.choice(sorted(made.TOPICS)), dice.choice(sorted(made.NEEDS)))
        for one in made.letters(12, seen=True, seed=1)
    ]
    learnt, _ = learning.parted(examples(made.letters(12, seen=True, seed=1)))
    learnt_people = {one.person for one in learnt}
    mixed = [
        bad if f"p{number}" in learnt_people else right
        for number, (bad, right) in enumerate(zip(muddled, made.letters(12, seen=True, seed=1), strict=True))
    ]
    bad = retrained(mixed)
    assert bad is not None
    assert bad.state == State.REFUSED
    assert "хуже" in bad.why
    assert proposing.in_use() == good.file.sha256
    assert [one.action for one in JournalEntry.objects.filter(action="proposals.retrained")] == [
        "proposals.retrained"
    ] * 2
    assert retrained(mixed) is None, "what says the same as the last attempt is not kept twice"
    with files.open_file(good.file) as opened:
        assert proposing.loaded(opened.read()).keys() == set(proposing.AXES)


def test_confirmed_cases_are_read_with_their_words_unit_and_kind(world) -> None:
    kind = QuestionKind.objects.get(code="3")
    topic, need = world.pair()
    appeal = world.registered()
    classification.classify(appeal, [(topic, need)], kinds={(topic.pk, need.pk): kind}, by=world.clerk)
    world.assigned(world.registered())
    first, second = learning.confirmed()[::-1]
    assert first.classes == {"topic": (topic.code,), "need": (need.code,), "kind": ("3",), "unit": ()}
    assert second.classes["unit"] == (str(world.land.pk),)
    assert "аренда" in first.words.features
    assert first.person == str(appeal.applicant_id)


def test_the_unit_is_learned_of_who_answered(world) -> None:
    letters = made.letters(12, seen=True, seed=1)
    of = {True: str(world.law.pk), False: str(world.land.pk)}
    cases = [
        Example(one.person, one.words, {**one.classes, "unit": (of[one.classes["topic"] == ("0001.0003.0042.0220",)],)})
        for one in examples(letters)
    ]
    assert learning.retrain(lambda: cases)
    proposing.forget()
    guess = classification.propose("После смерти отца земля так и числится за ним, нотариусу не хватает бумаг.")
    assert guess.units[0].item == world.law
    assert guess.unit == world.law
    said = guess.units[0].words
    assert not {part for phrase in said if " " in phrase for part in phrase.split()} & set(said), "a word is told once"
    letter = "После смерти отца земля так и числится за ним, нотариусу не хватает бумаг."
    appeal = registration.register(world.message(text=letter), world.entry(subject="После смерти отца"), by=world.clerk)
    assert assignment.propose_unit(appeal) == world.law, "who assigns begins with it, too"


@pytest.mark.proof
@pytest.mark.once
def test_proof_of_proposals_on_letters_never_seen() -> None:
    """Prints the table of docs/classification.md: top-1 and top-3 by confirmed examples of a class."""
    held = examples(made.letters(size(10, 40), seen=False, seed=2), 100_000)
    lines = ["", f"{'на класс':>10}  тема: 1-й  из 3   потребность: 1-я  из 3"]
    reached = {}
    for each in (0, *EACH):
        learned = learning.learn(examples(made.letters(each, seen=True, seed=1)), rows()) if each else None
        reached[each] = found = figures(held, learned)
        topic, need = found["topic"], found["need"]
        lines.append(f"{each:>10}  {topic[0]:>9.1%} {topic[1]:>6.1%} {need[0]:>15.1%} {need[1]:>6.1%}")
    sys.stdout.write("\n".join([*lines, f"проверено писем: {len(held)}", ""]))
    assert reached[5]["topic"][1] > 0.75
    assert reached[50]["topic"] > (0.78, 0.9)
    assert reached[50]["need"] > (0.82, 0.94)
    firsts = [reached[each]["topic"][0] for each in (0, *EACH)]
    assert firsts[0] < firsts[1] < firsts[2], "more examples, better proposals"


@pytest.mark.proof
def test_proof_that_proposals_over_a_hundred_classes_take_no_time(world, django_assert_max_num_queries) -> None:
    """A hundred topics and a hundred needs, all learned; prints milliseconds of the processor, median and 95th."""
    Topic.objects.bulk_create(
        Topic(
            code=f"0009.0001.0001.{number:04}", version="t", name=f"Особый случай {number}", valid_from=date(2024, 1, 1)
        )
        for number in range(1, 75)
    )
    Need.objects.bulk_create(
        Need(code=f"n{number}", name=f"Особая просьба {number}", valid_from=date(2024, 1, 1)) for number in range(1, 85)
    )
    topics, needs = list(classification.valid_topics()), list(classification.valid_needs())
    assert min(len(topics), len(needs)) >= 100
    letters = made.letters(size(6, 40), seen=True, seed=1)
    dice = random.Random(5)
    spread = [
        made.Letter(
            one.text,
            dice.choice(topics).code if number % 2 else one.topic,
            dice.choice(needs).code if number % 3 == 0 else one.need,
        )
        for number, one in enumerate(letters)
    ]
    learnt = learning.learn(examples(spread), learning.dictionaries())
    stored = files.store(proposing.dumped(learnt))
    ProposalModel.objects.create(version=1, file=stored, learned=len(spread), held=0, state=State.USED)
    texts = [" ".join(one.text for one in made.letters(1, seen=False, seed=seed)[:3]) for seed in range(size(20, 60))]
    proposing.forget()
    classification.propose(texts[0])
    took = []
    for text in texts[1:]:
        began = time.process_time()
        with django_assert_max_num_queries(4):
            classification.propose(text)
        took.append(1000 * (time.process_time() - began))
    took.sort()
    middle, late = took[len(took) // 2], took[int(len(took) * 0.95)]
    sys.stdout.write(
        f"\nпредложения на {len(topics)} тем и {len(needs)} потребностей: медиана {middle:.1f} мс, 95-й {late:.1f} мс\n"
    )
    assert middle <= 30
