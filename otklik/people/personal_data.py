"""Where a text tells of people: names, addresses, telephones, documents. One detector for every room.

What has a shape is found by it, what has none (names) by the dictionary in `names_in_text`. Numbers that are nobody's
(cadastral, of cases and acts, sums) are set aside first, so that nothing in them is taken for a telephone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from otklik.core import masking
from otklik.people import names_in_text

Kind = Literal["name", "address", "phone", "email", "document", "snils", "inn", "born", "account", "car"]


@dataclass(frozen=True)
class Span:
    """A piece of a text that tells of a person, and of what kind it is."""

    start: int
    end: int
    kind: Kind


def found(text: str, *, doubtful: bool = False) -> list[Span]:
    """Return what in a text tells of people, in its order, none over another.

    `doubtful`: what may or may not, too (a street or a garden society alone, «Роза» that begins a sentence): for lists
    that a person goes through.
    """
    taken: list[tuple[int, int]] = []
    spans: list[Span] = []
    for start, end, kind in _candidates(text, taken, doubtful):
        if start < end and all(end <= begun or start >= ended for begun, ended in taken):
            taken.append((start, end))
            if kind is not None:
                spans.append(Span(start, end, kind))
    return sorted(spans, key=lambda one: one.start)


def hidden(text: str) -> str:
    """Return a text with nothing of people in it, nor any long number: whatever it is, it may lead to somebody."""
    return masking.words(replaced(text, lambda _: masking.HIDDEN))


def replaced(text: str, mark: Callable[[Span], str]) -> str:
    """Return a text with what tells of people replaced by a mark."""
    parts, at = [], 0
    for one in found(text):
        parts += [text[at : one.start], mark(one)]
        at = one.end
    return "".join([*parts, text[at:]])


# --- numbers ---------------------------------------------------------------------------------------------------------

_MONTH: Final = r"(?:январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр)[а-яё]*"
_DATE: Final = rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d{{2}})|\d{{1,2}}\s+{_MONTH}\s+\d{{4}})(?!\d)"
_OF_BIRTH: Final = r"(?:\s*(?:г(?:\.|ода?)?\s*р(?:\.|ождения)?(?!\w)|рожд(?:\.|ения)))"
_PLATE: Final = "АВЕКМНОРСТУХABEKMHOPCTYX"
# The part called «it» is what is found; without it, the whole.
_SHAPES: Final[tuple[tuple[Kind | None, str], ...]] = (
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    (
        "email",
        r"(?<!\w)[a-z][\w.+-]*\s*(?:[(\[]\s*)?(?:собака|at|@)(?:\s*[)\]])?\s*[a-z][\w-]*\s*(?:\.|точка|dot)\s*"
        r"(?:ru|com|org|net|рф|ру)(?!\w)",
    ),
    # Nobody's: cadastral numbers, cases, records of the register, coordinates, sums.
    (None, r"(?<!\d)\d{2}:\d{2}:\d{1,7}(?::\d+)?(?:/\d+)*"),
    (None, r"(?<!\w)[а-яa-z]{0,3}\d{1,3}-\d+/\d{4}(?!\d)"),
    (None, r"(?<!\w)(?:\d{2}-){1,3}\d{2}/[\d/-]+|(?<!\w)КУВИ-[\d/-]+|(?<!\w)\d{2}-RU[\d-]+"),
    (None, r"(?<![\d.])\d+[.,]\d{4,}(?![\d.])|(?<!\w)[xyхуbl]\s*=\s*[\d.,]+"),
    (
        None,
        r"(?<!\d)\d+(?:[\s.,]\d+)*\s*(?=(?:руб|₽|коп(?:\.|е)|тыс|млн|млрд|кв\.?\s*м|м2|м²|га(?!\w)|сот(?:ок|ки|ка)|%))",
    ),
    (
        None,
        r"(?<!\w)(?:огрн(?:ип)?|кпп|бик|окт?мо|окато|кбк|уин|окпо|оквэд|шпи|рпо|фс|вс)\W{0,4}(?:№\s*)?\d[\d\s-]*",
    ),
    (None, r"(?:отправлени\w*|трек\w*|идентификатор\w*)\W{0,3}(?:№\s*)?\d{8,}"),
    (None, r"(?<!\w)инн[^\d\n]{0,40}?\d{10}(?!\d)"),
    (None, r"(?<![\d-])8[\s(-]*800[\s)-]*\d{3}(?:[\s-]?\d{2}){2}(?!\d)"),
    # People's own.
    ("inn", r"(?<!\w)инн[^\d\n]{0,40}?(?P<it>\d{4}\s?\d{4}\s?\d{4})(?!\d)"),
    (
        "snils",
        r"(?<!\d)\d{3}-\d{3}-\d{3}[\s-]\d{2}(?!\d)|(?:снилс|страхов\w+ номер\w*|страхово\w+ свидетельств\w+)"
        r"[^\d\n]{0,20}(?P<it>\d(?:[\s-]?\d){10})(?!\d)",
    ),
    ("born", rf"(?<![\d.]){_DATE}(?:\s*г(?:\.|ода?)?(?!\w))?{_OF_BIRTH}"),
    (
        "born",
        r"(?:дат[аыуе] рожд(?:\.|ения)|роди(?:л|в)\w*|рожд[её]н\w*|рожд\.)[\s:—–-]*(?:в\s+)?"
        rf"(?P<it>{_DATE}(?:\s*год[ау])?)",
    ),
    (
        "document",
        r"(?:паспорт\w*|удостоверени\w*|свидетельств\w* о (?:рожд|брак|смерт|расторж|заключ|перем)\w*|полис\w*|"
        r"вид\w* на жительство|билет\w*|(?<!\w)сери[яию]|водительск\w*|(?<!\w)права(?!\w))"
        r"(?:(?!\d{1,2}[./]\d{1,2}[./])[^\d.;\n№IVXLC]){0,40}?(?P<it>(?:[IVXLC]{1,6}[-–][А-ЯЁ]{2}\s*|(?<!\w)[А-ЯЁ]{1,2}\s+(?=№|\d))?"
        r"(?:№\s*)?\d{2}(?:\s?\d{2,4})?\s*(?:№|номер|n)?\s*\d[\d\s]{2,14}\d)(?![\d.,/-])",
    ),
    ("document", r"(?<![\d№.:/-])(?<!№ )\d{2}\s?\d{2}\s+(?:№\s*)?\d{6}(?![\d.,/-]\d)(?!\d)"),
    ("account", r"(?<![\d-])(?:408|423|426)\d{2}[\s.]?\d{3}[\s.]?\d[\s.]?\d{4}[\s.]?\d{7}(?!\d)"),
    (None, r"(?<!\d)\d{20,25}(?!\d)"),
    ("account", r"(?<![\d-])[2456]\d{3}([\s-]?)\d{4}\1\d{4}\1\d{4}(?!\d)"),
    ("car", rf"(?<!\w)[{_PLATE}]\s?\d{{3}}\s?[{_PLATE}]{{2}}\s?\d{{2,3}}(?:\s?rus)?(?!\w)"),
    ("car", rf"(?<!\w)(?-i:[{_PLATE}]{{2}}\s?\d{{4}}|\d{{4}}\s?[{_PLATE}]{{2}})\s?\d{{2,3}}(?![\w])"),
    # Telephones: with the country's digit, with a code in brackets, mobile, of a town.
    ("phone", r"(?<![\w.№/-])(?<!№ )(?:\+\s?7|[78])(?:[\s().–-]{0,3}\d){10}(?![\w/]|[-.]\d)"),
    (
        "phone",
        r"(?<![\w.])\(\s?(?:\d{3}\s?\)(?:[\s.–-]{0,2}\d){7}|\d{4}\s?\)(?:[\s.–-]{0,2}\d){6}|"
        r"\d{5}\s?\)(?:[\s.–-]{0,2}\d){5})(?!\d)",
    ),
    ("phone", r"(?<![\w.№/-])(?<!№ )9\d{2}(?:[\s.–-]{0,2}\d){7}(?![\w/]|[-.]\d)"),
    ("phone", r"(?<![\w./-])\d{2,3}[-–]\d{2}[-–]\d{2}(?![\w/]|[-.]\d)"),
    (
        "phone",
        r"(?:(?<!\w)т(?:ел)?\.|телефон\w*|сотов\w*|мобильн\w*|домашн\w*|городск\w*|факс\w*|зво[нн]\w*|ватсап\w*|вотсап\w*)"
        r"[^\d\n]{0,12}(?P<it>\+?\d(?:[\s()–-]{0,2}\d){4,10})(?!\d|[./]\d)",
    ),
)
_NUMBERS: Final = [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _SHAPES]
_YEARS_OF_BIRTH: Final = re.compile(
    r"((?:(?<!\d)\d{4}(?:,\s*|\s+и\s+))*\d{4})\s*г\.?\s*р(?:\.|ождения)?(?!\w)", re.IGNORECASE
)


def _candidates(text: str, taken: list[tuple[int, int]], doubtful: bool) -> Iterator[tuple[int, int, Kind | None]]:
    """Yield what may be found, the surest first: of two that overlap the first one stands."""
    if any(sign.isdigit() for sign in text) or "@" in text or "собака" in text:
        for kind, pattern in _NUMBERS:
            for match in pattern.finditer(text):
                start, end = match.span("it") if match.groupdict().get("it") else match.span()
                yield start, end, kind
        for match in _YEARS_OF_BIRTH.finditer(text):
            years = list(re.finditer(r"\d{4}", match[0]))
            for one in years[:-1]:
                yield match.start() + one.start(), match.start() + one.end(), "born"
            yield match.start() + years[-1].start(), match.end(), "born"
    for start, end in _addresses(text, doubtful):
        yield start, end, "address"
    for start, end in names_in_text.names(text, taken, doubtful):
        yield start, end, "name"


# --- addresses -------------------------------------------------------------------------------------------------------

_CAP: Final = r"[А-ЯЁ][\w-]*"
_NAME: Final = (
    rf"(?:«[^»\n]{{1,40}}»|\"[^\"\n]{{1,40}}\"|(?:им(?:ени|\.)\s+|реки\s+)?(?:\d{{1,3}}(?:-?[а-яё]{{1,3}})?\s+)?"
    rf"(?:[А-ЯЁ]\.\s?)*{_CAP}(?:\s+{_CAP}){{0,2}})"
)
_STREET_KIND: Final = (
    r"(?<!\w)(?i:ул(?:иц[аыеу]|\.)?|пр(?:-к?т|осп(?:\.|ект[ауе]?)?|-д|оезд[ауе]?|\.)|пер(?:\.|еул(?:\.|ок|ка|ке)?)?|"
    r"б-р|бульвар[ауе]?|наб(?:\.|ережн(?:ая|ой|ую))?|шоссе|туп(?:\.|ик[ауе]?)|алле[яие]|тракт[ауе]?|"
    r"мкрн?\.?|м-н|микрорайон[ауе]?|ж/м|жилмассив[ауе]?|квартал)(?!\w)"
)
_STREET_AFTER: Final = (
    r"(?i:ул(?:иц[аыеу]|\.)|просп(?:ект[ауе]?|\.)|пр-к?т|переул(?:ок|ке|ка)|шоссе|проезд[ауе]?|тракт[ауе]?|"
    r"бульвар[ауе]?|магистраль|набережная)(?!\w)"
)
_STREET: Final = (
    rf"(?:{_STREET_KIND}\s*{_NAME}(?:\s+{_STREET_AFTER})?|{_CAP}(?:ый|ий|ой|ая|ого|ему|ому|ом|ое)\s+{_STREET_AFTER})"
)
_LOCALITY: Final = (
    r"(?<!\w)(?i:г(?:ор(?:од[ауе]?)?)?|с(?:ел[оаеу])?|д(?:ер(?:евн[яиею])?)?|п(?:ос(?:[её]л(?:ок|ка|ке|ку))?)?|р\.\s?п|рп|пгт|"
    rf"ст(?:аниц[аыеу])?|х(?:утор[ауе]?)?|аул[ауе]?|рабоч\w+ посёлк?\w*)(?:\.\s*|\s+){_CAP}(?:\s+{_CAP})?"
)
_REGION: Final = (
    rf"(?:{_CAP}\s+(?i:обл(?:\.|аст[ьи])|р(?:-н[ае]?|айон[ауе]?)\.?|кра[йяею])(?!\w)|"
    rf"(?i:(?<!\w)обл\.|(?<!\w)р(?:-н|айон))\s*{_CAP})"
)
_PLOTS: Final = (
    r"(?<!\w)(?i:СНТ|ДНТ|СТ|НСТ|ОНТ|СНП|ДНП|ДПК|ТСН|ГСК|ПГК|ГК|с/т|"
    r"садов\w+ (?:некоммерческ\w+ )?(?:товариществ|обществ)\w*|"
    rf"гаражн\w+ кооператив\w*)\s+{_NAME}"
)
_UNIT: Final = (
    r"(?<!\w)(?i:д(?:ом[ауе]?)?|корп(?:ус[ауе]?)?|к|стр(?:оени[еяи])?|вл(?:адени[еяи])?|лит(?:ер[аы]?)?|кв(?:артир[аыеу])?|"
    r"уч(?:аст(?:ок|ка|ке|ку))?|бокс[ауе]?|гараж[ауе]?|оф(?:ис[ауе]?)?|ком(?:н(?:ат[аыеу])?)?|пом(?:ещени[еяи])?|"
    r"под(?:ъезд[ауе]?)?|эт(?:аж[ауе]?)?|а/я)\.?\s*(?:№\s*)?\d+[а-яё]?(?:[/-]\d*[а-яё]?)*(?![\w:])"
)
_HOUSE: Final = (
    r"(?:№\s*)?\d{1,4}(?:\s?[а-яёА-ЯЁ](?![\w.]))?(?:[/-]\d{1,4}[а-яё]?)?"
    r"(?![\w%]|[.,]\d|\s*(?:га|м2|руб|чел|лет|год|кв\.?\s*м)(?!\w))"
)
_GAP: Final = r"(?:\s*[,;]\s*|\s+)"
_PART: Final = rf"(?:{_REGION}|{_LOCALITY}|{_PLOTS}|{_STREET}(?:{_GAP}{_HOUSE})?|{_UNIT})"
_CHAIN: Final = re.compile(rf"(?:(?<!\d)\d{{6}}(?:,\s*|\s+)(?:{_CAP},\s*)?)?{_PART}(?:{_GAP}{_PART}|,\s*{_HOUSE})*")
_LOWER: Final = re.compile(
    rf"{_STREET_KIND}\s*(?:\d-?\w{{1,2}}\s+)?[а-яё-]{{3,}}(?:\s[а-яё-]{{4,}})?{_GAP}(?:(?i:д(?:ом)?)\.?\s*)?{_HOUSE}"
    rf"(?:{_GAP}{_UNIT})*"
)
# «по Красноармейской, 18», «на Ленина 5»: a street without the word.
_BARE: Final = re.compile(
    rf"(?<!\w)(?i:по|на)\s+(?P<it>(?:\d-?\w{{1,2}}\s+)?{_CAP}(?:,\s*(?:{_UNIT}|{_HOUSE})|\s+{_UNIT})(?:{_GAP}{_UNIT})*)"
)
_LIVES: Final = re.compile(
    r"(?:(?<!\w)(?:жив|прожив|жит|жил|пропис|зарегистр|посел)\w*|адрес\w*)[^.\n]{0,25}$", re.IGNORECASE
)
_LIVED_AT: Final = re.compile(
    r"(?<!\w)(?i:жив|прожив|жил|пропис|зарегистр)\w*(?:\s+[а-яё]+){0,2}?\s+на\s+"
    r"(?P<it>(?:\d-?[а-я]{1,2}\s+)?[А-ЯЁ][а-яё-]+(?:ой|ей))(?!\w)"
)
_TOWN_BEFORE: Final = re.compile(rf"(?:(?<!\d)\d{{6}},?\s*)?(?<!\w){_CAP},\s*$")


def _addresses(text: str, doubtful: bool) -> Iterator[tuple[int, int]]:
    for match in _CHAIN.finditer(text):
        if _is_address(text, match, doubtful):
            before = _TOWN_BEFORE.search(text, max(0, match.start() - 40), match.start())
            if before and names_in_text.is_place(before[0].strip(" ,0123456789")):
                yield before.start(), match.end()
            yield match.start(), match.end()
    for pattern in (_LOWER, _BARE, _LIVED_AT):
        for match in pattern.finditer(text):
            start, end = match.span("it") if "it" in pattern.groupindex else match.span()
            yield start, end


_HAS_STREET: Final = re.compile(_STREET)
_HAS_NUMBER: Final = re.compile(rf"{_UNIT}|(?:,\s*|\s){_HOUSE}$")
_HAS_PLACE: Final = re.compile(rf"{_LOCALITY}|{_REGION}")
_HAS_PLOTS: Final = re.compile(_PLOTS)
_IN_HOUSE: Final = re.compile(r"(?<!\w)(?i:д|дом|кв|квартира|уч|участок|бокс|а/я)(?!\w)")


def _is_address(text: str, match: re.Match[str], doubtful: bool) -> bool:
    """Tell whether parts that follow one another lead to somebody's door; `doubtful`: to his street at least."""
    chain = match[0]
    if doubtful and (_HAS_STREET.search(chain) or _HAS_PLOTS.search(chain)):
        return True
    numbered = bool(_HAS_NUMBER.search(chain))
    if _HAS_STREET.search(chain):
        return numbered or bool(_HAS_PLACE.search(chain)) or bool(_LIVES.search(text, 0, match.start()))
    if _HAS_PLOTS.search(chain):
        return numbered
    placed = (
        chain[0].isdigit()
        or _HAS_PLACE.search(chain)
        or _TOWN_BEFORE.search(text, max(0, match.start() - 40), match.start())
    )
    return numbered and bool(placed) and bool(_IN_HOUSE.search(chain))
