"""An author writes a material of every kind, the head of the unit agrees, a reader finds and opens them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press, until

pytestmark = pytest.mark.browser
WORD: Final = "Водоохранная зона"
TITLES: Final = {
    "legalact": f"{WORD}: закон", "jobdescription": f"{WORD}: инструкция", "faq": f"{WORD}: какой она ширины",
    "replytemplate": f"{WORD}: шаблон", "decisionexample": f"{WORD}: пример решения",
    "service": f"{WORD}: сведения о границах", "receptionschedule": f"{WORD}: часы приёма",
    "contactdata": f"{WORD}: кто отвечает", "script": f"{WORD}: разговор",
}  # fmt: skip
# What the author types into the required fields of each kind, by their names; rich text is marked with a star.
KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "legalact": {
        "form": "Федеральный закон", "issuer": "Государственная Дума", "number": "74-ФЗ", "adopted_on": "2006-06-03",
        "full_title": "Водный кодекс Российской Федерации",
    },
    "jobdescription": {"post": "Консультант", "unit": "1", "approved_on": "2026-02-02", "*duties": "Ведёт приём."},
    "faq": {"short_answer": "Ширина зоны зависит от длины реки: от пятидесяти до двухсот метров."},
    "replytemplate": {"text": "{обращение}\n\nУчасток стоит в водоохранной зоне."},
    "decisionexample": {
        "*situation": "Баня у реки.", "*decision": "Отказано.", "*grounds": "Водный кодекс, ст. 65.",
        "decided_by": "Начальник отдела", "decided_on": "2026-03-03", "anonymised": "yes",
    },
    "service": {"result": "Сведения о зоне", "*documents": "Заявление и паспорт.", "term": "10 рабочих дней"},
    "receptionschedule": {
        "who": "Начальник отдела", "place": "Кабинет 5", "hours-0-day": "1", "hours-0-starts": "10:00",
        "hours-0-ends": "12:00",
    },
    "contactdata": {"about": "Вопросы о зонах", "phone": "223-45-67"},
    "script": {
        "when": "Спрашивают о зоне", "steps-0-value-stage": "greeting", "steps-0-value-name": "Начало",
        "steps-0-value-say": "Здравствуйте! Слушаю вас.",
    },
}  # fmt: skip
PICTURED: Final = {"faq": "kb-editor-faq", "service": "kb-editor-service"}


def test_an_author_writes_every_kind_the_head_agrees_and_a_reader_finds_them(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    author = desk.sit(new_page, "kbauthor")
    said: list[str] = []
    # The editor saves by itself as the form is sent; it is too late and refused with 400, the browser mentions it.
    author.on(
        "console", lambda line: said.append(line.text) if line.type == "error" and "400" not in line.text else None
    )
    author.on("pageerror", lambda error: said.append(str(error)))
    for kind in KINDS:
        author.goto(f"{desk.url}/cms/pages/add/knowledge/{kind}/{desk.filled['section']}/")
        _write(author, kind)
        if kind in PICTURED:
            take(author, PICTURED[kind])
        _send(author, kind)
    assert said == []

    head = desk.sit(new_page, "head1")
    head.goto(f"{desk.url}/desk/")
    head.get_by_role("link", name="Согласовать материалы").click()
    waiting = head.locator(".kb-hit").filter(has_text=WORD)  # other stories leave what waits as well
    expect(waiting).to_have_count(len(KINDS))
    judge_again(head)
    take(head, "kb-agreements")
    _comment(head)
    for kind in KINDS:
        head.goto(f"{desk.url}/desk/kb/agreements/")
        head.get_by_role("link", name=TITLES[kind], exact=True).click()
        if kind == "faq":
            judge_again(head)
            take(head, "kb-agreement")
        press(head, head.get_by_role("button", name="Согласовать"))
    expect(waiting).to_have_count(0)

    _meet_the_comment(author, desk)
    reader = desk.sit(new_page, "executor1")
    for kind in KINDS:  # the index of the machine carries what was agreed a second or two later
        until(reader, f"{desk.url}/desk/kb/?q={WORD}", TITLES[kind])
    for kind in KINDS:
        expect(reader.get_by_role("link", name=TITLES[kind], exact=True)).to_be_visible()
    reader.get_by_role("link", name=TITLES["faq"], exact=True).click()
    expect(reader.get_by_text("от пятидесяти до двухсот метров")).to_be_visible()


def _write(author: Page, kind: str) -> None:
    author.locator("[name=title]").fill(TITLES[kind])
    if kind == "script":
        author.locator("[data-streamfield-stream-container] button").first.click()
    for name, words in KINDS[kind].items():
        _fill(author, name, words)


def _fill(author: Page, name: str, words: str) -> None:
    if name.startswith("*"):
        editor = author.locator(f"[data-contentpath='{name[1:]}'] [contenteditable=true]")
        editor.press_sequentially(words)
        # The editor puts what was typed into the form a moment later: all of it, not the first letters.
        expect(author.locator(f"[name='{name[1:]}']")).to_have_value(re.compile(re.escape(words)))
        return
    field: Locator = author.locator(f"[name='{name}']")
    what = field.evaluate("(one) => one.type === 'checkbox' ? 'tick' : one.tagName")
    if what == "SELECT":
        field.select_option(index=1) if name == "unit" else field.select_option(words)
    elif what == "tick":
        field.check()
    else:
        field.fill(words)


def _send(author: Page, kind: str) -> None:
    expect(author.locator("[name=slug]")).not_to_have_value("")  # the editor makes it of the title a moment later
    button = author.get_by_role("button", name="Отправить на согласование")
    if kind == "faq":
        take(author, "kb-send")
    button.click()
    expect(author.get_by_text("отправлен на согласование.")).to_be_visible(timeout=30_000)


def _comment(head: Page) -> None:
    head.get_by_role("link", name=TITLES["service"], exact=True).click()
    head.get_by_text("Замечание к отрывку").click()
    head.get_by_label("К чему").select_option("documents")
    head.get_by_label(re.compile("Отрывок")).fill("паспорт")
    head.get_by_label("Замечание", exact=True).fill("Чей паспорт?")
    press(head, head.get_by_role("button", name="Записать замечание"))
    expect(head.locator("#remarks .field-error")).to_have_count(0)
    expect(head.locator("#remarks")).to_contain_text("Чей паспорт?")


def _meet_the_comment(author: Page, desk: Desk) -> None:
    """The author finds the words of the head in the editor, at the very passage."""
    author.goto(f"{desk.url}/desk/kb/agreements/?state=agreed")
    author.get_by_role("link", name=TITLES["service"], exact=True).click()
    author.get_by_role("link", name="Править").click()
    author.get_by_role("button", name="Комментарии").first.click()
    expect(author.get_by_text("Чей паспорт?").first).to_be_visible()
    author.get_by_text("Чей паспорт?").first.scroll_into_view_if_needed()
    take(author, "kb-comment")
