"""Names of people in running text, by the dictionary of word forms and by what stands beside them.

A word may be a name and a word («Роза», «Лев»), a surname and a town. Alone it counts where nothing else can be meant;
beside another part of a name, after «сосед» or «нотариус», with initials, it counts however rare it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from otklik.core import russian
from otklik.people import declension

NO, MAYBE, SURE = 0, 1, 2
_WORD: Final = re.compile(r"[А-ЯЁа-яё]+(?:-[А-ЯЁа-яё]+)*")
_CAP: Final = r"[А-ЯЁ][А-ЯЁа-яё]+(?:-[А-ЯЁ][А-ЯЁа-яё]+)*"
_INITIALS: Final = re.compile(
    rf"(?<![\w.])(?:(?P<after>{_CAP})\s+[А-ЯЁ]\.(?:\s?[А-ЯЁ]\.)?|[А-ЯЁ]\.\s?(?:[А-ЯЁ]\.\s?)?(?P<before>{_CAP}))(?!\w)"
)
_INITIALS_SMALL: Final = re.compile(r"(?<!\w)([а-яё]{3,})\s+[а-яё]\.\s?[а-яё]\.(?!\w)")
_END_OF_SENTENCE: Final = re.compile(r"(?:^|[.!?…|•\n]|\d\))[\s\"«»()—–-]*$")
_TITLE: Final = re.compile(r"«[^«»\n]{1,60}»|\"[^\"\n]{1,60}\"")
_PATRONYMIC: Final = re.compile(
    r"[а-яё]{3,}(?:[оеё]вич|[оеё]вн|ичн|инич)(?:|а|у|ем|е|ой|ою|ы|ей|ам|ами|ах|и)|[а-яё]{3,}-?(?:оглы|оглу|кызы|гызы|улы|уулу)"
)
_OF_FATHER: Final = frozenset({"оглы", "оглу", "кызы", "гызы", "улы", "уулу"})
_SURNAME_ENDING: Final = re.compile(
    r"[а-яё]{2,}(?:(?:[оеё]в|[иы]н)(?:|а|у|ым|е|ой|ы|ых|ыми)|(?:[сц]к)(?:ий|ая|ого|ому|им|ом|ой|ую|ие|их)|"
    r"[еи]нко|чук(?:|а|у|ом|е)|[яа]н(?:|а|у|ом|е)|швили|дзе|баев(?:|а|у|ым|е|ой)|[её]й?ко)"
)


def _forms(words: str) -> frozenset[str]:
    """Return every form of the words given: «сосед» → «соседу», «соседи»."""
    dictionary = russian.dictionary()
    return frozenset(
        _plain(form.word) for word in words.split() for read in dictionary.parse(word)[:1] for form in read.lexeme
    ) | frozenset(map(_plain, words.split()))


def _plain(word: str) -> str:
    return word.lower().replace("ё", "е")


# After these a capital letter begins a name.
_ROLES: Final = """
    муж жена супруг супруга сын дочь дочка внук внучка отец мать мама папа брат сестра тётя дядя бабушка дедушка
    дед баба зять невестка тёща свекровь тесть племянник племянница сосед соседка гражданин гражданка господин
    госпожа товарищ заявитель заявительница арендатор арендодатель собственник собственница владелец владелица
    продавец покупатель наследник наследница наследодатель ответчик истец свидетель представитель нотариус
    инженер геодезист юрист адвокат судья прокурор участковый пристав депутат директор председатель начальник
    специалист консультант эксперт бухгалтер секретарь исполнитель инспектор руководитель заместитель застройщик
    предприниматель фермер пенсионер пенсионерка ветеран инвалид опекун ребёнок фамилия имя зовут подпись некий
    некая
"""
_KIN_WITH_NAME: Final = "тётя дядя баба дед"
# After these it begins a place, a street, an organisation, an animal.
_NOT_AFTER: Final = """
    улица ул площадь проспект переулок бульвар набережная шоссе проезд аллея село деревня посёлок станция город
    хутор станица район область парк сквер сад остров река озеро гора мыс залив пролив памятник музей школа
    театр колхоз совхоз магазин кафе гостиница аптека храм церковь монастырь завод фабрика фонд банк премия
    закон теорема разъезд кот кошка собака пёс щенок корова бык бычок коза козёл конь лошадь кобыла телёнок
    тёлка свинья баран овца петух курица гусь попугай снт днт гск ооо оао ао зао пао мкр микрорайон жк тц
"""
_NOT_BEFORE: Final = """
    день дня дню днем пост поста богу господи первый первого первому первой вторая второй второго великий
    великого великому грозный грозного область области район района району районе край края крае
"""
# Capital letters after «начальник», «глава» that begin an office.
_OFFICES: Final = """
    департамент администрация управление отдел министерство правительство комитет служба агентство инспекция
    мэрия мэр суд росреестр кадастр палата губернатор президент россия федерация кодекс закон совет дума
    прокуратура полиция бюро центр участок земля договор заявление обращение решение постановление приказ портал
    единый федеральный государственный городской районный областной муниципальный российский ваш вы вас вам вами
    ваша ваше ваши ип кфх гр
"""
# People of history, by whom streets and times are called: nobody's data where they stand alone.
_HISTORY: Final = """
    ленин сталин маркс энгельс хрущёв брежнев андропов горбачёв ельцин путин медведев столыпин пушкин лермонтов
    гоголь толстой достоевский чехов горький маяковский есенин киров фрунзе дзержинский калинин куйбышев
    свердлов жуков суворов кутузов ломоносов гагарин титов чкалов мичурин ермак пугачёв разин христос будда
    магомет мендельсон цельсий
"""
# What people do and land, houses and feelings do not: after a word that may be a name they tell that it is one.
_DOES: Final = """
    обещать говорить сказать жить проживать прописать писать написать просить попросить подать купить продать
    владеть работать звонить позвонить приехать приходить прийти умереть родиться подписать отказаться отказать
    ответить отвечать объяснить жаловаться пожаловаться построить поставить захватить учиться хотеть мочь знать
    думать считать узнать передать получить оформить подарить завещать служить болеть спросить дать взять
    требовать угрожать
"""
_HIS: Final = frozenset({"его", "ее", "мой", "моя", "наш", "наша", "свой", "своя", "их"})


class _Lists(NamedTuple):
    roles: frozenset[str]
    kin: frozenset[str]
    not_after: frozenset[str]
    offices: frozenset[str]
    history: frozenset[str]
    not_before: frozenset[str]


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    roles, kin, not_after, offices, history = map(_forms, (_ROLES, _KIN_WITH_NAME, _NOT_AFTER, _OFFICES, _HISTORY))
    return _Lists(roles, kin, not_after | {"имени", "им"}, offices, history, frozenset(_NOT_BEFORE.split()))


class _Read(NamedTuple):
    """How far a word form is a first name, a surname, a patronymic; whether it is a word besides, a place."""

    first: int
    last: int
    patronymic: int
    common: bool
    place: bool
    nominal: bool  # a noun or an adjective: may stand as a surname at least
    known: bool
    lemma: str


@lru_cache(maxsize=50_000)
def _read(word: str) -> _Read:
    """Read one lower-case word form."""
    if "-" in word and not _PATRONYMIC.fullmatch(word):
        parts = [_read(part) for part in word.split("-") if part]
        if parts and any(part.last for part in parts):
            return _Read(NO, max(part.last for part in parts), NO, False, False, True, False, word)
    reads = russian.dictionary().parse(word)
    known = [one for one in reads if one.is_known]
    plain = [one for one in known if not _proper(one)]
    # «Иванов сын»: possessive adjectives and plurals of names are no words of their own.
    common = any(one.score >= 0.01 for one in plain)
    place = any("Geox" in one.tag for one in known)
    short = len(word) < 3 and common  # «по», «на» are surnames to the dictionary
    first = MAYBE * (not short and any({"Name", "sing"} <= one.tag.grammemes for one in known))
    last = MAYBE * (not short and any("Surn" in one.tag for one in known))
    if not known:
        last = MAYBE if _SURNAME_ENDING.fullmatch(word) or any("Surn" in one.tag for one in reads) else NO
        if last and all("Surn" in one.tag for one in reads):
            last = SURE
    patronymic = SURE * bool(
        any("Patr" in one.tag for one in known) or word in _OF_FATHER or (not plain and _PATRONYMIC.fullmatch(word))
    )
    if first and not common and not place:
        first = SURE
    if last and known and not common and not place:
        last = SURE
    nominal = any({"NOUN", "ADJF"} & one.tag.grammemes for one in reads)
    return _Read(
        first, last, patronymic, common, place, nominal, bool(known), _plain(reads[0].normal_form) if reads else word
    )


def _proper(read: Any) -> bool:
    marks = read.tag.grammemes
    return bool(marks & {"Name", "Surn", "Patr", "Geox", "Orgn", "Init", "Abbr"}) or {"ADJF", "Poss"} <= marks


def is_place(word: str) -> bool:
    """Tell whether a word is called a town or a village by the dictionary."""
    return _read(word.lower()).place


class _Token(NamedTuple):
    text: str
    start: int
    end: int
    plain: str
    read: _Read
    capital: bool
    shouted: bool  # in capitals throughout
    begins: bool  # a sentence


def names(text: str, taken: Sequence[tuple[int, int]], doubtful: bool = False) -> Iterator[tuple[int, int]]:
    """Yield names in a text: with initials, then of several words, then alone. `taken`: places already found.

    `doubtful`: also what begins a sentence and may be a name or a word.
    """
    tokens = [_token(text, match) for match in _WORD.finditer(text)]
    titles = [match.span() for match in _TITLE.finditer(text)]
    yield from _with_initials(text, tokens)
    at = 0
    while at < len(tokens):
        one = tokens[at]
        if any(one.start < end and one.end > start for start, end in taken):
            at += 1
            continue
        length = _length(text, tokens, at) or int(doubtful and one.capital and declension.is_name(one.text))
        if length and not _blocked(text, tokens, at, length, titles):
            yield tokens[at].start, tokens[at + length - 1].end
        at += max(1, length)


def _token(text: str, match: re.Match[str]) -> _Token:
    word = match[0]
    begins = bool(_END_OF_SENTENCE.search(text, max(0, match.start() - 8) if match.start() > 8 else 0, match.start()))
    shouted = len(word) > 1 and word.isupper()
    read = _read(word.lower())
    if shouted and len(word) < 6 and not read.known:  # «ИНН», «ЕГРН»
        read = read._replace(first=NO, last=NO)
    return _Token(word, match.start(), match.end(), _plain(word), read, word[0].isupper(), shouted, begins)


def _with_initials(text: str, tokens: Sequence[_Token]) -> Iterator[tuple[int, int]]:
    places = {one.start: number for number, one in enumerate(tokens)}
    for match in _INITIALS.finditer(text):
        word = match["after"] or match["before"]
        read = _read(word.lower())
        both = len(re.findall(r"[А-ЯЁ]\.", match[0])) > 1
        before = places.get(match.start(), 0) - 1
        if (
            before >= 0
            and tokens[before].plain in _lists().not_after
            and not _parted(text, tokens[before], match.start())
        ):
            continue
        if _plain(word) in _lists().offices or not (
            read.last or read.first or (both and read.nominal) or not read.common
        ):
            continue
        if both or ((read.last or read.first) and not read.place):
            yield match.start(), match.end()
    for match in _INITIALS_SMALL.finditer(text):
        if _read(match[1]).last:
            yield match.start(), match.end()


def _parted(text: str, before: _Token, at: int) -> bool:
    return bool(re.search(r"[^\s.«\"]", text[before.end : at]))


def _next_to(text: str, one: _Token, other: _Token) -> bool:
    return (
        other.start - one.end <= 3 and text[one.end : other.start].isspace() and "\n" not in text[one.end : other.start]
    )


def _length(text: str, tokens: Sequence[_Token], at: int) -> int:
    """Return of how many words the name is that begins here; 0: none does."""
    run = [tokens[at]]
    for one in tokens[at + 1 : at + 4]:
        if not _next_to(text, run[-1], one):
            break
        run.append(one)
    if run[0].plain in _lists().kin and len(run) > 1 and run[1].capital and run[1].read.first:
        return 1 + max(1, _several(run[1:]))
    if length := _several(run):
        return length + _and_another(text, tokens, at + length)
    return _after_role(text, tokens, at, run) or int(_alone(text, tokens, at))


def _several(run: Sequence[_Token]) -> int:
    """Return how many words, two at least, make a name together; 0: they make none."""
    for length in range(min(4, len(run)), 1, -1):
        if _is_whole(run[:length]):
            return length
    return 0


def _is_whole(run: Sequence[_Token]) -> bool:
    """Tell whether words are a surname, a first name and a patronymic in one of their orders, all or two of them."""
    reads = [one.read for one in run]
    if reads[-1].patronymic and run[-1].plain in _OF_FATHER:  # «Рашид Ахмед оглы»
        return len(run) > 2 and bool(reads[-2].first or run[-2].capital) and _pair(run[:-2], alone=True)
    fathers = [place for place, read in enumerate(reads) if read.patronymic and place]
    if fathers and len(run) < 4:
        place = fathers[0]
        named = run[place - 1].read.first or (run[place - 1].capital and not run[place - 1].read.common)
        rest = [*run[: place - 1], *run[place + 1 :]]
        return bool(named) and len(rest) < 2 and all(_may_be_last(one, beside=run[place - 1]) for one in rest)
    return len(run) == 2 and _pair(run)


def _pair(run: Sequence[_Token], *, alone: bool = False) -> bool:
    """Tell whether two words are a first name and a surname, or one of them where `alone` suffices."""
    if len(run) == 1:
        return alone and bool(run[0].read.first or run[0].read.last or run[0].capital)
    if len(run) != 2:
        return False
    for first, last in (run, run[::-1]):
        if not first.read.first or not _may_be_last(last, beside=first if first.read.first == SURE else None):
            continue
        proper = first.capital and last.capital and not (first.shouted and last.shouted)
        if proper and (first.read.first == SURE or last.read.last):
            # «Вера Петрова»: but «Роза Ветров», a sentence that begins with a word, is none.
            return True
        if first.read.first == SURE and last.read.last == SURE:
            return True
        if SURE in (first.read.first, last.read.last) and last.read.last and not proper:
            return not (first.read.common and last.read.common)
    return False


def _may_be_last(one: _Token, *, beside: _Token | None) -> bool:
    """Tell whether a word may be the surname; beside a sure name any noun with a capital letter is, but for a role."""
    if one.read.last == SURE or (one.read.last and (one.capital or beside is not None)):
        return True
    lists = _lists()
    if one.plain in lists.roles | lists.offices | lists.not_after | lists.not_before:
        return False
    if one.read.patronymic or one.read.first == SURE:
        return False
    if beside is None or not one.capital or _is_verbal(one.plain):
        return False
    # «Дом Анны» at the beginning of a sentence is none, «Заяц Пётр» is one: they stand in one case.
    return not one.read.common or (one.read.nominal and (not one.begins or _agree(one.plain, beside.plain)))


def _agree(one: str, other: str) -> bool:
    cases = [
        {read.tag.case for read in russian.dictionary().parse(word) if read.tag.number == "sing"}
        for word in (one, other)
    ]
    return bool(cases[0] & cases[1])


@lru_cache(maxsize=10_000)
def _is_verbal(word: str) -> bool:
    best = russian.dictionary().parse(word)[0]
    return (
        str(best.tag.POS) in {"VERB", "INFN", "PREP", "CONJ", "PRCL", "ADVB", "NPRO", "GRND", "PRED"}
        or "уважаем" in word
    )


def _and_another(text: str, tokens: Sequence[_Token], at: int) -> int:
    """Return 2 where «… и Марина» follows a whole name."""
    if (
        at + 1 >= len(tokens)
        or tokens[at].plain != "и"
        or not tokens[at + 1].capital
        or tokens[at + 1].read.first != SURE
    ):
        return 0
    following = tokens[at + 2] if at + 2 < len(tokens) else None
    if following and _next_to(text, tokens[at + 1], following) and following.capital:
        return 0  # a name of its own
    return 2 if _next_to(text, tokens[at - 1], tokens[at]) and _next_to(text, tokens[at], tokens[at + 1]) else 0


def _after_role(text: str, tokens: Sequence[_Token], at: int, run: Sequence[_Token]) -> int:
    """Return how many words with capital letters follow «сосед», «нотариус», «зовут» and are no office."""
    one = tokens[at]
    if at == 0 or not one.capital or one.shouted or one.begins:
        return 0
    before = tokens[at - 1]
    between = text[before.end : one.start]
    if before.plain not in _lists().roles or not re.fullmatch(r"\s*[,:—–-]?\s*", between):
        return 0
    if one.plain in _lists().offices or one.plain in _lists().roles or (one.read.place and not one.read.last):
        return 0
    if not between.isspace() and one.read.common and not (one.read.first or one.read.last):
        return 0
    if not one.read.nominal and one.read.common:
        return 0
    length = 1
    for following in run[1:3]:
        if not following.capital or following.shouted or following.plain in _lists().offices:
            break
        length += 1
    return length


def _alone(text: str, tokens: Sequence[_Token], at: int) -> bool:
    """Tell whether one word is a name by itself."""
    one, read = tokens[at], tokens[at].read
    if len(one.text) < 3 or one.plain in _lists().offices or one.plain in _lists().history:
        return False
    sure = SURE in (read.first, read.last) or bool(read.patronymic)
    if one.shouted or not one.capital:
        return sure and len(one.text) > 3 and not read.place and one.plain not in _lists().roles
    if read.place and not read.patronymic:
        return False
    if not one.begins:
        return sure or bool(read.first or read.last)
    if sure:
        return True
    return bool(read.first) and _does(text, tokens, at)


def _does(text: str, tokens: Sequence[_Token], at: int) -> bool:
    """Tell whether a person is spoken of: «… обещала», «… и её муж»."""
    following = tokens[at + 1 : at + 4]
    if not following or not _next_to(text, tokens[at], following[0]):
        return False
    if following[0].read.lemma in _deeds():
        return True
    if following[0].plain == "и" and len(following) > 2:
        return following[1].plain in _HIS and following[2].plain in _lists().roles
    return False


@lru_cache(maxsize=1)
def _deeds() -> frozenset[str]:
    return frozenset(map(_plain, _DOES.split()))


def _blocked(text: str, tokens: Sequence[_Token], at: int, length: int, titles: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a place, an organisation, a holiday or an animal bears the name."""
    first, last = tokens[at], tokens[at + length - 1]
    if any(start < first.start and last.end < end for start, end in titles):
        return True
    before = tokens[at - 1] if at else None
    if before and before.plain in _lists().not_after and not _parted(text, before, first.start):
        return True
    following = tokens[at + length] if at + length < len(tokens) else None
    return bool(following and following.plain in _lists().not_before and _next_to(text, last, following))
