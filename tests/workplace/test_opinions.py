"""What people said at the desk: every figure opens its list, words name nobody, an opinion is worked through."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from otklik.appeals.models import Appeal, PosCase
from otklik.core.models import AccessEntry
from otklik.knowledge.models import Proposal
from otklik.people.models import Employee, Role, RoleAssignment, RolePower
from otklik.reports import kept
from otklik.surveys import feedback
from otklik.surveys.models import OpinionTag, OpinionTarget, Response
from tests.appeals.conftest import LONG_AGO, World
from tests.desk import at, desk
from tests.reports.conftest import consultant as consultant
from tests.reports.conftest import says as says
from tests.reports.conftest import talks as talks

pytestmark = pytest.mark.django_db
NAMED = "Ждала час. Петрова Анна Ивановна, тел. 8 913 000-11-22"


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_every_figure_of_the_analysis_opens_a_list_of_as_many(world: World, says, talks) -> None:
    for grade, got in (("+", "yes"),) * 11 + (("~", "no"), ("-", "no")):
        talks(said=says(grade, got, comment="Слова" if got == "no" else "", source="phone"), number="+79130000001")
    OpinionTarget.objects.create(figure="csi", percent=95, valid_from=LONG_AGO)
    client = desk(world.clerk)
    page = client.get(at("opinions")).content.decode()
    assert "88 %" in page  # (11 + ½) / 13
    assert "цель 95 %: нет" in page
    tiles = page.split('class="tiles')[1].split("</ul>")[0]
    links = re.findall(r'href="([^"]+)">(\d+)', tiles)
    assert len(links) == 12
    for address, number in links:
        listed = client.get(address.replace("&amp;", "&")).content.decode()
        found = re.search(r"Найдено: (\d+)|: (\d+)</p>", listed)
        assert found is not None
        assert number in found.groups(), address


def test_every_group_opens_a_list_of_as_many_those_without_a_unit_or_a_topic_too(world: World, says, talks) -> None:
    topic, _ = world.pair()
    for number in range(3):
        talks(said=says(comment="Слова"), topic=topic if number else None, number="+79130000001")
    says("~", "no")  # about nobody in particular
    client = desk(world.clerk)
    page = client.get(at("opinions")).content.decode().split('class="tiles')[1]
    groups = re.findall(r'href="(/desk/feedback/[^"]+)">(\d+)<', page.split("</ul>", 1)[1])
    assert len(groups) > 20
    for address, number in groups:
        listed = client.get(address.replace("&amp;", "&")).content.decode()
        assert f"Найдено: {number}" in listed or (number == "0" and "Найдено" not in listed), address
    for asked in ("unit=0", "topic=0"):
        assert any(asked in address for address, _ in groups), asked
    narrowed = client.get(f"{at('opinions')}?unit=0&topic=0").content.decode()
    assert "подразделение не названо" in narrowed
    assert "Отзывов: 1<" in narrowed


def test_marks_given_in_pos_stand_beside_with_their_list(world: World, says) -> None:
    says("+", "yes")
    today = timezone.localdate()
    for rating in (5, 4, None):
        case = world.assigned(world.registered())
        Appeal.objects.filter(pk=case.pk).update(regime="pos", answered_on=today)
        PosCase.objects.update_or_create(appeal=case, defaults={"rating": rating})
    kept.begin_anew()
    kept.work_all()
    client = desk(world.clerk)
    page = client.get(at("opinions")).content.decode()
    tile = r'<strong>([^<]+)</strong>Средняя оценка ответа в ПОС.*?href="([^"]+)">(\d+)'
    [(words, address, number)] = re.findall(tile, page)
    assert (words, number) == ("4,5", "2")
    listed = client.get(address.replace("&amp;", "&")).content.decode()
    assert listed.count('class="row-link"') == 2
    for narrowed, shown in (("source=phone", False), ("channel=hotline", False), ("channel=pos", True)):
        assert ("Средняя оценка ответа в ПОС" in client.get(f"{at('opinions')}?{narrowed}").content.decode()) is shown
    table = b"".join(client.get(at("opinions") + "?format=csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert "Всего;2;4,5" in table


def test_of_few_there_is_a_number_and_no_percentage(world: World, says) -> None:
    for _ in range(9):
        says()
    page = desk(world.clerk).get(at("opinions")).content.decode()
    tiles = page.split('class="tiles')[1].split("</ul>")[0]
    assert "%" not in tiles.replace("+ ½ ×", "")
    assert ">9</a>" in tiles


def test_words_in_lists_and_files_show_no_names_and_no_numbers(world: World, says) -> None:
    response = says("-", "no", comment=NAMED)
    client = desk(world.clerk)
    sheet = client.get(at("feedback") + "?format=xlsx").content
    rows = load_workbook(BytesIO(sheet), read_only=True).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    table = " ".join(str(one) for row in rows for one in row)
    csv = b"".join(client.get(at("feedback") + "?format=csv").streaming_content).decode()
    for text in (client.get(at("feedback")).content.decode(), table, csv):
        assert "Ждала час" in text
        assert "000-11-22" not in text
        assert "Петрова" not in text
    full = client.get(at("opinion", response.pk)).content.decode()
    assert "000-11-22" in full
    client.get(at("opinion", response.pk))
    assert AccessEntry.objects.filter(action="opinion.opened").count() == 1


def test_consultants_figures_are_for_heads_only(world: World, says, talks, consultant) -> None:
    talks(said=says(source="phone"))
    reader = world.employee("reader", "Читалова", world.registry, [])
    role = Role.objects.create(code="reads", name="читает", order=1)
    for power in ("surveys.read", "appeals.view_all"):
        RolePower.objects.create(role=role, power=power, valid_from=LONG_AGO)
    RoleAssignment.objects.create(employee=reader, role=role, valid_from=LONG_AGO)
    for who, sees in ((world.clerk, True), (Employee.objects.get(pk=reader.pk), False)):
        client = desk(who)
        page = client.get(at("opinions")).content.decode()
        assert (consultant.short_name in page) is sees
        assert (consultant.short_name in client.get(at("opinion_talks")).content.decode()) is sees
        csv = b"".join(client.get(at("opinions") + "?format=csv").streaming_content).decode()
        assert (consultant.short_name in csv) is sees
    narrowed = desk(reader).get(at("feedback") + f"?consultant={consultant.pk + 1000}").content.decode()
    assert "Найдено: 1" in narrowed, "who may not see consultants does not narrow by them"


def test_an_opinion_is_tagged_handed_over_proposed_and_ended(world: World, says) -> None:
    response = says("-", "no", comment=NAMED)
    tag = OpinionTag.objects.create(name="очередь", valid_from=LONG_AGO)
    client, page = desk(world.clerk), at("opinion", response.pk)
    client.post(page, {"step": "tag", "tags": [tag.pk]})
    refused = client.post(page, {"step": "hand", "text": "Проверить", "unit": ""})
    assert refused.status_code == 422
    assert "Выберите подразделение" in refused.content.decode()
    assert "Проверить</textarea>" in refused.content.decode()
    client.post(page, {"step": "hand", "text": "Проверить очередь", "unit": world.land.pk})
    assert "Проверить очередь" in desk(world.head).get(at("feedback") + "?state=handed").content.decode()
    client.post(page, {"step": "propose", "text": "Сколько ждать приёма?", "unit": ""})
    assert Proposal.objects.get().title == "Ответить на вопрос: «Сколько ждать приёма?»"
    desk(world.head).post(page, {"step": "done", "text": "Открыли второе окно"})
    shown = client.get(at("feedback") + f"?tag={tag.pk}").content.decode()
    assert "Открыли второе окно" in shown
    assert client.post(page, {"step": "done", "text": "Ещё раз"}).status_code == 409


def test_an_executor_reads_what_was_said_about_his_appeals_and_no_more(world: World, says) -> None:
    appeal = world.assigned()
    about = says("-", "no", comment="О вас", channel="email")
    Appeal.objects.filter(pk=appeal.pk).update(invitation=about.invitation)
    says(comment="О других")
    client = desk(world.executor)
    page = client.get(at("feedback")).content.decode()
    assert "О вас" in page
    assert "О других" not in page
    assert client.get(at("opinions")).status_code == 403
    assert client.get(at("opinion", about.pk)).status_code == 403
    assert desk(world.head).get(at("opinion", Response.objects.latest("pk").pk)).status_code == 404


def test_who_allowed_to_be_asked_is_shown_and_listed(world: World, says) -> None:
    response = says()
    says(comment="Без согласия")
    feedback.allow_contact(response.invitation.token)
    page = desk(world.clerk).get(at("feedback") + "?view=contact").content.decode()
    assert "Разрешил связаться" in page
    assert "Без согласия" not in page


def test_the_pages_ask_a_fixed_number_of_questions(world: World, says, talks, django_assert_max_num_queries) -> None:
    client = desk(world.head)
    topic, _ = world.pair()
    for _ in range(2):
        talks(said=says(comment="Слова"), topic=topic)
    client.get(at("opinions"))
    for number in range(10):
        talks(said=says(comment="Слова"), topic=topic, number=f"+7913000000{number}")
    with django_assert_max_num_queries(24):
        client.get(at("opinions"))
    with django_assert_max_num_queries(16):
        client.get(at("feedback"))
    with django_assert_max_num_queries(12):
        client.get(at("opinion_talks"))
