"""Every address of the desk at once: who only reads changes nothing, and no odd input is a defect of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from otklik.appeals import approval, bulk, dispatch, macros, registration, routes, variants
from otklik.appeals.models import (
    AnswerRule,
    Appeal,
    Checklist,
    DestructionAct,
    InquiryRule,
    Macro,
    Need,
    OutcomeKind,
    PosTheme,
    SstuBody,
    SstuRun,
    SstuUpload,
    Topic,
)
from otklik.channels.pos.models import PosTerm
from otklik.channels.webhooks.models import Webhook
from otklik.core import files
from otklik.core.models import (
    ChainHead,
    Downtime,
    FileExamination,
    ProcedureClause,
    ProcedureEdition,
    RetentionRule,
    TermRule,
)
from otklik.correspondence.models import ContactPoint, IncomingMessage, OutgoingMessage, Thread
from otklik.hotline import consultations, ekc
from otklik.hotline import defaults as hotline
from otklik.hotline import defaults as hotline_defaults
from otklik.hotline.models import Consultation, Line, MissedCall, Promise
from otklik.knowledge.models import LawChange, LawWeek, ReviewDuty, ReviewItem
from otklik.people.models import Employee, Role, RoleAssignment, RolePower, Transfer
from otklik.people.powers import POWERS
from otklik.reception import waiting as visit_requests
from otklik.reception.models import AppointmentNotice
from otklik.reports import scheduling
from otklik.reports.models import MeasureTarget, SavedReport
from otklik.surveys import feedback, handling, paper
from otklik.surveys.models import PaperBatch, Questionnaire, QuestionnaireDraft, Response, SurveyPoint
from otklik.workplace import urls
from otklik.workplace.models import SavedView
from tests import sizes
from tests.appeals.conftest import LONG_AGO, World
from tests.channels.pos.exports import brought, table
from tests.channels.post import rows as post
from tests.house.test_doors import plain
from tests.house.test_headers import policy
from tests.moving import journals as moving_journals
from tests.reception import people as reception

pytestmark = pytest.mark.django_db

# An employee enters his own absence, names lists and chooses notices for himself; a search changes nothing and sends a
# POST only to keep names out of addresses.
HIS_OWN = {"away", "away_cancel", "search", "palette", "keep_view", "remove_view"}
HIS_OWN |= {"attention", "notices_read", "notice_settings", "knowledge_vote", "knowledge_read"}
HIS_OWN |= {"knowledge_ask", "knowledge_clear_recent"}
HIS_OWN |= {"whole_case"}  # a copy for himself
HIS_OWN |= {"news_told"}
HUGE = 10**30
DAYS = ["0001-01-01", "1999-12-31", "2026-02-30", "9999-12-31"]
ODD = ["", "²", "\x00", "1" * 30, "0001-01-01", "9999-12-31"]
# The same for everybody, whoever is signed in.
PUBLIC_FOR_CACHES: set[str] = set()
# The names our views read from addresses and from forms.
ASKED = (
    *("q", "text", "view", "page", "topic", "unit", "term", "channel", "current", "actor", "action", "first", "last"),
    *("number", "from", "to", "download", "at", "on", "kind", "format", "applicant", "about"),
    *("audience", "month", "outcome", "by", "state", "material", "quarter", "source", "section"),
    *("mark", "fresh", "exact"),
    *("line", "hours"),
    *("in", "line", "weekday", "hour", "in_time"),
    *("line", "script"),
    *("line", "script", "known"),
    *("mark", "fresh", "exact", "like"),
    *("mark", "fresh", "exact", "consultant", "tag", "batch"),
    *("line", "consultant", "hour", "figure", "value"),
    *("month", "view", "official", "on", "property"),
    *("official", "topic", "needs_access", "request", "appeal"),
    *("on", "rooms"),
    *("channel", "day", "figure"),
    *("letter", "after"),
    *("key",),
    *("state", "channel"),
    *("with", "kin", "kin_of", "number"),
    # Reports
    *("figure", "of", "year", "quarter", "first", "last", "format"),
    # The lane of ПОС
    "part",
    *("under", "absent", "starts_on", "ends_on", "kind", "state"),
    *("view", "size", "page"),
    # Figures, and the lists they open
    *("section", "by", "unit", "channel", "topic", "first", "last", "format"),
    *("need", "executor", "came_first", "came_last", "ended_first", "ended_last", "mark", "lane"),
    # ССТУ
    *("state", "body", "name"),
)
TYPED = (
    # Reports
    *("name", "kind", "period", "measures", "plan", "people", "do"),
    # Targets of figures
    *("measure", "value", "basis", "first", "last"),
    # Moving in
    *("do", "kind", "column-0", "regime", "channel", "need", "pattern", "section", "means-executor-0"),
    # The lane of ПОС
    *("do", "theme", "row", "planned_on", "fact", "rating", "leave-reason", "postpone-until", "postpone-why", "topic"),
    *("text", "reason", "remark", "number", "appeal", "merged", "detach", "insert", "decline", "approvers", "signer"),
    *("way", "base_version", "on", "source", "arrived", "kind", "days", "valid_from", "starts_on", "ends_on", "absent"),
    *("deputy", "received_on", "channel", "what", "q", "about", "form-TOTAL_FORMS", "form-INITIAL_FORMS"),
    *("name", "owner", "scopes", "valid_to"),
    *("form-0-topic", "form-0-need", "posted-on", "way-address", "sed-signed_on"),
    *("username", "last_name", "first_name", "unit", "role", "state", "page", "version", "valid_from", "valid_to"),
    *("everyone", "last_day", "read", "employee", "at_once", "basis"),
    *("signed_on", "since", "until", "years", "level", "digest_at", "mail-term", "replaced_by", "revision"),
    *("helped", "note", "outcome", "take", "audience", "seconds", "measured_on", "path"),
    *("step", "how", "link", "field", "passage", "note", "acts", "items", "has_all", "missing", "close"),
    *(
        "act",
        "named",
        "nothing",
        "section",
        "title",
        "words",
        "also",
        "again",
        "pass",
        "done",
        "remove",
        "resume",
        "back",
    ),
    *("said", "written", "weight", "proposal", "word", "all"),
    *("question",),
    *("line", "came_on", "came_at", "waited", "answered", "another", "zone", "month"),
    *("result", "duplicate_of", "line", "at", "waited"),
    # The call screen
    *(
        "answer",
        "caller",
        "script",
        "to",
        "end",
        "seconds",
        "transfer",
        "result",
        "instead",
        "not_offered",
        "q-answered",
    ),
    *("code", "by_code", "surname", "address", "email"),
    *("transfer-where", "transfer-to", "promise-due_on", "promise-due_at", "words-email", "line"),
    *("date", "opens", "closes", "break_from", "break_to", "why", "opens_0", "closes_0", "break_from_0", "look"),
    *("code", "phones", "answer", "caller", "answered", "quality", "key", "topic", "need"),
    *("do", "count", "title", "code", "questionnaire", "ground", "like", "kind-1", "answers-1"),
    *("official", "powers", "topics", "weekday", "week", "slot_minutes", "pause_minutes", "room", "until", "to"),
    *("property", "passed", "checked_on", "valid_until", "place", "seats", "order", "number", "seen"),
    *("questionnaire", "point", "received_on", "forms_expected", "forms", "again", "comment", "q-answered", "tags"),
    # Scans, lists for the post office
    *("split", "received_on", "envelope_on", "register_number", "track", "letter", "do", "on", "grams-1", "track-1"),
    # Appointments
    *("slot", "what", "wanted_from", "wanted_to", "official", "needs_access", "request", "letter", "phone", "notify"),
    # A reception
    *("where", "before", "question", "outcome", "facts_evident", "material", "way", "address", "earlier", "executor"),
    *("new-text", "new-topic", "order-due_on", "at", "kind", "ground", "note"),
    # ПОС
    *("do", "meaning", "mark", "opa_id", "fz59", "medium", "campaign", "pasted"),
    # Sending, webhooks, files kept aside
    *("per_second", "per_minute", "quiet_from", "quiet_to", "breaks_after", "letters", "url", "events", "call"),
    # The front office
    *("step", "paper_number", "why", "offered", "document", "document_other", "document_number", "keep_number"),
    # Channels
    *("silent_after", "last_day", "valid_from", "name", "code"),
    # Routes of approval, ways of an answer, signing many at once
    *("letters", "key", "signed_on", "turn", "stop-0-turn", "stop-0-employee", "regime", "form", "standing", "mode"),
    *("passage", "margin", "beside", "take_text", "done", "route", "channel", "address"),
    *("copy-channel", "copy-address"),
    *("same", "video", "audio", "room", "later", "to", "matter", "out_of_turn", "count", "version"),
    # The dictionaries of both axes
    *("hints", "order", "replaced_by", "valid_to", "valid_from", "was", "starts_on", "version", "read", "form-0-kind"),
    # Outcomes, questions, parties, kin
    *("questions", "where", "dated", "decided_by", "earlier", "put_letter", "split", "join", "executor", "body"),
    *("drop", "representative", "meeting", "with", "unrelate", "undo", "merge", "take_in", "kin", "kin_of", "spread"),
    *("ground", "kind", "text", "need", "topic"),
    # Resolutions, parts, requests to other bodies, СЭД
    *("under", "to_person", "to_unit", "control", "words", "people", "due_on", "rule", "body", "sed_number", "message"),
    *("direction", "remove", "read", "load", "absent", "executor", "author", "step"),
    # ССТУ
    *(
        "department_id",
        "regimes",
        "due_day",
        "body",
        "body-name",
        "body-department_id",
        "all",
        "state",
        "sheet",
        "file",
    ),
    # Covering letters, lists
    *("cover_number", "cover_date", "control_until", "sender", "report_to", "column-0", "load"),
    # Kept safe, paper and outage
    *("began_on", "began_at", "ended_on", "ended_at", "on_paper", "came_at", "what"),
    # Dictionaries of the law
    *(
        "why_dropped",
        "what",
        "sstu",
        "actions_taken",
        "needs",
        "letter_due",
        "least_earlier",
        "roll",
        "basis",
        "article",
    ),
    # Prints, macros, storage
    *(
        "macro",
        "point",
        "points",
        "topic",
        "need",
        "material",
        "until",
        "do",
        "commission",
        "item",
        "why",
        "kept",
        "also",
    ),
)


@pytest.fixture
def world(db: None) -> World:
    return World()


def _visits(world: World) -> dict[str, list[int]]:
    """Leave an appointment of today, a request, and whom to call about it."""
    official = reception.official("receives")
    begins = timezone.now() + timedelta(hours=1)
    visit = reception.appointment(official, reception.room(), begins, by=world.clerk)
    request = visit_requests.ask({"last_name": "Иванова", "phone": "+7 913 000-00-01"}, source="portal")
    notice = AppointmentNotice.objects.create(appointment=visit, kind="moved", of_time=begins, way="phone")
    return {"appointments": [visit.pk], "visit-requests": [request.pk], "visit-notices": [notice.pk]}


def _report(world: World) -> int:
    """Leave a report somebody has saved and is sent."""
    row = SavedReport(name="Месяц", kind="figures", period="last_month", plan="monthly")
    return scheduling.keep(row, [world.fresh(world.signer)], by=world.clerk).pk


def _variant(world: World) -> int:
    """Put a draft's text aside as a variant; return its id."""
    return variants.keep_current(world.drafted(), "", by=world.executor).pk


@pytest.fixture
def ids(world: World) -> dict[str, list[int]]:
    """Make something at every address: the beginning of a route → ids of rows there, the first one with most to it."""
    appeal = world.again(dispatch.send(world.signed(world.registered_email()), by=world.clerk).message.thread.appeal)
    registration.join(world.email(message_id="<again@citizen.example>"), appeal, by=world.clerk)
    OutgoingMessage.objects.update(state="failed")
    asked, frozen, signed = world.asked(), world.frozen().appeal, world.signed()
    waiting = approval.decision_of(asked, world.head)
    assert waiting is not None
    quarantined = world.message()
    IncomingMessage.objects.filter(pk=quarantined.pk).update(state="quarantined")
    dates = {"opened_on": "2026-10-01", "due_on": "2026-12-30"}
    duty = ReviewDuty.objects.create(unit=world.land, year=2026, quarter=4, **dates)
    review = ReviewItem.objects.create(title="Вопрос", unit=world.land, duty=duty, due_on="2026-12-30")
    now = timezone.now()
    hotline_defaults.load()
    line = Line.objects.get(code="department")
    wait = {"line": line, "first_at": now, "last_at": now, "in_hours": True, "due_at": now}
    waits = MissedCall.objects.create(**wait, number="+79130000001", number_key="+79130000001")
    talk = Consultation.objects.create(line=line, by=world.clerk, opened_at=now)
    promised = Promise.objects.create(
        consultation=talk, by=world.clerk, number="+79130000001", due_at=now, about="Ответ"
    )
    hotline.load()
    consultant = world.employee("talker", "Голосова", world.registry, ["consultant"])
    consultation = consultations.open_for(None, number="+7 913 000-00-01", by=consultant)
    line = Line.objects.get(code="department")
    given = ekc.Given(at=timezone.now(), question="Где мой договор?")
    record = ekc.take(given, source="desk", by=world.clerk).consultation
    goal = MeasureTarget.objects.create(measure="in_term", value=95, valid_from="2026-01-01", by=world.clerk)
    return {
        "figures": [goal.pk],
        "answer-variants": [_variant(world)],
        "appeals": [appeal.pk, asked.pk, frozen.pk, signed.pk],
        "walk": [appeal.pk],
        "inbox": [world.message().pk],
        "applicants": [appeal.applicant_id],
        "approvals": [waiting.pk],
        "deliveries": list(OutgoingMessage.objects.values_list("pk", flat=True)),
        "quarantine": [quarantined.pk],
        "here": [appeal.pk],
        "bulk": [bulk.prepare("assign", [signed.pk], by=world.clerk).pk],
        "reports": [_report(world)],
        "views": [SavedView.objects.create(owner=world.clerk, name="Все", query="view=all").pk],
        "staff": [world.employee("leaver", "Уходящая", world.land, ["executor"]).pk],
        "role-assignments": [RoleAssignment.objects.latest("pk").pk],
        "transfers": [Transfer.objects.create(employee=world.helper, unit=world.land, starts_on="2099-01-01").pk],
        "terms": [TermRule.objects.earliest("pk").pk],
        "compliance": [ProcedureEdition.objects.earliest("pk").pk, ProcedureClause.objects.earliest("pk").pk],
        "reviews": [review.duty.pk],
        "review-items": [review.pk],
        "law": [
            LawChange.objects.create(named="59-ФЗ", happened_on="2026-10-01", what="Срок", entered_by=world.clerk).pk
        ],
        "law-weeks": [LawWeek.objects.create(begins_on="2026-11-23", due_on="2026-11-27").pk],
        **_visits(world),
        "classifier": [Topic.objects.filter(leaf=True).earliest("pk").pk],
        "needs": [Need.objects.earliest("pk").pk],
        "missed": [waits.pk, MissedCall.objects.create(**wait, number="", outcome="withheld", settled_at=now).pk],
        "promises": [promised.pk],
        "call": [consultation.pk],
        "consultations": [consultation.pk],
        "paper": [_pile(world).pk],
        "feedback": [_said(world).pk],
        "retention": [RetentionRule.objects.earliest("pk").pk],
        "channel-points": [ContactPoint.objects.earliest("pk").pk],
        **{place: [pk] for place, pk in reception.at_every_address().items()},
        **{place: [pk] for place, pk in post.at_every_address(world).items()},
        "lines": [line.pk],
        "line-days": [line.exceptions.create(date="2026-12-01", why="Санитарный день").pk],
        "extensions": [world.clerk.extensions.create(name="101", valid_from=LONG_AGO).pk],
        "ekc": [record.pk],
        "surveys": [Questionnaire.objects.earliest("pk").pk],
        "survey-drafts": [QuestionnaireDraft.objects.create(code="own-1", title="Черновик").pk],
        "survey-points": [SurveyPoint.objects.earliest("pk").pk],
        **_help_of_others(appeal, world),
        **_at_the_front_office(),
        **_at_a_reception(world),
        **_of_pos(world),
        **moving_journals.at_every_address(world),
        **_outside(world),
        **_of_sstu(world, appeal),
        **_answering(world, frozen.frozen.get().pk),
        **_law_day(world, appeal),
    }


def _answering(world: World, frozen: int) -> dict[str, list[int]]:
    """Leave a letter to be signed, a route of approval and a rule of ways."""
    today = timezone.localdate()
    route = routes.keep(
        None, name="Земля", regime=None, unit=None, valid_from=today, valid_to=None, stops=[routes.Stop(1)],
        by=world.clerk,
    )  # fmt: skip
    return {
        "to-sign": [frozen],
        "sign-groups": [frozen],
        "approval-routes": [route.pk],
        "answer-rules": [AnswerRule.objects.earliest("pk").pk],
        "outcome-kinds": [OutcomeKind.objects.earliest("pk").pk],
        "inquiry-rules": [InquiryRule.objects.earliest("pk").pk],
    }


def _help_of_others(appeal: Appeal, world: World) -> dict[str, list[int]]:
    """Leave a resolution, a part that is asked for, a request to another body."""
    today = timezone.localdate()
    row = appeal.resolutions.create(author=world.signer, entered_by=world.clerk, to_person=world.head, text="Ответить")
    part = appeal.parts.create(employee=world.helper, asked_by=world.executor, what="Проверить", due_on=today)
    thread = Thread.objects.create()
    letter = OutgoingMessage.objects.create(
        thread=thread, channel="post", kind="notice", message_id="<asked@here.example>", state="by_hand",
        not_before=timezone.now(),
    )  # fmt: skip
    asked = appeal.inquiries.create(
        number="1/З1", on=today, rule=InquiryRule.objects.earliest("pk"), body="Росреестр", channel="post",
        address="Державина, 28", text="Да?", due_on=today + timedelta(days=15), why=[], thread=thread, message=letter,
        made_by=world.executor,
    )  # fmt: skip
    told = OutgoingMessage.objects.create(
        thread=appeal.thread, channel="post", kind="notice", message_id="<told@here.example>", state="by_hand",
        not_before=timezone.now(),
    )  # fmt: skip
    sent_on = appeal.forwardings.create(
        whole=False, basis="59-ФЗ", control_on=today, signer=world.signer, notice=told, forwarded_on=today,
        by=world.clerk,
    )  # fmt: skip
    number = appeal.sed_numbers.create(direction="in", number="7", key="7", on=today, year=today.year, by=world.clerk)
    return {
        "resolutions": [row.pk],
        "helper-parts": [part.pk],
        "inquiries": [asked.pk],
        "forwardings": [sent_on.pk],
        "sed-numbers": [number.pk],
    }


def _law_day(world: World, appeal: Appeal) -> dict[str, list[int]]:
    """Leave a macro, a list of points and an act of destruction."""
    today = timezone.localdate()
    owned = Macro(name="М", owner=world.clerk, shared=True)
    macro = macros.keep(owned, steps=macros.steps_of({"text": "Да"}), by=world.clerk)
    points = macros.keep_list(Checklist(name="С", valid_from=today), ["Раз"], by=world.clerk)
    rule = RetentionRule.objects.earliest("pk")
    act = DestructionAct.objects.create(rule=rule, basis=rule.basis, drawn_by=world.clerk)
    act.items.create(appeal=appeal, closed_on=today)
    return {"macros": [macro.pk], "checklists": [points.pk], "storage-acts": [act.pk]}


def _of_pos(world: World) -> dict[str, list[int]]:
    """Leave an export that waits for a decision, and a word nobody has matched."""
    run = brought(table([{}]), by=world.clerk)
    facts = [PosTheme.objects.create(fact="Забор").pk]
    terms = [PosTerm.objects.create(kind="status", value="Новый").pk]
    return {"pos-imports": [run.pk], "pos-terms": terms, "pos-facts": facts}


def _of_sstu(world: World, appeal: Appeal) -> dict[str, list[int]]:
    """Leave a month reported to ССТУ: a volume, and what became of one appeal in it."""
    month = timezone.localdate().replace(day=1)
    SstuBody.objects.create(name="Минтранс", department_id="6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    run = SstuRun.objects.create(month=month, asked_by=world.clerk, state="ready")
    volume = run.volumes.create(number=1, stored=files.store(b"PK"), size=2, digest="", appeals=1)
    SstuUpload.objects.create(appeal=appeal, month=month, volume=volume)
    return {"sstu-volumes": [volume.pk]}


def _outside(world: World) -> dict[str, list[int]]:
    """Leave a system that is told of what happens, and a file that is kept aside."""
    today = timezone.localdate()
    hook = Webhook.objects.create(
        name="Портал", url="https://portal.example/", events=["appeal.closed"], owner=world.clerk, secrets="",
        valid_from=today, valid_to=today,
    )  # fmt: skip
    hook.calls.create(uid="evt_1", event="appeal.closed", case="appeal:1", payload={}, not_before=timezone.now())
    aside = FileExamination.objects.create(stored=files.store(b"MZ"), state="blocked", found="программа")
    outage = Downtime.objects.create(began_at=timezone.now(), what="Пропала сеть", by=world.clerk)
    return {"webhooks": [hook.pk], "files-aside": [aside.pk], "outages": [outage.pk]}


def _at_a_reception(world: World) -> dict[str, list[int]]:
    """Leave a reception that goes on, with a recording and a поручение."""
    who, where = reception.official("holder", "Ведущая"), reception.room(has_video=True)
    at = timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0)
    card = reception.card(reception.appointment(who, where, at), state="open")
    card.questions.create(position=1, text="Когда продлят аренду?")
    order = {"text": "Проверить", "executor": world.executor, "due_on": timezone.localdate(), "by": who}
    kept = {"kind": "video", "consent": "given", "name": "a.mp4", "by": who, "keep_until": timezone.localdate()}
    return {
        "receptions": [card.pk],
        "instructions": [card.instructions.create(**order).pk],
        "recordings": [card.recordings.create(**kept).pk],
    }


def _at_the_front_office() -> dict[str, list[int]]:
    """Leave who is to come today, and who has come and refused video."""
    who, where = reception.official("receiver"), reception.room(has_video=True)
    today = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    card = reception.card(reception.appointment(who, where, today), video="refused")
    return {
        "arrivals": [reception.appointment(who, where, today + timedelta(minutes=20)).pk],
        "check-in": [card.pk],
    }


def _pile(world: World) -> PaperBatch:
    """Leave a batch of paper questionnaires with a form that waits for its second reading."""
    edition = Questionnaire.objects.get(code="consultation")
    batch = paper.open_batch(
        questionnaire=edition, point=None, unit=world.land, received_on=timezone.localdate(), forms_expected=1,
        by=world.clerk,
    )  # fmt: skip
    paper.enter(batch, 1, {"answered": "yes", "quality": "partial"}, "Долго", by=world.clerk)
    paper.end_entry(batch, forms=1, by=world.clerk)
    return batch


def _said(world: World) -> Response:
    """Leave an opinion that was handed to a unit."""
    invitation = feedback.invite(channel="hotline", on=timezone.localdate())
    response = feedback.answer(invitation.token, {"answered": "no", "quality": "unsatisfied"}, "Не дозвонились")
    handling.hand_over(response, unit=world.land, task="Разобраться", by=world.clerk)
    return response


def signed_in(employee: Employee, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(pattern: URLPattern, pk: object, on: object = "2026-11-24") -> str:
    """Return an address of the pattern, with the id wherever it asks for a number."""
    route = str(pattern.pattern)
    for name, converter in pattern.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        value = {"day": on, "slug": "email" if route.startswith("channels/") else "next"}.get(kind, pk)
        route = route.replace(f"<{kind}:{name}>", str(value))
    return f"/desk/{route}"


def patterns() -> Iterator[tuple[URLPattern, str]]:
    """Yield every pattern of the desk with the beginning of its route."""
    for one in urls.urlpatterns:
        if isinstance(one, URLPattern):
            yield one, str(one.pattern).split("/")[0]


def rows() -> dict[str, list[Any]]:
    """Return every row there is but sessions, who has what open, and the access log with its chains."""
    passing = {"session", "presence", "accessentry", "chainhead"}
    models = [one for one in apps.get_models() if one._meta.model_name not in passing]
    heads = ChainHead.objects.exclude(chain__startswith="access:").order_by("pk").values_list()
    return {"heads": list(heads)} | {
        one._meta.label: list(one._default_manager.order_by("pk").values_list()) for one in models
    }


@pytest.mark.once
@pytest.mark.usefixtures("undrawn")
def test_who_only_reads_finds_no_address_that_changes_anything(world: World, ids: dict[str, int]) -> None:
    auditor = signed_in(world.auditor)
    auditor.get("/desk/")
    typed = dict.fromkeys(TYPED, "1") | {"reason": "так", "text": "так", "on": "2026-11-24"}
    before = rows()
    for pattern, place in patterns():
        for pk in ids.get(place, [1]) if pattern.name not in HIS_OWN else ():
            # Whatever was done ends in a redirect; a page that is only shown again is proved by the rows.
            answer = auditor.post(address(pattern, pk), typed)
            assert answer.status_code != 302, pattern
        auditor.get(address(pattern, ids.get(place, [1])[0]))
    assert rows() == before


@pytest.fixture
def omnipotent(world: World) -> Employee:
    role = Role.objects.create(code="all", name="все права", order=1)
    RolePower.objects.bulk_create(RolePower(role=role, power=power, valid_from=LONG_AGO) for power in POWERS)
    one = world.employee("root", "Всемогущева", world.hq, [])
    RoleAssignment.objects.create(employee=one, role=role, valid_from=LONG_AGO)
    return one


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tell at which addresses a view has looked at what stands behind the «?»."""
    looked: list[str] = []
    really = WSGIRequest.GET

    def get(request: WSGIRequest) -> QueryDict:
        if "GET" in vars(request):  # a middleware has cleaned it and put it back: from here on views look
            looked.append(request.path)
            return vars(request)["GET"]
        return really.func(request)

    monkeypatch.setattr(WSGIRequest, "GET", property(get, lambda request, sent: vars(request).update(GET=sent)))
    return looked


def some(odd: list[str], turn: int) -> list[str]:
    """Give all odd values in a proof, otherwise a sixth of them, another one at each address."""
    return odd if sizes.FULL else odd[turn % 6 :: 6]


@pytest.mark.proof
@pytest.mark.strict
def test_odd_numbers_days_and_words_are_no_defect_at_any_address(
    omnipotent: Employee, ids: dict[str, list[int]], asked: list[str]
) -> None:
    client = signed_in(omnipotent, raise_request_exception=False)

    def look(answer: Any, *what: object) -> None:
        assert answer.status_code < 500, what

    for turn, (pattern, place) in enumerate(patterns()):
        pk = ids.get(place, [1])[0]
        for number in (0, HUGE) if "pk>" in str(pattern.pattern) or "id>" in str(pattern.pattern) else ():
            look(client.get(address(pattern, number)), pattern.name, number)
            look(client.post(address(pattern, number)), pattern.name, number)
        for day in DAYS if "<day" in str(pattern.pattern) else ():
            look(client.get(address(pattern, pk, day)), pattern.name, day)
        asked.clear()
        client.get(address(pattern, pk))
        for odd in some(ODD, turn) if asked else ():
            look(client.get(address(pattern, pk), dict.fromkeys(ASKED, odd)), pattern.name, odd)


@pytest.mark.proof
@pytest.mark.strict
def test_odd_forms_are_no_defect_at_any_address(omnipotent: Employee, ids: dict[str, list[int]]) -> None:
    client = signed_in(omnipotent, raise_request_exception=False)
    for turn, (pattern, place) in enumerate(patterns()):
        url = address(pattern, ids.get(place, [1])[0])
        for odd in some(ODD, turn) if client.post(url).status_code != 405 else ():
            answer = client.post(url, dict.fromkeys(TYPED, odd))
            assert answer.status_code < 500, (pattern, odd)


@pytest.mark.once
def test_every_page_is_kept_by_nobody_and_under_the_policy_of_its_kind(
    omnipotent: Employee, ids: dict[str, list[int]]
) -> None:
    """`pytest -s` prints which policy stands on how many addresses: the table in docs/security.md."""
    omnipotent.is_superuser = True
    omnipotent.save()
    client = signed_in(omnipotent, raise_request_exception=False)
    desk = [(address(one, ids.get(place, [1])[0]), str(one.pattern)) for one, place in patterns()]
    others = [(one, one) for one in plain("") if not one.startswith("/desk/")]
    policies: dict[str, set[str]] = {}
    for url, kind in desk + others:
        answer = client.get(url)
        assert "_auth_user_id" in client.session, f"{url}: asking for a page signs nobody out"
        if answer.status_code == 405:
            continue
        said = policy(answer)
        told = re.sub(r"nonce-[^']+", "nonce-…", answer.headers["Content-Security-Policy"])
        policies.setdefault("; ".join(sorted(told.split("; "))), set()).add(url)
        open_to_caches = url.startswith(("/healthz", "/readyz", "/metrics")) or kind in PUBLIC_FOR_CACHES
        assert open_to_caches or "no-store" in answer.headers.get("Cache-Control", ""), (url, answer.status_code)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", url
        if "sandbox" in said:
            assert said["default-src"] == "'none'", url
            continue
        assert said["object-src"] == said["base-uri"] == "'none'", url
        # The form for other sites is shown by those that are listed: here by none.
        assert said["frame-ancestors"] == ("'none'" if url.startswith("/embed/") else "'self'"), url
        assert said["form-action"] == "'self'", url
        assert ("unsafe" in str(said)) == url.startswith("/cms/"), url
        assert "unsafe-eval" not in str(said), url
    for found, where in sorted(policies.items()):
        kinds = sorted({url.split("/")[1] or "/" for url in where})
        print(f"{len(where):4} {', '.join(kinds)}: {found}")  # noqa: T201
    assert sum(map(len, policies.values())) > 150
