"""The card's surroundings: the list it was opened from, the way from row to row, what may help to answer."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otklik.appeals import drafting, registration, search_feed
from otklik.appeals.models import Appeal, Citation
from otklik.knowledge import public
from otklik.knowledge.models import Faq, KnowledgeHome, Mark, Section
from otklik.people import applicants
from otklik.people.applicants import Typed
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]

HTMX = {"HTTP_HX_REQUEST": "true"}
PEOPLE = ["clerk", "head", "executor", "signer", "auditor"]


def fragment(client: Client, url: str) -> tuple[str, int]:
    """Return a fragment's text and how many queries it cost."""
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(url, **HTMX)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    return answer.content.decode(), len([one for one in seen.captured_queries if "SAVEPOINT" not in one["sql"]])


def queue_of(appeals: int, world: World) -> list[Appeal]:
    """Return the executor's appeals as his queue shows them."""
    made = [world.assigned() for _ in range(appeals)]
    return sorted(made, key=lambda one: (world.again(one).due_on, one.pk))


def publish(world: World, title: str, body: str, mark: Mark = Mark.PUBLIC) -> Faq:
    home = KnowledgeHome.objects.get()
    section = Section.objects.first()
    if section is None:
        section = home.add_child(instance=Section(title="Аренда земли", slug="land", unit=world.land))
        section.save_revision().publish()
    number = Faq.objects.count()
    page = section.add_child(instance=Faq(title=title, slug=f"m{number}", short_answer=body, mark=mark))
    page.save_revision().publish()
    page.refresh_from_db()
    if mark == Mark.PUBLIC:
        public.let_out(page)
    return page


# ---------- The list and the way from row to row ----------


def test_a_card_opened_from_a_list_shows_it_with_the_open_row_marked_and_the_filters_kept(world: World) -> None:
    first, second = queue_of(2, world)
    client, query = desk(world.executor), "view=mine&channel=post"
    page = client.get(f"{at('card', second.pk)}?{query}").content.decode()
    escaped = query.replace("&", "&amp;")
    assert f'hx-get="{at("queue")}?{escaped}&amp;short=1&amp;current={second.pk}"' in page
    rows, _ = fragment(client, f"{at('queue')}?{query}&short=1&current={second.pk}")
    assert f'href="{at("card", first.pk)}?{escaped}">' in rows
    assert f'href="{at("card", second.pk)}?{escaped}" aria-current="true">' in rows
    assert rows.count("Ив••• М. П.") == 2
    assert rows.count('class="chip') == 2
    assert "Иванова" not in rows


def test_a_card_opened_by_itself_has_no_list(world: World) -> None:
    page = desk(world.executor).get(at("card", world.assigned().pk)).content.decode()
    assert "pane-list" not in page
    assert "К списку" not in page


def test_a_folded_list_stays_folded(world: World) -> None:
    client, card = desk(world.executor), f"{at('card', world.assigned().pk)}?view=mine"
    assert '<details data-remember="list" open>' in client.get(card).content.decode()
    client.cookies["list"] = "closed"
    assert '<details data-remember="list">' in client.get(card).content.decode()


@pytest.mark.parametrize("who", PEOPLE)
def test_the_list_beside_a_card_costs_the_same_however_long_it_is(world: World, who: str) -> None:
    first = world.assigned()
    client, url = desk(getattr(world, who)), f"{at('queue')}?view=all&short=1&current={first.pk}"
    _, few = fragment(client, url)
    for _ in range(4):
        world.assigned()
    rows, many = fragment(client, url)
    assert many == few <= 6
    assert rows.count("row-link") == 5


def test_the_next_and_the_previous_row_keep_the_list_and_cross_its_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otklik.appeals.queues.PAGE", 2)
    one, two, three = queue_of(3, world)
    client = desk(world.executor)

    def walk(appeal: Appeal, way: str, query: str = "view=mine") -> str:
        return str(client.get(f"{at('neighbour', appeal.pk, way)}?{query}").url)

    assert walk(one, "next") == f"{at('card', two.pk)}?view=mine"
    assert walk(two, "next") == f"{at('card', three.pk)}?view=mine&page=2"
    assert walk(three, "previous", "view=mine&page=2") == f"{at('card', two.pk)}?view=mine"
    assert walk(one, "previous") == f"{at('queue')}?view=mine"
    assert walk(three, "next", "view=mine&page=2") == f"{at('queue')}?view=mine&page=2"


def test_a_step_done_leads_back_to_the_card_with_its_list(world: World) -> None:
    appeal = world.assigned()
    client, query = desk(world.executor), "?view=mine&channel=post"
    page = client.get(at("card", appeal.pk) + query).content.decode()
    assert f'href="{at("draft", appeal.pk)}?view=mine&amp;channel=post"' in page
    head = client.get(at("draft", appeal.pk) + query).content.decode()
    assert f'href="{at("card", appeal.pk)}?view=mine&amp;channel=post"' in head
    noted = client.post(at("note", appeal.pk) + query, {"text": "Позвонить"})
    assert noted.url == f"{at('card', appeal.pk)}{query}#last"
    asked = {"text": "Ответ.", "base_version": 0, "ask": 1, "approvers": [world.head.pk]}
    assert client.post(at("draft", appeal.pk) + query, asked).url == at("card", appeal.pk) + query


# ---------- What may help to answer ----------


def test_each_part_of_the_context_costs_at_most_twelve_queries(world: World) -> None:
    for number in range(7):
        publish(world, f"Продление договора аренды {number}", "Договор аренды земельного участка продлевают.")
    for _ in range(6):
        appeal = world.signed()
    for who in PEOPLE:
        client = desk(getattr(world, who))
        client.get(at("card", appeal.pk))
        for part in ("context", "suggested", "alike"):
            # A process reads the dictionary of search and its judge once, and looks now and then whether they changed.
            assert min(fragment(client, at(part, appeal.pk))[1] for _ in range(3)) <= 12, (who, part)


def test_up_to_five_materials_are_suggested_with_what_makes_them_trusted(world: World) -> None:
    pages = [publish(world, f"Аренда участка {n}", "Договор аренды земельного участка продлевают.") for n in range(6)]
    appeal = world.registered()
    shown, _ = fragment(desk(world.clerk), at("suggested", appeal.pk))
    # Six of the same words leave it in doubt which of them answers: then only the nearest are shown.
    most = 3 if "Уверенного ответа нет" in shown else 5
    assert shown.count("<li>") == most
    assert shown.count("опубликован") == most
    assert shown.count(world.land.short_name) == most
    assert sum(at("knowledge_material", page.pk) in shown for page in pages) == most


def test_who_writes_the_answer_puts_a_material_into_it_from_the_card(world: World) -> None:
    page = publish(world, "Продление аренды", "Договор продлевают по заявлению.")
    secret = publish(world, "Продление аренды: для своих", "Договор аренды участка.", Mark.INTERNAL)
    appeal = world.drafted(text="Начало ответа.")
    button, forbidden = at("draft_append", appeal.pk, page.pk), at("draft_append", appeal.pk, secret.pk)
    assert button not in fragment(desk(world.clerk), at("suggested", appeal.pk))[0]
    executor = desk(world.executor)
    shown, _ = fragment(executor, at("suggested", appeal.pk))
    assert button in shown
    assert forbidden not in shown
    assert executor.post(button).url == at("draft", appeal.pk)
    text = drafting.draft_of(appeal).text
    assert text.startswith("Начало ответа.\n\n")
    assert "Договор продлевают по заявлению." in text
    assert Citation.objects.get().material == page.pk
    assert executor.post(forbidden).status_code in {403, 422}
    assert desk(world.clerk).post(button).status_code == 403
    assert drafting.draft_of(appeal).text == text
    assert Citation.objects.count() == 1


def test_what_helps_is_reached_without_scripts_and_only_by_who_sees_the_appeal(world: World) -> None:
    appeal = world.assigned()
    page = desk(world.clerk).get(at("card", appeal.pk)).content.decode()
    for part in ("context", "suggested", "alike"):
        assert f'<a href="{at(part, appeal.pk)}">' in page
        assert "<html" in desk(world.clerk).get(at(part, appeal.pk)).content.decode()
        assert desk(world.stranger).get(at(part, appeal.pk)).status_code in {403, 404}


REPEAT = "Прошу продлить договор аренды участка под гаражом у реки, гараж построен отцом, платежи вношу вовремя."
NEAR = "Как быть с арендой: земля под гаражом взята на пять лет, подходит конец. Продлят ли мне её и что подать?"
FAR = "Когда достроят мост через овраг? Автобус делает большой круг, зимой ходим пешком по льду."


def written(world: World, text: str) -> Appeal:
    message = world.message(text=text, subject="Вопрос")
    return registration.register(message, world.entry(subject="Вопрос"), by=world.clerk)


def test_a_letter_sent_again_is_shown_as_a_repeat_with_the_words_it_shares(world: World) -> None:
    first, far = written(world, REPEAT), written(world, FAR)
    again = written(world, f"Здравствуйте! Пишу второй раз. {REPEAT} Иванова Мария Петровна")
    shown, _ = fragment(desk(world.clerk), at("alike", again.pk))
    repeats = shown[shown.index("Возможно, повтор") : shown.index("Похожие обращения")]
    assert at("card", first.pk) in repeats
    assert "общие слова:" in repeats
    assert "иванова" not in shown.lower()
    assert at("card", far.pk) not in shown
    assert at("card", again.pk) not in shown


def test_of_repeats_those_of_the_same_applicant_come_first_and_are_named_so(world: World) -> None:
    own, others, again = (written(world, REPEAT) for _ in range(3))
    someone = applicants.create(Typed(last_name="Другой", first_name="Пётр"), by=world.clerk)
    Appeal.objects.exclude(pk=others.pk).update(applicant=world.again(again).applicant)
    Appeal.objects.filter(pk=others.pk).update(applicant=someone)
    shown, _ = fragment(desk(world.clerk), at("alike", again.pk))
    assert shown.index(own.number) < shown.index("тот же заявитель") < shown.index(others.number)
    assert shown.index(others.number) < shown.index("другой заявитель")


def test_letters_about_the_same_material_are_alike_though_they_share_few_words(world: World) -> None:
    text = "Аренда земли под гаражом взята на пять лет, подходит конец: продлят, подайте заявление."
    publish(world, "Продление аренды земли под гаражом", text)
    one, far = written(world, REPEAT), written(world, FAR)
    near = written(world, NEAR)
    shown, _ = fragment(desk(world.clerk), at("alike", near.pk))
    assert at("card", one.pk) in shown
    assert "общие материалы: «Продление аренды земли под гаражом»" in shown
    assert "Возможно, повтор" not in shown
    assert at("card", far.pk) not in shown


def test_appeals_alike_are_shown_to_who_may_see_them_only(world: World) -> None:
    first, mine = written(world, REPEAT), written(world, REPEAT)
    Appeal.objects.filter(pk=mine.pk).update(unit=world.land, executor=world.executor)
    search_feed.put(world.again(mine))
    shown, _ = fragment(desk(world.executor), at("alike", mine.pk))
    assert first.number not in shown
    assert "Похожих нет" in shown
    assert at("card", first.pk) in fragment(desk(world.clerk), at("alike", mine.pk))[0]
