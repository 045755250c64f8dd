"""What readers miss becomes a proposal with its evidence: one for a cause, and nothing twice for the same signals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.knowledge import compliance, proposals, votes
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import Material, Proposal, SearchSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def garage(garages, publish):
    return publish(garages, "Как оформить гараж")


def searched(query: str, *shown: int, hours: int = 2) -> None:
    at, number = timezone.now() - timedelta(hours=hours), SearchSession.objects.count()
    facts = {"audience": "public", "reader": f"m{number}", "began_at": at, "last_at": at}
    SearchSession.objects.create(key=f"{number:032x}", query=query, found=len(shown), shown=list(shown), **facts)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_words_that_differ_in_order_and_endings_are_one_cause(garage):
    for query in ("порубочный билет", "билет порубочный", "порубочного билета"):
        searched(query)
    searched("вертолёт")
    assert proposals.gather() == 1
    row = Proposal.objects.get()
    assert (row.kind, row.signals, row.unit) == ("no_result", 3, None)
    assert {line.words: line.times for line in row.evidence.all()} == {
        "порубочный билет": 1,
        "билет порубочный": 1,
        "порубочного билета": 1,
    }


def test_what_finds_the_wrong_thing_goes_to_the_unit_that_keeps_it(garage, land):
    for _ in range(3):
        searched("сколько ждать", garage.pk)
    proposals.gather()
    row = Proposal.objects.get()
    assert (row.kind, row.unit, row.page_id) == ("no_click", land, garage.pk)


def test_votes_against_come_with_their_reasons(garage, reader, chief, land):
    votes.vote(Searcher(reader), garage, helped=False, reason="outdated", note="Нет срока")
    assert proposals.gather() == 0
    votes.vote(Searcher(chief), garage, helped=False, reason="unclear")
    assert proposals.gather() == 1
    row = Proposal.objects.get()
    assert (row.unit, row.title) == (land, "Исправить материал «Как оформить гараж»")
    assert {line.words for line in row.evidence.all()} == {"устарело: Нет срока", "непонятно"}


def test_gathering_again_changes_nothing_and_new_signals_renew_the_open_one(garage):
    for _ in range(3):
        searched("порубочный билет")
    assert [proposals.gather(), proposals.gather()] == [1, 0]
    searched("порубочный билет")
    assert proposals.gather() == 0
    row = Proposal.objects.get()
    assert (row.signals, row.evidence.get().times) == (4, 4)
    assert JournalEntry.objects.filter(action="proposal.made").count() == 1


def test_what_was_decided_comes_back_only_with_later_signals(garage, chief):
    for _ in range(3):
        searched("порубочный билет")
    proposals.gather()
    proposals.decline(Proposal.objects.get(), reason="Не наша функция", by=chief)
    assert proposals.gather() == 0
    Proposal.objects.update(ended_at=timezone.now() - timedelta(hours=5))
    assert proposals.gather() == 1


def test_the_table_itself_keeps_one_open_proposal_for_a_cause_and_a_reason_for_declining():
    facts = {"kind": "no_result", "key": "билет", "title": "Написать"}
    Proposal.objects.create(**facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.create(**facts, state="taken")
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.create(**facts, state="declined")


def test_from_evidence_to_the_material_it_led_to(garage, author, reader):
    for _ in range(3):
        searched("сколько ждать", garage.pk)
    proposals.gather()
    row, desk = Proposal.objects.get(), signed_in(author)
    assert row.title in desk.get(reverse("workplace:proposals")).content.decode()
    address = reverse("workplace:proposal", args=[row.pk])
    assert "сколько ждать" in desk.get(address).content.decode()
    desk.post(address, {"take": "1"})
    refused = desk.post(address, {"done": "1", "material": ""})
    assert refused.status_code == 422
    assert "Выберите материал" in refused.content.decode()
    assert "Напишите, почему" in desk.post(address, {"decline": "1", "reason": " "}).content.decode()
    desk.post(address, {"done": "1", "material": str(garage.pk)})
    row.refresh_from_db()
    assert (row.state, row.led_to_id, row.handler) == ("done", garage.pk, author)
    assert "Привело к материалу" in desk.get(address).content.decode()
    assert desk.post(address, {"take": "1"}).status_code == 409
    actions = JournalEntry.objects.filter(chain=f"proposal:{row.pk}").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["proposal.made", "proposal.taken", "proposal.done"]


def test_only_those_who_answer_for_it_see_and_decide(garage, employee, rent, land, chief, reader):
    for _ in range(3):
        searched("сколько ждать", garage.pk)
        searched("порубочный билет")
    proposals.gather()
    ours = Proposal.objects.get(kind="no_click")
    theirs, auditor = employee("their-author", rent, "kb_author"), employee("auditor", rent, "auditor")
    address = reverse("workplace:proposal", args=[ours.pk])
    assert [signed_in(one).get(address).status_code for one in (theirs, auditor, chief, reader)] == [404, 200, 200, 403]
    assert [signed_in(one).post(address, {"take": "1"}).status_code for one in (theirs, auditor)] == [404, 404]
    ours.refresh_from_db()
    assert ours.state == "new"
    listed = {one: signed_in(one).get(reverse("workplace:proposals")).context["page"].paginator.count
              for one in (theirs, chief)}  # fmt: skip
    assert listed == {theirs: 0, chief: 2}


def without_section() -> Proposal:
    for _ in range(3):
        searched("порубочный билет")
    proposals.gather()
    return Proposal.objects.get()


def test_what_has_no_section_gets_one_when_it_is_taken(garages, chief, land):
    row, desk = without_section(), signed_in(chief)
    address = reverse("workplace:proposal", args=[row.pk])
    refused = desk.post(address, {"take": "1", "section": ""})
    assert (refused.status_code, "Выберите раздел" in refused.content.decode()) == (422, True)
    desk.post(address, {"take": "1", "section": garages.pk})
    row.refresh_from_db()
    assert (row.state, row.section, row.unit) == ("taken", garages, land)


def test_a_proposal_is_passed_on_and_is_new_there(garages, leases, chief, author, land, rent, employee):
    row, theirs = without_section(), employee("their-author", rent, "kb_author")
    proposals.pass_on(row, unit=land, by=chief)
    proposals.take(row, section=garages, by=author)
    desk, address = signed_in(author), reverse("workplace:proposal", args=[row.pk])
    assert "Выберите другое подразделение" in desk.post(address, {"pass": "1", "unit": land.pk}).content.decode()
    assert desk.post(address, {"pass": "1", "unit": rent.pk}).url == reverse("workplace:proposals")
    row.refresh_from_db()
    assert (row.state, row.unit, row.handler, row.section) == ("new", rent, None, None)
    assert signed_in(theirs).get(address).status_code == 200
    told = JournalEntry.objects.filter(action="proposal.passed_on").latest("pk")
    assert (told.actor, told.data["unit"], told.data["was"]) == (author, rent.pk, land.pk)


def test_from_a_proposal_to_a_draft_and_its_publication_ends_it(garages, leases, chief, author, reader, land):
    row = without_section()
    proposals.pass_on(row, unit=land, by=chief)
    proposals.take(row, section=garages, by=author)
    desk, address = signed_in(author), reverse("workplace:proposal_material", args=[row.pk])
    assert 'value="Порубочный билет"' in desk.get(address).content.decode()
    given = {"kind": "Faq", "section": garages.pk, "title": "Порубочный билет", "on": ""}
    for wrong in ({"section": leases.pk}, {"kind": "LegalAct"}, {"title": " "}, {"kind": "Nothing"}):
        assert desk.post(address, given | wrong).status_code == 422, wrong
    assert Material.objects.count() == 0
    made = desk.post(address, given)
    page = Material.objects.get()
    assert made.url == reverse("wagtailadmin_pages:edit", args=[page.pk])
    assert desk.get(made.url).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.led_to_id, page.live) == ("taken", page.pk, False)
    assert "Пишется материал" in desk.get(reverse("workplace:proposal", args=[row.pk])).content.decode()
    written = page.specific
    written.short_answer = "Подайте заявление."
    written.save_revision(user=chief).publish(user=chief, skip_permission_checks=True)
    row.refresh_from_db()
    assert (row.state, row.handler, row.led_to_id) == ("done", author, page.pk)
    assert JournalEntry.objects.filter(action="proposal.done").get().actor == chief


def test_the_clause_of_the_procedure_counts_what_waits(garage, chief):
    for _ in range(3):
        searched("порубочный билет")
    proposals.gather()
    promise = next(one for one in compliance.PROMISES if one.code == "R41c")
    waiting = signed_in(chief).get(reverse(promise.list_name)).context["page"].paginator.count
    assert promise.figure(timezone.localdate()).number == waiting == 1
