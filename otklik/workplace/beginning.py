"""The first days of a working system: what each one does next, told on «Сегодня» until the first appeal is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.knowledge.models import Section
from otklik.people import directory, staff
from otklik.people.models import Employee

# What somebody has to be able to do before a letter can be answered, and the role that begins with it.
DUTIES: Final = {
    "intake.decide": "регистрировать («делопроизводитель»)",
    "appeals.draft": "готовить ответы («исполнитель»)",
    "appeals.approve": "согласовывать («начальник подразделения»)",
    "appeals.sign": "подписывать («подписывающее должностное лицо»)",
    "appeals.dispatch": "отправлять («делопроизводитель»)",
}


@dataclass(frozen=True)
class Advice:
    """One thing to do, or to expect: in words, and where."""

    icon: str
    title: str
    text: str
    link: str = ""
    url: str = ""


def advice(employee: Employee) -> list[Advice]:
    """Return what this employee does first; nothing once there is an appeal."""
    if Appeal.objects.exists():
        return []
    return [*_of_administrator(employee), *_of_editors(employee), *_of_work(employee)]


def _of_administrator(employee: Employee) -> Iterator[Advice]:
    if employee.has_power("system.view"):
        yield Advice(
            "mail-opened",
            "Проверьте почту",
            "Отклик войдёт в каждый ящик и поздоровается с сервером отправки, ничего не забирая и не отправляя.",
            "Состояние системы",
            reverse("workplace:system"),
        )
    if not employee.has_power("people.manage"):
        return
    if not Employee.objects.exclude(pk=employee.pk).exists():
        yield Advice(
            "users-plus",
            "Заведите сотрудников",
            "По одному или сразу всех из таблицы Excel, с подразделениями и ролями.",
            "Загрузить из таблицы",
            reverse("workplace:staff_import"),
        )
        return
    held = staff.powers_held(timezone.localdate())
    if missing := [words for power, words in DUTIES.items() if power not in held]:
        yield Advice(
            "shield-lock",
            "Назначьте роли",
            f"Пока никто не может {'; '.join(missing)}.",
            "Сотрудники",
            reverse("workplace:staff"),
        )
    if number := directory.without_password(Employee.objects.all()).count():
        yield Advice(
            "key",
            "Выдайте первые пароли",
            f"Без пароля сотрудников: {number}. Временный пароль показывается один раз, при входе его меняют.",
            "Временные пароли",
            reverse("workplace:staff_passwords"),
        )


def _of_editors(employee: Employee) -> Iterator[Advice]:
    if employee.has_power("knowledge.manage") and not Section.objects.exclude(function=None).exists():
        yield Advice(
            "book-2",
            "Заведите разделы Базы знаний",
            "По функциям департамента, с ответственными подразделениями. Авторы напишут в них ответы и шаблоны писем.",
            "Править Базу знаний",
            reverse("wagtailadmin_home"),
        )
    elif employee.has_power("knowledge.edit") and not employee.has_power("knowledge.manage"):
        yield Advice(
            "book-2",
            "Напишите первые материалы",
            "Начните с вопросов, которые задают чаще всего: шаблон ответа вставляется в письмо одним нажатием.",
            "База знаний",
            reverse("workplace:knowledge"),
        )


def _of_work(employee: Employee) -> Iterator[Advice]:
    if employee.has_power("intake.decide"):
        yield Advice(
            "inbox",
            "Ждите первое письмо",
            "Письма из ящика и с сайта появятся здесь сами, в «Ждёт вас». Пришедшее на бумаге запишите сами.",
            "Записать сообщение",
            reverse("workplace:new_appeal"),
        )
    for power, icon, title, text in (
        ("appeals.draft", "edit", "Ответы готовят здесь", "Обращение появится в «Ждёт вас», когда его вам назначат."),
        (
            "appeals.approve",
            "checklist",
            "Согласуют здесь",
            "Проект ответа появится в «Ждёт вас», когда его передадут.",
        ),
        ("appeals.sign", "signature", "Подписывают здесь", "Согласованное письмо появится в «Ждёт вас»."),
    ):
        if employee.has_power(power):
            yield Advice(icon, title, text)
