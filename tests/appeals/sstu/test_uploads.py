"""Files of a month and the journal of what became of them: sent, refused, mended, sent again; the validator agrees."""

from __future__ import annotations

import base64
import io
import json
import random
import tracemalloc
import zipfile
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik.appeals import outcomes
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import OutcomeKind, SstuCard, SstuRun, SstuUpload, SstuVolume
from otklik.appeals.sstu import forming, uploads, validator, volumes
from otklik.appeals.sstu.forming import Question, Request, Transfer
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.core.models import AccessEntry, FileExamination, JournalEntry
from tests.appeals.sstu.conftest import OTHERS, OURS, World

State = SstuUpload.State


def table(*rows: str) -> io.BytesIO:
    return io.BytesIO("\n".join(["Файл;Результат;Причина", *rows]).encode("utf-8-sig"))


# --- runs ------------------------------------------------------------------------------------------------------------


def test_a_month_is_put_into_a_volume_the_validator_accepts(world: World) -> None:
    answered, waits, unfit = world.sent(), world.assigned(), world.registered()
    run = world.formed()
    assert (run.state, run.total, run.done) == ("ready", 3, 2)
    volume = run.volumes.get()
    assert volume.stored is not None
    report = validator.check(files.path_of(volume.stored), name=volume.name)
    assert (report.appeals, report.errors, report.warnings) == (2, [], [])
    inside = world.inside(run)
    assert set(inside) == {answered.number, waits.number}
    assert unfit.number not in inside
    assert world.line(answered).state == world.line(waits).state == "formed"
    assert world.line(unfit).state == "mend"
    told = JournalEntry.objects.get(action="sstu.formed")
    assert told.data["volumes"] == [volume.digest]


def test_the_attachment_is_the_letter_as_it_was_frozen(world: World) -> None:
    appeal = world.sent()
    run = world.formed()
    said = world.inside(run)[appeal.number]["questions"][0]["attachment"]
    with files.open_file(appeal.frozen.get().letter) as file:
        assert base64.b64decode(said["content"]) == file.read()
    assert said["name"] == f"Ответ {appeal.number}.pdf"


def test_the_name_of_the_file_is_the_same_in_every_month(world: World) -> None:
    appeal = world.assigned()
    world.formed()
    guid = SstuCard.objects.get(appeal=appeal).guid
    world.formed(appeal.pk)
    assert SstuCard.objects.get(appeal=appeal).guid == guid
    assert [row.attempt for row in uploads.history(appeal)] == [2, 1]
    assert world.upload(appeal).attempt == 2


def test_two_runs_at_once_are_refused_and_an_empty_one_says_why(world: World) -> None:
    run = uploads.ask(world.month, by=world.clerk)
    with pytest.raises(uploads.AlreadyForming):
        uploads.ask(world.month, by=world.clerk2)
    uploads.work_next()
    run.refresh_from_db()
    assert (run.state, "готовых к выгрузке" in run.why) == ("failed", True)
    assert not uploads.work_next()


def test_without_our_identifier_no_run_is_asked(world: World) -> None:
    world.keep(department_id="")
    with pytest.raises(uploads.NothingToForm, match="departmentId"):
        uploads.ask(world.month, by=world.clerk)


def test_who_does_not_decide_about_intake_asks_and_marks_nothing(world: World) -> None:
    appeal = world.assigned()
    for step in (
        lambda: uploads.ask(world.month, by=world.executor),
        lambda: uploads.mark_sent(world.month, [appeal.pk], by=world.executor),
        lambda: uploads.mark_refused(world.month, [appeal.pk], reason="х", by=world.executor),
        lambda: uploads.enter_by_hand(world.month, [appeal.pk], by=world.executor),
        lambda: uploads.read_answer(world.month, table(), "a.csv", by=world.executor),
    ):
        with pytest.raises(NotAllowed):
            step()
    assert not SstuRun.objects.exists()


def test_a_run_a_dead_worker_left_is_made_by_another(world: World) -> None:
    world.assigned()
    run = uploads.ask(world.month, by=world.clerk)
    just = timezone.now()
    SstuRun.objects.filter(pk=run.pk).update(state="forming", touched_at=just)
    assert not uploads.work_next(), "it may still be at it"
    SstuRun.objects.filter(pk=run.pk).update(touched_at=just - uploads.STUCK - timedelta(seconds=1))
    assert uploads.work_next()
    run.refresh_from_db()
    assert run.state == "ready"


def test_an_answer_that_is_given_out_to_nobody_is_left_out_by_name(world: World) -> None:
    bad, good = world.sent(), world.assigned()
    FileExamination.objects.create(stored=bad.frozen.get().letter, state="infected", found="вирус")
    run = world.formed()
    assert set(world.inside(run)) == {good.number}
    assert "вирус" in run.left_out[str(bad.pk)]


def test_chosen_appeals_that_do_not_fit_are_told_of(world: World) -> None:
    good, bad = world.assigned(), world.registered()
    run = world.formed(good.pk, bad.pk)
    assert run.left_out == {str(bad.pk): "нет ни одного вопроса с кодом классификатора"}


# --- marks -----------------------------------------------------------------------------------------------------------


def test_sent_refused_mended_and_sent_again(world: World) -> None:
    one, other = world.assigned(), world.classified()
    world.formed()
    assert uploads.mark_sent(world.month, [one.pk, other.pk], by=world.clerk) == 2
    assert uploads.mark_refused(world.month, [one.pk], reason="  неверный   код ", by=world.clerk2) == 1
    row = world.upload(one)
    assert (row.state, row.reason, row.marked_by) == (State.REFUSED, "неверный код", world.clerk2)
    assert world.line(one).state == "refused"
    run = world.formed(one.pk)
    assert set(world.inside(run)) == {one.number}
    assert world.line(one).state == "formed"
    uploads.mark_sent(world.month, [one.pk], by=world.clerk)
    row = world.upload(one)
    assert (row.state, row.attempt, row.volume, row.sent_on) == (
        State.MENDED, 2, run.volumes.get(), timezone.localdate(),
    )  # fmt: skip
    assert [each.state for each in uploads.history(one)] == [State.MENDED, State.REFUSED]
    assert uploads.months() == {world.month.first: {"mended": 1, "sent": 1}}
    told = JournalEntry.objects.filter(chain=f"appeal:{one.pk}", action__startswith="sstu.").order_by("pk")
    assert [each.action for each in told] == ["sstu.sent", "sstu.refused", "sstu.sent"]
    assert journal.verify() == []


def test_an_outcome_mended_after_the_month_was_sent_is_told(world: World) -> None:
    appeal = world.sent()
    world.formed()
    uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    assert world.line(appeal).state == "sent"
    outcomes.record(appeal, OutcomeKind.objects.get(code="refused"), by=world.clerk)
    assert world.line(world.again(appeal)).state == "changed"
    world.formed(appeal.pk)
    uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    assert world.line(world.again(appeal)).state == "sent"


def test_a_mark_twice_or_of_what_was_never_formed_is_refused(world: World) -> None:
    appeal = world.assigned()
    with pytest.raises(uploads.NothingMarked):
        uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    world.formed()
    uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    with pytest.raises(uploads.NothingMarked):
        uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    with pytest.raises(uploads.NothingMarked, match="почему"):
        uploads.mark_refused(world.month, [appeal.pk], reason=" ", by=world.clerk)
    for on in (world.month.previous.last, timezone.localdate() + timedelta(days=1)):
        with pytest.raises(uploads.NothingMarked, match="День выгрузки"):
            uploads.mark_sent(world.month, [appeal.pk], on=on, by=world.clerk)


def test_what_was_typed_into_the_portal_itself_is_written_down(world: World) -> None:
    appeal = world.classified(world.from_elsewhere("medo", cover_number="А26-1", cover_date="2026-11-01"))
    assert world.formed().state == "failed"
    assert uploads.enter_by_hand(world.month, [appeal.pk], by=world.clerk) == 1
    row = world.upload(appeal)
    assert (row.state, row.by_hand, row.volume) == (State.SENT, True, None)
    assert world.line(appeal).state == "sent"


def test_an_answer_file_is_taken_whole_or_not_at_all(world: World) -> None:
    one, other = world.assigned(), world.classified()
    world.formed()
    guid = SstuCard.objects.get(appeal=one).guid
    for bad, words in (
        ("нет-такого;принято;", "среди сформированных"),
        (f"{other.number};странно;", "не понят"),
        (f"{other.number};отказано;", "нет причины"),
    ):
        with pytest.raises(uploads.BadAnswer, match=words):
            uploads.read_answer(world.month, table(f"{guid}.json;принято;", bad), "a.csv", by=world.clerk)
    assert world.upload(one).state == State.FORMED
    rows = (f"{guid}.json;Принято;", f"{other.number};Отказано;Нет вложения")
    for said in (uploads.Said(1, 1), uploads.Said(0, 0)):
        assert uploads.read_answer(world.month, table(*rows), "a.csv", by=world.clerk) == said
    assert (world.upload(one).state, world.upload(other).reason) == (State.SENT, "Нет вложения")


@pytest.mark.parametrize("content", [b"", b"\x00\x01", "Число;Слово\n1;2".encode()])
def test_an_answer_file_that_is_no_table_is_refused(world: World, content: bytes) -> None:
    with pytest.raises(DomainError):
        uploads.read_answer(world.month, io.BytesIO(content), "a.csv", by=world.clerk)


def test_taking_a_volume_is_written_into_the_access_log_and_its_bytes_go_in_time(world: World) -> None:
    world.assigned()
    volume = world.formed().volumes.get()
    assert uploads.taken(volume, by=world.clerk) == volume.stored
    assert AccessEntry.objects.get(action="sstu.volume_taken").data == {"volume": volume.pk, "appeals": 1}
    assert uploads.forget_old() == 0
    SstuRun.objects.update(asked_at=timezone.now() - timedelta(days=61))
    assert uploads.forget_old() == 1
    volume = SstuVolume.objects.get()
    assert volume.stored is None
    with pytest.raises(uploads.NothingToForm, match="удалён"):
        uploads.taken(volume, by=world.clerk)


# --- volumes ---------------------------------------------------------------------------------------------------------


def test_volumes_stay_below_their_limit_and_hold_everything_once(tmp_path: Path) -> None:
    noise = random.Random(1)
    sizes = {pk: noise.randrange(1, 30_000) for pk in range(1, 60)} | {60: 99_000, 61: 200_000}
    refused = dict[int, str]()
    items = ((pk, UUID(int=pk), lambda size=size: noise.randbytes(size)) for pk, size in sizes.items())
    seen = list[str]()
    for volume in volumes.write(tmp_path, items, less_than=100_000, refused=refused.__setitem__):
        assert volume.path.stat().st_size < 100_000
        with zipfile.ZipFile(volume.path) as archive:
            assert archive.testzip() is None
            seen += archive.namelist()
    assert sorted(seen) == sorted(f"{UUID(int=pk)}.json" for pk in sizes if pk != 61)
    assert set(refused) == {61}


def test_memory_does_not_grow_with_the_number_of_appeals(tmp_path: Path) -> None:
    def peak(number: int) -> int:
        items = ((pk, UUID(int=pk), lambda: b"x" * 400_000) for pk in range(1, number + 1))
        tracemalloc.start()
        for volume in volumes.write(tmp_path, items, less_than=50_000_000, refused=lambda *_: None):
            volume.path.unlink()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(200) < peak(20) + 1_000_000


# --- whatever is written is accepted ---------------------------------------------------------------------------------

days = st.dates(date(2017, 1, 1), date(2026, 11, 30))
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda said: bool(said.strip()))
levels = st.integers(0, 9999).map("{:04}".format)
codes = st.lists(levels, min_size=4, max_size=5).map(".".join)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    status = draw(st.sampled_from([name for name in validator.STATUSES if name != "NotReceived"]))
    came, registered, ended = sorted((draw(days), draw(days), draw(days)))
    ends = status in forming.ANSWERED or status == forming.LEFT
    stored: Any = SimpleNamespace(size=3)
    return Question(
        code=draw(codes),
        status=status,
        incoming=came,
        registered=None if status == forming.NOT_REGISTERED else registered,
        responded=ended if ends else None,
        letter=(draw(words), stored) if status in forming.ANSWERED else None,
        actions_taken=draw(st.sampled_from([True, False, None])),
        marked_extended=status == forming.IN_WORK and draw(st.booleans()),
        transfer=Transfer(draw(words), OTHERS, ended, draw(words)) if status == forming.TRANSFERRED else None,
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    direct = draw(st.booleans())
    return Request(
        department=OURS,
        direct=direct,
        format="Other" if direct else draw(st.sampled_from(["Electronic", "Other"])),
        number=draw(words.filter(lambda said: not said.strip().upper().startswith(("А26", "A26")))),
        created=None if direct else draw(days),
        name=draw(words),
        address=draw(st.just("") | words),
        email=draw(st.just("") | st.emails()),
        questions=tuple(draw(st.lists(questions(), min_size=1, max_size=4))),
    )


@settings(max_examples=200, deadline=None)
@given(requests(), st.binary(min_size=1, max_size=50))
def test_whatever_the_generator_writes_the_validator_accepts(request: Request, letter: bytes) -> None:
    content = forming.dumped(forming.document(request, lambda _: letter))
    report = validator.check_bytes(content, f"{uuid4()}.json")
    assert (report.appeals, report.errors, report.warnings) == (1, [], [])
    assert "null" not in {json.dumps(value) for value in json.loads(content).values()}
