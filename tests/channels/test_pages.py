"""«Каналы» as an administrator sees them: states in words, settings, history, contact points, notices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.channels import compliance
from otklik.channels.mail.models import MailboxState
from otklik.correspondence import connections
from otklik.correspondence.models import Connection, ContactPoint, IncomingMessage, Outage
from otklik.people.models import Employee
from otklik.reports import channels, health
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.channels.fakes import REFUSES, VALUES, Told, channel, switch_on

pytestmark = pytest.mark.django_db
__all__ = ["channel"]


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def admin(world: World) -> Employee:
    return world.employee("admin", "Админова", world.hq, ["admin"])


@pytest.fixture
def desk(admin: Employee) -> Client:
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(f"workplace:{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def came(code: str, times: list[datetime]) -> None:
    rows = [IncomingMessage(channel=code, external_id=str(at), digest="0", received_at=at) for at in times]
    IncomingMessage.objects.bulk_create(rows)
    for one, at in zip(IncomingMessage.objects.filter(channel=code).order_by("pk"), times, strict=True):
        IncomingMessage.objects.filter(pk=one.pk).update(stored_at=at)


def at(moment: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(moment))


def test_every_channel_of_the_order_has_a_line_with_its_state(channel: Told, desk: Client, world: World) -> None:
    page = shown(desk, "channels")
    for name in ("Электронная почта", "МЭДО", "ВКонтакте", "Личный приём", "Мессенджер MAX"):
        assert name in page
    assert "Ещё не подключён" in page
    assert channels.state_of("reception").state == "by_hand"
    world.message(channel="reception")
    assert "100 %" in shown(desk, "channels")


def test_the_page_asks_as_many_questions_whatever_there_is(
    channel: Told, desk: Client, django_assert_max_num_queries: Any
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown(desk, "channels")
        return len(queries)

    asked()
    few = asked()
    switch_on(channel)
    for code in ("email", "website", "max", "post"):
        came(code, [timezone.now() - timedelta(hours=hour) for hour in range(30)])
    assert asked() <= few + 1  # secrets are opened without asking; the calendar may be read anew
    assert few <= 14


def test_a_channel_that_fails_says_so_in_words_and_is_told_of_once(
    channel: Told, desk: Client, admin: Employee
) -> None:
    switch_on(channel)
    channel.fails = REFUSES
    connections.visit(channel)
    assert channels.state_of("max").state == "failing"  # it has never worked
    assert notices.tell_of_channels() == 1
    assert notices.tell_of_channels() == 0
    note = Notice.objects.get(kind="channel")
    assert (note.employee, note.text, note.path) == (admin, "Канал не работает", "/desk/channels/max/")
    page = shown(desk, "channel", "max")
    assert str(REFUSES) in page
    assert "Проверьте параметры" in page
    assert "продолжается" in page
    area = next(one for one in health.areas() if one.code == "channels")
    assert (area.level, area.facts[0].title) == ("bad", "мессенджер MAX")
    assert Client().get("/readyz").json()["outages"] == {"max": "failing"}

    channel.fails = None
    Connection.objects.update(not_before=None)
    connections.visit(channel)
    assert notices.tell_of_channels() == 0
    assert Outage.objects.get().ended_at
    assert Client().get("/readyz").json()["outages"] == {}
    assert channels.state_of("max").state == "working"

    channel.fails = REFUSES
    for _ in range(2):
        connections.visit(channel)
    assert channels.state_of("max").state == "working", "it worked a minute ago: the next visit may mend it"
    Connection.objects.update(failures=3)
    assert notices.tell_of_channels() == 1, "another outage is told of anew"


def test_nobody_visits_a_channel_when_no_worker_does(channel: Told, world: World) -> None:
    switch_on(channel)
    connections.visit(channel)
    Connection.objects.update(visited_at=timezone.now() - timedelta(hours=2))
    state = channels.state_of("max")
    assert (state.state, state.do) == ("failing", channels.UNVISITED)


def test_a_channel_is_silent_after_as_many_working_hours_as_was_said(
    channel: Told, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(channel)
    came("max", [at("2026-11-20T16:00")])  # a Friday; work ends at 17:00
    connections.expect("max", 3, by=None)
    connections.visit(channel)
    for now, state in (("2026-11-23T10:30", "working"), ("2026-11-23T12:00", "silent")):
        monkeypatch.setattr("otklik.reports.channels.timezone.now", lambda now=now: at(now))
        Connection.objects.update(visited_at=at(now), worked_at=at(now))
        assert channels.state_of("max").state == state


def test_what_is_usual_is_learned_from_twenty_messages(
    channel: Told, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(channel)
    every_two_hours = [at(f"2026-11-{day:02}T{hour:02}:00") for day in (16, 17, 18, 19) for hour in (9, 11, 13, 15, 17)]
    came("max", every_two_hours[:-1])
    now = at("2026-11-20T16:00")
    monkeypatch.setattr("otklik.reports.channels.timezone.now", lambda: now)
    Connection.objects.update(visited_at=now, worked_at=now)
    assert channels.state_of("max").silent_after is None
    came_last = IncomingMessage.objects.create(channel="max", external_id="last", digest="0", received_at=now)
    IncomingMessage.objects.filter(pk=came_last.pk).update(stored_at=every_two_hours[-1])
    state = channels.state_of("max")
    assert (state.usual, state.silent_after, state.state) == (2, 10, "working")
    later = at("2026-11-23T12:00")
    monkeypatch.setattr("otklik.reports.channels.timezone.now", lambda: later)
    Connection.objects.update(visited_at=later, worked_at=later)
    assert channels.state_of("max").state == "silent"


def test_settings_are_typed_and_a_secret_is_never_shown(channel: Told, desk: Client, admin: Employee) -> None:
    address = reverse("workplace:channel_settings", args=["max"])
    wrong = desk.post(address, {"set-name": "Департамент", "set-folder": "обмен"})
    assert wrong.status_code == 422
    assert "от косой черты" in wrong.content.decode()
    assert 'value="Департамент"' in wrong.content.decode()
    assert desk.post(address, {"set-name": "Департамент", "set-token": VALUES["token"]}).status_code == 302
    page, form = shown(desk, "channel", "max"), desk.get(address).content.decode()
    assert VALUES["token"] not in page + form
    assert "введён" in page
    assert "Пустое поле оставит прежний" in form
    desk.post(address, {"set-name": "Другое", "set-token": "", "set-comments": "on"})
    told = connections.drafted("max")
    assert (told["name"], told["token"], told["comments"]) == ("Другое", VALUES["token"], True)


def test_the_button_asks_the_other_side_and_a_pause_is_over_when_it_answers(channel: Told, desk: Client) -> None:
    switch_on(channel)
    address = reverse("workplace:channel_try", args=["max"])
    Connection.objects.update(not_before=timezone.now() + timedelta(minutes=10))
    assert "Связь есть. Сообщество «Департамент»." in desk.post(address, follow=True).content.decode()
    assert Connection.objects.get().not_before is None
    channel.fails = REFUSES
    assert f"Связи нет. {REFUSES}" in desk.post(address, follow=True).content.decode()
    channel.fails = ValueError(VALUES["token"])
    broken = desk.post(address, follow=True).content.decode()
    assert "ValueError" in broken
    assert VALUES["token"] not in broken


def test_a_channel_is_switched_on_and_off_with_its_reason_in_the_history(channel: Told, desk: Client) -> None:
    address = reverse("workplace:channel_switch", args=["max"])
    assert "не заполнено" in desk.post(address, {"reason": ""}).content.decode()
    connections.configure(channel, VALUES, by=None)
    assert desk.post(address, {"reason": ""}).status_code == 302
    assert desk.post(address, {"reason": ""}).status_code == 422
    assert desk.post(address, {"reason": "Переезд сообщества"}).status_code == 302
    assert "Выключен: Переезд сообщества" in shown(desk, "channel", "max")
    assert channels.state_of("max").note == "Причина: Переезд сообщества"


def test_silence_is_typed_in_hours(channel: Told, desk: Client) -> None:
    address = reverse("workplace:channel_silence", args=["max"])
    assert desk.post(address, {"silent_after": "0"}).status_code == 422
    assert desk.post(address, {"silent_after": "16"}).status_code == 302
    assert Connection.objects.get().silent_after == 16
    desk.post(address, {"silent_after": ""})
    assert Connection.objects.get().silent_after is None


def test_contact_points_are_added_changed_and_ended(channel: Told, desk: Client) -> None:
    new = reverse("workplace:channel_point_new", args=["max"])
    facts = {"name": "Канал в MAX", "code": "max-channel", "address": "max.example/diizo", "valid_from": "2026-11-01"}
    assert desk.post(new, {**facts, "order": "10", "valid_to": "2026-10-01"}).status_code == 422
    assert desk.post(new, {**facts, "order": "10"}).status_code == 302
    point = ContactPoint.objects.get(code="max-channel")
    assert point.channel == "max"
    desk.post(reverse("workplace:channel_point", args=[point.pk]), {**facts, "name": "MAX", "code": "x", "order": "10"})
    desk.post(reverse("workplace:channel_point_end", args=[point.pk]), {"last_day": "2026-11-20"})
    point.refresh_from_db()
    assert (point.name, point.code, str(point.valid_to)) == ("MAX", "max-channel", "2026-11-20")
    assert "завершена" in shown(desk, "channel", "max")


def test_a_mailbox_that_fails_is_the_channel_that_fails(world: World, desk: Client, settings: Any) -> None:
    settings.MAILBOXES = ["imaps://info:pw@mail.example/INBOX"]
    assert channels.state_of("email").state == "working"
    MailboxState.objects.create(name="info@mail.example/INBOX", polled_at=timezone.now(), error="ящик не опрошен")
    assert channels.state_of("email").state == "failing"
    page = shown(desk, "channel", "email")
    assert "info@mail.example/INBOX" in page
    assert "OTKLIK_MAILBOXES" in page


def test_who_only_looks_changes_nothing(channel: Told, world: World) -> None:
    from otklik.people.models import RolePower

    looker = world.employee("looker", "Глядова", world.hq, ["admin"])
    RolePower.objects.filter(power="channels.connect").delete()
    client = Client()
    client.force_login(looker, backend="django.contrib.auth.backends.ModelBackend")
    assert "Проверить связь" not in shown(client, "channel", "max")
    for name in ("channel_settings", "channel_switch", "channel_point_new"):
        assert client.get(reverse(f"workplace:{name}", args=["max"])).status_code == 403
    assert client.post(reverse("workplace:channel_try", args=["max"])).status_code == 403


def test_the_procedure_is_told_honestly_what_is_on_and_what_is_off(channel: Told, world: World) -> None:
    world.message(channel="reception")
    told = compliance.PROMISES[0].figure(timezone.localdate())
    assert told.number == 1
    assert "личный приём — 1" in told.text
    assert "Выключены: мессенджер MAX" in told.text
    switch_on(channel)
    assert "Выключены" not in compliance.PROMISES[0].figure(timezone.localdate()).text


def test_no_such_channel(desk: Client) -> None:
    assert desk.get("/desk/channels/pigeon/").status_code == 404
    assert desk.get(reverse("workplace:channel_settings", args=["email"])).status_code == 404
