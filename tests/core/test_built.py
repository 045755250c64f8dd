"""What is built once is the question: its answer is always today's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from otklik.core import built
from otklik.people.models import Applicant, Contact, Unit


@pytest.mark.django_db
def test_the_question_is_built_once_and_asked_anew() -> None:
    times = []

    @built.once
    def named(name: str) -> QuerySet[Unit]:
        times.append(name)
        return Unit.objects.filter(name=name)

    assert list(named("Архив")) == []
    made = Unit.objects.create(name="Архив", valid_from="2026-01-01")
    assert list(named("Архив")) == [made]
    assert list(named("Отдел писем")) == []
    assert times == ["Архив", "Отдел писем"]


@pytest.mark.django_db
def test_a_statement_is_made_once_and_gets_its_values_at_each_asking() -> None:
    times = []

    @built.asked
    def come(kind: str, *, since: datetime, name: str) -> QuerySet[Applicant]:
        times.append(kind)
        told = Exists(Contact.objects.filter(applicant=OuterRef("pk"), value=name))
        return Applicant.objects.filter(kind=kind, created_at__gte=since).filter(Q(last_name=name) | told)

    now = timezone.now()
    hour_ago, in_an_hour = now - timedelta(hours=1), now + timedelta(hours=1)
    assert come("person", since=hour_ago, name="Иванова") == []
    made = Applicant.objects.create(last_name="Иванова")
    assert come("person", since=hour_ago, name="Иванова") == [made]
    assert come("person", since=in_an_hour, name="Иванова") == []
    assert come("person", since=hour_ago, name="Петрова") == []
    Contact.objects.create(applicant=made, kind="phone", value="Петрова")
    assert come("person", since=hour_ago, name="Петрова") == [made]
    assert come("organisation", since=hour_ago, name="Иванова") == []
    assert times == ["person", "organisation"]


@pytest.mark.django_db
def test_what_a_queryset_brings_besides_rows_comes_every_time() -> None:
    @built.asked
    def of(name: str) -> QuerySet[Contact]:
        return Contact.objects.filter(value=name).select_related("applicant").annotate(said=Value("да"))

    @built.asked
    def with_contacts(*, name: str) -> QuerySet[Applicant]:
        return Applicant.objects.filter(last_name=name).prefetch_related("contacts")

    @built.asked
    def counted(kind: str) -> QuerySet[Applicant, tuple[str, int]]:
        each = Applicant.objects.filter(kind=kind).order_by().annotate(of=Value(kind)).values("of")
        rows = each.annotate(rows=Count("pk")).values_list("of", "rows")
        none = Applicant.objects.filter(pk__in=[]).order_by().annotate(of=Value("нет"), rows=Value(0))
        return rows.union(none.values_list("of", "rows"), all=True)

    @built.asked
    def nothing() -> QuerySet[Applicant]:
        return Applicant.objects.none()

    for number in (1, 2):
        person = Applicant.objects.create(last_name="Иванова")
        Contact.objects.create(applicant=person, kind="email", value="one@example.ru")
        rows = of("one@example.ru")
        assert [(row.applicant.last_name, row.said) for row in rows] == [("Иванова", "да")] * number
        assert [list(one.contacts.all()) for one in with_contacts(name="Иванова")] == [[row] for row in rows]
        assert counted("person") == [("person", number)]
        assert counted("organisation") == [("organisation", 0)]
        assert nothing() == []


@pytest.mark.django_db(transaction=True)
def test_threads_ask_the_same_each_with_values_of_its_own() -> None:
    @built.asked
    def named(*, name: str) -> QuerySet[Applicant, tuple[str]]:
        return Applicant.objects.filter(last_name=name).values_list("last_name")

    names = [f"Иванова-{number}" for number in range(20)]
    Applicant.objects.bulk_create([Applicant(last_name=name, name_key=name) for name in names])

    def ask(name: str) -> bool:
        try:
            return all(named(name=name) == [(name,)] for _ in range(20))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, names))
    assert connection.in_atomic_block is False
