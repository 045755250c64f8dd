"""What makes a day of two hundred letters bearable: the palette, presence, named lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals.models import Appeal, Topic
from otklik.people.models import Employee
from otklik.workplace.models import Presence, SavedView
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def offered(employee: Employee, text: str) -> str:
    answer = desk(employee).post(at("palette"), {"q": text})
    assert answer.status_code == 200
    return answer.content.decode()


# ---------- The palette ----------


def test_the_palette_opens_an_action_by_the_beginning_of_its_name(world: World) -> None:
    page = offered(world.clerk, "нов")
    first = page.split('role="option"')[1]
    assert "Новое обращение" in first
    assert "data-sure" in first


def test_the_palette_knows_its_pages_typed_in_the_other_layout(world: World) -> None:
    first = offered(world.clerk, "rfhfyn").split('role="option"')[1]
    assert "Карантин" in first
    assert "data-sure" in first


def test_steps_keep_the_list_a_card_was_opened_from(world: World) -> None:
    appeal, client = world.assigned(), desk(world.executor)
    page = f"http://testserver{at('draft', appeal.pk)}?view=mine&order=old"
    given = {"text": "Аренда продлена.", "base_version": 0}
    saved = client.post(at("draft", appeal.pk), given, headers={"referer": page})
    assert saved.url == f"{at('draft', appeal.pk)}?view=mine&order=old"
    foreign = client.post(at("draft", appeal.pk), given, headers={"referer": "https://other.example/?view=nothing"})
    assert "view" not in getattr(foreign, "url", "")


def test_the_palette_finds_appeals_people_and_materials_and_masks_names(world: World) -> None:
    appeal = world.registered()
    assert at("card", appeal.pk) in offered(world.clerk, appeal.number)
    people = offered(world.clerk, "Иванова")
    assert at("applicant", appeal.applicant_id) in people
    assert "Ив•••" in people
    assert "Иванова Мария" not in people


def test_the_palette_offers_only_what_may_be_opened(world: World) -> None:
    appeal = world.registered()
    for who in (world.stranger, world.executor):
        page = offered(who, appeal.number)
        assert at("card", appeal.pk) not in page
        assert at("new_appeal") not in offered(who, "")
    nobody = world.employee("nobody", "Тихая", world.hq, [])
    assert at("queue") not in offered(nobody, "")


def test_before_anything_is_typed_the_palette_offers_what_was_open_last(world: World) -> None:
    first, second = world.assigned(), world.assigned()
    client = desk(world.executor)
    for appeal in (first, second):
        client.post(at("here_appeal", appeal.pk))
    Presence.objects.filter(appeal=first).update(seen_at=timezone.now() - timedelta(minutes=5))
    page = offered(world.executor, "")
    assert page.index(at("card", second.pk)) < page.index(at("card", first.pk)) < page.index(f'href="{at("today")}"')


# ---------- Presence ----------


def here(employee: Employee, appeal: Appeal, **typed: str) -> list[dict[str, Any]]:
    answer = desk(employee).post(at("here_appeal", appeal.pk), typed)
    return list(answer.json()["others"])


def test_two_people_at_one_appeal_learn_of_each_other_and_of_typing(world: World) -> None:
    appeal = world.assigned()
    assert here(world.executor, appeal) == []
    assert here(world.clerk, appeal) == [{"name": world.executor.short_name, "typing": False}]
    here(world.executor, appeal, typing="1")
    assert here(world.clerk, appeal) == [{"name": world.executor.short_name, "typing": True}]
    assert here(world.executor, appeal) == [{"name": world.clerk.short_name, "typing": False}]


def test_a_closed_page_is_gone_at_once_and_a_killed_one_soon(world: World) -> None:
    appeal = world.assigned()
    for leaves in (
        lambda: desk(world.executor).post(at("here_appeal", appeal.pk), {"gone": "1"}),
        lambda: Presence.objects.filter(employee=world.executor).update(here_until=timezone.now()),
    ):
        here(world.executor, appeal)
        assert here(world.clerk, appeal) != []
        leaves()
        assert here(world.clerk, appeal) == []


def test_a_list_shows_who_is_at_which_appeal_and_only_of_appeals_one_sees(world: World) -> None:
    appeal = world.assigned()
    here(world.executor, appeal)
    seen = desk(world.clerk).get(at("around")).json()["appeals"]
    assert seen == {str(appeal.pk): [{"name": world.executor.short_name, "typing": False}]}
    assert desk(world.executor).get(at("around")).json()["appeals"] == {}
    assert desk(world.stranger).get(at("around")).json()["appeals"] == {}


def test_nobody_is_present_at_what_he_may_not_see(world: World) -> None:
    registered, message = world.registered(), world.message()
    assert desk(world.executor).post(at("here_appeal", registered.pk)).status_code == 404
    assert desk(world.executor).post(at("here_message", message.pk)).status_code == 404
    assert desk(world.clerk).post(at("here_message", message.pk)).status_code == 200
    assert Presence.objects.get().message == message


def test_an_open_page_costs_little(world: World) -> None:
    appeal, client = world.assigned(), desk(world.clerk)
    client.post(at("here_appeal", appeal.pk))
    with CaptureQueriesContext(connection) as seen:
        client.post(at("here_appeal", appeal.pk))
    asked = [one["sql"] for one in seen.captured_queries]
    assert len(asked) <= 5, asked
    assert not any(sql.startswith(("INSERT", "UPDATE")) for sql in asked), asked


# ---------- Named lists ----------


def keep(client: Client, **given: str) -> Any:
    return client.post(at("keep_view"), {"name": "Почта, гаражи", "query": "view=all&channel=post", **given})


def test_a_named_list_stands_in_the_menu_with_its_number_and_opens_the_same_rows(world: World) -> None:
    on_paper, by_mail = world.registered(), world.registered_email()
    client = desk(world.clerk)
    answer = keep(client)
    page = client.get(answer.url).content.decode()
    assert "Почта, гаражи" in page
    assert on_paper.number in page
    assert by_mail.number not in page
    line = page.split("Почта, гаражи</span>")[1].split("</a>")[0]
    assert ">1<" in line
    assert 'aria-current="page"' in page.split("Почта, гаражи</span>")[0].rsplit("<a ", 1)[1]


def test_only_a_shared_list_is_in_the_menus_of_others_and_only_its_owner_removes_it(world: World) -> None:
    keep(desk(world.clerk))
    other = desk(world.head)
    assert "Почта, гаражи" not in other.get(at("queue")).content.decode()
    keep(desk(world.clerk), name="Общий вид", shared="1")
    assert "Общий вид" in other.get(at("queue")).content.decode()
    shared = SavedView.objects.get(name="Общий вид")
    assert other.post(at("remove_view", shared.pk)).status_code == 404
    desk(world.clerk).post(at("remove_view", shared.pk))
    assert not SavedView.objects.filter(pk=shared.pk).exists()


@pytest.mark.parametrize(("name", "said"), [("", "Назовите вид"), ("  ", "Назовите вид"), ("я" * 61, "Назовите вид")])
def test_a_list_without_a_fitting_name_is_refused_in_words(world: World, name: str, said: str) -> None:
    answer = keep(desk(world.clerk), name=name)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not SavedView.objects.exists()


def test_a_name_is_taken_once_and_a_menu_is_no_warehouse(world: World) -> None:
    client = desk(world.clerk)
    keep(client)
    assert "уже есть вид" in keep(client).content.decode()
    for number in range(19):
        keep(client, name=f"Вид {number}")
    assert "Видов уже 20" in keep(client, name="Ещё один").content.decode()
    assert SavedView.objects.count() == 20


def test_named_lists_cost_no_more_queries_however_many_there_are(world: World) -> None:
    world.registered()
    client = desk(world.clerk)
    client.get(at("queue"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(at("queue") + "?view=all").status_code == 200
        return len(seen)

    keep(client)
    few = queries()
    for number, channel in enumerate(["email", "post", "website"]):
        keep(client, name=f"Вид {number}", query=f"view=due&channel={channel}&term=soon")
    assert queries() == few <= 10


def test_what_others_share_counts_only_what_one_sees(world: World) -> None:
    world.registered()
    keep(desk(world.clerk), shared="1")
    page = desk(world.executor).get(at("queue")).content.decode()
    assert ">1<" not in page.split("Почта, гаражи</span>")[1].split("</a>")[0]


def test_order_and_pieces_of_rows_are_as_asked(world: World) -> None:
    appeals = [world.registered() for _ in range(3)]
    for days, appeal in enumerate(appeals):
        earlier = timezone.localdate() - timedelta(days=days)
        Appeal.objects.filter(pk=appeal.pk).update(registered_on=earlier, received_on=earlier)
    client = desk(world.clerk)

    def order(query: str) -> list[int]:
        page = client.get(f"{at('queue')}?view=all{query}").content.decode()
        return sorted(range(3), key=lambda one: page.index(f'href="{at("card", appeals[one].pk)}?'))

    assert order("") == order("&order=new") == [0, 1, 2]
    assert order("&order=old") == [2, 1, 0]
    shown = client.get(f"{at('queue')}?view=all").content.decode()
    bare = client.get(f"{at('queue')}?view=all&hide=applicant&dense=1").content.decode()
    assert "Ив•••" in shown
    assert "Ив•••" not in bare
    assert "rows-dense" in bare


# ---------- Nothing pressed needlessly ----------


def test_a_letter_that_still_waits_is_taken_back_from_the_card(world: World) -> None:
    appeal = world.signed(world.registered_email())
    clerk = desk(world.clerk)
    assert clerk.post(at("send", appeal.pk)).status_code == 302
    card = clerk.get(at("card", appeal.pk)).content.decode()
    assert f'action="{at("undo_send", appeal.pk)}"' in card
    assert "data-countdown" in card
    assert "data-countdown" not in desk(world.auditor).get(at("card", appeal.pk)).content.decode()
    clerk.post(at("undo_send", appeal.pk))
    assert "data-countdown" not in clerk.get(at("card", appeal.pk)).content.decode()


def test_a_registered_letter_keeps_the_list_it_was_opened_from(world: World) -> None:
    message, following = world.message(), world.message()
    clerk = desk(world.clerk)
    address = at("inbox", message.pk) + "?view=registration"
    form = clerk.get(address).context["form"]
    initial = {name: value for name, value in form.initial.items() if value not in (None, False)}
    typed = {name: getattr(value, "pk", value) for name, value in initial.items()}
    answer = clerk.post(address, typed)
    assert answer.status_code == 302, answer.content.decode()
    assert "?view=registration" in answer.url
    appeal = Appeal.objects.get()
    assert clerk.get(at("neighbour", appeal.pk, "next") + "?view=registration").url.startswith(
        at("inbox", following.pk)
    )


def test_the_only_one_who_can_answer_is_chosen_and_of_several_nobody(world: World) -> None:
    appeal = world.classified()
    clerk = desk(world.clerk)
    alone = clerk.get(at("assign", appeal.pk), {"unit": world.law.pk})
    assert alone.context["form"].initial["executor"] is None  # two of them there
    world.stranger.is_active = False
    world.stranger.save()
    chosen = clerk.get(at("assign", appeal.pk), {"unit": world.law.pk}).context["form"].initial["executor"]
    assert chosen == world.helper.pk


def test_whoever_assigns_sees_how_much_each_has_in_work(world: World) -> None:
    world.assigned()
    appeal = world.classified()
    page = desk(world.clerk).get(at("assign", appeal.pk), {"unit": world.land.pk}).content.decode()
    assert f"{world.executor.short_name} — в работе 1" in page


def test_a_row_says_the_first_words_of_a_letter_once_and_no_greeting(world: World) -> None:
    text = "Добрый день! Не согласен с оценкой участка. Как её оспорить?"
    world.message(subject="Не согласен с оценкой…", text=text)
    page = desk(world.clerk).get(at("queue"), {"view": "registration"}).content.decode()
    assert page.count("Не согласен с оценкой") == 1
    assert "участка. Как её оспорить?" in page
    assert "Добрый день" not in page


@pytest.mark.parametrize(
    ("typed", "said"), [("единорож", ""), ("кикимора", "Подходит несколько тем"), ("несуществующее", "Такой темы нет")]
)
def test_a_topic_is_found_by_words_only_its_name_has(world: World, typed: str, said: str) -> None:
    names = ["Единорожье хозяйство", "Водяная кикимора", "Лесная кикимора"]
    for number, name in enumerate(names):
        Topic.objects.create(code=f"9999.000{number}", name=name, leaf=True, valid_from=timezone.localdate())
    appeal = world.registered()
    given = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-topic": typed, "form-0-need": world.pair()[1].pk}
    answer = desk(world.clerk).post(at("classify", appeal.pk), {**given, "confirm": 1})
    if said:
        assert said in answer.content.decode()
        assert not appeal.questions.exists()
    else:
        assert answer.status_code == 302
        assert appeal.questions.get().topic.name == "Единорожье хозяйство"
