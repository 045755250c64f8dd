"""What an author writes employees read after the head of the unit has agreed to that very version."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Comment, Page, Revision

from otklik.config import settings
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.knowledge import agreement, public, remarks, schedule
from otklik.knowledge.models import Agreement, Faq, Section
from otklik.people.models import Employee, Substitution, Unit
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.test_races import at_once
from tests.desk import at, desk
from tests.knowledge.test_rights import latest, no_rows, typed

pytestmark = pytest.mark.django_db
SEND = {"action-agree": "1"}
State = Agreement.State


@pytest.fixture
def head(employee, land) -> Employee:
    return employee("head", land, "head")


@pytest.fixture
def page(garages, publish):
    return publish(garages, "Вопрос о гараже")


@pytest.fixture
def asked(author, page) -> Agreement:
    send(author, page, short_answer="Новый ответ")
    return Agreement.objects.get(state=State.WAITING)


def send(author: Employee, page: Page, **changes: str) -> Any:
    """Press «Отправить на согласование» in the editor."""
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    return desk(author).post(url, typed(Page.objects.get(pk=page.pk).specific, **SEND, **changes))


def press(person: Employee, row: Agreement, step: str, **typed_words: str) -> int:
    return int(desk(person).post(at("agreement", row.pk), {"step": step, **typed_words}).status_code)


def read(page: Page) -> str:
    """Return what employees read."""
    return str(Faq.objects.get(pk=page.pk).short_answer)


def told(employee: Employee) -> list[str]:
    while notices.work_next():
        pass
    return list(Notice.objects.filter(employee=employee).order_by("pk").values_list("text", flat=True))


def test_the_whole_way_of_a_change(author, head, reader, page, asked):
    assert read(page) == "Коротко: Вопрос о гараже."
    assert told(head) == ["Материал ждёт вашего согласования"]
    shown = desk(head).get(at("agreement", asked.pk)).content.decode()
    assert "Что изменится" in shown
    assert "Новый" in shown
    assert "Согласовать материалы" in desk(head).get(at("today")).content.decode()
    assert press(head, asked, "return", remark="  ") == 422
    assert press(head, asked, "return", remark="Добавьте срок") == 302
    assert told(author) == ["Материал возвращён: Добавьте срок"]
    assert "Добавьте срок" in desk(author).get(at("knowledge_material", page.pk)).content.decode()
    assert "Добавьте срок" in desk(author).get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert "Добавьте срок" not in desk(reader).get(at("knowledge_material", page.pk)).content.decode()
    send(author, page, short_answer="Ответ со сроком")
    assert press(head, Agreement.objects.get(state=State.WAITING), "agree") == 302
    assert read(page) == "Ответ со сроком"
    assert told(author)[-1] == "Материал согласован"
    said = set(JournalEntry.objects.filter(chain=f"material:{page.pk}").values_list("action", flat=True))
    assert {"material.agreement_asked", "material.returned", "material.agreed", "wagtail.publish"} <= said


def test_what_is_created_is_sent_at_once_and_nobody_reads_it_before(author, head, reader, garages):
    new = typed(Faq(title="Новый вопрос", slug="new", short_answer="Да.", mark="public"), **SEND)
    desk(author).post(reverse("wagtailadmin_pages:add", args=["knowledge", "faq", garages.pk]), new)
    row = Agreement.objects.get()
    assert row.new
    assert [desk(one).get(at("knowledge_material", row.page_id)).status_code for one in (author, head, reader)] == [
        *(200, 200, 404)
    ]
    assert press(head, row, "agree") == 302
    assert desk(reader).get(at("knowledge_material", row.page_id)).status_code == 200


def test_a_draft_may_have_gaps_what_is_sent_may_not(author, page):
    """The error stands at the field, what was typed is kept, nothing is sent."""
    answer = send(author, page, short_answer="", title="Другое название")
    assert answer.status_code == 200
    assert "short_answer" in answer.context["form"].errors
    assert "Другое название" in answer.content.decode()
    assert not Agreement.objects.exists()
    desk(author).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), typed(page, short_answer=""))
    with pytest.raises(DomainError, match="краткий ответ"):
        agreement.ask(latest(page), by=author)


def test_the_head_of_the_unit_his_deputy_a_head_above_and_the_chief_decide_nobody_else(
    author, head, reader, chief, employee, land, rent, page, asked
):
    above = Unit.objects.create(name="Управление", short_name="Управление", valid_from=land.valid_from)
    Unit.objects.filter(pk=land.pk).update(parent=above)
    assert press(author, asked, "agree") == 403
    assert press(employee("other", rent, "head"), asked, "agree") == 404
    assert press(reader, asked, "agree") == 403
    assert read(page) != "Новый ответ"
    today = timezone.localdate()
    Substitution.objects.create(absent=head, deputy=reader, starts_on=today, ends_on=today)
    boss = employee("boss", above, "head")
    for one in (head, chief, boss, reader):
        assert agreement.waiting_for(Employee.objects.get(pk=one.pk), today).count() == 1
    assert press(reader, asked, "agree") == 302
    row = JournalEntry.objects.get(action="material.agreed")
    assert (row.actor, row.on_behalf_of) == (reader, head)


def test_what_waits_goes_with_its_section(author, head, chief, employee, rent, garages, page, asked):
    assert agreement.whom_to_tell(page, timezone.localdate()) == {head.pk}
    garages.unit = rent
    garages.save_revision().publish()
    assert press(head, asked, "agree") == 404
    assert agreement.whom_to_tell(page, timezone.localdate()) == {chief.pk}, "a unit without a head is no orphan"
    tenant = employee("tenant", rent, "head")
    assert agreement.whom_to_tell(page, timezone.localdate()) == {tenant.pk}
    assert press(tenant, asked, "agree") == 302
    assert read(page) == "Новый ответ"


def test_what_the_head_saw_is_published_whatever_the_author_writes_meanwhile(author, head, page, asked):
    desk(author).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), typed(page, short_answer="Ещё не готово"))
    assert "правит материал дальше" in desk(head).get(at("agreement", asked.pk)).content.decode()
    assert press(head, asked, "agree") == 302
    assert read(page) == "Новый ответ"
    assert latest(page).short_answer == "Ещё не готово"


def test_a_version_sent_anew_is_another_one_and_the_head_is_told(author, head, page, asked):
    send(author, page, short_answer="Вторая мысль")
    answer = desk(head).post(at("agreement", asked.pk), {"step": "agree"})
    assert answer.status_code == 409
    assert "уже не ждёт" in answer.content.decode()
    assert read(page) == "Коротко: Вопрос о гараже."


def test_what_was_sent_is_never_written_over(author, head, page, asked):
    """Wagtail's automatic saving writes over the author's last version: not over one that somebody looks at."""
    data = typed(page, short_answer="Тайком", overwrite_revision_id=str(asked.revision_id))
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    answer = desk(author).post(url, data, headers={"accept": "application/json"})
    assert answer.status_code == 400
    assert "на согласование" in answer.json()["error_message"]
    desk(author).post(url, data)
    assert press(head, asked, "agree") == 302
    assert read(page) == "Новый ответ"


def test_a_head_who_writes_publishes_his_own_the_site_asks_a_second_person(employee, land, page):
    both = employee("both", land, "head", "kb_author")
    send(both, page, short_answer="Пишу и отвечаю")
    assert read(page) == "Пишу и отвечаю"
    with pytest.raises(public.OwnWork):
        public.check_can_pin(Faq.objects.get(pk=page.pk), by=both)


def test_the_chief_editor_settles_what_waits_by_publishing(author, head, chief, page, asked):
    data = typed(latest(page), **{"action-publish": "1"})
    desk(chief).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data)
    assert read(page) == "Новый ответ"
    assert press(head, asked, "agree") == 409


def test_agreed_first_then_read_at_its_hour(author, head, page, monkeypatch):
    later = timezone.localtime() + timedelta(days=1)
    send(author, page, short_answer="С завтрашнего дня", go_live_at=f"{later:%Y-%m-%d %H:%M}")
    assert press(head, Agreement.objects.get(), "agree") == 302
    assert read(page) == "Коротко: Вопрос о гараже."
    monkeypatch.setattr(timezone, "now", lambda: later + timedelta(hours=1))
    schedule.carry_out()
    assert read(page) == "С завтрашнего дня"


def test_a_section_is_agreed_as_well(author, head, garages):
    data = {"title": "Гаражи", "slug": "garages", "intro": "О гаражах", "search_description": "", **SEND}
    desk(author).post(reverse("wagtailadmin_pages:edit", args=[garages.pk]), data | no_rows("links"))
    assert press(head, Agreement.objects.get(), "agree") == 302
    assert Section.objects.get(pk=garages.pk).intro == "О гаражах"


def test_an_author_compares_versions_and_brings_back_a_former_one_which_is_agreed_like_any_other(
    author, head, reader, page
):
    """«Версии» on the page leads to the history; what is brought back is a draft until the head agrees."""
    for words in ("Ответ первой версии", "Ответ второй версии"):
        send(author, page, short_answer=words)
        press(head, Agreement.objects.get(state=State.WAITING), "agree")
    first, now = Revision.page_revisions.filter(object_id=str(page.pk)).order_by("pk")[1:]
    history = reverse("wagtailadmin_pages:history", args=[page.pk])
    assert history in desk(author).get(at("knowledge_material", page.pk)).content.decode()
    assert history not in desk(reader).get(at("knowledge_material", page.pk)).content.decode()
    assert reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, first.pk]) in (
        desk(author).get(history).content.decode()
    )
    compared = desk(author).get(reverse("wagtailadmin_pages:revisions_compare", args=[page.pk, first.pk, now.pk]))
    assert "Посмотреть и вернуть" in desk(author).get(history).content.decode()
    assert "<del>" in compared.content.decode() or 'class="deletion"' in compared.content.decode()
    assert "второй" in compared.content.decode()
    restored = desk(author).get(reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, first.pk]))
    assert "Ответ первой версии" in restored.content.decode()
    form = typed(first.as_object(), revision=str(first.pk))
    desk(author).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), form)
    assert (latest(page).short_answer, read(page)) == ("Ответ первой версии", "Ответ второй версии")
    send(author, page, short_answer="Ответ первой версии")
    assert press(head, Agreement.objects.get(state=State.WAITING), "agree") == 302
    assert read(page) == "Ответ первой версии"
    # Nothing was written over: every version is still there to be compared.
    said = Revision.page_revisions.filter(object_id=str(page.pk)).order_by("pk").values_list("content", flat=True)
    assert [one["short_answer"] for one in said][1:3] == ["Ответ первой версии", "Ответ второй версии"]


def test_an_author_takes_back_what_he_sent(author, head, page, asked):
    assert press(head, asked, "withdraw") == 404
    assert press(author, asked, "withdraw") == 302
    assert press(head, asked, "agree") == 409
    assert agreement.latest_of(page) is None


RICH = '<p data-block-key="a1b2">Срок — тридцать дней.</p><p data-block-key="c3d4">Плата не берётся.</p>'


def test_a_head_who_is_no_author_puts_words_to_a_passage_and_the_author_meets_them_in_the_editor(
    author, head, garages, publish
):
    page = publish(garages, "Вопрос о сроке", body=RICH)
    page.short_answer = "Тридцать дней"
    page.save_revision(user=author)
    row = agreement.ask(page, by=author)
    where = {"field": "body", "passage": "тридцать дней"}
    assert press(head, row, "comment", **where, text="") == 422
    assert press(head, row, "comment", **where | {"passage": "сорок дней"}, text="Нет") == 422
    assert press(head, row, "comment", **where | {"field": "owner"}, text="Нет") == 422
    assert press(head, row, "comment", **where, text="Чей это срок?") == 302
    comment = Comment.objects.get()
    assert json.loads(comment.position) == [{"key": "a1b2", "start": 7, "end": 20}]
    assert comment.contentpath == "body"
    [shown] = remarks.of_page(row.revision.as_object())
    assert (shown.passage, shown.text) == ("тридцать дней", "Чей это срок?")
    form = desk(author).get(reverse("wagtailadmin_pages:edit", args=[page.pk])).context["form"]
    assert [one["text"] for one in form.serialize_comments(author)["comments"]] == ["Чей это срок?"]
    assert press(author, row, "comment", **where, text="Сам себе") == 403


def test_an_author_answers_a_comment_and_no_letter_leaves(author, head, page, asked):
    comment = remarks.leave(asked, field="short_answer", text="Короче", by=head)
    rows = {f"comments-{part}": "1" for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    mine = {"id": comment.pk, "text": "Короче", "contentpath": "short_answer", "position": "", "resolved": ""}
    rows |= {f"comments-0-{name}": str(value) for name, value in mine.items()} | no_rows("comments-0-replies")
    rows |= {"comments-0-replies-TOTAL_FORMS": "1", "comments-0-replies-0-text": "Сделано"}
    desk(author).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), typed(page, **rows))
    assert "Сделано" in desk(head).get(at("agreement", asked.pk)).content.decode()
    # The suite puts a box of its own in place of the backend: what the product sends through stands in its settings.
    assert settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


@pytest.mark.django_db(transaction=True)
def test_of_two_heads_at_once_the_second_is_told(transactional_db, author, head, chief, page, asked):
    people = [Employee.objects.get(pk=one.pk) for one in (head, chief)]
    rows = [Agreement.objects.get() for _ in people]
    results = at_once(*(lambda r=row, p=who: agreement.agree(r, by=p) for row, who in zip(rows, people, strict=True)))
    assert sorted(type(one).__name__ for one in results) == ["Agreement", "Decided"]
    assert JournalEntry.objects.filter(action="material.agreed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_author_saves_while_the_head_agrees_and_neither_is_lost(transactional_db, author, head, page, asked):
    data = typed(page, short_answer="Пишу дальше")
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    writer = desk(author)
    who, row = Employee.objects.get(pk=head.pk), Agreement.objects.get()
    results = at_once(lambda: agreement.agree(row, by=who), lambda: writer.post(url, data))
    assert not any(isinstance(one, Exception) for one in results), results
    now = Faq.objects.get(pk=page.pk)
    assert (now.live, now.short_answer, latest(page).short_answer) == (True, "Новый ответ", "Пишу дальше")
    assert Revision.page_revisions.filter(object_id=str(page.pk)).count() == 3
