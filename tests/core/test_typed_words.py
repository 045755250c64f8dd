"""What a search box may carry."""

from __future__ import annotations

import time

import pytest

from otklik.core import typed


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, ""),
        ("", ""),
        (" \t\r\n ", ""),
        ("  два   слова ", "два слова"),
        ("га\u00adраж у\u200b дома\ufeff", "гараж у дома"),
        ("два\x00слова\x1f", "два слова"),
        ("\ud800гараж", "гараж"),
        ("😀 гараж", "😀 гараж"),
    ],
)
def test_words_are_what_can_be_seen(given: str | None, read: str) -> None:
    assert typed.words(given, 50) == read


def test_however_much_is_sent_little_is_looked_at() -> None:
    began = time.perf_counter()
    assert typed.words("ы" * 10_000_000, 200) == "ы" * 200
    assert time.perf_counter() - began < 0.5
