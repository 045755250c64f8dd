"""From an empty folder to the first answered letter: `otklik init` unattended, then people only, in browsers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from tests import components
from tests.browser import house
from tests.browser.steps import press, sign_in_sed, until
from tests.browser.test_signin_story import code
from tests.servers import Mailboxes, Sink, dovecot, free_port, smtp_sink

pytestmark = [pytest.mark.browser, pytest.mark.dovecot]

STAFF = (
    ("Имя для входа", "Фамилия", "Имя", "Отчество", "Должность", "Подразделение", "Роли"),
    ("klykova", "Клыкова", "Вера", "Ильинична", "делопроизводитель", "Орготдел", "делопроизводитель"),
    ("ispolnov", "Исполнов", "Егор", "Львович", "специалист", "Отдел земли", "исполнитель"),
    ("nachalova", "Началова", "Ада", "Петровна", "начальник отдела", "Отдел земли", "начальник подразделения"),
    ("podpisov", "Подписов", "Лев", "Ильич", "заместитель", "Орготдел", "подписывающее должностное лицо"),
)
ANSWERS = """
[department]
address = "630007, г. Новосибирск, ул. Примерная, 1"
email = "info@department.example"
registry_unit = "Орготдел"
[[units]]
name = "Орготдел"
index = "01"
[[units]]
name = "Отдел земли"
[web]
base_url = "{url}"
[mail]
mailboxes = ["{mailbox}"]
smtp = "{smtp}"
[administrator]
login = "ivanova"
last_name = "Иванова"
first_name = "Анна"
unit = "Орготдел"
[staff]
file = "staff.xlsx"
"""
CHOSEN = "кошка ест синий трактор"


@dataclass
class Begun:
    """A working system that nobody has entered yet."""

    url: str
    password: str
    mailboxes: Mailboxes
    smtp: Sink
    started: float


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    """Set up from nothing but a file of answers and a spreadsheet; start the services as production.md does."""
    components.CHROMIUM.require()
    components.DOVECOT.require()
    with ExitStack() as stack:
        mailboxes, smtp = stack.enter_context(dovecot()), stack.enter_context(smtp_sink())
        house._copy_migrated(tmp_path / "data")  # migrations alone take half a minute, and are the same for everybody
        started, port = time.monotonic(), free_port()
        url = f"http://127.0.0.1:{port}"
        book = Workbook()
        for row in STAFF:
            book.active.append(row)
        book.save(tmp_path / "staff.xlsx")
        told = ANSWERS.format(url=url, mailbox=mailboxes.url("info"), smtp=smtp.url)
        (tmp_path / "answers.toml").write_text(told, encoding="utf-8")
        bare = {key: value for key, value in os.environ.items() if not key.startswith(("OTKLIK_", "DATABASE_URL"))}
        bare |= {"PYTHONPATH": str(house.ROOT), "DJANGO_SETTINGS_MODULE": "otklik.config.settings"}
        first = {**bare, "OTKLIK_DATA": str(tmp_path / "data"), "OTKLIK_INSECURE_HTTP": "yes"}
        command = [*house.OTKLIK, "init", "--file", "answers.toml"]
        done = subprocess.run(command, env=first, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        [password] = re.findall(r"одноразовый пароль: (\S+)", done.stdout)
        said = dict(re.findall(r'^(\w+)="(.*)"$', (tmp_path / "otklik.env").read_text(), re.M))
        env = {**bare, **said, "OTKLIK_MAIL_SECONDS": "1", "OTKLIK_UNDO_SECONDS": "2", "OTKLIK_LOG_LEVEL": "WARNING"}
        for command in (["serve", "--port", str(port)], ["worker"], ["scheduler"]):
            stack.callback(house._stop, house._start([*house.OTKLIK, *command], env, tmp_path))
        house._answers(f"{url}/healthz")
        yield Begun(url, password, mailboxes, smtp, started)


def enter(page: Page, url: str, login: str, password: str) -> None:
    """Come in with a temporary password and choose one's own: nothing else opens before."""
    page.goto(f"{url}/desk/")
    page.get_by_label("Имя для входа").fill(login)
    page.get_by_label("Пароль", exact=True).fill(password)
    page.get_by_role("button", name="Войти", exact=True).click()
    page.get_by_label("Временный пароль").fill(password)
    page.get_by_label("Новый пароль", exact=True).fill(CHOSEN)
    page.get_by_label("Новый пароль ещё раз").fill(CHOSEN)
    press(page, page.get_by_role("button", name="Сменить пароль"))


def test_from_an_empty_folder_to_the_first_answered_letter(begun: Begun, new_page: Callable[..., Page]) -> None:
    marks = [("настройка и запуск служб", begun.started)]

    def passed(what: str) -> None:
        marks.append((what, time.monotonic()))

    def begins(page: Page, *advice: str) -> None:
        """What one sees first says what to do first."""
        panel = page.get_by_role("region", name="С чего начать")
        for one in advice:
            expect(panel).to_contain_text(one)

    # The first administrator: a password of her own, a telephone; then the mail, and passwords for the others.
    passed("вход администратора, второй фактор")
    admin = new_page()
    enter(admin, begun.url, "ivanova", begun.password)
    admin.get_by_role("link", name="Подключить").click()
    admin.get_by_label("Код из приложения").fill(code(admin.locator("code.secret").inner_text()))
    admin.get_by_role("button", name="Подключить").click()
    admin.get_by_role("link", name="Коды сохранены").click()
    admin.get_by_role("link", name="Перейти к работе").click()
    begins(admin, "Проверьте почту", "Без пароля сотрудников: 4", "Заведите разделы Базы знаний")
    expect(admin.get_by_role("region", name="С чего начать")).not_to_contain_text("Назначьте роли")
    passed("проверка почты и временные пароли")
    admin.get_by_role("link", name="Состояние системы").first.click()
    admin.get_by_role("button", name="Проверить почту").click()
    tried = admin.get_by_role("region", name="Проверка почты")
    expect(tried).to_contain_text("ящик открывается")
    expect(tried).to_contain_text("сервер нас принимает")
    admin.goto(f"{begun.url}/desk/")
    admin.get_by_role("link", name="Временные пароли").click()
    admin.get_by_role("button", name="Выдать отмеченным").click()
    rows = admin.get_by_role("region", name="Временные пароли").locator("tbody tr")
    expect(rows).to_have_count(4)
    given = {row.locator("td").first.inner_text(): row.locator("code").inner_text() for row in rows.all()}

    # The citizen writes; the clerk comes in for the first time and finds the letter.
    passed("регистрация, классификация, назначение")
    begun.mailboxes.deliver("info", _letter())
    clerk = new_page()
    enter(clerk, begun.url, "klykova", given["klykova"])
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("Сегодня")
    until(clerk, f"{begun.url}/desk/appeals/?view=registration", "Земля под гаражом")
    clerk.get_by_role("link", name="Земля под гаражом").first.click()
    clerk.get_by_role("radio", name=re.compile("^да", re.IGNORECASE)).first.check()
    topic = clerk.get_by_label("Тема (классификатор)")
    topic.select_option(label=topic.locator("option", has_text="Образование, раздел").inner_text().strip())
    clerk.get_by_label("Типовая потребность").select_option(label="Получить участок без торгов")
    press(clerk, clerk.get_by_role("button", name="Принять и зарегистрировать"))
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("гараж", ignore_case=True)
    card = re.sub(r"[?#].*", "", clerk.url)
    clerk.goto(f"{card}assign/")
    clerk.get_by_label("Подразделение").select_option(label="Отдел земли")
    executors = clerk.get_by_label(re.compile("^Исполнитель"))
    expect(executors.locator("option", has_text="Исполнов")).to_have_count(1)
    executors.select_option(label=executors.locator("option", has_text="Исполнов").inner_text().strip())
    press(clerk, clerk.get_by_role("button", name="Назначить"))

    # The executor writes without a material: there is none yet, and the page says so.
    passed("проект ответа")
    executor = new_page()
    enter(executor, begun.url, "ispolnov", given["ispolnov"])
    executor.goto(f"{card}draft/")
    executor.locator("#draft-text").press_sequentially("Уважаемая Мария Петровна!\n\nУчасток можно получить бесплатно.")
    expect(executor.locator("#saved")).to_contain_text("сохранено", timeout=10_000)
    executor.get_by_label(re.compile("Началова")).check()
    press(executor, executor.get_by_role("button", name="Передать на согласование"))

    passed("согласование")
    head = new_page()
    enter(head, begun.url, "nachalova", given["nachalova"])
    head.goto(card)
    head.locator("main").get_by_role("link", name="Рассмотреть проект ответа").first.click()
    press(head, head.get_by_role("button", name="Согласовать"))

    passed("подпись и отправка")
    sign_in_sed(clerk, card, signer="Подписов")
    clerk.goto(f"{card}dispatch/")
    clerk.get_by_role("button", name=re.compile("^Отправить")).first.click()
    letters = begun.smtp.wait(3, 30)
    answer = next(one for one in letters if list(one.iter_attachments()))
    assert answer["In-Reply-To"] == "<letter-1@mail.example>"
    assert answer["From"].addresses[0].addr_spec == "info@department.example"
    assert [part.get_content_type() for part in answer.iter_attachments()][:1] == ["application/pdf"]
    passed("")

    for (what, since), (_, ended) in pairwise(marks):
        print(f"{ended - since:6.1f} с  {what}")  # noqa: T201
    print(f"{marks[-1][1] - begun.started:6.1f} с  от пустой папки до первого ответа")  # noqa: T201


def _letter() -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = "Примерова Мария Петровна <maria@mail.example>"
    letter["To"] = "info@department.example"
    letter["Subject"] = "Земля под гаражом"
    letter["Message-ID"] = "<letter-1@mail.example>"
    letter.set_content("Здравствуйте!\n\nУ меня гараж с 1987 года. Как оформить землю под ним бесплатно?\n\nМария")
    return letter
