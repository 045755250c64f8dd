"""Somebody is found by the beginning of any word of his name, on both databases as words are understood here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from otklik.people.applicants import called, plain
from otklik.people.models import Applicant

NAMES = (
    "Иванова Мария Петровна",
    "Ивановская Мария",
    "Снт «Берёзка-2»",
    "СНТ 12А",
    "ООО «3D-мир»",
    "ГК Гаражный пример",
    "Мариинский Пётр",
    "TOO Alma 2000",
)
WORDS = sorted({word[:size] for name in NAMES for word in plain(name).split() for size in range(1, len(word) + 1)})


def found(text: str, *, whole: bool = False) -> set[str]:
    return set(Applicant.objects.filter(called(text, whole=whole)).values_list("name_key", flat=True))


class AnyWords(TestCase):  # type: ignore[misc]
    """Names and what is typed of them."""

    def setUp(self) -> None:
        """Bring them in."""
        Applicant.objects.bulk_create(Applicant(name_key=plain(name)) for name in NAMES)

    @given(typed=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join))
    def test_whoever_has_a_word_that_begins_so_is_called_so(self, typed: str) -> None:
        """The words stand one after another, the last may be unfinished; as whole words further on only if asked so."""
        names = [plain(name) for name in NAMES]
        assert found(typed) == {name for name in names if f" {name}".find(f" {typed}") >= 0}
        assert found(typed, whole=True) == {
            name for name in names if name.startswith(typed) or f" {typed} " in f"{name} "
        }


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "  ", "«»", "_", "'", ":*", "!"])
def test_nobody_is_called_by_signs_alone(typed: str) -> None:
    Applicant.objects.create(name_key="иванова мария")
    assert found(typed) == set()


@pytest.mark.django_db
def test_signs_of_a_query_language_are_signs_only() -> None:
    Applicant.objects.create(name_key="о кифф мария")
    assert found("О'Кифф") == {"о кифф мария"}
    assert found("мария') | ('") == {"о кифф мария"}
    assert found("%") == found("мари_") - {"о кифф мария"} == set()
