"""Parts of the call screen as a browser gets them: nothing of a case before recognition, nothing internal aloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core.models import AccessEntry
from otklik.hotline.models import Call, Consultation, Line
from otklik.knowledge import public
from otklik.knowledge.models import Faq, KnowledgeHome, MaterialUse, SearchSession, Section
from otklik.people.applicants import Typed, phone_key
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.desk import at, desk, entered
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}
TYPING = PART | {"HX-Trigger-Name": "q"}
ADDRESS = "630000, г. Новосибирск, ул. Выдуманная, д. 1"
# The most a keystroke and a look at what rings may ask: the session, the person, his powers, then the work itself.
KEYSTROKE, SILENCE = 12, 5


@pytest.fixture
def appeal(world: World) -> Appeal:
    typed = Typed(last_name="Алёшина", first_name="Мария", patronymic="Петровна", phone=NUMBER, address=ADDRESS)
    return world.registered(applicant=typed, subject="Тайное содержание")


@pytest.fixture
def call(line: Line, consultant: Employee) -> Consultation:
    key = phone_key(NUMBER)
    return Consultation.objects.create(
        line=line, by=consultant, opened_at=timezone.now(), number=NUMBER, number_key=key
    )


@pytest.fixture
def pages(world: World) -> list[Faq]:
    home = KnowledgeHome.objects.get()
    section = home.add_child(instance=Section(title="Гаражи", slug="garages", unit=world.land))
    section.save_revision().publish()
    made = []
    for number, (mark, words) in enumerate([("public", "Подайте заявление."), ("internal", "Секретикус.")]):
        page = Faq(title=f"Гараж {number}", slug=f"g{number}", mark=mark, short_answer=words, live=False)
        section.add_child(instance=page).save_revision().publish()
        page.refresh_from_db()
        made.append(page)
    return made


@pytest.fixture
def browser(consultant: Employee) -> Client:
    return entered(consultant)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_case_is_locked_then_opened_and_every_attempt_is_told(
    appeal: Appeal, call: Consultation, browser: Client
) -> None:
    secrets = [appeal.number, "Тайное", "Алёшина", "Выдуманная", appeal.secret, f"{appeal.due_on:%d.%m.%Y}"]
    url = at("call_caller", call.pk)
    shown = text(browser.get(url, headers=PART))
    assert "1\u00a0открытое обращение" in shown
    assert not [one for one in secrets if one in shown]
    wrong = browser.post(url, {"surname": "Петрова", "address": "Томск, 5"}, headers=PART)
    assert wrong.status_code == 422
    assert "Не совпало" in text(wrong)
    assert 'value="Петрова"' in text(wrong)
    assert not [one for one in secrets if one in text(wrong)]
    card = text(browser.get(at("consultation", call.pk)))  # whose case it may be is told at no other door either
    assert "не опознан" in card
    assert not [one for one in secrets if one in card]
    alone = browser.post(url, {"surname": "Алёшина"}, headers=PART)
    assert (alone.status_code, "Нужны два сведения" in text(alone)) == (422, True)
    right = browser.post(url, {"surname": "АЛЕШИНА", "address": "Новосибирск, Выдуманная 1"}, headers=PART)
    assert right.status_code == 200
    for one in (appeal.number, "Зарегистрировано", f"{appeal.due_on:%d.%m.%Y}", "59-ФЗ"):
        assert one in text(right)
    assert "Тайное" not in text(right)
    assert AccessEntry.objects.filter(action="consultation.caller_not_recognised").count() == 1
    assert AccessEntry.objects.filter(action="consultation.caller_recognised").count() == 1
    assert AccessEntry.objects.filter(action="appeal.told").count() == 1


def test_number_and_code_are_asked_together_and_the_code_is_not_shown_again(
    appeal: Appeal, call: Consultation, browser: Client
) -> None:
    url = at("call_caller", call.pk)
    sent = {"by_code": "1", "number": appeal.number, "code": "ПОДБОР"}
    wrong = browser.post(url, sent, headers=PART)
    assert (wrong.status_code, "ПОДБОР" in text(wrong)) == (422, False)
    assert appeal.number in browser.post(url, sent | {"code": appeal.secret}, headers=PART).content.decode()
    for _ in range(4):
        browser.post(url, sent, headers=PART)
    assert browser.post(url, sent, headers=PART).status_code == 429


def test_what_is_typed_finds_lines_to_read_and_what_is_internal_is_not_to_be_read(
    pages: list[Faq], call: Consultation, browser: Client
) -> None:
    url = at("call_search", call.pk)
    box = text(browser.get(url, headers=PART))
    assert "autofocus" in box
    assert box.count('name="kind"') == 8
    found = text(browser.post(url, {"q": "гар"}, headers=TYPING))
    assert "Подайте заявление." in found
    assert "не зачитывать" in found
    assert found.count("call-line") == 1
    assert "опубликовано" in found
    assert SearchSession.objects.get().query == "гар"
    assert "Ничего не нашлось" in text(browser.post(url, {"q": "гараж", "kind": "service"}, headers=TYPING))
    assert text(browser.post(url, {"q": "га"}, headers=TYPING)).strip() == ""
    assert "Гараж 0" in text(browser.post(at("search_aside"), {"q": "гараж"}, headers=TYPING))


def test_a_material_is_opened_beside_and_what_was_done_with_it_is_kept(
    pages: list[Faq], call: Consultation, browser: Client
) -> None:
    public, inner = (at("call_material", call.pk, page.pk) for page in pages)
    shown = text(browser.get(public, headers=PART))
    assert "Прочитал вслух" in shown
    assert "Прочитано вслух" in text(browser.post(public, {"how": "read"}, headers=PART))
    assert "Прочитал вслух" not in text(browser.get(inner, headers=PART))
    refused = browser.post(inner, {"how": "read"}, headers=PART)
    assert (refused.status_code, "не зачитывают" in text(refused)) == (422, True)
    assert browser.post(public, {"how": "odd"}, headers=PART).status_code == 422
    assert browser.get(at("call_material", call.pk, 10**9), headers=PART).status_code == 404
    done = MaterialUse.objects.filter(reference=f"consultation:{call.pk}").values_list("page", "action")
    assert sorted(done) == [(pages[0].pk, "opened"), (pages[0].pk, "read"), (pages[1].pk, "opened")]


def test_topics_are_proposed_with_their_words(call: Consultation, browser: Client) -> None:
    url = at("call_votes", call.pk)
    assert "пока не ясна" in text(browser.get(url, headers=PART))
    Consultation.objects.filter(pk=call.pk).update(question="Как продлить аренду земельного участка?")
    shown = text(browser.get(url, headers=PART))
    assert 'data-take="need"' in shown
    assert "слова: " in shown


def test_a_call_pops_once_and_a_page_that_knows_gets_nothing(
    comes: Callable[..., Call],
    browser: Client,
    consultant: Employee,
) -> None:
    url = at("call_incoming")
    silent = browser.get(url, headers=PART)
    assert (silent.status_code, silent.content) == (204, b"")
    one = comes(rings=["101"])
    rings = browser.get(url, headers=PART)
    assert rings.status_code == 200
    assert at("call_open", one.pk) in text(rings)
    assert NUMBER not in text(rings)
    known = rings.headers["X-Known"]
    assert browser.get(url, {"known": known}, headers=PART).status_code == 204
    Call.objects.filter(pk=one.pk).update(state="talking", answered_by=consultant, answered_at=timezone.now())
    assert "Вы ответили" in text(browser.get(url, {"known": known}, headers=PART))
    browser.post(at("call_open", one.pk))
    gone = browser.get(url, {"known": known}, headers=PART)
    assert (gone.status_code, text(gone).strip(), gone.headers["X-Known"]) == (200, "", "")


def test_looks_and_keystrokes_are_cheap(
    pages: list[Faq],
    call: Consultation,
    browser: Client,
    comes: Callable[..., Call],
) -> None:
    with CaptureQueriesContext(connection) as silence:
        browser.get(at("call_incoming"), headers=PART)
    assert len(silence) <= SILENCE
    url = at("call_search", call.pk)
    browser.post(url, {"q": "гараж"}, headers=TYPING | {"X-Search": f"{'a' * 32}.10"})
    with CaptureQueriesContext(connection) as keystroke:
        browser.post(url, {"q": "гаражи"}, headers=TYPING | {"X-Search": f"{'a' * 32}.20"})
    assert len(keystroke) <= KEYSTROKE, [one["sql"][:90] for one in keystroke]


def test_others_enter_by_no_door(
    world: World,
    appeal: Appeal,
    pages: list[Faq],
    call: Consultation,
    consultant2: Employee,
) -> None:
    operator = world.employee("ekc", "Сто", world.hq, ["ekc_operator"])
    doors = [
        at("call_caller", call.pk),
        at("call_search", call.pk),
        at("call_material", call.pk, pages[1].pk),
        at("call_votes", call.pk),
    ]
    for who in (operator, world.auditor, world.executor):
        client = desk(who)
        for url in [*doors, at("call_incoming"), at("search_aside")]:
            assert client.get(url, headers=PART).status_code == 403
        assert client.post(doors[0], {"surname": "Алёшина", "address": ADDRESS}, headers=PART).status_code == 403
    stranger = desk(consultant2)
    for url in doors:
        assert stranger.get(url, headers=PART).status_code == 404
    head = world.employee("chief", "Главная", world.registry, ["consultant", "head"])
    shown = text(desk(head).get(doors[0], headers=PART))
    assert "Опознать звонящего" not in shown
    assert "Проверить" not in text(desk(head).post(doors[0], {"surname": "Алёшина", "address": ADDRESS}, headers=PART))


def test_operators_of_the_ekc_get_the_line_to_read_of_what_is_on_the_site(world: World, pages: list[Faq]) -> None:
    public.let_out(pages[0])
    operator = desk(world.employee("ekc", "Сто", world.hq, ["ekc_operator"]))
    shown = text(operator.post(at("ekc_search"), {"q": "гараж"}, headers=TYPING))
    assert "Подайте заявление." in shown
    assert "Гараж 1" not in shown
    assert "Секретикус" not in text(operator.post(at("ekc_search"), {"q": "секретикус"}, headers=TYPING))


def test_only_consultants_have_the_banner_of_calls_on_their_pages(world: World, browser: Client) -> None:
    assert "data-incoming=" in text(browser.get(at("today")))
    assert "data-incoming=" not in text(desk(world.clerk).get(at("today")))
