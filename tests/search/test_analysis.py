"""Words as search sees them, whoever else is looking."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from otklik.search import analysis

ENDINGS = ("ие", "ия", "ию", "ием", "иями", "ых", "ого", "ости", "остями", "ами")


def test_threads_do_not_spoil_each_others_words():
    many = [f"{word}{ending}" for word in ("заявлен", "участк", "гаражн", "кадастров") for ending in ENDINGS]
    stem = analysis.lemma.__wrapped__  # each time anew: what was stemmed once is remembered
    alone = [stem(word) for word in many]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda _: [stem(word) for word in many], range(40)))
    finally:
        sys.setswitchinterval(before)
    assert all(found == alone for found in together)


def test_letters_without_a_name_in_unicode_are_no_russian_word() -> None:
    assert analysis.guesses("\U00017000") == ()
    assert analysis.guesses("горажом")
