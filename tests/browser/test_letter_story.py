"""A letter becomes a signed answer: the whole way through real servers and real pages, by those who do the work."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from otklik.demo.staff import PASSWORD
from tests import components
from tests.browser.house import House, running
from tests.browser.steps import press, sign_in_sed, until

pytestmark = [pytest.mark.browser, pytest.mark.dovecot]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    components.CHROMIUM.require()
    components.DOVECOT.require()
    with running(tmp_path_factory.mktemp("house")) as running_house:
        yield running_house


def test_a_letter_becomes_a_signed_answer(house: House, new_page: Callable[..., Page]) -> None:
    def at_desk(login: str) -> Page:
        page = new_page()
        page.goto(f"{house.url}/accounts/login/")
        page.get_by_label("Имя для входа").fill(login)
        page.get_by_label("Пароль", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Войти", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Сегодня")
        return page

    house.mailboxes.deliver("info", _letter())

    # The clerk finds the letter, registers and classifies it, and names who answers.
    clerk = at_desk("clerk")
    until(clerk, f"{house.url}/desk/appeals/?view=registration", "Земля под гаражом")
    clerk.get_by_role("link", name="Земля под гаражом").first.click()
    expect(clerk.get_by_role("article", name="Сообщение")).to_contain_text("гараж с 1987 года")
    clerk.get_by_role("radio", name=re.compile("^да", re.IGNORECASE)).first.check()
    topic = clerk.get_by_label("Тема (классификатор)")
    topic.select_option(label=topic.locator("option", has_text="Образование, раздел").inner_text().strip())
    clerk.get_by_label("Типовая потребность").select_option(label="Получить участок без торгов")
    press(clerk, clerk.get_by_role("button", name="Принять и зарегистрировать"))
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("гараж", ignore_case=True)
    card = re.sub(r"[?#].*", "", clerk.url)
    assert re.search(r"/desk/appeals/\d+/$", card), card
    clerk.goto(f"{card}assign/")
    clerk.get_by_label("Подразделение").select_option(label="Отдел распоряжения земельными участками")
    executor_box = clerk.get_by_label(re.compile("^Исполнитель"))
    expect(executor_box.locator("option", has_text="Участкова")).to_have_count(1)
    executor_box.select_option(label=executor_box.locator("option", has_text="Участкова").inner_text().strip())
    press(clerk, clerk.get_by_role("button", name="Назначить"))

    # The applicant gets a neutral receipt with number and code, and learns how to file an appeal by law.
    # Two letters of one moment leave in any order.
    receipt, how_to_file = sorted(house.smtp.wait(2)[:2], key=lambda one: "подайте обращение" in one.get_content())
    assert receipt["In-Reply-To"] == "<letter-1@mail.example>"
    assert receipt["Auto-Submitted"] == "auto-replied"
    number, code = _number_and_code(receipt)
    assert "59-ФЗ" in how_to_file.get_content()

    # The executor inserts a template from the Knowledge Base and asks for approval.
    executor = at_desk("executor1")
    executor.goto(f"{card}draft/")
    executor.get_by_placeholder("Найти материал").fill("гараж")
    expect(executor.locator("#materials")).to_contain_text("Найдено по словам «гараж»")
    executor.get_by_role("button", name="Вставить").first.click()
    text = executor.locator("#draft-text")
    expect(text).to_have_value(re.compile("можно получить бесплатно"))
    text.press("Control+End")
    text.type("\n\nСхему можно заказать у кадастрового инженера.")
    expect(executor.locator("#saved")).to_contain_text("сохранено", timeout=10_000)
    executor.get_by_label(re.compile("Согласуева")).check()
    press(executor, executor.get_by_role("button", name="Передать на согласование"))

    # The head of the unit approves this very revision.
    head = at_desk("head1")
    head.goto(card)
    head.locator("main").get_by_role("link", name="Рассмотреть проект ответа").first.click()
    press(head, head.get_by_role("button", name="Согласовать"))

    # The text is frozen; the signature made in the government's system is recorded.
    sign_in_sed(clerk, card, signer="Подписантов")

    # It goes out by SMTP in the applicant's thread, with the letter attached.
    clerk.goto(f"{card}dispatch/")
    clerk.get_by_role("button", name=re.compile("^Отправить")).first.click()
    answer = next(one for one in house.smtp.wait(3, 30) if one not in (receipt, how_to_file))
    assert answer["In-Reply-To"] == "<letter-1@mail.example>"
    assert "<letter-1@mail.example>" in answer["References"]
    assert [part.get_content_type() for part in answer.iter_attachments()][:1] == ["application/pdf"]
    until(clerk, card, "ответ отправлен")

    # The applicant writes again: the same appeal.
    house.mailboxes.deliver("info", _letter(reply_to=answer))
    until(clerk, card, "Спасибо, а где заказать схему?")

    # And says what he thinks.
    citizen = new_page(viewport={"width": 390, "height": 800})
    link = re.search(r"http\S+/feedback/\S+", answer.get_body(("plain",)).get_content())
    assert link
    citizen.goto(link.group())
    _answer_everything(citizen)
    expect(citizen.get_by_role("heading", level=1)).to_contain_text("Спасибо")
    citizen.goto(f"{house.url}/status/")
    citizen.get_by_label("Номер").fill(number)
    citizen.get_by_label("Код").fill(code)
    citizen.get_by_role("button", name="Показать").click()
    expect(citizen.locator("main")).to_contain_text("ответ отправлен", ignore_case=True)


def test_the_form_of_the_site_gives_a_number_and_a_code_that_show_the_state(
    house: House, new_page: Callable[..., Page]
) -> None:
    citizen = new_page(viewport={"width": 320, "height": 720})
    citizen.goto(f"{house.url}/write/")
    _fill_form(citizen)
    ticket = citizen.locator(".portal-ticket dd")
    number, code = ticket.nth(0).inner_text(), ticket.nth(1).inner_text()
    shown = citizen.locator("main").inner_text()
    assert "59-ФЗ" in shown
    citizen.goto(f"{house.url}/status/")
    citizen.get_by_label("Номер").fill(number)
    citizen.get_by_label("Код").fill(code)
    citizen.get_by_role("button", name="Показать").click()
    expect(citizen.locator("main")).to_contain_text("олучено")
    assert code not in citizen.url
    assert number not in citizen.url


def _letter(reply_to: EmailMessage | None = None) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = "Примерова Мария Петровна <maria@mail.example>"
    letter["To"] = "info@department.example"
    if reply_to is None:
        letter["Subject"] = "Земля под гаражом"
        letter["Message-ID"] = "<letter-1@mail.example>"
        letter.set_content("Здравствуйте!\n\nУ меня гараж с 1987 года. Как оформить землю под ним бесплатно?\n\nМария")
        letter.add_attachment(b"%PDF-1.4\n%%EOF", maintype="application", subtype="pdf", filename="Справка.pdf")
    else:
        letter["Subject"] = f"Re: {reply_to['Subject']}"
        letter["Message-ID"] = "<letter-2@mail.example>"
        letter["In-Reply-To"] = reply_to["Message-ID"]
        letter["References"] = f"{reply_to['References']} {reply_to['Message-ID']}"
        letter.set_content("Спасибо, а где заказать схему?")
    return letter


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group()


def _number_and_code(letter: EmailMessage) -> tuple[str, str]:
    text = letter.get_content()
    code = re.search(r"[Кк]од[^:]*:\s*(\S+)", text)
    assert code, text
    return _find(r"О-\d{4}-\d{6}", text), code.group(1)


def _answer_everything(page: Page) -> None:
    """Go through the questionnaire, one question a screen, choosing the first answer."""
    send, further = page.get_by_role("button", name="Отправить отзыв"), page.get_by_role("button", name="Дальше")
    while not send.is_visible():
        page.locator("label.portal-choice:visible").first.click()
        further.click()
    send.click()


def _fill_form(page: Page) -> None:
    """Go through the steps of the public form as a person would."""
    further = page.locator("button.is-main:visible")
    page.get_by_label("Гражданин").check()
    page.get_by_label("Фамилия").fill("Примеров")
    page.get_by_label("Имя", exact=True).fill("Иван")
    further.click()
    page.get_by_label(re.compile("почт", re.IGNORECASE)).first.check()
    page.get_by_label("Адрес электронной почты").fill("ivan@mail.example")
    further.click()
    page.get_by_label("Ваше сообщение").fill("Здравствуйте! Как узнать, свободен ли участок рядом с моим домом?")
    further.click()
    expect(page.locator("main")).to_contain_text("Примеров")
    time.sleep(3)  # the form takes sending within a moment for a machine's
    page.get_by_role("button", name="Отправить").click()
