"""The reconciliation adds up, opens every figure, and explains what does not add up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import registration
from otklik.correspondence import inbox, reconciliation
from otklik.correspondence.models import IncomingMessage
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def day(world: World):
    """Leave a message in every state, one of them delivered twice."""
    registered = world.message()
    appeal = registration.register(registered, registration.entry_for(registered), by=world.clerk)
    registration.join(world.message(text="Дополняю"), appeal, by=world.clerk)
    inbox.reject(world.message(text="Реклама"), reason="Реклама", by=world.clerk)
    waits, unreadable = world.message(text="Ждёт"), world.message(text="Не прочитано")
    IncomingMessage.objects.filter(pk=waits.pk).update(redelivered=2)
    IncomingMessage.objects.filter(pk=unreadable.pk).update(state="quarantined", problem="Нет текста.")
    return timezone.localdate()


def listed(client: Client, figure: str, day) -> str:
    answer = client.get(reverse("workplace:reconciled"), {"day": day, "channel": "post", "figure": figure})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_came_is_what_became_of_it_and_every_figure_opens_its_messages(world: World, day) -> None:
    [row] = reconciliation.tally(day)
    assert (row.seen, row.registered, row.joined, row.rejected, row.waiting, row.quarantined) == (5, 1, 1, 1, 1, 1)
    assert (row.redelivered, row.odd, row.balanced) == (2, 0, True)
    client = Client()
    client.force_login(world.clerk, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("workplace:reconciliation")).content.decode()
    for figure in reconciliation.FIGURES:
        number = reconciliation.counted("post", day, figure).count()
        assert (f"figure={figure}" in page) is (number > 0), figure
        if figure not in ("redelivered", "odd"):
            assert number == getattr(row, figure), figure
    assert "Реклама" in listed(client, "rejected", day)
    assert "Нет текста." in listed(client, "quarantined", day)
    assert "Ив••• М. П." in listed(client, "waiting", day)
    assert "Иванова" not in listed(client, "seen", day)
    assert (
        client.get(reverse("workplace:reconciled"), {"day": day, "channel": "post", "figure": "x"}).status_code == 404
    )


def test_who_sees_no_appeals_counts_them_without_names(world: World, day) -> None:
    client = Client()
    consultant = world.employee("talker", "Голосова", world.registry, ["consultant"])
    client.force_login(consultant, backend="django.contrib.auth.backends.ModelBackend")
    assert "скрыто" in listed(client, "registered", day)
    assert "Ив•••" in listed(client, "waiting", day)


def test_every_difference_says_why(world: World, day) -> None:
    gone, moved, midnight = (world.message(text=str(number)) for number in range(3))
    unjournalled = IncomingMessage.objects.create(
        channel="post", external_id="aside", digest="0", received_at=timezone.now(), state="new"
    )
    IncomingMessage.objects.filter(pk=gone.pk).delete()
    IncomingMessage.objects.filter(pk=moved.pk).update(channel="reception")
    IncomingMessage.objects.filter(pk=midnight.pk).update(stored_at=timezone.now() - timedelta(days=1))
    rows = {row.channel: row for row in reconciliation.tally(day)}
    assert (rows["post"].odd, rows["reception"].odd) == (4, 1)
    assert not rows["post"].balanced
    why = {one.pk: one.why for one in reconciliation.differences("post", day)}
    assert "удалили в обход" in why[gone.pk]
    assert "не отмечен" in why[unjournalled.pk]
    assert "личный приём" in why[moved.pk]
    assert "около полуночи" in why[midnight.pk]
    assert set(why) == {gone.pk, unjournalled.pk, moved.pk, midnight.pk}
    yesterday = reconciliation.differences("post", day - timedelta(days=1))
    assert [(one.pk, "около полуночи" in one.why) for one in yesterday] == [(midnight.pk, True)]
    client = Client()
    client.force_login(world.clerk, backend="django.contrib.auth.backends.ModelBackend")
    assert "Расхождений: 6" in client.get(reverse("workplace:reconciliation")).content.decode()
    assert f"Сообщение {gone.pk}." in listed(client, "odd", day)
