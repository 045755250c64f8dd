"""The twelve jobs of the department's work, done by keyboard alone in the Russian layout (docs/keyboard.md)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.hands import Hands
from tests.browser.house import ROOT

pytestmark = pytest.mark.browser
MOST_KEYS = 12  # on average for a letter: registered, its topic confirmed, given to an executor


class Day:
    """A day at several desks: each job is a method, its first line its name in the docs."""

    def __init__(self, desk: Desk, new_page: Callable[..., Page]) -> None:
        self.desk, self._new_page = desk, new_page
        self._hands: dict[str, Hands] = {}
        pages = desk.filled["pages"]
        self.head = next(who for who, those in pages.items() if those[0].startswith("/desk/approvals/"))
        self.writer, (draft, *_) = next((who, those) for who, those in pages.items() if those[0].endswith("/draft/"))
        self.drafted = draft.removesuffix("draft/")

    def at_desk(self, login: str) -> Hands:
        """Return the hands of an employee; a new one opens «Сегодня»."""
        if login not in self._hands:
            self._hands[login] = Hands(self.desk.sit(self._new_page, login, reduced_motion="reduce"))
            self._hands[login].page.goto(f"{self.desk.url}/desk/")
        return self._hands[login]

    def open_list(self, login: str, view: str) -> Hands:
        """Return the hands of an employee over the card that stands first in a list."""
        hands = self.at_desk(login)
        hands.page.goto(f"{self.desk.url}/desk/appeals/?view={view}")
        hands.key("ArrowDown", "Enter")
        hands.page.wait_for_url(re.compile(r"/desk/(appeals|inbox)/\d+/"))
        return hands

    def find_an_appeal(self) -> None:
        """Найти обращение"""
        hands = self.at_desk("clerk")
        hands.key("Control+KeyK")
        hands.type(self.desk.filled["number"])
        hands.page.locator("#palette [aria-selected=true]").wait_for()
        hands.key("Enter")
        expect(hands.page.locator(".row-number").first).to_contain_text(self.desk.filled["number"])

    def take_the_next(self) -> None:
        """Взять следующее из очереди"""
        hands = self.at_desk("clerk")
        hands.letter("KeyG", "KeyH")
        hands.page.wait_for_url("**view=registration")
        hands.key("ArrowDown", "Enter")
        hands.page.wait_for_url("**/desk/inbox/**")
        first = hands.page.url
        hands.letter("Period")
        hands.page.wait_for_url(lambda url: "/desk/inbox/" in url and url != first)
        hands.letter("Comma")
        hands.page.wait_for_url(first)

    def register(self) -> None:
        """Зарегистрировать письмо"""
        hands = self.at_desk("clerk")
        hands.page.goto(f"{self.desk.url}/desk/appeals/?view=registration&channel=post")
        hands.key("ArrowDown", "Enter")
        hands.page.wait_for_url("**/desk/inbox/**")
        assert "Принять и зарегистрировать" in hands.here()
        hands.key("Enter")
        expect(hands.page.locator("#notices")).to_contain_text("Зарегистрировано")

    def classify(self) -> None:
        """Подтвердить тему и потребность"""
        hands = self.open_list("clerk", "classification")
        hands.letter("KeyE")
        hands.page.wait_for_url("**/classify/**")
        if "Подтвердить" not in hands.here():
            hands.type("образование, раздел")
        hands.key("Control+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("подтверждены")

    def assign(self) -> None:
        """Назначить исполнителя"""
        hands = self.open_list("clerk", "assignment")
        hands.letter("KeyE")
        hands.page.wait_for_url("**/assign/**")
        if "Подразделение" in hands.here():
            hands.type("Юр")
            expect(hands.page.get_by_label("Исполнитель").locator("option", has_text="Статейкин")).to_have_count(1)
            hands.key("Tab")
        if "Исполнитель" in hands.here() and not hands.page.get_by_label("Исполнитель").input_value():
            hands.key("ArrowDown")
        hands.key("Control+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("назначено")

    def write_with_a_material(self) -> None:
        """Написать ответ, вставив материал Базы знаний"""
        hands = self.at_desk(self.writer)
        hands.page.goto(self.desk.url + self.drafted)
        hands.letter("KeyE")
        hands.page.wait_for_url("**/draft/**")
        assert "Текст ответа" in hands.here()
        hands.key("Control+End")
        hands.type(" Дополняем ответ.")
        hands.key("Alt+Digit1")
        expect(hands.page.locator("#used")).to_contain_text("версия")
        hands.key("Control+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("Сохранено")

    def send_for_approval(self) -> None:
        """Передать ответ на согласование"""
        hands = self.at_desk(self.writer)
        hands.page.goto(f"{self.desk.url}{self.drafted}draft/")
        names = hands.page.locator(".pick-list label").all_inner_texts()
        mine = next(place for place, name in enumerate(names) if self.name_of(self.head) in name)
        for box in hands.page.locator(".pick-list input").all()[: mine + 1]:
            box.evaluate("one => { one.checked = false; }")
        hands.tab_to(self.name_of(self.head))
        hands.key("Space", "Control+Shift+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("передан на согласование")

    def give_back(self) -> None:
        """Вернуть проект на доработку с замечанием"""
        hands = self.at_desk(self.head)
        hands.page.goto(self.desk.url + self.drafted)
        hands.letter("KeyE")
        hands.page.wait_for_url("**/approvals/**")
        hands.letter("KeyR")
        hands.type("Назовите срок.")
        hands.key("Control+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("возвращён исполнителю")

    def approve(self) -> None:
        """Согласовать ответ"""
        hands = self.at_desk(self.head)
        hands.page.goto(self.desk.url + self.desk.filled["pages"][self.head][0])
        hands.letter("KeyE")
        expect(hands.page.locator("#notices")).to_contain_text("согласована")

    def record_a_signature(self) -> None:
        """Внести подпись, сделанную в СЭД"""
        hands = self.open_list("clerk", "signing")
        hands.letter("KeyE")
        hands.page.wait_for_url("**/sign/**")
        hands.letter("KeyC")
        hands.type("77/02-исх")
        hands.key("Control+Enter")
        expect(hands.page.locator("#notices")).to_contain_text("подпись внесена")

    def send_and_take_back(self) -> None:
        """Отправить ответ и отменить отправку"""
        hands = self.open_list("clerk", "dispatch")
        card = hands.page.url
        hands.letter("KeyE")
        hands.page.wait_for_url("**/dispatch/**")
        hands.letter("KeyE")
        expect(hands.page.locator("#delivery")).to_contain_text("Отменить отправку")
        hands.page.goto(card)
        expect(hands.page.locator(".actions [data-countdown]")).to_have_text(re.compile(r"^\d+$"))
        hands.letter("KeyZ")
        expect(hands.page.locator("#notices")).to_contain_text("Отправка отменена")

    def write_a_note(self) -> None:
        """Написать внутреннюю заметку"""
        hands = self.open_list("clerk", "all")
        hands.letter("KeyN")
        hands.type("Заявитель звонил, ждёт ответа")
        hands.key("Control+Enter")
        expect(hands.page.locator("#last")).to_contain_text("Заявитель звонил")

    def name_of(self, login: str) -> str:
        """Return an employee's surname."""
        from otklik.demo.staff import ACCOUNTS

        return next(one.last_name for one in ACCOUNTS if one.login == login)


JOBS = (
    Day.find_an_appeal, Day.take_the_next, Day.register, Day.classify, Day.assign, Day.write_with_a_material,
    Day.send_for_approval, Day.give_back, Day.approve, Day.record_a_signature, Day.send_and_take_back, Day.write_a_note,
)  # fmt: skip


def test_the_twelve_jobs_are_done_by_keyboard_alone(desk: Desk, new_page: Callable[..., Page]) -> None:
    day = Day(desk, new_page)
    for job in JOBS:
        try:
            job(day)
        except Exception as failure:
            raise AssertionError(f"{job.__doc__}: {failure}") from failure


@pytest.mark.once
def test_the_docs_name_the_jobs_that_are_proved() -> None:
    told = Path(ROOT / "docs" / "keyboard.md").read_text(encoding="utf-8")
    assert len(JOBS) == 12
    assert [job.__doc__ for job in JOBS if f"| {job.__doc__} |" not in told] == []


@pytest.mark.proof
def test_a_clerk_settles_ten_letters_by_keyboard(desk: Desk, new_page: Callable[..., Page], full_size: bool) -> None:
    """Each is registered with its topic confirmed and given to an executor; prints what it cost (`-s`)."""
    count = 10 if full_size else 5  # one in a few says too little for a proposal and costs more
    hands = Hands(desk.sit(new_page, "clerk"))
    page = hands.page
    page.goto(f"{desk.url}/desk/appeals/?view=registration&channel=post")
    hands.key("ArrowDown", "Enter")
    page.wait_for_url("**/desk/inbox/**")
    costs = []
    for _ in range(count):
        keys, began = hands.pressed, time.monotonic()
        _settle(hands)
        costs.append((hands.pressed - keys, time.monotonic() - began))
    shown = ", ".join(f"{keys} за {seconds:.1f} с" for keys, seconds in costs)
    sys.stdout.write(f"\nклавиш и секунд на письмо: {shown}\n")
    assert sum(keys for keys, _ in costs) / count <= MOST_KEYS


def test_a_typical_letter_is_registered_and_classified_in_two_keystrokes(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    """From the list: one key opens the letter, one takes everything that is proposed."""
    hands = Hands(desk.sit(new_page, "clerk", reduced_motion="reduce"))
    page, letters = hands.page, f"{desk.url}/desk/appeals/?view=registration&channel=post"
    page.goto(letters)
    rows = [row.get_attribute("href") for row in page.locator("#rows .row-link").all()]

    def is_read(row: str | None) -> bool:
        page.goto(f"{desk.url}{row}")
        fields = (page.get_by_label(name) for name in ("Тема (классификатор)", "Типовая потребность"))
        return all(one.input_value() for one in fields) and "Принять" in hands.here()

    place = next(place for place, row in enumerate(rows) if is_read(row))  # the first one that the proposal reads
    page.goto(letters)
    for _ in range(place + 1):
        hands.key("ArrowDown")
    keys, began = hands.pressed, time.monotonic()
    hands.key("Enter")
    page.wait_for_url("**/desk/inbox/**")
    assert "Принять и зарегистрировать" in hands.here()
    hands.key("Enter")
    expect(page.locator("#notices")).to_contain_text("Зарегистрировано")
    sys.stdout.write(f"\nклавиш: {hands.pressed - keys}, секунд: {time.monotonic() - began:.1f}\n")
    assert hands.pressed - keys == 2
    expect(page.locator("main")).to_contain_text("классифицировано")


def _settle(hands: Hands) -> None:
    """Register the open letter, name who answers, go on to the next."""
    page = hands.page
    for _ in range(6):  # what the proposal could not know
        said = hands.here()
        if "Принять" in said:
            break
        if "Тема" in said:
            hands.type("Обр")
        elif "потребность" in said.lower():
            hands.key("ArrowDown")
        hands.key("Tab")
    hands.key("Control+Enter")
    page.wait_for_url("**/desk/appeals/*/**")
    expect(page.locator("#notices")).to_contain_text("Зарегистрировано")
    hands.letter("KeyE")
    page.wait_for_url(re.compile("/(assign|classify)/"))
    if "/classify/" in page.url:
        if "Подтвердить" not in hands.here():
            hands.type("образование, раздел")
        hands.key("Control+Enter")
        expect(page.locator("#notices")).to_contain_text("подтверждены")
        hands.letter("KeyE")
        page.wait_for_url("**/assign/**")
    if "Подразделение" in hands.here():
        hands.type("Юр")
        expect(page.get_by_label("Исполнитель").locator("option", has_text="Статейкин")).to_have_count(1)
        hands.key("Tab")
    if "Исполнитель" in hands.here() and not page.get_by_label("Исполнитель").input_value():
        hands.key("ArrowDown")
    hands.key("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("назначено")
    hands.letter("Period")
    page.wait_for_url("**/desk/inbox/**")
