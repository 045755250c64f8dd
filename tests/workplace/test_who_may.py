"""«Кто что может» says the truth: every door is tried as every starting role, over appeals in several states.

Run with `-s` to read how many doors, roles and objects were tried.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from otklik.appeals import access, approval, dispatch, signature, steps
from otklik.appeals.models import (
    AnswerRule,
    Appeal,
    ApprovalRoute,
    FrozenAnswer,
    InquiryRule,
    Need,
    OutcomeKind,
    PosTheme,
    SstuRun,
    Topic,
)
from otklik.appeals.step_rights import ASKED
from otklik.channels.webhooks.models import Webhook
from otklik.core import cms, files, installation
from otklik.core.models import Downtime, FileExamination, Installation, TermRule
from otklik.correspondence.models import ContactPoint, IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.hotline import consultations, ekc
from otklik.hotline import defaults as hotline
from otklik.hotline import defaults as hotline_defaults
from otklik.hotline.models import Consultation, Line, MissedCall, Promise
from otklik.knowledge import public
from otklik.knowledge import rights as knowledge_rights
from otklik.knowledge.models import Agreement, Faq, KnowledgeHome, LawChange, LawWeek, ReviewDuty, ReviewItem, Section
from otklik.people.models import Employee, Substitution, Transfer
from otklik.people.powers import STARTING_ROLES
from otklik.reception import waiting as visit_requests
from otklik.reception.models import AppointmentNotice
from otklik.reports import scheduling
from otklik.reports.models import SavedReport
from otklik.search.models import ThesaurusEntry
from otklik.surveys import feedback, paper
from otklik.surveys.models import Questionnaire, QuestionnaireDraft, SurveyPoint
from otklik.workplace import rights
from tests.appeals.conftest import World
from tests.channels.pos.exports import brought, table
from tests.channels.post import rows as post
from tests.house.test_doors import OPEN_IN_CMS, plain
from tests.moving import journals as moving_journals
from tests.reception import people as reception

# Who may what is decided in Python: one database shows it.
pytestmark = [pytest.mark.django_db, pytest.mark.once]
LET_IN = {200, 302, 404, 405}


def tell(figures: str) -> None:
    """Print what was tried."""
    sys.stdout.write(figures + "\n")


@dataclass
class House:
    """A department with a person of each role, and rows behind the addresses."""

    world: World
    people: dict[str, Employee] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    appeals: list[Appeal] = field(default_factory=list)

    def client(self, role: str) -> Client:
        client = Client()
        if role:
            client.force_login(self.people[role], backend="django.contrib.auth.backends.ModelBackend")
        return client


@pytest.fixture(autouse=True)
def refusals_are_not_logged() -> Iterator[None]:
    """A thousand refusals with their tracebacks take longer than the requests."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def _visits(world: World) -> dict[str, int]:
    official = reception.official("receives")
    visit = reception.appointment(official, reception.room(), by=world.clerk)
    request = visit_requests.ask({"last_name": "Иванова", "phone": "+7 913 000-00-01"}, source="portal")
    notice = AppointmentNotice.objects.create(appointment=visit, kind="moved", of_time=visit.starts_at, way="phone")
    return {"appointments": visit.pk, "visit-requests": request.pk, "visit-notices": notice.pk}


@pytest.fixture
def house(db: None) -> House:
    installation.mark(Installation.Kind.DEMO)
    world = World()
    house = House(world)
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Земля", slug="land", unit=world.land))
    faq = section.add_child(
        instance=Faq(title="Вопрос", slug="faq", mark="public", short_answer="Да.", body="<p>Да.</p>")
    )
    faq.save_revision().publish()
    faq.refresh_from_db()
    public.let_out(faq)
    made = {"clerk": world.clerk, "executor": world.executor, "head": world.head, "signer": world.signer}
    for role in STARTING_ROLES:
        house.people[role] = made.get(role) or world.employee(f"a-{role}", "Ролева", world.land, [role])
    house.people["without a role"] = world.employee("nobody", "Безролева", world.land, [])
    sent = dispatch.send(world.signed(world.registered_email()), by=world.clerk).message
    foreign = world.registered()
    house.appeals = [world.again(sent.thread.appeal), foreign, world.asked(), world.frozen().appeal]
    waiting = approval.decision_of(house.appeals[2], world.head)
    letter = IncomingMessage.objects.filter(taken__appeal=house.appeals[0]).get()
    stored = files.store(b"text", name="a.txt")
    quarantined = world.message()
    IncomingMessage.objects.filter(pk=quarantined.pk).update(state="quarantined")
    today = sent.created_at.date()
    assert waiting is not None
    duty = ReviewDuty.objects.create(unit=world.land, year=2026, quarter=4, opened_on=today, due_on=today)
    change = LawChange.objects.create(named="59-ФЗ", happened_on=today, what="Срок", entered_by=world.clerk)
    now = timezone.now()
    hotline_defaults.load()
    talk = Consultation.objects.create(line=Line.objects.get(code="department"), by=world.clerk, opened_at=now)
    hotline.load()
    consultation = consultations.open_for(None, number="+7 913 000-00-01", by=house.people["consultant"]).pk
    line = Line.objects.get(code="department")
    invitation = feedback.invite(channel="hotline", on=today)
    said = feedback.answer(invitation.token, {"answered": "no", "quality": "unsatisfied"})
    reception.authority(house.people["signer"])
    came = reception.card(reception.appointment(house.people["signer"], reception.room(), now), by=world.clerk)
    house.ids = {
        **reception.at_every_address(),
        **post.at_every_address(world),
        "arrivals": reception.appointment(
            house.people["signer"], reception.room(), now + timedelta(hours=1), by=world.clerk
        ).pk,
        "check-in": came.pk,
        "receptions": came.pk,
        "instructions": came.instructions.create(
            text="Проверить", executor=world.executor, due_on=today, by=house.people["signer"]
        ).pk,
        "recordings": came.recordings.create(
            kind="video", consent="given", stored=stored, name="a.mp4", by=world.clerk, keep_until=today
        ).pk,
        "classifier": Topic.objects.filter(leaf=True).earliest("pk").pk,
        "needs": Need.objects.earliest("pk").pk,
        "call": consultation,
        "consultations": consultation,
        "walk": house.appeals[0].pk,
        "inbox": world.message().pk,
        "files/in": IncomingFile.objects.create(message=letter, name="a.txt", stored=stored).pk,
        "files/out": OutgoingFile.objects.filter(message=sent).first().pk,  # type: ignore[union-attr]
        "applicants": house.appeals[0].applicant_id,
        "approvals": waiting.pk,
        "deliveries": OutgoingMessage.objects.latest("pk").pk,
        "quarantine": quarantined.pk,
        "terms": TermRule.objects.earliest("pk").pk,
        "channel-points": ContactPoint.objects.earliest("pk").pk,
        "lines": line.pk,
        "line-days": line.exceptions.create(date=today, why="Санитарный день").pk,
        "extensions": world.clerk.extensions.create(name="101", valid_from=today).pk,
        "ekc/untopiced": ekc.take(
            ekc.Given(at=sent.created_at, question="Где мой договор?"), source="desk", by=world.clerk
        ).consultation.pk,
        "kb/sections": section.pk,
        "kb/thesaurus": ThesaurusEntry.objects.create(said="ларёк", written="объект").pk,
        "kb": faq.pk,
        "kb/agreements": Agreement.objects.create(page=faq, revision=faq.latest_revision, new=True).pk,
        "law": change.pk,
        "law-weeks": LawWeek.objects.create(begins_on=today, due_on=today).pk,
        "reviews": duty.pk,
        "review-items": ReviewItem.objects.create(
            material_id=faq.pk, title="Вопрос", unit=world.land, duty=duty, due_on=duty.due_on
        ).pk,
        "paper": paper.open_batch(
            questionnaire=Questionnaire.objects.get(code="consultation"),
            point=None,
            unit=world.land,
            received_on=today,
            forms_expected=1,
            by=world.clerk,
        ).pk,
        "feedback": said.pk,
        "staff": world.stranger.pk,
        "reports": scheduling.keep(SavedReport(name="Месяц"), [], by=world.clerk).pk,
        "pos-facts": PosTheme.objects.create(fact="Забор").pk,
        **{place: pks[0] for place, pks in moving_journals.at_every_address(world).items()},
        "pos-imports": brought(table([{}]), by=world.clerk).pk,
        "surveys": Questionnaire.objects.earliest("pk").pk,
        "survey-drafts": QuestionnaireDraft.objects.create(code="own-1", title="Черновик").pk,
        "survey-points": SurveyPoint.objects.earliest("pk").pk,
        "role-assignments": world.stranger.assignments.get().pk,
        **_visits(world),
        "webhooks": Webhook.objects.create(
            name="Портал",
            url="https://portal.example/",
            owner=world.clerk,
            secrets="",
            valid_from=today,
            valid_to=today,
        ).pk,
        "files-aside": FileExamination.objects.create(stored=files.store(b"MZ"), state="blocked").pk,
        "outages": Downtime.objects.create(began_at=now, what="Пропала сеть", by=world.clerk).pk,
        "missed": MissedCall.objects.create(
            number="+79130000001", first_at=now, last_at=now, in_hours=True, due_at=now
        ).pk,
        "promises": Promise.objects.create(
            consultation=talk, by=world.clerk, number="+79130000001", due_at=now, about="Ответ"
        ).pk,
        "transfers": Transfer.objects.create(employee=world.helper, unit=world.land, starts_on="2099-01-01").pk,
        "away": Substitution.objects.create(
            absent=world.clerk2, deputy=world.helper, starts_on=today, ends_on=today
        ).pk,
        "sstu-volumes": SstuRun.objects.create(month=today.replace(day=1), asked_by=world.clerk)
        .volumes.create(number=1, stored=stored, size=2, digest="", appeals=1)
        .pk,
        "to-sign": FrozenAnswer.objects.get(appeal=house.appeals[3]).pk,
        "sign-groups": FrozenAnswer.objects.get(appeal=house.appeals[3]).pk,
        "approval-routes": ApprovalRoute.objects.create(name="Земля", valid_from=today).pk,
        "answer-rules": AnswerRule.objects.earliest("pk").pk,
        "outcome-kinds": OutcomeKind.objects.earliest("pk").pk,
        "inquiry-rules": InquiryRule.objects.earliest("pk").pk,
    }
    return house


@pytest.mark.usefixtures("undrawn")
def test_every_address_does_what_the_table_says_for_every_role(house: House) -> None:
    tried, wrong = 0, []
    given = {role.pk: powers for role, powers in rights.powers_of_roles().items()}
    # Steps of a sign-in that is under way open to nobody who is not in the middle of it.
    steps = ("logout", "accounts/again/", "accounts/oidc/")
    doors = [door for door in rights.doors() if not any(step in door.route for step in steps)]
    for role in [*house.people, ""]:
        client, powers = house.client(role), given.get(role, frozenset())
        for door in doors:
            if "public" in door.access and role not in ("", "clerk"):
                continue  # open to all: one citizen and one employee show it
            for address in addresses(door.route, house):
                tried += 1
                # A letter is set for seconds; whether the door opens is seen without it.
                answer = client.head(address) if address.endswith(".pdf") else client.get(address)
                if not role and "public" not in door.access:
                    right = answer.status_code == 302 and "/accounts/login/" in answer["Location"]
                elif door.opens_for(powers):
                    right = answer.status_code in LET_IN
                else:
                    right = answer.status_code == 403
                if not right:
                    wrong.append((role, address, answer.status_code))
    tell(f"\n{len(doors)} addresses × {len(house.people) + 1} roles, {len(house.appeals)} appeals: {tried} tried")
    assert wrong == []
    assert tried > 1000


def addresses(route: str, house: House) -> Iterator[str]:
    """Yield the addresses of a route: of an appeal's, one per appeal."""
    begin = next((one for one in sorted(house.ids, key=len, reverse=True) if route.startswith(f"desk/{one}/")), "")
    of_appeal = route.startswith("desk/appeals/<row:pk>")
    for pk in [one.pk for one in house.appeals] if of_appeal else [house.ids.get(begin, 1)]:
        yield fill(route, pk)
        if of_appeal and "/" in route.removeprefix("desk/appeals/<row:pk>/"):
            return  # deeper doors ask the same question: one appeal is enough


def fill(route: str, pk: int) -> str:
    """Put values into a route."""
    values = {"row": pk, "int": 2026 if "calendar" in route else pk, "day": "2026-11-24", "slug": "next", "str": "x"}
    values |= {"slug": "email"} if route.startswith("desk/channels/") else {}
    return "/" + re.sub(r"<(\w+):\w+>", lambda found: str(values[found[1]]), route)


def test_cards_files_search_and_lists_show_the_appeals_a_role_may_see_and_no_other(house: House) -> None:
    tried = 0
    for role, who in house.people.items():
        seen = set(access.visible_to(who).values_list("pk", flat=True))
        client = house.client(role)
        enters = any(who.has_power(power) for power in (access.ALL, access.UNIT, access.OWN))
        listed = client.get(reverse("workplace:queue") + "?view=all").content.decode() if enters else ""
        for appeal in house.appeals:
            card = reverse("workplace:card", args=[appeal.pk])
            for name in ("card", "context"):
                status = client.get(reverse(f"workplace:{name}", args=[appeal.pk])).status_code
                assert status in ({200} if appeal.pk in seen else {403, 404}), (role, name, appeal)
            found = client.post(reverse("workplace:search"), {"q": appeal.number}).content.decode()
            assert (card in found) is (appeal.pk in seen), (role, appeal)
            assert (f'href="{card}' in listed) is (appeal.pk in seen), (role, appeal)
            tried += 4
        for name, args in (
            ("incoming_file", [house.ids["files/in"]]),
            ("outgoing_file", [house.ids["files/out"]]),
            ("letter", [house.appeals[0].pk]),
            ("package", [house.appeals[0].pk]),
        ):
            status = client.get(reverse(f"workplace:{name}", args=args)).status_code
            assert status == 200 if house.appeals[0].pk in seen else status in {403, 404}, (role, name)
            tried += 1
    tell(f"\ncards, parts, search, lists and files × {len(house.people)} roles × {len(house.appeals)} appeals: {tried}")


@pytest.mark.usefixtures("undrawn")
def test_cms_opens_what_the_table_says(house: House) -> None:
    dictionaries = {reverse(f"{name}:index"): (power,) for name, (_, power) in cms.registered().items()}
    for model, powers in knowledge_rights.snippets().items():
        dictionaries[reverse(model.snippet_viewset.get_url_name("list"))] = powers  # type: ignore[attr-defined]
    assert len(dictionaries) > 7
    edit = reverse("wagtailadmin_pages:edit", args=[Page.objects.get(slug="faq").pk])
    table = {**dictionaries, "/cms/": tuple(rights.cms_powers()), edit: ("knowledge.edit", "knowledge.manage")}
    tried, wrong = 0, []
    for role, who in house.people.items():
        client = house.client(role)
        for address, powers in table.items():
            tried += 1
            status = client.get(address).status_code
            if (status == 200) is not any(who.has_power(power) for power in powers):
                wrong.append((role, address, status))
    stranger = house.client("auditor")
    for address in plain("cms/"):
        tried += 1
        if address[1:] not in OPEN_IN_CMS and stranger.get(address).status_code not in {302, 403, 404}:
            wrong.append(("auditor", address, 200))
    tell(f"\n{len(table)} entries of /cms/ × {len(house.people)} roles: {tried} tried")
    assert wrong == []


STATES = ("registered", "classified", "assigned", "drafted", "asked", "approved", "frozen", "signed")


def test_every_step_asks_what_the_table_says(db: None) -> None:
    """In every state a step is open only to holders of a power it names (or the signer), and to some of them."""
    world = World()
    people = {role: world.employee(f"a-{role}", "Ролева", world.land, [role]) for role in STARTING_ROLES}
    people |= {one.username: one for one in (world.clerk, world.executor, world.head, world.signer, world.stranger)}
    opened: dict[str, set[str]] = {step: set() for step in steps.CHECKS}
    tried = 0
    appeals = [getattr(world, state)() for state in STATES]
    appeals.append(world.frozen(world.registered_email()))  # outside 59-ФЗ: a head may approve the dispatch
    sent = dispatch.send(world.signed(), by=world.clerk).answer.appeal
    for appeal in [*appeals, sent]:
        of = getattr(appeal, "appeal", appeal)
        for who in people.values():
            for step in steps.available(world.again(of), world.fresh(who)):
                asked = ASKED[step]
                held = world.fresh(who).standing.powers & set(asked.powers)
                answer = signature.frozen_of(of)
                signs = asked.signer and answer is not None and answer.signer == who
                assert held or signs, (step, who, of.status)
                opened[step] |= held
            tried += len(ASKED)
    assert set(ASKED) == set(steps.CHECKS)
    tell(f"\n{len(ASKED)} steps × {len(people)} people × {len(appeals) + 1} appeals: {tried} tried")
    never = {step: set(ASKED[step].powers) - powers for step, powers in opened.items()}
    assert {step: powers for step, powers in never.items() if powers} == {}
