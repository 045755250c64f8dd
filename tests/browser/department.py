"""A department small enough to walk through in a minute: an appeal in every state, one of every leftover."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.files.base import ContentFile
from django.utils import timezone
from wagtail.models import Page

from otklik.appeals import (
    approval,
    assignment,
    case_file,
    classification,
    collective,
    complained,
    dispatch,
    drafting,
    forwarding,
    kinship,
    late,
    macros,
    registration,
    routes,
    search_feed,
    signals,
    storage,
    variants,
)
from otklik.appeals import outcomes as case_outcomes
from otklik.appeals.letters import word
from otklik.appeals.models import (
    AnswerRule,
    Appeal,
    AppealMessage,
    Approval,
    Checklist,
    DestructionAct,
    FrozenAnswer,
    InquiryRule,
    Macro,
    Need,
    OutcomeKind,
    PosTheme,
    SedRecord,
    SstuBody,
    SstuUpload,
    Topic,
)
from otklik.appeals.sstu import dictionary as sstu_dictionary
from otklik.appeals.sstu import selecting as sstu_selecting
from otklik.appeals.sstu import uploads as sstu_uploads
from otklik.channels.governor import intake as packages
from otklik.channels.governor.cover import Cover
from otklik.channels.mail.models import CaughtLetter
from otklik.channels.registry import all_connected
from otklik.channels.site import intake
from otklik.channels.site.models import Receipt
from otklik.channels.webhooks.models import Webhook
from otklik.core import examining, files, installation, retention
from otklik.core.models import Backup, BackupDrill, Downtime, FileExamination, Installation
from otklik.correspondence import connections, delivery, inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.models import (
    Connection,
    ContactPoint,
    IncomingFile,
    IncomingMessage,
    OutgoingMessage,
    SendingState,
    Thread,
)
from otklik.demo import staff
from otklik.demo.history import CHANNELS, Historian, Plan, letter_of, reply_to
from otklik.hotline import calls, consultations, ekc, lines, missed, promises
from otklik.hotline import defaults as hotline
from otklik.hotline.models import Consultation, Line, MissedCall, Transfer
from otklik.knowledge import (
    agreement,
    defaults,
    finding,
    law,
    lessons,
    proposals,
    public,
    quality,
    quarters,
    votes,
    weeks,
)
from otklik.knowledge.law import News
from otklik.knowledge.models import (
    Agreement,
    Faq,
    LawChange,
    LawWeek,
    LegalAct,
    Mark,
    Proposal,
    Reference,
    ReplyTemplate,
    ReviewItem,
    Script,
    SearchSession,
    Section,
    TestQuery,
)
from otklik.knowledge.quarters import Quarter
from otklik.people import citizens, substitution
from otklik.people.applicants import Typed
from otklik.people.models import Citizen, Employee, RoleAssignment, Unit
from otklik.reception import appointments, finder, finishing, holding, instructions, links, outcomes, schedule, waiting
from otklik.reception import defaults as reception_defaults
from otklik.reception import front_office as desk
from otklik.reception import notices as reception_notices
from otklik.reception.models import Authority, ReceptionRule, Room, RoomCheck
from otklik.reports import channels, scheduling
from otklik.reports.models import SavedReport
from otklik.search import dictionary, learning
from otklik.search.dictionary import Facts, Kind
from otklik.search.models import LearnedWord, ThesaurusEntry
from otklik.surveys import paper, questionnaires
from otklik.surveys.models import OpinionTag, Questionnaire
from otklik.workplace import exercises, notices
from tests.channels.pos.exports import ANSWERED, brought, loaded
from tests.channels.pos.exports import table as pos_table
from tests.channels.post import rows as post
from tests.moving import journals as moving_journals
from tests.reception import people as reception
from tests.reception import people as receptions

S = Appeal.Status
CODE = "walk234567"
ROLES = (
    "clerk",
    "clerk2",
    "executor1",
    "signer",
    "kbauthor",
    "kbchief",
    "head1",
    "lawyer",
    "consultant",
    "receptionist",
    "admin",
    "auditor",
)
# By post comes a statutory appeal, by e-mail and from the site a message outside 59-ФЗ: they are signed differently.
CAME = {"post": (S.SIGNING,), "website": (S.SENT,), "email": (*S, S.SENT, S.SENT)}


def fill() -> dict[str, Any]:
    """Fill a database that holds the defaults; return sessions by login, and what a citizen holds."""
    installation.mark(Installation.Kind.DEMO)
    units, people = staff.load()
    _knowledge(units["land"])
    _readers(people["executor1"], people["consultant"])
    act = _law(people["lawyer"])
    historian = Historian(units, people, now=timezone.now())
    lived = _appeals(historian)
    _leftovers(historian)
    _undelivered()
    today = timezone.localdate()
    substitution.substitute(
        absent=people["head1"], deputy=people["head2"], starts_on=today + timedelta(days=30),
        ends_on=today + timedelta(days=40), by=people["admin"],
    )  # fmt: skip
    operator, line, record = _line(people)
    while notices.work_next():
        pass
    historian.chance.random = lambda: 0.1
    answered = [appeal for appeal in lived if appeal.invitation]
    historian.say(answered[0])
    on_site = next(one for one in lived if one.channel == "website")
    first = AppealMessage.objects.get(appeal=on_site, first=True).message_id
    Receipt.objects.filter(message=first).update(code_hash=intake.hash_of(CODE))
    applicant = citizens.enter("https://id.example", "walk", citizens.Said("Примерова", "Анна"))
    Receipt.objects.filter(message=first).update(citizen=Citizen.objects.get(subject="walk"))
    waiting = Approval.objects.filter(decision=Approval.Decision.WAITING).latest("pk")
    head = waiting.approver.username
    drafted = next(one for one in lived if one.status == S.DRAFTING)
    writer = drafted.executor.username
    sent = next(one for one in lived if one.status == S.SENT and one.executor.username not in (writer, head))
    keeper = sent.executor.username
    RoleAssignment.objects.create(employee=sent.executor, role_id="kb_author", valid_from=staff.SINCE)
    law_weeks = list(LawWeek.objects.all())
    typed, checked = _paper(units["land"], people)
    visits, visit_token = _visits(people)
    return {
        "visit": visit_token,
        "sessions": {login: _session(people[login]) for login in (*ROLES, head, writer, keeper)}
        | {operator.username: _session(operator)},
        "section": Section.objects.get(slug="garages").pk,
        "number": on_site.number,
        "code": CODE,
        "applicant": applicant,
        "invitation": answered[1].invitation.token,
        "answered_invitation": answered[0].invitation.token,
        "pages": {
            "clerk": [
                *(f"/desk/appeals/{one.pk}/" for one in lived),
                *(f"/desk/inbox/{one.pk}/" for one in IncomingMessage.objects.filter(state__in=("new", "quarantined"))),
                *of_the_governor(people["clerk"]),
                f"/desk/applicants/{on_site.applicant_id}/",
                *(f"/desk/lines/{line.pk}/{place}" for place in ("", "hours/", "day/", "edit/")),
                f"/desk/extensions/{people['consultant'].extensions.get().pk}/end/",
                f"/desk/ekc/untopiced/{record.pk}/",
                f"/desk/survey-drafts/{_questionnaire(people['clerk'])}/",
                f"/desk/feedback/{answered[0].invitation.response.pk}/",
                f"/desk/paper/{typed}/",
                "/desk/line/figures/list/",
                "/desk/figures/reviews/",
                *(f"/desk/figures/?section={one}" for one in ("topics", "opinions", "line", "knowledge", "reception")),
                f"/desk/reconciliation/list/?channel=email&figure=seen&day={today}",
                *of_pos(people["clerk"]),
                *moving_journals.pages(people["clerk"]),
                "/desk/classifier/import/",
                f"/desk/classifier/{Topic.objects.filter(leaf=True).earliest('pk').pk}/",
                "/desk/needs/new/",
                f"/desk/needs/{Need.objects.earliest('pk').pk}/",
                *_answering(people["clerk"], drafted),
                *post.pages(people["clerk"], on_site),
                *law_dictionaries(people),
                *(f"/desk/regimes/{code}/rules/" for code in ("59fz", "information_request", "pos")),
                *(f"/desk/appeals/{drafted.pk}/{place}/" for place in ("extend", "forward", "control")),
                *parties_and_kin(drafted, lived, people["clerk"]),
                *help_of_others(on_site, people["clerk"]),
                *law_day(people["clerk"], sent),
                *_of_reports(people["clerk"], people["signer"]),
                *sstu_month(people["clerk"]),
                *kept_safe(people["clerk"]),
                *(
                    f"/desk/appeals/{drafted.pk}/{place}/"
                    for place in ("extend", "forward", "control", "change-regime", "pause")
                ),
            ],
            "clerk2": [f"/desk/paper/{checked}/", f"/desk/paper/{checked}/check/"],
            head: [f"/desk/approvals/{waiting.pk}/"],
            "lawyer": [
                f"/desk/kb/{act.pk}/law/",
                *(f"/desk/law-weeks/{one.pk}/" for one in law_weeks),
                f"/desk/law-weeks/{law_weeks[0].pk}/list/",
            ],
            "kbauthor": ["/desk/kb/questions/", "/desk/kb/ask/?q=гараж", "/desk/kb/?q=гараж"],
            "admin": [
                "/desk/leaving/",
                "/desk/staff/directory/",
                f"/desk/staff/{people['executor1'].pk}/hand-over/",
                *_of_channels(),
                *outside(people["admin"]),
            ],
            "operator": [f"/desk/ekc/{record.pk}/", "/desk/ekc/upload/"],
            writer: [
                *(f"/desk/appeals/{drafted.pk}/draft/{page}" for page in ("", "variants/")),
                *parts_asked(drafted, people["clerk"]),
            ],
            "kbchief": _of_the_chief(),
            "consultant": [
                *_calls(people["consultant"], people["executor1"]),
                *calls_missed(people["consultant"], people["executor1"]),
                f"/desk/outages/{Downtime.objects.earliest('pk').pk}/call/",
            ],
            "receptionist": [
                *reception_pages(people["signer"], people["receptionist"]),
                *front_office(people["receptionist"], people["signer"]),
                *visits,
                "/desk/reception/figures/list/",
            ],
            "signer": held(people, units["land"]),
            "auditor": of_learning(people["auditor"]),
            keeper: [f"/desk/appeals/{sent.pk}/{place}/" for place in ("invite", "keep", "material")],
        },
    }


def _of_reports(clerk: Employee, signer: Employee) -> list[str]:
    """Leave a report that was sent once; return its pages."""
    row = scheduling.keep(SavedReport(name="Месяц", plan="monthly"), [signer], by=clerk)
    scheduling.send(row, timezone.now(), by=clerk)
    return [f"/desk/reports/{row.pk}/", f"/desk/reports/{row.pk}/edit/"]


def of_learning(pupil: Employee) -> list[str]:
    """Let somebody go through an exercise: its panel is on every page of his; return the pages of help."""
    one = next(one for one in exercises.EXERCISES if one.is_for(pupil))
    exercises.begin(one, by=pupil)
    places = ("help/?q=карантин", "help/clerk/", "help/new/", "exercises/", f"exercises/{one.code}/")
    return [f"/desk/{place}" for place in places]


def _of_channels() -> list[str]:
    """Leave a channel that fails and a message in every figure of a day; return their pages."""
    pages = [f"/desk/channels/email/{place}" for place in ("", "points/new/")] + ["/desk/channels/website/guide/"]
    pages += ["/desk/channels/website/form/"]
    for code, channel in list(all_connected().items())[:1]:
        given = {one.name: one.default or "1" for one in channel.settings}
        connections.configure(channel, given, by=None)
        connections.switch(channel, True, reason="", by=None)
        error = {"error": "Сервер не принимает ключ доступа.", "error_at": timezone.now(), "failures": 5}
        Connection.objects.filter(channel=code).update(**error, visited_at=timezone.now())
        pages += [f"/desk/channels/{code}/{place}" for place in ("", "settings/", "switch/", "points/new/")]
    channels.watch()
    point = ContactPoint.objects.earliest("pk").pk
    return [*pages, f"/desk/channel-points/{point}/", f"/desk/channel-points/{point}/end/"]


def outside(administrator: Employee) -> list[str]:
    """Leave a channel that is stopped, a system that is told and does not answer, a file kept aside; their pages."""
    now, today = timezone.now(), timezone.localdate()
    stopped = {"failures": 7, "broken_at": now, "probe_at": now + timedelta(minutes=5), "error": "Сервер не отвечает"}
    SendingState.objects.update_or_create(channel="email", defaults=stopped)
    hook = Webhook.objects.create(
        name="Портал губернатора", url="https://portal.example/hooks/otklik", events=["appeal.registered"],
        owner=administrator, secrets="", valid_from=today, valid_to=today + timedelta(days=300),
        failing_since=now, failures=3,
    )  # fmt: skip
    told = {"event": "appeal.registered", "payload": {}, "not_before": now}
    for number, state in enumerate(("done", "failed", "waiting")):
        hook.calls.create(uid=f"evt_{number}", case=f"appeal:{number}", state=state, status=503, attempts=2, **told)
    stored = files.store(b"MZ\x90\0", name="письмо.exe")
    letter = IncomingMessage.objects.exclude(thread=None).latest("pk")
    IncomingFile.objects.create(message=letter, stored=stored, name="письмо.exe")
    examining.ask([stored])
    while FileExamination.objects.filter(state="waiting").exists():
        examining.work_next()
    aside = FileExamination.objects.get(stored=stored)
    return [f"/desk/webhooks/{hook.pk}/", f"/desk/files-aside/{aside.pk}/", "/desk/sending/email/"]


def sstu_month(clerk: Employee) -> list[str]:
    """Leave a month with files for ССТУ, one appeal refused, a body in its dictionary; return its pages."""
    rule = sstu_dictionary.rule()
    rule.department_id, rule.basis = "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "письмо"
    sstu_dictionary.keep_rule(rule, by=clerk)
    others = "7c2cfae4-7a57-4a2f-8f6f-0c2d3f0d9d11"
    body = sstu_dictionary.keep_body(SstuBody(name="Минтранс", other_names="Транспорт", department_id=others), by=clerk)
    month = sstu_selecting.of(timezone.localdate())
    sstu_uploads.ask(month, by=clerk)
    sstu_uploads.work_next()
    sent = SstuUpload.objects.filter(month=month.first, current=True).values_list("appeal", flat=True)[:1]
    if sent:
        sstu_uploads.mark_refused(month, list(sent), reason="Неверный код вопроса", by=clerk)
    one = f"/desk/sstu/{month.first}/"
    kept = ("/desk/sstu/settings/", f"/desk/sstu/settings/?body={body.pk}")
    return ["/desk/sstu/", one, f"{one}?state=mend", f"{one}?state=refused", *kept, "/desk/sstu/check/"]


def law_day(clerk: Employee, appeal: Appeal) -> list[str]:
    """Leave a macro, a list of points, a hold, a case as PDF and an act of destruction; return their pages."""
    today = timezone.localdate()
    macro = macros.keep(Macro(name="К сведению", owner=clerk), steps=macros.steps_of({"text": "Проверено"}), by=clerk)
    points = macros.keep_list(Checklist(name="Аренда", valid_from=today), ["Проверить ЕГРН", "Позвонить"], by=clerk)
    storage.hold(appeal, reason="Дело в суде", until=None, by=clerk)
    case_file.ask(appeal, by=clerk)
    retention.load()
    rule = storage.rules(today)["appeals"]
    act = DestructionAct.objects.create(rule=rule, basis=rule.basis, drawn_by=clerk)
    act.items.create(appeal=appeal, closed_on=today)
    of_case = [f"/desk/appeals/{appeal.pk}/{place}/" for place in ("hold", "masked", "case", "macros")]
    return [*of_case, f"/desk/macros/{macro.pk}/", f"/desk/checklists/{points.pk}/", f"/desk/storage-acts/{act.pk}/"]


def kept_safe(clerk: Employee) -> list[str]:
    """Leave a backup that proved itself, one that failed, a downtime that is not over; return its pages."""
    now = timezone.now()
    facts = {"host": "otklik", "rows": 120_000, "files": 4_000}
    name = "otklik-20261126-183000.zip"
    Backup.objects.create(name=name, finished_at=now, verified_at=now, size=7 * 2**30, **facts)
    Backup.objects.create(host="otklik", name="otklik-20261125-183000.zip", error="OSError: No space left on device")
    BackupDrill.objects.create(name=name, finished_at=now, tables=210, entries=9_000, chains=800, seals=30, **facts)
    BackupDrill.objects.create(host="otklik", name=name, finished_at=now, error="Архив не подходит: файл обрывается.")
    row = late.write(began_at=now - timedelta(hours=5), ended_at=None, what="Отключили электричество", by=clerk)
    return [f"/desk/outages/{row.pk}/", f"/desk/outages/{row.pk}/appeal/"]


def reception_pages(official: Employee, clerk: Employee) -> list[str]:
    """Leave an official who receives, a room that lapses, a day cancelled, somebody to be moved; return their pages."""
    reception_defaults.load()
    fit, lapsing = reception.room("Кабинет 214", has_video=True), reception.room("Кабинет 215", without=["sanitary"])
    power = reception.authority(official)
    hours = reception.rule(official, fit)
    reception.rule(official, lapsing, weekday=2)
    reception.appointment(official, fit, by=clerk)
    schedule.cancel_day(official, reception.next_weekday(0), why="Командировка", by=clerk)
    unlike = official.reception_exceptions.get()
    one = f"/desk/reception-officials/{official.pk}/"
    return [
        "/desk/reception/schedule/",
        f"/desk/reception/schedule/?month={reception.next_weekday(0):%Y-%m}&view=list",
        "/desk/reception/hours/",
        *(f"{one}{place}" for place in ("", "hours/", "day/", "cancel/", "move/", "rebook/")),
        f"/desk/reception-authorities/{power.pk}/end/",
        *(f"/desk/reception-rules/{hours.pk}/{place}" for place in ("", "end/")),
        f"/desk/reception-days/{unlike.pk}/remove/",
        *(f"/desk/reception-rooms/{lapsing.pk}/{place}" for place in ("", "edit/", "check/")),
    ]


def help_of_others(appeal: Appeal, clerk: Employee) -> list[str]:
    """Leave a resolution, a part asked for, a request to another body, numbers of СЭД on both sides; their pages."""
    today = timezone.localdate()
    others = Employee.objects.filter(is_active=True, unit__isnull=False).exclude(pk__in=[clerk.pk, appeal.executor_id])
    facts = {"author": clerk, "entered_by": clerk, "text": "Рассмотреть и ответить", "due_on": today, "control": True}
    above = appeal.resolutions.create(to_person=others.earliest("pk"), **facts)
    appeal.resolutions.create(to_unit=clerk.unit, parent=above, **facts)
    rule = InquiryRule.objects.earliest("pk")
    thread = Thread.objects.create()
    letter = delivery.queue(
        thread=thread, channel="post", kind="notice", recipient="Державина, 28", text="Просим сообщить", by=clerk
    )
    asked = appeal.inquiries.create(
        number="О-1/З1", on=today, rule=rule, body="Росреестр", channel="post", address="Державина, 28",
        text="Просим сообщить", due_on=today + timedelta(days=15), why=[], thread=thread, message=letter, made_by=clerk,
    )  # fmt: skip
    appeal.sed_numbers.create(direction="in", number="01-23/1", key="01-23/1", on=today, year=today.year, by=clerk)
    SedRecord.objects.create(direction="out", number="01-23/2", key="01-23/2", on=today, year=today.year)
    one = f"/desk/appeals/{appeal.pk}/"
    return [
        *(f"{one}{place}" for place in ("resolutions/write/", "inquiries/new/", "sed/", "matter/")),
        *(
            "/desk/resolutions/?state=control",
            "/desk/inquiries/",
            "/desk/sed/",
            "/desk/sed/?kind=here",
            "/desk/sed/upload/",
        ),
        *(f"/desk/resolutions/{above.pk}/", f"/desk/inquiries/{asked.pk}/"),
        "/desk/away/risk/",
    ]


def law_dictionaries(people: dict[str, Employee]) -> list[str]:
    """Leave a forwarding whose results are waited for; return its page and those of the dictionaries of the law."""
    today = timezone.localdate()
    body = forwarding.Addressed("Мэрия города Примерска", "post", "630099, г. Примерск, Красный проспект, 34")
    appeal = Appeal.objects.filter(regime__code="59fz", status="classified").latest("pk")
    Appeal.objects.filter(pk=appeal.pk).update(answer_channel="post", answer_address="630000, г. Примерск, д. 1")
    appeal.refresh_from_db()
    sent = forwarding.forward(
        appeal, [body], whole=False, signer=people["signer"], by=people["clerk"],
        control_on=today + timedelta(days=30), late_why="Поздно разобрались",
    )  # fmt: skip
    rule = InquiryRule.objects.earliest("pk")
    return [
        "/desk/outcome-kinds/new/",
        f"/desk/outcome-kinds/{OutcomeKind.objects.earliest('pk').pk}/",
        "/desk/inquiry-rules/new/",
        f"/desk/inquiry-rules/{rule.pk}/end/",
        f"/desk/forwardings/{sent.pk}/told/",
    ]


def parts_asked(appeal: Appeal, clerk: Employee) -> list[str]:
    """Leave a part that is late; return the pages of its executor."""
    late = timezone.localdate() - timedelta(days=1)
    helper = Employee.objects.filter(is_active=True).exclude(pk__in=[clerk.pk, appeal.executor_id]).latest("pk")
    part = appeal.parts.create(employee=helper, asked_by=clerk, what="Проверить реестр", due_on=late)
    return [f"/desk/appeals/{appeal.pk}/parts/ask/", f"/desk/helper-parts/{part.pk}/"]


def of_the_governor(clerk: Employee) -> list[str]:
    """Leave a package with its covering letter; return its pages."""
    today = timezone.localdate()
    letter = Cover("12-ОГ/77", today, today + timedelta(days=20), "Общественная приёмная Губернатора")
    taken = packages.take_in(
        letter,
        [],
        text="Прошу дорогу.",
        subject="Дорога",
        sender_address="",
        received_at=timezone.now(),
        by=clerk,
    )
    return [f"/desk/inbox/{taken.message.pk}/{place}" for place in ("", "cover/")]


def _written(drafted: Appeal) -> list[str]:
    """Put two variants of an answer side by side, one in another's words; return the pages of its text."""
    assert drafted.executor is not None
    variants.keep_current(drafted, "как сейчас", by=drafted.executor)
    document = ContentFile(word.document("В продлении отказано: договор прекращён."), "Отказ.docx")
    refusal = variants.bring(drafted, document, "с отказом", by=drafted.executor)
    pages = ("", "variants/", f"variants/?with={refusal.pk}")
    return [f"/desk/appeals/{drafted.pk}/draft/{page}" for page in pages]


def parties_and_kin(drafted: Appeal, lived: list[Appeal], clerk: Employee) -> list[str]:
    """Leave whom an appeal complains of, those who signed it, its kin, and an outcome; return their pages."""
    drafted.refresh_from_db()
    complained.add(drafted, body="Администрация Примерного района", by=clerk)
    collective.keep(drafted, collective.pasted("Примерова А. Б.; г. Примерск, 1\nОбразцов В. Г."), by=clerk)
    other = next(one for one in lived if one.status in ("assigned", "classified", "registered"))
    kinship.relate(Appeal.objects.get(pk=other.pk), drafted, kind="group", by=clerk)
    case_outcomes.record(Appeal.objects.get(pk=drafted.pk), OutcomeKind.objects.get(code="explained"), by=clerk)
    letter = IncomingMessage.objects.filter(state="new").first()
    assert letter is not None
    place = f"/desk/appeals/{drafted.pk}/"
    pages = [f"{place}{one}/" for one in ("outcomes", "questions", "complained", "signed", "copies", "matter")]
    return [*pages, f"{place}related/?with={other.pk}", f"/desk/inbox/{letter.pk}/like/{drafted.pk}/"]


def of_pos(clerk: Employee) -> list[str]:
    """Leave two messages of ПОС, their case closed, and an export that waits; return their pages."""
    run = loaded(pos_table([{}, {"Номер": 2, "Статус": "Ждёт звонка"}]), by=clerk)
    waits = brought(pos_table([ANSWERED, {"Номер": 3}, {"Номер": "-"}]), by=clerk)
    first, second = IncomingMessage.objects.filter(channel="pos", external_id__in=("327441806", "2")).order_by("pk")
    entry = replace(registration.entry_for(first), applicant=Typed(last_name="Примерова"), needs_answer=False)
    appeal = registration.register(first, entry, by=clerk)
    registration.join(second, appeal, by=clerk)
    registration.seen_reply(appeal, by=clerk)
    # Nothing of it stands in anybody's queue; a person could close it only by an answer carried into ПОС.
    dispatch.close(appeal, reason="К сведению", by=clerk, imported=True)
    return [
        "/desk/pos/",
        "/desk/pos/terms/",
        "/desk/pos/differences/",
        "/desk/pos/links/",
        "/desk/pos-lane/",
        "/desk/pos-lane/new/",
        "/desk/pos-lane/facts/",
        f"/desk/pos-facts/{PosTheme.objects.latest('pk').pk}/",
        f"/desk/appeals/{appeal.pk}/pos-case/",
        f"/desk/pos-imports/{waits.pk}/",
        f"/desk/pos-imports/{run.pk}/",
        f"/desk/inbox/{second.pk}/pos/",
        f"/desk/appeals/{appeal.pk}/pos/",
    ]


def _visits(people: dict[str, Employee]) -> tuple[list[str], str]:
    """Leave hours of an official, appointments, a request, somebody who waits and somebody to call; the link, too."""
    official, desk, today = people["signer"], people["receptionist"], timezone.localdate()
    since = staff.SINCE
    Authority.objects.create(official=official, basis="Приказ № 12-л от 10.01.2024", valid_from=since)
    room = Room.objects.create(name="Кабинет 310", place="2 этаж, от входа направо", valid_from=since)
    RoomCheck.objects.bulk_create(
        RoomCheck(
            room=room,
            property=code,
            checked_on=today,
            valid_until=today + timedelta(days=400),
            checked_by=desk,
        )
        for code in RoomCheck.Property.values
    )
    hours = {"official": official, "room": room, "opens": "10:00", "closes": "13:00", "valid_from": since}
    ReceptionRule.objects.bulk_create(ReceptionRule(weekday=day, **hours) for day in range(5))
    person = {"last_name": "Сазонов", "first_name": "Пётр", "patronymic": "Ильич", "phone": "+7 913 000-00-03"}
    ahead = today + timedelta(days=1)
    free = finder.free(ahead, ahead + timedelta(days=30))
    row = appointments.book(free[0], person, source="phone", by=desk)
    appointments.move(row, free[2], by=desk, why="Просит позже")
    mail = person | {"last_name": "Кимова", "email": "kimova@example.org", "notify": "email"}
    appointments.book(free[1], mail, source="in_person", by=desk)
    asked = waiting.ask(person | {"matter": "Продлить договор аренды"}, source="portal")
    waits = waiting.ask(mail, source="phone", by=desk, at_once=True)
    waiting.offer_free()
    notice = reception_notices.to_call().first()
    assert notice is not None
    place = "/desk/appointments/"
    pages = [
        f"{place}{row.pk}/",
        f"{place}{row.pk}/move/",
        f"{place}new/?request={asked.pk}",
    ]
    pages += [f"/desk/visit-requests/{one}/" for one in ("wait", asked.pk, waits.pk)]
    return [*pages, f"/desk/visit-notices/{notice.pk}/", "/desk/visit-requests/?state=waiting"], links.token_of(row)


def calls_missed(consultant: Employee, colleague: Employee) -> list[str]:
    """Leave calls nobody answered, one tried in vain, one settled, and a promise; return their pages."""
    hotline.load()
    line, now = Line.objects.get(code=hotline.DEPARTMENT), timezone.now()
    numbers = ("+7 913 000-00-01", "+7 913 000-00-02", "", "+7 913 000-00-02")
    for hours, number in enumerate(numbers, start=2):
        calls.write_down(line=line, number=number, came_at=now - timedelta(hours=hours), waited=70, by=colleague)
    first, second, withheld = MissedCall.objects.order_by("pk")
    missed.attempt(second, "no_answer", by=consultant)
    missed.settle(withheld, "withheld", by=colleague)
    talk = Consultation.objects.create(line=line, by=consultant, opened_at=now - timedelta(hours=1))
    about = "Готова ли выписка из реестра"
    promise = promises.give(talk, number=numbers[0], due_at=now + timedelta(minutes=20), about=about, by=consultant)
    place = "/desk/missed/"
    pages = [*(f"{place}{one.pk}/" for one in (first, second, withheld)), f"/desk/promises/{promise.pk}/"]
    return [*pages, f"{place}?state=all", f"{place}figures/calls/"]


def front_office(secretary: Employee, official: Employee) -> list[str]:
    """Leave who comes today: awaited, refusing video, ready, without a document; return their pages."""
    reception.authority(official)
    hall = reception.room("Зал приёма", has_video=True, has_audio=True, place="Красный проспект, 18, 1 этаж")
    reception.room("Кабинет 12", place="Красный проспект, 18, 1 этаж, налево")
    at = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    names = ("Ожидаева", "Отказова", "Готова", "Бумагина", "Приёмкина")
    rows = [
        reception.appointment(official, hall, at + timedelta(minutes=20 * place), by=secretary, last_name=name)
        for place, name in enumerate(names)
    ]
    refuses, ready = (desk.open_card(one, by=secretary) for one in rows[1:3])
    for card, video in ((refuses, "refused"), (ready, "given")):
        desk.check_document(card, document="passport", matches=True, by=secretary)
        desk.inform(card, video=video, audio="given", by=secretary)
    desk.ready(ready, by=secretary)
    desk.turn_away(rows[3], why="no_document", offered="written", by=secretary)
    cards = [f"/desk/check-in/{one.pk}/" for one in (refuses, ready)]
    desk_pages = [f"/desk/front/{one}/" for one in ("walk-in", "blanks")]
    return [*cards, *desk_pages, *(f"/desk/arrivals/{one.pk}/" for one in (rows[0], rows[3]))]


def held(people: dict[str, Employee], unit: Unit) -> list[str]:
    """Leave a reception ready to begin, one over with a promised answer approved; return the official's pages."""
    official, secretary, clerk = people["signer"], people["receptionist"], people["clerk"]
    executor, head = people["executor1"], people["head1"]
    receptions.authority(official)
    where = receptions.room("Кабинет 7", has_video=True, has_audio=True, place="Красный проспект, 18, 3 этаж")
    at = timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0)
    ready, over = (
        receptions.card(
            receptions.appointment(
                official, where, at + timedelta(minutes=30 * place), by=secretary, last_name=name,
                applicant=receptions.applicant(name), matter="Аренда участка под гараж",
            ),
            state="ready", number=f"ЛП-2026-09{place}",
        )
        for place, name in enumerate(("Гаражкина", "Обещанова"))
    )  # fmt: skip
    holding.start(over, by=official)
    holding.introduce(over, by=official)
    holding.applied_before(over, True, where="В администрацию района, письменно", by=official)
    topic, need = classification.valid_topics().first(), classification.valid_needs().first()
    one = holding.add_question(over, "Когда продлят договор аренды?", topic=topic, need=need, by=official)
    promised = outcomes.written(one, way="post", address="630000, Новосибирск, Выдуманная, 1", by=official)
    soon = timezone.localdate() + timedelta(days=5)
    order = instructions.instruct(over, "Проверить договор", executor=executor, due_on=soon, by=official)
    finishing.finish(over, by=official)
    assignment.assign(promised, unit=unit, executor=executor, by=clerk)
    drafting.save(promised, text="Договор продлён до мая.", base_version=0, by=executor)
    approval.ask(promised, approvers=[head], by=executor)
    asked = approval.decision_of(promised, head)
    assert asked is not None
    approval.approve(asked, by=head)
    pages = [
        f"/desk/receptions/{place}"
        for place in ("", "promised/", f"{ready.pk}/", f"{over.pk}/card/", f"{over.pk}/invite/")
    ]
    return [
        *pages,
        f"/desk/instructions/{order.pk}/",
        *(f"/desk/appeals/{promised.pk}/{one}/" for one in ("signer", "sign")),
    ]


def _answering(clerk: Employee, drafted: Appeal) -> list[str]:
    """Leave a route of approval; return the pages of rules and of a letter that waits for its signature."""
    today = timezone.localdate()
    facts = {"name": "Земля", "regime": None, "unit": drafted.unit, "valid_from": today, "valid_to": None}
    route = routes.keep(None, **facts, stops=[routes.Stop(1)], by=clerk)  # type: ignore[arg-type]
    letter = FrozenAnswer.objects.filter(withdrawn_at=None, signature=None).latest("pk")
    return [
        f"/desk/to-sign/{letter.pk}/",
        *(f"/desk/approval-routes/{place}" for place in ("new/", f"{route.pk}/", f"{route.pk}/end/")),
        *(f"/desk/answer-rules/{one}/" for one in ("new", "foreign", f"{AnswerRule.objects.earliest('pk').pk}/end")),
        f"/desk/appeals/{drafted.pk}/answer-way/",
    ]


def _calls(consultant: Employee, colleague: Employee) -> list[str]:
    """Leave a script, a call that goes on with everything a call may have, and one that is over; return their pages."""
    script(Section.objects.get(slug="garages"))
    over = consultations.open_for(None, number="+7 913 000-00-09", by=consultant)
    consultations.keep(
        over, question="Как оформить гараж?", answer="Подать заявление", caller="", version=0, by=consultant
    )
    consultations.ask(over, answers={"answered": "yes", "quality": "satisfied"}, told_of_qr=True, by=consultant)
    consultations.close(over, "answered", by=consultant)
    row = consultations.open_for(None, number="+7 913 000-00-08", by=consultant)
    consultations.transfer(row, where="employee", to=colleague, why="Вопрос об аренде", by=consultant)
    soon = timezone.now() + timedelta(hours=2)
    consultations.promise(row, number="+7 913 000-00-08", due_at=soon, about="Срок аренды", by=consultant)
    consultations.hold(row, seconds=60, by=consultant)
    return [f"/desk/call/{row.pk}/", f"/desk/consultations/{over.pk}/", f"/desk/consultations/{row.pk}/"]


SCRIPT = (
    ("greeting", "Приветствие", "Добрый день! {департамент}, {консультант}. Слушаю Вас.", "Представьтесь первым.",
     (("называет вопрос", "Выяснить вопрос"), ("говорит на повышенных тонах", "Снять напряжение"))),
    ("question", "Выяснить вопрос", "Правильно ли я понимаю: Вас интересует…?", "", (("ответ есть", "Прощание"),)),
    ("holding", "Удержание", "Мне нужна минута. Вы подождёте?", "", ()),
    ("transfer", "Перевод", "Соединяю с отделом, не кладите трубку.", "", ()),
    ("conflict", "Снять напряжение", "Давайте разберёмся, что можно сделать.", "Не спорьте.",
     (("продолжает оскорблять", "Завершить разговор"),)),
    ("ending", "Завершить разговор", "Я вынужден завершить разговор. Вы можете написать нам на сайте.", "", ()),
    ("farewell", "Прощание", "Спасибо за звонок, до свидания!", "", ()),
)  # fmt: skip


def script(section: Section) -> Script:
    """Leave the script of a call in a section."""
    steps = [
        {
            "type": "step",
            "value": {
                "stage": stage,
                "name": name,
                "say": say,
                "hint": hint,
                "branches": [{"heard": heard, "go_to": to} for heard, to in branches],
            },
        }
        for stage, name, say, hint, branches in SCRIPT
    ]
    page = Script(
        title="Звонок на линию", slug="call", mark=Mark.FOR_ANSWERS, when="Любой звонок", steps=steps, live=False
    )
    section.add_child(instance=page).save_revision().publish()
    page.refresh_from_db()
    return page


def _line(people: dict[str, Employee]) -> tuple[Employee, Line, Consultation]:
    """Leave an operator of the ЕКЦ with a record without a topic, a closed day, an inner number, a transfer."""
    operator = Employee.objects.create(username="operator", last_name="Откликова", first_name="Анна")
    RoleAssignment.objects.create(employee=operator, role_id="ekc_operator", valid_from=staff.SINCE)
    now = timezone.now()
    given = ekc.Given(at=now, question="Как оформить землю под гаражом?", answer="Рассказали", number="+73830000001")
    record = ekc.by_desk(given, key="1", by=operator).consultation
    line = Line.objects.get(code="department")
    day = now.date() + timedelta(days=5)
    lines.except_day(line, day, lines.Hours(), why="Санитарный день", by=people["clerk"])
    lines.give_extension(people["consultant"], "101", valid_from=staff.SINCE, valid_to=None, by=people["clerk"])
    ours = Consultation.objects.create(
        line=line, by=people["consultant"], opened_at=now, number=record.number, number_key=record.number_key
    )
    Transfer.objects.create(consultation=ours, where="ekc", why="Вопрос не к нам", result="taken")
    return operator, line, record


def _questionnaire(clerk: Employee) -> int:
    """Leave a questionnaire being written, with every kind of question."""
    return questionnaires.new("Своя анкета", like=Questionnaire.objects.get(code="qr"), by=clerk).pk


def _paper(unit: Unit, people: dict[str, Employee]) -> tuple[int, int]:
    """Leave a batch of paper questionnaires that is being typed, and one whose sample waits for another hand."""
    OpinionTag.objects.create(name="очередь", valid_from=staff.SINCE)
    facts = {"questionnaire": Questionnaire.objects.get(code="consultation"), "point": None, "unit": unit}
    batches = []
    for number in (3, 1):
        batch = paper.open_batch(**facts, received_on=timezone.localdate(), forms_expected=number, by=people["clerk"])  # type: ignore[arg-type]
        paper.enter(batch, 1, {"answered": "yes", "quality": "partial"}, "Долго ждали", by=people["clerk"])
        batches.append(batch)
    paper.end_entry(batches[1], forms=1, by=people["clerk"])
    return batches[0].pk, batches[1].pk


def _of_the_chief() -> list[str]:
    """Return the pages that only whoever keeps the Knowledge Base opens."""
    sent = _sent()
    page, item, proposal = Faq.objects.get(slug="garage-0").pk, ReviewItem.objects.first(), Proposal.objects.first()
    assert item is not None
    assert proposal is not None
    return [
        *(f"/desk/kb/{page}/{place}/" for place in ("site", "archive", "as-citizen")),
        f"/desk/review-items/{item.pk}/",
        f"/desk/reviews/{item.duty_id}/end/",
        f"/desk/kb/proposals/{proposal.pk}/",
        f"/desk/kb/agreements/{sent.pk}/",
        f"/desk/kb/proposals/{proposal.pk}/material/",
        f"/desk/law/{LawChange.objects.latest('pk').pk}/",
        "/desk/kb/finding/baseline/",
        "/desk/kb/thesaurus/new/",
        "/desk/kb/thesaurus/file/",
        "/desk/kb/thesaurus/proposals/",
        "/desk/kb/thesaurus/learned/",
        "/desk/kb/thesaurus/history/",
        *(f"/desk/kb/thesaurus/{one.pk}/" for one in (_words(page), ThesaurusEntry.objects.first()) if one),
        *_measured(),
        f"/desk/kb/{page}/uses/",
        f"/desk/kb/{ReplyTemplate.objects.get(slug='answer').pk}/on-case/",
    ]


def _words(page: int) -> ThesaurusEntry:
    """Leave an entry somebody wrote, two words by which two people found the same: proposed, learned, taken back."""
    people = Employee.objects.in_bulk(["kbchief", "executor1", "lawyer"], field_name="username")
    for number, login in enumerate(("executor1", "lawyer"), start=20):
        who = finding.Searcher(people[login])
        finding.typed(who, "пианино и комод", [page], finding.Told(f"{number:032x}"))
        finding.opened(who, page)
    lessons.gather()
    # What was learned leads there already: taken back, an entry has something to change.
    learning.take_back(LearnedWord.objects.all(), by=people["kbchief"])
    return dictionary.keep(Facts(Kind.SYNONYM, "железная будка", "гараж"), by=people["kbchief"])


def _measured() -> list[str]:
    """Leave a night of search and a test set that was run; return what lies below the pages of the menu."""
    night = quality.measure()
    chief = Employee.objects.get(username="kbchief")
    known = TestQuery(code="1", text="оформить гараж", pages={str(Faq.objects.get(slug="garage-0").pk): 2})
    row = quality.keep_set("Гаражи", [known, TestQuery(code="2", text="вертолёт")], by=chief)
    run = quality.begin(row, by=chief)
    while quality.work_next():
        pass
    place = "/desk/kb/search-quality/"
    return [f"{place}runs/{night.pk}/", f"{place}runs/{run.pk}/", f"{place}sets/", f"{place}sets/{row.pk}/"]


def _sent() -> Agreement:
    """Leave a change that the head of the unit has given back."""
    page = ReplyTemplate.objects.get(slug="answer")
    people = Employee.objects.in_bulk(["kbauthor", "head1"], field_name="username")
    page.when = "Спрашивают о земле под гаражом"
    page.save_revision(user=people["kbauthor"])
    row = agreement.ask(page, by=people["kbauthor"])
    agreement.give_back(row, remark="Добавьте срок", by=people["head1"])
    return row


def _knowledge(unit: Unit) -> None:
    section = defaults.load().add_child(instance=Section(title="Гаражи", slug="garages", unit=unit))
    body = "<p>Участок под гаражом можно получить бесплатно. Приложите схему расположения участка.</p>"
    for number, mark in enumerate((Mark.PUBLIC, Mark.INTERNAL)):
        faq = Faq(title="Как оформить гараж", slug=f"garage-{number}", mark=mark, live=False)
        faq.short_answer, faq.body = "Подайте заявление о предварительном согласовании.", body
        section.add_child(instance=faq).save_revision().publish()
        faq.refresh_from_db()
        if mark == Mark.PUBLIC:
            public.let_out(faq)
    template = ReplyTemplate(title="Земля под гаражом", slug="answer", mark=Mark.FOR_ANSWERS, live=False)
    template.text = "{обращение}\n\nУчасток под гаражом можно получить бесплатно."
    section.add_child(instance=template).save_revision().publish()
    long_ago = timezone.now() - timedelta(days=200)
    Page.objects.filter(path__startswith=section.path).update(first_published_at=long_ago)
    today = timezone.localdate()
    quarters.open_quarter(max(today, Quarter.of(today).working_days()[0]))


def _readers(one: Employee, other: Employee) -> None:
    """Leave a search that ended with a material, one that ended with nothing, and a vote against."""
    page = Faq.objects.get(slug="garage-0")
    for number, (who, words, found) in enumerate(((one, "оформить", [page.pk]), (other, "порубочный билет", []))):
        told = finding.Told(f"{number:032x}", timedelta(seconds=20))
        finding.typed(finding.Searcher(who), words, found, told)
    finding.opened(finding.Searcher(one), page.pk)
    for number in range(10, 13):
        told = finding.Told(f"{number:032x}")
        finding.typed(finding.Searcher(other), "лесной участок", [], told)
    SearchSession.objects.update(last_at=timezone.now() - timedelta(hours=1))
    votes.vote(finding.Searcher(other), page, helped=False, reason="unclear", note="С какого дня считать срок?")
    proposals.gather()


def _law(lawyer: Employee) -> LegalAct:
    """Leave an act that others stand on, one change of it, and the week of today."""
    section = Section.objects.get(slug="garages")
    facts = {"form": "Федеральный закон", "number": "79-ФЗ", "adopted_on": "2021-04-05", "issuer": "Дума"}
    act = LegalAct(title="79-ФЗ", slug="act", full_title="О внесении изменений в отдельные акты", live=False, **facts)
    section.add_child(instance=act).save_revision().publish()
    act.refresh_from_db()
    page = Faq.objects.get(slug="garage-1")
    page.references.add(Reference(target=act, place="ст. 3.7"))
    page.save_revision().publish()
    weeks.open_weeks()
    law.register(News(act, "", "amended", timezone.localdate(), "Срок продлён до 2031 года"), by=lawyer)
    return act


def _plan(historian: Historian, number: int, channel: str, target: str = "", days: int = 20) -> Plan:
    plan = historian.plans(1)[0]
    at = historian.now - timedelta(days=days, minutes=number)
    return replace(plan, number=number, channel=channel, target=str(target), arrived=at)


def _appeals(historian: Historian) -> list[Appeal]:
    wanted = [(channel, state) for channel, states in CAME.items() for state in states]
    return [historian.live(_plan(historian, number, *one)) for number, one in enumerate(wanted)]


def _leftovers(historian: Historian) -> None:
    """Leave letters nobody has registered, a doubtful reply, one that cannot be read, one that the stand caught."""
    for number, channel in enumerate(("email", "website"), start=100):
        historian.arrive(_plan(historian, number, channel, days=0))
    sent = OutgoingMessage.objects.filter(channel="email", kind="answer").first()
    assert sent is not None
    letter = reply_to(
        sent.message_id, sender="relative@mail.example", text="Сколько ждать?", subject="Вопрос", number=1,
        at=historian.now,
    )  # fmt: skip
    assert historian.take_letter(letter, at=historian.now).match == IncomingMessage.Match.DOUBTFUL
    broken = Arrived("website", "broken", "0" * 64, b'{"schema": "site.submission/0', historian.now, "site-form")
    inbox.parse(inbox.accept(broken).message, CHANNELS)
    raw = files.store(ContentFile(letter_of(_plan(historian, 200, "email"), "Здравствуйте!").as_bytes()))
    CaughtLetter.objects.create(message_id="<1@x.example>", recipient="a@mail.example", subject="Ответ", raw=raw)


def letters(count: int) -> None:
    """Leave so many more letters on paper to be registered: nobody has looked at them."""
    historian = Historian({}, {one.username: one for one in Employee.objects.all()}, now=timezone.now())
    for number, plan in enumerate(historian.plans(count), start=300):
        came = historian.now - timedelta(hours=3, minutes=number)
        historian.arrive(replace(plan, number=number, channel="post", arrived=came))


TOWERS = (
    "На нашей улице обвалилась водонапорная башня, кирпичи падают на дорогу. Кто отвечает за башню и когда её снесут?",
    "Водонапорная башня у магазина накренилась. Прошу сообщить, на чьём балансе башня и кто обязан её снести.",
    "Мой огород рядом с аварийной башней. Водонапорную башню снести обещали давно. Чья она? Тел. 8 913 123-45-67",
)


def towers() -> int:
    """Leave letters about one thing no material knows, the first of them sent again, and the proposal they make.

    They are executor1's. Return the id of the last appeal.
    """
    people = Employee.objects.in_bulk(["clerk", "executor1"], field_name="username")
    pk = 0
    for text in (*TOWERS, f"Пишу во второй раз, ответа нет. {TOWERS[0]}"):
        came = inbox.write_down(
            channel="post", contact_point=None, sender_name="Выдумкина Анна", subject="Старая башня", text=text,
            received_at=timezone.now(), by=people["clerk"],
        )  # fmt: skip
        entry = replace(
            registration.entry_for(came),
            contact_point=ContactPoint.objects.filter(channel="post").first(),
            applicant=Typed(last_name="Выдумкина", first_name="Анна", address="г. Примерск, ул. Образцовая, д. 1"),
            answer_address="630000, г. Примерск, ул. Образцовая, д. 1",
            questions=[],
        )
        appeal = registration.register(came, entry, by=people["clerk"])
        appeal.executor, appeal.unit = people["executor1"], people["executor1"].unit
        appeal.save(update_fields=["executor", "unit"])
        search_feed.put(appeal)
        pk = appeal.pk
    proposals.gather(signals.alike)
    return pk


def _undelivered() -> None:
    states = (OutgoingMessage.State.FAILED, OutgoingMessage.State.UNCERTAIN, OutgoingMessage.State.BY_HAND)
    answers = OutgoingMessage.objects.filter(kind="answer", channel="email").order_by("-pk")
    assert len(answers) >= len(states)
    for answer, state in zip(answers, states, strict=False):
        answer.state, answer.error = state, "550 5.1.1 Нет такого ящика"
        answer.save()


def _session(employee: Employee) -> str:
    """Sign an employee in beforehand: checking a password is slow on purpose."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(employee.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = employee.get_session_auth_hash()
    store.create()
    return str(store.session_key)
