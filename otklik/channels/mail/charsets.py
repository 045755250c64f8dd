"""Bytes of Russian letters to text: the declared charset where it fits, else the one that reads like Russian."""

from __future__ import annotations

from typing import Final

CANDIDATES: Final = ("windows-1251", "koi8-r", "cp866", "iso-8859-5")
SHORT: Final = 20  # letters
ALIASES: Final = {
    "cp-1251": "windows-1251",
    "win-1251": "windows-1251",
    "windows1251": "windows-1251",
    "x-cp1251": "windows-1251",
    "ansi": "windows-1251",
    "koi8": "koi8-r",
    "x-koi8-r": "koi8-r",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "default": "",
    "unknown-8bit": "",
    "x-unknown": "",
}
# Shares of letters in Russian text, per mille: a wrong charset turns frequent letters into rare ones.
FREQUENT: Final = dict(
    zip("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", [110, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19,
        17, 17, 16, 16, 14, 12, 10, 9, 7, 6, 5, 4, 3, 3, 1, 1], strict=True)
)  # fmt: skip


def decode(raw: bytes, declared: str | None) -> tuple[str, bool]:
    """Return the text, and whether the declared charset was wrong or missing for bytes beyond ASCII."""
    name = _name(declared)
    if raw.isascii() and name not in {"utf-7", "iso-2022-jp", "utf-16", "utf-16le", "utf-16be", "hz-gb-2312"}:
        return raw.decode("ascii"), False
    fits: str | None = None
    try:
        fits = raw.decode(name) if name else None
    except (LookupError, ValueError):  # unknown, unfit for these bytes, or no name at all
        fits = None
    if name in {"utf-8", "utf-16", "utf-16le", "utf-16be"} and fits is not None:
        return fits, False
    if (utf := _utf8(raw)) is not None:
        return utf, name != "us-ascii" and bool(name)
    if fits is not None and name in CANDIDATES and sum(byte > 127 for byte in raw) < SHORT:
        return fits, False  # too little text to know better than the sender
    best = max(CANDIDATES, key=lambda one: russian(raw.decode(one, "replace")))
    guessed = raw.decode(best, "replace")
    if fits is not None and name not in {"us-ascii", "iso-8859-1", "windows-1252", "latin-1"}:
        if russian(guessed) <= russian(fits) * 1.3 + 1:
            return fits, False
    elif fits is not None and russian(guessed) < 5:
        return fits, False
    return guessed, True


def russian(text: str) -> float:
    """Return how much a text reads like Russian, per mille of its letters; capitals inside words count against."""
    sample = text[:4000]
    score, letters, previous = 0.0, 0, " "
    for sign in sample:
        if sign.isalpha():
            letters += 1
            lower = sign.lower()
            score += FREQUENT.get(lower, -40 if ord(sign) > 127 else 0)
            if sign.isupper() and previous.islower():
                score -= 60
        elif 0x80 <= ord(sign) < 0x2000 or 0x2500 <= ord(sign) < 0x25A0 or ord(sign) == 0xFFFD:
            score -= 20  # graphics and control signs where letters should be
            letters += 1
        previous = sign
    return score / letters if letters else 0.0


def clean(text: str) -> str:
    """Return the text without what no database keeps: NUL and lone surrogates; line ends unified."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _name(declared: str | None) -> str:
    name = (declared or "").strip().strip("\"'").lower()
    return ALIASES.get(name, name)


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
