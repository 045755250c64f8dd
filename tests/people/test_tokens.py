"""Keys of other programs: whose rights they have, how long, and who may make and end them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people import tokens
from otklik.people.models import AccessToken, Employee
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def administrator(world: World) -> Employee:
    return world.employee("admin", "Админова", world.hq, ["admin"])


def asked(owner: Employee, **changes: Any) -> dict[str, Any]:
    today = timezone.localdate()
    facts = {"name": "ЕКЦ", "scopes": ["messages.create"], "valid_from": today, "valid_to": today}
    return {"owner": owner, **facts, **changes}


def desk(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def typed(owner: Employee, **changes: Any) -> dict[str, Any]:
    facts = asked(owner, **changes)
    return {**facts, "owner": owner.pk, "valid_from": str(facts["valid_from"]), "valid_to": str(facts["valid_to"])}


def test_a_key_lets_in_as_its_owner_and_its_secret_is_nowhere_kept(world: World, administrator: Employee) -> None:
    made = tokens.create(**asked(world.clerk), by=administrator)
    assert made.secret.startswith("otk_")
    assert len(made.secret) >= 4 + 43
    assert tokens.enter(made.secret).owner == world.clerk
    kept = [str(value) for row in AccessToken.objects.values() for value in row.values()]
    said = [str(entry.data) for entry in JournalEntry.objects.all()]
    assert not [one for one in (*kept, *said) if made.secret in one]


def test_a_made_and_an_ended_key_stand_in_the_journal_of_its_owner(world: World, administrator: Employee) -> None:
    made = tokens.create(**asked(world.clerk), by=administrator)
    tokens.end(made.token, by=administrator)
    tokens.end(made.token, by=administrator)
    rows = JournalEntry.objects.filter(chain=f"employee:{world.clerk.pk}", action__startswith="token.")
    assert [(one.action, one.actor) for one in rows] == [
        ("token.created", administrator),
        ("token.ended", administrator),
    ]
    assert rows[0].data["scopes"] == ["messages.create"]


def test_a_key_is_dead_when_ended_too_early_too_late_or_its_owner_is_blocked(world: World) -> None:
    today, day = timezone.localdate(), timedelta(days=1)

    def refused(secret: str) -> str:
        with pytest.raises(tokens.NotAccepted) as refusal:
            tokens.enter(secret)
        return str(refusal.value)

    ended = tokens.create(**asked(world.clerk), by=None)
    tokens.end(ended.token, by=None)
    assert "завершён" in refused(ended.secret)
    early = tokens.create(**asked(world.clerk, valid_from=today + day, valid_to=today + day), by=None)
    assert "действует с" in refused(early.secret)
    late = tokens.create(**asked(world.clerk), by=None)
    AccessToken.objects.filter(pk=late.token.pk).update(valid_from=today - 2 * day, valid_to=today - day)
    assert "действует с" in refused(late.secret)
    orphan = tokens.create(**asked(world.executor), by=None)
    Employee.objects.filter(pk=world.executor.pk).update(is_active=False)
    assert "заблокирована" in refused(orphan.secret)
    assert "нет" in refused("otk_unheard-of")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "  "}, "что подключается"),
        ({"scopes": []}, "Выберите, что разрешено"),
        ({"scopes": ["everything"]}, "Выберите, что разрешено"),
        ({"valid_to": timezone.localdate() - timedelta(days=1)}, "раньше первого"),
        ({"valid_to": timezone.localdate() + timedelta(days=367)}, "на год"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_and_leaves_no_trace(
    world: World, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(tokens.BadToken, match=words):
        tokens.create(**asked(world.clerk, **changes), by=None)
    assert not AccessToken.objects.exists()
    assert not JournalEntry.objects.filter(action="token.created").exists()


def test_the_last_use_is_written_once_a_day(world: World, django_assert_num_queries: Any) -> None:
    made = tokens.create(**asked(world.clerk), by=None)
    with django_assert_num_queries(2):
        tokens.enter(made.secret)
    with django_assert_num_queries(1):
        assert tokens.enter(made.secret).last_used_on == timezone.localdate()


def test_only_an_administrator_makes_keys_and_an_owner_ends_his_own(world: World, administrator: Employee) -> None:
    with pytest.raises(PermissionDenied):
        tokens.create(**asked(world.clerk), by=world.clerk)
    mine = tokens.create(**asked(world.clerk), by=administrator).token
    other = tokens.create(**asked(world.executor), by=administrator).token
    assert list(tokens.seen_by(world.clerk)) == [mine]
    assert set(tokens.seen_by(administrator)) == {mine, other}
    with pytest.raises(PermissionDenied):
        tokens.end(other, by=world.clerk)
    tokens.end(mine, by=world.clerk)
    assert set(AccessToken.objects.filter(ended_at=None)) == {other}


def test_the_page_shows_a_secret_once(world: World, administrator: Employee) -> None:
    client = desk(administrator)
    made = client.post(reverse("workplace:tokens"), typed(world.clerk))
    secret = made.context["made"].secret
    assert secret in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert tokens.enter(secret).created_by == administrator
    again = client.get(reverse("workplace:tokens")).content.decode()
    assert secret not in again
    assert "ЕКЦ" in again
    client.post(reverse("workplace:token_end", args=[AccessToken.objects.get().pk]))
    with pytest.raises(tokens.NotAccepted):
        tokens.enter(secret)


def test_a_page_sent_again_makes_no_second_key(world: World, administrator: Employee) -> None:
    client = desk(administrator)
    made = client.post(reverse("workplace:tokens"), typed(world.clerk))
    again = client.post(reverse("workplace:tokens"), typed(world.clerk))
    assert again.status_code == 422
    assert "уже выдан и действует" in again.content.decode()
    assert AccessToken.objects.get().pk == made.context["made"].token.pk
    tokens.end(made.context["made"].token, by=administrator)
    assert client.post(reverse("workplace:tokens"), typed(world.clerk)).status_code == 200


def test_the_page_says_in_words_what_a_key_may(world: World, administrator: Employee) -> None:
    client = desk(administrator)
    client.post(reverse("workplace:tokens"), typed(world.clerk))
    page = client.get(reverse("workplace:tokens")).content.decode()
    may = AccessToken.objects.get().scopes
    assert all(f"{tokens.SCOPES[one]}" in page for one in may)
    assert "Вернуть ключ нельзя" in page


def test_the_page_keeps_what_was_typed_when_it_refuses(world: World, administrator: Employee) -> None:
    far = timezone.localdate() + timedelta(days=900)
    page = desk(administrator).post(reverse("workplace:tokens"), typed(world.clerk, name="Телефония", valid_to=far))
    assert page.status_code == 422
    assert "на год" in page.content.decode()
    assert 'value="Телефония"' in page.content.decode()
    assert not AccessToken.objects.exists()


def test_an_employee_sees_his_own_keys_on_the_page_and_cannot_make_any(world: World, administrator: Employee) -> None:
    tokens.create(**asked(world.clerk, name="Ключ делопроизводителя"), by=administrator)
    other = tokens.create(**asked(world.executor, name="Ключ исполнителя"), by=administrator).token
    client = desk(world.clerk)
    page = client.get(reverse("workplace:tokens")).content.decode()
    assert "Ключ делопроизводителя" in page
    assert "Ключ исполнителя" not in page
    assert "Выдать ключ" not in page
    assert client.post(reverse("workplace:tokens"), typed(world.clerk)).status_code == 403
    assert client.post(reverse("workplace:token_end", args=[other.pk])).status_code == 404
    assert AccessToken.objects.filter(ended_at=None).count() == 2


def test_the_command_makes_lists_and_ends(world: World) -> None:
    said, aside = StringIO(), StringIO()
    call_command("token", "create", "clerk", "ЕКЦ", "--scope", "messages.create", stdout=said, stderr=aside)
    token = tokens.enter(said.getvalue().strip())
    assert token.owner == world.clerk
    assert "больше он не покажется" in aside.getvalue()
    listed = StringIO()
    call_command("token", "list", stdout=listed)
    assert "ЕКЦ" in listed.getvalue()
    assert said.getvalue().strip() not in listed.getvalue()
    call_command("token", "end", str(token.pk), stdout=StringIO())
    with pytest.raises(tokens.NotAccepted):
        tokens.enter(said.getvalue().strip())


@pytest.mark.parametrize(
    "words",
    [
        ("create", "nobody", "ЕКЦ", "--scope", "messages.create"),
        ("create", "clerk", "ЕКЦ", "--scope", "messages.create", "--to", "2020-01-01"),
        ("end", "404"),
    ],
)
def test_the_command_refuses_in_words(world: World, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("token", *words, stdout=StringIO())
    assert not AccessToken.objects.exists()
