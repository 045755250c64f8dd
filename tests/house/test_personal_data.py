"""One person's letter from intake to answer leaves her name in no log, journal, address or subject."""

from __future__ import annotations

import json
import logging
import logging.config
import re
from collections.abc import Iterator
from email.message import EmailMessage
from io import StringIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from otklik.appeals import approval, variants
from otklik.appeals.models import Appeal, AppealMessage
from otklik.channels.mail import intake
from otklik.channels.mail.models import CaughtLetter
from otklik.channels.registry import all_channels
from otklik.config import firing, jobs
from otklik.core import files, logs
from otklik.core.models import AccessEntry, ChainHead, Firing, Installation, JournalEntry
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import ContactPoint, IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.people.models import Department, Employee
from otklik.portal import write
from otklik.surveys.models import Questionnaire, SurveyPoint
from tests import sizes
from tests.appeals.conftest import World
from tests.channels.post import rows as post
from tests.desk import at
from tests.workplace.test_every_address import address, patterns

pytestmark = pytest.mark.django_db

PERSONAL = ("еповторимов", "эльвир", "neprost", "9130001122", "есуществующ", "тайна моя")
LINKS = re.compile(r'\s(?:href|action|src|formaction|hx-get|hx-post|value|data-url)="(/[^"]*|\?[^"]*)"')
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"
HOSTILE = b"<!doctype html><html><script>alert(1)</script></html>"


def named_in(text: object) -> list[str]:
    """Return the words of the person that stand in a text, escaped or not."""
    plain = unquote(str(text)).lower()
    return [word for word in PERSONAL if word in plain]


def some(*people: Employee) -> tuple[Employee, ...]:
    """Give everybody in a proof, otherwise half of them: who sees all, and who sees the own."""
    return people if sizes.FULL else people[: (len(people) + 1) // 2]


class Watched(Client):
    """A browser that remembers every address it was sent to, shown or given a file under."""

    def __init__(self, employee: Employee | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.met: list[str] = []
        if employee:
            self.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        self.met += [f"{request.get('PATH_INFO')}?{request.get('QUERY_STRING', '')}"]
        self.met += [answer.headers.get(name, "") for name in ("Location", "Content-Disposition", "HX-Redirect")]
        if "text/html" in answer.headers.get("Content-Type", "") and not answer.streaming:
            self.met += LINKS.findall(answer.content.decode())
        return answer


@pytest.fixture
def said() -> Iterator[StringIO]:
    """Return what this installation's log says, every logger down to DEBUG but the database's own statements."""
    configured = logging.config.DictConfigurator(django_settings.LOGGING)
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(configured.configure_formatter(django_settings.LOGGING["formatters"]["line"]))
    for name in django_settings.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(configured.configure_filter(dict(django_settings.LOGGING["filters"][name])))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def world(db: None, demo_stand: Installation) -> World:
    world = World()
    Department.objects.update(email="info@department.example")
    return world


def the_letter() -> bytes:
    letter = EmailMessage()
    letter["From"] = "Неповторимова Эльвира <neprostaya@citizen.example>"
    letter["To"] = "info@department.example"
    letter["Subject"] = "Заявление Неповторимовой Эльвиры"
    letter["Message-ID"] = "<1@citizen.example>"
    letter["Date"] = "Tue, 24 Nov 2026 10:00:00 +0700"
    letter.set_content("Я, Неповторимова Эльвира, ул. Несуществующая, 5, тел. +7 913 000-11-22. Тайна моя: гараж.\n")
    letter.add_attachment(PDF, maintype="application", subtype="pdf", filename="план.pdf")
    letter.add_attachment(HOSTILE, maintype="text", subtype="html", filename="страница.html")
    return letter.as_bytes()


def entry_form(world: World) -> dict[str, Any]:
    topic, need = world.pair()
    return {
        "kind": "person",
        "last_name": "Неповторимова",
        "first_name": "Эльвира",
        "email": "neprostaya@citizen.example",
        "phone": "+7 913 000-11-22",
        "address": "г. Новосибирск, ул. Несуществующая, 5",
        "applicant_is": "new",
        "subject": "Гараж",
        "regime": "outside_59fz",
        "contact_point": ContactPoint.objects.get(code="email-info").pk,
        "needs_answer": "yes",
        "written": "on",
        "topic": topic.pk,
        "need": need.pk,
        "answer_channel": "email",
        "answer_address": "neprostaya@citizen.example",
        "received_on": timezone.localdate().isoformat(),
    }


def lived(world: World, *, watched: list[Watched]) -> Appeal:
    """Walk her letter from the mailbox to the sent answer, through the pages where there are pages."""
    intake.keep(the_letter())
    while inbox.parse_next(all_channels()):
        pass
    message = IncomingMessage.objects.get()
    clerk, executor, head = (Watched(one) for one in (world.clerk, world.executor, world.head))
    watched += [clerk, executor, head]
    assert clerk.get(at("inbox", message.pk)).status_code == 200
    done = clerk.post(at("inbox", message.pk), entry_form(world))
    assert done.status_code == 302, done.content.decode()
    appeal = Appeal.objects.get()
    clerk.post(at("assign", appeal.pk), {"unit": world.land.pk, "executor": world.executor.pk})
    clerk.post(at("search"), {"q": "Неповторимова"})
    clerk.post(at("applicants"), {"what": "Неповторимова"})
    executor.post(at("reveal", appeal.applicant_id), {"reason": "Ответить", "about": f"appeal:{appeal.pk}"})
    text = "Здравствуйте, Эльвира! Уважаемая Неповторимова, тайна Ваша останется тайной."
    asked = {"text": text, "base_version": 0, "ask": 1, "approvers": [world.head.pk]}
    assert executor.post(at("draft", appeal.pk), asked).status_code == 302
    executor.post(at("note", appeal.pk), {"text": "Неповторимова звонила с 9130001122"})
    waiting = approval.decision_of(world.again(appeal), world.head)
    assert waiting is not None
    head.post(at("approval_decide", waiting.pk), {"approve": 1})
    executor.post(at("freeze", appeal.pk), {"signer": world.signer.pk})
    sed = {"way": "sed", "sed-number": "01-23/45", "sed-signed_on": f"{timezone.localdate()}"}
    clerk.post(at("sign", appeal.pk), sed)
    assert clerk.post(at("send", appeal.pk)).status_code == 302
    OutgoingMessage.objects.update(not_before=timezone.now())
    while delivery.send_next(all_channels()):
        pass
    sent = list(OutgoingMessage.objects.values_list("state", "error"))
    assert sent == [("sent", "")] * 3
    return world.again(appeal)


def places() -> Iterator[tuple[Any, str]]:
    """Yield every address of the desk with the beginning that says what its number is of."""
    for pattern, place in patterns():
        yield pattern, "/".join(str(pattern.pattern).split("/")[:2]) if place == "files" else place


def ids(appeal: Appeal) -> dict[str, int]:
    return {
        "appeals": appeal.pk,
        "walk": appeal.pk,
        "inbox": AppealMessage.objects.get(appeal=appeal).message_id,
        "applicants": appeal.applicant_id,
        "files/in": IncomingFile.objects.earliest("pk").pk,
        "files/out": OutgoingFile.objects.filter(message__thread__appeal=appeal).latest("pk").pk,
    }


@pytest.mark.once
@pytest.mark.proof
def test_the_way_from_intake_to_answer_leaves_her_name_in_no_log_journal_address_or_subject(
    world: World, said: StringIO
) -> None:
    watched: list[Watched] = []
    appeal = lived(world, watched=watched)
    assert appeal.status == Appeal.Status.SENT
    known = ids(appeal)
    for who in some(world.clerk, world.executor, world.auditor, world.head, world.signer, world.stranger):
        browser = Watched(who)
        watched.append(browser)
        for pattern, place in places():
            browser.get(address(pattern, known.get(place, 1)))
    assert sum(len(one.met) for one in watched) > 500
    assert [met for one in watched for met in one.met if named_in(met)] == []
    assert named_in(said.getvalue()) == []
    for kind in (JournalEntry, AccessEntry):
        rows = list(kind.objects.values("chain", "action", "data"))
        assert len(rows) > 5
        assert [row for row in rows if named_in(json.dumps(row, ensure_ascii=False))] == []
    assert [one for one in ChainHead.objects.values_list("chain", flat=True) if named_in(one)] == []
    subjects = list(OutgoingMessage.objects.values_list("subject", flat=True))
    assert {one.kind for one in OutgoingMessage.objects.all()} >= {"receipt", "answer"}
    assert [one for one in subjects if named_in(one)] == []
    caught = [str(one.subject) for one in CaughtLetter.objects.all()]
    assert len(caught) == len(subjects)
    assert [one for one in caught if named_in(one)] == []
    assert [one for one in OutgoingFile.objects.values_list("name", flat=True) if named_in(one)] == []


def test_a_citizens_way_through_the_portal_leaves_nothing_in_addresses_and_logs(
    world: World, said: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)
    citizen = Watched()
    token = re.search(r'name="form" value="([^"]+)"', citizen.get("/write/").content.decode())
    assert token
    typed = {
        "form": token[1],
        "step": "review",
        "go": "send",
        "kind": "person",
        "last_name": "Неповторимова",
        "first_name": "Эльвира",
        "patronymic": "",
        "answer_by": "email",
        "email": "neprostaya@citizen.example",
        "text": "Тайна моя: гараж на ул. Несуществующая.",
    }
    refused = citizen.post("/write/", {**typed, "email": "neprostaya@"})
    assert refused.status_code in {200, 422}
    assert citizen.post("/write/", typed, follow=True).status_code == 200
    assert IncomingMessage.objects.count() == 1
    citizen.post("/status/", {"number": "Неповторимова", "code": "тайна моя"})
    citizen.get("/status/view/")
    while inbox.parse_next(all_channels()):
        pass
    assert [met for met in citizen.met if named_in(met)] == []
    assert named_in(said.getvalue()) == []
    assert [row for row in JournalEntry.objects.values("chain", "data") if named_in(row)] == []


def boom(*_: object, **__: object) -> Any:
    raise ValueError("'Неповторимова Эльвира' <neprostaya@citizen.example>, +7 913 000-11-22")


def test_a_defect_shows_a_number_and_logs_the_place_without_the_persons_words(
    world: World, said: StringIO, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.TESTING = False
    monkeypatch.setattr("otklik.workplace.today.queues.counters", boom)
    browser = Watched(world.clerk, raise_request_exception=False)
    answer = browser.get(at("today"))
    assert answer.status_code == 500
    page = answer.content.decode()
    number = re.search(r"<strong>([0-9a-f]{12})</strong>", page)
    assert number
    assert named_in(page) == []
    told = said.getvalue()
    assert number[1] in told
    assert "ValueError" in told
    assert "in boom" in told
    assert named_in(told.replace(boom_source(), "")) == []


def boom_source() -> str:
    """Return the line of this test that a traceback shows: code, not what was in a row."""
    return "raise ValueError(\"'Неповторимова Эльвира' <neprostaya@citizen.example>, +7 913 000-11-22\")"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("'Иванова'", ""),
        ("invalid literal for int() with base 10: 'номер иванова'", "invalid literal for int() with base 10: "),
        ("not taken: a.petrova@mail.example", "not taken: "),
        ("b'\\xd0\\x98' cannot be read", "cannot be read"),
        ("no room for Петрова", "no room for "),
        ("call +7 (913) 000-11-22", "call "),
        ("'utf-8' codec can't decode byte 0xd0 in position 0", "'utf-8' codec can't decode byte 0xd0 in position 0"),
        ("не записано", "не записано"),
        ("max 10 of 20 reached", "max 10 of 20 reached"),
    ],
)
def test_an_exceptions_words_are_logged_without_those_of_people(words: str, left: str) -> None:
    told = logs.told(ValueError(words))
    assert told.startswith("ValueError: ")
    assert left in told
    assert not re.search(r"[Ии]ванова|[Пп]етрова|\\xd0|000-11", told)


def test_a_job_that_fails_keeps_its_place_without_the_persons_words(world: World) -> None:
    row = Firing.objects.create(job="boom", planned_at=timezone.now(), state="running", started_at=timezone.now())
    firing.run(row, jobs.Job("boom", boom))
    row.refresh_from_db()
    assert row.state == "failed"
    assert "ValueError" in row.error
    assert named_in(row.error.replace(boom_source(), "")) == []


def test_pages_of_refusal_repeat_no_address(world: World) -> None:
    browser = Watched(world.executor, raise_request_exception=False, enforce_csrf_checks=True)
    for url in ("/Неповторимова/", "/desk/appeals/999/?q=Неповторимова", "/desk/journal/?actor=Неповторимова"):
        answer = browser.get(url)
        assert answer.status_code in {403, 404}
        assert named_in(re.sub(r'name="next" value="[^"]*"', "", answer.content.decode())) == []
    answer = browser.post(at("search"), {"q": "Неповторимова"})
    assert answer.status_code == 403
    assert named_in(answer.content.decode()) == []


# ---------- Doors that give files ----------

OUTSIDE = {"original", "incoming_file", "outgoing_file", "quarantine_original"}  # what people brought or got
OUR_LETTERS = {"draft_pdf", "variant_letter", "letter"}  # made by us, shown in the page
OUR_TABLES = {
    "ekc_sample",
    "intake_sample",
    "sed_sample",
    "package",
    "draft_word",
    "variant_file",
    "journal_export",
    "access_export",
    "journal_seals",
}


@pytest.fixture
def doors(world: World) -> dict[str, str]:
    """Return an address of every door that gives a file, with somebody's file behind it."""
    appeal = lived(world, watched=[])
    drafted = world.drafted()
    variant = variants.keep_current(drafted, "", by=world.executor)
    frozen = world.frozen(drafted).appeal
    broken = intake.keep(b"From: a@b.example\r\nMessage-ID: <2@c.example>\r\n\r\nbroken").message
    IncomingMessage.objects.filter(pk=broken.pk).update(state="quarantined")
    known = ids(appeal)
    return {
        "original": at("original", known["inbox"]),
        "incoming_file": at("incoming_file", known["files/in"]),
        "outgoing_file": at("outgoing_file", known["files/out"]),
        "quarantine_original": at("quarantine_original", broken.pk),
        "draft_pdf": at("draft_pdf", frozen.pk),
        "draft_word": at("draft_word", frozen.pk),
        **{door: at(door, variant.pk) for door in ("variant_file", "variant_letter")},
        "letter": at("letter", frozen.pk),
        "ekc_sample": at("ekc_sample"),
        "intake_sample": at("intake_sample"),
        "sed_sample": at("sed_sample"),
        "paper_blank": at("paper_blank", Questionnaire.objects.earliest("pk").pk),
        "survey_poster": at("survey_poster", SurveyPoint.objects.earliest("pk").pk, "a4"),
        "survey_qr": at("survey_qr", SurveyPoint.objects.earliest("pk").pk, "svg"),
        "package": at("package", frozen.pk),
        "journal_export": at("journal_export"),
        "access_export": at("access_export"),
        "journal_seals": at("journal_seals"),
        "registration_card": at("registration_card", frozen.pk),
        "envelope": at("envelope", frozen.pk),
        **post.doors(world),
    }


def allowed(world: World, door: str) -> Employee:
    if door in {"journal_export", "access_export", "journal_seals"}:
        return world.auditor
    return {
        "draft_pdf": world.executor,
        "draft_word": world.executor,
        "variant_file": world.executor,
        "variant_letter": world.executor,
        "letter": world.signer,
        "package": world.signer,
    }.get(door, world.clerk)


def test_every_door_of_files_is_closed_to_strangers_and_gives_nothing_a_browser_would_run(
    world: World, doors: dict[str, str]
) -> None:
    for door, url in doors.items():
        assert Client().get(url).status_code == 302, door
        assert Watched(world.stranger).get(url).status_code in {403, 404}, door
        newcomer = Employee.objects.create_user(f"new-{door}", password=None)
        assert Watched(newcomer).get(url).status_code in {403, 404}, door
        answer = Watched(allowed(world, door)).get(url)
        assert answer.status_code == 200, door
        assert answer["X-Content-Type-Options"] == "nosniff", door
        assert "no-store" in answer["Cache-Control"], door
        assert "private" in answer["Cache-Control"], door
        kept_in = answer["Content-Disposition"].startswith("inline")
        assert kept_in == (door in OUR_LETTERS), door
        if door in OUR_LETTERS:
            assert answer["Content-Type"] == "application/pdf"
            assert "default-src 'self'" in answer["Content-Security-Policy"]
        else:
            assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox", door
        assert "html" not in answer["Content-Type"], door


def test_a_page_sent_as_a_file_is_handed_out_as_bytes(world: World, doors: dict[str, str]) -> None:
    page = IncomingFile.objects.get(name="страница.html")
    answer = Watched(world.clerk).get(at("incoming_file", page.pk))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer.getvalue() == HOSTILE


@pytest.mark.once
@pytest.mark.proof
@pytest.mark.usefixtures("undrawn")
@pytest.mark.once
def test_no_other_address_of_the_desk_gives_a_file(world: World, doors: dict[str, str]) -> None:
    """A new door that gives a file has to be put on the list above, and so to be tested."""
    known = ids(Appeal.objects.earliest("pk"))
    of_door = {door: resolve(url).kwargs.get("pk", 1) for door, url in doors.items()}
    given, pages = set(), set()
    for who in some(world.clerk, world.executor, world.auditor, world.head, world.signer):
        browser = Watched(who)
        for pattern, place in places():
            if pattern.name in pages:
                continue
            for pk in {
                known.get(place, 1),
                of_door.get(pattern.name, 1),
                Appeal.objects.latest("pk").pk,
                *IncomingMessage.objects.values_list("pk", flat=True),
            }:
                answer = browser.get(address(pattern, pk))
                if answer.status_code == 200:
                    is_page = answer["Content-Type"].startswith(("text/html", "application/json"))
                    (pages if is_page else given).add(str(pattern.name))
    assert given == set(doors)


def test_an_answers_file_on_the_portal_is_given_to_who_opened_it_only(world: World, doors: dict[str, str]) -> None:
    file = OutgoingFile.objects.first()
    assert file is not None
    for who in (None, world.clerk, world.stranger):
        assert Watched(who).get(reverse("portal:status_file", args=[file.pk])).status_code == 404


def test_the_stands_letters_are_found_on_a_stand_only(world: World, doors: dict[str, str]) -> None:
    caught = CaughtLetter.objects.latest("pk")
    answer = Watched(world.clerk).get(reverse("demo:eml", args=[caught.pk]))
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    Installation.objects.update(kind="production")
    for name, args in (("eml", [caught.pk]), ("file", [caught.pk, 0]), ("letter", [caught.pk]), ("mailbox", [])):
        assert Watched().get(reverse(f"demo:{name}", args=args)).status_code == 404


def test_files_lie_where_no_address_leads(world: World, doors: dict[str, str]) -> None:
    stored = IncomingFile.objects.get(name="план.pdf").stored
    assert files.path_of(stored).exists()
    for prefix in ("/media/", "/static/", "/files/", "/documents/"):
        assert Watched(world.clerk).get(f"{prefix}{stored.path}").status_code in {302, 404}
