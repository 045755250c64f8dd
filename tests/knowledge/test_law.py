"""An act changes: what stands on it is to be checked at once, readers are told so, and every week is answered for."""

from __future__ import annotations

import zipfile
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from otklik.core.models import JournalEntry
from otklik.knowledge import archive, compliance, law, law_list, materials, review, trust, weeks
from otklik.knowledge.law import News
from otklik.knowledge.models import (
    CheckTerm,
    LawChange,
    LawWeek,
    LegalAct,
    Proposal,
    Reference,
    ReviewItem,
)
from otklik.workplace import notices
from otklik.workplace.models import Notice

pytestmark = pytest.mark.django_db
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture
def lawyer(employee, land):
    return employee("lawyer", land, "lawyer")


@pytest.fixture
def act(clock, leases):
    clock(2026, 7, 6)
    facts = {"form": "Федеральный закон", "number": "59-ФЗ", "adopted_on": date(2006, 5, 2), "issuer": "Дума"}
    page = leases.add_child(instance=LegalAct(title="Закон об обращениях", slug="act", full_title="О порядке", **facts))
    page.save_revision().publish()
    page.refresh_from_db()
    return page


@pytest.fixture
def standing(act, garages, publish):
    page = publish(garages, "Как оформить гараж")
    page.references.add(Reference(target=act, place="ст. 12"))
    page.save_revision().publish()
    publish(garages, "Не стоит ни на чём")
    page.refresh_from_db()
    return page


def news(act: LegalAct | None = None, **changes: Any) -> News:
    facts = {"named": "", "kind": "amended", "happened_on": date(2026, 7, 1), "what": "Срок ответа — 15 дней"}
    return News(act, **{**facts, **changes})


def at(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


# --- an act ----------------------------------------------------------------------------------------------------------


def test_what_stands_on_a_changed_act_goes_to_its_keepers_with_a_term(standing, act, lawyer, land, rent):
    change = law.register(news(act), by=lawyer)
    found = {(one.title, one.unit, one.due_on) for one in change.items.all()}
    # Ten working days after the sixth of July; the act's own page tells the old edition and is checked as well.
    due_on = date(2026, 7, 20)
    assert found == {("Как оформить гараж", land, due_on), ("Закон об обращениях", rent, due_on)}
    row = JournalEntry.objects.get(action="law.changed")
    assert (row.actor, row.data["materials"], row.data["material"]) == (lawyer, 2, act.pk)


def test_a_material_whose_text_leads_to_the_act_stands_on_it_too(act, garages, publish, lawyer, land):
    publish(garages, "Что говорит закон", body=f'<p>Читайте <a linktype="page" id="{act.pk}">закон</a>.</p>')
    change = law.register(news(act), by=lawyer)
    assert ("Что говорит закон", land) in {(one.title, one.unit) for one in change.items.all()}


def test_the_term_is_a_row_of_a_dictionary(standing, act, lawyer):
    CheckTerm.objects.create(days=3, basis="приказ", valid_from=date(2026, 7, 1))
    assert {one.due_on for one in law.register(news(act), by=lawyer).items.all()} == {date(2026, 7, 9)}


def test_readers_are_told_until_the_keeper_confirms_and_the_checked_act_is_noted(standing, act, lawyer, author, reader):
    law.register(news(act), by=lawyer)
    page = reverse("workplace:knowledge_material", args=[standing.pk])
    places = [page, f"{reverse('workplace:knowledge')}?q=гараж"]
    for place in places:
        assert "основание изменилось, идёт проверка" in text(at(reader).get(place)), place
    assert "Срок ответа — 15 дней" in text(at(reader).get(page))
    item = ReviewItem.objects.get(material=standing)
    desk, address = at(author), reverse("workplace:review_item", args=[item.pk])
    assert "Основание изменилось" in text(desk.get(address))
    desk.post(address, {"step": "confirm", "note": "Срок у нас верный", "acts": ""})
    item.refresh_from_db()
    assert (item.state, item.acts) == ("confirmed", "Закон об обращениях: изменён 01.07.2026")
    assert trust.of([standing])[standing.pk].state == trust.FRESH
    assert "основание изменилось" not in text(at(reader).get(page)).lower()


@pytest.mark.parametrize("way", ["published anew", "archived"])
def test_a_new_version_or_the_archive_ends_the_check_too(standing, act, lawyer, author, clock, way):
    item = law.register(news(act), by=lawyer).items.get(material=standing)
    clock(2026, 7, 8)
    if way == "archived":
        archive.archive(standing, reason="Больше не нужен", by=author)
    else:
        standing.save_revision(user=author).publish(user=author, skip_permission_checks=True)
    item.refresh_from_db()
    assert item.state == ("archived" if way == "archived" else "changed")
    assert item.acts.startswith("Закон об обращениях")


def test_a_section_given_to_another_unit_takes_the_check_along(standing, act, lawyer, garages, rent):
    item = law.register(news(act), by=lawyer).items.get(material=standing)
    garages.unit = rent
    garages.save()
    item.refresh_from_db()
    assert item.unit == rent


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"act": None, "named": "  "}, law.WrongAct),
        ({"happened_on": None}, law.WrongDay),
        ({"happened_on": date(2031, 1, 1)}, law.WrongDay),
        ({"what": " \n"}, law.NoWords),
        ({"what": "о" * 2001}, review.TooLong),
    ],
)
def test_what_is_not_said_is_refused_and_leaves_no_trace(standing, act, lawyer, changes, refusal):
    before = JournalEntry.objects.count()
    with pytest.raises(refusal):
        law.register(news(**{"act": act, **changes}), by=lawyer)
    counted = [model.objects.count() for model in (LawChange, ReviewItem, Proposal)]
    assert ([*counted, JournalEntry.objects.count()]) == [0, 0, 0, before]


def test_the_same_news_is_taken_once(standing, act, lawyer):
    law.register(news(act), by=lawyer)
    with pytest.raises(law.Known):
        law.register(news(act, what="То же самое"), by=lawyer)
    assert (LawChange.objects.count(), ReviewItem.objects.count()) == (1, 2)


def test_an_act_the_base_does_not_have_becomes_a_proposal_to_write_about_it(act, lawyer, chief):
    law.register(news(named="Приказ № 7"), by=lawyer)
    law.register(news(named="ПРИКАЗ  № 7", kind="repealed"), by=lawyer)
    row = Proposal.objects.get()
    assert (row.kind, row.unit, row.material_kind, row.signals) == ("no_act", None, "LegalAct", 2)
    assert not ReviewItem.objects.exists()


def test_who_may_not_enter_changes_has_no_door_to_it(standing, act, author, lawyer, chief):
    address = reverse("workplace:act_changed", args=[act.pk])
    button = "Изменён или утратил силу"
    page = reverse("workplace:knowledge_material", args=[act.pk])
    assert [at(one).get(address).status_code for one in (author, lawyer, chief)] == [403, 200, 200]
    assert [button in text(at(one).get(page)) for one in (author, lawyer)] == [False, True]
    assert at(lawyer).get(reverse("workplace:act_changed", args=[standing.pk])).status_code == 404


def test_the_page_shows_what_will_be_checked_and_keeps_what_was_typed(standing, act, lawyer):
    desk, address = at(lawyer), reverse("workplace:act_changed", args=[act.pk])
    assert "Пойдут на проверку: 2" in text(desk.get(address))
    refused = desk.post(address, {"kind": "repealed", "on": "", "what": "Утратил силу с июля"})
    assert refused.status_code == 422
    assert "Укажите, с какого дня" in text(refused)
    assert "Утратил силу с июля" in text(refused)
    done = desk.post(address, {"kind": "repealed", "on": "2026-07-01", "what": "Утратил силу"}, follow=True)
    assert "Материалы на этом основании: 2, ждут проверки 2" in text(done)


# --- notices ---------------------------------------------------------------------------------------------------------


def told() -> set[tuple[str, str]]:
    return {(one.employee.username, one.text) for one in Notice.objects.filter(kind="law")}


def test_keepers_hear_at_once_on_the_last_day_and_when_it_has_passed_each_time_once(
    standing, act, lawyer, author, chief, clock
):
    law.register(news(act), by=lawyer)
    while notices.work_next():
        pass
    first = "Основание изменилось: проверьте материалы до 20.07.2026, их 1"
    # Nobody writes in the unit that keeps the act: the chief editor hears in its place.
    assert told() == {("author", first), ("chief", first)}
    assert notices.tell_of_law() == 0
    clock(2026, 7, 20)
    assert [notices.tell_of_law(), notices.tell_of_law()] == [2, 0]
    clock(2026, 7, 21)
    assert [notices.tell_of_law(), notices.tell_of_law()] == [2, 0]
    assert ("author", "Основание изменилось, ждут проверки: 1; срок прошёл 20.07.2026") in told()


def test_the_legal_unit_is_reminded_of_its_week(clock, lawyer, chief):
    weeks.open_weeks(clock(2026, 7, 6))
    assert [notices.tell_of_law(), notices.tell_of_law()] == [1, 0]
    clock(2026, 7, 13)
    notices.tell_of_law()
    said = "Изменения законодательства, неделя с 06.07.2026: "
    assert told() == {("lawyer", f"{said}ответьте до 10.07.2026"), ("lawyer", f"{said}срок прошёл 10.07.2026")}


# --- weeks -----------------------------------------------------------------------------------------------------------


def test_a_week_opens_once_what_was_missed_is_caught_up_and_holidays_owe_nothing(clock):
    assert [weeks.open_weeks(clock(2026, 12, 22)) for _ in range(2)] == [1, 0]
    assert weeks.open_weeks(clock(2027, 1, 13)) == 2
    # The week of 4 January has no working day; that of 28 December ends on its last working one.
    found = dict(LawWeek.objects.values_list("begins_on", "due_on"))
    assert list(found) == [date(2027, 1, 11), date(2026, 12, 28), date(2026, 12, 21)]
    assert found[date(2026, 12, 21)] == date(2026, 12, 25)


def test_no_changes_counts_and_is_recorded_and_an_answer_is_given_once(clock, lawyer):
    weeks.open_weeks(clock(2026, 7, 6))
    week, again = LawWeek.objects.get(), LawWeek.objects.get()
    with pytest.raises(weeks.NothingSaid):
        weeks.close(week, nothing=False, by=lawyer)
    weeks.close(week, nothing=True, by=lawyer)
    with pytest.raises(weeks.Closed):
        weeks.close(again, nothing=True, by=lawyer)
    assert (week.nothing, week.closed_by) == (True, lawyer)
    assert JournalEntry.objects.filter(action="law.week_closed").count() == 1


def test_a_week_with_changes_is_not_a_week_without(standing, act, clock, lawyer):
    weeks.open_weeks(clock(2026, 7, 6))
    week = LawWeek.objects.get()
    change = law.register(news(act), by=lawyer)
    assert change.week == week, "from the act's page it goes into the week of the day"
    with pytest.raises(weeks.SomethingSaid):
        weeks.close(week, nothing=True, by=lawyer)
    weeks.close(week, nothing=False, by=lawyer)
    desk, address = at(lawyer), reverse("workplace:law_week", args=[week.pk])
    late = {"act": act.pk, "kind": "repealed", "on": "2026-07-02", "what": "Опоздало"}
    assert desk.post(address, late).status_code == 409
    assert LawChange.objects.count() == 1


def test_the_history_shows_overdue_weeks_and_who_only_reads_enters_nothing(clock, lawyer, author):
    weeks.open_weeks(clock(2026, 7, 6))
    week = LawWeek.objects.get()
    clock(2026, 7, 15)
    listed = text(at(author).get(f"{reverse('workplace:law')}?state=weeks"))
    assert "не закрыта, срок прошёл 10 июля" in listed
    assert list(weeks.overdue(date(2026, 7, 15))) == [week]
    assert at(author).post(reverse("workplace:law_week", args=[week.pk]), {"close": "1"}).status_code == 404


def test_the_clause_counts_weeks_and_checks(standing, act, lawyer, clock, monkeypatch):
    weeks.open_weeks(clock(2026, 7, 6))
    law.register(news(act), by=lawyer)
    promise = next(one for one in compliance.PROMISES if one.code == "R41b")
    figure = promise.figure(timezone.localdate())
    assert (figure.number, promise.state) == (1, "done")
    assert "ждут проверки: 2" in figure.text


# --- a list from a file ----------------------------------------------------------------------------------------------

TITLES = ("Реквизиты акта", "Дата", "Что изменилось")
ROWS = (
    ("Федеральный закон от 02.05.2006 № 59-ФЗ", "01.07.2026", "Срок ответа — 15 дней"),
    ("Приказ от 16.08.2024 № 2725-НПА", "03.07.2026", "Утратил силу"),
    ("Постановление № 1", "вчера", ""),
)


def xlsx(*rows: Any, titles: tuple[str, ...] = TITLES) -> bytes:
    book = Workbook()
    for row in (titles, *rows):
        book.active.append(list(row))
    spool = BytesIO()
    book.save(spool)
    return spool.getvalue()


def docx(*rows: Any, before: str = "", titles: tuple[str, ...] = TITLES, **parts: str) -> bytes:
    cells = "".join(
        f"<w:tr>{''.join(f'<w:tc><w:p><w:r><w:t>{cell}</w:t></w:r></w:p></w:tc>' for cell in row)}</w:tr>"
        for row in (titles, *rows)
    )
    body = f'{before}<w:document xmlns:w="{WORD}"><w:body><w:tbl>{cells}</w:tbl></w:body></w:document>'
    kinds = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
        'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
        'document.main+xml"/></Types>'
    )
    spool = BytesIO()
    with zipfile.ZipFile(spool, "w") as archive_:
        for name, content in {"[Content_Types].xml": kinds, "word/document.xml": body, **parts}.items():
            archive_.writestr(name, content)
    return spool.getvalue()


@pytest.mark.parametrize(("make", "name"), [(xlsx, "list.xlsx"), (docx, "list.docx")])
def test_a_list_is_shown_line_by_line_then_taken_as_agreed(standing, act, lawyer, clock, make, name):
    weeks.open_weeks(clock(2026, 7, 6))
    week, desk = LawWeek.objects.get(), at(lawyer)
    address = reverse("workplace:law_list", args=[week.pk])
    shown = desk.post(address, {"list": SimpleUploadedFile(name, make(*ROWS))})
    assert not LawChange.objects.exists(), "nothing is written before it is agreed"
    lines = {line.number: line for line in shown.context["lines"]}
    assert [(lines[2].act, lines[2].kind), (lines[3].act, lines[3].kind)] == [(act, "amended"), (None, "repealed")]
    assert "дата «вчера» не прочитана. Нужен вид 31.12.2026." in lines[4].why
    desk.post(address, {"read": shown.context["read"]})
    assert set(week.changes.values_list("named", "kind", "act")) == {
        ("Закон об обращениях", "amended", act.pk),
        ("Приказ от 16.08.2024 № 2725-НПА", "repealed", None),
    }
    assert Proposal.objects.get().kind == "no_act"
    again = desk.post(address, {"list": SimpleUploadedFile(name, make(*ROWS))})
    assert all(line.why for line in again.context["lines"]), "taken twice it adds nothing"


def test_a_line_goes_to_the_act_somebody_has_chosen(act, lawyer, clock):
    weeks.open_weeks(clock(2026, 7, 6))
    rows = law_list.read(BytesIO(xlsx(("Закон об обращениях граждан", "01.07.2026", "Срок"))), "a.xlsx")
    assert law_list.plan(rows)[0].act is None, "in doubt no act is meant"
    [made] = law_list.accept(rows, {2: act.pk}, week=LawWeek.objects.get(), by=lawyer)
    assert made.act == act


BOMB = '<!DOCTYPE x [<!ENTITY a "аааа"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.xlsx", b"MZ" + b"\0" * 200, ""),
        ("list.docx", docx(ROWS[0], before=BOMB), ""),
        ("list.docx", docx(ROWS[0], **{"word/vbaProject.bin": "x"}), "макрос"),
        ("list.xlsx", xlsx(ROWS[0], titles=("Акт", "Когда", "Что")), "нет столбцов: «Дата», «Что изменилось»"),
        ("list.xlsx", xlsx(("Акт",) * 3, titles=("Акт", "Реквизиты акта", "Дата")), "дважды"),
        ("list.xlsx", xlsx(*[ROWS[0]] * 201), "больше 200 строк"),
        ("list.pdf", b"%PDF-1.7", "нужна таблица Excel с расширением .xlsx"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_in_words(clock, lawyer, name, content, says):
    weeks.open_weeks(clock(2026, 7, 6))
    address = reverse("workplace:law_list", args=[LawWeek.objects.get().pk])
    refused = at(lawyer).post(address, {"list": SimpleUploadedFile(name, content)})
    assert refused.status_code == 422
    assert says in text(refused)
    assert not LawChange.objects.exists()


def test_a_formula_is_never_reckoned():
    rows = law_list.read(BytesIO(xlsx(("=1+1", "01.07.2026", "Срок"))), "a.xlsx")
    assert rows[0].cells["named"] == ""
    assert "формула" in rows[0].wrong[0]


@pytest.mark.parametrize(
    ("named", "is_ours"),
    [
        ("Федеральный закон от 02.05.2006 № 59-ФЗ «О порядке рассмотрения»", True),
        ("59-фз", True),
        ("Закон об обращениях", True),
        ("Федеральный закон от 03.05.2006 № 59-ФЗ", False),
        ("Федеральный закон № 159-ФЗ", False),
        ("Закон", False),
    ],
)
def test_an_act_is_known_by_number_and_date_or_by_its_title(act, named, is_ours):
    assert (law.meant(named, law.acts_by_number()) == act) == is_ours


def test_evidence_of_a_quarters_review_names_the_changed_act(standing, act, lawyer):
    law.register(news(act), by=lawyer)
    facts = {one.title: one.text for one in review.evidence(materials.get_for(lawyer, standing.pk))}
    assert facts["Основания менялись за год"] == "Закон об обращениях: изменён 01.07.2026"
