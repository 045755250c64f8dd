"""A Fast-track message of ПОС: copied out of the cabinet, registered into its lane, answered, entered, closed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser

# What the executor, the head and the signer do is the story of a letter: here it happens behind the pages.
SIGNED = """
from django.utils import timezone
from otklik.appeals import approval, assignment, classification, drafting, signature
from otklik.appeals.models import Appeal, Need, Topic
from otklik.people.models import Employee
who = {{one.username: one for one in Employee.objects.filter(username__in=("clerk", "executor1", "head1", "signer"))}}
appeal = Appeal.objects.get(pk={pk})
pair = (Topic.objects.filter(leaf=True).first(), Need.objects.first())
if appeal.status == "registered":
    classification.classify(appeal, [pair], by=who["clerk"])
assignment.assign(appeal, unit=who["executor1"].unit, executor=who["executor1"], by=who["clerk"])
drafting.save(appeal, text="Забор уберут до 1 декабря.", base_version=0, by=who["executor1"])
approval.ask(appeal, approvers=[who["head1"]], by=who["executor1"])
approval.approve(approval.decision_of(appeal, who["head1"]), by=who["head1"])
answer = signature.freeze(Appeal.objects.get(pk=appeal.pk), signer=who["signer"], by=who["executor1"])
signature.sign_sed(answer, number="77/03", signed_on=timezone.localdate(), by=who["clerk"])
"""


def test_a_fast_track_message_goes_from_the_cabinet_to_the_answer_entered_there(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk", reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    card, pk = _copied_out(page, desk, "700100200", "Примерова", "Сосед поставил забор на проезде. Прошу убрать забор.")
    expect(page.locator("#matter")).to_contain_text("Фаст-трек")
    expect(page.locator("#matter")).to_contain_text("требует сопоставления")

    page.goto(f"{desk.url}/desk/pos-lane/")
    expect(page.get_by_role("region", name="Полоса").locator(".chip", has_text="Фаст-трек").first).to_be_visible()
    take(page, "pos-lane")

    desk.happens(SIGNED.format(pk=pk))
    page.goto(f"{card}dispatch/")
    page.get_by_role("button", name=re.compile("^Отправить")).first.click()
    expect(page.get_by_role("heading", name="Ответ внесён в ПОС")).to_be_visible()
    page.goto(card)
    expect(page.locator("#matter")).to_contain_text("ждёт в личном кабинете ПОС")
    page.get_by_role("link", name="Внести и отметить").click()
    press(page, page.get_by_role("button", name="Ответ внесён в ПОС"))
    page.goto(card)
    expect(page.locator("#matter")).to_contain_text("Ответ внесён в ПОС")
    take(page, "pos-card")
    page.goto(f"{card}dispatch/")
    press(page, page.get_by_role("button", name="Закрыть", exact=True))
    expect(page.get_by_text("закрыто").first).to_be_visible()

    page.set_viewport_size({"width": 320, "height": 800})
    for place in ("pos-lane/", "pos-lane/new/", "pos-lane/facts/", f"appeals/{pk}/pos-case/"):
        page.goto(f"{desk.url}/desk/{place}")
        assert page.evaluate("document.documentElement.scrollWidth <= 320"), place


def test_a_collective_message_of_two_questions_closes_when_both_are_covered_and_the_answer_is_entered(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    wide = {"reduced_motion": "reduce", "viewport": {"width": 1440, "height": 1000}}
    clerk, executor, head, signer = (
        desk.sit(new_page, login, **wide) for login in ("clerk", "executor1", "head1", "signer")
    )
    asked = "Мы, жители дома, просим убрать забор с проезда и вывезти мусор со двора."
    card, pk = _copied_out(clerk, desk, "700100300", "Соборова", asked, classified=True)

    # The clerk: who signed it, what it asks, what of it is another body's, who answers the rest.
    clerk.goto(f"{card}signed/")
    clerk.get_by_label("Кто подписал").fill("Соборова Мария Петровна\nДомовой Пётр\nДворова Анна")
    press(clerk, clerk.get_by_role("button", name="Сохранить список"))
    expect(clerk.get_by_role("heading", name="Коллективное, подписей: 3")).to_be_visible()
    clerk.goto(f"{card}questions/")
    more = clerk.locator("form", has=clerk.get_by_role("button", name="Добавить вопрос"))
    more.get_by_label("О чём спрашивают").fill("Вывезти мусор со двора")
    more.get_by_label("Тема").fill(clerk.locator("#topics option").nth(3).get_attribute("value") or "")
    more.get_by_label("Типовая потребность").select_option(index=3)
    press(clerk, more.get_by_role("button", name="Добавить вопрос"))
    expect(clerk.get_by_role("heading", name="Вопрос 2")).to_be_visible()
    clerk.goto(f"{card}forward/")
    clerk.get_by_role("radio", name=re.compile("частью")).check()
    body = clerk.get_by_role("group", name="Орган 1")
    body.get_by_label("Куда").fill("Мэрия города Примерска")
    body.get_by_label("Как отправить").select_option("post")
    body.get_by_label("Адрес").fill("630099, г. Примерск, Красный проспект, 34")
    body.get_by_role("checkbox").nth(1).check()
    clerk.get_by_label("Кто подписал письмо").select_option(index=1)
    press(clerk, clerk.get_by_role("button", name="Переслать и уведомить"))
    expect(clerk.locator("main")).to_contain_text("Переслано: писем — 1")
    expect(clerk.locator("#matter")).to_contain_text("Фаст-трек")
    expect(clerk.locator("#matter")).to_contain_text("переслано по компетенции")
    judge_again(clerk)
    clerk.goto(f"{card}assign/")
    clerk.get_by_label("Подразделение").select_option(label="Отдел распоряжения земельными участками")
    box = clerk.get_by_label(re.compile("^Исполнитель"))
    expect(box.locator("option", has_text="Участкова")).to_have_count(1)
    box.select_option(label=box.locator("option", has_text="Участкова").inner_text().strip())
    press(clerk, clerk.get_by_role("button", name="Назначить"))

    # The executor writes, the head of his unit agrees.
    executor.goto(f"{card}draft/")
    executor.locator("#draft-text").fill("Забор уберут до 1 декабря. Мусор вывозит мэрия: ваш вопрос направлен ей.")
    expect(executor.locator("#saved")).to_contain_text("сохранено", timeout=15_000)
    executor.get_by_label(re.compile("Согласуева")).check()
    press(executor, executor.get_by_role("button", name="Передать на согласование"))
    head.goto(card)
    head.locator("main").get_by_role("link", name="Рассмотреть проект ответа").first.click()
    press(head, head.get_by_role("button", name="Согласовать"))

    # The signer reads the frozen letter; outside 59-ФЗ the rules let it go without a signature.
    executor.goto(f"{card}sign/")
    people = executor.get_by_label("Кто подпишет")
    people.select_option(label=people.locator("option", has_text="Подписантов").inner_text().strip())
    press(executor, executor.get_by_role("button", name="Передать на подпись"))
    signer.goto(f"{card}sign/")
    signer.get_by_text("Отправить по согласованию начальника").click()
    press(signer, signer.get_by_role("button", name="Согласую отправку"))

    # Sent is not closed: the cabinet has no answer yet.
    clerk.goto(f"{card}dispatch/")
    clerk.get_by_label("Исход").select_option(label="разъяснено")
    press(clerk, clerk.get_by_role("button", name=re.compile("^Отправить")).first)
    expect(clerk.get_by_role("heading", name="Ответ внесён в ПОС")).to_be_visible()
    desk.happens(f"from tests.browser import matter_cases as m; assert m.refused_to_close({pk})")
    clerk.goto(card)
    clerk.get_by_role("link", name="Внести и отметить").click()
    press(clerk, clerk.get_by_role("button", name="Ответ внесён в ПОС"))

    # Both questions are covered, the cabinet has the answer: now it closes.
    clerk.goto(f"{card}dispatch/")
    press(clerk, clerk.get_by_role("button", name="Закрыть", exact=True))
    expect(clerk.get_by_text("закрыто").first).to_be_visible()
    clerk.goto(f"{card}outcomes/")
    ended = clerk.get_by_role("region", name="Чем закончились вопросы")
    expect(ended.locator(".chip-good")).to_have_text(["разъяснено", "переслано по компетенции"])
    judge_again(clerk)


def _copied_out(
    page: Page, desk: Desk, number: str, last_name: str, text: str, *, classified: bool = False
) -> tuple[str, str]:
    """Copy a Fast-track message out of the cabinet and register it; return its card and its key."""
    page.goto(f"{desk.url}/desk/pos-lane/")
    page.get_by_role("link", name="Сообщение ПОС", exact=True).click()
    page.get_by_label("Номер", exact=False).first.fill(number)
    page.get_by_label("ФИО заявителя").fill(f"{last_name} Мария Петровна")
    page.get_by_label("Текст сообщения").fill(text)
    page.locator("[name=category]").fill("Земля и имущество")
    page.locator("[name=fact]").fill("Забор на участке")
    page.get_by_label("Фаст-трек").select_option(label="да")
    press(page, page.get_by_role("button", name="Дальше: регистрация"))
    expect(page.locator("main")).to_contain_text("В ПОС у сообщения отмечен Фаст-трек")
    page.get_by_role("radio", name=re.compile("^да", re.IGNORECASE)).first.check()
    if classified:
        page.get_by_label("Тема (классификатор)").select_option(index=2)
        page.get_by_label("Типовая потребность").select_option(index=2)
    press(page, page.get_by_role("button", name="Принять и зарегистрировать"))
    card = re.sub(r"[?#].*", "", page.url)
    found = re.search(r"/appeals/(\d+)/$", card)
    assert found, card
    return card, found.group(1)
