"""Pages of what goes out to other systems, and of files kept aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.channels.webhooks.models import Webhook, WebhookCall
from otklik.core import examining, files
from otklik.core.models import FileExamination, JournalEntry
from otklik.correspondence.models import IncomingFile, IncomingMessage, OutgoingMessage, SendingRule, SendingState
from otklik.people.models import Employee
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.core.test_files import archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def admin(world: World) -> Client:
    return desk(world.employee("root", "Администраторова", world.hq, ["admin"]))


def desk(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def at(name: str, *args: object) -> str:
    return reverse(f"workplace:{name}", args=args)


def shown(client: Client, *place: object) -> str:
    return client.get(at(*place)).content.decode()


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_stopped_channel_is_seen_with_the_other_sides_words_and_tried_by_a_button(world, admin):
    world.registered_email()
    soon = timezone.now() + timedelta(minutes=5)
    facts = {"failures": 5, "broken_at": timezone.now(), "probe_at": soon, "error": "Сервер не отвечает"}
    SendingState.objects.create(channel="email", **facts)
    page = shown(admin, "sending")
    assert "остановлен с" in page
    assert "Сервер не отвечает" in page
    assert "остановлен с" in shown(desk(world.clerk), "deliveries"), "the clerk sees why letters wait"
    assert admin.post(at("sending_try", "email")).status_code == 302
    assert SendingState.objects.get().probe_at <= timezone.now()


def test_the_rule_of_a_channel_is_changed_and_what_was_typed_wrong_is_kept(world, admin):
    typed = {"per_second": "", "per_minute": "20", "quiet_from": "22:00", "quiet_to": "", "breaks_after": "3"}
    wrong = admin.post(at("sending_rule", "telegram"), typed)
    assert wrong.status_code == 422
    assert "и начало, и конец" in wrong.content.decode()
    assert "22:00" in wrong.content.decode()
    assert admin.post(at("sending_rule", "telegram"), {**typed, "quiet_to": "08:00"}).status_code == 302
    rule = SendingRule.objects.get()
    assert (rule.per_minute, rule.breaks_after, f"{rule.quiet_to:%H:%M}") == (20, 3, "08:00")
    assert admin.get(at("sending_rule", "pigeon")).status_code == 404
    assert desk(world.clerk).post(at("sending_rule", "telegram"), typed).status_code == 403


def test_letters_not_delivered_are_filtered_and_many_are_sent_again(world):
    world.registered_email()
    world.registered_email()
    OutgoingMessage.objects.update(state="failed", error="550 нет такого ящика")
    clerk, rows = desk(world.clerk), list(OutgoingMessage.objects.order_by("pk"))
    page = shown(clerk, "deliveries")
    assert page.count('name="letters"') == len(rows)
    assert "550 нет такого ящика" in page
    assert "Таких писем нет" in clerk.get(at("deliveries") + "?channel=telegram").content.decode()
    assert "Таких писем нет" in clerk.get(at("deliveries") + "?state=by_hand").content.decode()
    chosen = [rows[0].pk, rows[1].pk, 10**30, "x"]
    clerk.post(at("resend_many"), {"letters": chosen})
    assert OutgoingMessage.objects.filter(state="queued").count() == 2
    assert JournalEntry.objects.filter(action="outgoing.resent", actor=world.clerk).count() == 2
    assert desk(world.auditor).post(at("resend_many"), {"letters": chosen}).status_code == 403


# --- webhooks --------------------------------------------------------------------------------------------------------


def asked(owner: Employee, **changes: Any) -> dict[str, Any]:
    today = timezone.localdate()
    facts = {"name": "Портал", "url": "http://127.0.0.1:9/hear", "events": ["appeal.closed"], "owner": owner.pk}
    return {**facts, "valid_from": today.isoformat(), "valid_to": (today + timedelta(days=9)).isoformat(), **changes}


def test_a_system_is_connected_and_its_secret_is_shown_once(world, admin, settings):
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    made = admin.post(at("webhooks"), asked(world.clerk))
    assert "whsec_" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    row = Webhook.objects.get()
    for page in (shown(admin, "webhooks"), shown(admin, "webhook", row.pk)):
        assert "Портал" in page
        assert "whsec_" not in page


def test_an_inner_address_is_refused_beside_its_field_and_the_rest_is_kept(world, admin):
    refused = admin.post(at("webhooks"), asked(world.clerk))
    assert refused.status_code == 422
    assert "внутреннюю сеть" in refused.content.decode()
    assert "Портал" in refused.content.decode()
    assert not Webhook.objects.exists()


def test_a_new_secret_a_trial_a_repeat_and_the_end_by_buttons(world, admin, settings):
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    admin.post(at("webhooks"), asked(world.clerk))
    row = Webhook.objects.get()
    step = at("webhook_step", row.pk)
    assert "whsec_" in admin.post(step, {"do": "rotate"}).content.decode()
    assert admin.post(step, {"do": "try"}).status_code == 302
    WebhookCall.objects.update(state="failed", status=500, answer="ой")
    assert "ой" in shown(admin, "webhook", row.pk)
    admin.post(step, {"do": "replay", "call": WebhookCall.objects.get().pk})
    assert WebhookCall.objects.get().state == "waiting"
    assert admin.post(step, {"do": "resume"}).status_code == 422
    admin.post(step, {"do": "end"})
    row.refresh_from_db()
    assert row.ended_at
    assert admin.post(step, {"do": "rotate"}).status_code == 422
    assert desk(world.clerk).get(at("webhooks")).status_code == 403


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_program_in_a_letter_is_kept_from_everybody_and_the_appeal_goes_on(world, admin):
    appeal = world.registered_email()
    letter = IncomingMessage.objects.get(taken__appeal=appeal)
    stored = files.store(b"MZ\x90\0", name="a.exe")
    file = IncomingFile.objects.create(message=letter, stored=stored, name="Иванова.exe")
    examining.ask([stored])
    executor = desk(world.clerk)
    assert "проверяется" in shown(executor, "card", appeal.pk)
    assert examining.work_next()
    assert "отложен: это программа" in shown(executor, "card", appeal.pk)
    refused = executor.get(at("incoming_file", file.pk))
    assert refused.status_code == 403
    assert "Отложенные файлы" in refused.content.decode()
    while notices.work_next():
        pass
    assert Notice.objects.get(kind="system").employee.username == "root", "the administrator hears of it"
    page = shown(admin, "files_aside")
    assert ".exe" in page
    assert "Иванова" not in page, "a name may tell of a person"
    row = FileExamination.objects.get()
    empty = admin.post(at("file_aside", row.pk), {"do": "release", "reason": " "})
    assert (empty.status_code, "Напишите причину" in empty.content.decode()) == (422, True)
    assert admin.post(at("file_aside", row.pk), {"do": "release", "reason": "Наша программа"}).status_code == 302
    assert executor.get(at("incoming_file", file.pk)).status_code == 200
    assert "Наша программа" in shown(admin, "files_aside")
    assert executor.get(at("file_aside", row.pk)).status_code == 403


def test_what_lies_in_an_archive_stands_beside_it(world):
    appeal = world.registered_email()
    letter = IncomingMessage.objects.get(taken__appeal=appeal)
    stored = files.store(archive(("план.pdf", "x"), locked=True), name="a.zip")
    IncomingFile.objects.create(message=letter, stored=stored, name="a.zip")
    examining.ask([stored])
    assert examining.work_next()
    page = shown(desk(world.clerk), "card", appeal.pk)
    assert "в архиве: план.pdf" in page
    assert "защищён паролем" in page
