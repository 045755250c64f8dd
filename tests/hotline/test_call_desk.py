"""The call screen over HTTP: script, notes, steps, the closing step; the list and the card of consultations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.hotline import calls, consultations
from otklik.hotline.exchange.events import Event, Kind, Source
from otklik.hotline.models import Call, Consultation, Promise
from otklik.knowledge.models import KnowledgeHome, Mark, Script, Section
from otklik.workplace import call_forms
from tests.appeals.conftest import World
from tests.hotline.conftest import NUMBER
from tests.workplace.test_every_address import signed_in

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
STEPS = [
    {
        "stage": "greeting",
        "name": "Приветствие",
        "say": "Добрый день! {департамент}, {консультант}. {звонящий}, слушаю Вас",
        "hint": "Улыбнитесь",
        "branches": [
            {"heard": "называет вопрос", "go_to": "Ответ"},
            {"heard": "кричит", "go_to": "Завершить разговор"},
        ],
    },
    {"stage": "answer", "name": "Ответ", "say": "По Вашему вопросу…", "hint": "", "branches": []},
    {"stage": "ending", "name": "Завершить разговор", "say": "Я завершаю разговор.", "hint": "", "branches": []},
    {"stage": "holding", "name": "Удержание", "say": "Вы подождёте?", "hint": "", "branches": []},
]


def write_script(world: World, **facts: Any) -> Script:
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Общее", slug="common", unit=world.registry))
    given = {"title": "Звонок на линию", "slug": "call", "mark": Mark.FOR_ANSWERS, "when": "Всегда"} | facts
    page = Script(steps=[{"type": "step", "value": step} for step in STEPS], live=False, **given)
    section.add_child(instance=page).save_revision().publish()
    page.refresh_from_db()
    return page


@pytest.fixture
def script(world: World) -> Script:
    return write_script(world)


@pytest.fixture
def talk(line, consultant) -> Consultation:
    return consultations.open_for(None, line=line, number=NUMBER, by=consultant)


@pytest.fixture
def client(consultant) -> Client:
    return signed_in(consultant)


def at(name: str, *args: object) -> str:
    return reverse(f"workplace:{name}", args=args)


def test_a_call_written_down_by_hand_opens_its_screen(client, line):
    assert "autofocus" in client.get(at("call_desk")).content.decode()
    answer = client.post(at("call_desk"), {"number": NUMBER, "line": line.pk})
    row = Consultation.objects.get()
    assert answer["Location"] == at("call", row.pk)
    page = client.get(answer["Location"]).content.decode()
    assert NUMBER not in page.split("promise-number")[0]
    assert "Получен ли ответ на Ваш вопрос?" in page


def test_a_call_of_the_exchange_opens_once(client, comes):
    call = comes()
    one, other = (client.post(at("call_open", call.pk))["Location"] for _ in range(2))
    assert one == other
    assert client.get(at("call_open", call.pk)).status_code == 405


def test_the_greeting_has_the_names_filled_in_and_what_is_inner_is_marked(client, talk, script, consultant):
    page = client.get(at("call", talk.pk)).content.decode()
    assert f"{consultant.first_name} {consultant.patronymic}." in page
    assert "<mark>{звонящий}</mark>" in page
    assert "не зачитывать:</strong> Улыбнитесь" in page
    consultations.keep(talk, question="", answer="", caller="Мария Петровна", version=0, by=consultant)
    assert "Мария Петровна, слушаю Вас" in client.get(at("call", talk.pk)).content.decode()


def test_an_internal_script_is_shown_and_never_read_aloud(client, talk, world):
    write_script(world, mark=Mark.INTERNAL)
    assert "внутренний, не зачитывать" in client.get(at("call", talk.pk)).content.decode()


def test_a_branch_reads_the_step_and_leads_on(client, talk, script):
    part = client.post(
        at("call_script", talk.pk), {"script": script.pk, "step": "0", "to": "1"}, headers=HTMX
    ).content.decode()
    assert 'data-step="Ответ"' in part
    use = talk.scripts.get()
    assert (use.material, use.revision, use.step) == (script.pk, script.live_revision_id, "Приветствие")
    assert 'data-step="Приветствие"' in client.get(at("call", talk.pk)).content.decode()


def test_an_abusive_call_is_ended_at_the_step_of_the_script(client, talk, script):
    answer = client.post(at("call_script", talk.pk), {"script": script.pk, "step": "2", "end": "1"}, headers=HTMX)
    assert answer["HX-Redirect"] == at("call_desk")
    talk.refresh_from_db()
    assert (talk.outcome, talk.not_offered) == ("ended_by_script", "abusive")
    assert talk.scripts.get().step == "Завершить разговор"


def test_notes_save_themselves_and_two_tabs_see_their_difference(client, talk):
    typed = {"question": "Аренда", "answer": "", "caller": "", "version": "0"}
    kept = client.post(at("call_keep", talk.pk), typed).json()
    assert kept["version"] == 1
    answer = client.post(at("call_keep", talk.pk), typed | {"question": "Гараж"})
    assert answer.status_code == 409
    assert "Гараж" in answer.json()["compared"]
    assert "Аренда" in answer.json()["compared"]
    page = client.post(at("call", talk.pk), typed | {"question": "Гараж"})
    assert page.status_code == 409
    assert ">Гараж</textarea>" in page.content.decode()
    assert 'name="version" value="1"' in page.content.decode()


def test_what_is_promised_last_on_a_friday_is_offered_for_monday_morning(talk, at_friday, monkeypatch):
    monkeypatch.setattr(call_forms.timezone, "now", lambda: at_friday)
    offered = call_forms.PromiseForm.offered(talk)
    assert (offered["due_on"].isoformat(), f"{offered['due_at']:%H:%M}") == ("2026-11-30", "09:30")


@pytest.fixture
def at_friday(at) -> datetime:
    return at(2026, 11, 27, 16, 40)  # the line closes at 17:00


def test_hold_transfer_promise_and_words_each_come_back_with_their_part(client, talk, consultant2):
    def act(what: str, **typed: Any) -> str:
        answer = client.post(at("call_act", talk.pk, what), typed, headers=HTMX)
        assert answer.status_code == 200, answer.content.decode()
        return answer.content.decode()

    assert "Вернуться" in act("hold", seconds="60")
    assert "Удержать" in act("resume")
    part = act("transfer", **{"transfer-where": "employee", "transfer-to": consultant2.pk, "transfer-why": "аренда"})
    assert consultant2.short_name in part
    assert "Не ответили, вернулся" in act("result", transfer=talk.transfers.get().pk, result="not_taken")
    due = timezone.localtime() + timedelta(days=1)
    moment = {"promise-due_on": f"{due:%Y-%m-%d}", "promise-due_at": "12:00"}
    act("promise", **{"promise-number": NUMBER, "promise-about": "срок", **moment})
    assert Promise.objects.get().about == "срок"
    words = {"last_name": "Иванова", "phone": NUMBER, "subject": "Аренда", "text": "Прошу продлить"}
    act("write", **{f"words-{name}": value for name, value in words.items()})
    talk.refresh_from_db()
    assert talk.message.text == "Прошу продлить"
    assert client.get(at("call", talk.pk)).status_code == 200


@pytest.mark.parametrize(
    ("what", "typed", "said"),
    [
        ("transfer", {"transfer-where": "employee", "transfer-why": "так"}, "выберите сотрудника"),
        ("promise", {"promise-number": "нет", "promise-about": "срок"}, "обязательн"),
        ("write", {"words-text": "Прошу"}, "Укажите, куда ответить"),
        ("hold", {"seconds": "7"}, "Выберите, сколько минут"),
    ],
)
def test_a_mistake_comes_back_with_what_was_typed(client, talk, what, typed, said):
    answer = client.post(at("call_act", talk.pk, what), typed, headers=HTMX)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert all(value in page for value in typed.values()) or what == "hold"


def test_the_closing_step_takes_all_or_nothing(client, talk):
    sent = {"topic": "", "need": "", "q-answered": "yes", "q-quality": "satisfied", "told_of_qr": "1"}
    answer = client.post(at("call_close", talk.pk), sent | {"outcome": "promised"}, headers=HTMX)
    assert answer.status_code == 422
    assert "когда перезвоните" in answer.content.decode()
    assert "checked" in answer.content.decode()
    talk.refresh_from_db()
    assert (talk.asked, talk.told_of_qr) == ("", False)
    answer = client.post(at("call_close", talk.pk), sent | {"outcome": "answered"}, headers=HTMX)
    assert answer["HX-Redirect"] == at("call_desk")
    talk.refresh_from_db()
    assert (talk.outcome, talk.asked, talk.told_of_qr) == ("answered", "answered", True)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Отметьте два вопроса"),
        ({"q-answered": "yes"}, "Выберите один из ответов"),
        ({"q-answered": "maybe", "q-quality": "satisfied"}, "Выберите один из ответов"),
        ({"q-answered": "yes", "q-quality": "satisfied", "instead": "refused"}, "Отметьте одно"),
        ({"instead": "not_offered"}, "Отметьте одно"),
        ({"topic": "нет такой темы", "instead": "refused"}, "Такой темы нет"),
    ],
)
def test_a_closing_step_that_says_too_little_or_too_much_is_asked_again(client, talk, sent, said):
    answer = client.post(at("call_close", talk.pk), sent | {"outcome": "answered"})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    talk.refresh_from_db()
    assert talk.outcome == ""


def test_with_two_calls_at_once_the_other_one_is_a_key_away(client, talk, line, consultant):
    other = consultations.open_for(None, line=line, number="+7 913 000-00-02", by=consultant)
    for one, next_one in ((talk, other), (other, talk)):
        page = client.get(at("call", one.pk)).content.decode()
        assert f'href="{at("call", next_one.pk)}" data-key="KeyX"' in page
    answer = client.post(at("call_close", talk.pk), {"outcome": "dropped"})
    assert answer["Location"] == at("call", other.pk)


def test_a_closed_consultation_is_a_card_and_can_be_taken_up(client, talk, consultant):
    consultations.close(talk, "dropped", by=consultant)
    assert client.get(at("call", talk.pk))["Location"] == at("consultation", talk.pk)
    assert "Вернуть в работу" in client.get(at("consultation", talk.pk)).content.decode()
    assert client.post(at("consultation", talk.pk))["Location"] == at("call", talk.pk)
    assert client.get(at("call", talk.pk)).status_code == 200


def test_a_colleagues_consultation_is_opened_by_nobody_else(talk, consultant2, world):
    for who in (consultant2, world.executor):
        for name in ("call", "consultation"):
            assert signed_in(who).get(at(name, talk.pk)).status_code in (403, 404)
    head = signed_in(world.head)
    page = head.get(at("consultation", talk.pk)).content.decode()
    assert "Вернуть" not in page
    assert NUMBER not in page
    assert head.get(at("call", talk.pk)).status_code == 403


def test_the_list_is_narrowed_by_every_filter_and_shows_no_number(client, talk, line, world, consultant):
    topic, _ = world.pair()
    consultations.classify(talk, topic=topic, need=None, by=consultant)
    consultations.keep(talk, question="Как оформить гараж?", answer="", caller="", version=0, by=consultant)
    consultations.close(talk, "dropped", by=consultant)
    today = timezone.localdate()
    fits = [f"first={today}", f"last={today}", f"by={consultant.pk}", f"line={line.pk}", "outcome=dropped"]
    fits += [f"topic={topic.pk}", "text=гаражи"]
    misses = [f"first={today + timedelta(days=1)}", "last=2020-01-01", "by=999", "line=999", "outcome=open"]
    misses += ["topic=999", "text=лесничество"]
    head = signed_in(world.head)
    for who in (client, head):
        for query in fits:
            page = who.get(f"{at('consultations')}?{query}").content.decode()
            assert "Как оформить гараж?" in page, query
            assert NUMBER not in page
            assert "000-00-01" not in page
        for query in misses:
            assert "Консультаций нет" in who.get(f"{at('consultations')}?{query}").content.decode(), query


def test_pages_take_a_fixed_number_of_queries(
    client,
    talk,
    script,
    line,
    consultant,
    django_assert_max_num_queries,
):
    for number in range(10, 40):
        row = consultations.open_for(None, line=line, number=f"+7 913 000-00-{number}", by=consultant)
        consultations.close(row, "dropped", by=consultant)
    client.get(at("call", talk.pk))
    for name, most in (("consultations", 10), ("call_desk", 14)):
        with django_assert_max_num_queries(most):
            client.get(at(name))
    with django_assert_max_num_queries(18):
        client.get(at("consultation", row.pk))
    with django_assert_max_num_queries(27):
        client.get(at("call", talk.pk))


def test_a_call_that_we_have_closed_says_so_in_the_log_and_on_the_consultation(client, line, consultant):
    came = timezone.now() - timedelta(hours=5)
    calls.take([Event(Source.AMI, "endless", Kind.ENTERED, came, {"queue": "support"})])
    row = consultations.open_for(Call.objects.get(), by=consultant)
    card = reverse("workplace:consultation", args=[row.pk])
    assert "станция не сообщила" not in client.get(card).content.decode()
    calls.close_endless()
    for page in (
        card,
        reverse("workplace:line_calls"),
        reverse("workplace:missed_call", args=[Call.objects.get().missed_id]),
    ):
        assert "закрыт нами: станция не сообщила об окончании" in client.get(page).content.decode(), page
