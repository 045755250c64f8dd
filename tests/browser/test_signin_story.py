"""A signing official signs in to a working system: a telephone, a key, recovery codes; and a session that ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import Page, expect

from otklik.demo.staff import PASSWORD
from tests import components
from tests.browser.axe import judge
from tests.browser.house import serving

pytestmark = pytest.mark.browser

SETTLE = """
from otklik.core import installation
from otklik.core.models import Installation
from otklik.demo import staff
installation.mark(Installation.Kind.PRODUCTION)
staff.load()
"""
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    components.CHROMIUM.require()
    with serving(tmp_path_factory.mktemp("signin"), SETTLE) as (url, _, _):
        yield url.replace("127.0.0.1", "localhost")  # a key is bound to a name, not to a number


def code(secret: str) -> str:
    counter = list(totp.yield_hotp_counters_from_time())[1]
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def enter(page: Page, house: str, login: str, back: str = "/desk/") -> None:
    page.goto(f"{house}/accounts/login/?next={back}")
    page.get_by_label("Имя для входа").fill(login)
    page.get_by_label("Пароль", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Войти", exact=True).click()


def leave(page: Page) -> None:
    page.locator(".topbar details.menu > summary").click()
    page.get_by_role("button", name="Выйти").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Вход для сотрудников")


def test_a_signer_sets_up_a_telephone_and_a_key_and_comes_in_by_each(house: str, new_page: Callable[..., Page]) -> None:
    page = new_page()
    heading = page.get_by_role("heading", level=1)
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))

    # The password alone opens one page.
    enter(page, house, "signer")
    expect(heading).to_have_text("Вход и безопасность")
    expect(page.get_by_text("Ваша роль требует второго фактора")).to_be_visible()
    judge(page)
    page.goto(f"{house}/desk/appeals/")
    expect(heading).to_have_text("Вход и безопасность")

    # A telephone.
    page.get_by_role("link", name="Подключить").click()
    judge(page)
    secret = page.locator("code.secret").inner_text()
    page.get_by_label("Код из приложения").fill("123")
    page.get_by_role("button", name="Подключить").click()
    expect(page.get_by_text("Код не подошёл")).to_be_visible()
    page.get_by_label("Код из приложения").fill(code(secret))
    page.get_by_role("button", name="Подключить").click()
    expect(heading).to_have_text("Запасные коды")
    judge(page)
    spare = page.locator(".codes code").first.inner_text()
    page.get_by_role("link", name="Коды сохранены").click()
    page.get_by_role("link", name="Перейти к работе").click()
    expect(page).to_have_url(f"{house}/desk/appeals/")

    # A key, of this computer.
    page.locator(".topbar details.menu > summary").click()
    page.get_by_role("link", name="Вход и безопасность").click()
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    page.get_by_role("link", name="Добавить").click()
    judge(page)
    page.get_by_label("Как назвать ключ").fill("рабочий компьютер")
    page.get_by_label("Входить этим ключом без пароля").check()
    page.get_by_role("button", name="Добавить").click()
    expect(heading).to_have_text("Вход и безопасность")
    expect(page.get_by_text("рабочий компьютер").first).to_be_visible()
    judge(page)
    for link in ("Переименовать", "Удалить", "Отключить", "Выдать новые"):
        page.get_by_role("link", name=re.compile(f"^{link}")).first.click()
        judge(page)
        page.goto(f"{house}/accounts/security/")
    page.goto(f"{house}/desk/")
    leave(page)

    # By key alone; by password and key; by password and a recovery code.
    judge(page)
    page.get_by_role("button", name="Войти по ключу входа").click()
    expect(heading).to_contain_text("Сегодня")
    leave(page)
    enter(page, house, "signer")
    expect(heading).to_have_text("Второй фактор")
    judge(page)
    page.get_by_role("button", name="Воспользоваться ключом входа").click()
    expect(heading).to_contain_text("Сегодня")
    leave(page)
    enter(page, house, "signer")
    page.get_by_label("Код из приложения или запасной код").fill(spare)
    page.get_by_role("button", name="Войти", exact=True).click()
    expect(heading).to_contain_text("Сегодня")
    assert said == []


def test_a_form_outlives_its_session(house: str, new_page: Callable[..., Page]) -> None:
    form = new_page()
    enter(form, house, "clerk", "/desk/away/")
    form.get_by_label("Кто замещает").select_option(index=1)
    form.get_by_label("По какой день включительно").fill("2099-01-01")
    form.get_by_label("Основание").fill("приказ № 7")
    form.context.clear_cookies(name="sessionid")

    # What the page asks by itself is refused; nothing open is touched.
    form.evaluate("() => htmx.ajax('GET', '/desk/menu/', '#menu')")
    notice = form.locator("#session-ended")
    expect(notice).to_be_visible()
    expect(form.locator("#menu")).to_contain_text("Обращения")
    judge(form)

    # Somebody else in this browser takes nothing over; the same person goes on.
    other = form.context.new_page()
    enter(other, house, "executor1")
    _come_back(form)
    expect(notice).to_contain_text("вошёл другой сотрудник")
    leave(other)
    enter(other, house, "clerk")
    expect(other.get_by_role("heading", level=1)).to_contain_text("Сегодня")
    _come_back(form)
    expect(notice).to_be_hidden()
    form.get_by_role("button", name="Назначить заместителя").click()
    expect(form.get_by_text("Замещение записано")).to_be_visible()
    expect(form.get_by_text("приказ № 7")).to_be_visible()


def _come_back(page: Page) -> None:
    page.bring_to_front()
    page.evaluate("() => dispatchEvent(new Event('focus'))")
