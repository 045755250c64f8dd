"""The first days: an empty installation tells each one what to do next; the mail is tried on a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import Installation
from otklik.people import staff
from otklik.people.entrance import READY
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.servers import free_port, smtp_sink
from tests.workplace.test_every_address import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def begins(employee: Employee) -> str:
    page = signed_in(employee).get("/desk/").content.decode()
    return page.split("С чего начать", 1)[1].split("</section>")[0] if "С чего начать" in page else ""


def test_each_one_is_told_what_to_do_until_the_first_appeal_is_there(world: World) -> None:
    admin = world.employee("admin", "Админова", world.hq, ["admin"])
    author = world.employee("author", "Авторова", world.land, ["kb_author"])
    assert "Проверьте почту" in begins(admin)
    assert "Выдайте первые пароли" in begins(admin)
    assert "Заведите разделы" in begins(admin)
    assert "Ждите первое письмо" in begins(world.clerk)
    assert "Записать сообщение" in begins(world.clerk)
    assert "Ответы готовят здесь" in begins(world.executor)
    assert "Согласуют здесь" in begins(world.head)
    assert "Напишите первые материалы" in begins(author)
    for who in (world.clerk, world.executor, author):
        assert "Проверьте почту" not in begins(who)
        assert "пароли" not in begins(who)
    world.registered()
    assert [who.username for who in (admin, world.clerk, world.executor, world.head, author) if begins(who)] == []


def test_the_administrator_is_told_which_duty_nobody_has(world: World) -> None:
    admin = world.employee("admin", "Админова", world.hq, ["admin"])
    assert "никто не может" not in begins(admin)
    signers = staff.holders("appeals.sign", on=timezone.localdate())
    Employee.objects.filter(pk__in=list(signers.values_list("pk", flat=True))).update(is_active=False)
    assert "Пока никто не может подписывать" in begins(admin)
    Employee.objects.exclude(pk=admin.pk).update(is_active=False)
    assert "регистрировать" in begins(admin)


def test_the_mail_is_tried_at_once_and_told_in_words(world: World, production: Installation, settings: Any) -> None:
    client = signed_in(world.employee("looker", "Смотрова", world.hq, ["admin"]))
    settings.MAILBOXES = [f"imap://info:secret@127.0.0.1:{free_port()}/INBOX"]
    session = client.session
    session[READY] = True  # the second factor is another story
    session.save()
    with smtp_sink() as sink:
        settings.SMTP_URL = sink.url
        page = tried(client)
        assert "ящик info@127.0.0.1/INBOX не открывается" in page
        assert "сервер нас принимает" in page
        assert sink.letters == []
    assert "не принимает нас" in tried(client)
    assert "secret" not in page
    assert "Исправьте OTKLIK_MAILBOXES" in page


def test_on_a_demo_stand_no_server_is_asked(world: World, demo_stand: Installation, settings: Any) -> None:
    settings.MAILBOXES = ["imaps://info:secret@mail.example/INBOX"]
    client = signed_in(world.employee("looker", "Смотрова", world.hq, ["admin"]))
    assert "письма никуда не уходят" in tried(client)
    assert signed_in(world.executor).post(reverse("workplace:try_mail")).status_code == 403


def tried(client: Client) -> str:
    page = client.post(reverse("workplace:try_mail")).content.decode()
    return page.split('id="tried"', 1)[1].split("</section>")[0]
