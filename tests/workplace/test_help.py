"""«Справка», «?» and «Что нового»: found, whole, leading only to what is there, told once."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

import otklik
from otklik.core.models import Installation
from otklik.people.powers import STARTING_ROLES
from otklik.workplace import guides, help_pages, hints, news
from otklik.workplace.help_pages import GUIDES
from otklik.workplace.models import NewsRead
from tests.appeals.conftest import World
from tests.desk import at, desk, entered

TEMPLATES = Path(otklik.__file__).parent / "workplace" / "templates" / "workplace"
USED = re.compile(r'{% hint "([a-z]+)" %}')


@pytest.fixture
def world(db: None) -> World:
    return World()


def anchors(code: str) -> list[str]:
    return [block.anchor for block in help_pages.blocks_of(code) if block.kind == "heading" and block.level > 1]


def test_every_question_mark_leads_to_a_section_that_is_there() -> None:
    for code, hint in hints.HINTS.items():
        assert hint.anchor in anchors(hint.guide), code
        assert hint.url == f"{reverse('workplace:help_guide', args=[hint.guide])}#{hint.anchor}"
        assert len(re.findall(r"[.!?…](?:\s|$)", hint.text)) <= 4, f"{code}: more than a few sentences"


def test_question_marks_stand_at_unusual_words_and_none_is_unknown() -> None:
    places = [(path.name, code) for path in TEMPLATES.rglob("*.html") for code in USED.findall(path.read_text())]
    assert len(places) >= 20
    assert {code for _, code in places} == set(hints.HINTS), "every hint is shown somewhere, every shown one is written"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda one: one.code)
def test_a_guide_leads_only_to_what_is_there_and_a_person_can_follow_it(guide: help_pages.Guide) -> None:
    text = guides.text_of(guide.code, guides.ROLES)
    own = anchors(guide.code)
    assert len(own) >= 4
    assert len(own) == len(set(own)), "no two sections of one name"
    for page, anchor in re.findall(r"\]\(([a-z-]*)(?:\.md)?#([^)]+)\)", text):
        assert anchor in anchors(page or guide.code), (page, anchor)
    for page in re.findall(r"\]\(((?:\.\./)*[a-z-]+\.md)\)", text):
        assert (Path(otklik.__file__).parents[1] / "docs" / "guides" / page).is_file(), page
    for block in help_pages.blocks_of(guide.code):
        if block.kind == "picture":
            assert guides.file_of(block.picture, guides.PICTURES), block.picture
            assert block.lines[0], "a picture says what it shows"
    assert "TODO" not in text


def test_every_role_has_a_guide_of_its_own() -> None:
    for role, (name, powers) in STARTING_ROLES.items():
        own = [one for one in GUIDES if one.powers and set(one.powers) & set(powers)]
        assert own or role == "ekc_operator", name


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2f", "nothing.png", "card.md", "x" * 90])
def test_no_other_file_is_given_out_as_a_picture(world: World, name: str) -> None:
    client = desk(world.clerk)
    assert client.get(f"/desk/help/pictures/{name}").status_code == 404


@pytest.mark.django_db
def test_guides_and_pictures_open_and_ones_own_stand_first(world: World) -> None:
    client = entered(world.executor)
    shelf = client.get(at("help")).content.decode()
    assert shelf.index("Исполнителю") < shelf.index("Других ролей") < shelf.index("Аудитору")
    for one in GUIDES:
        page = client.get(one.url).content.decode()
        assert all(f'id="{anchor}"' in page for anchor in anchors(one.code))
        for source in re.findall(r'<img src="([^"]+)"', page):
            assert client.get(source)["Content-Type"] == "image/png"
    assert client.get(at("help_guide", "nothing")).status_code == 404
    assert client.get(at("help_guide", "api")).status_code == 404


@pytest.mark.parametrize(
    ("query", "anchor"),
    [
        ("карантине", "карантин"),
        ("отозвать замороженный ответ", "замороженный-ответ"),
        ("rfhfynby", "карантин"),
        ("продлением срока", "паузы-продление-контрольный-срок"),
        ("заместитель", "меня-не-будет-замещение"),
    ],
)
def test_a_section_is_found_by_its_words_in_any_form_and_layout(query: str, anchor: str) -> None:
    assert anchor in [hit.section.anchor for hit in help_pages.find(query)][:3]


@pytest.mark.django_db
def test_the_search_shows_sections_and_says_when_there_is_none(world: World) -> None:
    client = entered(world.clerk)
    page = client.get(at("help"), {"q": "Карантин"}).content.decode()
    assert "#карантин" in page
    assert "Ничего не нашлось" in client.get(at("help"), {"q": "синхрофазотрон"}).content.decode()
    for odd in ("", " ", "\x00", "а" * 5000, "<script>"):
        assert client.get(at("help"), {"q": odd}).status_code == 200


def test_ones_own_guide_answers_before_others() -> None:
    own = [one for one in GUIDES if one.code == "head"]
    first = help_pages.find("согласовать ответ", own)[0]
    assert first.section.guide.code == "head"


@pytest.mark.django_db
def test_a_question_mark_is_a_disclosure_that_can_be_read_aloud(world: World) -> None:
    appeal = world.registered()
    page = desk(world.clerk).get(at("card", appeal.pk)).content.decode()
    assert 'aria-label="Что это: режим"' in page
    assert hints.HINTS["regime"].url in page


# --- what is new ------------------------------------------------------------------------------------------------------


def test_the_newest_version_has_an_entry_and_they_go_back_in_time() -> None:
    told = news.releases()
    assert told[0].version == otklik.__version__
    assert all(one.blocks for one in told)
    assert [one.on for one in told] == sorted((one.on for one in told), reverse=True)


@pytest.mark.django_db
def test_after_an_update_each_is_told_once(world: World, production: Installation) -> None:
    newest = news.releases()[0]
    before = timezone.now() - timedelta(days=3000)
    Installation.objects.update(since=before)
    clerk, head = desk(world.clerk), desk(world.head)
    said = f"обновлён до версии {newest.version}"
    assert said in clerk.get(at("today")).content.decode()
    assert said in clerk.get(at("today")).content.decode(), "seeing the line is not reading"
    assert clerk.post(at("news_told"), {"read": "1"})["Location"] == at("whats_new")
    assert newest.version in clerk.get(at("whats_new")).content.decode()
    assert said not in clerk.get(at("today")).content.decode()
    assert said in head.get(at("today")).content.decode()
    assert head.post(at("news_told"))["Location"] == at("today")
    assert said not in head.get(at("today")).content.decode()
    NewsRead.objects.update(version="0.0.1")
    assert said in desk(world.clerk).get(at("today")).content.decode(), "a later update is told again"


@pytest.mark.django_db
def test_a_new_installation_tells_of_no_update(world: World, production: Installation) -> None:
    Installation.objects.update(since=timezone.now() + timedelta(days=1))
    client = desk(world.clerk)
    assert "обновлён до версии" not in client.get(at("today")).content.decode()
    assert client.get(at("whats_new")).status_code == 200


def test_the_wheel_carries_guides_pictures_and_news() -> None:
    project = (Path(otklik.__file__).parents[1] / "pyproject.toml").read_text()
    for source, place in (
        ("docs/guides", guides.ROLES[0]),
        ("docs/pictures", guides.PICTURES[0]),
        ("docs/whats-new.md", guides.NEWS[0] / "whats-new.md"),
    ):
        assert f'"{source}" = "{place.relative_to(Path(otklik.__file__).parents[1])}"' in project
