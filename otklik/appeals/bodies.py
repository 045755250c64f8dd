"""Names of other bodies: when two of them mean one, and when one of them means us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from otklik.people import staff
from otklik.search import analysis

# Words that stand in the names of too many bodies to tell one from another.
_COMMON: Final = frozenset(
    (
        "по",
        "и",
        "в",
        "на",
        "области",
        "обл",
        "новосибирской",
        "нсо",
        "россии",
        "рф",
        "российской",
        "федерации",
        "города",
    )
)
_LEVELS: Final = ("мэрия", "муниципальный", "федеральный", "министерство", "администрация", "правительство")


def same(one: str, other: str) -> bool:
    """Tell whether two names mean one body or person: all telling words of the shorter stand in the longer one.

    In whatever case: «на администрацию района», «Администрация района». A body of another level is another body: the
    department of the region is not the department of the mayor's office.
    """
    few, many = sorted((_told(one), _told(other)), key=len)
    if len(few) > 1 and _levels(few) != _levels(many):
        return False
    return bool(few) and all(any(word & known for known in many) for word in few)


def is_ours(name: str) -> bool:
    """Tell whether a name is that of our department, in any case and order of words."""
    department, told = staff.department(), set(_told(name))
    return any(ours and set(_told(ours)) == told for ours in (department.name, department.short_name))


def _told(name: str) -> list[frozenset[str]]:
    """Return the telling words of a name, each with all it may be the form of."""
    words = re.findall(r"\w+", name.lower().replace("ё", "е"))
    told = (word for word in words if word not in _COMMON and (len(word) > 2 or word.isdigit()))
    return [frozenset((word, *analysis.lemmas(word))) for word in told]


def _levels(words: Iterable[frozenset[str]]) -> set[str]:
    return {level for level in _LEVELS for word in words if level in word}
