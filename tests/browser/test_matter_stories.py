"""What the law asks of one matter: many signatures, two questions, no answer, an end, copies, more time."""

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
WIDE = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 1000}}


def test_a_collective_appeal_of_two_questions_one_goes_on_in_its_term_and_the_other_is_answered(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    pk = _does(desk, "letter('Коллективова', 'Просим продлить аренду и вывезти мусор с соседнего участка.')")
    card, clerk = _card(desk, pk), desk.sit(new_page, "clerk", **WIDE)

    # Who signed it; the second is the representative.
    clerk.goto(f"{card}signed/")
    clerk.get_by_label("Кто подписал").fill("Коллективова Анна Павловна; ул. Образцовая, 1\nПримеров Пётр; ул. 2")
    clerk.get_by_label(re.compile("Представитель")).fill("2")
    press(clerk, clerk.get_by_role("button", name="Сохранить список"))
    expect(clerk.get_by_role("heading", name="Коллективное, подписей: 2")).to_be_visible()
    judge_again(clerk)

    # A second question of the same letter.
    clerk.goto(f"{card}questions/")
    more = clerk.locator("form", has=clerk.get_by_role("button", name="Добавить вопрос"))
    more.get_by_label("О чём спрашивают").fill("Вывезти мусор с соседнего участка")
    more.get_by_label("Тема").fill(clerk.locator("#topics option").nth(3).get_attribute("value") or "")
    need = more.get_by_label("Типовая потребность")
    need.select_option(index=3)
    press(clerk, more.get_by_role("button", name="Добавить вопрос"))
    expect(clerk.get_by_role("heading", name="Вопрос 2")).to_be_visible()

    # It is the mayor's: sent on within seven days, the applicant told.
    clerk.goto(f"{card}forward/")
    expect(clerk.get_by_text(re.compile("Переслать и уведомить заявителя — до"))).to_be_visible()
    clerk.get_by_role("radio", name=re.compile("частью")).check()
    body = clerk.get_by_role("group", name="Орган 1")
    body.get_by_label("Куда").fill("Мэрия города Примерска")
    body.get_by_label("Как отправить").select_option("post")
    body.get_by_label("Адрес").fill("630099, г. Примерск, Красный проспект, 34")
    body.get_by_role("checkbox").nth(1).check()
    clerk.get_by_label("Кто подписал письмо").select_option(index=1)
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Переслать и уведомить"))
    expect(clerk.locator("main")).to_contain_text("Переслано: писем — 1")
    matter = clerk.locator("#matter")
    expect(matter).to_contain_text("переслано по компетенции")
    expect(matter).to_contain_text("Мэрия города Примерска")
    take(clerk, "collective-card")

    # The other one is answered: the sending says how it ended, and the case closes with both.
    desk.happens(f"from tests.browser import matter_cases as m; m.signed({pk}, 'Договор аренды будет продлён.')")
    clerk.goto(f"{card}dispatch/")
    clerk.get_by_label("Исход").select_option(label="разъяснено")
    clerk.get_by_role("button", name="Отправить", exact=True).first.click()
    clerk.get_by_role("button", name="Отметить отправку").click()
    expect(clerk.locator("main")).to_contain_text("письмо сдано на почту")
    press(clerk, clerk.get_by_role("button", name="Закрыть", exact=True))
    expect(clerk.locator("main")).to_contain_text("закрыто")
    clerk.goto(f"{card}outcomes/")
    ended = clerk.get_by_role("region", name="Чем закончились вопросы")
    expect(ended.locator(".chip-good")).to_have_text(["разъяснено", "переслано по компетенции"])


def test_a_letter_nobody_can_read_is_answered_by_article_11_and_an_anonymous_one_ends_without_a_letter(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    pk = _does(desk, "letter('Неразборчивова', 'Прш з м бл в')")
    desk.happens(f"from tests.browser import matter_cases as m; m.assigned({pk})")
    card, executor = _card(desk, pk), desk.sit(new_page, "executor1", **WIDE)

    # The page says by which day, with which words and by which article; the draft begins with them.
    executor.goto(f"{card}outcomes/")
    executor.get_by_label("Образец письма и срок исхода").select_option(label="без ответа: не читается — ст. 11 ч. 4")
    executor.get_by_role("button", name="Показать").click()
    expect(executor.locator("main")).to_contain_text("оставлено без ответа автору")
    expect(executor.locator("main")).to_contain_text("Сообщить до")
    judge_again(executor)
    press(executor, executor.get_by_role("button", name="Указать исход"))
    expect(executor.locator("main")).to_contain_text("Проект ответа начат с образца письма")
    executor.goto(f"{card}draft/")
    expect(executor.locator("#draft-text")).to_have_value(re.compile("не поддаётся прочтению.*Что вам делать", re.S))
    desk.happens(f"from tests.browser import matter_cases as m; m.signed({pk})")
    clerk = desk.sit(new_page, "clerk", **WIDE)
    clerk.goto(f"{card}dispatch/")
    expect(clerk.get_by_label("Исход")).to_have_count(0)  # it was said already
    clerk.get_by_role("button", name="Отправить", exact=True).first.click()
    clerk.goto(card)
    expect(clerk.locator("#matter")).to_contain_text("без ответа: не читается")

    # Without a name and an address there is nobody to write to: it takes words, and closes.
    pk = _does(desk, "letter('Безымянова', 'Примите меры.')")
    clerk.goto(f"{_card(desk, pk)}outcomes/?kind=anonymous")
    press(clerk, clerk.get_by_role("button", name="Указать исход"))
    expect(clerk.get_by_role("alert").first).to_contain_text("напишите в пояснении")
    clerk.get_by_label("Пояснение").fill("На конверте нет ни фамилии, ни адреса")
    press(clerk, clerk.get_by_role("button", name="Указать исход"))
    press(clerk, clerk.get_by_role("button", name="Закрыть без письма"))
    expect(clerk.locator("main")).to_contain_text("закрыто без письма заявителю")


def test_a_matter_answered_more_than_once_ends_by_a_decision_and_the_next_letter_is_compared(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    first, second = (
        _does(desk, f"letter('Повторова', 'Верните участок, вопрос {count}.')", then="m.answered(pk)") for count in "12"
    )
    pk = _does(desk, "letter('Повторова', 'Снова прошу вернуть участок.')", then="m.assigned(pk)")
    card, executor = _card(desk, pk), desk.sit(new_page, "executor1", **WIDE)
    executor.goto(f"{card}related/?with={second}")
    press(executor, executor.get_by_role("button", name=re.compile("Это повторное")))
    expect(executor.locator("main")).to_contain_text("повторное")

    # Only with the answers that were given and a decision of who may decide.
    executor.goto(f"{card}outcomes/?kind=correspondence-ended")
    press(executor, executor.get_by_role("button", name="Указать исход"))
    expect(executor.get_by_role("alert").first).to_contain_text("укажите номер и дату решения")
    executor.get_by_label("Номер решения или письма").fill("15-р")
    executor.get_by_label("Дата решения или письма").fill(executor.get_by_label("Дата исхода").input_value())
    decider = executor.get_by_label("Кто принял решение")
    decider.select_option(label=decider.locator("option", has_text="Подписантов").inner_text().strip())
    for box in executor.get_by_role("group", name="Прежние ответы по существу").get_by_role("checkbox").all():
        box.check()
    judge_again(executor)
    press(executor, executor.get_by_role("button", name="Указать исход"))
    expect(executor.locator("main")).to_contain_text("переписка прекращена")
    executor.goto(f"{card}draft/")
    expect(executor.locator("#draft-text")).to_have_value(re.compile("принято решение от .* № 15-р о прекращении"))
    for number in (first, second):
        number_of = _does(desk, f"Appeal.objects.get(pk={number}).number")
        expect(executor.locator("#draft-text")).to_have_value(re.compile(re.escape(str(number_of))))

    # The next letter is not dropped: a person sees the decision and both texts side by side.
    later = _does(desk, "letter('Повторова', 'Появились новые документы на участок.')")
    clerk = desk.sit(new_page, "clerk", **WIDE)
    clerk.goto(_card(desk, later))
    expect(clerk.locator("#matter")).to_contain_text("прекращена решением № 15-р")
    clerk.locator("#matter").get_by_role("link", name="рядом").click()
    expect(clerk.get_by_text("новые документы").first).to_be_visible()
    judge_again(clerk)


def test_copies_are_joined_taken_apart_and_answered_by_one_letter_with_all_numbers(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    text = "Прошу разделить участок в садовом товариществе на две равные части."
    main, copy = (_does(desk, f"letter('Двойникова', '{text}', 'Раздел участка')") for _ in range(2))
    clerk = desk.sit(new_page, "clerk", **WIDE)

    # The page finds the same text; merged by mistake, they are apart again by one press.
    clerk.goto(f"{_card(desk, copy)}related/?with={main}")
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Присоединить это к нему"))
    expect(clerk.locator("main")).to_contain_text("объединено с №")
    press(clerk, clerk.get_by_role("button", name="Отменить объединение"))
    expect(clerk.locator("main")).to_contain_text("снова отдельно")
    clerk.goto(f"{_card(desk, copy)}related/?with={main}")
    press(clerk, clerk.get_by_role("button", name="Это дубликат"))
    press(clerk, clerk.get_by_role("button", name=re.compile("Убрать связь")))
    expect(clerk.locator("main")).to_contain_text("Связь убрана")
    clerk.goto(f"{_card(desk, copy)}related/?with={main}")
    press(clerk, clerk.get_by_role("button", name="Это дубликат"))

    # One letter names both numbers; the copy closes by it.
    desk.happens(f"from tests.browser import matter_cases as m; m.answered({main})")
    numbers = [str(_does(desk, f"Appeal.objects.get(pk={pk}).number")) for pk in (main, copy)]
    clerk.goto(_card(desk, main))
    clerk.locator("#matter").get_by_text("Связанные обращения").click()
    clerk.get_by_role("link", name="Ответить на все копии").click()
    expect(clerk.locator("main")).to_contain_text(numbers[1])
    expect(clerk.locator("main")).to_contain_text("Ответ назовёт все номера")
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name=re.compile("Учесть ответ в копиях")))
    expect(clerk.locator("main")).to_contain_text("Ответ учтён везде")
    clerk.goto(_card(desk, copy))
    expect(clerk.locator("main")).to_contain_text(f"ответ дан одним письмом с № {numbers[0]}")


def test_a_term_is_extended_once_with_a_decision_and_the_applicant_is_told(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    pk = _does(desk, "letter('Срокова', 'Прошу дать сведения об участке.')", then="m.assigned(pk)")
    card, clerk = _card(desk, pk), desk.sit(new_page, "clerk", **WIDE)
    clerk.goto(card)
    clerk.locator("#matter summary", has_text="Срок").first.click()
    clerk.locator("#matter").get_by_role("link", name="Продлить срок").click()
    expect(clerk.locator("main")).to_contain_text("Продлить можно один раз (59-ФЗ, ст. 12 ч. 2)")
    clerk.get_by_label("На сколько дней продлить").fill("20")
    clerk.get_by_label("Почему").fill("ждём сведений из Росреестра")
    clerk.get_by_label("Кто решил").select_option(index=1)
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Продлить и уведомить"))
    expect(clerk.locator("main")).to_contain_text("Заявителю готово уведомление")
    expect(clerk.get_by_text("Продлён на 20 дней")).to_have_count(1)  # told in the folded part of the term

    # A second time the law does not know: the page says so, and the button is not pressed.
    clerk.goto(f"{card}extend/")
    expect(clerk.locator("main")).to_contain_text("второе продление не предусмотрено")
    expect(clerk.get_by_role("button", name="Продлить и уведомить")).to_be_disabled()
    clerk.set_viewport_size({"width": 320, "height": 800})
    for place in ("", "extend/", "outcomes/", "forward/", "related/", "signed/", "questions/"):
        clerk.goto(f"{card}{place}")
        assert clerk.evaluate("document.documentElement.scrollWidth <= 320"), place


def _card(desk: Desk, pk: object) -> str:
    return f"{desk.url}/desk/appeals/{pk}/"


def _does(desk: Desk, what: str, *, then: str = "") -> str:
    """Do or ask something behind the pages; return what it gives. `then`: what happens to the appeal `pk` next."""
    lines = "from tests.browser import matter_cases as m\nfrom otklik.appeals.models import Appeal, FrozenAnswer\n"
    call = f"m.{what}" if what.startswith("letter(") else what
    return desk.happens(f"{lines}pk = {call}\n{then}\nprint(pk)").splitlines()[-1]
