"""The quarterly review (п. 41): a unit opens each of its materials, decides, says what is missing, closes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.models import Page

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.knowledge import materials, quarters, review, trust
from otklik.knowledge.models import Faq, ReviewDuty, ReviewItem, Section
from otklik.people.models import Employee, RoleAssignment, Substitution, Unit
from tests.appeals.test_races import at_once

pytestmark = pytest.mark.django_db
State = ReviewItem.State


def again(item: ReviewItem) -> ReviewItem:
    return ReviewItem.objects.select_related("material", "unit", "duty").get(pk=item.pk)


def fresh(employee: Employee) -> Employee:
    return Employee.objects.get(pk=employee.pk)


def read(item: ReviewItem, by: Employee) -> ReviewItem:
    item = again(item)
    review.look([item], version=materials.version_of(item.material), by=by)
    return item


# --- opening ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        ((2026, 1, 1), False),
        ((2026, 1, 11), False),
        ((2026, 1, 12), True),
        ((2026, 6, 30), True),  # a server that stood still: the second quarter is opened on its last day
        ((2027, 1, 10), False),
        ((2027, 1, 11), True),
    ],
)
def test_a_quarter_opens_on_its_first_working_day(clock, garages, publish, day, opens):
    clock(2025, 5, 5)
    publish(garages, "Вопрос")
    quarters.open_quarter(clock(*day))
    assert ReviewDuty.objects.exists() is opens


def test_it_is_due_on_the_last_working_day_over_holidays(clock, garages):
    for day in ((2026, 1, 12), (2026, 4, 1), (2026, 7, 1), (2026, 10, 1)):
        quarters.open_quarter(clock(*day))
    found = ReviewDuty.objects.order_by("quarter").values_list("opened_on", "due_on")
    assert list(found) == [
        (date(2026, 1, 12), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 9, 30)),
        (date(2026, 10, 1), date(2026, 12, 30)),  # 31 December 2026 is a day off by decree
    ]


def test_every_unit_owes_its_own_materials_and_opening_again_adds_nothing(clock, garages, leases, publish, land, rent):
    clock(2026, 5, 1)
    publish(garages, "Гараж")
    publish(leases, "Аренда")
    publish(leases, "Ещё аренда")
    draft = publish(leases, "Снят")
    draft.unpublish()
    today = clock(2026, 7, 1)
    assert quarters.open_quarter(today) == 3
    assert quarters.open_quarter(today) == 0
    owed = ReviewItem.objects.values_list("unit__short_name", "title")
    assert sorted(owed) == [("Отдел аренды", "Аренда"), ("Отдел аренды", "Ещё аренда"), ("Отдел земли", "Гараж")]
    opened = JournalEntry.objects.filter(action="review.opened")
    assert opened.count() == 2
    assert journal.verify() == []


def test_a_section_of_another_state_owes_nothing(clock, garages, publish):
    clock(2026, 5, 1)
    publish(garages, "Гараж")
    garages.unpublish()
    assert quarters.open_quarter(clock(2026, 7, 1)) == 0
    assert not ReviewDuty.objects.exists()


def test_a_job_killed_halfway_goes_on_where_it_stopped(clock, garages, publish, monkeypatch):
    clock(2026, 5, 1)
    for number in range(5):
        publish(garages, f"Вопрос {number}")
    today = clock(2026, 7, 1)
    monkeypatch.setattr(quarters, "PORTION", 2)
    lay_out, done = quarters._lay_out, []

    def dies_at_the_second(portion: Any) -> None:
        if done:
            raise SystemExit
        done.append(portion)
        lay_out(portion)

    monkeypatch.setattr(quarters, "_lay_out", dies_at_the_second)
    with pytest.raises(SystemExit):
        quarters.open_quarter(today)
    opening = quarters.QuarterOpening.objects.get()
    assert (opening.laid_out, opening.expected, opening.ended_at) == (2, 5, None)
    monkeypatch.setattr(quarters, "_lay_out", lay_out)
    assert quarters.open_quarter(today) == 3
    opening.refresh_from_db()
    assert (opening.laid_out, opening.expected, opening.ended_at is not None) == (5, 5, True)


def test_a_thousand_materials_are_laid_out_in_few_statements(clock, garages, django_assert_max_num_queries):
    clock(2026, 5, 1)
    many(garages, 1000)
    today = clock(2026, 7, 1)
    with django_assert_max_num_queries(60):
        assert quarters.open_quarter(today) == 1000


def many(section: Any, count: int) -> None:
    """Put so many materials into a section, past Wagtail: only the rows matter here."""
    kind = ContentType.objects.get_for_model(Faq)
    first = (Page.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    step = Page.steplen
    pages = [
        Page(
            pk=first + n, path=section.path + Page._int2str(n + 1).rjust(step, "0"), depth=section.depth + 1,
            title=f"Вопрос {n}", slug=f"q{n}", url_path=f"{section.url_path}q{n}/", content_type=kind, live=True,
            locale_id=section.locale_id, first_published_at=timezone.now(), last_published_at=timezone.now(),
        )
        for n in range(count)
    ]  # fmt: skip
    Page.objects.bulk_create(pages)
    with connection.cursor() as cursor:
        into = (
            "INSERT INTO knowledge_material (page_ptr_id, mark, demo, staff_note, archive_reason)"
            " VALUES (%s, 'public', %s, '', '')"
        )
        cursor.executemany(into, [(one.pk, False) for one in pages])


# --- what is new, what is late ---------------------------------------------------------------------------------------


def test_what_is_published_in_the_quarters_course_counts_as_checked_by_its_author(clock, garages, publish):
    quarters.open_quarter(clock(2026, 7, 1))
    clock(2026, 8, 3)
    page = publish(garages, "Новый вопрос")
    assert quarters.open_quarter(clock(2026, 8, 4)) == 0
    shown = trust.of([page])[page.pk]
    assert (shown.state, shown.checked_on) == ("fresh", date(2026, 8, 3))
    assert quarters.open_quarter(clock(2026, 10, 1)) == 1


def test_what_nobody_checked_in_time_is_carried_on_and_stays_overdue(clock, item, garage):
    quarters.open_quarter(clock(2026, 10, 1))
    was, now = ReviewItem.objects.order_by("pk")
    assert (was.state, was.decided_by) == (State.CARRIED, None)
    assert (now.state, now.due_on, now.duty.quarter) == (State.WAITING, date(2026, 9, 30), 4)
    assert trust.of([garage])[garage.pk].state == "overdue"
    assert item.duty.closed_at is None, "the former duty stays overdue until somebody answers for it"


def test_nobody_is_asked_twice_about_one_material_at_once(clock, item):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewItem.objects.create(material=item.material, title="x", unit=item.unit, duty=item.duty, due_on=item.due_on)


# --- deciding --------------------------------------------------------------------------------------------------------


def test_confirming_asks_that_the_material_was_opened(item, author):
    with pytest.raises(review.NotOpened):
        review.confirm(again(item), by=author)
    review.confirm(read(item, author), note="Сверено", acts="39.5 ЗК РФ", by=author)
    row = again(item)
    assert (row.state, row.decided_by, row.note, row.acts) == (State.CONFIRMED, author, "Сверено", "39.5 ЗК РФ")
    assert row.revision == item.material.live_revision_id
    entry = JournalEntry.objects.get(action="review.confirmed")
    assert (entry.chain, entry.actor) == (f"material:{item.material_id}", author)
    assert "Сверено" not in str(entry.data)


def test_what_a_colleague_opened_counts_for_him_only(item, author, chief):
    read(item, chief)
    with pytest.raises(review.NotOpened):
        review.confirm(again(item), by=author)


def test_an_older_version_that_was_opened_confirms_nothing(item, author, garage):
    read(item, author)
    garage.refresh_from_db()
    garage.short_answer = "Иначе."
    garage.save_revision().publish()
    with pytest.raises(review.NotOpened):
        review.confirm(again(item), by=author)
    assert again(item).state == State.WAITING, "nobody knows who published it"


def test_of_two_who_decide_at_once_the_second_is_told(item, author, chief):
    mine, theirs = read(item, author), read(item, chief)
    review.confirm(theirs, by=chief)
    with pytest.raises(review.AlreadyDecided, match="chief"):
        review.confirm(mine, by=author)
    assert again(item).decided_by == chief


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_the_same_moment_leave_one_decision(item, author, chief):
    rows = [read(item, author), read(item, chief)]
    outcomes = at_once(
        lambda: review.confirm(rows[0], by=fresh(author)), lambda: review.confirm(rows[1], by=fresh(chief))
    )
    refused = [one for one in outcomes if isinstance(one, review.AlreadyDecided)]
    assert len(refused) == 1
    assert JournalEntry.objects.filter(action="review.confirmed").count() == 1


def test_a_heap_is_confirmed_up_to_ten_and_only_what_was_opened(clock, garages, publish, author):
    clock(2026, 5, 1)
    for number in range(11):
        publish(garages, f"Вопрос {number}")
    quarters.open_quarter(clock(2026, 7, 1))
    rows = [again(one) for one in ReviewItem.objects.order_by("pk")]
    with pytest.raises(review.NothingChosen):
        review.confirm_each([], by=author)
    for row in rows[:10]:
        read(row, author)
    with pytest.raises(review.TooMany):
        review.confirm_each(rows, by=author)
    with pytest.raises(review.NotOpened):
        review.confirm_each([rows[0], rows[10]], by=author)
    assert not ReviewItem.objects.filter(state=State.CONFIRMED).exists(), "all of them or none"
    review.confirm_each(rows[:10], by=author)
    assert ReviewItem.objects.filter(state=State.CONFIRMED).count() == 10


def test_a_version_published_by_an_author_of_the_unit_is_the_decision(clock, item, author, garage):
    clock(2026, 7, 15)
    garage.refresh_from_db()
    garage.short_answer = "Теперь иначе."
    revision = garage.save_revision(user=author)
    revision.publish(user=author, skip_permission_checks=True)
    row = again(item)
    assert (row.state, row.decided_by, row.revision) == (State.CHANGED, author, revision.pk)
    assert trust.of([row.material])[garage.pk].by == "author"


def test_a_draft_decides_nothing_and_a_strangers_version_is_noted_by_hand(clock, item, author, garage, employee, rent):
    clock(2026, 7, 15)
    stranger = employee("tenant", rent, "kb_author")
    garage.refresh_from_db()
    garage.short_answer = "Черновик."
    revision = garage.save_revision(user=author)
    with pytest.raises(review.NotChanged):
        review.changed(again(item), by=author)
    revision.publish(user=stranger, skip_permission_checks=True)
    assert again(item).state == State.WAITING
    review.changed(again(item), note="Правил главный редактор", by=author)
    assert again(item).state == State.CHANGED


def test_archiving_asks_for_a_reason_and_takes_the_page_off(item, author):
    with pytest.raises(review.ReasonNeeded):
        review.archive(again(item), reason=" ", by=author)
    review.archive(again(item), reason="Услугу отменили", by=author)
    row = again(item)
    assert (row.state, row.note, row.material.live) == (State.ARCHIVED, "Услугу отменили", False)


def test_a_page_taken_off_or_deleted_elsewhere_leaves_its_history(item, author, garage):
    garage.refresh_from_db()
    UnpublishPageAction(garage, user=author).execute(skip_permission_checks=True)
    assert (again(item).state, again(item).decided_by) == (State.ARCHIVED, author)
    garage.delete()
    row = again(item)
    assert (row.material, row.title, row.state) == (None, "Как оформить гараж", State.ARCHIVED)


def test_a_deleted_material_waits_no_more(item, garage):
    garage.delete()
    assert (again(item).state, again(item).note) == (State.ARCHIVED, "Материал удалён")


def test_a_note_too_long_is_refused_and_nothing_is_decided(item, author):
    with pytest.raises(review.TooLong):
        review.confirm(read(item, author), note="а" * 2001, by=author)
    assert again(item).state == State.WAITING


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def people(employee, land, rent, author, chief, reader) -> dict[str, Employee]:
    return {
        "author": author,
        "chief": chief,
        "reader": reader,
        "head": employee("head", land, "head"),
        "author of another unit": employee("tenant", rent, "kb_author"),
        "head of another unit": employee("landlord", rent, "head"),
        "signer": employee("signer", None, "signer"),
        "auditor": employee("auditor", land, "auditor"),
        "clerk": employee("clerk", land, "clerk"),
        "nobody": employee("nobody", land),
    }


DECIDE = {"author", "chief", "head"}
LOOK = DECIDE | {"signer", "auditor"}


def test_authors_of_the_unit_its_head_and_the_chief_decide_and_nobody_else(item, people):
    for name, one in ((name, fresh(one)) for name, one in people.items()):
        row = read(item, one)
        assert review.may_review(one, item.unit_id) is (name in DECIDE), name
        assert review.items_of(one).filter(pk=item.pk).exists() is (name in DECIDE), name
        assert review.duties_seen_by(one).filter(pk=item.duty_id).exists() is (name in LOOK), name
        if name in DECIDE:
            assert row.looks.filter(by=one).exists(), name
            continue
        with pytest.raises(review.NotYours):
            review.confirm(row, by=one)
        with pytest.raises(review.NotYours):
            review.archive(row, reason="так", by=one)
        with pytest.raises(review.NotYours):
            review.changed(row, by=one)
        with pytest.raises(review.NotYours):
            review.answer(item.duty, has_all=True, by=one)
        with pytest.raises(review.NotYours):
            review.close(item.duty, by=one)
    assert again(item).state == State.WAITING


def test_the_head_of_the_unit_above_reviews_below(item, employee, land):
    above = Unit.objects.create(name="Управление", short_name="Управление", valid_from=date(2024, 1, 1))
    Unit.objects.filter(pk=land.pk).update(parent=above)
    boss = employee("boss", above, "head")
    assert review.may_review(boss, land.pk)
    assert review.keepers(land.pk, date(2026, 7, 1)) == (set(), {boss.pk})


def test_a_deputy_decides_in_the_days_of_substitution_and_the_journal_says_for_whom(clock, item, author, reader):
    today = clock(2026, 7, 20)
    Substitution.objects.create(absent=author, deputy=reader, starts_on=today, ends_on=today)
    review.confirm(read(item, fresh(reader)), by=fresh(reader))
    entry = JournalEntry.objects.get(action="review.confirmed")
    assert (entry.actor, entry.on_behalf_of) == (reader, author)
    clock(2026, 7, 21)
    assert not review.may_review(fresh(reader), item.unit_id)


# --- closing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def decided(item, author) -> ReviewDuty:
    review.confirm(read(item, author), by=author)
    return ReviewDuty.objects.get()


def test_a_duty_closes_when_all_is_decided_and_answered(clock, item, author, home, land):
    empty = home.add_child(instance=Section(title="Пустой", slug="empty", unit=land))
    empty.save_revision().publish()
    duty = ReviewDuty.objects.get()
    with pytest.raises(review.NotFinished, match=r"материалах: 1, не отвечено, чего не хватает, .* разделах: 1"):
        review.close(duty, by=author)
    review.confirm(read(item, author), by=author)
    with pytest.raises(review.AnswerNeeded):
        review.answer(duty, has_all=False, missing=" ", by=author)
    review.answer(duty, has_all=False, missing="Нет шаблона отказа", by=author)
    with pytest.raises(review.NotFinished, match="разделах: 1"):
        review.close(duty, by=author)
    review.answer(duty, has_all=True, empty={empty.pk: "Заполним в августе"}, by=author)
    review.close(duty, by=author)
    with pytest.raises(review.Closed):
        review.close(duty, by=author)
    with pytest.raises(review.Closed):
        review.answer(duty, has_all=True, by=author)
    duty.refresh_from_db()
    assert (duty.closed_by, duty.missing) == (author, "")
    assert journal.verify() == []


def test_an_answer_about_a_section_of_another_unit_is_not_kept(decided, author, leases):
    review.answer(decided, has_all=True, empty={leases.pk: "Чужой"}, by=author)
    assert not decided.empty_sections.exists()


@pytest.mark.parametrize(
    "false",
    [
        {"state": State.CONFIRMED, "decided_at": datetime(2026, 7, 2, tzinfo=timezone.get_default_timezone())},
        {"state": State.WAITING, "decided_at": datetime(2026, 7, 2, tzinfo=timezone.get_default_timezone())},
        {"state": State.CHANGED},
        {"cause": "law", "why": ""},
        {"duty": None},
    ],
)
def test_the_table_itself_refuses_a_decision_that_is_none(item, false):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).update(**false)


@pytest.mark.parametrize(
    "false", [{"has_all": False}, {"has_all": None, "missing": "x"}, {"has_all": True, "missing": "x"}]
)
def test_the_table_itself_refuses_half_an_answer(item, false):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewDuty.objects.update(**false)


def test_nobody_closes_without_an_answer_past_the_rules(item, author):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewDuty.objects.update(closed_at=timezone.now(), closed_by=author)


# --- reorganisation --------------------------------------------------------------------------------------------------


def give(section: Any, unit: Unit) -> None:
    section.refresh_from_db()
    section.unit = unit
    section.save_revision().publish()


def test_a_section_given_to_another_unit_takes_its_reviews_along(clock, item, garages, leases, land, rent, author):
    clock(2026, 8, 3)
    give(garages, rent)
    row = again(item)
    assert (row.unit, row.duty.unit, row.duty.quarter) == (rent, rent, 3)
    assert not review.may_review(author, row.unit_id)
    left = ReviewDuty.objects.get(unit=land)
    assert (left.closed_at is not None, left.closed_by) == (True, None), "nothing is left to owe"


def test_a_keeper_without_a_duty_gets_one_and_a_closed_one_opens_again(clock, item, garages, rent, home, chief):
    tenants = Unit.objects.create(name="Новый отдел", short_name="Новый отдел", valid_from=date(2026, 8, 1))
    clock(2026, 8, 3)
    give(garages, tenants)
    duty = again(item).duty
    assert (duty.unit, duty.opened_on, duty.due_on) == (tenants, date(2026, 8, 3), date(2026, 9, 30))
    give(garages, rent)
    review.confirm(read(item, chief), by=chief)
    closed = again(item).duty
    review.answer(closed, has_all=True, by=chief)
    review.close(closed, by=chief)
    ReviewItem.objects.filter(pk=item.pk).update(state=State.WAITING, decided_at=None, decided_by=None, revision=None)
    give(garages, tenants)
    give(garages, rent)
    closed.refresh_from_db()
    assert (closed.pk, closed.closed_at) == (again(item).duty_id, None)
    assert JournalEntry.objects.filter(action="review.reopened").count() >= 1


def test_a_material_moved_to_a_section_of_another_unit_is_owed_there(item, garage, leases, rent):
    garage.refresh_from_db()
    garage.move(leases, pos="last-child")
    assert again(item).unit == rent
    assert again(item).duty.unit == rent


def test_a_draft_of_a_section_hands_nothing_over(item, garages, rent, land):
    garages.refresh_from_db()
    garages.unit = rent
    garages.save_revision()
    assert again(item).unit == land


def test_a_unit_that_ended_is_never_an_orphan(clock, item, land, chief):
    Unit.objects.filter(pk=land.pk).update(valid_to=date(2026, 7, 31))
    assert not quarters.without_keeper(clock(2026, 7, 31)).exists()
    assert [one.unit for one in quarters.without_keeper(clock(2026, 8, 1))] == [land]
    assert review.may_review(chief, land.pk), "the chief editor gives its sections away, or decides himself"


# --- a year ----------------------------------------------------------------------------------------------------------


def test_a_simulated_year(clock, garages, leases, publish, land, rent, author, reader, chief, employee):
    """The job runs by the clock through 2026, people work as people do; only days on which nothing can happen pass."""
    clock(2025, 11, 3)
    garage, lease = publish(garages, "Гараж"), publish(leases, "Аренда")
    tenant = employee("tenant", rent, "kb_author")
    opened: dict[tuple[str, int], date] = {}
    overdue: list[tuple[date, str]] = []
    day, end = date(2026, 1, 1), date(2026, 12, 31)
    while day <= end:
        if day.day not in (1, 10, 12, 15, 20, 30, 31) and not (day.month % 3 == 1 and day.day < 13):
            day += timedelta(days=1)
            continue
        clock(day.year, day.month, day.day)
        before = set(ReviewDuty.objects.values_list("pk", flat=True))
        quarters.open_quarter()
        for duty in ReviewDuty.objects.exclude(pk__in=before).select_related("unit"):
            opened[duty.unit.short_name, duty.quarter] = day
        late = ReviewDuty.objects.filter(closed_at=None, due_on=day - timedelta(days=1))
        overdue += [(day, str(duty)) for duty in late]
        if day == date(2026, 2, 10):  # the author reviews the first quarter in time
            finish(land, author)
        if day == date(2026, 5, 20):  # he is away: his deputy does it
            Substitution.objects.create(absent=author, deputy=reader, starts_on=day, ends_on=day)
            finish(land, fresh(reader))
        if day == date(2026, 8, 12):  # the unit is dissolved, another one keeps its section
            RoleAssignment.objects.filter(employee=author).update(valid_to=day)
            Unit.objects.filter(pk=land.pk).update(valid_to=day)
            give(garages, rent)
        if day == date(2026, 9, 1):
            finish(rent, tenant)
        if day == date(2026, 11, 30):
            finish(rent, tenant)
        day += timedelta(days=1)
    first = {
        quarter: date(2026, month, number) for quarter, month, number in ((1, 1, 12), (2, 4, 1), (3, 7, 1), (4, 10, 1))
    }
    assert opened == {("Отдел аренды", number): on for number, on in first.items()} | {
        ("Отдел земли", number): first[number] for number in (1, 2, 3)
    }
    assert overdue == [
        (date(2026, 4, 1), "Отдел аренды, I квартал 2026"),
        (date(2026, 7, 1), "Отдел аренды, II квартал 2026"),
    ]
    history = ReviewItem.objects.filter(material=garage).order_by("pk")
    assert list(history.values_list("duty__unit__short_name", "duty__quarter", "state", "decided_by__username")) == [
        ("Отдел земли", 1, "confirmed", "author"),
        ("Отдел земли", 2, "confirmed", "reader"),
        ("Отдел аренды", 3, "confirmed", "tenant"),
        ("Отдел аренды", 4, "confirmed", "tenant"),
    ]
    lease_history = ReviewItem.objects.filter(material=lease).order_by("pk").values_list("duty__quarter", "state")
    assert list(lease_history) == [(1, "carried"), (2, "carried"), (3, "confirmed"), (4, "confirmed")]
    never_closed = ReviewDuty.objects.filter(closed_at=None).order_by("quarter").values_list("unit", "quarter")
    assert list(never_closed) == [(rent.pk, 1), (rent.pk, 2)]
    assert not ReviewItem.objects.filter(state=State.WAITING).exists()
    assert journal.verify() == []


def finish(unit: Unit, by: Employee) -> None:
    """Review the whole of the newest quarter as one would at the desk."""
    duty = ReviewDuty.objects.filter(unit=unit, closed_at=None).order_by("-quarter")[0]
    for one in duty.items.filter(state=State.WAITING):
        review.confirm(read(one, by), by=by)
    review.answer(duty, has_all=True, by=by)
    review.close(duty, by=by)
