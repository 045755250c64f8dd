"""Two people at one answer: the second keeps his text, sees what differs and chooses; nothing is lost."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from otklik.appeals import drafting
from otklik.appeals.models import Appeal, Approval, DraftRevision
from otklik.core.models import JournalEntry
from otklik.workplace.compare import MOST_WORDS, changes
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
MINE, THEIRS = "Договор продлён.\nПриходите во вторник.", "Договор продлён.\nПриходите в среду."


@pytest.fixture
def world(db: None) -> World:
    return World()


def kept() -> set[str]:
    return set(DraftRevision.objects.values_list("text", flat=True))


def came_second(world: World, *, same_person: bool = False) -> tuple[Client, Appeal, str]:
    """Let the head save first; return the executor's desk, the appeal, and the page he gets for his own text."""
    appeal = world.drafted(text="Договор продлён.")
    drafting.save(appeal, text=THEIRS, base_version=1, by=world.executor if same_person else world.head)
    executor = desk(world.executor)
    answer = executor.post(at("draft", appeal.pk), {"text": MINE, "base_version": 1, "save": 1})
    assert answer.status_code == 409
    return executor, appeal, answer.content.decode()


def choose(client: Client, appeal: Appeal, page: str, **pressed: str) -> None:
    version = re.search(r'name="base_version" value="(\d+)"', page)
    assert version
    typed = {"text": MINE, "theirs": THEIRS, "base_version": version.group(1), **pressed}
    assert client.post(at("draft", appeal.pk), typed).status_code == 302


def test_who_came_second_sees_his_text_the_other_and_what_differs_in_words(world: World) -> None:
    _, appeal, page = came_second(world)
    assert MINE in page
    assert THEIRS in page
    assert world.head.short_name in page
    shown = page.split('class="changes"')[1].split("</div>")[0]
    removed, added = (re.findall(rf"<{tag}>.*?</{tag}>", shown) for tag in ("del", "ins"))
    assert "только у вас" in removed[0]
    assert "вторник" in "".join(removed)
    assert "только у коллеги" in added[0]
    assert "среду" in "".join(added)
    assert "Договор" not in "".join(removed + added)
    assert drafting.draft_of(appeal).text == THEIRS


@pytest.mark.parametrize("same_person", [False, True], ids=["colleague", "second tab"])
@pytest.mark.parametrize(("pressed", "now"), [("save", MINE), ("take_theirs", THEIRS)])
def test_whatever_he_chooses_both_texts_stay(world: World, pressed: str, now: str, same_person: bool) -> None:
    executor, appeal, page = came_second(world, same_person=same_person)
    assert ("Взять другой текст" in page) is same_person
    choose(executor, appeal, page, **{pressed: "1"})
    assert drafting.draft_of(appeal).text == now
    assert {MINE, THEIRS} - {now} <= kept()


def test_a_text_joined_by_hand_is_saved_and_both_stay(world: World) -> None:
    executor, appeal, page = came_second(world)
    choose(executor, appeal, page, save="1", text="Приходите во вторник или в среду.")
    assert drafting.draft_of(appeal).text == "Приходите во вторник или в среду."
    assert {MINE, THEIRS} <= kept()


def test_a_page_closed_after_a_refused_autosave_loses_nothing(world: World) -> None:
    appeal = world.drafted()
    drafting.save(appeal, text=THEIRS, base_version=1, by=world.head)
    executor = desk(world.executor)
    for _ in range(2):
        answer = executor.post(at("draft_autosave", appeal.pk), {"text": MINE, "base_version": 1})
        assert answer.status_code == 409
    assert drafting.draft_of(appeal).text == THEIRS
    assert DraftRevision.objects.filter(text=MINE, author=world.executor).count() == 1
    assert JournalEntry.objects.filter(action="appeal.draft_kept_aside").count() == 1
    assert "вторник" in executor.get(at("revisions", appeal.pk), {"from": "2"}).content.decode()


def test_a_text_kept_aside_is_never_the_one_in_force(world: World) -> None:
    appeal = world.asked()
    drafting.keep_aside(appeal, "Опоздавший текст", by=world.executor)
    current = drafting.current_revision(appeal)
    assert current is not None
    assert current.text == "Договор продлён."
    row = Approval.objects.get()
    assert desk(world.head).post(at("approval_decide", row.pk), {"approve": 1}).status_code == 302
    assert world.again(appeal).status == Appeal.Status.APPROVAL


def test_a_third_save_meanwhile_asks_again(world: World) -> None:
    executor, appeal, page = came_second(world)
    drafting.save(appeal, text="Третий текст", base_version=2, by=world.head)
    version = re.search(r'name="base_version" value="(\d+)"', page)
    assert version
    typed = {"text": MINE, "theirs": THEIRS, "base_version": version.group(1), "take_theirs": "1"}
    answer = executor.post(at("draft", appeal.pk), typed)
    assert answer.status_code == 409
    assert "Третий текст" in answer.content.decode()
    assert drafting.draft_of(appeal).text == "Третий текст"


def test_an_old_revision_is_not_brought_back_over_a_newer_text_unseen(world: World) -> None:
    appeal = world.drafted()
    drafting.save(appeal, text=THEIRS, base_version=1, by=world.head)
    answer = desk(world.executor).post(at("restore", appeal.pk, 1), {"base_version": 1})
    assert answer.status_code == 409
    assert "Взять текст коллеги" in answer.content.decode()
    assert drafting.draft_of(appeal).text == THEIRS


def test_a_text_changed_since_it_was_opened_is_not_approved_and_the_difference_is_shown(world: World) -> None:
    appeal = world.asked()
    row = Approval.objects.get()
    head = desk(world.head)
    assert "Что изменилось" not in head.get(at("approval_decide", row.pk)).content.decode()
    drafting.save(appeal, text="Договор продлён на год.", base_version=1, by=world.executor)
    for pressed in ({"approve": "1"}, {"give_back": "1", "remark": "Уточните"}):
        answer = head.post(at("approval_decide", row.pk), pressed)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Решение не записано" in page
        assert re.search(r"<ins>.*на год", page.split("Что изменилось")[1])
        row.refresh_from_db()
        assert row.decision == Approval.Decision.WAITING
    assert "Уточните" in page


def test_other_attachments_are_named_where_the_text_is_the_same(world: World) -> None:
    appeal = world.asked()
    drafting.renew(drafting.draft_of(appeal))
    page = desk(world.head).post(at("approval_decide", Approval.objects.get().pk), {"approve": "1"}).content.decode()
    assert "изменились приложения" in page
    assert Approval.objects.get().decision == Approval.Decision.WAITING
    assert appeal.status == Appeal.Status.APPROVAL


def test_the_comparison_gives_back_both_texts() -> None:
    before = "Первый абзац\n\nВторой абзац, в нём слова\nконец"
    after = "Первый абзац\n\nВторой абзац, в нём другие слова\nсовсем иное\nещё строка"
    found = changes(before, after)

    def side(kind: str) -> str:
        lines = []
        for change in found:
            if change.kind in ("same", kind):
                lines.append(change.text)
            elif change.kind == "changed":
                lines.append("".join(part.text for part in change.parts if part.kind in ("same", kind)))
        return "\n".join(lines)

    assert side("removed") == before
    assert side("added") == after
    assert [part.text for change in found for part in change.parts if part.kind == "added"] == ["другие "]


def test_very_long_lines_are_shown_whole() -> None:
    line = "слово " * (MOST_WORDS + 1)
    assert [change.kind for change in changes(line, line + "ещё")] == ["removed", "added"]
