"""A search is one row: from the first letter to the material it ended with; of a citizen nothing is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik.core import masking
from otklik.knowledge import finding, materials
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import Audience, Mark, SearchSession

pytestmark = pytest.mark.django_db
KEY, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def garage(garages, publish):
    return publish(garages, "Как оформить гараж")


@pytest.fixture
def desk(reader) -> Client:
    client = Client()
    client.force_login(reader)
    return client


def type_in(client: Client, words: str, key: str = KEY, ms: int = 1500) -> Any:
    headers = {"HX-Request": "true", "X-Search": f"{key}.{ms}"}
    return client.get(reverse("workplace:knowledge"), {"q": words}, headers=headers)


def open_(client: Client, page: Any) -> None:
    assert client.get(reverse("workplace:knowledge_material", args=[page.pk])).status_code == 200


def later(**passed: int) -> None:
    """Let time pass: everything noted so far was so much earlier."""
    for row in SearchSession.objects.all():
        row.began_at -= timedelta(**passed)
        row.last_at -= timedelta(**passed)
        row.save()


def test_however_many_letters_are_typed_the_search_is_one_row(desk, garage, reader, land):
    for number, words in enumerate(("гар", "гараж", "гараж оформить")):
        type_in(desk, words, ms=1500 + 300 * number)
    row = SearchSession.objects.get()
    assert (row.query, row.searches, row.found, row.shown) == ("гараж оформить", 3, 1, [garage.pk])
    assert (row.audience, row.by, row.unit, row.reader) == ("staff", reader, land, "")


def test_a_search_lasts_from_the_first_letter_to_the_opened_material(desk, garage):
    type_in(desk, "гараж", ms=2000)
    later(seconds=10)
    open_(desk, garage)
    row = SearchSession.objects.get()
    assert (row.page_id, row.rank) == (garage.pk, 1)
    assert 12_000 <= row.opened_ms < 22_000
    assert row.used_ms is None


def test_a_search_request_costs_one_statement_more_two_when_it_begins(desk, garage):
    def measured() -> int:
        with CaptureQueriesContext(connection) as queries:
            type_in(desk, "гараж")
        return sum("knowledge_searchsession" in one["sql"] for one in queries)

    assert measured() == 2
    assert measured() == 1


def test_two_tabs_are_two_searches_and_each_ends_with_what_it_showed(desk, garage, leases, publish):
    lease = publish(leases, "Как продлить аренду")
    type_in(desk, "гараж", KEY)
    type_in(desk, "аренда", OTHER)
    open_(desk, garage)
    open_(desk, lease)
    ended = dict(SearchSession.objects.values_list("key", "page"))
    assert ended == {KEY: garage.pk, OTHER: lease.pk}


def test_whoever_goes_back_and_opens_another_has_found_the_other(desk, garage, garages, publish):
    second = publish(garages, "Гараж в кооперативе")
    type_in(desk, "гараж")
    open_(desk, garage)
    later(seconds=40)
    open_(desk, second)
    row = SearchSession.objects.get()
    assert row.page_id == second.pk
    assert row.opened_ms >= 40_000


def test_opening_the_same_again_makes_no_search_longer(desk, garage):
    type_in(desk, "гараж")
    open_(desk, garage)
    before = SearchSession.objects.get().opened_ms
    later(minutes=5)
    open_(desk, garage)
    assert SearchSession.objects.get().opened_ms == before


def test_what_was_opened_from_a_list_of_a_section_ends_no_search(desk, garage):
    open_(desk, garage)
    assert not SearchSession.objects.exists()
    type_in(desk, "вертолёт")
    open_(desk, garage)
    assert SearchSession.objects.get().opened_ms is None


def test_an_answer_that_comes_late_changes_no_search_that_has_ended(desk, garage):
    type_in(desk, "гараж")
    open_(desk, garage)
    type_in(desk, "гара")
    assert SearchSession.objects.get().query == "гараж"


def test_without_scripts_words_changed_are_the_same_search_and_words_after_it_another(desk, garage):
    home = reverse("workplace:knowledge")
    desk.get(home, {"q": "гаражь"})
    desk.get(home, {"q": "гараж"})
    assert SearchSession.objects.get().searches == 2
    open_(desk, garage)
    desk.get(home, {"q": "гараж"})  # back to the same list
    assert SearchSession.objects.count() == 1
    desk.get(home, {"q": "аренда"})
    assert SearchSession.objects.count() == 2


def test_a_form_sent_while_scripts_run_bears_the_first_letter_in_a_cookie(desk, garage):
    desk.cookies["search"] = f"{KEY}.4000"
    text = desk.get(reverse("workplace:knowledge"), {"q": "гараж"}).content.decode()
    row = SearchSession.objects.get()
    assert row.key == KEY
    assert timedelta(seconds=4) <= row.last_at - row.began_at < timedelta(seconds=6)
    assert f'data-search="{KEY}"' in text  # the next letters go on with it


def test_after_half_an_hour_a_search_is_over(desk, garage):
    type_in(desk, "гараж")
    later(minutes=31)
    open_(desk, garage)
    type_in(desk, "гараж снова", OTHER)
    outcomes = dict(SearchSession.objects.values_list("key", "opened_ms"))
    assert outcomes == {KEY: None, OTHER: None}


def test_inserting_into_an_answer_is_use_and_a_material_taken_from_the_list_is_found_by_it(desk, garage, reader):
    type_in(desk, "гараж")
    later(seconds=7)
    materials.record_use(garage.pk, "inserted", by=reader)
    row = SearchSession.objects.get()
    assert row.opened_ms == row.used_ms >= 7000
    later(seconds=7)
    materials.record_use(garage.pk, "inserted", by=reader)
    assert SearchSession.objects.get().used_ms == row.used_ms


def test_turning_a_material_down_is_no_use(desk, garage, reader):
    type_in(desk, "гараж")
    materials.record_use(garage.pk, "declined", by=reader)
    assert SearchSession.objects.get().opened_ms is None


@pytest.mark.parametrize("told", ["", "zz.1", f"{KEY}", f"{KEY}.-5", f"{KEY}.9999999999", f"{KEY}.1e9", f"{KEY}.²"])
def test_what_a_browser_says_is_believed_within_reason(told):
    found = finding.told_by(RequestFactory().get("/", headers={"X-Search": told}))
    assert found.elapsed == timedelta()
    assert found.key in {"", KEY}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["type", "open", "use", "wait"]), st.integers(0, 2_400_000)), max_size=9)
)
def test_times_are_sane_whatever_comes_in_whatever_order(garage, steps):
    who = Searcher(mark="m" * 64)
    with transaction.atomic():
        for number, (step, ms) in enumerate(steps):
            if step == "type":
                told = finding.told_by(RequestFactory().get("/", headers={"X-Search": f"{number % 3:032x}.{ms}"}))
                finding.typed(who, "гараж", [garage.pk], told)
            elif step == "wait":
                later(milliseconds=ms)
            else:
                {"open": finding.opened, "use": finding.used}[step](who, garage.pk)
        for row in SearchSession.objects.all():
            assert row.began_at <= row.last_at <= timezone.now()
            assert row.opened_ms is None or row.opened_ms >= 0
            assert row.used_ms is None or row.used_ms >= row.opened_ms
        transaction.set_rollback(True)


# --- citizens --------------------------------------------------------------------------------------------------------


def test_of_a_citizen_nothing_is_kept_but_a_random_mark(client, garage):
    words = "Гараж Иванов 8 913 123-45-67 ivanov@mail.ru СНИЛС 112-233-445 95"
    headers = {"X-Forwarded-For": "203.0.113.7", "User-Agent": "Neznakomets/1.0"}
    answer = client.get("/kb/", {"q": words}, headers=headers, REMOTE_ADDR="203.0.113.7")
    client.get(garage.url, headers=headers)
    row = SearchSession.objects.get()
    assert (row.by, row.unit, row.audience) == (None, None, "public")
    assert row.query == "гараж ••• ••• ••• снилс •••"
    # The marks are random: a figure of three digits may stand in them by chance.
    kept = [field.attname for field in row._meta.concrete_fields if field.attname not in ("key", "reader")]
    everything = str({name: getattr(row, name) for name in kept})
    for private in ("203.0.113", "Neznakomets", "иванов", "913", "ivanov", "112", answer.cookies[finding.COOKIE].value):
        assert private not in everything
    cookie = answer.cookies[finding.COOKIE]
    assert cookie.value != row.reader
    assert cookie["httponly"]
    assert not cookie["max-age"]  # it goes with the browser's session
    assert len(cookie.value) == 32


@given(st.from_regex(r"(\+7|8)?[ -]?\(?[0-9]{3}\)?[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}", fullmatch=True))
def test_no_telephone_stays_in_words(phone):
    assert not any(sign.isdigit() for sign in masking.words(f"позвоните {phone}, жду"))


@pytest.mark.parametrize("words", ["статья 39.6", "137-фз", "гараж 1987 года", "ст. 10, 59-фз"])
def test_articles_and_years_stay(words):
    assert masking.words(words) == words


@pytest.mark.parametrize("address", ["/", "/kb/"])
def test_a_citizen_who_searches_and_opens_has_found(client, garage, address):
    client.cookies["search"] = f"{KEY}.3000"
    assert client.get(address, {"q": "гараж"}).status_code == 200
    client.get(garage.url)
    row = SearchSession.objects.get()
    assert (row.key, row.page_id, row.audience) == (KEY, garage.pk, "public")
    assert row.opened_ms >= 3000


def test_reading_without_a_search_costs_a_citizen_nothing(client, garage):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(garage.url)
    assert not any("searchsession" in one["sql"] for one in queries)
    assert finding.COOKIE not in answer.cookies


def test_strangers_do_not_end_each_others_searches(client, garage, desk):
    client.get("/kb/", {"q": "гараж"})
    stranger = Client()
    stranger.cookies[finding.COOKIE] = OTHER
    stranger.get(garage.url)
    open_(desk, garage)
    assert SearchSession.objects.get().opened_ms is None


def test_the_table_itself_refuses_a_citizen_with_a_name(reader, land):
    now = timezone.now()
    facts = {"found": 0, "began_at": now, "last_at": now}
    for wrong in ({"by": reader}, {"unit": land}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SearchSession.objects.create(key=KEY, audience=Audience.PUBLIC, reader="x", **facts, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        SearchSession.objects.create(key=KEY, audience=Audience.STAFF, by=reader, reader="x", **facts)


def test_a_program_that_searches_the_site_does_not_fill_the_table(client, garage, monkeypatch):
    monkeypatch.setattr(finding, "MOST_A_MINUTE", 3)
    for number in range(6):
        robot = Client()
        assert "Как оформить гараж" in robot.get("/kb/", {"q": f"гараж {number}"}).content.decode()
    assert SearchSession.objects.count() == 3


def test_measuring_never_keeps_a_reader_from_his_page(client, desk, garage, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(finding.Searcher, "rows", fail)
    assert "Как оформить гараж" in type_in(desk, "гараж").content.decode()
    open_(desk, garage)
    assert client.get("/kb/", {"q": "гараж"}).status_code == 200


def test_what_is_hidden_is_in_no_search_of_a_citizen(client, garage, garages, publish):
    publish(garages, "Тайна гаража", Mark.INTERNAL)
    client.get("/kb/", {"q": "гараж"})
    assert SearchSession.objects.get().shown == [garage.pk]


def test_words_of_long_ago_are_forgotten_and_times_stay(client, desk, garage):
    type_in(desk, "гараж")
    open_(desk, garage)
    client.get("/kb/", {"q": "гараж"})
    times = set(SearchSession.objects.values_list("opened_ms"))
    assert finding.forget_old() == 0
    later(days=401)
    assert finding.forget_old() == 2
    assert finding.forget_old() == 0 or not SearchSession.objects.exclude(query="").exists()
    assert set(SearchSession.objects.values_list("query", "by")) == {("", None)}
    assert set(SearchSession.objects.values_list("opened_ms")) == times
