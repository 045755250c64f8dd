"""What a letter asks, sentence by sentence: people tell their story and ask in the middle of it."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 5  # more are a questionnaire, not a letter
_LONGEST_LETTER: Final = 20_000  # characters looked at
_LONGEST: Final = 300  # of one question, as it is shown and asked
_FEWEST_WORDS: Final = 3
# A dot before a small letter or a figure ends nothing («ст. 39.6»).
_SENTENCE: Final = re.compile(r"[^.!?…\n]+(?:\.(?=\w|\s[a-zа-яё\d])[^.!?…\n]*)*[.!?…]*")
_WORD: Final = re.compile(r"\w+")
# Words that ask where no question mark does.
_ASKS: Final = re.compile(
    r"\b(?:(?:прошу|просим)(?: вас)? (?:разъяснить|пояснить|сообщить|подсказать|рассказать|ответить|указать)"
    r"|под?скажите|скажите|разъясните|поясните|сообщите|объясните"
    r"|(?:хочу|хотим|хотел[аи]? бы|хотелось бы) (?:узнать|знать|уточнить|спросить)"
    r"|интересует|(?:можно|могу|можем|нужно|надо|должен|должна|должны|имею|имеем|вправе) ли)\b",
    re.IGNORECASE,
)


def asked_in(letter: str) -> list[str]:
    """Return the sentences of a letter that ask, in their order, `MOST` at most; quoted letters are not looked at."""
    own = "\n".join(line for line in letter[:_LONGEST_LETTER].splitlines() if not line.lstrip().startswith(">"))
    found: dict[str, None] = {}
    for match in _SENTENCE.finditer(own):
        sentence = " ".join(match.group().split())
        asks = sentence.endswith("?") or _ASKS.search(sentence)
        if asks and len(_WORD.findall(sentence)) >= _FEWEST_WORDS:
            found.setdefault(sentence[:_LONGEST])
        if len(found) == MOST:
            break
    return list(found)
