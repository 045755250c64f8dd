"""The log of missed calls on the page: what is overdue first, numbers masked, steps, figures that open their lists."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.core.models import AccessEntry, JournalEntry
from otklik.hotline import missed, promises
from otklik.hotline.models import Consultation, MissedCall
from otklik.knowledge import defaults
from otklik.knowledge.models import Script, Section
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.desk import at as address
from tests.desk import desk, told
from tests.hotline.conftest import NUMBER, comes, consultant, consultant2, ekc, line, missed_call  # noqa: F401
from tests.hotline.test_figures import shown_figures

pytestmark = pytest.mark.django_db
OTHER = "+7 913 000-00-02"


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def owed(missed_call):  # noqa: F811
    def call(number: str = NUMBER, **facts: object) -> MissedCall:
        row = missed_call(number, **facts)
        missed.after(row)
        row.refresh_from_db()
        return row.missed

    return call


def page_of(client, name: str, *args: object, query: str = "") -> str:
    answer = client.get(address(name, *args) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_the_overdue_first_and_no_number(owed, consultant):  # noqa: F811
    late = owed(came_at=timezone.now() - timedelta(days=3))
    fresh = owed(OTHER, waited=73, position=2)
    said = page_of(desk(consultant), "missed")
    assert said.index(f"№ {late.pk}<") < said.index(f"№ {fresh.pk}<")
    assert "913" not in told(said)
    assert "+7 ••• 02" in said
    assert "1 мин 13 с, 2-й в очереди" in said
    assert '>Просрочены <span class="count count-hot">1<' in said


def test_filters_narrow_and_counters_follow(owed, consultant, line):  # noqa: F811
    owed()
    owed(OTHER, in_hours=False, line=None)
    client = desk(consultant)
    for query, count in (("in=yes", 1), ("in=no", 1), ("line=none", 1), (f"line={line.pk}", 1), ("from=2099-01-01", 0)):
        said = page_of(client, "missed", query=f"?state=open&{query}")
        assert said.count('class="row-link"') == count, query
        assert f'Ждут <span class="count">{count}<' in said


def test_a_fixed_number_of_queries_shows_the_list(owed, consultant, django_assert_max_num_queries):  # noqa: F811
    client = desk(consultant)
    page_of(client, "missed")
    for number in range(10, 30):
        owed(f"+7 913 000-00-{number}")
    with django_assert_max_num_queries(12):
        page_of(client, "missed")


def test_from_the_call_to_its_outcome(owed, consultant):  # noqa: F811
    row, client = owed(), desk(consultant)
    step = address("missed_step", row.pk)
    said = client.post(address("missed_dial", row.pk)).content.decode()
    assert f'href="tel:{NUMBER}"' in said
    row.refresh_from_db()
    assert row.taken_by == consultant
    assert AccessEntry.objects.filter(action="missed.number_revealed", data__missed=row.pk, actor=consultant).exists()
    refused = client.post(step, {"step": "settle", "outcome": "called_back", "note": "Объяснила"})
    assert refused.status_code == 422
    assert "Сначала отметьте попытку" in refused.content.decode()
    assert "Объяснила" in refused.content.decode(), "what was typed stays"
    assert '<option value="called_back" selected>' not in page_of(client, "missed_call", row.pk)
    assert client.post(step, {"step": "attempt", "result": "talked"}).status_code == 302
    assert '<option value="called_back" selected>' in page_of(client, "missed_call", row.pk), "what the attempt led to"
    assert client.post(step, {"step": "settle", "outcome": "called_back", "note": "Объяснила"}).status_code == 302
    row.refresh_from_db()
    assert (row.outcome, row.note) == ("called_back", "Объяснила")
    said = page_of(client, "missed_call", row.pk)
    assert "Записать итог" not in said
    assert "913" not in told(said)


def test_a_colleague_cannot_call_what_is_taken_and_a_head_gives_it_back(owed, consultant, consultant2, world):  # noqa: F811
    row = owed()
    missed.take(row, by=consultant)
    client = desk(consultant2)
    assert "Позвонить" not in page_of(client, "missed_call", row.pk)
    assert client.post(address("missed_dial", row.pk)).status_code == 409
    assert not AccessEntry.objects.filter(action="missed.number_revealed").exists()
    head = desk(world.head)
    assert head.post(address("missed_step", row.pk), {"step": "take"}).status_code == 403
    assert head.post(address("missed_step", row.pk), {"step": "give_back"}).status_code == 302
    assert page_of(client, "missed_call", row.pk).count("Взять себе") == 1


def test_no_door_lets_a_call_leave_the_list_without_an_outcome(owed, consultant):  # noqa: F811
    row, client = owed(), desk(consultant)
    for given in ({}, {"step": "settle"}, {"step": "settle", "outcome": ""}, {"step": "мимо", "outcome": "x"}):
        assert client.post(address("missed_step", row.pk), given).status_code == 422
    for name in ("missed_step", "missed_dial"):
        assert client.get(address(name, row.pk)).status_code == 405
        assert client.delete(address(name, row.pk)).status_code == 405
    assert list(missed.waiting()) == [row]


def test_the_script_comes_from_the_knowledge_base(owed, consultant, world):  # noqa: F811
    row, client = owed(), desk(consultant)
    assert "Своего скрипта в Базе знаний нет" in page_of(client, "missed_call", row.pk)
    section = defaults.load().add_child(instance=Section(title="Линия", slug="line", unit=world.land))
    steps = [
        {"type": "step", "value": {"stage": stage, "name": stage, "say": say, "hint": "", "branches": []}}
        for stage, say in (("greeting", "Добрый день!"), ("call_back", "Извините, что не ответили."))
    ]
    script = Script(title="Перезвон", slug="again", mark="for_answers", when="Не ответили", live=False)
    script.steps = Script.steps.field.to_python(steps)  # type: ignore[attr-defined]
    section.add_child(instance=script).save_revision().publish()
    said = page_of(client, "missed_call", row.pk)
    assert "Извините, что не ответили." in said
    assert "Добрый день!" not in said


def test_a_call_is_written_down_by_hand_and_refused_with_what_was_typed(consultant, line):  # noqa: F811
    client, now = desk(consultant), timezone.localtime() - timedelta(minutes=1)
    given = {
        "line": line.pk,
        "number": "не номер",
        "came_on": f"{now:%Y-%m-%d}",
        "came_at": f"{now:%H:%M}",
        "waited": 30,
    }
    refused = client.post(address("line_call_new"), given)
    assert refused.status_code == 422
    assert "Номер не прочитан" in refused.content.decode()
    assert "не номер" in refused.content.decode()
    later = timezone.localtime() + timedelta(days=1)
    assert (
        client.post(address("line_call_new"), given | {"number": NUMBER, "came_on": f"{later:%Y-%m-%d}"}).status_code
        == 422
    )
    answer = client.post(address("line_call_new"), given | {"number": NUMBER})
    assert answer["Location"] == address("missed_call", MissedCall.objects.get().pk)
    again = client.post(address("line_call_new"), given | {"number": NUMBER})
    assert "отметьте «это другой звонок»" in again.content.decode()
    assert client.post(address("line_call_new"), given | {"number": NUMBER, "another": "on"}).status_code == 302
    assert MissedCall.objects.get().attempts == 2


def test_the_table_bears_no_number_and_every_row(owed, consultant):  # noqa: F811
    for number in (NUMBER, OTHER, ""):
        owed(number)
    client = desk(consultant)
    table = b"".join(client.get(address("missed") + "?format=csv").streaming_content).decode("utf-8-sig")
    assert len(table.splitlines()) == 4
    assert "+7 ••• 01" in table
    assert "скрыт" in table
    assert "913" not in table
    assert client.get(address("missed") + "?format=xlsx").content[:2] == b"PK"


def test_every_figure_opens_its_list(owed, comes, consultant):  # noqa: F811
    owed()
    owed(OTHER, in_hours=False)
    came = timezone.now() - timedelta(minutes=30)
    comes(OTHER, came_at=came, answered_at=came, state="answered", answered_by=consultant)
    client = desk(consultant)
    said = page_of(client, "missed_figures")
    counted = [*shown_figures(said, "/desk/missed/"), *shown_figures(said, "/desk/missed/figures/calls/")]
    assert len(counted) > 15
    for link, number in counted:
        answer = client.get(link)
        assert number == answer.context["page"].paginator.count, link
    assert "<strong>1</strong>пропущено в часы работы" in said, "of two calls no percentage"
    assert "отвечали </span>1" in said
    assert "За эти дни звонков не было" in page_of(client, "missed_figures", query="?from=2020-01-01&to=2020-01-02")


def test_promises_from_the_list_to_the_outcome(consultant, line, world):  # noqa: F811
    talk = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    soon = timezone.now() + timedelta(minutes=20)
    row = promises.give(talk, number=NUMBER, due_at=soon, about="Выписка, тел. 8 913 123-45-67", by=consultant)
    client = desk(consultant)
    said = page_of(client, "promises")
    assert "Выписка" in said
    assert "913" not in told(said)
    assert f"tel:{NUMBER}" in client.post(address("promise_dial", row.pk)).content.decode()
    step = address("promise_step", row.pk)
    assert client.post(step, {"step": "settle", "outcome": "kept"}).status_code == 422
    assert client.post(step, {"step": "attempt", "result": "talked"}).status_code == 302
    assert client.post(step, {"step": "settle", "outcome": "kept"}).status_code == 302
    assert "перезвонили" in page_of(client, "promises", query="?state=settled")
    assert desk(world.head).post(step, {"step": "settle"}).status_code == 403


# --- who hears of it ---


def test_the_overdue_is_told_to_who_took_it_otherwise_to_the_keepers_and_the_head_once(owed, consultant, world):  # noqa: F811
    free, taken = (
        owed(came_at=timezone.now() - timedelta(days=3)),
        owed(OTHER, came_at=timezone.now() - timedelta(days=3)),
    )
    owed("+7 913 000-00-03")
    missed.take(taken, by=consultant)
    assert notices.tell_of_calls() > 2
    assert notices.tell_of_calls() == 0
    told = dict.fromkeys(Notice.objects.values_list("path", flat=True))
    assert set(told) == {address("missed_call", one.pk) for one in (free, taken)}
    heard = set(Notice.objects.filter(path=address("missed_call", free.pk)).values_list("employee", flat=True))
    assert {consultant.pk, world.head.pk} <= heard
    only = Notice.objects.filter(path=address("missed_call", taken.pk))
    assert [one.employee for one in only] == [consultant]
    page_of(desk(consultant), "missed_call", taken.pk)
    assert only.get().read_at is not None


def test_a_promise_is_told_of_before_and_after_its_time(consultant, line, world):  # noqa: F811
    talk = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    soon = timezone.now() + timedelta(minutes=20)
    row = promises.give(talk, number=NUMBER, due_at=soon, about="Выписка", by=consultant)
    assert notices.tell_of_calls() == 1
    row.due_at = timezone.now() - timedelta(minutes=1)
    row.save()
    assert notices.tell_of_calls() > 1
    assert notices.tell_of_calls() == 0
    assert Notice.objects.filter(employee=world.head, path=address("promise", row.pk)).count() == 1


def test_today_and_the_menu_say_how_many_wait(owed, consultant, django_assert_max_num_queries):  # noqa: F811
    owed(came_at=timezone.now() - timedelta(days=3))
    client = desk(consultant)
    client.get(address("today"))
    with django_assert_max_num_queries(12):
        said = page_of(client, "today")
    assert "Перезвонить тем, кому не ответили" in said
    assert re.search(r'Пропущенные звонки</span><span class="count count-hot">1<', said)
    assert JournalEntry.objects.filter(action="missed.owed").count() == 1
