"""What journals of each kind have in their columns, how the columns are called, and what a column seems to be."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from otklik.moving import said
from otklik.moving.models import HistoryImport, WordMeaning
from otklik.people.applicants import plain

Kind, What = HistoryImport.Kind, WordMeaning.What


@dataclass(frozen=True)
class Field:
    """One thing a journal tells: its name for people, and how journals head it. `hidden`: it names people."""

    label: str
    titles: tuple[str, ...] = ()
    hidden: bool = False


_PERSON: Final = {
    "name": Field(
        "Заявитель (ФИО или организация)",
        ("фио", "ф.и.о.", "фио заявителя", "ф.и.о. заявителя", "заявитель", "автор", "автор обращения", "от кого",
         "гражданин", "обратившийся", "фио гражданина", "ф.и.о. гражданина", "фамилия имя отчество",
         "фамилия, имя, отчество", "фамилия и.о.", "корреспондент", "контрагент", "наименование заявителя",
         "фио обратившегося", "клиент", "фио автора", "кто обратился", "фио, адрес заявителя", "заявитель, адрес",
         "фио заявителя, адрес", "наименование", "кто звонил"),
        hidden=True,
    ),
    "last_name": Field("Фамилия", ("фамилия", "фамилия заявителя"), hidden=True),
    "first_name": Field("Имя", ("имя", "имя заявителя"), hidden=True),
    "patronymic": Field("Отчество", ("отчество", "отчество заявителя"), hidden=True),
    "organisation": Field(
        "Организация",
        ("организация", "наименование организации", "юридическое лицо", "компания", "орган", "наименование юл"),
        hidden=True,
    ),
    "email": Field(
        "Электронная почта",
        ("email", "e-mail", "электронная почта", "эл. почта", "эл.почта", "адрес электронной почты", "эл. адрес",
         "почта (e-mail)", "e-mail заявителя"),
        hidden=True,
    ),
    "phone": Field(
        "Телефон",
        ("телефон", "тел.", "тел", "контактный телефон", "номер телефона", "мобильный телефон", "телефон заявителя",
         "номер звонившего", "номер абонента", "контакты", "абонент", "caller id", "callerid", "а-номер",
         "номер вызывающего"),
        hidden=True,
    ),
    "address": Field(
        "Почтовый адрес",
        ("адрес", "почтовый адрес", "адрес заявителя", "адрес проживания", "место жительства", "домашний адрес",
         "адрес регистрации", "адрес для ответа", "адрес гражданина", "юридический адрес"),
        hidden=True,
    ),
}  # fmt: skip
_APPEAL: Final = {
    "number": Field(
        "Номер",
        ("номер", "№", "№ обращения", "номер обращения", "рег. номер", "рег. №", "рег.№", "регистрационный номер",
         "регистрационный №", "вх. №", "вх.№", "входящий номер", "входящий №", "номер документа", "вх. номер",
         "номер входящего", "рк", "номер рк", "№ рк", "рег номер документа", "номер карточки", "№ карточки"),
    ),
    "received": Field(
        "Дата поступления",
        ("дата поступления", "поступило", "дата обращения", "дата письма", "дата получения", "дата входящего",
         "дата приема обращения", "дата документа", "дата создания"),
    ),
    "registered": Field(
        "Дата регистрации",
        ("дата регистрации", "зарегистрировано", "рег. дата", "дата рег.", "дата рег", "дата", "дата вх.",
         "дата регистрации рк", "регистрация"),
    ),
    "due": Field(
        "Срок",
        ("срок", "срок исполнения", "срок ответа", "срок рассмотрения", "контрольный срок", "дата исполнения план",
         "исполнить до", "план", "плановая дата", "срок до", "контрольная дата", "плановый срок", "ответить до"),
    ),
    **_PERSON,
    "channel": Field(
        "Канал",
        ("канал", "способ поступления", "вид доставки", "источник", "откуда поступило", "способ доставки",
         "канал поступления", "способ получения", "вид доставки документа", "как поступило"),
    ),
    "regime": Field(
        "Режим рассмотрения",
        ("режим", "режим рассмотрения", "вид документа", "закон", "порядок рассмотрения", "вид рассмотрения", "нпа"),
    ),
    "subject": Field(
        "Краткое содержание",
        ("краткое содержание", "содержание", "суть обращения", "суть вопроса", "о чем", "о чём", "заголовок",
         "аннотация", "предмет обращения", "краткое содержание обращения", "суть", "содержание вопроса", "вопрос",
         "краткое содержание вопроса", "суть обращения гражданина", "содержание обращения"),
    ),
    "text": Field("Текст", ("текст", "текст обращения", "полный текст", "обращение", "сообщение", "текст сообщения")),
    "topic": Field(
        "Тема", ("тема", "тематика", "тема обращения", "код темы", "рубрика", "код вопроса",
             "тематический классификатор",
                 "классификатор", "тематика обращения", "вопрос классификатора")
    ),
    "need": Field("Потребность", ("потребность", "типовая потребность", "жизненная ситуация")),
    "executor": Field(
        "Исполнитель",
        ("исполнитель", "ответственный", "ответственный исполнитель", "кому поручено", "кому расписано",
         "фио исполнителя", "ф.и.о. исполнителя", "кому передано", "специалист", "исполнитель (фио)"),
    ),
    "answered": Field(
        "Дата ответа",
        ("дата ответа", "ответ отправлен", "дата отправки ответа", "дата исх.", "дата исходящего", "дата отправки",
         "дата исполнения", "исполнено", "дата факт", "фактическая дата исполнения", "дата исх"),
    ),
    "answer_number": Field(
        "Номер ответа",
        ("номер ответа", "№ ответа", "исх. №", "исх.№", "исходящий номер", "исх. номер", "номер исходящего",
         "исходящий №", "номер и дата ответа", "исх. № и дата", "№ и дата ответа"),
    ),
    "answer": Field(
        "Текст ответа", ("ответ", "текст ответа", "содержание ответа", "краткое содержание ответа", "суть ответа",
                         "что отвечено")
    ),
    "outcome": Field(
        "Исход",
        ("результат", "исход", "результат рассмотрения", "решение", "результат рассмотрения обращения", "итог",
         "принятое решение", "отметка об исполнении", "принятые меры", "результат приема"),
    ),
    "closed": Field(
        "Дата закрытия",
        ("дата закрытия", "закрыто", "снято с контроля", "дата снятия с контроля", "дата списания в дело",
         "списано в дело", "дата завершения"),
    ),
    "state": Field("Состояние", ("состояние", "статус", "статус обращения", "стадия", "состояние исполнения")),
    "note": Field("Примечание", ("примечание", "примечания", "комментарий", "заметки", "дополнительно")),
}  # fmt: skip
FIELDS: Final[dict[str, dict[str, Field]]] = {
    Kind.APPEALS: _APPEAL,
    Kind.RECEPTIONS: {
        **_APPEAL,
        "registered": Field(
            "Дата приёма",
            ("дата приема", "дата приёма", "дата", "дата личного приема", "дата и время приема", "день приема",
             "дата проведения приема"),
        ),
        "executor": Field(
            "Кто вёл приём",
            ("кто вел прием", "кто вёл приём", "прием вел", "приём вёл", "должностное лицо", "принимал", "кто принимал",
             "фио должностного лица", "ф.и.о. принимавшего", "прием провел", "ведущий прием", "исполнитель"),
        ),
    },
    Kind.MISSED: {
        "at": Field(
            "Дата и время звонка",
            ("дата и время", "дата", "дата звонка", "дата и время звонка", "время звонка", "дата вызова", "calldate",
             "дата/время", "начало", "начало вызова", "дата пропущенного звонка"),
        ),
        "time": Field("Время отдельно", ("время", "время вызова", "час")),
        "phone": _PERSON["phone"],
        "line": Field("Линия", ("линия", "куда звонили", "номер линии", "очередь", "набранный номер",
             "б-номер", "dst")),
        "attempts": Field("Сколько раз звонил", ("попыток", "звонил раз", "количество звонков",
             "кол-во звонков", "раз")),
        "outcome": Field(
            "Итог", ("итог", "результат", "перезвонили", "отметка о перезвоне", "результат перезвона",
                 "исход", "статус")
        ),
        "returned": Field(
            "Когда перезвонили",
            ("когда перезвонили", "дата перезвона", "время перезвона", "дата обратного звонка", "обратный звонок",
             "дата и время перезвона"),
        ),
        "executor": Field("Кто перезвонил", ("кто перезвонил", "консультант", "оператор", "сотрудник", "исполнитель")),
        "note": Field("Примечание", ("примечание", "комментарий", "суть вопроса", "вопрос")),
    },
    Kind.APPLICANTS: {
        **_PERSON,
        "inn": Field("ИНН", ("инн", "инн организации", "инн заявителя"), hidden=True),
    },
    Kind.MATERIALS: {
        "question": Field(
            "Вопрос", ("вопрос", "заголовок", "название", "тема", "наименование", "частый вопрос", "вопрос заявителя")
        ),
        "short": Field("Краткий ответ", ("краткий ответ", "кратко")),
        "full": Field(
            "Полный ответ", ("полный ответ", "ответ", "текст", "развернутый ответ", "подробный ответ", "содержание")
        ),
        "synonyms": Field("Как об этом спрашивают", ("синонимы", "как спрашивают", "другие формулировки")),
        "section": Field("Раздел", ("раздел", "рубрика", "категория", "функция")),
    },
}  # fmt: skip
# Without which a journal of the kind says nothing: one field of each group.
NEEDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    Kind.APPEALS: (("number",), ("registered", "received"), ("name", "last_name", "organisation"), ("subject", "text")),
    Kind.RECEPTIONS: (("registered",), ("name", "last_name", "organisation"), ("subject", "text")),
    Kind.MISSED: (("at",),),
    Kind.APPLICANTS: (("name", "last_name", "organisation"),),
    Kind.MATERIALS: (("question",), ("full", "short")),
}
# What words of a field are looked up as.
MEANT: Final[dict[str, dict[str, str]]] = {
    Kind.APPEALS: {
        "executor": What.EXECUTOR, "regime": What.REGIME, "channel": What.CHANNEL, "topic": What.TOPIC,
        "need": What.NEED, "outcome": What.OUTCOME,
    },
    Kind.RECEPTIONS: {
        "executor": What.EXECUTOR, "regime": What.REGIME, "topic": What.TOPIC, "need": What.NEED,
        "outcome": What.OUTCOME,
    },
    Kind.MISSED: {"executor": What.EXECUTOR, "outcome": What.CALL, "line": What.LINE},
    Kind.APPLICANTS: {},
    Kind.MATERIALS: {},
}  # fmt: skip


def _key(head: str) -> str:
    """Return what two ways to write one head share."""
    return plain(head.replace("№", " номер "))


@cache
def _titles(kind: str) -> dict[str, str]:
    titles: dict[str, str] = {}
    for name, field in FIELDS[kind].items():
        for title in (field.label, *field.titles):
            titles.setdefault(_key(title), name)
    return titles


def field_called(kind: str, head: str) -> str:
    """Return which field a head names; empty where it names none we know."""
    key = _key(head)
    known = _titles(kind)
    if not key or len(key) > 120:
        return ""
    if key in known:
        return known[key]
    # «Дата регистрации обращения (ДД.ММ.ГГГГ)», «Заявитель: ФИО»: the longest title the head begins with or ends in.
    near = [title for title in known if len(title) > 4 and (key.startswith(f"{title} ") or key.endswith(f" {title}"))]
    return known[max(near, key=len)] if near else ""


def proposed(kind: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Return what each column seems to be: by its head, then by what stands in it; each thing once."""
    columns: dict[int, str] = {}
    exact = _titles(kind)
    ways: tuple[Callable[[str], str], ...] = (lambda head: exact.get(_key(head), ""), partial(field_called, kind))
    for named in ways:
        for place, head in enumerate(heads):
            field = named(head)
            if field and place not in columns and field not in columns.values():
                columns[place] = field
    for place in range(len(heads)):
        if place in columns:
            continue
        told = [row[place] for row in rows if place < len(row) and row[place]]
        field = _seems(kind, told, taken=columns.values())
        if field:
            columns[place] = field
    return dict(sorted(columns.items()))


def _seems(kind: str, told: Sequence[str], *, taken: object) -> str:
    """Return which field not told of yet these cells look like; empty in doubt."""
    if len(told) < 3:
        return ""
    looks: Counter[str] = Counter(look for text in told for look in _looks(text))
    likely = {look for look, times in looks.items() if times >= 0.8 * len(told)}
    known = FIELDS[kind]
    wanted = {
        "email": ("email",),
        "phone": ("phone",),
        "day": ("registered", "at", "received"),
        "name": ("name",),
        "number": ("number",) if len(set(told)) == len(told) else (),
        "long": ("text", "subject", "full"),
    }
    for look, fields in wanted.items():
        if look in likely:
            for field in fields:
                if field in known and field not in taken:  # type: ignore[operator]
                    return field
    return ""


def _looks(text: str) -> list[str]:
    looks = []
    if re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text):
        looks.append("email")
    if re.fullmatch(r"\+?[\d\s()\-]{6,20}", text) and 6 <= len(re.sub(r"\D", "", text)) <= 12 and "." not in text:
        looks.append("phone")
    if len(text) < 40 and not text.isdigit() and said.day(text):
        looks.append("day")
    if said.names(text)[1]:
        looks.append("name")
    if len(text) < 30 and re.search(r"\d", text) and re.search(r"[-/А-Яа-я]", text) and not said.day(text):
        looks.append("number")
    if len(text) > 80:
        looks.append("long")
    return looks


def lacking(kind: str, columns: Mapping[int, str]) -> list[str]:
    """Return what a journal cannot do without and no column is, in words."""
    have = set(columns.values())
    return [
        " или ".join(f"«{FIELDS[kind][name].label}»" for name in group)
        for group in NEEDED[kind]
        if not have & set(group)
    ]


def key_of(heads: Sequence[str]) -> str:
    """Return what journals with the same headings share."""
    return hashlib.sha256("\n".join(sorted(_key(head) for head in heads)).encode()).hexdigest()


def head_key(head: str) -> str:
    """Return a head as it is remembered."""
    return _key(head)
