"""The review at the desk: one material at a time, in a fixed number of queries; what is missing; the protocol."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from otklik.core import journal
from otklik.correspondence.models import StaffLetter
from otklik.knowledge import materials, protocol, quarters, review, trust
from otklik.knowledge.models import LawChange, Mark, ReviewDuty, ReviewItem, ReviewLook
from otklik.people.models import Department, Employee, Substitution, Unit
from otklik.workplace import notice_mail, notices
from otklik.workplace.models import Notice
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
State = ReviewItem.State


@pytest.fixture
def duty(clock, garages, publish) -> ReviewDuty:
    """Three materials of the unit, the third quarter opened."""
    clock(2026, 5, 12)
    for number in range(3):
        publish(garages, f"Вопрос {number}")
    quarters.open_quarter(clock(2026, 7, 1))
    return ReviewDuty.objects.get()


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_unit_reviews_its_quarter_from_the_first_material_to_the_protocol(duty, author, garages):
    client = desk(author)
    listed = text_of(client.get(at("reviews")))
    assert "Отдел земли" in listed
    assert "Решено 0 из 3" in listed
    first, second, third = ReviewItem.objects.order_by("pk")
    page = text_of(client.get(at("review_item", first.pk)))
    for shown in ("1 из 3", "Коротко: Вопрос 0.", "Возраст", "Вставляли в ответы", "ни разу"):
        assert shown in page
    decided = client.post(at("review_item", first.pk), {"step": "confirm", "note": "Сверено", "acts": "39.5 ЗК РФ"})
    assert decided["Location"] == at("review_item", second.pk)
    client.get(decided["Location"])
    assert client.post(at("review_item", second.pk), {"step": "archive", "reason": "Отменено"})["Location"] == at(
        "review_item", third.pk
    )
    client.get(at("review_item", third.pk))
    assert client.post(at("review_item", third.pk), {"step": "confirm"})["Location"] == at("review_end", duty.pk)
    refused = client.post(at("review_end", duty.pk), {"has_all": "no", "missing": " ", "close": "1"})
    assert refused.status_code == 422
    closed = client.post(at("review_end", duty.pk), {"has_all": "no", "missing": "Нет шаблона отказа", "close": "1"})
    assert closed["Location"] == at("review_protocol", duty.pk)
    told = text_of(client.get(closed["Location"]))
    for shown in ("Сверено", "39.5 ЗК РФ", "Отменено", "Нет шаблона отказа", "III квартал 2026", "01.07.2026"):
        assert shown in told
    printed = client.get(at("review_protocol_pdf", duty.pk))
    assert printed["Content-Type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF")
    assert journal.verify() == []


def test_what_was_typed_stays_when_a_decision_is_refused(duty, author):
    item = ReviewItem.objects.earliest("pk")
    answer = desk(author).post(at("review_item", item.pk), {"step": "confirm", "note": "Моё примечание"})
    assert answer.status_code == 422
    assert "сначала откройте материал" in text_of(answer)
    assert "Моё примечание" in text_of(answer)
    assert not ReviewLook.objects.exists(), "a refused form is no look"


def test_who_comes_second_is_told_who_was_first(duty, author, chief):
    item = ReviewItem.objects.earliest("pk")
    for one in (author, chief):
        desk(one).get(at("review_item", item.pk))
    desk(chief).post(at("review_item", item.pk), {"step": "confirm"})
    answer = desk(author).post(at("review_item", item.pk), {"step": "confirm"})
    assert answer.status_code == 409
    assert "уже решено" in text_of(answer)
    assert "chief" in text_of(answer)


def test_the_reading_page_counts_as_opening_for_who_reviews(duty, author, reader):
    item = ReviewItem.objects.earliest("pk")
    for one in (author, reader):
        desk(one).get(reverse("workplace:knowledge_material", args=[item.material_id]))
    assert list(ReviewLook.objects.values_list("by__username", flat=True)) == ["author"]
    assert desk(author).post(at("review_confirm_each", duty.pk), {"items": [item.pk]}).status_code == 302
    item.refresh_from_db()
    assert item.state == State.CONFIRMED


def test_ticking_what_was_not_opened_or_nothing_is_refused(duty, author):
    client, items = desk(author), list(ReviewItem.objects.values_list("pk", flat=True))
    assert client.post(at("review_confirm_each", duty.pk), {"items": items}).status_code == 422
    assert client.post(at("review_confirm_each", duty.pk), {"items": ["x", str(10**30)]}).status_code == 422
    assert not ReviewItem.objects.exclude(state=State.WAITING).exists()


def test_every_door_is_closed_to_those_it_is_not_for(duty, employee, land, rent, reader):
    item = ReviewItem.objects.earliest("pk")
    doors = [
        at("review", duty.pk),
        at("review_end", duty.pk),
        at("review_protocol", duty.pk),
        at("review_protocol_pdf", duty.pk),
        at("review_item", item.pk),
    ]
    stranger = desk(employee("tenant", rent, "kb_author"))
    assert [stranger.get(door).status_code for door in doors] == [404] * 5
    assert [desk(reader).get(door).status_code for door in doors] == [403] * 5
    signer = desk(employee("signer", None, "signer"))
    assert [signer.get(door).status_code for door in doors] == [200, 403, 200, 200, 403]
    head = desk(employee("head", land, "head"))
    assert [head.get(door).status_code for door in doors] == [200] * 5
    for client in (stranger, signer, desk(reader)):
        for door in (*doors, at("review_confirm_each", duty.pk)):
            sent = {"step": "confirm", "items": item.pk, "has_all": "yes", "close": "1"}
            assert client.post(door, sent).status_code in (403, 404, 405), door
    assert not ReviewItem.objects.exclude(state=State.WAITING).exists()


def test_the_menu_offers_it_to_those_who_may(duty, author, reader):
    assert at("reviews") in text_of(desk(author).get(at("today")))
    assert at("reviews") not in text_of(desk(reader).get(at("today")))


def test_the_list_is_narrowed_by_quarter_and_unit(duty, clock, chief, garages, leases, land, rent):
    clock(2026, 10, 2)
    quarters.open_quarter()
    client = desk(chief)
    shown = text_of(client.get(at("reviews")))
    assert (shown.count("III квартал 2026</span>"), shown.count("IV квартал 2026</span>")) == (1, 3 - 1)
    third = text_of(client.get(at("reviews"), {"quarter": "2026-3"}))
    assert "IV квартал 2026</span>" not in third
    by_day = text_of(client.get(at("reviews"), {"on": "2026-08-01"}))
    assert "IV квартал 2026</span>" not in by_day
    of_unit = text_of(client.get(at("reviews"), {"unit": rent.pk}))
    assert 'clip">Отдел земли' not in of_unit


def test_the_chief_is_shown_what_has_no_keeper(duty, clock, chief, author, land):
    Unit.objects.filter(pk=land.pk).update(valid_to=date(2026, 7, 10))
    clock(2026, 7, 11)
    assert "Без владельца" in text_of(desk(chief).get(at("reviews")))
    assert "Без владельца" not in text_of(desk(author).get(at("reviews")))


# --- how much it costs -----------------------------------------------------------------------------------------------


def cost(client: Any, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_pages_cost_the_same_however_much_there_is_to_review(clock, duty, author, garages, leases, publish, home):
    item = ReviewItem.objects.earliest("pk")
    pages = [at("reviews"), at("review", duty.pk), at("review_item", item.pk), at("review_protocol", duty.pk)]
    pages += [reverse("workplace:knowledge_section", args=[garages.pk]), reverse("workplace:knowledge") + "?q=вопрос"]
    client = desk(author)

    def costs() -> list[int]:
        """A search looks now and then whether its index has changed."""
        return [min(cost(client, page) for _ in range(2)) for page in pages]

    before = costs()
    clock(2026, 5, 20)
    for number in range(12):
        publish(garages, f"Вопрос ещё {number}")
    quarters.open_quarter(clock(2026, 7, 2))
    assert costs() == before
    assert before[2] <= 26, "one material of a review"


# --- trust -----------------------------------------------------------------------------------------------------------


def test_readers_see_everywhere_how_far_a_material_may_be_trusted(clock, duty, reader, author, garages, chief):
    item = ReviewItem.objects.select_related("material").earliest("pk")
    places = [
        reverse("workplace:knowledge_material", args=[item.material_id]),
        reverse("workplace:knowledge_section", args=[garages.pk]),
        reverse("workplace:knowledge") + "?q=Вопрос",
    ]

    def said(words: str) -> None:
        for place in places:
            assert words in text_of(desk(reader).get(place)).replace("\u00a0", " "), (place, words)

    said("пора проверить до 30 сентября · Отдел земли")
    clock(2026, 10, 1)
    said("проверка просрочена: срок был 30 сентября")
    review.look([item], version=materials.version_of(item.material), by=author)
    review.confirm(item, by=author)
    said("проверено 1 октября · Отдел земли")
    assert "author" in text_of(desk(reader).get(places[0]))
    change = LawChange.objects.create(named="59-ФЗ", happened_on=date(2026, 10, 1), what="Срок", entered_by=author)
    law = {"cause": "law", "change": change, "why": "Изменён 59-ФЗ", "unit": item.unit, "due_on": date(2026, 10, 20)}
    ReviewItem.objects.create(material=item.material, title=item.title, **law)
    said("основание изменилось, идёт проверка · Отдел земли")


def test_trust_of_many_is_one_query(duty, django_assert_num_queries):
    found = list(materials.published())
    with django_assert_num_queries(1):
        told = trust.of(found)
    assert {one.state for one in told.values()} == {"due"}
    with django_assert_num_queries(0):
        assert trust.of([]) == {}


def test_a_material_shown_to_citizens_says_nothing_of_reviewers(client, duty):
    page = ReviewItem.objects.earliest("pk").material
    assert page.mark == Mark.PUBLIC
    shown = text_of(client.get(page.get_url()))
    assert "author" not in shown


# --- reminders -------------------------------------------------------------------------------------------------------


@pytest.fixture
def staffed(duty, author, employee, land) -> dict[str, Employee]:
    people = {"author": author, "head": employee("head", land, "head"), "signer": employee("signer", None, "signer")}
    Employee.objects.update(email="one@department.example")
    return people


def told_on(clock: Any, *day: int) -> dict[str, str]:
    """Run the day's job; return who was told and what, of what is new."""
    clock(*day)
    before = set(Notice.objects.values_list("pk", flat=True))
    notices.tell_of_reviews()
    fresh = Notice.objects.exclude(pk__in=before)
    return dict(fresh.values_list("employee__username", "text"))


def test_the_unit_is_reminded_at_30_14_7_and_1_days_and_when_overdue_the_leadership_too(clock, staffed):
    told = {day: told_on(clock, *day) for day in stages()}
    unit = {"author", "head"}
    assert {day: set(who) for day, who in told.items()} == {
        (2026, 7, 1): unit,
        (2026, 7, 2): set(),
        (2026, 8, 31): unit,
        (2026, 9, 1): set(),
        (2026, 9, 16): unit,
        (2026, 9, 23): unit,
        (2026, 9, 29): unit,
        (2026, 9, 30): set(),
        (2026, 10, 1): unit | {"signer"},
        (2026, 10, 2): set(),
    }
    assert told[2026, 9, 23]["head"] == "Проверьте материалы до 30.09.2026, дней: 7"
    assert told[2026, 10, 1]["signer"] == "Проверка материалов просрочена: срок был 30.09.2026"


def stages() -> list[tuple[int, int, int]]:
    days = [(7, 1), (7, 2), (8, 31), (9, 1), (9, 16), (9, 23), (9, 29), (9, 30), (10, 1), (10, 2)]
    return [(2026, month, day) for month, day in days]


def test_a_closed_duty_reminds_nobody(clock, staffed, duty, author):
    for item in ReviewItem.objects.select_related("material"):
        review.look([item], version=materials.version_of(item.material), by=author)
        review.confirm(item, by=author)
    review.answer(duty, has_all=True, by=author)
    review.close(duty, by=author)
    assert told_on(clock, 2026, 9, 29) == {}


def test_a_deputy_is_reminded_in_the_days_of_substitution(clock, staffed, reader):
    author, day = staffed["author"], date(2026, 9, 16)
    Substitution.objects.create(absent=author, deputy=reader, starts_on=day, ends_on=day)
    assert set(told_on(clock, 2026, 9, 16)) == {"author", "head", "reader"}
    row = Notice.objects.get(employee=reader)
    assert (row.in_place_of, row.mail_at is not None) == (author, True)
    assert Notice.objects.get(employee=author).mail_at is None


def test_after_a_reorganisation_the_new_keeper_is_reminded(clock, staffed, garages, rent, employee):
    employee("tenant", rent, "kb_author")
    clock(2026, 9, 1)
    garages.refresh_from_db()
    garages.unit = rent
    garages.save_revision().publish()
    assert set(told_on(clock, 2026, 9, 16)) == {"tenant"}


def test_where_a_unit_has_nobody_left_the_chief_editors_hear(clock, duty, chief):
    assert set(told_on(clock, 2026, 9, 16)) == {"chief"}


def test_a_reminder_stands_among_the_notices_and_is_read_with_the_duty(clock, staffed, duty):
    told_on(clock, 2026, 9, 16)
    client = desk(staffed["head"])
    shown = text_of(client.get(at("notices")))
    assert "Проверьте материалы до 30.09.2026" in shown
    assert at("review", duty.pk) in shown
    bell = client.get(at("bell")).json()
    about = "Актуализация, Отдел земли, III квартал 2026"
    assert (bell["unread"], bell["said"]) == (1, f"Проверьте материалы до 30.09.2026, дней: 14, {about}")
    client.get(at("review", duty.pk))
    assert client.get(at("bell")).json()["unread"] == 0


def test_a_reminder_is_mailed_in_the_digest(clock, staffed, duty):
    Department.objects.update(email="info@department.example")
    told_on(clock, 2026, 9, 16)
    clock(2026, 9, 17, 12)
    while notice_mail.work_next():
        pass
    letter = StaffLetter.objects.filter(employee=staffed["head"]).get()
    assert letter.subject.startswith("Актуализация, Отдел земли, III квартал 2026: проверьте материалы")
    assert f"/desk/reviews/{duty.pk}/" in letter.text


# --- protocol --------------------------------------------------------------------------------------------------------


def test_a_long_protocol_is_made_and_no_word_of_it_is_code(duty, land, author):
    ReviewItem.objects.bulk_create(
        ReviewItem(title=f"Вопрос № {n} #[*] $x$ <b>", duty=duty, unit=land, due_on=duty.due_on) for n in range(300)
    )
    told = protocol.of(duty)
    assert sum(len(lines) for _, lines in told.lists) == 303
    assert protocol.pdf(told, on=date(2026, 9, 30)).startswith(b"%PDF")
