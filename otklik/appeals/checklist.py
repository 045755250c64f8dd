"""What an answer should have before it goes on: what stops it, what is only advised, and where in the text that is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from otklik.appeals import answer_ways, questions
from otklik.appeals.models import Appeal, AppealQuestion, DraftFile, MarginRemark
from otklik.core import files as file_store
from otklik.core import sniffing
from otklik.core.errors import DomainError
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode
from otklik.knowledge.placeholders import Fact, doubtful
from otklik.people import access as people_access
from otklik.people import personal_data, staff
from otklik.search import telling

ATTACHMENT_WORDS = re.compile(r"\b(прилага|приложени[еюяи]|во вложении|вложенн)", re.IGNORECASE)
# «Приложение: на 2 л. в 1 экз.»: what the letter itself promises; «приложение № 2 к приказу» is no promise.
PROMISED = re.compile(
    r"^[ \t]*приложени[ея](?=[ \t]*[:—–-]|[ \t]+на[ \t]+\d)(?P<list>.*(?:\n[ \t]*\d+[.)].*)*)", re.I | re.M
)
NUMBERED = re.compile(r"(?:^|\n|[;:])[ \t]*\d+[.)][ \t]*\S")
SHEETS = re.compile(r"на[ \t]+(\d{1,4})[ \t]*л(?:\.|ист)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{[^{}\n]{1,60}\}|\[\s*(?:…|\.{3})[^\]\n]*\]")
GREETING = re.compile(r"^\s*(?P<word>уважаем(?:ый|ая|ые))\s+(?P<name>[^!,\n]{2,120})", re.IGNORECASE)
# What is written for colleagues only.
INTERNAL = re.compile(
    r"(?:^|\n)[ \t]*(?:для себя|внутр(?:енняя|\.)? (?:заметка|пометка)|заметка для|исполнителю|todo|fixme|xxx)\b[^\n]*"
    r"|для служебного пользования|не для (?:печати|отправки|заявителя)|(?<![\w.])@[А-ЯЁ][а-яё]+|(?<!\w)ДСП(?!\w)",
    re.IGNORECASE,
)
NEXT_STEPS = re.compile(r"что (?:вам |вы )?(?:нужно |можно |можете |следует )?(?:делать|сделать)(?: дальше)?", re.I)
# Words of offices that have plain ones.
OFFICIALESE: Final[tuple[tuple[str, str], ...]] = (
    (r"в целях", "чтобы"),
    (r"вышеуказанн\w+|вышеизложенн\w+|нижеследующ\w+", "назовите, что именно"),
    (r"в соответствии с тем,? что", "потому что"),
    (r"осуществля(?:ет|ют|ется|ются|ть)", "назовите действие глаголом"),
    (r"настоящим (?:сообща|уведомля|информиру)\w+", "начните с ответа"),
    (r"имеет место|не представляется возможным", "нельзя или невозможно"),
    (r"в установленном (?:законом )?порядке", "скажите, в каком"),
    (r"в случае если|в случае,? когда", "если"),
    (r"на предмет", "о или чтобы"),
    (r"посредством", "через или с помощью"),
    (r"вследствие того,? что|ввиду того,? что", "потому что"),
    (r"данн(?:ый|ого|ому|ым|ом|ая|ой|ую|ое|ые|ых) (?:вопрос|участ|обращен|заявлен)\w*", "этот"),
)
_OFFICIALESE: Final = [(re.compile(rf"(?<!\w)(?:{said})(?!\w)", re.I), plain) for said, plain in OFFICIALESE]
SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\w|\s[a-zа-яё\d])[^.!?\n]*)*[.!?]*")
LONG_SENTENCE: Final = 35  # words
SHORT = 120  # characters: less hardly answers anybody's question
# A number of a document or an account is nobody's to read but its owner's.
NEVER_OF_OTHERS: Final = frozenset({"document", "snils", "account", "born"})
KINDS: Final = {**social.KINDS, "account": "счёт или карта"}
_SHORTEST_PASSAGE: Final = 40  # characters of a note that cannot be in the answer by chance
_MOST_SHOWN: Final = 5
_MOST_TEXT: Final = 40_000  # characters looked at


@dataclass(frozen=True)
class Check:
    """One line of the list: what is looked at, whether it is in order, what to do otherwise, and where it is.

    `blocks`: while it is not in order the answer goes to nobody; the others only advise.
    """

    code: str
    title: str
    passed: bool
    hint: str = ""
    blocks: bool = False
    where: tuple[str, ...] = ()


class Blocked(DomainError):
    """What has to be put right before anybody is asked to approve."""

    code = "appeal.checks_block"
    text = "Передать ответ пока нельзя. {what}"


def placeholders(text: str) -> list[str]:
    """Return the places of a template that nobody has filled in, as they stand in the text."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def place(text: str, start: int, end: int) -> str:
    """Return where something stands: «строка 3: «…слова…»»."""
    line = text.count("\n", 0, start) + 1
    before, after = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    left, right = max(before, start - 25), min(after if after >= 0 else len(text), end + 25)
    words = " ".join(text[left:right].split())
    return f"строка {line}: «{'…' if left > before else ''}{words[:140]}…»"


def of_text(
    text: str, *, greeting: str, attachments: Sequence[str], number: str, unsure: Sequence[str] = ()
) -> list[Check]:
    """Return the checks that need nothing but the text. `greeting` is what the letterhead itself prints above it.

    `unsure`: names and posts that nobody declines surely; where the text has one, a person looks.
    """
    text = text[:_MOST_TEXT]
    empty = placeholders(text)
    return [
        _greeting(text, greeting),
        Check(
            "substance",
            "Ответ по существу вопроса",
            len(text.strip()) >= SHORT,
            "Текст очень короткий. Проверьте, что на каждый вопрос дан ответ.",
        ),
        Check(
            "placeholders",
            "Все места шаблона заполнены",
            not empty,
            f"Заполните или уберите: {', '.join(empty)}." if empty else "",
            blocks=True,
            where=tuple(place(text, text.find(one), text.find(one) + len(one)) for one in empty[:_MOST_SHOWN]),
        ),
        *_cases(text, unsure),
        _attachments(text, attachments),
        _internal_words(text),
        _next_steps(text),
        _plain(text),
        Check("requisites", "Реквизиты: номер и дата обращения", bool(number), "У обращения нет номера."),
    ]


def of_answer(
    appeal: Appeal,
    text: str,
    files: Sequence[DraftFile],
    facts: dict[str, Fact],
    *,
    remarks: Sequence[MarginRemark] | None = None,
) -> list[Check]:
    """Return all checks of an answer as it would be handed over: of its text, and of its text beside the case.

    `remarks`: those about it, where the page has read them already.
    """
    names, short = [row.name for row in files], text[:_MOST_TEXT]
    letters = [row.message.text for row in appeal.messages.select_related("message")]
    return [
        *of_text(
            text,
            greeting=str(facts["обращение"]),
            attachments=names,
            number=appeal.number,
            unsure=doubtful(facts),
        ),
        _way(appeal),
        *_questions(appeal, short, letters),
        *_sheets(short, files),
        *_from_notes(appeal, short),
        *_of_others(appeal, short, letters),
        *_remarks(appeal, remarks),
    ]


def stop(checks: Sequence[Check]) -> None:
    """Raise Blocked with everything that stops the answer, each with its place."""
    said = [
        f"{one.title}: {one.hint} {'; '.join(one.where)}".strip() for one in checks if one.blocks and not one.passed
    ]
    if said:
        raise Blocked(what=" ".join(said))


# --- the text alone --------------------------------------------------------------------------------------------------


def _cases(text: str, unsure: Sequence[str]) -> Iterator[Check]:
    found = [name for name in unsure if name in text]
    if found:
        names = ", ".join(f"«{name}»" for name in found)
        where = tuple(place(text, text.find(one), text.find(one) + len(one)) for one in found[:_MOST_SHOWN])
        hint = f"Проверьте падеж, уверенно не склоняется: {names}."
        yield Check("cases", "Падеж имён и должностей", False, hint, where=where)


def _greeting(text: str, greeting: str) -> Check:
    typed = GREETING.match(text)
    if typed and greeting:
        where = (place(text, *typed.span()),)
        if typed["name"].strip().rstrip("!,").casefold() not in greeting.casefold():
            hint = f"На бланке уже стоит «{greeting}», а в тексте другое обращение. Сверьте имя."
            return Check("greeting", "Обращение по имени", False, hint, where=where)
        if typed["word"].casefold() not in greeting.casefold():
            hint = f"«{typed['word']}» не согласовано с именем: на бланке «{greeting}»."
            return Check("greeting", "Обращение по имени", False, hint, where=where)
    hint = "Имя заявителя неизвестно: письмо начнётся с общего обращения."
    return Check("greeting", "Обращение по имени", bool(greeting) and greeting.lower().startswith("уважаем"), hint)


def _attachments(text: str, attachments: Sequence[str]) -> Check:
    title, promised = "Приложения", PROMISED.search(text)
    mentioned = ATTACHMENT_WORDS.search(text)
    if promised:
        wanted = max(len(NUMBERED.findall(promised["list"])), 1)
        if len(attachments) < wanted:
            hint = f"В письме обещано приложений: {wanted}, а файлов прикреплено: {len(attachments)}. Прикрепите их."
            return Check("attachments", title, False, hint, blocks=True, where=(place(text, *promised.span()),))
    if mentioned and not attachments:
        hint = "В тексте сказано о приложении, а файла нет. Прикрепите его, если он должен уйти с ответом."
        return Check("attachments", title, False, hint, where=(place(text, *mentioned.span()),))
    if attachments and not mentioned:
        return Check("attachments", title, False, "Файл прикреплён, а в тексте о нём ни слова. Упомяните приложение.")
    return Check("attachments", title, True)


def _internal_words(text: str) -> Check:
    found = [place(text, one.end() - len(one[0].lstrip()), one.end()) for one in INTERNAL.finditer(text)]
    hint = "В тексте есть пометки для своих. Заявителю они не предназначены, уберите их."
    title = "Нет служебных пометок"
    return Check("internal", title, not found, hint, blocks=True, where=tuple(found[:_MOST_SHOWN]))


def _next_steps(text: str) -> Check:
    top = "\n".join([block for block in text.split("\n\n") if block.strip()][:3])
    hint = "Начните с короткой части «Что Вам делать дальше»: что, куда, до какого дня. Основания — после неё."
    return Check("next_steps", "Сверху сказано, что делать дальше", bool(NEXT_STEPS.search(top)), hint)


def _plain(text: str) -> Check:
    where = [f"{place(text, *match.span())} → {plain}" for said, plain in _OFFICIALESE for match in said.finditer(text)]
    where += [
        f"{place(text, match.start(), match.start() + 60)} — {words} слов, разделите"
        for match in SENTENCE.finditer(text)
        if (words := len(match.group().split())) > LONG_SENTENCE
    ]
    hint = "Можно сказать проще. Это совет: передать ответ он не мешает."
    return Check("plain", "Простые слова и короткие предложения", not where, hint, where=tuple(where[:_MOST_SHOWN]))


# --- the text beside the case ----------------------------------------------------------------------------------------


def _way(appeal: Appeal) -> Check:
    title, channel, address = "Способ и адрес ответа", appeal.answer_channel, appeal.answer_address
    try:
        answer_ways.check(appeal, channel, address, on=timezone.localdate())
    except DomainError as refusal:
        return Check("way", title, False, str(refusal), blocks=True)
    if rule := answer_ways.foreign(ChannelCode.EMAIL if "@" in address else channel, address, on=timezone.localdate()):
        hint = f"Адрес вне российской доменной зоны ({rule.basis}). Спросите у заявителя другой, если он есть."
        return Check("way", title, False, hint)
    return Check("way", title, True)


def _questions(appeal: Appeal, text: str, letters: Sequence[str]) -> Iterator[Check]:
    """Say which question has no word of its own in the answer: a person judges whether it is answered."""
    rows = AppealQuestion.objects.filter(appeal=appeal).select_related("topic", "need").order_by("pk")
    asked = [f"{row.topic.name} — {row.need.name}" for row in rows] if len(rows) > 1 else []
    asked += questions.asked_in(letters[0]) if letters else []
    if not asked:
        return
    said = set(telling.ordinary(text))
    silent = [one for one in asked if (words := set(telling.ordinary(one))) and not words & said]
    hint = "На эти вопросы в тексте не видно ответа. Проверьте, что ответ дан на каждый."
    title = "Ответ дан на каждый вопрос"
    yield Check("questions", title, not silent, hint, where=tuple(f"«{one[:140]}»" for one in silent[:_MOST_SHOWN]))


def _sheets(text: str, files: Sequence[DraftFile]) -> Iterator[Check]:
    promised = PROMISED.search(text)
    wanted = [int(one) for one in SHEETS.findall(promised["list"])] if promised else []
    if not promised or not wanted or len(files) != len(wanted):
        return
    counted = [_pages(row) for row in files]
    wrong = [
        f"«{row.name}»: обещано {said} л., в файле страниц {real}"
        for row, said, real in zip(files, wanted, counted, strict=True)
        if real is not None and not (real + 1) // 2 <= said <= real
    ]
    hint = "Число листов в тексте не сходится с файлами."
    yield Check("sheets", "Листы приложений", not wrong, hint, where=(*wrong, place(text, *promised.span())))


def _pages(row: DraftFile) -> int | None:
    if row.stored.content_type != sniffing.PDF:
        return None
    try:
        return len(PdfReader(file_store.path_of(row.stored)).pages)
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError):
        return None


def _from_notes(appeal: Appeal, text: str) -> Iterator[Check]:
    """Find passages of internal notes in the answer."""
    plain = " ".join(text.split()).casefold()
    found = []
    for note in appeal.notes.all():
        for piece in re.split(r"[.!?\n]+", note.text):
            words = " ".join(piece.split())
            if len(words) >= _SHORTEST_PASSAGE and words.casefold() in plain:
                found.append(f"«{words[:140]}»")
    if found:
        hint = "В текст попала внутренняя заметка. Уберите её: заметки заявителю не показывают."
        yield Check("notes", "Нет внутренних заметок", False, hint, blocks=True, where=tuple(found[:_MOST_SHOWN]))


def _of_others(appeal: Appeal, text: str, letters: Sequence[str]) -> Iterator[Check]:
    """Find data of people who are neither the applicant nor ours, nor named by the applicant himself."""
    known = _known(appeal, letters)
    strict: list[str] = []
    doubted: list[str] = []
    for span in personal_data.found(text):
        said = text[span.start : span.end]
        if _is_known(said, span.kind, known):
            continue
        where = f"{KINDS[span.kind]}, {place(text, span.start, span.end)}"
        (strict if span.kind in NEVER_OF_OTHERS else doubted).append(where)
    if strict:
        hint = "В тексте данные документа, счёта или рождения, которых заявитель не называл. Уберите их."
        yield Check("others", "Нет чужих документов", False, hint, blocks=True, where=tuple(strict[:_MOST_SHOWN]))
    hint = "Похоже на сведения о другом человеке. Оставьте, только если их можно сообщать заявителю."
    yield Check("people", "Нет сведений о других людях", not doubted, hint, where=tuple(doubted[:_MOST_SHOWN]))


def _known(appeal: Appeal, letters: Sequence[str]) -> tuple[str, str]:
    """Return what may be named: words, and digits one after another."""
    addressee, ours = people_access.letter_name(appeal.applicant), staff.department()
    people = [appeal.executor] if appeal.executor else []
    texts = [
        *letters,
        *(addressee.name, addressee.dative, addressee.greeting, addressee.email, addressee.address),
        *(contact.value for contact in appeal.applicant.contacts.all()),
        *(appeal.answer_address, appeal.subject, appeal.applicant.inn),
        *(ours.name, ours.address, ours.phone, ours.email, ours.site, ours.requisites),
        *(words for one in people for words in (one.full_name, one.phone, one.email)),
    ]
    whole = " ".join(texts)
    return whole.casefold().replace("ё", "е"), re.sub(r"\D", "", whole)


def _is_known(said: str, kind: str, known: tuple[str, str]) -> bool:
    words, digits = known
    plain = said.casefold().replace("ё", "е")
    if plain in words:
        return True
    if kind == "name":
        return all(_stem(one) in words for one in re.findall(r"[а-я]{3,}", plain))
    if kind == "address":
        return all(_stem(one) in words for one in re.findall(r"[а-я]{4,}", plain))
    number = re.sub(r"\D", "", said)
    return len(number) >= 5 and number[-10:] in digits


def _stem(word: str) -> str:
    """Return a word without what its case changes."""
    return word[: max(3, len(word) - 2)]


def _remarks(appeal: Appeal, known: Sequence[MarginRemark] | None) -> Iterator[Check]:
    rows = MarginRemark.objects.filter(revision__draft__appeal=appeal) if known is None else known
    open_ = [row for row in rows if row.done_at is None]
    if open_:
        where = tuple(f"«{one.passage[:80]}» — {one.text[:120]}" for one in open_[:_MOST_SHOWN])
        hint = "Учтите каждое замечание и отметьте это рядом с ним."
        yield Check("remarks", "Замечания учтены", False, hint, blocks=True, where=where)


def shown(checks: Collection[Check]) -> list[Check]:
    """Return checks as a page lists them: what stops first, then advice, then what is in order."""
    return sorted(checks, key=lambda one: (one.passed, not one.blocks))
