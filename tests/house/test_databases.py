"""The tests' own databases keep their promises."""

import threading

import pytest
from django.db import connection, transaction
from wagtail.models import Page, Site

from otklik.core.models import CalendarYear


@pytest.mark.django_db
def test_wagtail_starts_with_its_root_page_and_site() -> None:
    assert Page.objects.filter(depth=1).count() == 1
    assert Site.objects.filter(is_default_site=True).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", [1, 2])
def test_a_test_with_real_transactions_leaves_nothing_and_takes_nothing(time: int) -> None:
    assert not CalendarYear.objects.filter(year=2030).exists()
    assert Site.objects.filter(is_default_site=True).count() == 1
    CalendarYear.objects.create(year=2030)


@pytest.mark.django_db(transaction=True)
def test_threads_see_what_other_threads_committed() -> None:
    seen = []

    def write() -> None:
        with transaction.atomic():
            CalendarYear.objects.create(year=2031)
        connection.close()

    def read() -> None:
        seen.append(CalendarYear.objects.filter(year=2031).exists())
        connection.close()

    for step in (write, read):
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
    assert seen == [True]


@pytest.mark.django_db
def test_the_run_uses_the_database_it_was_asked_for(pytestconfig: pytest.Config) -> None:
    asked = {"sqlite": "sqlite", "postgres": "postgresql"}[pytestconfig.getoption("db")]
    assert connection.vendor == asked
