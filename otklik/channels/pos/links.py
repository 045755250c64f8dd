"""Links to the form of ПОС and the code of its widget: made of fields, and checked with every error named."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

HOST: Final = "pos.gosuslugi.ru"
FORM: Final = f"https://{HOST}/form/"
SCRIPT: Final = f"https://{HOST}/bin/script.min.js"
SOURCES: Final = ("vk", "vk1", "vk2")
LONG_MEDIUMS: Final = ("111", "711", "7114")
KNOWN: Final = ("opaId", "fz59", "utm_source", "utm_medium", "utm_campaign")
UTM: Final = KNOWN[2:]
MOST: Final = 4000
_WIDGET: Final = re.compile(r"Widget\(\s*([\"'])(?P<form>.*?)\1\s*,\s*(?P<id>[^)]*?)\s*\)", re.DOTALL)
_SCRIPT: Final = re.compile(r"<script\b[^>]*\bsrc\s*=\s*([\"'])(?P<src>.*?)\1", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Wanted:
    """What a link is made of; the three marks of a public page are given together or not at all."""

    opa_id: str
    fz59: bool | None = None
    source: str = ""
    medium: str = ""
    campaign: str = ""


@dataclass(frozen=True)
class Checked:
    """What a pasted link or widget says: `facts` as label and words, and everything that is wrong with it."""

    what: str
    facts: list[tuple[str, str]]
    errors: list[str]


def make(wanted: Wanted) -> str:
    """Return a link to the form; `problems` of it should have been asked first."""
    parts: list[tuple[str, str]] = [("opaId", wanted.opa_id)]
    if wanted.fz59 is not None:
        parts.append(("fz59", "true" if wanted.fz59 else "false"))
    marks = zip(UTM, (wanted.source, wanted.medium, wanted.campaign), strict=True)
    return f"{FORM}?{urlencode([*parts, *((name, said) for name, said in marks if said)])}"


def widget(opa_id: str) -> str:
    """Return the code that shows the form's widget on a site."""
    return f'<script src="{SCRIPT}"></script>\n<script>Widget("https://{HOST}/form", {opa_id})</script>'


def problems(wanted: Wanted) -> dict[str, str]:
    """Return what is wrong with the fields of a link, field → words."""
    marks = {"source": wanted.source, "medium": wanted.medium, "campaign": wanted.campaign}
    told = {"opa_id": _opa_id(wanted.opa_id)}
    if any(marks.values()):
        told |= {
            "source": _source(wanted.source),
            "medium": _medium(wanted.medium),
            "campaign": _campaign(wanted.campaign),
        }
    return {name: words for name, words in told.items() if words}


def check(pasted: str) -> Checked:
    """Read a pasted link, or the code of a widget, and name every error in it."""
    text = pasted.strip()
    if "<script" in text.lower() or "Widget(" in text:
        return _check_widget(text)
    return _check_link(text)


def _check_link(text: str) -> Checked:
    errors: list[str] = []
    if not text:
        return Checked("ссылка", [], ["Вставьте ссылку или код виджета."])
    if len(text) > MOST:
        return Checked("ссылка", [], [f"Длиннее {MOST} знаков: это не ссылка на форму ПОС."])
    if any(sign.isspace() for sign in text):
        errors.append("В ссылке есть пробел или перенос строки. Скопируйте её целиком, без лишнего.")
        text = "".join(text.split())
    if "&amp;" in text:
        errors.append("Вместо «&» стоит «&amp;»: ссылку скопировали из кода страницы. Замените на «&».")
        text = html.unescape(text)
    try:
        parts = urlsplit(text)
        errors += _of_place(parts)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return Checked("ссылка", [], [*errors, "Адрес не читается. Скопируйте ссылку заново."])
    errors += _of_parts(pairs)
    return Checked("ссылка", _facts(pairs), errors)


def _of_place(parts: SplitResult) -> Iterator[str]:
    if parts.scheme != "https":
        yield "Ссылка должна начинаться с https://."
    if parts.username is not None or parts.password is not None:
        yield "Перед именем сайта стоит «@»: так прячут чужой сайт. Настоящая ссылка его не содержит."
    if parts.hostname != HOST:
        yield f"Сайт «{parts.hostname or 'не указан'}», а форма ПОС живёт на {HOST}."
    if parts.port not in (None, 443):
        yield f"Порт {parts.port} лишний."
    if parts.path not in ("/form/", "/form"):
        yield f"Путь «{parts.path or '/'}», а у формы он /form/."
    if parts.fragment:
        yield f"Часть после «#» («{parts.fragment[:40]}») лишняя: форма её не прочтёт."


def _of_parts(pairs: list[tuple[str, str]]) -> Iterator[str]:
    names = [name for name, _ in pairs]
    said = dict(reversed(pairs))
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"Параметр «{name}» указан {names.count(name)} раза: оставьте один."
        if name not in KNOWN:
            like = next((one for one in KNOWN if one.casefold() == name.casefold()), "")
            hint = f" Нужно «{like}»: важны прописные буквы." if like else " Уберите его."
            yield f"Параметр «{name[:40]}» форме неизвестен.{hint}"
    if problem := _opa_id(said.get("opaId")):
        yield problem
    if "fz59" in said and said["fz59"] not in ("true", "false"):
        yield f"fz59 = «{said['fz59'][:40]}», а бывает true или false."
    if any(name in said for name in UTM):
        checks = (_source(said.get("utm_source")), _medium(said.get("utm_medium")), _campaign(said.get("utm_campaign")))
        yield from filter(None, checks)


def _facts(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    words = {"fz59": {"true": "подача по 59-ФЗ", "false": "обычное сообщение"}}
    return [(name[:40], words.get(name, {}).get(said, said[:80] or "пусто")) for name, said in pairs]


def _check_widget(text: str) -> Checked:
    errors: list[str] = []
    facts: list[tuple[str, str]] = []
    if len(text) > MOST:
        return Checked("код виджета", [], [f"Длиннее {MOST} знаков. Вставьте только код виджета."])
    text = html.unescape(text)
    sources = [found["src"] for found in _SCRIPT.finditer(text)]
    if not sources:
        errors.append(f"Не подключён скрипт {SCRIPT}.")
    for source in sources:
        facts.append(("скрипт", source[:120]))
        if source != SCRIPT:
            errors.append(f"Скрипт «{source[:120]}» — не из ПОС. Нужен {SCRIPT}.")
    called = list(_WIDGET.finditer(text))
    if not called:
        errors.append("Нет вызова Widget(адрес формы, id).")
    elif len(called) > 1:
        errors.append(f"Widget вызван {len(called)} раза: оставьте один вызов.")
    for one in called:
        facts += [("форма", one["form"][:120]), ("id", one["id"][:40])]
        errors += _of_place(urlsplit(one["form"]))
        if problem := _opa_id(one["id"]):
            errors.append(problem)
    return Checked("код виджета", facts, errors)


def _opa_id(said: str | None) -> str:
    if not said:
        return "Нет opaId: это номер вашей организации в ПОС, целое число."
    if not (said.isascii() and said.isdecimal()) or int(said[:20]) == 0 or len(said) > 12:
        return f"opaId = «{said[:40]}», а должно быть целое положительное число."
    return ""


def _source(said: str | None) -> str:
    if said in SOURCES:
        return ""
    return f"utm_source {_given(said)}, а бывает: {', '.join(SOURCES)}."


def _medium(said: str | None) -> str:
    if said and (said in LONG_MEDIUMS or re.fullmatch(r"[0-9]{2}", said)):
        return ""
    return f"utm_medium {_given(said)}, а бывает двузначный код или {', '.join(LONG_MEDIUMS)}."


def _campaign(said: str | None) -> str:
    if not said or not re.fullmatch(r"[0-9]{13}", said):
        return f"utm_campaign {_given(said)}, а нужен ОГРН организации: 13 цифр."
    if int(said[:12]) % 11 % 10 != int(said[12]):
        return f"utm_campaign = «{said}»: контрольная цифра ОГРН не сходится, проверьте номер."
    return ""


def _given(said: str | None) -> str:
    return f"= «{said[:40]}»" if said else "не указан"
