"""Other systems are told in order, at least once, by signed calls, of ids and states, never into our own network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from otklik.appeals import dispatch
from otklik.appeals.models import Appeal
from otklik.channels.webhooks import address, calls, subscriptions
from otklik.channels.webhooks.models import Webhook, WebhookCall
from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.dying import in_a_process

State = WebhookCall.State


@dataclass
class Receiver:
    """Another system: it keeps what it is sent and answers as it is told."""

    port: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kept: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hear?from=otklik"

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.got]


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write("принято".encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def other(listening: Receiver, settings: Any) -> Receiver:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    listening.got.clear()
    listening.status, listening.headers = 200, {}
    return listening


@pytest.fixture
def administrator(world: World) -> Employee:
    return world.employee("admin", "Администраторова", world.hq, ["admin"])


@pytest.fixture
def world(db: None) -> World:
    return World()


def asked(owner: Employee, other: Receiver, *events: str, **changes: Any) -> dict[str, Any]:
    today = timezone.localdate()
    facts = {"name": "Портал", "url": other.url, "events": events or list(subscriptions.EVENTS), "owner": owner}
    return {**facts, "valid_from": today, "valid_to": today + timedelta(days=30), **changes}


@pytest.fixture
def made(administrator: Employee, other: Receiver) -> subscriptions.Made:
    return subscriptions.create(**asked(administrator, other), by=administrator)


def read_journal() -> None:
    while notices.work_next():
        pass


def tell(*, at_once: bool = False) -> None:
    read_journal()
    while calls.send_next():
        if at_once:
            due()


def due() -> None:
    WebhookCall.objects.filter(state=State.WAITING).update(not_before=timezone.now())
    Webhook.objects.update(not_before=None)


def checked(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a call as docs/api.md says, apart from our code."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mine).decode()}" in headers["webhook-signature"].split()


# --- what is told ----------------------------------------------------------------------------------------------------


def test_the_way_of_an_appeal_is_told_in_order_signed_and_without_personal_data(world, made, other):
    dispatch.send(world.signed(world.registered_email()), by=world.clerk)
    tell()
    events = other.events()
    of_appeal = [event for event in events if event.startswith("appeal.")]
    assert of_appeal == ["appeal.registered", "appeal.assigned", "appeal.answered"]
    assert events.index("message.accepted") < events.index("message.registered")
    known = {"id", "event", "case", "at", "seq", "appeal", "message", "state", "unit", "executor", "channel"}
    for headers, body in other.got:
        said = json.loads(body)
        assert checked(made.secret, headers, body)
        assert headers["webhook-id"] == said["id"]
        assert set(said) <= known
        assert all(isinstance(value, int | str) for value in said.values())
        assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    everything = b"".join(body for _, body in other.got).decode()
    appeal = Appeal.objects.get()
    for word in (appeal.applicant.last_name, appeal.answer_address, appeal.number):
        assert word
        assert word not in everything
    assert set(WebhookCall.objects.values_list("state", "answer")) == {(State.DONE, "принято")}


def test_only_what_was_asked_for_is_told_and_nothing_before_the_first_or_after_the_last_day(
    world, administrator, other
):
    today = timezone.localdate()
    subscriptions.create(**asked(administrator, other, "appeal.closed"), by=administrator)
    later = asked(administrator, other, valid_from=today + timedelta(days=1))
    subscriptions.create(**later, by=administrator)
    world.registered_email()
    tell()
    assert other.got == []


def test_what_is_undone_is_not_told(world, made, other):
    with transaction.atomic():
        world.registered_email()
        transaction.set_rollback(True)
    read_journal()
    assert not WebhookCall.objects.exists()


# --- order, repeats --------------------------------------------------------------------------------------------------


def entry(chain: str, action: str, **data: Any) -> JournalEntry:
    with journal.together():
        return journal.record(action, chain=chain, by=None, **data)


def test_of_one_case_nothing_overtakes_and_other_cases_do_not_wait(made, other):
    other.status = 422
    entry("appeal:1", "appeal.registered")
    entry("appeal:1", "appeal.closed", to="closed")
    entry("appeal:2", "appeal.registered")
    tell()
    assert sorted(json.loads(body)["case"] for _, body in other.got) == ["appeal:1", "appeal:2"]
    assert other.events() == ["appeal.registered"] * 2
    other.status = 200
    due()
    tell()
    told = [(said["case"], said["event"]) for said in (json.loads(body) for _, body in other.got[2:])]
    assert [event for case, event in told if case == "appeal:1"] == ["appeal.registered", "appeal.closed"]
    assert len({headers["webhook-id"] for headers, _ in other.got}) == 3, "a repeat bears the same id"


def test_a_call_that_is_never_taken_is_given_up_and_the_case_goes_on(made, other):
    entry("appeal:1", "appeal.registered")
    entry("appeal:1", "appeal.closed")
    other.status = 400
    read_journal()
    for _ in range(len(calls.PAUSES) + 1):
        due()
        assert calls.send_next()
    first, second = WebhookCall.objects.order_by("pk")
    assert (first.state, first.status, second.state) == (State.FAILED, 400, State.WAITING)
    other.status = 200
    due()
    calls.send_next()
    assert other.events()[-1] == "appeal.closed"


def test_pauses_grow_and_a_system_that_is_away_is_left_alone_with_everything(made, other):
    other.status = 503
    for number in range(5):
        entry(f"appeal:{number}", "appeal.registered")
    tell()
    assert len(other.got) == 1
    hook = Webhook.objects.get()
    assert hook.not_before > timezone.now()
    assert (hook.failures, hook.failing_since is not None) == (1, True)
    other.headers = {"Retry-After": "1200"}
    due()
    calls.send_next()
    assert timedelta(minutes=19) < Webhook.objects.get().not_before - timezone.now() < timedelta(minutes=21)
    other.status = 200
    due()
    tell()
    assert Webhook.objects.get().failing_since is None
    assert Counter(WebhookCall.objects.values_list("state", flat=True)) == {State.DONE: 5}


def test_a_system_that_is_slow_to_answer_delays_no_other(made, other, administrator):
    quick = subscriptions.create(**asked(administrator, other, name="Другая"), by=administrator)
    for number in range(2):
        entry(f"appeal:{number}", "appeal.registered")
    read_journal()
    slow = WebhookCall.objects.filter(webhook=made.webhook).earliest("pk")
    WebhookCall.objects.filter(pk=slow.pk).update(state=State.SENDING, leased_by="x", leased_at=timezone.now())
    tell()
    assert len(other.got) == 2
    assert all(checked(quick.secret, *one) for one in other.got)


def test_after_days_of_failures_it_is_paused_administrators_are_told_and_nothing_is_lost(made, other, administrator):
    other.status = 500
    entry("appeal:1", "appeal.registered")
    tell()
    Webhook.objects.update(failing_since=timezone.now() - calls.GIVEN_UP - timedelta(hours=1))
    due()
    calls.send_next()
    assert subscriptions.state_of(Webhook.objects.get(), timezone.now())[0] == "bad"
    read_journal()
    assert "приостановлены" in Notice.objects.get(employee=administrator).text
    entry("appeal:1", "appeal.closed")
    due()
    tell()
    assert len(other.got) == 2, "nothing is sent while it is paused"
    other.status = 200
    subscriptions.resume(Webhook.objects.get(), by=administrator)
    due()
    tell()
    assert other.events()[2:] == ["appeal.registered", "appeal.closed"]


def test_gone_means_gone_and_a_redirect_is_not_followed(made, other):
    entry("appeal:1", "appeal.registered")
    other.status, other.headers = 302, {"Location": "http://127.0.0.1:1/"}
    tell()
    assert WebhookCall.objects.get().status == 302
    other.status = 410
    due()
    calls.send_next()
    assert "410" in Webhook.objects.get().paused_why


# --- secrets, deciding -----------------------------------------------------------------------------------------------


def test_for_some_days_after_a_new_secret_calls_are_signed_by_both(made, other, administrator):
    new = subscriptions.rotate(made.webhook, by=administrator)
    calls.try_out(made.webhook)
    tell()
    assert [checked(secret, *other.got[0]) for secret in (made.secret, new.secret)] == [True, True]
    Webhook.objects.update(old_until=timezone.now())
    calls.try_out(made.webhook)
    tell()
    assert [checked(secret, *other.got[1]) for secret in (made.secret, new.secret)] == [False, True]
    assert made.secret not in Webhook.objects.get().secrets


def test_what_was_told_is_told_again_under_the_same_id_and_the_journal_knows_who_asked(made, other, administrator):
    entry("appeal:1", "appeal.registered")
    tell()
    assert subscriptions.replay(made.webhook, WebhookCall.objects.all(), by=administrator) == 1
    tell()
    first, again = other.got
    assert (first[0]["webhook-id"], first[1]) == (again[0]["webhook-id"], again[1])
    line = JournalEntry.objects.get(action="webhook.replayed")
    assert line.actor == administrator


def test_an_ended_one_hears_nothing_more_and_cannot_be_revived(made, other, administrator):
    entry("appeal:1", "appeal.registered")
    read_journal()
    subscriptions.end(made.webhook, by=administrator)
    entry("appeal:1", "appeal.closed")
    tell()
    assert other.got == []
    with pytest.raises(subscriptions.NotNow):
        subscriptions.rotate(made.webhook, by=administrator)
    assert WebhookCall.objects.count() == 1


def test_only_an_administrator_connects(world, other):
    with pytest.raises(PermissionDenied):
        subscriptions.create(**asked(world.clerk, other), by=world.clerk)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "какая система"),
        ({"events": []}, "о чём сообщать"),
        ({"events": ["appeal.secret"]}, "о чём сообщать"),
        ({"valid_to": timezone.localdate() - timedelta(days=1)}, "раньше первого"),
        ({"valid_to": timezone.localdate() + timedelta(days=9999)}, "три года"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(administrator, other, changes, words):
    with pytest.raises(subscriptions.BadWebhook, match=words):
        subscriptions.create(**{**asked(administrator, other), **changes}, by=administrator)


def test_what_a_dead_worker_left_is_told_again(made, other):
    entry("appeal:1", "appeal.registered")
    read_journal()
    long_ago = timezone.now() - calls.LEASE - timedelta(minutes=1)
    WebhookCall.objects.update(state=State.SENDING, leased_by="x", leased_at=long_ago)
    assert not calls.send_next()
    assert calls.return_stuck() == 1
    assert calls.send_next()
    assert len(other.got) == 1


def test_old_calls_are_forgotten_and_those_that_wait_are_kept(made):
    for number in range(2):
        entry(f"appeal:{number}", "appeal.registered")
    read_journal()
    WebhookCall.objects.update(created_at=timezone.now() - calls.KEPT - timedelta(days=1))
    WebhookCall.objects.filter(pk=WebhookCall.objects.earliest("pk").pk).update(state=State.DONE)
    assert calls.forget_old() == 1
    assert WebhookCall.objects.get().state == State.WAITING


# --- where a call may go ---------------------------------------------------------------------------------------------


def resolves(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    found = [(0, 0, 0, "", (number, 443)) for number in numbers]
    monkeypatch.setattr(address.socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "number",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
        ),
        *(
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
        ),
        *("2002:7f00:1::", "ff02::1", "64:ff9b::a9fe:a9fe"),
    ],
)
def test_addresses_only_this_server_reaches_are_refused(monkeypatch, number):
    resolves(monkeypatch, number)
    with pytest.raises(address.BadAddress, match="внутреннюю сеть"):
        address.destination("https://other.example/hook")


def test_one_inner_number_among_several_is_enough_to_refuse(monkeypatch):
    resolves(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(address.BadAddress):
        address.destination("https://other.example/hook")


def test_what_was_looked_at_is_what_is_called(monkeypatch):
    resolves(monkeypatch, "93.184.215.14")
    where = address.destination("https://other.example/hook?x=1")
    resolves(monkeypatch, "127.0.0.1")
    assert (where.ip, where.host, where.port, where.path) == ("93.184.215.14", "other.example", 443, "/hook?x=1")


def test_an_address_in_russian_letters_is_called_as_programs_write_it(monkeypatch):
    resolves(monkeypatch, "93.184.215.14")
    where = address.destination("https://отклик.рф/приём?о=1")
    assert where.host == "xn--h1adbcny.xn--p1ai"
    assert where.path == "/%D0%BF%D1%80%D0%B8%D1%91%D0%BC?%D0%BE=1"


def test_from_a_demo_stand_nothing_leaves(made, other, demo_stand):
    entry("appeal:1", "appeal.registered")
    tell()
    assert other.got == []
    assert "наружу ничего не уходит" in WebhookCall.objects.get().answer


def test_with_another_key_of_the_system_nothing_is_sent_unsigned(made, other, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another " * 8, []
    entry("appeal:1", "appeal.registered")
    tell()
    assert other.got == []
    assert "выдайте новый секрет" in WebhookCall.objects.get().answer


def test_a_network_the_server_s_administrator_allowed_is_called_plainly_too(monkeypatch, settings):
    settings.WEBHOOK_NETWORKS = ["10.20.0.0/16"]
    resolves(monkeypatch, "10.20.3.4")
    assert address.destination("http://inner.example:8080/").port == 8080
    resolves(monkeypatch, "10.21.3.4")
    with pytest.raises(address.BadAddress):
        address.destination("http://inner.example:8080/")
    resolves(monkeypatch, "93.184.215.14")
    with pytest.raises(address.BadAddress, match="только по https"):
        address.destination("http://other.example/")


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#x", "https://a.example:99999/",
     "https://a.example/ b", "file:///etc/passwd", "//a.example/", "https://[::1"],
)  # fmt: skip
def test_odd_addresses_are_refused_in_words(url):
    with pytest.raises(address.BadAddress):
        address.destination(url)


def test_a_name_nobody_knows_now_is_no_reason_to_give_up(monkeypatch, made, other):
    def unknown(*_: Any, **__: Any) -> Any:
        raise OSError

    entry("appeal:1", "appeal.registered")
    read_journal()
    monkeypatch.setattr(address.socket, "getaddrinfo", unknown)
    assert calls.send_next()
    row = WebhookCall.objects.get()
    assert (row.state, row.status, row.answer) == (State.WAITING, None, "имя сервера не найдено")


# --- killed on the way -----------------------------------------------------------------------------------------------

POINTS = ("webhooks.before_lease", "webhooks.after_lease", "webhooks.after_send", "webhooks.after_result")


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof
def test_killed_at_every_point_nothing_is_lost_and_repeats_bear_the_same_id(world, made, other):
    cases, killed = 4, 0
    for number in range(cases):
        entry(f"appeal:{number}", "appeal.registered")
        entry(f"appeal:{number}", "appeal.closed")

    def work() -> None:
        calls.LEASE = timedelta(0)
        calls.return_stuck()
        due()
        tell()

    for point in POINTS:
        killed += in_a_process(work, crash_at=f"{point}:2")
    assert not in_a_process(work)
    assert killed == len(POINTS)
    ids: dict[tuple[str, str], set[str]] = {}
    order: dict[str, list[str]] = {}
    for headers, body in other.got:
        said = json.loads(body)
        ids.setdefault((said["case"], said["event"]), set()).add(headers["webhook-id"])
        order.setdefault(said["case"], []).append(said["event"])
    of_appeals = {case: events for case, events in order.items() if case.startswith("appeal:")}
    assert len([one for one in ids if one[0].startswith("appeal:")]) == cases * 2
    assert all(len(one) == 1 for one in ids.values())
    for events in of_appeals.values():
        assert events == sorted(events, key=["appeal.registered", "appeal.closed"].index)
    assert set(WebhookCall.objects.values_list("state", flat=True)) == {State.DONE}
