"""Journals of appeals: what is right in them is carried as it stood, what is wrong is told by its row."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.appeals import learning, numbers, search_feed, terms
from otklik.appeals.models import Appeal, AppealQuestion, CarriedTerm, NumberCounter, QuestionOutcome
from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.correspondence import delivery, reconciliation
from otklik.correspondence.models import IncomingFile, OutgoingFile, OutgoingMessage, StaffLetter
from otklik.moving import carrying, mapping
from otklik.moving.models import HistoryImport, WordMeaning
from otklik.people.models import Applicant, Contact
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.moving.journals import brought, carried, packed, paper_book, sed_export, table, tried, undone, worked

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def faults(run: HistoryImport) -> dict[int, str]:
    return {one["line"]: "; ".join(one["why"]) for one in carrying.faults_of(run)}


def test_the_columns_of_a_journal_kept_by_hand_are_known(world: World) -> None:
    run = brought(paper_book(), "appeals", by=world.clerk)
    named = {run.heads[int(place)]: field for place, field in run.columns.items()}
    assert named["Рег. №"] == "number"
    assert named["Ф.И.О. заявителя, адрес"] == "name"
    assert (named["Дата"], named["Срок исполнения"], named["Дата ответа"]) == ("registered", "due", "answered")
    assert (named["Исх. №"], named["Ответ"], named["Код темы"]) == ("answer_number", "answer", "topic")
    assert run.total == 9  # neither the numbers of columns, nor the month, nor the total


def test_a_trial_names_every_wrong_row_and_keeps_nothing(world: World) -> None:
    run = tried(paper_book(), "appeals", by=world.clerk)
    assert (run.state, run.good, run.bad) == ("checked", 6, 3)
    told = faults(run)
    assert "уже в строке 8" in told[9]
    assert "не дата" in told[10]
    assert "нет номера" in told[12]
    assert not Appeal.objects.exists()
    assert not Applicant.objects.exists()


def test_what_is_right_is_carried_as_it_stood_and_nothing_leaves(world: World) -> None:
    run = carried(paper_book(), "appeals", by=world.clerk)
    assert (run.state, run.made, run.bad, run.error) == ("done", 6, 3, "")
    one = Appeal.objects.get(number="О-2025-000001")
    assert (one.registered_on, one.answered_on, one.status) == (date(2025, 1, 9), date(2025, 1, 30), "closed")
    assert (one.executor, one.unit, one.due_on) == (world.executor, world.land, date(2025, 2, 8))
    assert one.applicant.last_name == "Иванова"
    assert "Выдуманная" in one.applicant.address
    letter = OutgoingMessage.objects.get(thread=one.thread)
    assert (letter.state, letter.text, letter.subject) == (
        "sent", "Договор аренды продлён на три года.", "Ответ № 12-1/25"
    )  # fmt: skip
    assert QuestionOutcome.objects.get(appeal=one).kind.code == "explained"
    second = Appeal.objects.get(number="О-2025-000002")
    assert second.due_on == date(1899, 12, 30) + timedelta(days=45700)
    assert second.executor is None
    assert "Неизвестный" in second.notes.get().text
    assert Appeal.objects.get(number="О-2025-000011").registered_on == date(2025, 1, 20)  # of the merged cell
    assert not OutgoingMessage.objects.exclude(state="sent").exists()
    assert not delivery.send_next({})
    while notices.work_next():
        pass
    assert not Notice.objects.exists()
    assert not StaffLetter.objects.exists()
    assert not journal.verify()


def test_what_was_moved_in_is_no_intake_of_the_day(world: World) -> None:
    carried(paper_book(), "appeals", by=world.clerk)
    assert not [one for one in reconciliation.tally(timezone.localdate()) if one.odd or one.registered]


def test_what_runs_on_keeps_its_term_through_every_count_anew(world: World) -> None:
    carried(paper_book(), "appeals", by=world.clerk)
    one = Appeal.objects.get(number="О-2025-000005")
    due = TODAY() + timedelta(days=20)
    assert (one.status, one.executor, one.due_on) == ("assigned", world.executor, due)
    assert CarriedTerm.objects.get(appeal=one).due_on == due
    [ground] = terms.why(one)[-1].why
    assert "Срок перенесён из журнала" in ground["text"]
    assert not [item for item in terms.preview() if item.appeal.pk == one.pk]
    assert terms.recount(one, reason="проверка") == due
    Appeal.objects.filter(pk=one.pk).update(due_on=TODAY())
    CarriedTerm.objects.filter(appeal=one).update(due_on=TODAY())
    notices.tell_of_terms(at_work_only=False)
    assert Notice.objects.filter(appeal=one, kind="term").exists()


def test_our_numbers_go_on_above_and_go_back_with_the_undo(world: World) -> None:
    run = carried(paper_book(), "appeals", by=world.clerk)
    assert NumberCounter.objects.get(year=2025).last == 907
    assert numbers.next_number(date(2025, 12, 1)) == "О-2025-000908"
    NumberCounter.objects.filter(year=2025).update(last=907)
    run = undone(run, by=world.clerk)
    assert run.state == "undone"
    assert NumberCounter.objects.get(year=2025).last == 0


def test_everything_is_taken_back_and_the_journal_of_changes_stays_whole(world: World) -> None:
    run = carried(paper_book(), "appeals", by=world.clerk)
    assert search_feed.keys_for(world.clerk, "продлить аренду гаражом")
    run = undone(run, by=world.clerk)
    assert (run.state, run.taken_back) == ("undone", 6)
    for model in (Appeal, Applicant, Contact, OutgoingMessage, AppealQuestion):
        assert not model._default_manager.exists(), model
    assert not search_feed.keys_for(world.clerk, "продлить аренду гаражом")
    assert not journal.verify()
    again = carried(paper_book(), "appeals", by=world.clerk)
    assert again.made == 6


def test_what_somebody_has_worked_with_stays_and_is_named(world: World) -> None:
    from otklik.appeals import notes
    from otklik.moving import undoing

    run = carried(paper_book(), "appeals", by=world.clerk)
    kept = Appeal.objects.get(number="О-2025-000005")
    notes.add(kept, "Позвонил заявителю", by=world.clerk)
    run = undone(run, by=world.clerk)
    assert list(Appeal.objects.values_list("number", flat=True)) == ["О-2025-000005"]
    told = undoing.kept(run)
    assert {one.number for one in told if one.what == "appeal"} == {"О-2025-000005"}  # type: ignore[attr-defined]
    assert all(one.kept_why and one.todo for one in told)  # type: ignore[attr-defined]
    assert Applicant.objects.count() == 1


def test_a_number_that_is_there_already_is_an_error_of_its_row(world: World) -> None:
    appeal = world.registered()
    heads = ["Рег. №", "Дата", "Заявитель", "Содержание"]
    run = tried(table(heads, [appeal.number, "12.01.2026", "Петров П.П.", "О земле"]), "appeals", by=world.clerk)
    assert "уже есть в Отклике" in faults(run)[2]


def test_an_export_of_sed_in_windows_1251_is_read(world: World) -> None:
    run = carried(sed_export(), "appeals", by=world.clerk, name="СЭД.csv")
    assert run.made == 2, faults(run)
    first = Appeal.objects.get(number="00-15/77")
    assert (first.channel, first.answer_address, first.executor) == (
        "email", "ivanova@citizen.example", world.executor
    )  # fmt: skip
    assert "порядок; выкупа" in first.subject
    assert "Гриф: ДСП" in first.notes.get().text
    second = Appeal.objects.get(number="00-15/78")
    assert (second.channel, second.status, second.due_on) == ("medo", "assigned", TODAY() + timedelta(days=5))
    assert "не почта" in second.notes.get().text
    assert second.applicant.organisation == "Администрация района"


def test_answers_feed_likeness_and_proposals(world: World) -> None:
    carried(paper_book(), "appeals", by=world.clerk)
    examples = learning.confirmed()
    assert {one.classes["topic"] for one in examples} == {("0003.0011.0123.0850",)}
    assert search_feed.scores_for(world.clerk, "аренда участка под гаражом", limit=5)


def test_words_are_mended_and_remembered(world: World) -> None:
    run = tried(paper_book(), "appeals", by=world.clerk)
    unknown = {text for text, _, means in run.told["words"]["executor"] if not means}
    assert unknown == {"Неизвестный Х. Х."}
    mapping.keep("executor", [("Неизвестный Х. Х.", str(world.helper.pk)), ("Чужой", "999999")], by=world.clerk)
    assert WordMeaning.objects.count() == 1
    carrying.try_again(run, by=world.clerk)
    run = worked(run)
    carrying.begin(run, by=world.clerk)
    worked(run)
    assert Appeal.objects.get(number="О-2025-000002").executor == world.helper


def test_columns_are_remembered_for_the_same_headings(world: World) -> None:
    run = brought(paper_book(), "appeals", by=world.clerk)
    columns = {int(place): field for place, field in run.columns.items()}
    place = run.heads.index("Результат рассмотрения")
    carrying.tell(run, {**columns, place: "-"}, {"regime": "59fz", "channel": "email"}, by=world.clerk)
    again = brought(paper_book(), "appeals", by=world.clerk2)
    assert again.columns[str(place)] == "-"
    assert again.options["channel"] == "email"


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({0: "number", 1: "registered", 2: "name"}, {}, "Покажите столбец: «Краткое содержание» или «Текст»"),
        ({0: "number", 1: "number", 2: "name", 3: "subject"}, {}, "выбрано у двух столбцов"),
        ({0: "number", 1: "registered", 2: "name", 3: "subject"}, {"pattern": "{year}-А"}, "нужно {number}"),
    ],
)
def test_columns_that_lack_something_are_told_in_words(
    world: World, columns: dict[int, str], options: dict[str, str], words: str
) -> None:
    heads = ["Рег. №", "Дата", "Заявитель", "Содержание"]
    run = brought(table(heads, ["1", "12.01.2026", "Петров П.П.", "О земле"]), "appeals", by=world.clerk)
    with pytest.raises(carrying.ColumnsLack, match=words):
        carrying.tell(run, columns, options, by=world.clerk)


def test_files_beside_the_journal_go_with_their_rows(world: World) -> None:
    files = {
        "О-2025-000001.txt": b"letter",
        "О-2025-000001_ответ.txt": b"answer",
        "О-2025-000005/plan.txt": b"plan",
        "О-2025-000005/virus.exe": b"MZ" + b"\x00" * 400,
        "чужой.txt": b"nobody's",
    }
    run = tried(paper_book(), "appeals", by=world.clerk, attached=packed(files))
    assert run.told["strangers"] == ["чужой.txt"]
    carrying.begin(run, by=world.clerk)
    run = worked(run)
    assert sorted(IncomingFile.objects.values_list("name", flat=True)) == ["plan.txt", "О-2025-000001.txt"]
    assert OutgoingFile.objects.get().name == "О-2025-000001_ответ.txt"
    assert "virus.exe" in Appeal.objects.get(number="О-2025-000005").notes.get().text
    undone(run, by=world.clerk)
    assert not IncomingFile.objects.exists()


def test_years_that_begin_with_one_are_told_apart_by_a_pattern(world: World) -> None:
    heads = ["№", "Дата", "Заявитель", "Содержание", "Дата ответа"]
    rows = [[1, "12.01.2024", "Петров П.П.", "О земле", "13.01.2024"], [1, "12.01.2025", "Иванов И.И.", "О доме", ""]]
    carried(table(heads, *rows), "appeals", by=world.clerk, pattern="{year}/{number}")
    assert sorted(Appeal.objects.values_list("number", flat=True)) == ["2024/1", "2025/1"]


def test_receptions_become_oral_appeals_that_are_closed(world: World) -> None:
    heads = ["Дата приёма", "ФИО гражданина", "Суть вопроса", "Кто вёл приём", "Результат приёма"]
    rows = [["12.01.2024", "Петров Пётр Петрович", "О земле", "Волкова А.П.", "ответ дан устно"]]
    run = carried(table(heads, *rows), "receptions", by=world.clerk)
    assert run.made == 1, faults(run)
    one = Appeal.objects.get()
    assert (one.channel, one.written, one.status, one.executor) == ("reception", False, "closed", world.signer)
    assert one.number.startswith("ЛП-2024-")


def test_nobody_else_brings_history_in(world: World) -> None:
    with pytest.raises(carrying.NotAllowedToMove):
        brought(paper_book(), "appeals", by=world.executor)


def test_the_journal_of_changes_holds_no_personal_data(world: World) -> None:
    carried(paper_book(), "appeals", by=world.clerk)
    for entry in JournalEntry.objects.filter(action__startswith=("appeal.")):
        assert "Иванова" not in str(entry.data)
    assert JournalEntry.objects.filter(action="appeal.carried").count() == 6
