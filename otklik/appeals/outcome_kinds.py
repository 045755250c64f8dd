"""The outcomes that are shipped: article, status of ССТУ, what each needs, its letter and its term (59-ФЗ).

A row that is there already is left as people made it. Where the law gives no term of its own, the usual one counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from otklik.appeals.models import OutcomeKind
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

LONG_AGO: Final = date(2006, 11, 2)  # 59-ФЗ came into force
Sstu, Needs = OutcomeKind.Sstu, OutcomeKind.Needs
ANSWERED: Final = "answered"
ENDED: Final = "correspondence-ended"
FORWARDED: Final = "forwarded"
KEEP: Final = "dictionaries.edit"
# What `outcomes.letter` fills in.
PLACES: Final = (
    "дата",
    "номер",
    "кому",
    "решение",
    "дата решения",
    "ответы",
    "адрес",
)  # filled in by `outcomes.letter`


class WrongKind(DomainError):
    """An outcome that cannot be kept."""

    code = "outcome.wrong_kind"
    text = "Исход не записан: {why}."


_TO: Final = "Ваше обращение, зарегистрированное {дата} под № {номер}, рассмотрено.\n\n"
_ABUSE: Final = (
    "В тексте содержатся нецензурные либо оскорбительные выражения, угрозы жизни, здоровью или имуществу. "
    "На основании части 3 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ ответ по существу вопросов не даётся. "
    "Сообщаем о недопустимости злоупотребления правом.\n\nЧто вам делать дальше: изложите вопрос без таких выражений и "
    "направьте его снова — мы его рассмотрим."
)
_UNREADABLE: Final = (
    "Текст обращения не поддаётся прочтению, поэтому ответ не даётся и обращение не направляется в другие органы "
    "(часть 4 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ).\n\nЧто вам делать дальше: направьте обращение "
    "снова, напечатанным или разборчиво написанным."
)
_NO_SENSE: Final = (
    "Текст обращения не позволяет определить суть предложения, заявления или жалобы, поэтому ответ не даётся "
    "(часть 4.1 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ).\n\nЧто вам делать дальше: напишите, какое "
    "решение или сведения вам нужны и о каком объекте идёт речь, — мы рассмотрим обращение."
)
_COURT: Final = (
    "В обращении обжалуется судебное решение. На основании части 2 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ "
    "возвращаем его.\n\nЧто вам делать дальше: судебное решение обжалуется в порядке, который установлен "
    "процессуальным законодательством; порядок и срок указаны в самом решении."
)
_PUBLISHED: Final = (
    "Ответ на вопрос, поставленный в обращении, размещён на официальном сайте: {адрес}. На основании части 5.1 статьи "
    "11 Федерального закона от 02.05.2006 № 59-ФЗ сообщаем адрес страницы; обращение не возвращается.\n\n"
    "Что вам делать дальше: если ответа на странице недостаточно, напишите, что осталось неясным."
)
_SECRECY: Final = (
    "Ответ по существу вопроса не может быть дан без разглашения сведений, составляющих государственную или иную "
    "охраняемую законом тайну (часть 6 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ). Сообщаем о "
    "недопустимости разглашения таких сведений.\n\nЧто вам делать дальше: если причины, по которым ответ не мог быть "
    "дан, впоследствии устранены, вы вправе обратиться снова (часть 7 статьи 11)."
)
_ENDED: Final = (
    "На этот вопрос вам неоднократно давались письменные ответы по существу: {ответы}. В обращении нет новых доводов "
    "или обстоятельств. На основании части 5 статьи 11 Федерального закона от 02.05.2006 № 59-ФЗ принято решение от "
    "{дата решения} № {решение} о прекращении переписки по данному вопросу.\n\nЧто вам делать дальше: если появятся "
    "новые доводы или обстоятельства, сообщите о них — обращение будет рассмотрено. Решение можно обжаловать."
)
_FORWARDED: Final = (
    "Решение поставленного вопроса не входит в нашу компетенцию. На основании части 3 статьи 8 Федерального закона от "
    "02.05.2006 № 59-ФЗ обращение направлено: {кому}.\n\nЧто вам делать дальше: ответ вам даст этот орган; "
    "о ходе рассмотрения узнавайте у него."
)
_RETURNED: Final = (
    "Жалобу запрещено направлять тому, чьи решение или действия обжалуются, а передать её другому органу нельзя. На "
    "основании части 7 статьи 8 Федерального закона от 02.05.2006 № 59-ФЗ возвращаем жалобу.\n\nЧто вам делать дальше: "
    "вы вправе обжаловать решение или действие (бездействие) в суд."
)
_WITHDRAWN: Final = (
    "По вашей просьбе рассмотрение обращения прекращено (статья 5 Федерального закона от 02.05.2006 № 59-ФЗ).\n\n"
    "Что вам делать дальше: вы вправе обратиться снова в любое время."
)

# code, name, article, ССТУ, measures taken, what it needs, a letter leaves, days, earlier answers, letter
KINDS: Final[list[tuple[str, str, str, str, bool | None, str, bool, int | None, int, str]]] = [
    (ANSWERED, "дан ответ", "ст. 10 ч. 1", Sstu.ANSWERED, None, Needs.ANSWER, True, None, 0, ""),
    ("explained", "разъяснено", "ст. 10 ч. 1", Sstu.EXPLAINED, None, Needs.ANSWER, True, None, 0, ""),
    (
        "supported-done", "поддержано, меры приняты", "ст. 10 ч. 1", Sstu.SUPPORTED, True, Needs.ANSWER,
        True, None, 0, "",
    ),
    ("supported", "поддержано, меры впереди", "ст. 10 ч. 1", Sstu.SUPPORTED, False, Needs.ANSWER, True, None, 0, ""),
    ("refused", "отказано", "ст. 10 ч. 1", Sstu.NOT_SUPPORTED, None, Needs.ANSWER, True, None, 0, ""),
    (
        FORWARDED, "переслано по компетенции", "ст. 8 ч. 3", Sstu.TRANSFERRED, None, Needs.TRANSFER,
        True, 7, 0, _FORWARDED,
    ),
    (
        "returned", "возвращена жалоба с разъяснением", "ст. 8 ч. 7", Sstu.ANSWERED, None, Needs.LETTER,
        True, 7, 0, _RETURNED,
    ),
    (
        "anonymous", "без ответа: нет фамилии или адреса", "ст. 11 ч. 1", Sstu.LEFT, None, Needs.WORDS,
        False, None, 0, "",
    ),
    (
        "court", "возвращено: обжалуется судебное решение", "ст. 11 ч. 2", Sstu.ANSWERED, None, Needs.LETTER,
        True, 7, 0, _COURT,
    ),
    (
        "abuse", "без ответа: оскорбления или угрозы", "ст. 11 ч. 3", Sstu.LEFT, None, Needs.LETTER,
        True, None, 0, _ABUSE,
    ),
    ("unreadable", "без ответа: не читается", "ст. 11 ч. 4", Sstu.LEFT, None, Needs.LETTER, True, 7, 0, _UNREADABLE),
    (
        "unreadable-nobody", "без ответа: не читаются ни текст, ни фамилия и адрес", "ст. 11 ч. 4", Sstu.LEFT, None,
        Needs.WORDS, False, 7, 0, "",
    ),
    ("no-sense", "без ответа: суть не ясна", "ст. 11 ч. 4.1", Sstu.LEFT, None, Needs.LETTER, True, 7, 0, _NO_SENSE),
    (
        "published", "ответ уже на сайте", "ст. 11 ч. 5.1", Sstu.ANSWERED, None, Needs.LETTER,
        True, 7, 0, _PUBLISHED,
    ),
    ("secret", "без ответа: охраняемая тайна", "ст. 11 ч. 6", Sstu.LEFT, None, Needs.LETTER, True, None, 0, _SECRECY),
    (ENDED, "переписка прекращена", "ст. 11 ч. 5", Sstu.LEFT, None, Needs.DECISION, True, None, 2, _ENDED),
    ("withdrawn", "отозвано заявителем", "ст. 5", Sstu.ANSWERED, None, Needs.WORDS, False, None, 0, _WITHDRAWN),
    (
        "orally", "ответ дан устно с согласия заявителя", "ст. 13 ч. 3", Sstu.ANSWERED, None, Needs.WORDS,
        False, None, 0, "",
    ),
]  # fmt: skip


def add_missing() -> int:
    """Add the kinds of outcomes that are not there; return how many."""
    known = set(OutcomeKind.objects.values_list("code", flat=True))
    names = (
        "code",
        "name",
        "article",
        "sstu",
        "actions_taken",
        "needs",
        "letter_due",
        "days",
        "least_earlier",
        "letter",
    )
    rows: list[dict[str, Any]] = [dict(zip(names, kind, strict=True)) for kind in KINDS]
    return len(
        OutcomeKind.objects.bulk_create(
            OutcomeKind(
                **{**row, "letter": _TO + row["letter"] if row["letter"] else ""}, valid_from=LONG_AGO, order=at
            )
            for at, row in enumerate(rows, start=1)
            if row["code"] not in known
        )
    )


@transaction.atomic
def keep(kind: OutcomeKind, *, changed: Iterable[str], by: Employee) -> None:
    """Save an outcome and write down what changed; what the system itself gives keeps what it needs and its days.

    Outcomes that were given stand: they name the row.
    """
    check_power(by, KEEP, "вести исходы")
    if kind.valid_to and kind.valid_to < kind.valid_from:
        raise WrongKind(why=f"последний день раньше начала, {kind.valid_from:%d.%m.%Y}")
    if kind.needs == Needs.DECISION and not kind.letter_due:
        raise WrongKind(why="о решении прекратить переписку заявителю сообщают: отметьте, что ему уходит письмо")
    if not kind.code:
        kind.code = f"own-{(OutcomeKind.objects.aggregate(last=Max('pk'))['last'] or 0) + 1}"
    before = OutcomeKind.objects.select_for_update().filter(pk=kind.pk).first()
    if before is None:
        kind.save()
        journal.record("outcomes.kind_added", chain="dictionaries", by=by, new=kind.pk)
        return
    if kind.code in (ANSWERED, FORWARDED, ENDED) and kind.needs != before.needs:
        why = f"исход «{before.name}» система указывает сама, и то, что для него нужно, не меняется"
        raise WrongKind(why=why)
    kind.save()
    journal.record(
        "outcomes.kind_changed",
        chain="dictionaries",
        by=by,
        old=kind.pk,
        now=dict.fromkeys(sorted(changed), "изменено"),
    )
